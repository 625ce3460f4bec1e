"""Settings of a matching task, and what does not go together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from data.plan import PlannedTrial
from data.study import read_study
from data.task import read_task, shipped_tasks

LEAST = 'kind = "matching"\nexposure_s = 0.5\nconfidence_levels = 0\n'


def test_the_shipped_one_asks_for_no_confidence() -> None:
    task = read_task(shipped_tasks()["matching"]).task
    assert (task.kind, task.confidence_levels, task.key_mapping) == ("matching", 0, {})
    assert (task.exposure_s, task.mask_s, task.delay_s, task.min_start_deg) == (0.5, 1.0, 0.25, 30)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('kind = "matching"\nconfidence_levels = 0\n', "exposure_s"),
        (LEAST + 'images = "own"\n', "images"),
        (LEAST + "catch_trials = 2\n", "catch_trials"),
        (LEAST + "max_run = 3\n", "max_run"),
        (LEAST + '[keys]\nleft = "a"\n', "keys are fixed"),
        (LEAST + "min_start_deg = 151\n", "min_start_deg"),
        (LEAST + "delay_s = -1\n", "delay_s"),
        (LEAST.replace("levels = 0", "levels = 1"), "confidence_levels"),
        ('kind = "realfake"\nconfidence_levels = 0\n', "confidence_levels"),
        ('kind = "realfake"\ndelay_s = 1\n', "delay_s"),
        ('kind = "realfake"\nmin_start_deg = 20\n', "min_start_deg"),
    ],
)
def test_what_does_not_go_together_is_named(tmp_path: Path, refuses: Any, text: str, said: str) -> None:
    (tmp_path / "task.toml").write_text(text)
    with refuses("bad-setting") as caught:
        read_task(tmp_path / "task.toml")
    assert said in str(caught.value)


def test_a_study_may_ask_for_odd_trials_and_confidence_but_not_for_catches(tmp_path: Path, refuses: Any) -> None:
    path, least = tmp_path / "study.toml", 'name = "A"\ntask = "matching"\nplanned_participants = 6\n[plan]\n'
    path.write_text(least + "trials = 33\nconfidence_levels = 4\n")
    plan = read_study(path).study.plan
    assert (plan.trials, plan.confidence_levels) == (33, 4)
    path.write_text(least + "catch_trials = 2\n")
    with refuses("bad-setting") as caught:
        read_study(path)
    assert "plan.catch_trials" in str(caught.value)


def test_a_trial_without_a_match_says_which_it_is() -> None:
    trial = PlannedTrial(trial=3, stimulus_id="s", file="s.png", truth="real", role="main", sha256="0" * 64)
    with pytest.raises(ValueError, match="trial 3 has no match to make"):
        trial.need_match()
