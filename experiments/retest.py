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
from data.plan import Plan, read_plan
from data.record import Log, read_record
from data.trials import PLAN, RECORD, session_folder
from experiments.records.record import check_together, find_unfinished, is_complete, is_running, sessions, utc_now
from experiments.session.design import draw_seed, retest_plan
from experiments.session.loop import Past, Progress, silent
from experiments.session.run import Result, Say, Setup, go_on, hold, keep_display, refuse_other_images, to_stderr
from experiments.session.script import ask_or_parse, run_script, setup_from
from stimuli.stimulus_source import read_stimuli


def run(
    stimuli: Path,
    data: Path,
    participant: str,
    seed: int | None = None,
    setup: Setup | None = None,
    progress: Progress = silent,
    partial: bool = False,
    another: bool = False,
    early: bool = False,
    say: Say = to_stderr,
) -> Result:
    """Show the images of session 1 in a new order, as the participant's next session, or go on with one that stopped.

    Keys, display and all other settings are session 1's; `say` is told what differs. `partial` allows a session 1
    that stopped early: then the images that it got an answer for are shown. `another` allows a third session, and more;
    `early` that a person comes before the study file's `retest_after_days`.
    Raises `LookalikeError` with `data` unchanged if there is no complete session 1, it was answered by another kind of
    observer, a later session is complete (without `another`), it is too early (without `early`), or `stimuli` is not
    the set that session 1 showed, file by file.
    """
    first, log = _first_session(data, participant, partial)
    setup = keep_display(setup or Setup(), first)
    if setup.observer != log.start["observer"]:
        raise LookalikeError(
            f"participant {participant}'s session 1 was answered by a {log.start['observer']} observer and this would "
            f"be by a {setup.observer} one, so it is no retest; give --observer {log.start['observer']} or check it"
        )
    shown = read_stimuli(stimuli)
    refuse_other_images(first, shown)
    past = Past(days=_days_since(log))
    latest = sessions(data, participant)[-1]
    unfinished = find_unfinished(data, participant, latest) if latest > 1 else None
    if setup.observer == "human" and not early and (unfinished is None or not unfinished[1].of("answer")):
        _refuse_early(first, past)
    if unfinished is not None:
        plan, later = unfinished
        if seed is not None and seed != plan.seed:
            raise LookalikeError(
                f"participant {participant}'s session {latest} stopped after {len(later.of('answer'))} trials and was "
                f"drawn with seed {plan.seed}, not {seed}; leave out --seed to go on"
            )
        return go_on(plan, later, shown, data, setup, progress, past, say)
    if latest > 1 and not another:
        raise LookalikeError(
            f"participant {participant} has a complete session {latest} already; check the code, or give --another for "
            "one more later session"
        )
    plan = _plan(first, log, latest + 1, draw_seed() if seed is None else seed, say)
    return hold(plan, shown, data, setup, progress, past, first.display, say)


def _first_session(data: Path, participant: str, partial: bool) -> tuple[Plan, Log]:
    if 1 not in sessions(data, participant):
        raise LookalikeError(
            f"participant {participant} has no session 1 in {data}; check the code, or run the first session with "
            "'lookalike run'"
        )
    folder = session_folder(data, participant, 1)
    if is_running(folder / RECORD):
        raise LookalikeError(f"participant {participant}, session 1 is running now; end it there first")
    plan, log = read_plan(folder / PLAN), read_record(folder / RECORD)
    check_together(plan, log)
    if not is_complete(plan, log) and not partial:
        raise LookalikeError(
            f"participant {participant}: session 1 stopped after {len(log.of('answer'))} of {len(plan.trials)} "
            "trials; a retest needs a complete session 1: go on with it ('lookalike run'), or give --partial to "
            "retest the trials that were answered"
        )
    return plan, log


def _refuse_early(first: Plan, past: Past) -> None:
    """Raise `LookalikeError` if the study plans a retest later than today."""
    planned, days = first.retest_after_days, past.days or 0.0
    if planned is not None and days <= planned - 1:  # appointments are by date, so a day is not too early
        raise LookalikeError(
            f"participant {first.participant}'s session 1 was {days:.1f} days ago, and the study plans the next after "
            f"{planned:g}; check the code, or give --early to begin it now"
        )


def _plan(first: Plan, log: Log, session: int, seed: int, say: Say) -> Plan:
    if is_complete(first, log):
        return retest_plan(first, session, seed)
    who = f"participant {first.participant}, session {session}"
    answered = frozenset(event["trial"] for event in log.of("answer"))
    done = [trial for trial in first.trials if trial.trial in answered and trial.role != "practice"]
    if not any(trial.role == "main" for trial in done):
        raise LookalikeError(f"participant {first.participant}: session 1 has no answered main trial to retest")
    say(f"{who}: shows the {len(done)} trials of session 1 that were answered")
    try:
        return retest_plan(first, session, seed, answered)
    except LookalikeError:  # what was answered need not be balanced, and then has no order with short runs
        say(f"{who}: these trials can be in no order without more than {first.max_run} of one truth in a row")
        return retest_plan(first.model_copy(update={"max_run": None}), session, seed, answered)


def _days_since(log: Log) -> float:
    """Days from when the first session began to now, to the minute or so; 0 if the clock was put back."""
    elapsed = datetime.fromisoformat(utc_now()) - datetime.fromisoformat(log.begun["utc"])
    return round(max(0.0, elapsed.total_seconds()) / 86400, 3)


if __name__ == "__main__":
    given = ask_or_parse("Run a later session with the images of a participant's first.", later=True)
    allowed = {"partial": given.partial, "another": given.another, "early": given.early}
    run_script(lambda: run(given.stimuli, given.data, given.participant, given.seed, setup_from(given), **allowed))
