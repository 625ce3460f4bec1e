"""Analysis from the command line."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from data.simulated.populations import Population, draw_ratings


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


@pytest.fixture(autouse=True)
def quick_figures(monkeypatch):
    """Only the figures that the page needs: drawing all formats takes longer than the analysis."""
    monkeypatch.setattr("analysis.report.results.FORMATS", ("svg",))


@pytest.mark.slow
def test_an_external_table_and_the_analysts_choices(lookalike, theirs, tmp_path):
    table = pd.read_csv(theirs)
    table.loc[(table["Subj"] == "P0") & (table["Fake"] == 1), "Key"] = "j"  # P0 misses nothing
    table.to_csv(theirs, index=False)
    choices = ("--correction", "none", "--meta-d", "maniscalco-lau")
    said = lookalike("analyze", theirs, "--columns", COLUMNS, "--words", WORDS, *choices, "--out", tmp_path / "results")
    assert said.code == 0, said
    assert re.search(
        r"d', these images only, 4 participants +mean [\d.]+ of 3, 1 without a value left out, \[", said.out
    ), said
    summary = json.loads((tmp_path / "results" / "summary.json").read_text())
    assert summary["estimators"] == {"correction": "none", "model": "maniscalco-lau"}
    people = summary["participants"]
    assert [one["participant"] for one in people] == ["P0", "P1", "P2", "P3"]
    assert all(one["rated"] == 40 for one in people)
    assert (people[0]["dprime"], people[0]["dprime_reason"]) == (
        None,
        "hit rate is 1, so z is infinite; use a correction",
    )
    assert np.mean([one["dprime"] for one in people[1:]]) > 0.4


@pytest.mark.slow
def test_json_is_the_summary_and_the_study_file_caps_the_null_orders(lookalike, theirs, tmp_path):
    study = tmp_path / "study.toml"
    study.write_text('name = "S"\nplanned_participants = 4\n[plan]\ntrials = 40\nmax_run = 3\n')
    mapping = ("--columns", COLUMNS, "--words", WORDS, "--study", study)
    said = lookalike("analyze", theirs, *mapping, "--out", tmp_path / "out", "--json")
    assert said.code == 0, said
    summary = json.loads(said.out)
    assert summary == json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["estimators"] == {"correction": "log-linear", "model": "fleming"}
    assert summary["groups"][0]["serial"]["order"] == "re-drawn with runs of one truth of at most 3"


@pytest.mark.parametrize(
    ("columns", "words", "code", "told"),
    [
        ("truth", WORDS, "bad-mapping", "--columns is 'truth'; write name=name"),
        (COLUMNS, "0=real,=j", "bad-mapping", "--words is '0=real,=j'; write name=name"),
        ("participant=Who", "", "missing-column", "column 'Who' is missing"),
    ],
)
def test_a_mapping_that_cannot_be_read(mistake, theirs, tmp_path, columns, words, code, told):
    mapping = ("--columns", columns, "--words", words)
    assert told in mistake("analyze", theirs, *mapping, "--out", tmp_path / "results", code=code)
    assert not (tmp_path / "results").exists()


@pytest.mark.slow
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
    assert "--names is 'a,a'" in mistake("compare", theirs, theirs, "--names", "a,a", *mapping, code="bad-names")
    told = mistake("compare", theirs, theirs, "--first-stimuli", tmp_path, *mapping, code="missing-option")
    assert "give --first-stimuli and --second-stimuli together" in told
    assert "delta -1" in mistake("compare", theirs, theirs, "--delta", -1, *mapping, code="out-of-range")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
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
    ("words", "code", "told"),
    [
        ((), "missing-option", "give --delta"),
        (("--delta", 0.1, "--participants", "ten"), "not-a-number", "--participants is 'ten'"),
        (("--delta", 0.1, "--dprime", "a"), "not-a-number", "--dprime is 'a'"),
        (("--delta", 0.1, "--image-sd", 1.5), "out-of-range", "image_sd 1.5"),
        (("--delta", 0.1, "--participants", "1"), "out-of-range", "at least 2 participants"),
    ],
)
def test_a_plan_that_cannot_be_simulated(mistake, tmp_path, words, code, told):
    assert told in mistake("power", "--out", tmp_path / "plan", *words, code=code)
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
    analyze, out = ("analyze", tmp_path / "pairs.csv"), ("--out", tmp_path / "none")
    told = mistake(*analyze, *mapping, "--stimuli", tmp_path, *out, code="unused-option")
    assert "--stimuli is for tables of one image at a time" in told
    told = mistake(*analyze, *mapping, "--meta-d", "maniscalco-lau", *out, code="unused-option")
    assert "--meta-d is for tables of one image at a time, not of two_alternative" in told
    told = mistake(*analyze, "--kind", "matching", "--correction", "replace", *out, code="unused-option")
    assert "--correction is for tables of answers, not of matching" in told
    told = mistake(*analyze, "--kind", "matching", *out, code="missing-column")
    assert "column participant, target_deg, response_deg is missing; it has Who, Where, response" in told


def ratings_table(theirs, path):
    """The table with one rating column from 1 to 8, and a code for no answer."""
    table = pd.read_csv(theirs)
    signed = table["Conf"] * table["Key"].map({"f": -1, "j": 1})
    table["Likert"] = (signed + 4.5 + 0.5 * (signed < 0) - 0.5 * (signed > 0)).round(0).astype(int)
    table.loc[[3, 50], "Likert"] = -9
    table.drop(columns=["Key", "Conf"]).assign(Phase="main").to_csv(path, index=False)
    return table


@pytest.mark.slow
def test_an_import_file_from_draft_to_results(lookalike, mistake, theirs, tmp_path):
    path, toml, out = tmp_path / "ratings.csv", tmp_path / "import.toml", tmp_path / "results"
    table = ratings_table(theirs, path)
    drafted = lookalike("analyze", path, "--columns", "rating=Likert", "--write-import", toml)
    assert drafted.code == 0, drafted
    assert "--import" in drafted.err
    text = toml.read_text()
    assert 'rating = "Likert"' in text
    options = ("--import", toml, "--missing", "rating:-9", "--middle", "4.5", "--rows", "Phase=main")
    said = lookalike("analyze", path, *options, "--words", "truth:0=real,truth:1=generated", "--out", out)
    assert said.code == 0, said
    summary = json.loads((out / "summary.json").read_text())
    assert [one["answered"] for one in summary["participants"]] == [39, 39, 40, 40]
    known = table[(table["Subj"] == "P2")]
    real, fake = (known.loc[known["Fake"] == truth, "Likert"].to_numpy() for truth in (0, 1))
    wins = (fake[:, None] > real).mean() + (fake[:, None] == real).mean() / 2
    assert summary["participants"][2]["auc"] == pytest.approx(wins)
    assert any("above 4.5 is generated" in note for note in summary["notes"])
    assert all(f"lookalike: {note}" in said.err for note in summary["notes"])
    assert "above 4.5 is generated" in (out / "report.html").read_text()
    told = mistake("analyze", path, "--write-import", toml, code="occupied")
    assert "import.toml" in told


@pytest.mark.slow
def test_people_and_simulated_observers_of_one_table_are_apart(lookalike, theirs, tmp_path):
    table = pd.read_csv(theirs)
    table["observer"] = table["Subj"].map({"P0": "human", "P1": "human", "P2": "simulated", "P3": "human"})
    halves = [table[table["Subj"].isin(who)] for who in (("P0", "P1"), ("P2", "P3"))]
    files = [tmp_path / "first.csv", tmp_path / "second.xlsx"]
    halves[0].to_csv(files[0], sep=";", index=False)
    halves[1].to_excel(files[1], index=False)
    said = lookalike("analyze", *files, "--columns", COLUMNS, "--words", WORDS, "--out", tmp_path / "results")
    assert said.code == 0, said
    groups = json.loads((tmp_path / "results" / "summary.json").read_text())["groups"]
    assert {one["observer"]: one["participants"] for one in groups} == {"human": 3, "simulated": 1}


@pytest.mark.slow
def test_a_slider_is_cut_where_categories_are_needed_and_said_so(lookalike, theirs, tmp_path):
    table = pd.read_csv(theirs)
    table["Conf"] = table["Conf"] * 20 + np.random.default_rng(1).integers(0, 20, len(table))
    table.to_csv(theirs, index=False)
    out = tmp_path / "results"
    said = lookalike("analyze", theirs, "--columns", COLUMNS, "--words", WORDS, "--out", out)
    assert said.code == 0, said
    summary = json.loads((out / "summary.json").read_text())
    assert "quartiles" in summary["confidence_categories"]
    assert "quartiles" in (out / "report.html").read_text()
    levels = pd.read_csv(out / "calibration.tsv", sep="\t")["confidence"]
    assert set(levels) == {1, 2, 3, 4}
    assert len(pd.read_csv(out / "roc.tsv", sep="\t").query("participant == 'P1'")) > 20  # every rating is a point


@pytest.mark.slow
def test_values_that_look_implausible_are_a_warning_of_every_report(lookalike, theirs, tmp_path):
    table = pd.read_csv(theirs)
    table.loc[:3, "Conf"] = 99
    table.to_csv(theirs, index=False)
    said = lookalike("analyze", theirs, "--columns", COLUMNS, "--words", WORDS, "--out", tmp_path / "results")
    assert "confidence 99 (4 rows, first row 2)" in said.err
    page = (tmp_path / "results" / "report.html").read_text()
    assert "Some values look implausible" in page
    assert "Confidence 99 (4 rows, first row 2)" in page


def test_without_a_place_for_results(mistake, theirs):
    assert "--out" in mistake("analyze", theirs, code="missing-option")


@pytest.mark.usefixtures("no_drawing")
def test_figures_are_drawn_in_the_formats_asked_for_or_not_at_all(lookalike, theirs, tmp_path):
    mapping = ("--columns", COLUMNS, "--words", WORDS)
    for name, options, formats in (
        ("usual", (), {".svg", ".png"}),
        ("pdf", ("--formats", "pdf"), {".pdf"}),
        ("none", ("--no-figures",), set()),
    ):
        out = tmp_path / name
        said = lookalike("analyze", theirs, *mapping, *options, "--out", out)
        assert said.code == 0, said
        assert {path.suffix for path in out.iterdir()} - {".tsv", ".json", ".html"} == formats
        assert ("<svg" in (out / "report.html").read_text("utf-8")) == bool(formats)
        assert ("figure5" in said.out) == (name == "usual")
    with_, without = ((tmp_path / name / "summary.json").read_text("utf-8") for name in ("usual", "none"))
    assert with_ == without


def test_a_format_that_no_figure_has(mistake, theirs, tmp_path):
    mapping = ("--columns", COLUMNS, "--words", WORDS)
    assert "'gif' is no format" in mistake(
        "analyze", theirs, *mapping, "--formats", "gif", "--out", tmp_path / "results", code="unknown-word"
    )
