"""The arguments, dialog and exit status of `realfake.py` and `retest.py`, as PsychoPy Coder and Runner start them."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable
from pathlib import Path

from data.errors import LookalikeError
from experiments.display.display_file import read_display
from experiments.session.dialog import ask
from experiments.session.run import SessionResult, Setup


def ask_or_parse(description: str, later: bool = False) -> argparse.Namespace:
    """The script's arguments for a first or a `later` session: from the command line, or else from a dialog.

    Cancelling the dialog ends the script before anything is started.
    """
    arguments = _parser(description, later)
    if len(sys.argv) > 1:
        return arguments.parse_args()
    words = ask(description, with_study=not later)
    if words is None:
        print("cancelled; no session was started", file=sys.stderr)
        sys.exit(1)
    return arguments.parse_args(words)


def _parser(description: str, later: bool) -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("stimuli", type=Path, help="folder of the stimulus set or morph loops")
    arguments.add_argument("data", type=Path, help="folder of the data of all participants; made if new")
    arguments.add_argument("participant", help="code of 1 to 40 letters and digits")
    arguments.add_argument("--seed", type=int, help="seed of the order of images, 0 or more (default: random)")
    observers = ["human", "scripted", "simulated"]
    arguments.add_argument("--observer", choices=observers, default="human", help="kind of observer (default: human)")
    arguments.add_argument("--script", type=Path, help="CSV table of a scripted observer's answers")
    arguments.add_argument("--fullscreen", action="store_true", help="window over the whole screen")
    arguments.add_argument("--display", type=Path, help="display file from 'lookalike display calibrate'")
    arguments.add_argument("--no-window", action="store_true", help="no window, for scripted and simulated observers")
    if later:
        arguments.add_argument("--partial", action="store_true", help="retest of a session 1 that stopped early")
        arguments.add_argument("--another", action="store_true", help="third or later session")
        arguments.add_argument("--early", action="store_true", help="retest before the study's days since session 1")
    else:
        arguments.add_argument("--study", type=Path, help="study file (default: the shipped example)")
    return arguments


def setup_from(given: argparse.Namespace) -> Setup:
    display = None if given.display is None else read_display(given.display)
    return Setup(given.observer, not given.no_window, given.fullscreen, given.script, display=display)


def run_script(run: Callable[[], SessionResult]) -> None:
    """Run, print one line, and exit: 0 if complete, 1 if stopped early, 2 after a user's mistake."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a console without a letter of a folder's name
            stream.reconfigure(errors="backslashreplace")
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
