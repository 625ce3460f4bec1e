"""End to end: from sessions on disk to tables, summary, figures and page."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm, ttest_1samp
from sklearn.metrics import roc_auc_score

from analysis.agreement.items import cue_relations
from analysis.group.bayes_factors import informed_bayes_factor
from analysis.group.participants import Estimators
from analysis.image_cues import cues
from analysis.mrmc import mrmc
from analysis.report.page import Facts, Page, Table, to_html
from analysis.report.report import analyze, realfake_results
from analysis.report.results import Results, write
from analysis.trials import load_trials
from data.files import sha256
from data.simulated.populations import Population, draw_group
from data.study import StudyFile, read_study
from data.trials import rating
from stimuli.images import write_png
from stimuli.sets import StimulusSet

pytestmark = pytest.mark.slow

Write = Callable[..., Path]
Refuses = Callable[[str], AbstractContextManager[Any]]
ROOT = Path(__file__).resolve().parents[3]
NAMES = ["k7q2m", "b4x9d", "m3f8t", "w6p1z", "h5r0c", "y2n7j"]
TABLES = (
    *("participants", "retests", "sessions", "session_measures", "audit", "roc", "areas", "models", "rates", "methods"),
    *("reliability", "calibration", "items", "serial", "sequence", "fingerprint", "fingerprint_correlations"),
)
FIGURES = ("figure5", "forest", "ratings", "calibration", "retest", "serial")
FILES = {f"{name}.tsv" for name in TABLES} | {"summary.json", "report.html"}
FILES |= {f"{name}.{kind}" for name in FIGURES for kind in ("png", "svg")}


def table(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t", na_values=["n/a"], keep_default_na=False)


def words_of(page: Page) -> str:
    """Everything that the page says, but for figures, as one text."""
    said = [page.title, page.subtitle]
    for block in (*page.warnings, *page.blocks()):
        if isinstance(block, str):
            said.append(block)
        elif isinstance(block, Table):
            said += [*block.header, *(cell for row in block.rows for cell in row), block.note]
        elif isinstance(block, Facts):
            said += [f"{one.name} {one.value} {one.detail}" for one in block.facts]
        else:
            said += [str(getattr(block, name)) for name in ("lead", "text", "caption") if hasattr(block, name)]
            said += getattr(block, "paragraphs", ())
    return " ".join([*said, *page.methods])


def titles_of(page: Page) -> list[str]:
    return [section.title for section in page.sections]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyFile:
    path = tmp_path_factory.mktemp("study") / "study.toml"
    path.write_text(
        'name = "<script>alert(1)</script> & co"\nplanned_participants = 6\n[endpoint]\ndelta = 0.084\n', "utf-8"
    )
    return read_study(path)


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory, write_session: Write, study: StudyFile) -> Path:
    """Six simulated observers and 100 images each; the first three come back."""
    folder = tmp_path_factory.mktemp("six") / "bids"
    for index, (name, observer) in enumerate(zip(NAMES, draw_group(6, 5, Population(dprime=0.2)), strict=True)):
        about: dict[str, Any] = {"observer": observer, "Observer": "simulated", "StudySHA256": study.sha256}
        write_session(folder, name, **about)
        if index < 3:
            write_session(folder, name, 2, DaysSinceFirstSession=14.0, **about)
    return folder


@pytest.fixture(scope="module")
def results(six: Path, study: StudyFile, stimuli: StimulusSet) -> Path:
    """The folder of the six observers' results."""
    analyze(six, six.parent / "results", study, stimuli)
    return six.parent / "results"


@pytest.fixture(scope="module")
def found(six: Path, study: StudyFile, stimuli: StimulusSet) -> Results:
    """The same results in memory."""
    return realfake_results(load_trials(six, study, stimuli), study, stimuli)


def summary_of(results: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((results / "summary.json").read_text("utf-8"))
    return summary


def test_six_observers_and_three_retests(six: Path, results: Path, study: StudyFile) -> None:
    summary = summary_of(results)
    assert {path.name for path in results.iterdir()} == FILES

    # Every number again, from the tables on disk and other libraries.
    people = {row["participant"]: row for row in summary["participants"]}
    dprimes, labels = [], []
    for name in NAMES:
        first = table(six / f"sub-{name}/ses-1/beh/sub-{name}_ses-1_task-realfake_beh.tsv").set_index("stimulus_id")
        generated, said = first["truth"] == "generated", first["response"] == "generated"
        z = norm.ppf([((said & generated).sum() + 0.5) / 51, ((said & ~generated).sum() + 0.5) / 51])
        auc = roc_auc_score(generated, np.where(said, 1, -1) * first["confidence"])
        dprimes.append(z[0] - z[1])
        row = people[name]
        assert row["hits"] == (said & generated).sum()
        assert row["dprime"] == pytest.approx(dprimes[-1])
        assert row["criterion"] == pytest.approx(-z.mean())
        assert row["auc"] == pytest.approx(auc)
        again = six / f"sub-{name}/ses-2/beh/sub-{name}_ses-2_task-realfake_beh.tsv"
        if again.exists():
            same = (table(again).set_index("stimulus_id")["response"].reindex(first.index) == first["response"]).mean()
            assert row["smc"] == pytest.approx(same)
            assert row["smc_reason"] is None
            end = f"SMC {same:.2f})".replace(" 0", " ")
        else:
            assert row["smc"] is None
            assert row["smc_reason"] == "no retest"
            end = "no retest)"
        labels.append(f"{name} (AUC {f'{auc:.2f}'[1:]}, d′ {dprimes[-1]:.2f}, {end}".replace("-", "−"))

    (group,) = summary["groups"]
    interval = ttest_1samp(dprimes, 0).confidence_interval(0.95)
    assert group["dprime"]["mean"] == pytest.approx(np.mean(dprimes))
    assert group["dprime"]["sd"] == pytest.approx(np.std(dprimes, ddof=1))
    assert (group["dprime"]["low"], group["dprime"]["high"]) == pytest.approx((interval.low, interval.high))
    assert group["auc"]["mean"] == pytest.approx(np.mean([people[name]["auc"] for name in NAMES]))
    assert group["similarity"]["mean"] == pytest.approx(np.mean([people[name]["smc"] for name in NAMES[:3]]))
    assert (group["observer"], group["similarity"]["n"]) == ("simulated", 3)

    # The figure's labels, as text, in the vector file and in the page.
    for path in (results / "figure5.svg", results / "report.html"):
        assert all(label in path.read_text("utf-8") for label in sorted(labels))

    assert summary["sessions"] == {"found": 9, "kept": 9, "flagged": 0, "set_aside": 0}
    assert summary["study"]["sessions_with_this_study"] == 9
    assert summary["files_sha256"]["study file study.toml"] == sha256(study.path)
    assert len(summary["files_sha256"]) == 19
    assert {"python", "numpy", "scipy", "lookalike"} <= summary["versions"].keys()


def test_tables_agree_with_the_summary(results: Path) -> None:
    summary = summary_of(results)
    people = table(results / "participants.tsv")
    assert people["participant"].tolist() == sorted(NAMES)
    np.testing.assert_allclose(people["dprime"], [row["dprime"] for row in summary["participants"]])
    assert people["shared_images"].tolist()[0] == 100
    np.testing.assert_allclose(people["relative_criterion"], people["criterion"] / people["dprime"])
    np.testing.assert_allclose(people["criterion_se"], people["dprime_se"] / 2)
    assert (people[["binormal_a_se", "binormal_b_se", "d_a_se", "a_z_se"]] > 0).all(axis=None)
    retests = table(results / "retests.tsv")
    assert set(retests["participant"]) == set(NAMES[:3])
    points = table(results / "roc.tsv")
    for name, curve in points.groupby("participant"):
        area = np.trapezoid(curve["hit_rate"], curve["false_alarm_rate"])
        assert area == pytest.approx(people.set_index("participant").loc[name, "auc"])
        assert curve["rated_at_least"].isna().tolist() == [True] + [False] * (len(curve) - 1)
    assert len(table(results / "sessions.tsv")) == 9
    measures = table(results / "session_measures.tsv")
    np.testing.assert_allclose(measures.loc[measures["session"] == 1, "dprime"], people["dprime"])
    assert [one["measure"] for one in summary["session_changes"]["simulated"]] == ["dprime", "criterion", "auc"]
    assert summary["session_changes"]["simulated"][0]["participants"] == 3


def test_the_methods_cite_what_they_use_and_number_it_in_order(results: Path) -> None:
    page = (results / "report.html").read_text("utf-8")
    methods = page[page.index("<h2>Methods</h2>") :]
    text, _, listed = methods.partition('<ol class="references">')
    cited = [int(number) for group in re.findall(r"\[([0-9, ]+)\]", text) for number in group.split(", ")]
    works = re.findall(r"<li>(.+)</li>", listed.partition("</ol>")[0])
    first_seen = list(dict.fromkeys(cited))
    assert first_seen == list(range(1, len(works) + 1))
    assert len(set(works)) == len(works) > 25
    assert all(re.search(r"\((19|20)[0-9]{2}\)\. .+", work) for work in works)


def test_secondary_results_stand_beside_the_primary_one(results: Path, found: Results) -> None:
    summary, areas = json.loads((results / "summary.json").read_text()), table(results / "areas.tsv")
    group = summary["groups"][0]
    first, *others = group["methods"]
    assert (first["value"], first["low"]) == (group["primary"]["auc"]["auc"], group["primary"]["auc"]["low"])
    assert [one["value"] for one in others] == pytest.approx([first["value"]] * len(others))
    assert table(results / "methods.tsv")["method"].tolist() == [one["method"] for one in group["methods"]]
    expected = informed_bayes_factor([one["dprime"] for one in summary["participants"]], group["bound"])
    assert (group["informed"]["bf10"], group["informed"]["bf01"]) == pytest.approx((expected.bf10, expected.bf01))
    assert areas["auc"].tolist() == pytest.approx([one["auc"] for one in summary["participants"]])
    words = words_of(found.page)
    for said in ("Informed Bayes factor", "false alarms 0–.2", "p of X²", *(one["method"] for one in group["methods"])):
        assert said in words


def test_the_page_stands_alone_and_escapes(results: Path) -> None:
    page = (results / "report.html").read_text("utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co" in page
    assert not re.search(r"<script|<link|<iframe|@import|url\(\s*['\"]?http", page, re.IGNORECASE)
    linked = re.findall(r"(?:href|src)\s*=\s*[\"']([^\"']*)", page)
    assert linked
    assert all(target.startswith(("#", "data:image/png;base64,")) for target in linked)
    # What is left of the web are the names of SVG's namespaces.
    assert set(re.findall(r"https?://[^\s\"'<]+", page)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert page.count("<svg ") == len(FIGURES)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))  # figures do not share parts
    assert str(results.parent) not in page


def test_simulated_observers_are_never_passed_off_as_people(found: Results) -> None:
    assert [one.lead for one in found.page.warnings] == ["These are simulated observers, not people."]
    assert "6 simulated observers judged" in words_of(found.page)


def test_people_and_simulated_observers_are_averaged_separately(tmp_path: Path, write_session: Write) -> None:
    for name, kind in (("a", "human"), ("b", "human"), ("c", "scripted")):
        write_session(tmp_path, name, trials=40, Observer=kind)
    found = realfake_results(load_trials(tmp_path))
    groups = [(group["observer"], group["participants"]) for group in found.summary["groups"]]
    assert groups == [("human", 2), ("scripted", 1)]
    assert len(found.page.verdicts) == 2
    assert [one.lead for one in found.page.warnings] == [
        "Some of these are simulated or scripted observers, not people."
    ]


def test_people_are_not_called_simulated(tmp_path: Path, write_session: Write) -> None:
    write_session(tmp_path, "a", trials=40)
    page = realfake_results(load_trials(tmp_path)).page
    assert page.warnings == ()
    assert "simulated" not in words_of(page)
    assert "1 participant judged" in words_of(page)


def test_the_verdict_is_given_with_its_reasons(found: Results) -> None:
    (group,) = found.summary["groups"]
    primary, (verdict,) = group["primary"], found.page.verdicts
    assert primary["verdict"] in ("not decided", "shown to differ")  # without catch trials never "near chance"
    assert primary["withheld"] == [
        "there were no catch trials, so nothing shows that these participants would have noticed a fake"
    ]
    assert verdict.lead == f"Verdict: {primary['verdict']}."
    assert verdict.paragraphs[0] == primary["words"]
    text = words_of(found.page)
    assert "Why “near chance” cannot be claimed: there were no catch trials" in text
    assert "is not by itself evidence of chance" in text
    assert "corrected log-linearly" in text
    assert "kept in place" in text
    assert "bounds .5 ± .084" in text
    assert f"{group['dprime']['low']:.2f} to {group['dprime']['high']:.2f}".replace("-", "−") in text


def test_corrections_and_models_of_confidence_are_named(tmp_path: Path, write_session: Write) -> None:
    def never_misses(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(response=frame["response"].mask(frame["truth"] == "generated", "generated"))

    for name in "abc":
        write_session(tmp_path, name, trials=40, change=never_misses if name == "a" else None)
    expected = {
        Estimators("replace"): ("replaced by 1/(2n)", "kept in place"),
        Estimators("none", "maniscalco-lau"): ("not corrected", "in proportion to d′"),
    }
    trials = load_trials(tmp_path)
    found = {by: realfake_results(trials, by=by) for by in expected}
    for by, methods in expected.items():
        assert all(words in " ".join(found[by].page.methods) for words in methods)
        assert (found[by].summary["participants"][0]["dprime"] is None) == (by.correction == "none")
    replaced, none = (words_of(one.page) for one in found.values())
    assert "without a d′" not in replaced
    assert "are those of 2 of 3: 1 without a d′ is left out, for whom a rate is 0 or 1" in none
    assert "a: hit rate is 1, so z is infinite; use a correction" in none


def test_the_primary_result_is_that_of_mrmc(six: Path, results: Path) -> None:
    trials = load_trials(six).measure
    expected = mrmc.mrmc_auc(trials.assign(rating=rating(trials["response"], trials["confidence"])), delta=0.084)
    (group,) = summary_of(results)["groups"]
    for name in ("auc", "low", "high", "p_equivalence", "p_chance"):
        assert group["primary"]["auc"][name] == pytest.approx(getattr(expected, name))


def test_images_are_shown_where_the_set_is_at_hand(tmp_path: Path, write_session: Write, stimuli: StimulusSet) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "shown" / "images").mkdir(parents=True)
    stimuli = replace(stimuli, table=stimuli.table.head(40))
    for row in stimuli.table.itertuples():
        write_png(tmp_path / "shown" / str(row.file), rng.random((32, 32), np.float32))
    sums = [sha256(tmp_path / "shown" / str(file)) for file in stimuli.table["file"]]
    known = stimuli.table.assign(sha256=sums, patient=[f"p{n}" for n in range(40)])
    here = replace(stimuli, folder=tmp_path / "shown", table=known)
    write_session(tmp_path / "bids", "a", trials=40)
    trials = load_trials(tmp_path / "bids")
    shown, absent = (realfake_results(trials, stimuli=images) for images in (here, stimuli))
    extra = {"detectability", "item_cues"}
    assert set(shown.tables) - set(absent.tables) == extra
    assert {one.name for one in shown.page.pictures} - {one.name for one in absent.page.pictures} == {"items"}
    assert len(absent.tables["items"]) == 40
    section = "Detectability by image cues and model observers"
    assert (section in titles_of(shown.page), section in titles_of(absent.page)) == (True, False)
    assert {"mean", "noise", "all cues", "Gabor energy"} <= set(shown.tables["detectability"]["what"])
    related = shown.tables["item_cues"]
    images = [here.read(image) for image in here.select("main")["stimulus_id"]]
    measured = cues.measure_cues(images).assign(stimulus_id=here.select("main")["stimulus_id"].to_numpy())
    expected = cue_relations(shown.tables["items"], measured)
    assert related["spearman"].to_numpy() == pytest.approx(expected["spearman"].to_numpy(), nan_ok=True)
    words, mean = words_of(shown.page), shown.summary["groups"][0]["dprime"]["mean"]
    assert "built-in method" not in words
    assert ("Unlike people, these observers have no internal noise" in words) == (mean > 0)
    assert f"of {related['p_holm'].notna().sum()} correlations" in words


@pytest.mark.parametrize("max_run", [3, None])
def test_python_draws_the_null_orders_of_the_study_file(
    tmp_path: Path, write_session: Write, max_run: int | None
) -> None:
    cap = "" if max_run is None else "[plan]\nmax_run = 3\n"
    (tmp_path / "study.toml").write_text(f'name = "S"\nplanned_participants = 1\n{cap}')
    write_session(tmp_path / "bids", "a")
    study = read_study(tmp_path / "study.toml")
    found = realfake_results(load_trials(tmp_path / "bids", study), study)
    order = found.summary["groups"][0]["serial"]["order"]
    assert order == ("shuffled" if max_run is None else "re-drawn with runs of one truth of at most 3")


def test_a_break_and_a_catch_trial_stand_between_neighbours_as_shown(tmp_path: Path, write_session: Write) -> None:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        gaps = {20: "break", 40: "resume", 80: "resume-seen"}
        fakes = [place for place in range(1, 100) if frame["truth"][place] == "generated" and place not in gaps]
        role = ["catch" if place in (fakes[5], fakes[30]) else "main" for place in range(100)]
        return frame.assign(role=role, after_gap=[gaps.get(place, "no") for place in range(100)])

    write_session(tmp_path, "a", change=change)
    (one,) = realfake_results(load_trials(tmp_path)).tables["serial"].to_dict("records")
    # Of 98 main trials the first has no neighbour, nor has one after a gap; one after a catch trial has.
    assert (one["unlinked"], one["pairs"]) == (4, 94)


@pytest.mark.parametrize(("right", "words"), [(True, "interval lies above 0"), (False, "interval lies below 0")])
def test_the_summary_says_what_the_interval_says(tmp_path: Path, write_session: Write, right: bool, words: str) -> None:
    for errors, name in ((4, "a"), (8, "b"), (12, "c")):

        def change(frame: pd.DataFrame, errors: int = errors) -> pd.DataFrame:
            true = (frame["truth"] == "generated").to_numpy()
            says = np.where(np.arange(len(frame)) < errors, ~true, true) == right
            return frame.assign(response=np.where(says, "generated", "real"))

        write_session(tmp_path, name, change=change)
    assert words in words_of(realfake_results(load_trials(tmp_path)).page)


def test_exclusions_and_undefined_values_are_reported(tmp_path: Path, write_session: Write) -> None:
    def one_class(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[frame["truth"] == "real"]

    write_session(tmp_path, "a")
    write_session(tmp_path, "a", 2, change=lambda f: f.assign(stimulus_id="new" + f["stimulus_id"]))
    write_session(tmp_path, "oneclass", change=one_class)
    write_session(tmp_path, "silent", change=unanswered)
    found = realfake_results(load_trials(tmp_path))
    rows = {row["participant"]: row for row in found.summary["participants"]}
    assert "silent" not in rows
    assert (rows["oneclass"]["dprime"], rows["oneclass"]["auc"]) == (None, None)
    assert rows["a"]["smc_reason"] == "the sessions share no image"
    assert found.summary["groups"][0]["dprime"]["undefined"] == 1
    assert found.summary["sessions"] == {"found": 4, "kept": 3, "flagged": 0, "set_aside": 1}
    text = words_of(found.page)
    assert "oneclass: no generated image was answered" in text
    assert "no main trial was answered" in text
    assert " nan" not in text.lower()


def test_nobody_left_is_an_error_with_the_reasons(tmp_path: Path, write_session: Write, refuses: Refuses) -> None:
    write_session(tmp_path / "bids", "a", change=unanswered)
    with refuses("nothing-to-analyse") as caught:
        analyze(tmp_path / "bids", tmp_path / "results")
    assert "sub-a ses-1: " in str(caught.value)
    assert not (tmp_path / "results").exists()


def test_what_was_not_checked_is_said(tmp_path: Path, write_session: Write, stimuli: StimulusSet) -> None:
    write_session(tmp_path, "a", trials=40)
    trials = load_trials(tmp_path)
    neither = realfake_results(trials)
    assert list(neither.summary["checks"].values()) == [0, 1, False]
    assert "answers of 1 of 1 sessions were not checked against a record" in words_of(neither.page)
    assert "No stimulus set was given" in words_of(neither.page)
    trials = replace(trials, sessions=trials.sessions.assign(record_checked=True))
    both = realfake_results(trials, stimuli=stimuli)
    assert list(both.summary["checks"].values()) == [1, 0, True]
    assert "not checked against a record" not in words_of(both.page)
    assert "Every table was checked against the stimulus set" in words_of(both.page)


def test_what_a_sidecar_says_cannot_write_into_the_page(tmp_path: Path, write_session: Write) -> None:
    bad = "<img src=x onerror=alert(1)>"
    write_session(tmp_path, "a", StimulusSetSHA256=bad, Observer=bad, StudySHA256=bad, Started=bad)
    write_session(tmp_path, "b", 2, StimulusSetSHA256=bad)
    page = realfake_results(load_trials(tmp_path)).page
    html = to_html(page, {one.name: b"<svg></svg>" for one in page.pictures})
    assert bad not in html
    assert "&lt;img src=x" in html


def test_results_are_never_overwritten_and_repeat_to_the_byte(
    results: Path, found: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refuses: Refuses
) -> None:
    before = {path.name: sha256(path) for path in results.iterdir()}
    monkeypatch.setattr("analysis.report.results.FORMATS", ("svg",))  # the others: figures/test_roc_figure.py
    write(found, tmp_path / "again")
    again = {path.name: sha256(path) for path in (tmp_path / "again").iterdir()}
    assert again == {name: sha for name, sha in before.items() if not name.endswith(".png")}
    assert found.summary == summary_of(results)
    with refuses("occupied"):
        write(found, results)
    with refuses("occupied"):
        analyze(results, results)
    assert {path.name: sha256(path) for path in results.iterdir()} == before


def unanswered(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(response=None, confidence=np.nan)


def test_the_light_base_is_enough() -> None:
    heavy = "('torch', 'psychopy', 'matplotlib.pyplot', 'stimuli')"
    code = f"import sys, analysis.report.report; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.strip() == "[]"
