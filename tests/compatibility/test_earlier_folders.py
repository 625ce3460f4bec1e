"""What an earlier version wrote is still read, resumed and analysed to the same numbers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from benchmarks.same_results import differences, json_differences
from data.plan import read_plan
from data.record import read_record
from data.study import read_study
from experiments.display.display_file import read_display
from gan.checkpoint import load_model
from gan.networks.generator import from_seeds
from lookalike.cli import app
from stimuli.images import read_image
from stimuli.loop_set import read_loops
from stimuli.patches import read_patches
from stimuli.sets import read_set

pytestmark = pytest.mark.slow

EARLIER = Path(__file__).parent / "earlier"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy that a test may write to."""
    return Path(shutil.copytree(EARLIER, tmp_path / "earlier"))


def lookalike(*words: str) -> dict[str, Any]:
    ran = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def test_sets_patches_loops_models_studies_and_displays_are_read() -> None:
    stimuli = read_set(EARLIER / "stimuli")
    assert len(stimuli.by_id) == 20
    assert len(read_loops(EARLIER / "loops").loops) == 2
    assert len(read_patches(EARLIER / "patches").table) == 12
    assert read_study(EARLIER / "study.toml").study.plan.trials == 12
    assert [read_study(EARLIER / f"{name}.toml").need_task().task.kind for name in ("pairs", "matching")] == [
        "two_alternative",
        "matching",
    ]
    assert read_display(EARLIER / "display.json").name == "Room 2"
    model = load_model(EARLIER / "model")
    for seed, pixels in from_seeds(model.generator, range(3), psi=0.7):
        stored = read_image(EARLIER / "generated" / "images" / f"seed-{seed:010d}.png").pixels
        assert abs(pixels - stored).max() <= 0.5 / 255 + 1e-6


def test_every_plan_and_record_is_read() -> None:
    plans = sorted((EARLIER / "study" / "sourcedata").glob("sub-*/ses-*/plan.json"))
    assert len(plans) == 6
    for path in plans:
        plan, log = read_plan(path), read_record(path.with_name("record.jsonl"))
        assert plan.sha256 == log.start["plan_sha256"]
        assert len(log.of("answer")) == (7 if plan.participant == "sim5" else len(plan.trials))


# Relative: on another processor sums differ in their last digit, and what climbs to a maximum stops elsewhere.
_PRECISION = 1e-8

# What later versions compute differently, and why.
_SINCE = (
    # The null of serial dependence has learnt that no session begins with a catch trial; this study has some.
    "serial",
    # Few participants count their own degrees of freedom, and the standard error is never below that with images fixed.
    "summary.json: groups.0.primary.auc.",
    "summary.json: groups.0.primary.catch.",
    "summary.json: groups.0.methods.one-shot U-statistics (primary).",
    "methods.tsv: column low",
    "methods.tsv: column p:",
)


@pytest.mark.parametrize(
    ("study", "results"), [("study", "results"), ("pairs", "results-pairs"), ("matching", "results-matching")]
)
def test_results_are_the_same_numbers(study: str, results: str, tmp_path: Path) -> None:
    options = ["--stimuli", str(EARLIER / "stimuli")] if study == "study" else []
    out = tmp_path / "results"
    lookalike("analyze", str(EARLIER / "study"), "--study", str(EARLIER / f"{study}.toml"), "--out", str(out), *options)
    since = _SINCE if study == "study" else ()
    assert [
        line for line in differences(EARLIER / results, out, _PRECISION) if not any(words in line for words in since)
    ] == []


def test_a_same_different_study_gives_the_same_numbers_without_who_withdrew(tmp_path: Path) -> None:
    earlier, out = EARLIER / "same-different", tmp_path / "results"
    status = lookalike("status", str(earlier / "study"))
    assert status["withdrawn"] == 1
    assert [one["participant"] for one in status["participants"]] == ["sim1", "sim2"]
    lookalike("analyze", str(earlier / "study"), "--study", str(earlier / "study.toml"), "--out", str(out))
    # A value that the correction of rates of 0 and 1 made has since had no part in an interval, a spread or a Bayes
    # factor, so here there is none.
    without = tuple(f"summary.json: group.{name}." for name in ("value", "between", "jzs"))
    found = list(differences(earlier / "results", out, _PRECISION))
    assert [line for line in found if not line.startswith(without)] == []


def test_exports_are_the_same(folder: Path) -> None:
    names = ("study.imrmc", "study.csv")
    before = {name: (folder / name).read_bytes() for name in names}
    for name in names:
        (folder / name).unlink()
    imrmc, long = (str(folder / name) for name in names)
    lookalike("export", str(folder / "study"), "--imrmc", imrmc, "--long", long)
    assert {name: (folder / name).read_bytes() for name in names} == before


def test_a_stopped_session_is_resumed_and_a_finished_one_retested(folder: Path) -> None:
    common = ["--data", str(folder / "study"), "--observer", "simulated", "--no-window"]
    resumed = lookalike(
        "run", str(folder / "stimuli"), "--study", str(folder / "study.toml"), "--participant", "sim5", *common
    )
    assert (resumed["answered"], resumed["complete"]) == (16, True)
    retested = lookalike("retest", str(folder / "stimuli"), "--participant", "sim2", *common)
    assert retested["session"] == 2
    assert retested["complete"] is True


def test_a_training_run_is_resumed_with_the_same_losses(folder: Path) -> None:
    run = folder / "training"
    lookalike("train", str(folder / "patches"), "--out", str(run), "--resume", "--kimg", "0.024")
    steps = [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [step["images"] for step in steps] == [12, 24]
    # What the version before reached from the same state.
    assert steps[1]["loss_d"] == pytest.approx(1.4794422, rel=1e-3)
    assert steps[1]["loss_g"] == pytest.approx(0.6151445, rel=1e-3)
    assert steps[1]["ada_p"] == pytest.approx(1.6e-4)
    load_model(run / "models" / "000000024-images")


def test_the_comparison_sees_a_changed_number(tmp_path: Path) -> None:
    changed = json.loads((EARLIER / "results" / "summary.json").read_text(encoding="utf-8"))
    changed["groups"][0]["dprime"]["mean"] *= 1 + 1e-7
    (tmp_path / "summary.json").write_text(json.dumps(changed), encoding="utf-8")
    found = list(json_differences(EARLIER / "results" / "summary.json", tmp_path / "summary.json", _PRECISION))
    assert len(found) == 1
    assert "dprime.mean" in found[0]
