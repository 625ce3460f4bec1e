"""Adaptive sessions: the next fake follows from plan and answers alone, also after a kill."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.kinds.adaptive import estimate
from data.plan import Grade, Image, Plan, PlannedTrial
from data.record import Event, read_record
from data.simulated.detector import SimulatedDetector
from data.study import StudyFile
from experiments.session.adaptive import AsPlanned, ByQuestPlus, chooser_of
from stimuli.sets import StimulusSet
from tests.waiting import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]
LEVELS = (0.01, 0.02, 0.04, 0.08)


def plan_of(trials: int, each: int, levels: tuple[float, ...] = LEVELS) -> Plan:
    about: dict[str, Any] = {"file": "f", "sha256": "0" * 64}
    grades = tuple(
        Grade(
            level=level,
            images=tuple(Image(stimulus_id=f"f{level}-{n}", truth="generated", **about) for n in range(each)),
        )
        for level in levels
    )
    planned = tuple(
        PlannedTrial(trial=n, stimulus_id=f"r{n}", truth="real", role="main", fake_on="left", **about)
        for n in range(1, trials + 1)
    )
    settings: dict[str, Any] = {"study_name": "", "study_sha256": "", "stimulus_set_sha256": "", "versions": {}}
    settings |= {"confidence_levels": 0, "told_prevalence": 0.5, "max_run": None, "keys": {}, "seed": 1}
    return Plan(
        participant="p1", session=1, task="t", kind="threshold", grades=grades, trials=planned, **settings
    )  # fmt: skip


def run(plan: Plan, say: Callable[[PlannedTrial], bool], chooser: ByQuestPlus | None = None) -> list[Event]:
    chooser, answers = chooser or ByQuestPlus(plan), []
    for planned in plan.trials:
        trial = chooser.choose(planned, answers)
        assert trial.fake is not None
        answers.append(answer_to(trial, say(trial)))
    return answers


def answer_to(trial: PlannedTrial, correct: bool) -> Event:
    assert trial.fake is not None
    said = {"trial": trial.trial, "level": trial.level, "fake_id": trial.fake.stimulus_id}
    return said | {"response": "left" if correct else "right"}


def detect(threshold: float, seed: int = 1, spread: float = 0.1) -> Callable[[PlannedTrial], bool]:
    who = SimulatedDetector(threshold, spread, 0.02, seed)
    return lambda trial: who.is_correct(trial.level or 0, 0, 1, trial.trial)


@settings(max_examples=8)
@given(st.integers(0, 2**20 - 1), st.integers(1, 19))
def test_a_chooser_that_starts_late_goes_on_as_one_that_was_there(bits: int, cut: int) -> None:
    """As after a kill: a new process has the answers of the record, and nothing else."""
    plan = plan_of(20, 6)
    answers = run(plan, lambda trial: bool(bits >> (trial.trial - 1) & 1))
    late = ByQuestPlus(plan)
    for planned in plan.trials[cut:]:
        known = answers[: planned.trial - 1]
        trial = late.choose(planned, known)
        assert trial.fake is not None
        assert trial.fake.stimulus_id == answers[planned.trial - 1]["fake_id"]


def test_an_answer_that_was_taken_back_is_forgotten() -> None:
    plan = plan_of(20, 6)
    answers = run(plan, detect(0.03))
    slip = {**answers[9], "response": "right" if answers[9]["response"] == "left" else "left"}
    chooser = ByQuestPlus(plan)
    chooser.choose(plan.trials[10], [*answers[:9], slip])
    assert chooser.choose(plan.trials[10], answers[:10]) == ByQuestPlus(plan).choose(plan.trials[10], answers[:10])


@pytest.mark.parametrize("say", [lambda _: True, lambda _: False, detect(0.03)])
def test_no_fake_is_shown_twice_and_all_can_be(say: Callable[[PlannedTrial], bool]) -> None:
    answers = run(plan_of(24, 6), say)
    assert Counter(event["level"] for event in answers) == dict.fromkeys(LEVELS, 6)
    assert len({event["fake_id"] for event in answers}) == 24


def test_fakes_of_a_level_come_in_the_order_of_the_plan() -> None:
    answers = run(plan_of(20, 10), detect(0.03))
    for level in LEVELS:
        shown = [event["fake_id"] for event in answers if event["level"] == level]
        assert shown == [f"f{level}-{n}" for n in range(len(shown))]


def test_levels_follow_the_observer() -> None:
    """An observer who sees more is shown fainter fakes."""
    levels = tuple(0.01 * 2 ** (np.arange(8) / 2))
    plan = plan_of(40, 40, levels)
    shown = {true: [event["level"] for event in run(plan, detect(true))][10:] for true in (0.02, 0.06)}
    assert np.mean(np.log(shown[0.02])) < np.mean(np.log(shown[0.06])) - 0.3


@pytest.mark.slow
def test_thresholds_are_recovered() -> None:
    """24 observers, 40 trials: hardly biased, and held by the intervals; docs/thresholds.md has more."""
    levels = tuple(0.01 * 2 ** (np.arange(8) / 2))
    plan = plan_of(40, 12, levels)
    errors, held = [], 0
    for seed in range(24):
        threshold = (0.02, 0.034, 0.057)[seed % 3]
        found = estimate(plan, run(plan, detect(threshold, seed, spread=0.15))).threshold
        errors.append(np.log10(found.mean / threshold))
        held += found.low <= threshold <= found.high
    assert abs(np.mean(errors)) < 0.08  # 20%; the standard error is 5%
    assert np.sqrt(np.mean(np.square(errors))) < 0.18
    assert held >= 19


def test_other_tasks_show_what_was_planned() -> None:
    plan = plan_of(3, 3).model_copy(update={"kind": "realfake"})
    assert isinstance(chooser_of(plan), AsPlanned)
    assert chooser_of(plan).choose(plan.trials[0], []) == plan.trials[0]


def test_without_its_library_a_session_is_refused(monkeypatch: pytest.MonkeyPatch, refuses: Any) -> None:
    monkeypatch.setitem(sys.modules, "questplus", None)
    with refuses("missing-extra"):
        ByQuestPlus(plan_of(3, 3))


KILLED = """
import sys
from pathlib import Path
sys.path[0] = sys.argv[1]
from data.simulated.detector import SimulatedDetector
from experiments.session.first_session import run_first_session
from experiments.session.run import Setup

setup = Setup("simulated", window=False, detector=SimulatedDetector(threshold=0.03, seed=5))
arguments = [Path(sys.argv[2]), Path(sys.argv[3]), "p1", Path(sys.argv[4]), 1, setup]
trials_left = iter(range(int(sys.argv[5])))

def told(done, total):
    print(done, flush=True)
    if next(trials_left, None) is None:
        sys.stdin.read()  # until it is killed: on a machine however slow or quick, never through before

print(run_first_session(*arguments, told).complete, flush=True)
"""


@pytest.mark.slow
def test_kills_at_random_moments_change_nothing(
    make_graded: Callable[..., StimulusSet], make_study: Callable[..., StudyFile], tmp_path: Path
) -> None:
    """Killed (kill -9) again and again until it is through: answers and fakes are those of a session left alone."""
    stimuli = make_graded(trials=30)
    study = make_study(kind="threshold", trials=30, practice_trials=2).path
    alone, killed = tmp_path / "alone", tmp_path / "killed"

    def start(data: Path, trials: int) -> subprocess.Popen[str]:
        arguments = [str(part) for part in (ROOT, stimuli.folder, data, study, trials)]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        return subprocess.Popen([sys.executable, "-c", KILLED, *arguments], **pipes)

    with start(alone, trials=32) as process:
        assert "True" in process.communicate(timeout=PATIENCE_S)[0]
    record = killed / "sourcedata" / "sub-p1" / "ses-1" / "record.jsonl"
    rng, kills, before = random.Random(11), 0, 0
    while True:
        with start(killed, trials=6 if kills < 4 else 32) as process:
            assert process.stdout is not None
            if kills < 4:
                for _ in range(rng.randint(1, 6)):
                    process.stdout.readline()
                time.sleep(rng.uniform(0, 0.08))
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills += 1
                answered = len(read_record(record).of("answer"))
                assert answered >= before
                before = answered
                continue
            assert "True" in process.communicate(timeout=PATIENCE_S)[0]
        break
    logs = [read_record(one / "sourcedata" / "sub-p1" / "ses-1" / "record.jsonl") for one in (alone, killed)]
    kept = ("trial", "stimulus_id", "fake_id", "level", "response", "confidence", "response_time")
    answers = [[tuple(event[name] for name in kept) for event in log.of("answer")] for log in logs]
    assert len(answers[0]) == 32
    assert answers[0] == answers[1]
    assert [log.of("estimate")[0]["threshold"] for log in logs] == [logs[0].of("estimate")[0]["threshold"]] * 2
    assert len(logs[1].of("resume")) >= 3
