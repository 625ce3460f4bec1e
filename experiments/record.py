"""The session record: an append-only log of events, each on disk before the session goes on.

A session lives in `DATA/sourcedata/sub-<participant>/ses-<session>/`: `plan.json`, written before
trial 1, and `record.jsonl`, one JSON object a line (BIDS keeps raw material in `sourcedata`; the
layout is written in `data.trials`). A record that stops without `end` or `interruption` is that of
a session still running, or of one that was killed.
`data.record` lists the events, and reads them back.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Any

from data.errors import LookalikeError
from data.files import new_folder
from data.record import Log, read_record
from data.trials import PLAN, RECORD, check_label, session_folder
from experiments.design import Plan, read_plan, write_plan

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_BEGINNING_S = 60.0  # far longer than from a session's folder to its locked record, also on a slow share
_LOCKED_BYTE = 1 << 30  # where Windows locks: no record is that long, and a locked byte cannot be read


class Record:
    """The open record of a running session. Created once: an existing one is never opened again.

    It is locked while it is open, and the operating system takes the lock away with the process,
    however that ends: so `is_running` can tell a running session from a killed one.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / RECORD
        # No buffer: what `append` has written is in the operating system's hands at once.
        self._file = open(self.path, "xb", buffering=0)  # noqa: SIM115 (closed by __exit__)
        self._size = 0
        _lock(self._file.fileno(), alone=True)

    def __enter__(self) -> Record:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def append(self, event: str, **facts: Any) -> None:
        """Write one event and return when it is on the disk.

        Raises `LookalikeError` if it cannot be written; the events before it stay whole.
        """
        entry = {"event": event, "utc": utc_now(), **facts}
        line = json.dumps(entry, ensure_ascii=False, allow_nan=False).encode("utf-8") + b"\n"
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            with suppress(OSError):  # half a line must not stand before a later one
                self._file.truncate(self._size)
                self._file.seek(self._size)
            raise LookalikeError(
                f"{self.path}: could not be written ({error.strerror}); every answer before this one is safe; "
                "free space on the disk or reconnect it"
            ) from error
        self._size += len(line)


def is_running(path: Path) -> bool:
    """Whether a process is still writing this record; if not, what is read of it from now on is all.

    Where the file system has no locks the answer is False. Raises `LookalikeError` as `read_record` does.
    """
    with suppress(FileNotFoundError), open(path, "rb") as file:
        if _lock(file.fileno(), alone=False):
            return False
    log = read_record(path)
    return not (log.of("end") or log.of("interruption"))  # else only the last screen is still up


def is_complete(plan: Plan, log: Log) -> bool:
    """Whether every planned trial was answered."""
    return len(log.of("answer")) == len(plan.trials)


def sessions(data: Path, participant: str) -> list[int]:
    """The participant's session numbers so far, complete or not, rising."""
    folders = session_folder(data, participant, 1).parent.glob("ses-*")
    return sorted(int(folder.name[4:]) for folder in folders if folder.name[4:].isdecimal())


def refuse_taken(data: Path, participant: str, session: int) -> None:
    """Raise `LookalikeError` if this participant has this session already."""
    # A table that someone copied here without its record counts too: it could not be exported over.
    copies = Path(data).glob(f"sub-{check_label(participant)}/ses-{session}/beh/*_beh.tsv")
    folder = session_folder(data, participant, session)
    if folder.exists() or any(copies):
        raise LookalikeError(
            f"participant {participant} has session {session} already in {data}; nothing was changed; "
            f"{_what_can_be_done(Path(data), folder)}"
        )


def create_session(data: Path, plan: Plan) -> Path:
    """Claim the session for this plan: its folder appears as a whole, with the plan in it, or not at all.

    Raises `LookalikeError` if the participant has the session already, or the data folder cannot
    be written.
    """
    refuse_taken(data, plan.participant, plan.session)
    folder = session_folder(data, plan.participant, plan.session)
    try:
        with new_folder(folder) as draft:
            write_plan(draft / PLAN, plan)
        _sync_folders(folder, Path(data))
    except LookalikeError:
        refuse_taken(data, plan.participant, plan.session)  # someone else was first by a moment
        raise
    except OSError as error:
        raise LookalikeError(f"{folder}: cannot be written ({error.strerror}); choose another data folder") from None
    return folder


def utc_now() -> str:
    """The time as ISO 8601, UTC, to the millisecond."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


def _what_can_be_done(data: Path, folder: Path) -> str:
    """How a session that is there stands, and what that leaves to whoever wanted to run it."""
    try:
        if (folder / PLAN).exists() and not (folder / RECORD).exists():
            return _unshown(folder)
        running = is_running(folder / RECORD)
        plan, log = read_plan(folder / PLAN), read_record(folder / RECORD)
    except LookalikeError:
        return "use another --participant"  # a copied table, or a record that only a backup mends
    if is_complete(plan, log):
        return "use another --participant, or 'lookalike retest' for a second session"
    if running:
        return "it is running now; use another --participant"
    if not log.events:
        return _unshown(folder)
    return (
        f"it stopped after {len(log.of('answer'))} of {len(plan.trials)} trials and cannot go on; its answers are "
        f"kept, and 'lookalike export {data}' makes their table; use another --participant"
    )


def _unshown(folder: Path) -> str:
    """What to do about a session without an event. One that has just begun has none yet, and must not be removed."""
    if time.time() - (folder / PLAN).stat().st_mtime < _BEGINNING_S:
        return "it is only just beginning, or ended at once; use another --participant, or ask again in a minute"
    return f"it ended before anything was shown: remove {folder} to run it, or use another --participant"


def _lock(handle: int, alone: bool) -> bool:
    """Lock an open file until it is closed; False if another's lock forbids it.

    `alone` is the session's own lock: it waits for readers, who look for a moment and go. Theirs
    is beside one another, except on Windows.
    """
    try:
        if sys.platform == "win32":
            os.lseek(handle, _LOCKED_BYTE, os.SEEK_SET)
            try:
                msvcrt.locking(handle, msvcrt.LK_LOCK if alone else msvcrt.LK_NBLCK, 1)
            finally:
                os.lseek(handle, 0, os.SEEK_SET)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX if alone else fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # as Linux and Windows put it
        return False
    except OSError:
        pass  # a file system without locks: nobody holds one
    return True


def _sync_folders(folder: Path, top: Path) -> None:
    """Put the new folder's entries on the disk, up to `top`; a file's own fsync does not promise that."""
    if os.name == "nt":  # Windows has no such call and keeps its directory journal itself
        return
    while True:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        if folder in (top, folder.parent):
            return
        folder = folder.parent
