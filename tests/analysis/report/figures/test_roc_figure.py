"""Figure 5: what is drawn and what the legend says."""

from __future__ import annotations

import math

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from analysis.group.participants import Participant, measure_one
from analysis.report.figures.render import render
from analysis.report.figures.roc_figure import label, roc_figure

TRUTH = ["generated"] * 20 + ["real"] * 20


def trials(truth: list[str], rating: np.ndarray, session: int = 1) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "stimulus_id": [f"s{n}" for n in range(len(truth))],
            "truth": truth,
            "response": np.where(np.asarray(rating) > 0, "generated", "real"),
            "confidence": np.abs(rating).astype(float),
            "session": session,
        }
    )


def participant(name: str, seed: int = 0, observer: str = "human", again: bool = False) -> Participant:
    rng = np.random.default_rng(seed)
    rating = rng.integers(1, 5, 40) * rng.choice([-1, 1], 40)
    later = trials(TRUTH, np.roll(rating, 1), 2)
    return measure_one(name, observer, trials(TRUTH, rating), later if again else later.iloc[:0])


def test_labels_carry_the_numbers() -> None:
    with_retest, without = participant("p1", again=True), participant("p2")
    assert with_retest.retest is not None
    auc, dprime = f"{with_retest.roc.auc:.2f}"[1:], f"{with_retest.yesno.dprime:.2f}".replace("-", "−")
    assert label(with_retest) == f"p1 (AUC {auc}, d′ {dprime}, SMC {with_retest.retest.similarity:.2f})".replace(
        "SMC 0", "SMC "
    )
    assert label(without).endswith(", no retest)")


def test_undefined_values_are_not_numbers() -> None:
    first = trials(["generated"] * 5, np.array([1, 2, 3, -1, -2]))
    one_class = measure_one("p", "human", first, first.iloc[:0])
    assert label(one_class) == "p (AUC n/a, d′ n/a, no retest)"
    axes = roc_figure([one_class, participant("q")]).axes[0]
    assert any(math.isclose(line.get_xdata()[0], 0) for line in axes.lines if len(line.get_xdata()) > 2)


def test_curves_run_from_corner_to_corner_and_mark_the_yes_no_point() -> None:
    one = participant("p", seed=3)
    axes = roc_figure([one]).axes[0]
    curve = next(line for line in axes.lines if len(line.get_xdata()) == one.roc.hit_rate.size)
    np.testing.assert_array_equal(curve.get_xydata()[[0, -1]], [[0, 0], [1, 1]])
    filled = next(line for line in axes.lines if len(line.get_xdata()) == 1)
    assert filled.get_xdata()[0] == pytest.approx(one.yesno.false_alarm_rate)
    assert filled.get_ydata()[0] == pytest.approx(one.yesno.hit_rate)


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 20, 30])
def test_everyone_fits_and_looks_different(count: int) -> None:
    figure = roc_figure([participant(f"p{i}", seed=i) for i in range(count)])
    legend = figure.legends[0]
    names = [text.get_text() for text in legend.get_texts()][:count]
    assert [name.split(" ")[0] for name in names] == [f"p{i}" for i in range(count)]
    looks = [(line.get_color(), line.get_marker()) for line in legend.legend_handles[:count]]
    assert len(set(looks)) == count
    figure.canvas.draw()
    box = legend.get_window_extent()
    assert box.y0 >= 0
    assert box.x1 <= figure.bbox.x1 * 1.02


def test_simulated_observers_are_named_in_the_figure() -> None:
    def title(*observers: str) -> str:
        people = [participant(f"p{i}", observer=kind) for i, kind in enumerate(observers)]
        return roc_figure(people).legends[0].get_title().get_text()

    assert title("simulated", "simulated") == "Simulated observers, not people"
    assert title("human", "scripted") == "Includes scripted observers"
    assert title("human") in ("", "None")


@pytest.mark.slow
def test_files_are_vector_with_text_as_text() -> None:
    people = [participant("$x_1$ <i>&", again=True), participant("q")]
    svg = render(roc_figure(people), "svg")
    assert b"$x_1$ &lt;i&gt;&amp; (AUC" in svg
    assert b"<image" not in svg
    for form, magic in (("svg", b"<?xml"), ("pdf", b"%PDF"), ("png", b"\x89PNG")):
        once, twice = (render(roc_figure(people), form) for _ in range(2))
        assert once.startswith(magic)
        assert once == twice


def test_nothing_global_is_touched() -> None:
    before = dict(mpl.rcParams)
    render(roc_figure([participant("p")]), "svg")
    changed = [key for key, value in mpl.rcParams.items() if before[key] != value]
    assert changed == []


@pytest.mark.slow
def test_many_participants_are_drawn_under_their_mean_and_not_named() -> None:
    many = [participant(f"p{n}", seed=n) for n in range(57)]
    figure = roc_figure(many)
    curves = figure.axes[0].collections[0].get_segments()
    assert len(curves) == 57
    np.testing.assert_array_equal(curves[3], np.column_stack([many[3].roc.false_alarm_rate, many[3].roc.hit_rate]))
    mean = next(line for line in figure.axes[0].lines if len(line.get_xdata()) == 201)
    trapezoid = float(np.sum(np.diff(mean.get_xdata()) * (mean.get_ydata()[1:] + mean.get_ydata()[:-1]) / 2))
    # The area under the mean of curves is the mean of the areas under them.
    assert math.isclose(trapezoid, float(np.mean([one.roc.auc for one in many])), abs_tol=1e-3)
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts[0] == "57 participants"
    assert not any("AUC" in text for text in texts)
    assert len(roc_figure(many[:56]).legends[0].get_texts()) == 59
