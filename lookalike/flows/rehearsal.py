"""`lookalike run --rehearse`: the checklist of a rehearsal, printed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import typer

from data.errors import LookalikeError
from experiments.display.display_file import read_display
from experiments.rehearsal.checks import as_table
from experiments.rehearsal.rehearse import rehearse
from lookalike.console import need, progress, relative, say, show, show_table
from lookalike.flows.sessions import count


def show_rehearsal(
    stimuli: Path,
    data: Path,
    study: Path | None,
    fullscreen: bool,
    display: Path | None,
    seed: int | None,
    keep: bool,
    others: Mapping[str, object],
    as_json: bool,
) -> None:
    """Rehearse, print what was found, and exit with 1 if a check failed.

    `others` are options of real sessions by name. Raises `LookalikeError` if one was given, or without PsychoPy.
    """
    given = next((name for name, value in others.items() if value), None)
    if given is not None:
        raise LookalikeError(
            "conflicting-options", f"--rehearse is a session of nobody, in a window; leave out {given}"
        )
    need("lab")
    shown_on = None if display is None else read_display(display)
    with progress("trials", None) as advance:
        found = rehearse(stimuli, data, study, fullscreen, shown_on, seed, keep, count(advance))
    rows = as_table(list(found.checks))
    kept = None if found.kept is None else relative(found.kept)
    if as_json:
        show({"failed": found.failed, "checks": rows, "kept": kept}, True)
    else:
        show_table([["", "check", "found"], *([row["outcome"], row["check"], row["found"]] for row in rows)])
        if kept is not None:
            say(f"lookalike: the data of the rehearsal are in {kept}; they are of nobody")
    if found.failed:
        raise typer.Exit(1)
