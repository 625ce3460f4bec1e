from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from data.kinds.registry import find
from data.study import read_study
from data.task import read_task, shipped_tasks

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
    assert tuple(file.task.key_mapping) == find(name).answers
    assert file.label == name.replace("_", "")
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ('kind = "realfak"\n', "bad-setting", "kind: 'realfak' is not a kind of task; did you mean 'realfake'?"),
        ("", "missing-setting", "kind: Field required"),
        (LEAST + "trails = 100\n", "unknown-setting", "trails: no such setting; did you mean 'trials'?"),
        (LEAST + "zzz = 100\n", "unknown-setting", "zzz: no such setting; there are trials, confidence_levels"),
        (LEAST + "[text]\nconsnt = 'x'\n", "unknown-setting", "text.consnt: no such setting; did you mean 'consent'?"),
        (LEAST + "trials = 99\n", "bad-setting", "trials: 99 is odd; half are of one truth"),
        (LEAST + '[keys]\nreel = "a"\n', "bad-setting", "keys.reel: not an answer of this kind; did you mean 'real'?"),
        (LEAST + '[keys]\nreal = "right"\n', "bad-setting", "keys: both answers are on 'right'"),
        (LEAST + '[keys]\nreal = "space"\n', "bad-setting", "keys: 'space' has another meaning"),
        (LEAST + '[keys]\nreal = "num_3"\n', "bad-setting", "keys: 'num_3' has another meaning"),
        (LEAST + '[keys]\nreal = "3"\n', "bad-setting", "keys: '3' has another meaning"),
        (LEAST + '[keys]\nreal = "y"\n', "bad-setting", "keys: 'y' has another meaning"),
        (LEAST + "mask_s = 0.2\n", "bad-setting", "mask_s: a mask follows a fixed exposure"),
        (LEAST + "exposure_s = 0\n", "bad-setting", "exposure_s: "),
        (LEAST + "blocks = 3\ntrials = 2\n", "bad-setting", "blocks is 3, trials only 2"),
        (LEAST + 'images = "mine"\n', "bad-setting", "images: "),
        ("kind = ", "not-toml", "not readable as TOML ("),
    ],
)
def test_a_setting_at_fault_is_named(tmp_path: Path, refuses: Any, text: str, code: str, message: str) -> None:
    path = write(tmp_path / "task.toml", text)
    with refuses(code) as caught:
        read_task(path)
    assert str(caught.value).startswith(f"{path}: {message}")


def test_a_misspelt_setting_is_told_before_what_follows_from_it(tmp_path: Path, refuses: Any) -> None:
    write(tmp_path / "study.toml", 'name = "a"\nplanned_particpants = 6\n')
    with refuses("unknown-setting") as caught:
        read_study(tmp_path / "study.toml")
    assert "planned_particpants: no such setting; did you mean 'planned_par" in str(caught.value)


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


def test_a_task_that_is_not_there(tmp_path: Path, refuses: Any) -> None:
    """A file must be there; a name that earlier versions took for a mere label can be read, but not run."""
    path = write(tmp_path / "study.toml", STUDY + 'task = "nowhere.toml"\n')
    with refuses("no-such-file") as caught:
        read_study(path)
    assert "nowhere.toml: " in str(caught.value)
    study = read_study(write(path, STUDY + 'task = "realfaek"\n'))
    assert (study.study.task, study.study.plan.trials) == ("realfaek", 100)
    with refuses("unknown-task") as caught:
        study.need_task()
    assert "'realfaek'; did you mean 'realfake'" in str(caught.value)


def test_a_separation_in_degrees_is_for_pairs_only(refuses: Any, tmp_path: Path) -> None:
    path = tmp_path / "task.toml"
    for kind, more in (("realfake", ""), ("matching", "exposure_s = 0.5\n")):
        path.write_text(f'kind = "{kind}"\n{more}separation_deg = 8.0\n', encoding="utf-8")
        with refuses("bad-setting") as caught:
            read_task(path)
        assert "separation_deg is a setting of tasks with pairs" in str(caught.value)
    path.write_text('kind = "two_alternative"\nseparation_deg = 8\n', encoding="utf-8")
    assert read_task(path).task.separation_deg == 8


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        ("two_alternative", "rating_levels = 6\n", "rating_levels: this kind of task has no scale"),
        ("realfake", "rating_levels = 5\n", "rating_levels: Input should be 0, 4, 6 or 8"),
        ("realfake", "rating_levels = 6\nconfidence_levels = 4\n", "confidence_levels: a rating says how sure one is"),
        ("realfake", 'rating_levels = 6\n[keys]\nreal = "a"\n', "keys: a rating is given by its number"),
        ("realfake", 'rating_levels = 6\n[flow]\nundo = "f1"\n', "flow.undo: without a question of confidence"),
        ("threshold", 'confidence_levels = 0\n[flow]\nundo = "f1"\n', "flow.undo: without a question of confidence"),
        ("realfake", '[flow]\nundo = "left"\n', "flow.undo: 'left' has another meaning"),
        ("realfake", '[flow]\nundo = "Esc"\n', "flow.undo: 'escape' has another meaning"),
        ("realfake", '[flow]\nundo = "num 3"\n', "flow.undo: 'num_3' has another meaning"),
        (
            "realfake",
            '[flow]\nundo = "bakspace"\n',
            "flow: 'bakspace' is not the name of a key",
        ),
        ("realfake", "exposure_s = 2\n[flow]\ntimeout_s = 1.5\n", "flow.timeout_s: is over before the image has gone"),
        (
            "realfake",
            '[box]\ndevice = "serial"\naddress = "COM3"\nbuttons = {1 = "lft"}\n',
            "box: 'lft' is not",
        ),
        ("realfake", '[markers]\nto = "lsl"\ncodes = {onset_fake = 1}\n', "markers.codes.onset_fake: no such marker"),
        ("matching", 'exposure_s = 0.5\n[flow]\nundo = "f1"\n', "flow: undo, timeout_s, touch and a box are for tasks"),
    ],
)
def test_a_trial_flow_that_does_not_fit_is_refused(
    tmp_path: Path, refuses: Any, kind: str, settings: str, message: str
) -> None:
    path = write(tmp_path / "task.toml", f'kind = "{kind}"\n{settings}')
    with refuses("bad-setting") as caught:
        read_task(path)
    assert message in str(caught.value)


def test_a_rating_scale_gives_the_levels_of_confidence_and_the_keys(tmp_path: Path, refuses: Any) -> None:
    write(tmp_path / "task.toml", LEAST + "rating_levels = 8\n")
    task = read_task(tmp_path / "task.toml").task
    assert (task.confidence_levels, task.key_mapping) == (4, {"real": "1", "generated": "8"})
    study = write(tmp_path / "study.toml", STUDY + 'task = "task.toml"\n')
    assert read_study(study).study.plan.confidence_levels == 4
    write(study, STUDY + 'task = "task.toml"\n[plan]\nconfidence_levels = 3\n')
    with refuses("bad-setting") as caught:
        read_study(study)
    assert "plan.confidence_levels: a rating says how sure one is" in str(caught.value)


def test_keys_of_undo_and_buttons_may_be_written_as_people_write_them(tmp_path: Path) -> None:
    more = (
        '[flow]\nundo = "Backspace"\n[box]\ndevice = "serial"\naddress = "COM3"\nbuttons = {1 = "ArrowLeft", 2 = "2"}\n'
    )
    task = read_task(write(tmp_path / "task.toml", LEAST + more)).task
    assert task.flow.undo == "backspace"
    assert task.box is not None
    assert task.box.buttons == {"1": "left", "2": "2"}
