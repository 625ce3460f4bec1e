"""Whether a session's table agrees with its record, its plan and the stimulus set, and what is unusual in it.

Contradictions are refused (`check_record`, `check_images`); what is merely unusual is kept, named and counted, with
what the analysis does about it (`audit`).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from data.arrays import Flags
from data.bids import PLAN, RECORD, BehFile, session_folder
from data.errors import LookalikeError
from data.files import sha256
from data.plan import Plan, read_plan
from data.record import read_record
from data.trials import refuse_rows

if TYPE_CHECKING:  # images are read only where a stimulus set is given
    from stimuli.sets import StimulusSet

FASTEST_S = 0.2  # s; a faster answer cannot be a judgement of the image (Whelan 2008, Psychol. Rec. 58:475)
AUDIT_COLUMNS = ("participant", "session", "found", "trials", "which", "policy")
_NAMED = 10  # trials, or sessions, named in a row
_FEWEST_TIMES, _FEWEST_ANSWERS = 10, 20  # that are not the same by chance


def audit(participant: str, session: int, main: pd.DataFrame) -> pd.DataFrame:
    """What is unusual in a session's main trials: one row per finding, with columns `AUDIT_COLUMNS`.

    `trials` counts the trials, `which` lists the numbers of the first ten, `policy` says what the analysis does.
    """
    return pd.DataFrame(findings_of(participant, session, main), columns=list(AUDIT_COLUMNS))


def findings_of(participant: str, session: int, main: pd.DataFrame) -> list[tuple[object, ...]]:
    """The rows of `audit`; of many sessions it is quicker to make one table of all than one of each."""
    answered, rated = (main[name].notna().to_numpy() for name in ("response", "confidence"))
    fast = answered & (main["response_time"].to_numpy(dtype=float) < FASTEST_S)
    findings = [
        ("no answer", ~answered, "left out and counted"),
        ("an answer without a confidence", answered & ~rated, "counts in d', not in the ROC"),
        ("a confidence without an answer", ~answered & rated, "left out"),
        (f"answered within {FASTEST_S:g} s", fast, "kept; check whether keys were held down"),
        ("images of one truth only", _constant(main["truth"], answered), "no d' and no AUC"),
        ("one answer to every image", _constant(main["response"], answered), "kept; d' rests on the correction"),
        ("one confidence throughout", _constant(main["confidence"], answered & rated), "kept; the ROC has one point"),
    ]
    rows: list[tuple[object, ...]] = []
    for found, where, policy in findings:
        if where.any():
            trials = main["trial"].to_numpy()[where].tolist()
            more = f" and {len(trials) - _NAMED} more" if len(trials) > _NAMED else ""
            rows.append((participant, session, found, len(trials), ", ".join(map(str, trials[:_NAMED])) + more, policy))
    return rows


def copies(sessions: Iterable[tuple[str, int, pd.DataFrame]]) -> tuple[str, ...]:
    """Sessions, by participant, number and main trials, that hold the same answers in the same order: a sentence each.

    Two people may tell all images apart, so it takes ten response times or more, or twenty answers of which some are
    wrong, with confidences that vary.
    """
    # Sums, exact and so the same in any order of rows, already differ for nearly all: few are compared in full.
    summed: dict[tuple[float, ...], list[tuple[str, int, pd.DataFrame]]] = {}
    for one in sessions:
        values = (one[2][name].to_numpy(dtype=float) for name in ("confidence", "response_time"))
        key = (len(one[2]), *(math.fsum(some[~np.isnan(some)]) for some in values))
        summed.setdefault(key, []).append(one)
    alike: dict[tuple[object, ...], list[str]] = {}
    for participant, session, main in itertools.chain(*(some for some in summed.values() if len(some) > 1)):
        if (answers := _answers(main)) is not None:
            alike.setdefault(answers, []).append(f"{participant} (session {session})")
    return tuple(_copied(names) for names in alike.values() if len(names) > 1)


def _answers(main: pd.DataFrame) -> tuple[object, ...] | None:
    """A session's answers in order, to compare; None if they may be those of two people by chance."""
    said = main["response"].notna().to_numpy()
    confidence, time = (main[name].to_numpy(dtype=float) for name in ("confidence", "response_time"))
    timed, varied = (np.unique(values[said & ~np.isnan(values)]).size for values in (time, confidence))
    wrong = bool((main["response"] != main["truth"]).to_numpy()[said].any())
    if timed < _FEWEST_TIMES and not (said.sum() >= _FEWEST_ANSWERS and varied > 1 and wrong):
        return None
    order = np.argsort(main["trial"].to_numpy(), kind="stable")
    words = (tuple(main[name].to_numpy(dtype=object)[order]) for name in ("stimulus_id", "response"))
    return (*words, confidence[order].tobytes(), time[order].tobytes())


def _copied(names: list[str]) -> str:
    shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    return f"{shown}: the same answers to the same images in the same order; are they copies of one session?"


def _constant(values: pd.Series, where: Flags) -> Flags:
    """`where`, if the values there are all the same; else nowhere."""
    some = values.to_numpy()[where]
    return where & bool(some.size and (some == some[0]).all())


@dataclass(frozen=True)
class Recorded:
    """What `sourcedata` holds of a session: the files that its table was checked against, and its plan."""

    files: tuple[Path, ...]
    plan: Plan | None


def check_record(folder: Path, file: BehFile, table: pd.DataFrame) -> Recorded:
    """Check a session's table against its record and plan, where `sourcedata` holds them.

    Without a record nothing is checked, and `files` is empty. Raises `LookalikeError` if an answer is not the record's,
    a planned trial has no row or another image, the record is damaged (a last line cut short by a crash is not
    damage), or the plan is missing or is not the one that the record names.
    """
    place = session_folder(folder, file.participant, file.session)
    record, plan_file = place / RECORD, place / PLAN
    if not record.exists():
        return Recorded((), read_plan(plan_file) if plan_file.exists() else None)
    cure = f"restore the table from a backup, or move it away and run 'lookalike export {folder}'"
    table = table.sort_index()  # as on disk, so that rows are counted as there
    log = read_record(record)
    _refuse_other_answers(file, table, {event["trial"]: event for event in log.of("answer")}, record, cure)
    if not plan_file.exists() or sha256(plan_file) != log.start["plan_sha256"]:
        why = f"is missing or is not the plan that the {RECORD} beside it names"
        raise LookalikeError("altered-file", f"{plan_file}: {why}; restore it from a backup")
    plan = read_plan(plan_file)
    planned = {
        trial.stimulus_id: {"truth": trial.truth, "role": trial.role, "file": trial.file} for trial in plan.trials
    }
    _refuse_other_images(file, table, planned, plan_file, cure)
    shown = set(table["stimulus_id"])
    lost = [trial.trial for trial in plan.trials if trial.stimulus_id not in shown]
    if lost:
        count = f"{len(lost)} of the {len(plan.trials)} trials in {plan_file}"
        raise LookalikeError("missing-trials", f"{file.path}: {count} have no row (first, trial {lost[0]}); {cure}")
    return Recorded((record, plan_file), plan)


def check_images(file: BehFile, table: pd.DataFrame, stimuli: StimulusSet) -> None:
    """Check a session's table against the set that was shown: ids, truth, role, and file where it is stated.

    Raises `LookalikeError` naming the rows that differ.
    """
    known = {row["stimulus_id"]: row for row in stimuli.table.to_dict("records")}
    cure = "restore the table from a backup, or exclude the session"
    _refuse_other_images(file, table.sort_index(), known, stimuli.folder / "stimuli.csv", cure)


def _refuse_other_answers(
    file: BehFile, table: pd.DataFrame, answers: Mapping[int, Mapping[str, Any]], record: Path, cure: str
) -> None:
    unanswered = [{"stimulus_id": image} for image in table["stimulus_id"]]
    recorded = [answers.get(trial, none) for trial, none in zip(table["trial"], unanswered, strict=True)]
    for column in ("stimulus_id", "response", "confidence"):
        bad = _differs(table[column], (one.get(column) for one in recorded))
        refuse_rows(bad, str(file.path), f"{column} is not that of the record {record}", cure, code="table-differs")


def _refuse_other_images(
    file: BehFile, table: pd.DataFrame, known: Mapping[str, Mapping[str, Any]], source: Path, cure: str
) -> None:
    strange = ~table["stimulus_id"].isin(list(known))
    refuse_rows(strange, str(file.path), f"stimulus_id is not in {source}", cure, code="unknown-image")
    images = [known[image] for image in table["stimulus_id"]]
    for column, name in (("truth", "truth"), ("role", "role"), ("stim_file", "file")):
        bad = _differs(table[column], (image[name] for image in images)) & table[column].notna()
        refuse_rows(bad, str(file.path), f"{column} is not that of {source}", cure, code="other-image")


def _differs(found: pd.Series, expected: Iterable[Any]) -> pd.Series:
    """Where two columns differ; a value missing in both does not count as a difference."""
    wanted = pd.Series(list(expected), index=found.index, dtype=object)
    return ~((found.astype(object) == wanted) | (found.isna() & wanted.isna()))
