"""Run a later session with session 1's images as a plain script: python retest.py STIMULI DATA PARTICIPANT

Also starts from PsychoPy Coder or Runner, where a dialog asks for the arguments. `lookalike retest` does the same.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

if not __package__:  # run as a script: import from the folder that holds experiments/, not from inside it
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from experiments.session.retest_session import run_retest
from experiments.session.run import SessionResult
from experiments.session.script import run_script, setup_from


def _start(given: argparse.Namespace) -> SessionResult:
    allowed = {"partial": given.partial, "another": given.another, "early": given.early}
    return run_retest(given.stimuli, given.data, given.participant, given.seed, setup_from(given), **allowed)


if __name__ == "__main__":
    run_script(_start, "Run a later session with the images of a participant's first.", later=True)
