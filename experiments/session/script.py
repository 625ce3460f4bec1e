"""The arguments, dialog and exit status of `realfake.py` and `retest.py`, as PsychoPy Coder and Runner start them."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable
from pathlib import Path

from data.errors import LookalikeError
from experiments.display.display_file import read_display
from experiments.session.dialog import Entered, ask
from experiments.session.run import SessionResult, Setup


def run_script(start: Callable[[argparse.Namespace], SessionResult], description: str, later: bool = False) -> None:
    """Run a first or a `later` session with arguments from the command line, or else from a dialog, and exit.

    The exit status is 0 if the session is complete, 1 if it stopped early or the dialog was cancelled, and 2 after a
    user's mistake on the command line. After a mistake in the dialog it opens again, as it was left, and says what was
    wrong.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a console without a letter of a folder's name
            stream.reconfigure(errors="backslashreplace")
    arguments = _parser(description, later)
    try:
        result = start(arguments.parse_args()) if len(sys.argv) > 1 else _ask_until_run(start, arguments, later)
    except LookalikeError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    print(
        f"participant {result.participant}, session {result.session}: "
        f"{result.answered} of {result.trials} answered; {result.table}"
    )
    sys.exit(0 if result.complete else 1)


def _ask_until_run(
    start: Callable[[argparse.Namespace], SessionResult], arguments: argparse.ArgumentParser, later: bool
) -> SessionResult:
    """Cancelling the dialog ends the script before anything is started."""
    entered: Entered | None = None
    message = ""
    while True:
        entered = ask(f"A participant's {'later' if later else 'first'} session", later, entered, message)
        if entered is None:
            print("cancelled; no session was started", file=sys.stderr)
            sys.exit(1)
        try:
            return start(arguments.parse_args(entered.words))
        except LookalikeError as error:
            message = str(error)
            print(message, file=sys.stderr)


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
