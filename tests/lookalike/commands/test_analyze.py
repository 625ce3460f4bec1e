"""Analysis from the command line."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from data.simulated.populations import Population, draw_ratings
from lookalike.commands.analyze import max_run_of_plans


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


def test_correction_and_model_are_the_analysts_choice(lookalike, theirs, tmp_path):
    table = pd.read_csv(theirs)
    table.loc[(table["Subj"] == "P0") & (table["Fake"] == 1), "Key"] = "j"  # P0 misses nothing
    table.to_csv(theirs, index=False)

    def analyzed(out, *words):
        said = lookalike(
            "analyze", theirs, "--columns", COLUMNS, "--words", WORDS, "--out", tmp_path / out, *words, "--json"
        )
        assert said.code == 0, said
        page = (tmp_path / out / "report.html").read_text(encoding="utf-8")
        return json.loads(said.out), page

    usual, page = analyzed("usual")
    assert usual["estimators"] == {"correction": "log-linear", "model": "fleming"}
    assert "corrected log-linearly" in page
    assert "kept in place" in page
    assert "without a d′" not in page
    other, page = analyzed("other", "--correction", "none", "--meta-d", "maniscalco-lau")
    assert other["estimators"] == {"correction": "none", "model": "maniscalco-lau"}
    assert "not corrected" in page
    assert "in proportion to d′" in page
    one = other["participants"][0]
    assert (one["dprime"], one["dprime_reason"]) == (None, "hit rate is 1, so z is infinite; use a correction")
    assert "P0: hit rate is 1, so z is infinite; use a correction" in page
    assert "are those of 3 of 4: 1 without a d′ is left out, for whom a rate is 0 or 1" in page
    assert usual["participants"][0]["dprime"] > 0
    assert other["participants"][1]["meta_dprime"] != usual["participants"][1]["meta_dprime"]
    replaced, page = analyzed("replaced", "--correction", "replace")
    assert "1/(2n)" in page
    assert replaced["participants"][0]["dprime"] > usual["participants"][0]["dprime"]
    factors = usual["groups"][0]
    assert factors["jzs_greater"]["bf10"] > factors["jzs"]["bf10"] > factors["jzs_less"]["bf10"]
    assert usual["participants"][0]["binormal_df"] >= 0


def test_the_headline_says_of_how_many_a_mean_is(lookalike, theirs, tmp_path):
    table = pd.read_csv(theirs)
    table.loc[(table["Subj"] == "P0") & (table["Fake"] == 1), "Key"] = "j"
    table.to_csv(theirs, index=False)
    words = ("--columns", COLUMNS, "--words", WORDS, "--correction", "none")
    said = lookalike("analyze", theirs, *words, "--out", tmp_path / "results")
    assert re.search(r"d', 4 not stated +mean [\d.]+ of 3, 1 without a value left out, \[", said.out), said


def test_a_participant_whose_trials_fit_no_capped_order_stops_no_analysis(lookalike, theirs, tmp_path):
    table = pd.read_csv(theirs)
    few = (table["Fake"] == 0) | table["stimulus_id"].isin(["i1", "i3", "i5"])
    table[(table["Subj"] != "P0") | few].to_csv(tmp_path / "some.csv", index=False)
    study = tmp_path / "study.toml"
    study.write_text('name = "S"\nplanned_participants = 4\n[plan]\ntrials = 40\nmax_run = 3\n')
    mapping = ("--columns", COLUMNS, "--words", WORDS, "--study", study)
    said = lookalike("analyze", tmp_path / "some.csv", *mapping, "--out", tmp_path / "out")
    assert said.code == 0, said
    serial = pd.read_csv(tmp_path / "out" / "serial.tsv", sep="\t", index_col="participant")
    assert serial.loc["P0", "reason"] == "the plan's sampler has no order of these trials"
    assert (serial["redraws"] > 0).tolist() == [False, True, True, True]


def test_two_tables_are_compared(lookalike, theirs, tmp_path):
    other = tmp_path / "other.csv"
    table = pd.read_csv(theirs)
    table.assign(Key=np.where(table["Fake"] == 1, "j", "f"), Conf=table["Conf"] + 1).to_csv(other, index=False)
    mapping = ("--columns", COLUMNS, "--words", WORDS)
    said = lookalike("compare", theirs, other, *mapping, "--names", "seen,known", "--out", tmp_path / "out")
    assert said.code == 0, said
    found = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert found["names"] == ["seen", "known"]
    assert found["difference"]["second"]["auc"] == 1
    assert "larger with known" in said.out


def test_a_comparison_that_cannot_be_made(mistake, theirs, tmp_path):
    mapping = ("--columns", COLUMNS, "--words", WORDS, "--out", tmp_path / "out")
    assert "--names is 'a,a'" in mistake("compare", theirs, theirs, "--names", "a,a", *mapping)
    told = mistake("compare", theirs, theirs, "--first-stimuli", tmp_path, *mapping)
    assert "give --first-stimuli and --second-stimuli together" in told
    assert "delta -1" in mistake("compare", theirs, theirs, "--delta", -1, *mapping)
    assert not (tmp_path / "out").exists()


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


def test_other_tasks_by_their_kind(lookalike, mistake, tmp_path):
    rng = np.random.default_rng(0)
    truth = np.where(rng.random(200) < 0.5, "left", "right")
    said = np.where(rng.random(200) < 0.75, truth, np.where(truth == "left", "right", "left"))
    table = pd.DataFrame({"Who": np.repeat(["a", "b", "c", "d"], 50), "Where": truth, "response": said})
    table.to_csv(tmp_path / "pairs.csv", index=False)
    mapping = ("--columns", "participant=Who,truth=Where", "--kind", "two_alternative")
    answered = lookalike("analyze", tmp_path / "pairs.csv", *mapping, "--out", tmp_path / "out")
    assert answered.code == 0, answered
    assert "better than by guessing" in answered.out
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["group"]["participants"] == 4
    told = mistake("analyze", tmp_path / "pairs.csv", *mapping, "--stimuli", tmp_path, "--out", tmp_path / "none")
    assert "--stimuli is for tables of one image at a time" in told
    told = mistake(
        "analyze", tmp_path / "pairs.csv", *mapping, "--meta-d", "maniscalco-lau", "--out", tmp_path / "none"
    )
    assert "--meta-d is for tables of one image at a time, not of two_alternative; leave it out" in told
    words = ("--kind", "matching", "--correction", "replace")
    told = mistake("analyze", tmp_path / "pairs.csv", *words, "--out", tmp_path / "none")
    assert "--correction is for tables of answers, not of matching; leave it out" in told
    told = mistake("analyze", tmp_path / "pairs.csv", "--kind", "matching", "--out", tmp_path / "none")
    assert "column participant, target_deg, response_deg is missing" in told


@pytest.mark.parametrize(("plans", "expected"), [([3, 3], 3), ([3, 4], None), ([None, None], None), ([3, None], None)])
def test_runs_are_capped_as_the_sessions_own_plans_say(tmp_path, plans, expected):
    for person, cap in enumerate(plans):
        folder = tmp_path / "sourcedata" / f"sub-p{person}" / "ses-1"
        folder.mkdir(parents=True)
        (folder / "plan.json").write_text(json.dumps({"max_run": cap}))
    assert max_run_of_plans(tmp_path) == expected
    assert max_run_of_plans(tmp_path / "table.csv") is None
