"""Adaptive sessions whose answers may be taken back, after a fixation mark: each choice follows from the answers."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from data.bids import RECORD, session_folder
from data.kinds.adaptive import estimate
from data.plan import Plan, read_plan
from data.record import Log, read_record
from data.simulated.detector import SimulatedDetector
from data.study import StudyFile
from experiments.records.bids import export_all
from experiments.records.record import is_complete
from experiments.screen import HeadlessScreen
from experiments.session.adaptive import ByQuestPlus
from experiments.session.first_session import run_first_session
from experiments.session.run import Setup
from experiments.tasks import slips
from stimuli.sets import StimulusSet
from tests.experiments.kills import KILLS, Struck, killed_after, slow_down, stop_at

FLOW = {"flow.fixation_s": 0.3, "flow.fixation_longest_s": 0.9, "flow.undo": "backspace"}
SETUP = Setup("simulated", window=False, detector=SimulatedDetector(threshold=0.03, seed=5))
TRIALS = 16
KEPT = ("trial", "stimulus_id", "fake_id", "level", "response")
Run = Callable[[Path], Any]


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated observers slip in half of the trials."""
    monkeypatch.setattr(slips, "SLIPS", 1 / 2)


@pytest.fixture
def run(make_graded: Callable[..., StimulusSet], make_study: Callable[..., StudyFile]) -> Run:
    """Run a session whose trials use up all known fakes: four of each of four levels."""
    stimuli = make_graded(trials=TRIALS, each=TRIALS // 4)
    study = make_study(kind="threshold", task={**FLOW, "blocks": 2}, trials=TRIALS, practice_trials=2).path
    return lambda data: run_first_session(stimuli.folder, data, "p1", study, 3, SETUP, say=lambda _: None)


def read(data: Path) -> tuple[Plan, Log]:
    folder = session_folder(data, "p1", 1)
    return read_plan(folder / "plan.json"), read_record(folder / RECORD)


def answers(log: Log) -> dict[int, tuple[Any, ...]]:
    return {event["trial"]: tuple(event[name] for name in KEPT) for event in log.of("answer")}


def follows(plan: Plan, log: Log) -> bool:
    """Whether each fake is the one that the answers before it ask for, by a chooser that knows only those."""
    final = sorted(log.of("answer"), key=lambda event: event["trial"])
    return all(
        chosen.fake is not None and (chosen.fake.stimulus_id, chosen.level) == (event["fake_id"], event["level"])
        for number, event in enumerate(final)
        for chosen in [ByQuestPlus(plan).choose(plan.trials[number], final[:number])]
    )


def test_an_answer_taken_back_counts_neither_for_the_next_level_nor_for_the_threshold(run: Run, tmp_path: Path) -> None:
    assert run(tmp_path).complete
    plan, log = read(tmp_path)
    final, undone = answers(log), {event["trial"]: event for event in log.of("undone")}
    assert sum(trial > 2 for trial in undone) >= 4
    for trial, event in undone.items():  # the same pair comes again
        assert event["fake_id"] == final[trial][2]
        assert event["response"] != final[trial][4]
    assert follows(plan, log)
    fakes = Counter(event["level"] for event in log.of("answer") if event["trial"] > 2)
    assert fakes == dict.fromkeys((0.01, 0.02, 0.04, 0.08), TRIALS // 4)
    [said] = log.of("estimate")
    assert said["threshold"]["mean"] == pytest.approx(estimate(plan, log.of("answer")).threshold.mean)
    taken = next(trial for trial in undone if trial > 2)
    other = [
        {**one, "response": undone[taken]["response"]} if one["trial"] == taken else one for one in log.of("answer")
    ]
    assert said["threshold"]["mean"] != pytest.approx(estimate(plan, other).threshold.mean)
    table = pd.read_csv(next(tmp_path.glob("sub-p1/ses-1/beh/*_beh.tsv")), sep="\t", na_values="n/a").set_index("trial")
    assert table["times_undone"].tolist() == [int(trial in undone) for trial in table.index]
    assert table["fake_id"].tolist() == [final[trial][2] for trial in table.index]


@pytest.mark.parametrize("number", [1, 2, 5])
def test_a_session_struck_between_an_undo_and_the_new_answer_goes_on_as_if_nothing_had_happened(
    run: Run, tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path / "straight")
    with monkeypatch.context() as patch:
        stop_at(patch, "undo", number)
        with pytest.raises(Struck):
            run(tmp_path / "struck")
    _, log = read(tmp_path / "struck")
    assert log.of("undo")[-1]["trial"] not in answers(log)
    assert run(tmp_path / "struck").complete
    (plan, straight), (_, resumed) = read(tmp_path / "straight"), read(tmp_path / "struck")
    assert answers(resumed) == answers(straight)
    assert follows(plan, resumed)
    assert resumed.of("estimate")[0]["threshold"] == straight.of("estimate")[0]["threshold"]


def test_the_fake_is_chosen_while_the_mark_is_up(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """QUEST+ takes a tenth of a second, and would hold the image back after the mark's time."""
    monkeypatch.setattr(slips, "SLIPS", 0)
    happened: list[str] = []
    learn = ByQuestPlus._learn

    def learns(self: ByQuestPlus, *answered: Any) -> None:
        happened.append("learns" if answered != self._known else "knows")
        learn(self, *answered)

    monkeypatch.setattr(ByQuestPlus, "_learn", learns)
    for step in ("fixate", "flip"):
        method = getattr(HeadlessScreen, step)
        told = lambda *given, step=step, method=method: (happened.append(step), method(*given))[1]  # noqa: E731
        monkeypatch.setattr(HeadlessScreen, step, told)
    run(tmp_path)
    learnt = [place for place, step in enumerate(happened) if step == "learns"]
    assert len(learnt) == TRIALS - 1
    for place in learnt:
        assert happened[place - 1 : place + 3] == ["fixate", "learns", "knows", "flip"]


@pytest.mark.slow
def test_a_kill_at_any_moment_loses_nothing_and_changes_no_choice(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path / "straight")
    lines = len(read(tmp_path / "straight")[1].events)
    rng, lost, last = random.Random(18), 0, Counter()
    for kill in range(KILLS):
        data = tmp_path / str(kill)
        with monkeypatch.context() as patch:
            slow_down(patch)
            told = killed_after(lambda: run(data), rng.randint(2, lines - 3), rng.uniform(0, 0.06), patch)  # noqa: B023
        plan, log = read(data)
        assert len(log.events) >= told  # every line that was told is on disk
        last[log.events[-1]["event"]] += 1
        before = answers(log)
        if not is_complete(plan, log):
            assert run(data).complete
        plan, log = read(data)
        after = answers(log)
        lost += sum(after.get(trial) != answer for trial, answer in before.items())
        assert sorted(after) == list(range(1, TRIALS + 3))
        assert follows(plan, log)
        assert [one.outcome for one in export_all(data)] in (["unchanged"], ["written"], ["rewritten"])
    assert lost == 0
    print(f"adaptive with undo: {KILLS} kills, {lost} lost; last events {dict(last)}")
