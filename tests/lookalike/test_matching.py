"""From loops to serial dependence: sessions on the command line, their tables, and what the analysis finds in them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.serial import loop as serial_loop
from data.files import sha256
from data.loops import Frame, Loop, write_loop
from data.simulated.adjuster import SimulatedAdjuster
from experiments.session.first_session import run_first_session
from experiments.session.run import Setup
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


@pytest.mark.slow
def test_known_serial_dependence_comes_back_through_plan_record_and_table(
    loop: Path, study: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    for seed in range(8):
        adjuster = SimulatedAdjuster(noise_deg=9, bias_deg=4, serial_deg=6, serial_width_deg=35, lapse=0.01, seed=seed)
        run_first_session(loop, data, f"p{seed}", study, seed, Setup("simulated", window=False, adjuster=adjuster))
    found = serial_loop.loop_serial_dependence(matches(data), permutations=200, seed=1)
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


@pytest.mark.slow
def test_without_serial_dependence_none_is_found(loop: Path, study: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    for seed in range(4):
        setup = Setup("simulated", window=False, adjuster=SimulatedAdjuster(noise_deg=9, seed=seed))
        run_first_session(loop, data, f"p{seed}", study, seed, setup)
    found = serial_loop.loop_serial_dependence(matches(data), permutations=200, seed=1)
    assert found.previous.p > 0.01
    assert abs(found.previous.amplitude_deg) < 3


@pytest.mark.usefixtures("no_drawing")
def test_the_commands_run_and_retest_take_loops(lookalike, loop: Path, study: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    who = ["--data", str(data), "--participant", "k7q2m", "--observer", "simulated", "--no-window", "--json"]
    known = ["--noise-deg", "0", "--serial-deg", "0"]
    run = lookalike("run", loop, "--study", study, "--seed", 3, *who, *known)
    assert run.code == 0, run.err
    said = json.loads(run.out)
    assert (said["answered"], said["complete"]) == (150, True)
    assert matches(data)["error_deg"].abs().max() == 0
    out = tmp_path / "results"
    analyzed = lookalike("analyze", data, "--study", study, "--out", out, "--json")
    assert analyzed.code == 0, analyzed.err
    assert json.loads(analyzed.out)["kind"] == "matching"
    assert (out / "serial.svg").exists()
    retest = lookalike("retest", loop, "--seed", 4, *who)
    assert retest.code == 0, retest.err
    assert json.loads(retest.out)["session"] == 2


def test_an_option_for_judging_observers_is_refused(mistake, loop: Path, study: Path, tmp_path: Path) -> None:
    who = ["--data", str(tmp_path / "data"), "--participant", "p1", "--observer", "simulated", "--no-window"]
    said = mistake("run", loop, "--study", study, *who, "--dprime", 2, code="unused-option")
    assert "--dprime is for " in said
    assert not (tmp_path / "data").exists()


def test_loops_without_a_study_of_matching_are_refused(mistake, loop: Path, tmp_path: Path) -> None:
    arguments = ["run", loop, "--data", tmp_path / "data", "--participant", "p1", "--no-window"]
    assert 'task = "matching"' in mistake(*arguments, "--observer", "simulated", code="stimuli-mismatch")
    assert not (tmp_path / "data").exists()
