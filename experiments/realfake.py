"""Run a participant's first session as a plain script: python realfake.py STIMULI DATA PARTICIPANT

Also starts from PsychoPy Coder or Runner, where a dialog asks for the arguments. `lookalike run` does the same.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

if not __package__:  # run as a script: import from the folder that holds experiments/, not from inside it
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from experiments.session.first_session import run_first_session
from experiments.session.run import SessionResult
from experiments.session.script import run_script, setup_from


def _start(given: argparse.Namespace) -> SessionResult:
    return run_first_session(given.stimuli, given.data, given.participant, given.study, given.seed, setup_from(given))


if __name__ == "__main__":
    run_script(_start, "Run a participant's first session.")
