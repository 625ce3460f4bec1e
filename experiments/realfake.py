"""A first session: real or generated? Also a plain script: python realfake.py STIMULI DATA PARTICIPANT"""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

if not __package__:  # run as a script: import from the folder that holds experiments/, not from inside it
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from data.shipped import EXAMPLE_STUDY
from data.study import read_study
from data.trials import session_folder
from experiments.design import draw_plan, draw_seed
from experiments.record import refuse_taken
from experiments.script import parser, run_script, setup_from
from experiments.session import Progress, silent
from experiments.sitting import Result, Setup, hold
from stimuli.sets import read_set

CODE_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without those that are misread: i, l, o, 0, 1


def run(
    stimuli: Path,
    data: Path,
    participant: str,
    study: Path | None = None,
    seed: int | None = None,
    setup: Setup | None = None,
    progress: Progress = silent,
) -> Result:
    """Draw the plan of session 1 and run it.

    `participant` must be new to `data`; `study` defaults to the shipped example, `seed` to a drawn
    one (both are recorded), `setup` to a person at a window. Raises `LookalikeError` with `data`
    unchanged if anything is amiss before the first image.
    """
    refuse_taken(data, participant, 1)
    shown = read_set(stimuli)
    plan = draw_plan(shown, read_study(study or EXAMPLE_STUDY), participant, 1, draw_seed() if seed is None else seed)
    return hold(plan, shown, data, setup or Setup(), progress)


def new_code(data: Path) -> str:
    """A random code of five letters and digits that no participant in `data` has."""
    while True:
        code = "".join(secrets.choice(CODE_LETTERS) for _ in range(5))
        if not session_folder(data, code, 1).parent.exists() and not (Path(data) / f"sub-{code}").exists():
            return code


if __name__ == "__main__":
    arguments = parser("Run a participant's first session.")
    arguments.add_argument("--study", type=Path, help="study file (default: the shipped example)")
    given = arguments.parse_args()
    run_script(lambda: run(given.stimuli, given.data, given.participant, given.study, given.seed, setup_from(given)))
