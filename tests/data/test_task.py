from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from data.errors import LookalikeError
from data.study import read_study
from data.task import ANSWERS, read_task, shipped_tasks

LEAST = 'kind = "realfake"\n'
STUDY = 'name = "a"\nplanned_participants = 6\n'


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["realfake", "same_different", "two_alternative"])
def test_every_shipped_task_reads_and_has_two_keys(name: str) -> None:
    path = shipped_tasks()[name]
    file = read_task(path)
    assert file.task.kind == name
    assert tuple(file.task.key_mapping) == ANSWERS[name]
    assert file.label == name.replace("_", "")
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('kind = "realfak"\n', "kind: Input should be"),
        ("", "kind: Field required"),
        (LEAST + "trails = 100\n", "trails: no such setting; did you mean 'trials'?"),
        (LEAST + "zzz = 100\n", "zzz: no such setting; there are trials, confidence_levels"),
        (LEAST + "[text]\nconsnt = 'x'\n", "text.consnt: no such setting; did you mean 'consent'?"),
        (LEAST + "trials = 99\n", "trials: 99 is odd; half are of one truth"),
        (LEAST + '[keys]\nreel = "a"\n', "keys.reel: no answer of this kind; did you mean 'real'?"),
        (LEAST + '[keys]\nreal = "right"\n', "keys: both answers are on 'right'"),
        (LEAST + '[keys]\nreal = "space"\n', "keys: 'space' has another meaning"),
        (LEAST + '[keys]\nreal = "num_3"\n', "keys: 'num_3' has another meaning"),
        (LEAST + '[keys]\nreal = "3"\n', "keys: '3' has another meaning"),
        (LEAST + '[keys]\nreal = "y"\n', "keys: 'y' has another meaning"),
        (LEAST + "mask_s = 0.2\n", "mask_s: a mask follows a fixed exposure"),
        (LEAST + "exposure_s = 0\n", "exposure_s: "),
        (LEAST + "blocks = 3\ntrials = 2\n", "blocks is 3, trials only 2"),
        (LEAST + 'images = "mine"\n', "images: "),
        ("kind = ", "not readable as TOML ("),
    ],
)
def test_a_setting_at_fault_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path / "task.toml", text)
    with pytest.raises(LookalikeError) as caught:
        read_task(path)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)


def test_a_misspelt_setting_is_told_before_what_follows_from_it(tmp_path: Path) -> None:
    write(tmp_path / "study.toml", 'name = "a"\nplanned_particpants = 6\n')
    with pytest.raises(LookalikeError, match=r"planned_particpants: no such setting; did you mean 'planned_par"):
        read_study(tmp_path / "study.toml")


def test_the_task_is_the_default_and_what_the_study_sets_wins(tmp_path: Path) -> None:
    write(tmp_path / "our_task.toml", LEAST + "trials = 40\ncatch_trials = 2\nconfidence_levels = 6\nmax_run = 3\n")
    path = write(
        tmp_path / "study.toml", STUDY + 'task = "our_task.toml"\n[plan]\ntrials = 30\nconfidence_levels = 4\n'
    )
    study = read_study(path)
    plan = study.study.plan
    assert (plan.trials, plan.catch_trials, plan.confidence_levels, plan.max_run) == (30, 2, 4, 3)
    assert study.study.task == "ourtask"
    assert study.need_task().sha256 == hashlib.sha256((tmp_path / "our_task.toml").read_bytes()).hexdigest()
    assert study.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_shipped_task_is_found_by_either_of_its_names(tmp_path: Path) -> None:
    for name in ("same_different", "samedifferent"):
        study = read_study(write(tmp_path / "study.toml", STUDY + f'task = "{name}"\n'))
        assert (study.study.task, study.study.plan.trials) == ("samedifferent", 50)


def test_a_task_that_is_not_there(tmp_path: Path) -> None:
    """A file must be there; a name that earlier versions took for a mere label can be read, but not run."""
    path = write(tmp_path / "study.toml", STUDY + 'task = "nowhere.toml"\n')
    with pytest.raises(LookalikeError, match=r"nowhere\.toml: no such task file; see .*realfake\.toml"):
        read_study(path)
    study = read_study(write(path, STUDY + 'task = "realfaek"\n'))
    assert (study.study.task, study.study.plan.trials) == ("realfaek", 100)
    with pytest.raises(LookalikeError, match="task: no task is named 'realfaek'; did you mean 'realfake'"):
        study.need_task()
