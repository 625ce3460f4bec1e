"""What lets `realfake` and `retest` run as plain scripts, as PsychoPy Coder and Runner start them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from data.errors import LookalikeError
from experiments.display.display_file import read_display
from experiments.session.dialog import ask
from experiments.session.run import Result, Setup


def ask_or_parse(description: str, later: bool = False) -> argparse.Namespace:
    """The script's arguments, for a first session or a `later` one: from the command line, or from a dialog if there
    are none.

    A dialog that is cancelled ends the script before anything is begun.
    """
    arguments = _parser(description, later)
    if len(sys.argv) > 1:
        return arguments.parse_args()
    words = ask(description, with_study=not later)
    if words is None:
        print("cancelled; nothing was begun", file=sys.stderr)
        sys.exit(1)
    return arguments.parse_args(words)


def _parser(description: str, later: bool) -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("stimuli", type=Path, help="folder of the stimulus set, or of the morph loops to match")
    arguments.add_argument("data", type=Path, help="folder that holds, or will hold, the data of all participants")
    arguments.add_argument("participant", help="random code, letters and digits")
    arguments.add_argument("--seed", type=int, help="of the order of images (default: drawn and recorded)")
    arguments.add_argument("--observer", choices=["human", "scripted", "simulated"], default="human")
    arguments.add_argument("--script", type=Path, help="answers of a scripted observer, a CSV table")
    arguments.add_argument("--fullscreen", action="store_true")
    arguments.add_argument("--display", type=Path, help="display file of the screen, as 'lookalike display' makes it")
    arguments.add_argument("--no-window", action="store_true", help="for scripted and simulated observers")
    if later:
        arguments.add_argument("--partial", action="store_true", help="allow a session 1 that stopped early")
        arguments.add_argument("--another", action="store_true", help="allow a third session, and more")
        arguments.add_argument("--early", action="store_true", help="allow less than the study's days since session 1")
    else:
        arguments.add_argument("--study", type=Path, help="study file (default: the shipped example)")
    return arguments


def setup_from(given: argparse.Namespace) -> Setup:
    display = None if given.display is None else read_display(given.display)
    return Setup(given.observer, not given.no_window, given.fullscreen, given.script, display=display)


def run_script(run: Callable[[], Result]) -> None:
    """Run, print one line, and exit: 0 if complete, 1 if stopped early, 2 after a user's mistake."""
    try:
        result = run()
    except LookalikeError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    print(
        f"participant {result.participant}, session {result.session}: "
        f"{result.answered} of {result.trials} answered; {result.table}"
    )
    sys.exit(0 if result.complete else 1)
