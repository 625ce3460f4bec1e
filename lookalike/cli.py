"""The command line: parse, call, print.

Nothing heavy is imported before a command needs it, so that `--help` answers at once. A user's
mistake is one line on stderr and exit code 2; `lookalike --debug ...` shows where it came from.
"""

from __future__ import annotations

import io
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from data.errors import LookalikeError
from data.shipped import DEFAULT_MODEL
from lookalike.commands import analysing, displaying, generating, keeping, making, running
from lookalike.console import headline, need, relative, say, show
from lookalike.memory import reuse_freed_memory
from lookalike.options import Json, ModelFolder, Out, Seed

EXAMPLE = """\b
Example, from mammograms to a figure:
  lookalike patches mammograms/ --out patches
  lookalike train patches --out runs/first
  lookalike evaluate runs/first/models/* --patches patches
  lookalike evaluate runs/first/models/000200000-images --patches patches --out evaluation
  lookalike stimuli build --patches patches --model runs/first/models/000200000-images --out study-1/stimuli
  lookalike participant new --data study-1 --consent
  lookalike display calibrate display.json --name "Room 2" --size-cm 52.7x29.6 --distance 60 --ambient 0.2
  lookalike run study-1/stimuli --data study-1 --participant k7q2m
  lookalike status study-1
  lookalike retest study-1/stimuli --data study-1 --participant k7q2m
  lookalike analyze study-1 --out results
"""

app = typer.Typer(
    name="lookalike",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help: quick, and the examples keep their lines
    pretty_exceptions_enable=False,
    help="Medical images that do not exist, shown beside real ones, and a measure of whether anyone can tell.",
    epilog=EXAMPLE,
)
for room in (making, generating, displaying, running, keeping, analysing):
    app.add_typer(room.app)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback instead of one line.")] = False,  # noqa: ARG001
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        from data.version import VERSION

        print(VERSION)
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def demo(
    out: Out = Path("demo-output"),
    model: ModelFolder = DEFAULT_MODEL,
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """See everything work: mammograms to ROC figure, with simulated observers.

    \b
    Example:
      lookalike demo --out demo-output
    """
    need("gan", "demo")
    from data.files import read_json
    from lookalike.flows import demo as flow

    made = flow.run(out, model, seed)
    folders = {name: relative(path) for name, path in asdict(made).items()}
    show({**folders, **headline(read_json(made.results / "summary.json"), made.results)}, as_json)
    say(f"\nNote: {flow.WARNING}\nReal images: {flow.CREDIT}.")


def main() -> None:
    """Entry point: run a command; a `LookalikeError` becomes one line and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a Windows console may lack a letter of a folder's name
            stream.reconfigure(errors="backslashreplace")
    reuse_freed_memory()
    try:
        app()
    except LookalikeError as error:
        if "--debug" in sys.argv:
            raise
        say(f"lookalike: {' '.join(str(error).split())}")
        sys.exit(2)
    except OSError as error:
        # The file system said no: a full disk, a folder that may not be written, a file in the way.
        if "--debug" in sys.argv:
            raise
        where = f"{error.filename}: " if error.filename else ""
        say(f"lookalike: {where}{error.strerror or error}; what was finished is safe; free space or write elsewhere")
        sys.exit(2)
