"""`lookalike export`: tables that a crash left unwritten, and files for other programs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from data.shipped import DEFAULT_TASK
from lookalike.console import relative, say, show
from lookalike.options import DataFolder, Json


def export(
    data: DataFolder,
    imrmc: Annotated[
        Path | None, typer.Option("--imrmc", help="New file of the main trials' ratings in iMRMC's format.")
    ] = None,
    session: Annotated[int, typer.Option(min=1, help="Number of the session in --imrmc.")] = 1,
    observer: Annotated[
        str | None,
        typer.Option(help="Observers in --imrmc: human, scripted or simulated. [default: all, if of one kind]"),
    ] = None,
    long: Annotated[Path | None, typer.Option("--long", help="New CSV file of all trials of all sessions.")] = None,
    task: Annotated[str, typer.Option(help="Name of the task in --imrmc and --long.")] = DEFAULT_TASK,
    as_json: Json = False,
) -> None:
    """Write missing tables of sessions, files for other programs.

    A session that crashed has a record but no table yet; its table is made from the record.

    \b
    Example:
      lookalike export study-1
      lookalike export study-1 --imrmc study-1.imrmc --long study-1.csv
    """
    from data.bids import recorded_sessions
    from data.files import refuse_occupied
    from experiments.records.bids import export_all
    from experiments.records.imrmc import write_imrmc
    from experiments.records.long_table import write_long_table

    for out in (imrmc, long):
        if out is not None:
            refuse_occupied(out)
    tables_only = (imrmc or long) and not recorded_sessions(data)  # shared without records: no table can be missing
    sessions = [] if tables_only else export_all(data)
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
                say(f"left out: participant {one.participant}, session {one.session}, which is still running")
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
