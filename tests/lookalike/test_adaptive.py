"""From graded fakes to a threshold, and from triads to a scale: sessions on the command line, and their analysis."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data.files import sha256
from data.loops import Frame, Loop, write_loop
from data.scales import Scale, read_scale, write_scale
from data.simulated.psychometric import probability_correct
from stimuli.crops import Cut
from stimuli.cutting import cut_patches
from stimuli.images import write_png
from stimuli.phantoms import write_phantoms
from stimuli.sets import read_set
from stimuli.sources.boxes_table import read_source

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def patch_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A patch set of phantoms, enough of them of study patients."""
    folder = tmp_path_factory.mktemp("phantoms")
    write_phantoms(folder / "film", 80, lesion_px=16)
    cut = Cut(32, context=2.5, split=(0.25, 0.25, 0.5))
    return cut_patches(read_source(folder / "film"), folder / "patches", b"k" * 32, cut).folder


def study_of(folder: Path, task: str, *plan: str) -> Path:
    path = folder / "study.toml"
    lines = ['name = "A"', f'task = "{task}"', "planned_participants = 3", "[plan]", *plan]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_threshold_from_patches_to_the_sentence(lookalike, mistake, patch_set, tmp_path):
    graded = tmp_path / "graded"
    made = ("stimuli", "graded", "--patches", patch_set, "--each", 8, "--levels")
    assert "levels is" in mistake(*made, "0.2,0.1,0.3", "--out", graded, code="out-of-range")
    assert "levels is" in mistake(*made, "low,high", "--out", graded, code="not-a-number")
    assert lookalike(*made, "0.02,0.04,0.08,0.16", "--trials", 16, "--practice", 1, "--out", graded).code == 0
    table = read_set(graded).table
    fakes = table[(table["truth"] == "generated") & (table["role"] == "main")]
    assert fakes["level"].value_counts().to_dict() == dict.fromkeys((0.02, 0.04, 0.08, 0.16), 8)
    assert (fakes["source"].str.extract("@([0-9.]+)#")[0].astype(float) == fakes["level"]).all()
    study, data, out = study_of(tmp_path, "threshold", "trials = 16"), tmp_path / "data", tmp_path / "results"
    simulated = ("--observer", "simulated", "--no-window")
    run = ("run", graded, "--study", study, "--data", data, *simulated)
    for number in range(3):
        assert lookalike(*run, "--participant", f"sim{number}", "--threshold", 0.06, "--seed", number).code == 0
    assert "--scale is for" in mistake(*run, "--participant", "sim9", "--scale", "x", code="unused-option")
    assert lookalike("analyze", data, "--study", study, "--out", out).code == 0
    summary = json.loads((out / "summary.json").read_text())
    assert summary["verdict"] == "threshold measured"
    assert 0.03 < summary["threshold"]["value"] < 0.12
    assert f"in 75% of trials at a level of {summary['threshold']['value']:.3g}" in summary["words"]
    assert len(summary["participants"]) == 3
    page = (out / "report.html").read_text()
    assert "QUEST+" in page
    assert "sim0" in page
    assert (out / "thresholds.svg").exists()
    long = tmp_path / "long.csv"
    assert lookalike("export", data, "--long", long, "--task", "threshold").code == 0
    said = lookalike("analyze", long, "--kind", "threshold", "--out", tmp_path / "again", "--json")
    again, before = json.loads(said.out)["threshold"], summary["threshold"]
    assert again["value"] == pytest.approx(before["value"], rel=0.05)  # its grid has only the levels that were shown


def test_a_table_of_another_program_gives_a_threshold(lookalike, tmp_path):
    rng = np.random.default_rng(2)
    level = np.tile([1.0, 2.0, 4.0, 8.0], 40)
    correct = rng.random(160) < probability_correct(level, 3.0, 0.15, 0.0)
    table = pd.DataFrame({"participant": "a", "level": level, "truth": "first"})
    table["response"] = np.where(correct, "first", "second")
    table.to_csv(tmp_path / "theirs.csv", index=False)
    said = lookalike("analyze", tmp_path / "theirs.csv", "--kind", "threshold", "--out", tmp_path / "out", "--json")
    assert json.loads(said.out)["threshold"]["value"] == pytest.approx(3.0, rel=0.35)


@pytest.fixture
def loops(tmp_path: Path) -> Path:
    folder, rng, frames = tmp_path / "loops" / "ring", np.random.default_rng(0), []
    folder.mkdir(parents=True)
    for number in range(24):
        file = f"frame-{number:03d}.png"
        write_png(folder / file, rng.random((4, 4), dtype=np.float32), 8)
        frames.append(Frame(file, 15.0 * number, 0.1, sha256(folder / file)))
    write_loop(folder, Loop(tuple(frames), (0,), (1,), ((0.0,),), 0.7, 0, "pixel", 0.0, "ab" * 32))
    return folder.parent


def test_a_known_scale_comes_back_through_sessions_of_triads(lookalike, loops, tmp_path):
    """Simulated participants, to whom one part of the loop looks larger, are run, recorded and scaled."""
    where = tuple(np.arange(0, 360, 30.0).tolist())
    steps = 2 * (1 + 0.6 * np.cos(np.deg2rad(where)))
    true = Scale(where, tuple(steps.tolist()), closed=True)
    write_scale(tmp_path / "true.json", true)
    study, data = study_of(tmp_path, "triads", "trials = 360"), tmp_path / "data"
    for number in range(3):
        simulated = ("--observer", "simulated", "--no-window", "--scale", tmp_path / "true.json", "--seed", number)
        run = ("run", loops, "--study", study, "--data", data, "--participant", f"sim{number}")
        assert lookalike(*run, *simulated).code == 0
    scaled = tmp_path / "scaled"
    assert lookalike("scale", data, "--loop", loops / "ring", "--out", scaled, "--resamples", 50).code == 0
    found = read_scale(scaled)
    assert found.positions_deg == where
    assert found.length_jnd == pytest.approx(true.length_jnd, rel=0.25)
    share, wanted = np.cumsum(found.steps_jnd) / found.length_jnd, np.cumsum(steps) / true.length_jnd
    assert np.abs(share - wanted).max() < 0.05  # 18° on the loop
    summary = json.loads((scaled / "summary.json").read_text())
    assert (summary["verdict"], summary["simulated"]) == ("Uneven", True)
    out = tmp_path / "results"
    assert lookalike("analyze", data, "--study", study, "--out", out).code == 0
    assert json.loads((out / "summary.json").read_text())["verdict"] == "uneven"


def test_options_of_a_rehearsal(mistake, loops, tmp_path):
    run = ("run", loops, "--data", tmp_path / "data")
    assert "leave out --new" in mistake(*run, "--rehearse", "--new", code="conflicting-options")
    assert "--rehearse" in mistake(*run, "--new", "--keep", code="unused-option")
