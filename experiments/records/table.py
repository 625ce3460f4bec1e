"""From plan and record to the table of a session's trials, whatever the kind of task."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import dropwhile
from typing import Any

import pandas as pd

from data.kinds.registry import find
from data.plan import Plan
from data.record import Log
from data.trials import AROUND_NOTES

# What an unanswered trial's row says of the session so far, and says otherwise once the session has resumed.
_PASSING = ("onset", "after_gap")
_EXPOSURE = {
    "exposure_time": {
        "Description": "How long the image, or the images of a pair, actually stayed: from onset to mask or blank.",
        "Units": "s",
    }
}


def columns(plan: Plan) -> dict[str, Mapping[str, Any]]:
    """The columns of a plan's table, in order, and what they mean; without those that the plan does not ask for."""
    exposure = {} if plan.exposure_s is None else _EXPOSURE
    around = {name: note for name, note in AROUND_NOTES.items() if plan.keys or name != "key_mapping"}
    notes = {**find(plan.kind).columns, **around, **exposure}
    return {name: note for name, note in notes.items() if plan.confidence_levels or not name.startswith("confidence")}


def trial_table(plan: Plan, log: Log) -> pd.DataFrame:
    """The columns `columns(plan)`, one row per planned trial; what was never answered has no answer."""
    onsets = {event["trial"]: event["onset"] for event in log.of("onset")}
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
            "exposure_time": answers.get(trial.trial, {}).get("exposure_time"),
            **kind.answered(trial, answers.get(trial.trial, {})),
        }
        for trial in plan.trials
    ]
    table = kind.finish(pd.DataFrame(rows))
    whole = {name: "Int64" for name in ("confidence", "block") if name in columns(plan)}
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
    """Whether `there` is the same table after fewer answers: equal rows, then only unanswered ones."""
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
    later = dropwhile(lambda rows: rows[0] == rows[1], zip(before, now, strict=True))
    return all(
        len(old) == len(new)
        and old[response] == b"n/a"
        and all(was in (b"n/a", new[place]) or place in passing for place, was in enumerate(old))
        for old, new in later
    )


def _gaps(log: Log) -> dict[int, str]:
    """The trials that were the first after a break or a resume, and which of the two."""
    found: dict[int, str] = {}
    gap = ""
    for event in log.events:
        if event["event"] == "resume":
            gap = "resume-seen" if event["seen"] else "resume"
        elif event["event"] == "state" and event["state"] == "break":
            gap = "break"
        elif event["event"] == "onset" and gap:
            found[event["trial"]], gap = gap, ""
    return found
