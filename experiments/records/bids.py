"""From plan and record to BIDS: the trial table, its sidecar, and the files a data set needs around it.

Images are not copied: medical images have one home. BIDS looks for `stim_file` in the data set's
`stimuli/`, so a stimulus set built there (or copied there before sharing) is found; where images may
not be shared, a BIDS validator reports STIMULUS_FILE_MISSING and nothing else.

The record is what was measured; the table is derived from it, and can be made from it at any time.
"""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from data.bids import (
    PLAN,
    RECORD,
    RecordedSession,
    beh_path,
    read_sidecar,
    recorded_sessions,
    session_folder,
    write_beh,
)
from data.errors import LookalikeError
from data.files import write_json, write_text
from data.kinds.adaptive import estimate
from data.kinds.registry import find
from data.plan import Plan, read_plan
from data.record import Log, read_record
from experiments.records.participants_table import list_participants
from experiments.records.record import check_together, is_complete, is_running
from experiments.records.table import columns, is_earlier, narrowed, trial_table
from experiments.tasks.instructions import instructions

BIDS_VERSION = "1.10.0"
_README = """# {name}

Participants were shown images and answered after each; what they were asked is in every table's sidecar
(TaskDescription, Instructions). One table per session is in `sub-*/ses-*/beh/`; its sidecar (.json) explains every
column and names the plan, the study file and the images by SHA-256. Session 1 is the main measure; later sessions show
the same images in another order. The plans and the event-by-event records that the tables were made from are in
`sourcedata/`.

The images belong in `stimuli/`: the folder of the stimulus set, which holds `images/` and `stimuli.csv`, or of the
morph loops. They are not here if they may not be shared.

Recorded with Lookalike.
"""
Outcome = Literal["written", "rewritten", "unchanged", "running", "failed"]


@dataclass(frozen=True)
class Exported:
    """What became of one recorded session.

    `outcome` is *written* (it had no table, or no sidecar), *rewritten* (its record has grown since),
    *unchanged*, *running* (left alone: it is exported at its end) or *failed* (`problem` says why).
    `table` is None where there is none; `trials` is None where the plan cannot be read.
    """

    participant: str
    session: int
    outcome: Outcome
    table: Path | None
    answered: int
    trials: int | None
    complete: bool
    problem: str | None = None


def export_all(data: Path) -> list[Exported]:
    """Export every session recorded in `data` to BIDS, complete or not.

    Each session ends with an export; this is for those that a kill, a power cut or a full disk left without a table.
    Repeating it changes nothing, except that a table exported before its record ended is replaced. A session that
    cannot be exported does not keep the others from being exported.

    A session that is running on this machine is skipped (see `record.is_running`). Where that cannot be known, it is
    exported as incomplete, and its table is replaced when it ends.

    Parameters
    ----------
    data : Path
        Folder with the data of all participants, the BIDS data set.

    Returns
    -------
    list of Exported
        What became of each session, in order of participant and session.

    Raises
    ------
    LookalikeError
        If no session was recorded.

    Examples
    --------
    >>> import experiments
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from stimuli.sets import Candidate, Layout, build_set
    >>> rng = np.random.default_rng(1)
    >>> real, generated = ([Candidate(rng.random((16, 16), dtype=np.float32), f"{source}:{n}") for n in range(50)]
    ...                    for source in ("patch", "seed"))
    >>> stimuli = build_set(Path("stimuli"), real, generated, Layout(main=100), {})
    >>> setup = experiments.Setup("simulated", window=False)
    >>> result = experiments.run_first_session(stimuli.folder, Path("data"), "sim1", setup=setup)
    >>> [(one.participant, one.session, one.outcome) for one in experiments.export_all(Path("data"))]
    [('sim1', 1, 'unchanged')]
    """
    data = Path(data)
    recorded = recorded_sessions(data)
    if not recorded:
        raise LookalikeError(
            "no-sessions",
            f"{data}: no sourcedata/sub-*/ses-*/{RECORD} in it; give the folder that holds the sessions' data",
        )
    return [_try_export(data, one) for one in recorded]


def export_session(data: Path, participant: str, session: int) -> Path:
    """Write one session's table, sidecar and surroundings below `data`; return the table's path.

    Every planned trial has a row; one that was never answered has `n/a` for its answer. Exporting
    once more changes nothing, unless the record has grown: then the table is replaced. Raises
    `LookalikeError` if plan and record do not belong together, a table exists that says anything
    but what the record says, or the data folder cannot be written.
    """
    folder = session_folder(data, participant, session)
    plan, log = read_plan(folder / PLAN), read_record(folder / RECORD)
    return _export(Path(data), participant, session, plan, log)[0]


def _try_export(data: Path, one: RecordedSession) -> Exported:
    name = (one.participant, one.session)
    trials: int | None = None
    complete = False
    try:
        running = is_running(one.folder / RECORD)  # asked first: what is read after a No is the whole record
        plan, log = read_plan(one.folder / PLAN), read_record(one.folder / RECORD)
        trials, complete = len(plan.trials), is_complete(plan, log)
        if running:
            return Exported(*name, "running", None, one.answered, trials, complete)
        table, outcome = _export(data, *name, plan, log)
    except LookalikeError as error:
        there = next(data.glob(f"sub-{one.participant}/ses-{one.session}/beh/*_beh.tsv"), None)
        return Exported(*name, "failed", there, one.answered, trials, complete, str(error))
    return Exported(*name, outcome, table, one.answered, trials, complete)


def _export(data: Path, participant: str, session: int, plan: Plan, log: Log) -> tuple[Path, Outcome]:
    check_together(plan, log)
    path, about, frame = beh_path(data, participant, session, plan.task), _about(plan, log), trial_table(plan, log)
    try:
        outcome = _compare(path, about, frame, plan, log)
        if outcome != "unchanged":
            # Two processes may export one session at the same time; both write the same.
            write_beh(data, frame, participant, session, plan.task, about, replace=True, notes=columns(plan))
        _surround(data, plan)
    except OSError as error:
        raise LookalikeError(
            "cannot-write",
            f"{path}: could not be written ({error.strerror}); the answers are safe in {log.path}; "
            f"free space on the disk or reconnect it, then 'lookalike export {data}'",
        ) from error
    return path, outcome


def _compare(path: Path, about: dict[str, Any], frame: pd.DataFrame, plan: Plan, log: Log) -> Outcome:
    """What has to be done with the table on disk. Raises `LookalikeError` if it is not the record's."""
    if not path.exists():
        return "written"
    with tempfile.TemporaryDirectory() as scratch:
        fresh = write_beh(
            Path(scratch), frame, plan.participant, plan.session, about["TaskName"], about, notes=columns(plan)
        ).read_bytes()
    there = path.read_bytes()
    known = narrowed(fresh, there)
    has_sidecar = path.with_suffix(".json").exists()
    finished = has_sidecar and read_sidecar(path).get("Complete") is True
    if there == known:
        if not has_sidecar:
            return "written"
        return "unchanged" if finished == about["Complete"] else "rewritten"
    if finished or not is_earlier(there, known, find(plan.kind).answer_column):
        raise LookalikeError(
            "table-differs", f"{path}: differs from the record {log.path}; move it away and export once more"
        )
    return "rewritten"


def _about(plan: Plan, log: Log) -> dict[str, Any]:
    begun = log.begun
    days = begun["days_since_first"]
    return {
        "TaskName": plan.task,
        "TaskDescription": find(plan.kind).about,
        "Instructions": instructions(plan),
        "ConfidenceLevels": plan.confidence_levels,
        **({"RatingLevels": plan.rating_levels} if plan.rating_levels else {}),
        **({} if plan.flow.timeout_s is None else {"TimeLimit": plan.flow.timeout_s}),
        "StimulusSetSHA256": plan.stimulus_set_sha256,
        "StudySHA256": plan.study_sha256,
        **({"TaskSHA256": plan.task_sha256} if plan.task_sha256 else {}),
        "PlanSHA256": plan.sha256,
        "Seed": plan.seed,
        "Keys": plan.keys,
        "Observer": begun["observer"],
        "Started": begun["utc"],
        "Resumed": len(log.of("resume")),
        "Complete": is_complete(plan, log),
        **(_adaptive(plan, log) if find(plan.kind).adaptive else {}),
        **({} if days is None else {"DaysSinceFirstSession": days}),
        "LookalikeVersion": plan.versions["lookalike"],
    }


def _adaptive(plan: Plan, log: Log) -> dict[str, Any]:
    """The levels from which an adaptive session chose, and what its answers say."""
    levels = [grade.level for grade in plan.grades or ()]
    return {"Levels": levels, "Estimate": asdict(estimate(plan, log.of("answer")))}


def _surround(data: Path, plan: Plan) -> None:
    """Write what BIDS requires at the top, where it is missing; what the lab has edited there stays."""
    description = {
        "Name": plan.study_name,
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "raw",
        "GeneratedBy": [{"Name": "Lookalike", "Version": plan.versions["lookalike"]}],
    }
    if not (data / "dataset_description.json").exists():
        write_json(data / "dataset_description.json", description)
    if not (data / "README").exists():
        write_text(data / "README", _README.format(name=plan.study_name))
    list_participants(data)
