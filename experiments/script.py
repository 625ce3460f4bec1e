"""What lets `realfake` and `retest` run as plain scripts, as PsychoPy Coder and Runner start them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from data.errors import LookalikeError
from experiments.sitting import Result, Setup


def parser(description: str) -> argparse.ArgumentParser:
    """The arguments that both scripts take."""
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("stimuli", type=Path, help="folder of the stimulus set")
    arguments.add_argument("data", type=Path, help="folder that holds, or will hold, the data of all participants")
    arguments.add_argument("participant", help="random code, letters and digits")
    arguments.add_argument("--seed", type=int, help="of the order of images (default: drawn and recorded)")
    arguments.add_argument("--observer", choices=["human", "scripted", "simulated"], default="human")
    arguments.add_argument("--script", type=Path, help="answers of a scripted observer, a CSV table")
    arguments.add_argument("--fullscreen", action="store_true")
    arguments.add_argument("--no-window", action="store_true", help="for scripted and simulated observers")
    return arguments


def setup_from(given: argparse.Namespace) -> Setup:
    return Setup(given.observer, not given.no_window, given.fullscreen, given.script)


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
