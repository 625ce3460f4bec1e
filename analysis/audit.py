"""Whether a session's table says what was recorded, what was planned and what the images are; and what is odd in it.

What contradicts is refused (`check_record`, `check_images`); what is merely remarkable is kept, named and
counted, with what the analysis does about it (`audit`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.errors import LookalikeError
from data.files import read_json, sha256
from data.record import read_record
from data.trials import PLAN, RECORD, BehFile, refuse_rows, session_folder

if TYPE_CHECKING:  # whoever gives no stimulus set needs no images
    from stimuli.sets import StimulusSet

FASTEST_S = 0.2  # s; a judgement of an image that comes sooner was not made on it (Whelan 2008, Psychol. Rec. 58:475)
AUDIT_COLUMNS = ("participant", "session", "found", "trials", "which", "policy")
_NAMED = 10  # trials named in a row


def audit(participant: str, session: int, main: pd.DataFrame) -> pd.DataFrame:
    """What is remarkable in a session's main trials: one row per finding, with columns `AUDIT_COLUMNS`.

    `trials` counts them, `which` names the first ten by trial number, `policy` says what the analysis does.
    """
    answered, rated = (main[name].notna().to_numpy() for name in ("response", "confidence"))
    fast = answered & (main["response_time"].to_numpy(dtype=float) < FASTEST_S)
    findings = [
        ("no answer", ~answered, "left out and counted"),
        ("an answer without a confidence", answered & ~rated, "counts in d', not in the ROC"),
        ("a confidence without an answer", ~answered & rated, "left out"),
        (f"answered within {FASTEST_S:g} s", fast, "kept; look whether keys were held down"),
        ("images of one truth only", _constant(main["truth"], answered), "no d' and no AUC"),
        ("one answer to every image", _constant(main["response"], answered), "kept; d' rests on the correction"),
        ("one confidence throughout", _constant(main["confidence"], answered & rated), "kept; the ROC has one point"),
    ]
    rows = []
    for found, where, policy in findings:
        if where.any():
            trials = main["trial"].to_numpy()[where].tolist()
            more = f" and {len(trials) - _NAMED} more" if len(trials) > _NAMED else ""
            rows.append((participant, session, found, len(trials), ", ".join(map(str, trials[:_NAMED])) + more, policy))
    return pd.DataFrame(rows, columns=list(AUDIT_COLUMNS))


def _constant(values: pd.Series, where: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """`where`, if the values there are all the same; else nowhere."""
    some = values.to_numpy()[where]
    return where & bool(some.size and (some == some[0]).all())


def check_record(folder: Path, file: BehFile, table: pd.DataFrame) -> tuple[Path, ...]:
    """Hold a session's table against its record and plan; return the two, or nothing where there is no record.

    Raises `LookalikeError` if an answer is not the record's, a planned trial has no row or another image,
    the record is damaged (a last line cut short by a crash is not damage), or the plan is missing or not
    the one that the record names.
    """
    place = session_folder(folder, file.participant, file.session)
    record, plan = place / RECORD, place / PLAN
    if not record.exists():
        return ()
    cure = f"restore the table from a backup, or move it away and run 'lookalike export {folder}'"
    table = table.sort_index()  # as on disk, so that rows are counted as there
    log = read_record(record)
    answers = {event["trial"]: event for event in log.of("answer")}
    unanswered = [{"stimulus_id": image} for image in table["stimulus_id"]]
    recorded = [answers.get(trial, none) for trial, none in zip(table["trial"], unanswered, strict=True)]
    for column in ("stimulus_id", "response", "confidence"):
        bad = _differs(table[column], (one.get(column) for one in recorded))
        refuse_rows(bad, str(file.path), f"{column} is not that of the record {record}", cure)
    # The plan that a record names by its hash was whole when the session began, so it is not validated again.
    if not plan.exists() or sha256(plan) != log.start["plan_sha256"]:
        raise LookalikeError(f"{plan}: is missing or not the plan of the {RECORD} beside it; restore it from a backup")
    planned = {trial["stimulus_id"]: trial for trial in read_json(plan)["trials"]}
    _refuse_other_images(file, table, planned, plan, cure)
    lost = sorted(trial["trial"] for image, trial in planned.items() if image not in set(table["stimulus_id"]))
    if lost:
        raise LookalikeError(
            f"{file.path}: {len(lost)} of the {len(planned)} trials in {plan} have no row (first, trial {lost[0]}); "
            f"{cure}"
        )
    return record, plan


def check_images(file: BehFile, table: pd.DataFrame, stimuli: StimulusSet) -> None:
    """Hold a session's table against the set that was shown: ids, truth, role, and file where it is stated.

    Raises `LookalikeError` naming the rows that differ.
    """
    known = {row["stimulus_id"]: row for row in stimuli.table.to_dict("records")}
    cure = "restore the table from a backup, or set the session aside"
    _refuse_other_images(file, table.sort_index(), known, stimuli.folder / "stimuli.csv", cure)


def _refuse_other_images(
    file: BehFile, table: pd.DataFrame, known: Mapping[str, Mapping[str, Any]], source: Path, cure: str
) -> None:
    refuse_rows(~table["stimulus_id"].isin(list(known)), str(file.path), f"stimulus_id is not in {source}", cure)
    images = [known[image] for image in table["stimulus_id"]]
    for column, name in (("truth", "truth"), ("role", "role"), ("stim_file", "file")):
        bad = _differs(table[column], (image[name] for image in images)) & table[column].notna()
        refuse_rows(bad, str(file.path), f"{column} is not that of {source}", cure)


def _differs(found: pd.Series, expected: Iterable[Any]) -> pd.Series:
    """Where two columns differ; missing on both sides is no difference."""
    wanted = pd.Series(list(expected), index=found.index, dtype=object)
    return ~((found.astype(object) == wanted) | (found.isna() & wanted.isna()))
