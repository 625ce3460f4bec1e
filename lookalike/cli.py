"""The command line: parse, call, print.

Nothing heavy is imported before a command needs it, so that `--help` answers at once. A user's mistake
is one line on stderr (with --json one object on stdout) and exit code 2; `lookalike --debug ...` also
shows the error's code and where it came from.
"""

from __future__ import annotations

import io
import sys
from typing import Annotated

import typer

from data.errors import LookalikeError
from lookalike.console import fail, say
from lookalike.groups import LazyGroup
from lookalike.memory import reuse_freed_memory

EXAMPLE = """\b
Example, from mammograms to a figure:
  lookalike patches mammograms/ --out patches
  lookalike train patches --out runs/first
  lookalike evaluate runs/first/models/* --patches patches
  lookalike evaluate runs/first/models/000200000-images --patches patches --out evaluation
  lookalike stimuli build --patches patches --model runs/first/models/000200000-images --out study-1/stimuli
  lookalike display calibrate display.json --name "Room 2" --size-cm 52.7x29.6 --distance 60 --ambient 0.2
  lookalike participant new --data study-1 --consent
  lookalike run study-1/stimuli --data study-1 --participant k7q2m --display display.json
  lookalike status study-1
  lookalike retest study-1/stimuli --data study-1 --participant k7q2m --display display.json
  lookalike analyze study-1 --out results
"""

app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: quick, and the examples keep their lines
    pretty_exceptions_enable=False,
    help="Medical images that do not exist, shown beside real ones, and a measure of whether anyone can tell.",
    epilog=EXAMPLE,
)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Code and traceback of an error as well.")] = False,  # noqa: ARG001
    version: Annotated[bool, typer.Option("--version", help="Version number.")] = False,
) -> None:
    if version:
        from data.shipped import VERSION

        print(VERSION)
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


def main() -> None:
    """Entry point: run a command; a user's mistake becomes text, or one JSON object, and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a Windows console may lack a letter of a folder's name
            stream.reconfigure(errors="backslashreplace")
    reuse_freed_memory()
    try:
        # The name, however it was started: shell completion is known by it. Without --json, Typer reports wrong usage.
        sys.exit(app(prog_name="lookalike", standalone_mode="--json" not in sys.argv))
    except typer.TyperException as error:
        fail(error, "usage", error.format_message())
    except typer.Abort:
        say("Aborted!")
        sys.exit(1)
    except LookalikeError as error:
        fail(error, error.code, str(error))
    except OSError as error:
        # The file system refused: a full disk, a folder that may not be written, a file in the way.
        where = f"{error.filename}: " if error.filename else ""
        reason = error.strerror or str(error)
        fail(error, "file-system", f"{where}{reason}; finished results are safe; free some space or write elsewhere")
