"""From mammograms in the real format to the figure, through the command line alone."""

import json

import numpy as np
import pandas as pd
import pytest

from data.bids import read_bids
from data.files import read_json, sha256
from data.loops import read_loop
from gan.checkpoint import load_model
from stimuli.patches import read_patches
from stimuli.sets import read_set

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def judged(workshop, tmp_path_factory):
    """Two simulated participants, one of them twice, and their analysis; made by the first test that asks."""
    return workshop, tmp_path_factory.mktemp("judged")


def test_mammograms_become_a_figure(judged, lookalike):
    workshop, folder = judged
    simulated = ("--observer", "simulated", "--no-window", "--dprime", 2)
    common = (workshop / "stimuli", "--data", folder / "data")
    for name in ("anna1", "bela2"):
        said = lookalike("run", *common, "--participant", name, "--study", workshop / "study.toml", *simulated)
        assert said.code == 0, said.err
        assert "20 of 20" in said.out
    assert lookalike("retest", *common, "--participant", "anna1", *simulated).code == 0
    said = lookalike(
        "analyze", folder / "data", "--out", folder / "results",
        "--study", workshop / "study.toml", "--stimuli", workshop / "stimuli", "--json",
    )  # fmt: skip
    assert said.code == 0, said.err
    summary = json.loads(said.out)
    assert summary == read_json(folder / "results" / "summary.json")

    # Independent recomputation, from the tables on disk alone.
    trials = read_bids(folder / "data")
    first = trials[trials["session"] == 1]
    for name, rows in first.groupby("participant"):
        truth, said_generated = rows["truth"] == "generated", rows["response"] == "generated"
        (row,) = (one for one in summary["participants"] if one["participant"] == name)
        assert row["hits"] == int((truth & said_generated).sum())
        assert row["false_alarms"] == int((~truth & said_generated).sum())
        signed = rows["confidence"].to_numpy() * np.where(said_generated, 1, -1)
        pairs = signed[truth.to_numpy()][:, None] - signed[~truth.to_numpy()][None, :]
        assert row["auc"] == pytest.approx(((pairs > 0) + 0.5 * (pairs == 0)).mean())
    anna = trials[trials["participant"] == "anna1"].pivot(index="stimulus_id", columns="session", values="response")
    (row,) = (one for one in summary["participants"] if one["participant"] == "anna1")
    assert row["smc"] == pytest.approx((anna[1] == anna[2]).mean())
    for name in ("figure5.png", "figure5.svg", "report.html"):
        assert (folder / "results" / name).stat().st_size > 1000
    figure = (folder / "results" / "figure5.svg").read_text()
    assert "anna1" in figure
    assert f"SMC {row['smc']:.2f}".replace("0.", ".").replace("SMC 1.00", "SMC 1.00") in figure


def test_a_trial_can_be_traced_back_to_its_model_and_patches(judged):
    """record -> stimulus id -> sha256 -> model hash + seed -> training patches."""
    workshop, folder = judged
    trials, stimuli = read_bids(folder / "data"), read_set(workshop / "stimuli")
    model = load_model(workshop / "run" / "models" / "000000064-images")
    patches = read_patches(workshop / "patches")
    assert stimuli.about["model_sha256"] == model.sha256
    assert model.training["patches_sha256"] == patches.sha256 == stimuli.about["patches_sha256"]
    table = stimuli.table.set_index("stimulus_id")
    split = patches.table.set_index("patch_id")["split"]
    for row in trials.itertuples():
        planned = table.loc[row.stimulus_id]
        assert planned["truth"] == row.truth
        assert sha256(stimuli.folder / row.stim_file) == planned["sha256"]
        kind, _, name = planned["source"].partition(":")
        assert kind == {"real": "patch", "generated": "seed"}[row.truth]
        if kind == "patch":
            assert split[name] == "study"


def test_generated_images_are_consecutive_seeds(workshop):
    table = read_set(workshop / "stimuli").table
    seeds = sorted(int(source.split(":")[1]) for source in table.loc[table["truth"] == "generated", "source"])
    assert seeds == list(range(10))


def test_the_loop_is_whole(workshop):
    loop = read_loop(workshop / "loop")
    assert len(loop.frames) == 12
    assert len(loop.anchors) == 3


def test_training_reports_where_everything_is(workshop, lookalike, tmp_path):
    words = ("train", workshop / "patches", "--out", tmp_path / "run", "--batch", 8, "--channel-max", 16, "--json")
    said = lookalike(*words, "--kimg", 0.008)
    assert load_model(json.loads(said.out)["model"]).training["images_seen"] == 8
    said = lookalike(*words, "--kimg", 0.016, "--resume")
    assert load_model(json.loads(said.out)["model"]).training["images_seen"] == 16


def test_catch_images_come_from_the_catch_model(workshop, lookalike, tmp_path):
    model = workshop / "run/models/000000064-images"
    said = lookalike(
        "stimuli", "build", "--patches", workshop / "patches", "--model", model, "--main", 10, "--practice", 4,
        "--catch", 3, "--catch-model", model, "--first-seed", 50, "--size", 32, "--out", tmp_path / "set", "--json",
    )  # fmt: skip
    # The catch model is the same here, so its first images are identical to earlier ones and are skipped.
    assert said.code == 0, said.err
    assert json.loads(said.out)["rejected"]["generated"] == {"identical to an earlier image": 7}
    made = read_set(tmp_path / "set")
    roles = made.table.groupby(["role", "truth"]).size().to_dict()
    assert roles == {
        ("main", "real"): 5, ("main", "generated"): 5, ("practice", "real"): 2, ("practice", "generated"): 2,
        ("catch", "generated"): 3,
    }  # fmt: skip
    assert made.read(made.table["stimulus_id"][0]).shape == (32, 32)
    assert isinstance(made.table, pd.DataFrame)


@pytest.mark.usefixtures("no_drawing")
def test_a_session_without_its_table_is_noticed_and_restored(workshop, lookalike, mistake, tmp_path):
    for name in ("anna1", "bela2"):
        words = ("--data", tmp_path / "data", "--study", workshop / "study.toml", "--observer", "simulated")
        assert lookalike("run", workshop / "stimuli", "--participant", name, "--no-window", *words).code == 0
    (table,) = (tmp_path / "data" / "sub-bela2").rglob("*_beh.tsv")
    whole = table.read_bytes()
    table.unlink()  # as if the computer had failed before it was written
    said = mistake("analyze", tmp_path / "data", "--out", tmp_path / "out", code="not-exported")
    assert "bela2" in said
    assert "lookalike export" in said
    said = lookalike("export", tmp_path / "data")
    assert said.code == 0
    assert "anna1  session 1  20 of 20 answered  unchanged" in said.out
    assert "bela2  session 1  20 of 20 answered  written" in said.out
    assert table.read_bytes() == whole
    assert lookalike("analyze", tmp_path / "data", "--out", tmp_path / "out").code == 0
