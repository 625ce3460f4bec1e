"""A later session with session 1's images. Also a plain script: python retest.py STIMULI DATA PARTICIPANT

The participant is not to know: nothing on the screen tells this session from the first.
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

if not __package__:  # run as a script: import from the folder that holds experiments/, not from inside it
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from data.errors import LookalikeError
from data.record import Log, read_record
from data.trials import PLAN, RECORD, session_folder
from experiments.design import Plan, draw_seed, read_plan, retest_plan
from experiments.export import check_together
from experiments.record import is_complete, sessions, utc_now
from experiments.script import parser, run_script, setup_from
from experiments.session import Progress, silent
from experiments.sitting import Result, Setup, hold
from stimuli.sets import StimulusSet, read_set


def run(
    stimuli: Path,
    data: Path,
    participant: str,
    seed: int | None = None,
    setup: Setup | None = None,
    progress: Progress = silent,
) -> Result:
    """Show the images of session 1 in a new order, as the participant's next session.

    Raises `LookalikeError` with `data` unchanged if there is no complete session 1, it was answered by
    another kind of observer, or `stimuli` is not the set that it showed, file by file.
    """
    first, log = _first_session(data, participant)
    setup = setup or Setup()
    if setup.observer != log.start["observer"]:
        raise LookalikeError(
            f"participant {participant}'s session 1 was answered by a {log.start['observer']} observer and this would "
            f"be by a {setup.observer} one, so it is no retest; give --observer {log.start['observer']} or check it"
        )
    shown = read_set(stimuli)
    _check_same_images(first, shown)
    session = sessions(data, participant)[-1] + 1
    plan = retest_plan(first, session, draw_seed() if seed is None else seed)
    return hold(plan, shown, data, setup, progress, _days_since(log))


def _first_session(data: Path, participant: str) -> tuple[Plan, Log]:
    if 1 not in sessions(data, participant):
        raise LookalikeError(
            f"participant {participant} has no session 1 in {data}; check the code, or run the first session with "
            "'lookalike run'"
        )
    folder = session_folder(data, participant, 1)
    plan, log = read_plan(folder / PLAN), read_record(folder / RECORD)
    check_together(plan, log)
    if not is_complete(plan, log):
        raise LookalikeError(
            f"participant {participant}: session 1 stopped after {len(log.of('answer'))} of {len(plan.trials)} "
            "trials; a retest needs a complete session 1"
        )
    return plan, log


def _check_same_images(first: Plan, stimuli: StimulusSet) -> None:
    if stimuli.sha256 != first.stimulus_set_sha256:
        raise LookalikeError(
            f"{stimuli.folder}: participant {first.participant}'s session 1 is a record from another stimulus set "
            f"({first.stimulus_set_sha256[:12]}, this one is {stimuli.sha256[:12]}); give the set that was used then"
        )


def _days_since(log: Log) -> float:
    """Days from the start of the first session to now, to the minute or so."""
    elapsed = datetime.fromisoformat(utc_now()) - datetime.fromisoformat(log.start["utc"])
    return round(elapsed.total_seconds() / 86400, 3)


if __name__ == "__main__":
    given = parser("Run a later session with the images of a participant's first.").parse_args()
    run_script(lambda: run(given.stimuli, given.data, given.participant, given.seed, setup_from(given)))
