"""Analysis from the command line."""

import json

import numpy as np
import pandas as pd
import pytest

from data.populations import Population, draw_ratings


@pytest.fixture
def theirs(tmp_path):
    """A table of four participants with names of its own."""
    generated = np.arange(40) % 2 == 1
    ratings = draw_ratings(Population(dprime=1.0), 4, generated, np.random.default_rng(3))[0]
    rows = [
        {
            "Subj": f"P{person}",
            "stimulus_id": f"i{image}",
            "Fake": int(generated[image]),
            "Key": "fj"[int(r > 0)],
            "Conf": abs(r),
        }
        for person, row in enumerate(ratings)
        for image, r in enumerate(row)
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "theirs.csv", index=False)
    return tmp_path / "theirs.csv"


COLUMNS = "participant=Subj,truth=Fake,response=Key,confidence=Conf"
WORDS = "0=real,1=generated,f=real,j=generated"


def test_a_table_from_elsewhere(lookalike, theirs, tmp_path):
    out = tmp_path / "results"
    said = lookalike("analyze", theirs, "--columns", COLUMNS, "--words", WORDS, "--out", out)
    assert said.code == 0, said
    summary = json.loads((out / "summary.json").read_text())
    assert [one["participant"] for one in summary["participants"]] == ["P0", "P1", "P2", "P3"]
    assert all(one["rated"] == 40 for one in summary["participants"])
    assert np.mean([one["dprime"] for one in summary["participants"]]) > 0.4


@pytest.mark.parametrize(
    ("columns", "words", "told"),
    [
        ("truth", WORDS, "--columns is 'truth'; write name=name"),
        (COLUMNS, "0=real,=j", "--words is '0=real,=j'; write name=name"),
        ("participant=Who", "", "column Who, truth, response is missing"),
    ],
)
def test_a_mapping_that_cannot_be_read(mistake, theirs, tmp_path, columns, words, told):
    said = mistake("analyze", theirs, "--columns", columns, "--words", words, "--out", tmp_path / "results")
    assert told in said
    assert not (tmp_path / "results").exists()


def test_a_plan_by_simulation(lookalike, tmp_path):
    out = tmp_path / "plan"
    said = lookalike(
        "power", "--study", "data/example-study/study.toml", "--participants", "3,6", "--studies", 20, "--out", out
    )
    assert said.code == 0, said
    rows = pd.read_csv(out / "power.tsv", sep="\t")
    assert rows["delta"].unique().tolist() == [0.084]
    assert rows[["dprime", "participants"]].to_numpy().tolist() == [[0, 3], [0, 6], [0.3, 3], [0.3, 6]]
    assert "bounds .5 ± 0.084, 90% interval" in said.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "no bounds: give --delta"),
        (("--delta", 0.1, "--participants", "ten"), "--participants is 'ten'"),
        (("--delta", 0.1, "--dprime", "a"), "--dprime is 'a'"),
        (("--delta", 0.1, "--image-sd", 1.5), "image_sd 1.5"),
        (("--delta", 0.1, "--participants", "1"), "at least 2 participants"),
    ],
)
def test_a_plan_that_cannot_be_simulated(mistake, tmp_path, words, told):
    assert told in mistake("power", "--out", tmp_path / "plan", *words)
    assert not (tmp_path / "plan").exists()
