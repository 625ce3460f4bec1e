"""A participant withdraws: all their data are removed, and a dated line says that someone withdrew.

A mark exists from the first removal to the last. As long as it does, no session of this participant can begin, and
a second call finishes what a crash left undone.
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
from experiments.records.mentions import Mentions, find_mentions
from experiments.records.participants import withdrawal_mark
from experiments.records.status import session_states


@dataclass(frozen=True)
class Withdrawn:
    """What was removed, and which other files in the data folder and beside it still mention the code.

    Those were made by hand or exported; only the lab can decide what to do with them.
    """

    sessions: int
    answers: int
    mentions: Mentions


def refuse_withdrawal(data: Path, participant: str) -> None:
    """Raise `LookalikeError` unless this participant's data can be removed now.

    Not while any session runs: as it ends it writes the participants table, from which this removes a row.
    """
    check_label(participant)
    codes = participants.everyone(data)
    if participant not in codes and not withdrawal_mark(data, participant).exists():
        raise LookalikeError(
            "no-such-participant", f"participant {participant}: {data} holds no data for this code; check the code"
        )
    participants_table.check_readable(data)
    for code in sorted(codes):
        _refuse_running(data, code)


def withdraw(data: Path, participant: str) -> Withdrawn:
    """Permanently remove a participant's records, tables, row of the participants table, and file.

    If it is killed at any moment, the same call finishes it. Raises `LookalikeError` as `refuse_withdrawal` does, or
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
        # Records first: without its record a table cannot be exported again.
        for folder in (data / "sourcedata", data):
            _remove(folder / f"sub-{participant}", folder / f".withdrawn-{begun['token']}")
        participants_table.remove_participant(data, participant)
        participants.remove(data, participant)
        _note(data, begun["date"], begun["token"])
        for half_written in mark.parent.glob(f".{mark.name}.*.partial"):
            half_written.unlink()
        sync_folder(data)
        mentions = find_mentions(data, participant, apart_from=mark)  # if it stops here, the same call searches again
        mark.unlink()
        sync_folder(mark.parent)
    except OSError as error:
        raise LookalikeError(
            "cannot-remove",
            f"{error.filename or data}: could not be removed ({error.strerror}); close the program that has it open, "
            f"then give 'lookalike status {data} --withdraw {participant}' again to finish",
        ) from error
    return Withdrawn(begun["sessions"], begun["answers"], mentions)


def withdrawals(data: Path) -> int:
    """How many participants withdrew."""
    path = _withdrawals(data)
    return len(path.read_text(encoding="utf-8").splitlines()) if path.exists() else 0


def _refuse_a_session_begun_since(data: Path, participant: str, mark: Path) -> None:
    """The mark forbids sessions from now on; one may have begun between the first check and the mark."""
    try:
        _refuse_running(data, participant)
    except LookalikeError:
        mark.unlink()
        raise


def _refuse_running(data: Path, participant: str) -> None:
    for session in session_states(data, participant):
        if session.open:
            raise LookalikeError(
                "session-running",
                f"participant {participant}'s session {session.session} is {session.state} now; nothing was removed; "
                "withdraw once it has ended",
            )


def _remove(folder: Path, hidden: Path) -> None:
    """Renamed first, then deleted: no one reads a session with half of its files."""
    if hidden.exists():
        shutil.rmtree(hidden)
    if folder.exists():
        folder.rename(hidden)
        shutil.rmtree(hidden)
        sync_folder(folder.parent)


def _note(data: Path, date: str, token: str) -> None:
    """One line per withdrawal, however often this is called for it; the token has no other meaning."""
    path = _withdrawals(data)
    lines = path.read_text(encoding="utf-8") if path.exists() else ""
    if token not in lines:
        write_text(path, f"{lines}{date}  a participant withdrew; all their data were removed ({token})\n")


def _withdrawals(data: Path) -> Path:
    return Path(data) / "sourcedata" / "withdrawals.txt"
