"""Commands for whoever keeps the data of a study: who takes part, how it stands, what goes out."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data.errors import LookalikeError
from lookalike.console import relative, say, show, show_table
from lookalike.options import Data, Json, number

if TYPE_CHECKING:
    from experiments.records.status import ParticipantState

app = typer.Typer()
participant_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Make participants.")
app.add_typer(participant_app, name="participant")

TRAINING = "radiologist, resident, physician, radiographer, scientist, student or none"


@participant_app.command("new")
def participant_new(
    data: Data,
    expertise: Annotated[str | None, typer.Option(help=f"The reader's training: {TRAINING}.")] = None,
    years: Annotated[float | None, typer.Option(help="Years of reading such images.", **number("--years"))] = None,
    volume_per_year: Annotated[
        float | None, typer.Option(help="Cases read per year.", **number("--volume-per-year"))
    ] = None,
    corrected_vision: Annotated[
        bool | None, typer.Option("--corrected-vision/--no-corrected-vision", help="Glasses or lenses in sessions.")
    ] = None,
    consent: Annotated[bool, typer.Option("--consent", help="The participant has consented. Not exported.")] = False,
    room_light_lux: Annotated[
        float | None, typer.Option(help="Room light at the screen, lx.", **number("--room-light-lux"))
    ] = None,
    viewing_distance_cm: Annotated[
        float | None, typer.Option(help="From eye to screen, cm.", **number("--viewing-distance-cm"))
    ] = None,
    notes: Annotated[str, typer.Option(help="For the lab only: never exported. No names.")] = "",
    as_json: Json = False,
) -> None:
    """Make a participant: a random code, and what describes the reader.

    \b
    Example:
      lookalike participant new --data study-1 --expertise resident --years 2 --consent
    """
    from experiments.records.participants import Reader, register_participant

    about = (expertise, years, volume_per_year, corrected_vision, room_light_lux, viewing_distance_cm, consent, notes)
    code = register_participant(data, Reader(*about))
    if as_json:
        show({"participant": code}, True)
    else:
        print(code)


@app.command()
def status(
    data: Annotated[Path, typer.Argument(help="Folder of all participants' data.")],
    study: Annotated[
        Path | None, typer.Option(help="Study file, for when a retest is due. [default: the example, if it was run]")
    ] = None,
    withdraw: Annotated[
        str | None, typer.Option("--withdraw", help="Remove this participant's data for good; asks for the code again.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Show who took part, how far, who is running now, and who is due for a retest.

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
        raise LookalikeError("--yes is for --withdraw, and nobody was named")
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


@app.command()
def export(
    data: Annotated[Path, typer.Argument(help="Folder of all participants' data.")],
    imrmc: Annotated[
        Path | None, typer.Option("--imrmc", help="New file: ratings in iMRMC's format, main trials of one session.")
    ] = None,
    session: Annotated[int, typer.Option(min=1, help="Which session, for --imrmc.")] = 1,
    observer: Annotated[
        str | None, typer.Option(help="For --imrmc, where several kinds answered: human, scripted or simulated.")
    ] = None,
    long: Annotated[Path | None, typer.Option("--long", help="New file: all trials of all sessions, CSV.")] = None,
    task: Annotated[str, typer.Option(help="Which task, for --imrmc and --long.")] = "realfake",
    as_json: Json = False,
) -> None:
    """Make the tables of recorded sessions that have none yet, as after a crash; and files for other programs.

    \b
    Example:
      lookalike export study-1
      lookalike export study-1 --imrmc study-1.imrmc --long study-1.csv
    """
    from data.files import refuse_occupied
    from data.trials import recorded_sessions
    from experiments.records.bids import export_all
    from experiments.records.imrmc import write_imrmc
    from experiments.records.long_table import write_long_table

    for out in (imrmc, long):
        if out is not None:
            refuse_occupied(out)
    shared = (imrmc or long) and not recorded_sessions(data)  # tables alone: there is nothing to make them from
    sessions = [] if shared else export_all(data)
    for one in () if as_json else sessions:
        answered = f"{one.answered} of {'?' if one.trials is None else one.trials} answered"
        where = one.problem or ("" if one.table is None else relative(one.table))
        print(f"{one.participant}  session {one.session}  {answered}  {one.outcome}  {where}")
    written: dict[str, Any] = {}
    failed = any(one.outcome == "failed" for one in sessions)
    if (imrmc or long) and failed:
        say("A session has no table, so neither --imrmc nor --long was written.")
    elif imrmc or long:
        for one in sessions:
            if one.outcome == "running":
                say(f"left out: participant {one.participant}, session {one.session}, which is running now")
        if imrmc:
            written["imrmc"] = {"file": relative(imrmc), **asdict(write_imrmc(data, imrmc, task, session, observer))}
        if long:
            written["long"] = {"file": relative(long), "trials": write_long_table(data, long, task)}
    if as_json:
        show({"sessions": [asdict(one) for one in sessions], **written}, True)
    elif written:
        show(written, False)
    if failed:
        raise typer.Exit(1)


def _withdraw(data: Path, participant: str, yes: bool, as_json: bool) -> None:
    from experiments.records.withdrawal import refuse_withdrawal, withdraw

    refuse_withdrawal(data, participant)
    if not yes:
        say(f"This removes everything of participant {participant} in {relative(data)} for good. The code again:")
        if sys.stdin.readline().strip() != participant:
            raise LookalikeError("that is not the same code; nothing was removed")
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
        say("There are too many files to look into all; search those for the code that lie deeper.")
    say(
        "Text files were searched, not hidden folders, other programs' formats or other disks. Results, exports and "
        "backups made before still hold these answers, wherever they are: remove them, or make them again."
    )


def _row(one: ParticipantState) -> list[str]:
    begun = [session.days_since for session in one.sessions if session.days_since is not None]
    left = "" if one.due_in_days is None or one.retest == "due" else f" {one.due_in_days:.1f} days"
    if one.retest == "not stated":
        left = " (give --study)"
    sessions = ", ".join(
        f"{session.session}: {session.state}"
        + ("" if session.trials is None or session.state == "complete" else f" {session.answered} of {session.trials}")
        for session in one.sessions
    )
    nobody = one.observer if one.observer in ("simulated", "scripted") else "-"
    return [
        one.participant,
        {None: nobody, True: "yes", False: "no"}[one.consent],
        "withdrawal not finished" if one.withdrawing else sessions or "-",
        ", ".join(f"{days:.1f}" for days in begun) or "-",
        one.retest + left,
    ]
