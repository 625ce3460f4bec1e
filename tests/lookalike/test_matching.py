"""From loops to serial dependence: sessions on the command line, their tables, and what the analysis finds in them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from analysis.serial import loop as serial_loop
from data.files import sha256
from data.loops import Frame, Loop, write_loop
from data.simulated.adjuster import SimulatedAdjuster
from experiments.session.first_session import run_first_session
from experiments.session.run import Setup
from lookalike.cli import app
from stimuli.images import write_png

FRAMES = 60


@pytest.fixture
def loop(tmp_path: Path) -> Path:
    folder = tmp_path / "faces"
    folder.mkdir()
    rng = np.random.default_rng(0)
    frames = []
    for number in range(FRAMES):
        file = f"frame-{number:03d}.png"
        write_png(folder / file, rng.random((4, 4), dtype=np.float32), 8)
        frames.append(Frame(file, 360 * number / FRAMES, 0.1, sha256(folder / file)))
    write_loop(folder, Loop(tuple(frames), (0,), (1,), ((0.0,),), 0.7, 0, "pixel", 0.0, "ab" * 32))
    return folder


@pytest.fixture
def study(tmp_path: Path) -> Path:
    lines = ['name = "A"', 'task = "matching"', "planned_participants = 8", "[plan]", "trials = 150"]
    path = tmp_path / "study.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def matches(data: Path) -> pd.DataFrame:
    """All sessions' main trials as `analysis.serial.loop` reads them."""
    tables = []
    for path in sorted(data.glob("sub-*/ses-1/beh/*_task-matching_beh.tsv")):
        table = pd.read_csv(path, sep="\t", na_values="n/a", keep_default_na=False)
        table.insert(0, "participant", path.parts[-4].removeprefix("sub-"))
        tables.append(table[table["role"] == "main"].assign(after_gap=table["after_gap"] != "no"))
    return pd.concat(tables, ignore_index=True)


def test_known_serial_dependence_comes_back_through_plan_record_and_table(
    loop: Path, study: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    for seed in range(8):
        adjuster = SimulatedAdjuster(noise_deg=9, bias_deg=4, serial_deg=6, serial_width_deg=35, lapse=0.01, seed=seed)
        run_first_session(loop, data, f"p{seed}", study, seed, Setup("simulated", window=False, adjuster=adjuster))
    found = serial_loop.loop_serial_dependence(matches(data), permutations=500, seed=1)
    assert found.previous.amplitude_low < 6 < found.previous.amplitude_high
    assert found.previous.amplitude_deg == pytest.approx(6, abs=1.5)
    assert found.previous.width_deg == pytest.approx(35, abs=12)
    assert found.previous.p < 0.01
    assert abs(found.next.amplitude_deg) < 2.5
    assert np.mean([one.constant_deg for one in found.participants]) == pytest.approx(4, abs=1.5)
    # The table's own columns say the same as what the analysis makes of targets and responses.
    table = matches(data)
    near = table["previous_difference_deg"].abs().between(5, 90)
    toward = np.sign(table["previous_difference_deg"]) * (table["error_deg"] - 4)
    assert toward[near].mean() > 2


def test_without_serial_dependence_none_is_found(loop: Path, study: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    for seed in range(4):
        setup = Setup("simulated", window=False, adjuster=SimulatedAdjuster(noise_deg=9, seed=seed))
        run_first_session(loop, data, f"p{seed}", study, seed, setup)
    found = serial_loop.loop_serial_dependence(matches(data), permutations=500, seed=1)
    assert found.previous.p > 0.01
    assert abs(found.previous.amplitude_deg) < 3


def test_the_commands_run_and_retest_take_loops(loop: Path, study: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    who = ["--data", str(data), "--participant", "k7q2m", "--observer", "simulated", "--no-window", "--json"]
    known = ["--noise-deg", "0", "--serial-deg", "0"]
    run = CliRunner().invoke(app, ["run", str(loop), "--study", str(study), "--seed", "3", *who, *known])
    assert run.exit_code == 0, run.output
    said = json.loads(run.stdout)
    assert (said["answered"], said["complete"]) == (150, True)
    assert matches(data)["error_deg"].abs().max() == 0
    out = tmp_path / "results"
    analyzed = CliRunner().invoke(app, ["analyze", str(data), "--study", str(study), "--out", str(out), "--json"])
    assert analyzed.exit_code == 0, analyzed.output
    assert json.loads(analyzed.stdout)["kind"] == "matching"
    assert (out / "serial.svg").exists()
    retest = CliRunner().invoke(app, ["retest", str(loop), "--seed", "4", *who])
    assert retest.exit_code == 0, retest.output
    assert json.loads(retest.stdout)["session"] == 2


def test_what_a_adjuster_would_not_heed_is_refused(loop: Path, study: Path, tmp_path: Path) -> None:
    who = ["--data", str(tmp_path / "data"), "--participant", "p1", "--observer", "simulated", "--no-window"]
    refused = CliRunner().invoke(app, ["run", str(loop), "--study", str(study), *who, "--dprime", "2"])
    assert "--dprime is of a simulated observer who judges images" in refused.output + str(refused.exception)
    assert not (tmp_path / "data").exists()


def test_loops_without_a_study_of_matching_are_refused_in_one_line(loop: Path, tmp_path: Path) -> None:
    arguments = ["run", str(loop), "--data", str(tmp_path / "data"), "--participant", "p1", "--no-window"]
    refused = CliRunner().invoke(app, [*arguments, "--observer", "simulated"])
    assert refused.exit_code != 0
    assert 'task = "matching"' in (refused.output + str(refused.exception))
    assert not (tmp_path / "data").exists()
