"""Sessions in a BIDS folder: where their tables, plans and records are, and how tables are read and written.

The trial table itself is defined in `data.trials`. A session's table is
`sub-<participant>/ses-<session>/beh/sub-<participant>_ses-<session>_task-<task>_beh.tsv` with a JSON sidecar (Brain
Imaging Data Structure 1.10, "Behavioral experiments with no neural recordings"). It is made from a record:
`sourcedata/sub-<participant>/ses-<session>/` holds the session's `plan.json` and `record.jsonl` (see `data.record`). A
session that was killed has a record and no table; `unexported_sessions` finds it, so that its answers are not left out
silently.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from data.errors import LookalikeError
from data.files import read_json, read_table, write_json, write_table
from data.shipped import DEFAULT_TASK
from data.trials import (
    AROUND_NOTES,
    COLUMN_NOTES,
    COLUMNS,
    KEYS,
    NUMBER_COLUMNS,
    TEXT_COLUMNS,
    after_gap,
    check_label,
    validate,
)

PLAN, RECORD = "plan.json", "record.jsonl"
_BEH_NAME = re.compile(
    r"^sub-(?P<participant>[A-Za-z0-9]+)_ses-(?P<session>[0-9]+)_task-(?P<task>[A-Za-z0-9]+)_beh\.tsv$"
)
_RECORD_FOLDER = re.compile(r"^sub-(?P<participant>[A-Za-z0-9]+)/ses-(?P<session>[0-9]+)$")


@dataclass(frozen=True)
class BehFile:
    """One session's table on disk, and whose it is."""

    path: Path
    participant: str
    session: int


@dataclass(frozen=True)
class RecordedSession:
    """A session with a record in `sourcedata`: where it is, and how many trials were answered."""

    folder: Path
    participant: str
    session: int
    answered: int


def read_bids(folder: Path, task: str = DEFAULT_TASK) -> pd.DataFrame:
    """Read every `*_task-<task>_beh.tsv` below a BIDS folder into one validated trial table.

    Parameters
    ----------
    folder : Path
        The folder that holds the `sub-*` folders.
    task : str
        The task's name in the names of the tables; its trials are of single images.

    Returns
    -------
    pandas.DataFrame
        One row per trial: participant, session, the columns of this module's table and `after_gap` (bool), ordered
        by participant, session and trial.

    Raises
    ------
    LookalikeError
        If the folder is missing or holds no table of the task, or a table breaks the contract, naming the rows.

    Examples
    --------
    >>> from pathlib import Path
    >>> import pandas as pd
    >>> from data import read_bids
    >>> from data.bids import write_beh
    >>> table = pd.DataFrame({
    ...     "trial": [1, 2], "stimulus_id": ["s1", "s2"], "stim_file": ["s1.png", "s2.png"], "role": "main",
    ...     "truth": ["real", "generated"], "response": ["real", "real"], "confidence": [4, 2],
    ...     "response_time": [1.2, 0.9], "confidence_time": [0.5, 0.4], "onset": [0.5, 3.1],
    ... })
    >>> _ = write_beh(Path("study-1"), table, "k7q2m", 1, "realfake", {"Observer": "human"})
    >>> read_bids(Path("study-1"))[["participant", "session", "truth", "response"]].values.tolist()
    [['k7q2m', 1, 'real', 'real'], ['k7q2m', 1, 'generated', 'real']]
    """
    return pd.concat([read_beh(file) for file in beh_files(folder, task)], ignore_index=True)


def read_beh(file: BehFile) -> pd.DataFrame:
    """Read one session's table and validate it.

    Returns the columns `KEYS + COLUMNS`, `after_gap` (bool) and, if it has one, `condition`, ordered by trial; the
    index is the row's place on disk, from 0.
    """
    frame = read_table(file.path, COLUMNS, text=(*TEXT_COLUMNS, "after_gap", "condition"))
    frame.insert(0, "participant", file.participant)
    frame.insert(1, "session", file.session)
    frame["after_gap"] = after_gap(frame, str(file.path))
    more = ("condition",) if "condition" in frame else ()
    frame = validate(frame, str(file.path))[[*KEYS, *COLUMNS, "after_gap", *more]].sort_values("trial")
    return frame.astype({"trial": int, **dict.fromkeys(NUMBER_COLUMNS, float)})


def beh_files(
    folder: Path, task: str = DEFAULT_TASK, cure: str = "give the study file that they were run with (--study)"
) -> list[BehFile]:
    """The tables of one task below a BIDS folder, ordered by participant and session.

    Tables of other tasks are left alone; `cure` is what to advise if there are no others. Raises `LookalikeError` if
    the folder is missing or holds none of this task, a name is not understood or disagrees with its folder, or a
    session is there twice.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise LookalikeError(
            "no-such-folder", f"{folder}: no such folder; give the folder that holds the sub-* folders"
        )
    found: dict[tuple[str, int], BehFile] = {}
    for path in sorted(folder.glob(f"sub-*/ses-*/beh/*_task-{task}_*beh.tsv")):
        match = _BEH_NAME.match(path.name)
        if match is None:
            raise LookalikeError(
                "bad-file-name", f"{path}: its name should be sub-<code>_ses-<number>_task-{task}_beh.tsv; rename it"
            )
        if path.parts[-4:-2] != (f"sub-{match['participant']}", f"ses-{match['session']}"):
            raise LookalikeError(
                "bad-file-name", f"{path}: its name is that of another participant or session than its folder's"
            )
        file = BehFile(path, match["participant"], int(match["session"]))
        if (file.participant, file.session) in found:
            twin = found[file.participant, file.session].path
            raise LookalikeError("repeated-session", f"{path}: is the same session as {twin}; remove one of the two")
        found[file.participant, file.session] = file
    if not found:
        others = sorted({match["task"] for _, match in _named_tables(folder)})
        if others:
            raise LookalikeError(
                "other-task", f"{folder}: holds sessions of task {', '.join(others)}, none of task {task}; {cure}"
            )
        raise LookalikeError(
            "no-sessions",
            f"{folder}: no sub-*/ses-*/beh/*_task-{task}_beh.tsv below it; has a session been run and exported?",
        )
    return [found[key] for key in sorted(found)]


def beh_path(folder: Path, participant: str, session: int, task: str) -> Path:
    """Where a session's table is below a BIDS folder."""
    name = f"sub-{participant}_ses-{session}_task-{task}_beh.tsv"
    return Path(folder) / f"sub-{participant}" / f"ses-{session}" / "beh" / name


def session_folder(folder: Path, participant: str, session: int) -> Path:
    """Where a session's plan and record are below a BIDS folder."""
    return Path(folder) / "sourcedata" / f"sub-{check_label(participant)}" / f"ses-{session}"


def recorded_sessions(folder: Path) -> list[RecordedSession]:
    """Every session with a record in `sourcedata`, ordered by participant and session.

    A record without one whole line does not count: nothing was shown. Damaged lines are not judged here;
    `data.record.read_record` refuses them.
    """
    found = []
    top = Path(folder) / "sourcedata"
    for path in top.glob(f"sub-*/ses-*/{RECORD}"):
        match = _RECORD_FOLDER.match(path.parent.relative_to(top).as_posix())
        *lines, _cut = path.read_bytes().split(b"\n")
        if match and lines:
            answered = sum(_answers(line) for line in lines)
            found.append(RecordedSession(path.parent, match["participant"], int(match["session"]), answered))
    return sorted(found, key=lambda one: (one.participant, one.session))


def unexported_sessions(folder: Path) -> list[RecordedSession]:
    """The recorded sessions that have no table, of whichever task."""
    exported = {(match["participant"], int(match["session"])) for _, match in _named_tables(folder)}
    return [one for one in recorded_sessions(folder) if (one.participant, one.session) not in exported]


def write_beh(
    folder: Path,
    frame: pd.DataFrame,
    participant: str,
    session: int,
    task: str,
    about: dict[str, Any],
    replace: bool = False,
    notes: Mapping[str, Mapping[str, Any]] | None = None,
) -> Path:
    """Write one session's table and then its JSON sidecar, each atomically; return the table's path.

    `frame` holds `COLUMNS`; `about` joins the sidecar (task name, hashes, versions). A new table whose
    sidecar cannot be written is removed again: neither exists without the other. With `replace`, an existing
    table is replaced, and what others have added to its sidecar is kept. Raises `LookalikeError`
    if the table exists already (without `replace`) or breaks the contract.
    """
    path = beh_path(folder, check_label(participant), session, check_label(task, "task"))
    sidecar, new = path.with_suffix(".json"), not path.exists()
    if not new and not replace:
        raise LookalikeError("occupied", f"{path}: exists already and is never overwritten")
    if notes is None:
        validate(frame.assign(participant=participant, session=session), str(path))
        notes = {**COLUMN_NOTES, **{name: note for name, note in AROUND_NOTES.items() if name in frame.columns}}
    others = read_json(sidecar) if replace and sidecar.exists() else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_table(path, frame[list(notes)])
    try:
        write_json(sidecar, {**others, **about, **notes})
    except BaseException:
        if new:
            with suppress(OSError):
                path.unlink()
        raise
    return path


def read_sidecar(path: Path) -> dict[str, Any]:
    """Read the JSON sidecar of a `_beh.tsv` table. Raises `LookalikeError` if it is missing or unreadable."""
    path = Path(path).with_suffix(".json")
    if not path.exists():
        raise LookalikeError(
            "no-such-file",
            f"{path}: no such file, so nothing says who answered and what was shown; 'lookalike export' makes it "
            "again from the session's record in sourcedata, or restore it from a backup",
        )
    sidecar: dict[str, Any] = read_json(path)
    return sidecar


def _named_tables(folder: Path) -> Iterator[tuple[Path, re.Match[str]]]:
    """The tables of all tasks whose names are understood."""
    for path in Path(folder).glob("sub-*/ses-*/beh/*_beh.tsv"):
        match = _BEH_NAME.match(path.name)
        if match:
            yield path, match


def _answers(line: bytes) -> int:
    """How many answers more stand after a line of a record than before it."""
    try:
        event = json.loads(line)
    except ValueError:
        return 0
    return {"answer": 1, "undo": -1}.get(str(event.get("event")), 0) if isinstance(event, dict) else 0
