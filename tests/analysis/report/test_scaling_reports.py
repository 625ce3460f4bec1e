"""Reports of perceptual scales and psychometric functions."""

import json

import numpy as np
import pandas as pd
import pytest

from analysis.report.figures.render import render
from analysis.report.page import to_html
from analysis.report.scaling.psychometric_report import psychometric_results
from analysis.report.scaling.scale_report import save_scale, scale_of, scale_results
from analysis.scaling.difference_scale import difference_scale
from analysis.scaling.psychometric import psychometric_functions
from data.scales import LoopIdentity, Scale, read_scale
from data.simulated.comparer import SimulatedComparer, draw_triads

UNEVEN = Scale(tuple(np.arange(0, 360, 45.0).tolist()), (4.0,) * 4 + (2.0,) * 4, closed=True)


def table_of(scale, trials, *seeds):
    parts = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        triads = draw_triads(scale.positions_deg, trials, closed=scale.closed, rng=rng)
        parts.append(SimulatedComparer(scale).answer(triads, rng).assign(participant=f"p{seed}"))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def found():
    return difference_scale(table_of(UNEVEN, 500, 1, 2), resamples=20)


def html_of(results):
    return to_html(results.page, {one.name: render(one.figure, "svg") for one in results.page.pictures})


def test_the_verdict_names_where_a_loop_looks_largest_and_smallest(found):
    results = scale_results(found, {"t.csv": "0" * 64})
    table = found.steps()
    largest = table.loc[table["jnd_per_degree"].idxmax()]
    assert results.summary["verdict"] == "Uneven"
    assert f"from {largest['from_deg']:g} to {largest['to_deg']:g} degrees" in results.summary["words"]
    assert "p < .001" in results.summary["words"]
    page = html_of(results)
    for part in ("JNDs round the loop", "Maloney", "p1", "p2", "morph --scale"):
        assert part in page
    assert "nan" not in page.lower().replace("nano", "")


def test_an_even_loop_is_not_called_uneven():
    even = Scale(UNEVEN.positions_deg, (3.0,) * 8, closed=True)
    results = scale_results(difference_scale(table_of(even, 500, 1), resamples=20), {})
    assert results.summary["verdict"] == "Not shown to be uneven"


def test_coin_flips_decide_nothing_and_no_bound_is_certain():
    table = table_of(UNEVEN, 200, 1, 2, 3)
    table["response"] = np.random.default_rng(8).choice(["left", "right"], len(table))
    scale = difference_scale(table, resamples=20)
    assert scale.length_jnd.low >= 0
    assert scale.share_low.min() >= 0
    assert scale.share_high.max() <= 1
    assert not (scale.low_jnd == scale.high_jnd).any()
    results = scale_results(scale, {})
    assert results.summary["verdict"] == "Not decided"
    assert "compatible with guessing" in results.summary["words"]
    assert "nan" not in html_of(results).lower().replace("nano", "")


def test_an_open_path_and_one_without_a_scale():
    path = Scale(tuple(np.linspace(0, 180, 8).tolist()), (2.0,) * 7, closed=False)
    table = table_of(path, 300, 1, 2)
    arcs = table[["left_deg", "right_deg"]].sub(table["middle_deg"], axis=0).abs()
    exact = np.where(arcs["left_deg"] > arcs["right_deg"], "left", "right")
    table["response"] = table["response"].where(table["participant"] == "p1", exact)
    results = scale_results(difference_scale(table, closed=False, resamples=20), {}, simulated=True)
    page = html_of(results)
    assert "p2 has no scale" in page
    assert "from end to end" in page
    assert "simulated observers, not people" in page


def test_the_folder_holds_the_scale_and_what_was_given_with_it(found, tmp_path):
    loop = LoopIdentity("1" * 64, "2" * 64, "round", "some metric", 147)
    save_scale(found, tmp_path / "out", {}, loop, more={"anchors.json": b"{}"}, formats=())
    assert read_scale(tmp_path / "out") == scale_of(found, loop)
    assert (tmp_path / "out" / "anchors.json").read_bytes() == b"{}"
    steps = pd.read_csv(tmp_path / "out" / "steps.tsv", sep="\t")
    np.testing.assert_allclose(steps["jnd"], found.steps_jnd)
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["evenness"]["df"] == found.evenness.df


def test_psychometric_functions_are_reported_with_their_mean():
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"participant": np.repeat(["a", "b", "guesser"], 300), "level": np.tile(np.arange(6), 150)})
    seen = table["level"] + rng.standard_normal(900) > 2.5
    table["response"] = np.where(seen, "yes", "no")
    table.loc[600:, "response"] = rng.choice(["yes", "no"], 300)
    functions = psychometric_functions(table, resamples=100)
    results = psychometric_results(functions, {})
    page = html_of(results)
    thresholds = [one.threshold.value for one in functions.participants[:2]]
    assert results.summary["mean_threshold"]["value"] == pytest.approx(np.mean(thresholds))
    assert "1 without a threshold" in results.summary["words"]
    assert "guesser: the answers hardly depend on the level" in page
    assert results.tables["levels"]["trials"].sum() == 900
