"""`lookalike scale`, and `lookalike morph --scale`."""

import json

import numpy as np
import pandas as pd
import pytest

from data.loops import read_loop
from data.scales import read_scale

FEW = ("--resamples", 20, "--no-figures")


@pytest.fixture
def triads(lookalike, tmp_path):
    assert lookalike("scale", "--simulate", tmp_path / "triads.csv").code == 0
    return tmp_path / "triads.csv"


@pytest.mark.slow
def test_from_triads_to_a_loop_in_even_steps(lookalike, workshop, triads, tmp_path):
    loop = workshop / "loop"
    done = lookalike("scale", triads, "--loop", loop, "--out", tmp_path / "scaled", *FEW)
    assert done.code == 0, done.err
    assert "Uneven" in done.out
    assert read_scale(tmp_path / "scaled").loop.frames == 12
    model = workshop / "run/models/000000064-images"
    done = lookalike(
        "morph", "--model", model, "--scale", tmp_path / "scaled", "--frames", 20, "--out", tmp_path / "even", "--json"
    )
    assert done.code == 0, done.err
    made = read_loop(tmp_path / "even")
    assert len(made.frames) == 20
    assert made.sources == read_loop(loop).sources
    assert made.evenness < 0.01
    # The simulated observers see larger differences around 0 degrees, so more frames are there.
    where = np.array(made.measures["scale"]["positions_deg"])
    assert ((where < 90) | (where > 270)).sum() > 11


@pytest.mark.slow
def test_a_scale_and_a_model_that_do_not_belong_together_are_refused(lookalike, mistake, workshop, triads, tmp_path):
    model = ("--model", workshop / "run/models/000000064-images")
    assert lookalike("scale", triads, "--out", tmp_path / "loopless", *FEW).code == 0
    assert "--loop" in mistake(
        "morph", *model, "--scale", tmp_path / "loopless", "--out", tmp_path / "no", code="other-loop"
    )
    assert lookalike("scale", triads, "--loop", workshop / "loop", "--out", tmp_path / "scaled", *FEW).code == 0
    assert "other" in mistake("morph", "--scale", tmp_path / "scaled", "--out", tmp_path / "no", code="other-model")
    for word in (("--seeds", "1,2"), ("--open",), ("--metric", "pixel"), ("--path", "straight")):
        assert word[0] in mistake(
            "morph", *model, "--scale", tmp_path / "scaled", *word, "--out", tmp_path / "no", code="unused-option"
        )
    (tmp_path / "scaled" / "anchors.json").write_text("{}")
    assert "altered" in mistake(
        "morph", *model, "--scale", tmp_path / "scaled", "--out", tmp_path / "no", code="altered-file"
    )


def test_two_loops_in_one_table_are_scaled_one_at_a_time(lookalike, mistake, triads, tmp_path):
    table = pd.read_csv(triads)
    one = table[table["participant"] == "sim1"]
    both = pd.concat([one.assign(loop="a"), one.assign(loop="b", response="left")])
    both.to_csv(tmp_path / "both.csv", index=False)
    assert "--of-loop" in mistake("scale", tmp_path / "both.csv", "--out", tmp_path / "out", *FEW, code="several-loops")
    assert "'c'" in mistake(
        "scale", tmp_path / "both.csv", "--of-loop", "c", "--out", tmp_path / "out", *FEW, code="no-such-loop"
    )
    done = lookalike("scale", tmp_path / "both.csv", "--of-loop", "a", "--out", tmp_path / "out", "--json", *FEW)
    assert json.loads(done.out)["participants"][0]["trials"] == 600


def test_sessions_in_a_folder_and_other_names_of_columns(lookalike, triads, tmp_path):
    table = pd.read_csv(triads).rename(columns={"middle_deg": "reference"})
    for name in ("sim1", "sim2"):
        folder = tmp_path / f"data/sub-{name}/ses-1/beh"
        folder.mkdir(parents=True)
        own = table[table["participant"] == name].drop(columns="participant")
        own.to_csv(folder / f"sub-{name}_ses-1_task-scaling_beh.tsv", sep="\t", index=False, na_rep="n/a")
    words = ("--columns", "middle_deg=reference", "--task", "scaling", "--out", tmp_path / "out", "--json", *FEW)
    found = json.loads(lookalike("scale", tmp_path / "data", *words).out)
    assert [one["participant"] for one in found["participants"]] == ["sim1", "sim2"]
    assert found["simulated"]


def test_psychometric_functions(lookalike, mistake, tmp_path):
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"position_deg": np.repeat([0, 45, 90, 135, 180], 40)})
    table["response"] = np.where(table["position_deg"] + 30 * rng.standard_normal(200) > 90, "yes", "no")
    table.to_csv(tmp_path / "p1.csv", index=False)
    done = lookalike("scale", tmp_path / "p1.csv", "--psychometric", "--out", tmp_path / "out", "--json", *FEW)
    (one,) = json.loads(done.out)["participants"]
    assert one["participant"] == "p1"
    assert one["threshold"]["value"] == pytest.approx(90, abs=12)
    assert "--distance" in mistake(
        "scale",
        tmp_path / "p1.csv",
        "--psychometric",
        "--distance",
        "arc",
        "--out",
        tmp_path / "no",
        code="unused-option",
    )


def test_what_is_missing_is_said(mistake, triads, tmp_path):
    assert "--out" in mistake("scale", triads, code="missing-option")
    assert "--psychometric" in mistake("scale", triads, "--guess", 0.5, "--out", tmp_path / "out", code="unused-option")
    assert "never overwritten" in mistake("scale", "--simulate", triads, code="occupied")
    assert "task" in mistake("scale", tmp_path, "--out", tmp_path / "out", code="no-sessions")
    words = ("--columns", "middle_deg=other", "--out", tmp_path / "out")
    assert "'other'" in mistake("scale", triads, *words, code="missing-column")
