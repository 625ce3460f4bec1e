from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

import data.study
from data.errors import LookalikeError
from data.shipped import EXAMPLE_STUDY
from data.study import Study, read_study

SHIPPED = Path(data.study.__file__).parent / "example-study" / "study.toml"
LEAST = 'name = "a"\nplanned_participants = 6\n'


def refusal(folder: Path, text: str | bytes) -> str:
    path = folder / "study.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(LookalikeError) as caught:
        read_study(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def test_the_shipped_study_reads_as_it_is_written() -> None:
    read = read_study(SHIPPED)
    assert read.study.task == "realfake"
    assert read.study.planned_participants == 6
    assert (read.study.plan.trials, read.study.plan.confidence_levels, read.study.plan.told_prevalence) == (100, 4, 0.5)
    assert (read.study.endpoint.delta, read.study.endpoint.confidence) == (0.084, 0.9)
    assert read.study.exclusions.min_answered == 0.9
    assert read.sha256 == hashlib.sha256(SHIPPED.read_bytes()).hexdigest()
    assert read.path == SHIPPED


def test_the_least_study_has_the_papers_session(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(LEAST)
    study = read_study(tmp_path / "study.toml").study
    assert study.plan.trials == 100
    assert study.endpoint.session == 1
    assert study.endpoint.delta is None


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (LEAST + "planned_particpants = 6\n", "planned_particpants"),
        (LEAST + "[plan]\ntrails = 100\n", "plan.trails"),
        (LEAST + "[endpoint]\nsesion = 1\n", "endpoint.sesion"),
        (LEAST + "[exclusion]\nmin_answered = 1\n", "exclusion"),
        (LEAST + "[plan]\ntrials = 99\n", "plan.trials"),
        (LEAST + "[plan]\ntrials = 0\n", "plan.trials"),
        (LEAST + '[plan]\ntrials = "100"\n', "plan.trials"),
        (LEAST + "[plan]\ntrials = 100.0\n", "plan.trials"),
        (LEAST + "[plan]\ntrials = true\n", "plan.trials"),
        (LEAST + "[plan]\nconfidence_levels = 1\n", "plan.confidence_levels"),
        (LEAST + "[plan]\nconfidence_levels = 10\n", "plan.confidence_levels"),
        (LEAST + "[plan]\ncatch_trials = -1\n", "plan.catch_trials"),
        (LEAST + "[plan]\npractice_trials = -2\n", "plan.practice_trials"),
        (LEAST + "[plan]\nmax_run = 1\n", "plan.max_run"),
        (LEAST + "[plan]\ntold_prevalence = 50\n", "plan.told_prevalence"),
        (LEAST + "[plan]\ntold_prevalence = nan\n", "plan.told_prevalence"),
        (LEAST + "[plan]\nretest_after_days = -1\n", "plan.retest_after_days"),
        (LEAST + '[endpoint]\nmeasure = "dprime"\n', "endpoint.measure"),
        (LEAST + "[endpoint]\nsession = 2\n", "endpoint.session"),
        (LEAST + "[endpoint]\ndelta = 0.5\n", "endpoint.delta"),
        (LEAST + "[endpoint]\ndelta = 0\n", "endpoint.delta"),
        (LEAST + "[endpoint]\nconfidence = 90\n", "endpoint.confidence"),
        (LEAST + "[exclusions]\nmin_answered = 1.1\n", "exclusions.min_answered"),
        (LEAST + "planned_looks = 0\n", "planned_looks"),
        (LEAST + 'task = "real fake"\n', "task"),
        (LEAST + "plan = 3\n", "plan"),
        ("planned_participants = 6\n", "name"),
        ('name = ""\nplanned_participants = 6\n', "name"),
        ('name = "a"\n', "planned_participants"),
        ('name = "a"\nplanned_participants = 0\n', "planned_participants"),
    ],
)
def test_a_field_at_fault_is_named(tmp_path: Path, text: str, field: str) -> None:
    assert refusal(tmp_path, text).startswith(f"{field}: ")


def test_odd_trials_say_why(tmp_path: Path) -> None:
    assert "trials: 99" in refusal(tmp_path, LEAST + "[plan]\ntrials = 99\n")
    assert "must be even" in refusal(tmp_path, LEAST + "[plan]\ntrials = 99\n")


@pytest.mark.parametrize("text", ["name = ", "name = 'a'\nname = 'b'\n", "[plan\n", "= 3\n", b"name = '\xff\xfe'\n"])
def test_text_that_is_no_toml(tmp_path: Path, text: str | bytes) -> None:
    assert refusal(tmp_path, text).startswith("not readable as TOML (")


def test_a_missing_study_names_the_file_and_one_to_start_from(tmp_path: Path, refuses: Any) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with refuses("no-such-file") as caught:
            read_study(path)
        assert str(caught.value).startswith(f"{path}: no such study file")
        assert str(SHIPPED.resolve()) in str(caught.value)


def test_the_hash_changes_with_any_byte(tmp_path: Path) -> None:
    hashes = set()
    for text in (LEAST, LEAST + "# a remark\n", LEAST + "planned_looks = 1\n", LEAST.replace("6", "7")):
        (tmp_path / "study.toml").write_text(text)
        hashes.add(read_study(tmp_path / "study.toml").sha256)
    assert len(hashes) == 4
    (tmp_path / "elsewhere.toml").write_text(LEAST)
    assert read_study(tmp_path / "elsewhere.toml").sha256 in hashes


def test_a_study_that_was_read_cannot_be_changed() -> None:
    study = read_study(SHIPPED).study
    with pytest.raises(ValueError, match="frozen"):
        study.plan.trials = 50
    assert isinstance(study, Study)
    assert study.plan.trials == 100


def test_a_byte_order_mark_does_no_harm(tmp_path):
    (tmp_path / "study.toml").write_bytes(b"\xef\xbb\xbf" + EXAMPLE_STUDY.read_bytes())
    assert read_study(tmp_path / "study.toml").study == read_study(EXAMPLE_STUDY).study
