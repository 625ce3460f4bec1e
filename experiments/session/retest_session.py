"""A participant's later session: the images of session 1 in a new order.

The participant is not to know: nothing on screen distinguishes this session from the first.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from data.bids import PLAN, RECORD, session_folder
from data.errors import LookalikeError
from data.plan import Plan, read_plan
from data.record import Log, read_record
from experiments.records.record import (
    check_together,
    find_unfinished,
    is_complete,
    is_running,
    sessions,
    set_aside,
    utc_now,
)
from experiments.session.design import draw_seed, retest_plan
from experiments.session.loop import History, Progress, silent
from experiments.session.run import (
    Say,
    SessionResult,
    Setup,
    keep_display,
    refuse_other_images,
    resume,
    run,
    to_stderr,
)
from stimuli.stimulus_source import read_stimuli


def run_retest(
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
) -> SessionResult:
    """Show the images of session 1 in a new order, as the participant's next session, or resume one that stopped.

    Keys, display and all other settings are those of session 1.

    Parameters
    ----------
    stimuli : Path
        Folder of the stimulus set or morph loops of session 1.
    data : Path
        Folder with the data of all participants.
    participant : str
        The participant's code.
    seed : int, optional
        Seed (0 or more) of the order of images; by default drawn at random. It is recorded in the plan.
    setup : Setup, optional
        Observer and screen; by default a person at a window.
    progress : callable, optional
        Called with (trials done, trials in all) after each answer.
    partial : bool, optional
        Accept a session 1 that stopped early, and show the images that were answered in it.
    another : bool, optional
        Accept a third or later session.
    early : bool, optional
        Accept a person sooner than the study file's `retest_after_days`.
    say : callable, optional
        Called with one line for the experimenter at a time, such as what differs from session 1. Prints to stderr by
        default.

    Returns
    -------
    SessionResult
        Folder of the plan and record, exported table, and how many trials were answered.

    Raises
    ------
    LookalikeError
        With `data` unchanged: `no-first-session`, `session-incomplete`, `observer-mismatch`, `session-exists`
        (a later session is complete, without `another`), `too-early`, `stimuli-mismatch`, or `other-set`.

    Examples
    --------
    >>> import experiments
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from stimuli.sets import Candidate, Layout, build_set
    >>> rng = np.random.default_rng(1)
    >>> real, generated = ([Candidate(rng.random((16, 16), dtype=np.float32), f"{source}:{n}") for n in range(50)]
    ...                    for source in ("patch", "seed"))
    >>> stimuli = build_set(Path("stimuli"), real, generated, Layout(main=100), {}).folder
    >>> setup = experiments.Setup("simulated", window=False)
    >>> first = experiments.run_first_session(stimuli, Path("data"), "sim1", seed=1, setup=setup)
    >>> second = experiments.run_retest(stimuli, Path("data"), "sim1", seed=2, setup=setup)
    >>> second.session, second.answered
    (2, 100)
    """
    first, log = _first_session(data, participant, partial)
    setup = keep_display(setup or Setup(), first)
    if setup.observer != log.start["observer"]:
        raise LookalikeError(
            "observer-mismatch",
            f"participant {participant}'s session 1 was answered by a {log.start['observer']} observer and this "
            f"one would be by a {setup.observer} observer, so it would not be a retest; give --observer "
            f"{log.start['observer']}, or check the code",
        )
    source = read_stimuli(stimuli)
    refuse_other_images(first, source)
    history = History(days=_days_since(log))
    latest = sessions(data, participant)[-1]
    unfinished = find_unfinished(data, participant, latest) if latest > 1 else None
    if setup.observer == "human" and not early and (unfinished is None or not unfinished[1].of("answer")):
        _refuse_early(first, history)
    if unfinished is not None and not unfinished[1].of("answer") and _is_outdated(unfinished[0], first, log):
        set_aside(data, participant, latest)
        say(f"participant {participant}, session {latest}: was opened before session 1 went on, and is planned anew")
        latest, unfinished = latest - 1, None
    if unfinished is not None:
        plan, later = unfinished
        if seed is not None and seed != plan.seed:
            raise LookalikeError(
                "seed-mismatch",
                f"participant {participant}'s session {latest} stopped after {len(later.of('answer'))} trials and was "
                f"drawn with seed {plan.seed}, not {seed}; leave out --seed to resume it",
            )
        return resume(plan, later, source, data, setup, progress, history, say)
    if latest > 1 and not another:
        raise LookalikeError(
            "session-exists",
            f"participant {participant} already has a complete session {latest}; check the code, or give --another "
            "for one more session",
        )
    plan = _plan(first, log, latest + 1, draw_seed() if seed is None else seed, say)
    return run(plan, source, data, setup, progress, history, first.display, say)


def _first_session(data: Path, participant: str, partial: bool) -> tuple[Plan, Log]:
    if 1 not in sessions(data, participant):
        raise LookalikeError(
            "no-first-session",
            f"participant {participant} has no session 1 in {data}; check the code, or run the first session with "
            "'lookalike run'",
        )
    folder = session_folder(data, participant, 1)
    if is_running(folder / RECORD):
        raise LookalikeError(
            "session-running", f"participant {participant}, session 1 is running now; end it there first"
        )
    plan, log = read_plan(folder / PLAN), read_record(folder / RECORD)
    check_together(plan, log)
    if not is_complete(plan, log) and not partial:
        raise LookalikeError(
            "session-incomplete",
            f"participant {participant}: session 1 stopped after {len(log.of('answer'))} of {len(plan.trials)} "
            "trials; a retest needs a complete session 1: resume it ('lookalike run'), or give --partial to retest "
            "the trials that were answered",
        )
    return plan, log


def _refuse_early(first: Plan, history: History) -> None:
    """Raise `LookalikeError` if the study plans a retest later than today."""
    planned, days = first.retest_after_days, history.days or 0.0
    if planned is not None and days <= planned - 1:  # appointments are by date, so one day less is not too early
        raise LookalikeError(
            "too-early",
            f"participant {first.participant}'s session 1 was {days:.1f} days ago, and the study plans the next after "
            f"{planned:g}; check the code, or give --early to run it now",
        )


def _plan(first: Plan, log: Log, session: int, seed: int, say: Say) -> Plan:
    if is_complete(first, log):
        return retest_plan(first, session, seed)
    who = f"participant {first.participant}, session {session}"
    answered = frozenset(event["trial"] for event in log.of("answer"))
    done = [trial for trial in first.trials if trial.trial in answered and trial.role != "practice"]
    if not any(trial.role == "main" for trial in done):
        raise LookalikeError(
            "nothing-to-retest", f"participant {first.participant}: session 1 has no answered main trial to retest"
        )
    say(f"{who}: shows the {len(done)} trials of session 1 that were answered")
    try:
        return retest_plan(first, session, seed, answered)
    except LookalikeError:  # the answered trials need not be balanced, and then no order has runs this short
        say(f"{who}: no order of these trials keeps runs of one truth to {first.max_run} or fewer")
        return retest_plan(first.model_copy(update={"max_run": None}), session, seed, answered)


def _is_outdated(later: Plan, first: Plan, log: Log) -> bool:
    """Whether a retest was planned when session 1 had other answers than it has now."""
    answered, whole = {event["trial"] for event in log.of("answer")}, is_complete(first, log)
    can_be_shown = {
        trial.images for trial in first.trials if (whole or trial.trial in answered) and trial.role != "practice"
    }
    return {trial.images for trial in later.trials if trial.role != "practice"} != can_be_shown


def _days_since(log: Log) -> float:
    """Days from the start of the first session to now, to about a minute; 0 if the clock was put back."""
    elapsed = datetime.fromisoformat(utc_now()) - datetime.fromisoformat(log.begun["utc"])
    return round(max(0.0, elapsed.total_seconds()) / 86400, 3)
