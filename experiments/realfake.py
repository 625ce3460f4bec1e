"""A first session: real or generated? Also a plain script: python realfake.py STIMULI DATA PARTICIPANT"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

if not __package__:  # run as a script: import from the folder that holds experiments/, not from inside it
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from data.errors import LookalikeError
from data.files import read_json
from data.plan import Plan, read_plan
from data.record import Log
from data.shipped import EXAMPLE_STUDY
from data.study import StudyFile, read_study
from data.trials import PLAN
from experiments.records.participants import check_may_begin, make_known
from experiments.records.record import find_unfinished, refuse_taken, sessions
from experiments.session.design import Before, draw_plan, draw_seed, turned
from experiments.session.loop import Progress, silent
from experiments.session.run import Result, Say, Setup, go_on, hold, to_stderr
from experiments.session.script import ask_or_parse, run_script, setup_from
from stimuli.stimulus_source import Stimuli, read_stimuli


def run(
    stimuli: Path,
    data: Path,
    participant: str,
    study: Path | None = None,
    seed: int | None = None,
    setup: Setup | None = None,
    progress: Progress = silent,
    say: Say = to_stderr,
    new: bool = False,
) -> Result:
    """Draw the plan of session 1 and run it, or go on with a session 1 that stopped.

    A person's code was made before (see `experiments.records.participants`), or with `new` is made as the last thing
    before the first screen. `study` defaults to the shipped example (a session that goes on keeps its own), `seed` to a
    drawn one (both are recorded), `setup` to a person at a window; `say` is told a person's study file, what the
    display's record warns of, if the session goes on, and what differs from before. Raises `LookalikeError` with `data`
    unchanged if anything is amiss before the first image.
    """
    unfinished = find_unfinished(data, participant, 1)
    setup = setup or Setup()
    if unfinished is None:
        refuse_taken(data, participant, 1)
        check_may_begin(data, participant, setup.observer, new)
    shown = read_stimuli(stimuli)
    if unfinished is not None:
        plan, log = unfinished
        _refuse_other_settings(data, plan, log, None if study is None else read_study(study), seed)
        return go_on(plan, log, shown, data, setup, progress, say=say)
    drawn, planned = draw_seed() if seed is None else seed, read_study(study or EXAMPLE_STUDY)
    begun = _begun(data, planned)
    if setup.observer == "human":
        for told in _about_study(data, planned, begun, study is not None):
            say(told)
    plan = draw_plan(shown, planned, participant, 1, drawn, _before(data, begun, planned, shown))

    def ready() -> None:
        if new:
            make_known(data, participant, setup.observer, say)

    return hold(plan, shown, data, setup, progress, say=say, ready=ready)


def _plans(data: Path) -> list[Path]:
    """Where the plans of all first sessions in `data` stand, of whatever task."""
    return sorted((Path(data) / "sourcedata").glob(f"sub-*/ses-1/{PLAN}"))


def _begun(data: Path, study: StudyFile) -> list[dict[str, Any]]:
    """The plans of first sessions of this task in `data`, as they stand on the disk.

    Damaged ones are left out: another participant's fault must stop nobody.
    """
    plans: list[dict[str, Any]] = []
    for path in _plans(data):
        with suppress(LookalikeError):
            plans.append(read_json(path))
    return [plan for plan in plans if plan.get("task") == study.study.task]


def _about_study(data: Path, study: StudyFile, begun: list[dict[str, Any]], given: bool) -> list[str]:
    """Which study file it is, in words. Raises `LookalikeError` if it is the default and others had another."""
    others = sum(plan.get("study_sha256") != study.sha256 for plan in begun)
    told = f"{others} of {len(begun)} participants here were run with another study file"
    if others and not given:
        raise LookalikeError(
            f"{data}: {told} than the shipped example, and --study is not given; give theirs, or another --data"
        )
    changed = [f"{study.path}: {told}, or with this one before it was changed"] if others else []
    return [f"study file: {study.path if given else 'the shipped example'}", *changed]


def _before(data: Path, begun: list[dict[str, Any]], study: StudyFile, shown: Stimuli) -> Before:
    """How many participants there are, with which keys; where each has images of his own, which ones they were shown.

    Who has withdrawn does not count: keys are balanced among those whose data stay. Images of one's own nobody else
    was shown, in whatever task; so there a damaged plan raises `LookalikeError`.
    """
    task = study.need_task().task
    there, keys = [plan.get("keys") for plan in begun], task.key_mapping
    straight, other = there.count(keys), there.count(turned(keys)) if keys else 0
    if task.images == "shared":
        return Before(straight + other, other)
    plans = [plan for plan in map(read_plan, _plans(data)) if plan.stimulus_set_sha256 == shown.sha256]
    seen = (name for plan in plans for trial in plan.trials if trial.role != "practice" for name in trial.images)
    return Before(straight + other, other, frozenset(seen))


def _refuse_other_settings(data: Path, plan: Plan, log: Log, study: StudyFile | None, seed: int | None) -> None:
    """A session goes on as it was planned, or not at all."""
    who = f"participant {plan.participant}'s session {plan.session} stopped after {len(log.of('answer'))} trials and"
    if sessions(data, plan.participant)[-1] > plan.session:
        raise LookalikeError(f"{who} has been followed by a later one, so it cannot go on")
    if study is not None:
        _refuse_other_file(who, "study file", study.path, study.sha256, plan.study_sha256)
        task = study.need_task()
        _refuse_other_file(who, "task file", task.path, task.sha256, plan.task_sha256 or task.sha256)
    if seed is not None and seed != plan.seed:
        raise LookalikeError(f"{who} was drawn with seed {plan.seed}, not {seed}; leave out --seed to go on")


def _refuse_other_file(who: str, what: str, path: Path, is_now: str, was: str) -> None:
    if is_now != was:
        raise LookalikeError(
            f"{path}: {who} was planned with another {what} ({was[:12]}, this one is {is_now[:12]}), which "
            "was changed since or is not the same; give the one from then, or use another --participant"
        )


if __name__ == "__main__":
    given = ask_or_parse("Run a participant's first session.")
    run_script(lambda: run(given.stimuli, given.data, given.participant, given.study, given.seed, setup_from(given)))
