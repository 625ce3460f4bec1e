"""The session record: an append-only log of events, each on disk before the session continues.

A session lives in `DATA/sourcedata/sub-<participant>/ses-<session>/`: `plan.json`, written before
trial 1, and `record.jsonl`, one JSON object a line (BIDS keeps raw material in `sourcedata`; `data.trials` describes
the layout). A record that stops without `end` or `interruption` belongs to a session that is running or was killed.
Whatever stopped it, a session without `end` can be resumed: its record is opened again, and an incomplete last line,
as a power cut leaves it, is moved to `record.cut`. `data.record` lists the events, and reads them back.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Any

from data.bids import PLAN, RECORD, session_folder
from data.errors import LookalikeError
from data.files import new_folder, sync_folder
from data.kinds.registry import find
from data.plan import Plan, PlannedTrial, read_plan, write_plan
from data.record import Event, Log, read_record
from data.trials import check_label
from experiments.records.participants import refuse_withdrawing

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

CUT = "record.cut"  # incomplete last lines
BEGINNING_S = 60.0  # far longer than from making a session's folder to locking its record, even on a slow share
_PATIENCE_S = 2.0  # far longer than a reader holds its lock; a running session holds it until it ends
_LOCKED_BYTE = 1 << 30  # where Windows locks: beyond the end of any record, as a locked byte cannot be read


class Record:
    """The open record of a running session. `log` is what it held before; `known` is that, if it was read already.

    `answers` are all its answers, those that were given since too, but none that was taken back.

    It is locked while it is open, and the operating system releases the lock when the process ends, in whatever way:
    so a running session is distinguished from a killed one, and no session runs twice at a time. Raises
    `LookalikeError` if it is running already, is damaged, or cannot be written.
    """

    def __init__(self, folder: Path, known: Log | None = None) -> None:
        self.path = folder / RECORD
        try:
            # No buffer: what `append` has written is in the operating system's hands at once.
            self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115 (closed by __exit__)
        except OSError as error:
            raise LookalikeError(
                "cannot-write", f"{self.path}: cannot be written ({error.strerror}); check the folder"
            ) from None
        try:
            self._lock()
            # Only ever appended to, so the same length means the same content.
            same = known is not None and known.size == os.fstat(self._file.fileno()).st_size
            self.log = known if known is not None and same else read_record(self.path)
            if self.log.cut:
                self._move_cut_line(folder)
            self.answers: list[Event] = [*self.log.of("answer")]
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Record:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def append(self, event: str, **facts: Any) -> None:
        """Write one event and return when it is on the disk.

        Raises `LookalikeError` if it cannot be written; the events before it stay intact. If something else interrupts
        it, such as Ctrl+C, no incomplete line is left behind.
        """
        entry = {"event": event, "utc": utc_now(), **facts}
        line = json.dumps(entry, ensure_ascii=False, allow_nan=False).encode("utf-8") + b"\n"
        before, rest = self._file.seek(0, os.SEEK_END), memoryview(line)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            with suppress(OSError):  # no later line may follow an incomplete one
                self._file.truncate(before)
            raise LookalikeError(
                "cannot-write",
                f"{self.path}: could not be written ({error.strerror}); every answer before this one is safe; "
                "free space on the disk or reconnect it, then start the session again: it resumes from there",
            ) from error
        except BaseException:
            if self._file.seek(0, os.SEEK_END) < before + len(line):
                self._file.truncate(before)
            raise
        if event == "answer":
            self.answers.append(entry)
        if event == "undo":
            self.answers = [one for one in self.answers if one["trial"] != entry["trial"]]

    def _lock(self) -> None:
        until = time.monotonic() + _PATIENCE_S
        while not _lock(self._file.fileno(), alone=True):
            if time.monotonic() > until:
                raise LookalikeError("session-running", f"{self.path}: this session is running now; end it there first")
            time.sleep(0.01)

    def _move_cut_line(self, folder: Path) -> None:
        with open(folder / CUT, "ab") as aside:
            aside.write(self.path.read_bytes().rpartition(b"\n")[2] + b"\n")
            aside.flush()
            os.fsync(aside.fileno())
        self._file.truncate(self.path.read_bytes().rfind(b"\n") + 1)
        os.fsync(self._file.fileno())


def is_running(path: Path) -> bool:
    """Whether a process is still writing this record; if not, a later reading of it is complete.

    Where the file system has no locks the answer is False. Raises `LookalikeError` as `read_record` does.
    """
    with suppress(FileNotFoundError), open(path, "rb") as file:
        if _lock(file.fileno(), alone=False):
            return False
    return read_record(path).stands  # otherwise only the last screen is still up


def settled(plan: Plan, log: Log) -> frozenset[int]:
    """The trials that are done: answered, or missed as often as they are shown."""
    missed = Counter(event["trial"] for event in log.of("missed"))
    twice = {trial.trial for trial in plan.trials if is_repeated(plan, trial)}
    done = {event["trial"] for event in log.of("answer")}
    return frozenset(done | {trial for trial, times in missed.items() if times > (trial in twice)})


def is_repeated(plan: Plan, trial: PlannedTrial) -> bool:
    """Whether a trial that is missed is shown once more, at the end of the session."""
    return plan.flow.missed == "repeat" and trial.role != "practice"


def is_complete(plan: Plan, log: Log) -> bool:
    """Whether every planned trial is done: answered, or missed for good."""
    return len(settled(plan, log)) == len(plan.trials)


def sessions(data: Path, participant: str) -> list[int]:
    """The participant's session numbers so far, complete or not, in order."""
    folders = session_folder(data, participant, 1).parent.glob("ses-*")
    return sorted(int(folder.name[4:]) for folder in folders if folder.name[4:].isdecimal())


def find_unfinished(data: Path, participant: str, session: int) -> tuple[Plan, Log] | None:
    """The plan and record of a session that was begun, is not complete and is not running; None if there is none.

    The record of a session that never showed an image has no events. Raises `LookalikeError` if the session is
    running, or plan or record are damaged or do not belong together.
    """
    folder = session_folder(data, participant, session)
    if not (folder / PLAN).exists():
        return None
    plan = read_plan(folder / PLAN)
    if not (folder / RECORD).exists():
        return plan, Log(folder / RECORD, (), "")
    running, log = is_running(folder / RECORD), read_record(folder / RECORD)
    if is_complete(plan, log):
        return None
    if running:
        raise LookalikeError(
            "session-running", f"participant {participant}, session {session} is running now; end it there first"
        )
    if log.events:
        check_together(plan, log)
    return plan, log


def check_together(plan: Plan, log: Log) -> None:
    """Raise `LookalikeError` unless the record was made from exactly this plan, and its answers can be given to it."""
    if log.start["plan_sha256"] != plan.sha256:
        raise LookalikeError(
            "altered-file",
            f"{log.path}: was recorded with another plan than the {PLAN} beside it, which was altered since; "
            "restore it from a backup",
        )
    planned = {trial.trial: trial.stimulus_id for trial in plan.trials}
    for event in (one for kind in ("onset", "answer", "undone", "missed") for one in log.of(kind)):
        if planned.get(event["trial"]) != event["stimulus_id"]:
            raise LookalikeError(
                "altered-file",
                f"{log.path}: trial {event['trial']} shows {event['stimulus_id']!r}, which is not in the plan; "
                "restore the record from a backup",
            )
    _check_answers(plan, log)


def _check_answers(plan: Plan, log: Log) -> None:
    for event in log.of("answer"):
        confidence = event["confidence"]
        for name, known in (
            ("response", find(plan.kind).is_answer(event["response"])),
            ("confidence", confidence is None or 1 <= confidence <= plan.confidence_levels),
        ):
            if not known:
                raise LookalikeError(
                    "altered-file",
                    f"{log.path}: trial {event['trial']} has the {name} {event[name]!r}, which its task does not "
                    "allow; restore the record from a backup",
                )


def refuse_taken(data: Path, participant: str, session: int) -> None:
    """Raise `LookalikeError` if this participant already has this session."""
    refuse_withdrawing(data, participant)
    # A table copied here without its record counts too: an export would not overwrite it.
    copies = Path(data).glob(f"sub-{check_label(participant)}/ses-{session}/beh/*_beh.tsv")
    folder = session_folder(data, participant, session)
    if folder.exists() or any(copies):
        raise LookalikeError(
            "session-exists",
            f"participant {participant} already has session {session} in {data}; nothing was changed; "
            f"{_what_to_do(folder)}",
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
        refuse_taken(data, plan.participant, plan.session)  # another process was a moment faster
        raise
    except OSError as error:
        raise LookalikeError(
            "cannot-write", f"{folder}: cannot be written ({error.strerror}); choose another data folder"
        ) from None
    return folder


def set_aside(data: Path, participant: str, session: int) -> None:
    """Put a session that was opened and left without an answer out of the way; its number is free again.

    The folder with plan and record stays, beside those of the participant's sessions; the table, which had no answer,
    is removed. Raises `LookalikeError` if the session is running.
    """
    folder = session_folder(data, participant, session)
    if (folder / RECORD).exists() and is_running(folder / RECORD):
        raise LookalikeError(
            "session-running", f"participant {participant}, session {session} is running now; end it there first"
        )
    stamp = utc_now().translate(str.maketrans("", "", "-:.+"))
    folder.rename(folder.with_name(f"unanswered-{folder.name}-{stamp}"))
    sync_folder(folder.parent)
    for made in Path(data).glob(f"sub-{check_label(participant)}/ses-{session}/beh/*_beh.*"):
        made.unlink()


def utc_now() -> str:
    """The time as ISO 8601, UTC, to the millisecond."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


def _what_to_do(folder: Path) -> str:
    """The state of an existing session, and what to do about it."""
    try:
        running = is_running(folder / RECORD)
        plan, log = read_plan(folder / PLAN), read_record(folder / RECORD)
    except LookalikeError:
        return "use another --participant"  # a copied table, or a record that only a backup can restore
    if is_complete(plan, log):
        return "use another --participant, or 'lookalike retest' for a second session"
    if running:
        return "it is running now; use another --participant"
    return f"it stopped after {len(log.of('answer'))} of {len(plan.trials)} trials; start it again to resume it"


def _lock(handle: int, alone: bool) -> bool:
    """Lock an open file until it is closed; False if another's lock forbids it.

    `alone` is the session's own lock; readers' locks, held for a moment, do not exclude one another, except on Windows.
    """
    try:
        if sys.platform == "win32":
            os.lseek(handle, _LOCKED_BYTE, os.SEEK_SET)
            try:
                msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            finally:
                os.lseek(handle, 0, os.SEEK_SET)
        else:
            fcntl.flock(handle, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # on Linux and on Windows
        return False
    except OSError:
        pass  # a file system without locks: none is held
    return True


def _sync_folders(folder: Path, top: Path) -> None:
    """Flush the entries of the new folder and its parents to disk, up to `top`."""
    while True:
        sync_folder(folder)
        if folder in (top, folder.parent):
            return
        folder = folder.parent
