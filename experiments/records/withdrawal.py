"""A participant withdraws: every trace goes, and a dated line says that somebody did.

A mark stands from the first removal to the last. While it does no session of this participant can begin, and
whoever asks again finishes what a crash left undone.
"""

from __future__ import annotations

import json
import secrets
import shutil
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from data.errors import LookalikeError
from data.files import read_json, sync_folder, write_bytes, write_text
from data.trials import check_label
from experiments.records import participants, participants_table
from experiments.records.mentions import Traces, find_traces
from experiments.records.participants import withdrawal_mark
from experiments.records.status import session_states


@dataclass(frozen=True)
class Withdrawn:
    """What was removed, and which other files in the data folder and beside it still name the code.

    Those were made by hand or exported; nobody but the lab can say what to do with them.
    """

    sessions: int
    answers: int
    traces: Traces


def refuse_withdrawal(data: Path, participant: str) -> None:
    """Raise `LookalikeError` unless this participant's data can be removed now.

    Not while any session runs: as it ends it writes the roster that this takes a row from.
    """
    check_label(participant)
    there = participants.everyone(data)
    if participant not in there and not withdrawal_mark(data, participant).exists():
        raise LookalikeError(f"participant {participant}: nothing in {data} is of this code; check it")
    participants_table.check_readable(data)
    for code in sorted(there):
        _refuse_running(data, code)


def withdraw(data: Path, participant: str) -> Withdrawn:
    """Remove a participant's records, tables, roster row and file for good.

    Killed at any moment, the same call finishes it. Raises `LookalikeError` as `refuse_withdrawal` does, or
    if something cannot be removed.
    """
    data = Path(data)
    refuse_withdrawal(data, participant)
    mark = withdrawal_mark(data, participant)
    try:
        if not mark.exists():
            sessions = session_states(data, participant)
            begun = {
                "token": secrets.token_hex(4),
                "date": datetime.now(timezone.utc).date().isoformat(),
                "sessions": len(sessions),
                "answers": sum(one.answered for one in sessions),
            }
            mark.parent.mkdir(exist_ok=True)
            write_bytes(mark, json.dumps(begun).encode(), private=True)
            sync_folder(mark.parent)
            _refuse_a_session_begun_since(data, participant, mark)
        begun = read_json(mark)
        # Records first: a table without its record can no longer be made anew.
        for folder in (data / "sourcedata", data):
            _remove(folder / f"sub-{participant}", folder / f".withdrawn-{begun['token']}")
        participants_table.remove_participant(data, participant)
        participants.remove(data, participant)
        _note(data, begun["date"], begun["token"])
        for half_written in mark.parent.glob(f".{mark.name}.*.partial"):
            half_written.unlink()
        sync_folder(data)
        traces = find_traces(data, participant, apart_from=mark)  # stopped in here, the same call looks once more
        mark.unlink()
        sync_folder(mark.parent)
    except OSError as error:
        raise LookalikeError(
            f"{error.filename or data}: could not be removed ({error.strerror}); close what holds it, then "
            f"'lookalike status {data} --withdraw {participant}' once more finishes it"
        ) from error
    return Withdrawn(begun["sessions"], begun["answers"], traces)


def withdrawals(data: Path) -> int:
    """How many participants withdrew."""
    path = _withdrawals(data)
    return len(path.read_text(encoding="utf-8").splitlines()) if path.exists() else 0


def _refuse_a_session_begun_since(data: Path, participant: str, mark: Path) -> None:
    """The mark forbids sessions from now on; one may have begun between the first look and the mark."""
    try:
        _refuse_running(data, participant)
    except LookalikeError:
        mark.unlink()
        raise


def _refuse_running(data: Path, participant: str) -> None:
    for session in session_states(data, participant):
        if session.open:
            raise LookalikeError(
                f"participant {participant}'s session {session.session} is {session.state} now; nothing was removed; "
                "withdraw once it has ended"
            )


def _remove(folder: Path, aside: Path) -> None:
    """Out of sight at once, then gone: nothing reads a session of which half the files are left."""
    if aside.exists():
        shutil.rmtree(aside)
    if folder.exists():
        folder.rename(aside)
        shutil.rmtree(aside)
        sync_folder(folder.parent)


def _note(data: Path, date: str, token: str) -> None:
    """One line per withdrawal, however often this is called for it; the token means nothing else."""
    path = _withdrawals(data)
    lines = path.read_text(encoding="utf-8") if path.exists() else ""
    if token not in lines:
        write_text(path, f"{lines}{date}  a participant withdrew; all data of theirs were removed ({token})\n")


def _withdrawals(data: Path) -> Path:
    return Path(data) / "sourcedata" / "withdrawals.txt"
