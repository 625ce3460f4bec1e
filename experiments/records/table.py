"""From plan and record to the table of a session's trials, whatever the kind of task."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import dropwhile
from typing import Any

import pandas as pd

from data.kinds.registry import find
from data.plan import Plan
from data.record import Event, Log
from data.trials import AROUND_NOTES, FLOW_NOTES, GAPS_OF_A_LIMIT

# What an unanswered trial's row says of the session so far, and says otherwise once the session has resumed.
_PASSING = ("onset", "after_gap", "fixation_time", "times_missed")


_WHOLE = ("confidence", "block", "rating_category", "times_undone", "times_missed")


def columns(plan: Plan) -> dict[str, Mapping[str, Any]]:
    """The columns of a plan's table, in order, and what they mean; without those that the plan does not ask for."""
    around = {name: note for name, note in AROUND_NOTES.items() if plan.keys or name != "key_mapping"}
    if plan.flow.timeout_s is not None:
        gap = around["after_gap"]
        around["after_gap"] = {**gap, "Levels": {**gap["Levels"], **GAPS_OF_A_LIMIT}}
    asked = {
        "exposure_time": plan.exposure_s is not None,
        "fixation_time": plan.flow.fixation_s is not None,
        "rating_category": bool(plan.rating_levels),
        "times_undone": plan.flow.undo is not None,
        "first_response": plan.flow.undo is not None,
        "times_missed": plan.flow.timeout_s is not None,
    }
    notes = {
        **find(plan.kind).columns,
        **around,
        **{name: FLOW_NOTES[name] for name, is_asked in asked.items() if is_asked},
    }
    return {name: note for name, note in notes.items() if plan.confidence_levels or not name.startswith("confidence")}


def trial_table(plan: Plan, log: Log) -> pd.DataFrame:
    """The columns `columns(plan)`, one row per planned trial; what was never answered has no answer."""
    onsets = {event["trial"]: event["onset"] for event in log.of("onset")}
    around = _around(log)
    answers = {event["trial"]: event for event in log.of("answer")}
    gaps, keys = _gaps(log), " ".join(f"{answer}={key}" for answer, key in plan.keys.items())
    kind = find(plan.kind)
    rows = [
        {
            "trial": trial.trial,
            "role": trial.role,
            **kind.row(trial),
            "onset": onsets.get(trial.trial),
            "block": None if trial.role == "practice" else trial.block,
            "after_gap": gaps.get(trial.trial, "no"),
            "key_mapping": keys,
            **_flowed(answers.get(trial.trial, {}), around.get(trial.trial, _NOTHING)),
            **kind.answered(trial, answers.get(trial.trial, {})),
        }
        for trial in plan.trials
    ]
    table = kind.finish(pd.DataFrame(rows))
    whole = {name: "Int64" for name in _WHOLE if name in columns(plan)}
    return table.reindex(columns=list(columns(plan))).astype(whole)


def narrowed(fresh: bytes, there: bytes) -> bytes:
    """`fresh` with only the columns of `there`: what an older version, which knew fewer, would have written."""
    rows = [line.split(b"\t") for line in fresh.splitlines()]
    header = (there.splitlines() or [b""])[0].split(b"\t")
    if not set(header) <= set(rows[0]):
        return fresh
    places = [rows[0].index(name) for name in header]
    return b"".join(b"\t".join(row[place] for place in places) + b"\n" for row in rows)


def is_earlier(there: bytes, fresh: bytes, answer_column: str) -> bool:
    """Whether `there` is the same table after fewer answers: equal rows, then only unanswered ones.

    An image that was missed and comes again is unanswered among answered ones.
    """
    # A column of whole numbers is written with a point as long as a row of it is empty.
    before, now = (
        [[cell.removesuffix(b".0") for cell in line.split(b"\t")] for line in table.splitlines()]
        for table in (there, fresh)
    )
    if not before or before[0] != now[0] or len(before) != len(now):
        return False
    names = [name.decode() for name in now[0]]
    passing = [names.index(name) for name in _PASSING if name in names]
    response = names.index(answer_column)
    times = names.index("times_missed") if "times_missed" in names else None
    pairs = list(zip(before, now, strict=True))
    # Text in the header, and nothing where there was no time limit.
    missed = [times is not None and old[times] not in (b"times_missed", b"0", b"n/a") for old, _ in pairs]
    in_order = [pair for pair, again in zip(pairs, missed, strict=True) if not again]
    out_of_order = [pair for pair, again in zip(pairs, missed, strict=True) if again and not _alike(pair)]
    later = [*dropwhile(_alike, in_order), *out_of_order]
    return all(
        len(old) == len(new)
        and old[response] == b"n/a"
        and all(was in (b"n/a", new[place]) or place in passing for place, was in enumerate(old))
        for old, new in later
    )


def _alike(rows: tuple[list[bytes], list[bytes]]) -> bool:
    return rows[0] == rows[1]


def _gaps(log: Log) -> dict[int, str]:
    """The trials that were the first after a break or a resume, and which of the two."""
    found: dict[int, str] = {}
    gap, repeating = "", False
    for event in log.events:
        if event["event"] == "resume":
            gap = "resume-seen" if event["seen"] else "resume"
        elif event["event"] == "state" and event["state"] == "break":
            gap = "break"
        elif event["event"] == "state":
            repeating = event["state"] == "repeat"
        elif event["event"] == "missed":
            gap = "missed"
        elif event["event"] == "onset" and (gap or repeating):
            found[event["trial"]], gap = "repeat" if repeating else gap, ""
    return found


@dataclass
class _Around:
    """What the record says of a trial besides its answer."""

    fixation_time: float | None = None
    missed: int = 0
    undone: list[Event] = field(default_factory=list)


_NOTHING = _Around()


def _around(log: Log) -> dict[int, _Around]:
    found: dict[int, _Around] = defaultdict(_Around)
    for event in log.of("onset"):
        if event.get("fixation_onset") is not None:
            found[event["trial"]].fixation_time = round(event["onset"] - event["fixation_onset"], 6)
    for event in log.of("missed"):
        found[event["trial"]].missed += 1
    for event in log.of("undone"):
        found[event["trial"]].undone.append(event)
    return dict(found)


def _flowed(answer: Event, around: _Around) -> dict[str, Any]:
    """The columns `FLOW_NOTES` of a trial."""
    row: dict[str, Any] = {"fixation_time": around.fixation_time, "times_missed": around.missed}
    if answer:
        said = [one["response"] for event in (*around.undone, answer) for one in (*event.get("undone", ()), event)]
        row |= {name: answer.get(name) for name in ("exposure_time", "rating_category")}
        row |= {"first_response": said[0], "times_undone": len(said) - 1}
    return row
