"""`lookalike status`: who takes part and how far they are; and withdrawals."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data.errors import LookalikeError
from lookalike.console import relative, say, show, show_table
from lookalike.options import DataFolder, Json

if TYPE_CHECKING:
    from experiments.records.status import ParticipantState


def status(
    data: DataFolder,
    study: Annotated[
        Path | None,
        typer.Option(help="Study file, which says when a retest is due. [default: the shipped example, if it was run]"),
    ] = None,
    withdraw: Annotated[
        str | None,
        typer.Option("--withdraw", help="Code of a participant whose data are removed for good, after confirmation."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Withdrawal without confirmation.")] = False,
    as_json: Json = False,
) -> None:
    """Show who took part and who is due for retest; withdraw data.

    \b
    Example:
      lookalike status study-1 --study study.toml
      lookalike status study-1 --withdraw k7q2m
    """
    from experiments.records.status import status as states
    from experiments.records.withdrawal import withdrawals

    if withdraw is not None:
        _withdraw(data, withdraw, yes, as_json)
        return
    if yes:
        raise LookalikeError("missing-option", "--yes needs --withdraw with a participant's code")
    from data.study import read_study

    found = states(data, None if study is None else read_study(study))
    if as_json:
        show({"participants": [asdict(one) for one in found], "withdrawn": withdrawals(data)}, True)
        return
    show_table([["participant", "consent", "sessions", "days since", "retest"], *map(_row, found)])
    for one in found:
        for problem in (one.problem, *(session.problem for session in one.sessions)):
            if problem:
                print(problem)
    if withdrawals(data):
        print(f"withdrawn: {withdrawals(data)}")


def _withdraw(data: Path, participant: str, yes: bool, as_json: bool) -> None:
    from experiments.records.withdrawal import refuse_withdrawal, withdraw

    refuse_withdrawal(data, participant)
    if not yes:
        say(f"This removes all data of participant {participant} in {relative(data)} for good. Type the code again:")
        if sys.stdin.readline().strip() != participant:
            raise LookalikeError("wrong-confirmation", "that is not the same code; nothing was removed")
    gone = withdraw(data, participant)
    found = gone.mentions
    said: dict[str, Any] = {"sessions_removed": gone.sessions, "answers_removed": gone.answers}
    said["still_named_in"] = [relative(path) for path in found.named_in] or ([] if as_json else ["none found"])
    said["looked_in"] = [str(folder) for folder in found.looked_in]
    said["not_looked_into"] = [relative(path) for path in found.not_looked_into]
    if as_json:
        show(said | {"all_looked_at": found.all_looked_at}, True)
    else:
        show({name: ", ".join(value) if isinstance(value, list) else value for name, value in said.items()}, False)
    if not found.all_looked_at:
        say("There are too many files to search them all; look for the code in the deeper folders yourself.")
    say(
        "Only text files were searched, not hidden folders, other programs' formats or other disks. Earlier results, "
        "exports and backups still hold these answers, wherever they are: remove them, or make them again."
    )


def _row(one: ParticipantState) -> list[str]:
    days_since = [session.days_since for session in one.sessions if session.days_since is not None]
    left = "" if one.due_in_days is None or one.retest == "due" else f" {one.due_in_days:.1f} days"
    if one.retest == "not stated":
        left = " (give --study)"
    sessions = ", ".join(
        f"{session.session}: {session.state}"
        + ("" if session.trials is None or session.state == "complete" else f" {session.answered} of {session.trials}")
        for session in one.sessions
    )
    not_a_person = one.observer if one.observer in ("simulated", "scripted") else "-"
    return [
        one.participant,
        {None: not_a_person, True: "yes", False: "no"}[one.consent],
        "withdrawal unfinished" if one.withdrawing else sessions or "-",
        ", ".join(f"{days:.1f}" for days in days_since) or "-",
        one.retest + left,
    ]
