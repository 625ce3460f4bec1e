"""The figures beside Figure 5: what is given reaches the axes, in colours that everyone can distinguish."""

from __future__ import annotations

import math
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from statsmodels.stats.proportion import proportion_confint

from analysis.report.figures import plots, roc_figure
from analysis.report.figures.render import render
from analysis.report.figures.serial_curve import bins, serial_curve
from analysis.roc.ratings import RatingCounts
from analysis.serial.loop import GroupCurve

# Okabe & Ito's palette (Color Universal Design, 2008), without its yellow.
OKABE_ITO = {"#000000", "#e69f00", "#56b4e9", "#009e73", "#0072b2", "#d55e00", "#cc79a7"}
ROWS = {"$p_1$": (0.4, -0.1, 0.9), "b": (math.nan, math.nan, math.nan), "c": (-0.2, -0.7, 0.3)}


def curve(amplitude: float, width: float) -> GroupCurve:
    return GroupCurve(3, 0, amplitude, math.nan, math.nan, width, math.nan, math.nan, 0.01, None)


def drawn(figure: Figure) -> list[tuple[list[float], list[float]]]:
    return [(list(line.get_xdata()), list(line.get_ydata())) for line in figure.axes[0].lines]


def test_forest_draws_values_intervals_mean_and_band() -> None:
    figure = plots.forest(ROWS, (0.1, -0.2, 0.4), (-0.3, 0.3), "d′", 0.0)
    axes, lines = figure.axes[0], drawn(figure)
    assert ([-0.1, 0.9], [0, 0]) in lines
    assert ([0.4], [0]) in lines
    assert ([-0.7, 0.3], [2, 2]) in lines
    assert ([-0.2, 0.4], [3.5, 3.5]) in lines
    assert ([0.1], [3.5]) in lines
    assert axes.lines[0].get_xdata() == [0.0, 0.0]
    (band,) = axes.patches
    assert (band.get_x(), band.get_x() + band.get_width()) == pytest.approx((-0.3, 0.3))
    assert [label.get_text() for label in axes.get_yticklabels()] == [*ROWS, "all participants"]
    undefined = [text for text in axes.texts if text.get_text() == "undefined"]
    assert [text.get_position()[1] for text in undefined] == [1]
    assert axes.get_xlabel() == "d′"
    assert b"$p_1$" in render(figure, "svg")


def test_forest_without_mean_or_band() -> None:
    figure = plots.forest({"a": (0.6, math.nan, math.nan)}, None, None, "AUC", 0.5)
    assert not figure.axes[0].patches
    assert drawn(figure) == [([0.5, 0.5], [0, 1]), ([0.6], [0])]


def test_rating_histograms_hold_the_counts() -> None:
    counts = RatingCounts(np.array([-2.0, -1, 1, 2]), np.array([5, 3, 0, 1]), np.array([1, 2, 3, 4]), 0)
    figure = plots.rating_histograms({"p": counts, "q": counts})
    axes = figure.axes[0]
    middles = [round(bar.get_x() + bar.get_width() / 2, 9) for bar in axes.patches]
    bars = [(x, bar.get_height(), to_hex(bar.get_facecolor())) for x, bar in zip(middles, axes.patches, strict=True)]
    up = [(x, height) for x, height, colour in bars if colour == plots.GENERATED.lower()]
    down = [(x, height) for x, height, colour in bars if colour == plots.REAL.lower()]
    assert up == [(-2, 1), (-1, 2), (1, 3), (2, 4)]
    assert down == [(-2, -5), (-1, -3), (1, 0), (2, -1)]
    assert [axes.get_title() for axes in figure.axes[:2]] == ["p", "q"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["generated images", "real images"]


@pytest.mark.slow
def test_calibration_of_answers_that_are_all_right_or_all_wrong() -> None:
    trials = np.arange(1.0, 200)  # at some of these numbers Wilson's bound comes out on the wrong side of the share
    for correct in (trials, 0 * trials):
        (bars,) = plots.calibration({}, trials.tolist(), correct, trials).axes[0].containers
        assert bars[0].get_ydata() == pytest.approx(correct / trials)


def test_calibration_holds_shares_and_wilsons_bounds() -> None:
    correct, trials = np.array([6.0, 9.0, 0.0]), np.array([10.0, 10.0, 0.0])
    figure = plots.calibration({"p": [(1, 0.5), (2, math.nan), (3, 0.8)]}, [1, 2, 3], correct, trials)
    axes = figure.axes[0]
    ((points, _, (bars,)),) = axes.containers
    assert points.get_xydata().tolist() == [[1, 0.6], [2, 0.9]]
    expected = proportion_confint([6, 9], [10, 10], method="wilson")
    ends = np.array([segment[:, 1] for segment in bars.get_segments()]).T
    assert ends == pytest.approx(np.array(expected))
    assert ([1, 3], [0.5, 0.8]) in drawn(figure)  # what is undefined is left out, not drawn at 0


def test_confusion_prints_counts_and_shares() -> None:
    table = np.array([[30, 10], [5, 55]])
    figure = plots.confusion({"real images": table, "generated images": table.T})
    first, second = figure.axes
    said = {text.get_position(): text.get_text() for text in first.texts}
    assert said == {(0, 0): "30\n30%", (1, 0): "10\n10%", (0, 1): "5\n5%", (1, 1): "55\n55%"}
    assert {text.get_position(): text.get_text() for text in second.texts}[(0, 1)] == "10\n10%"
    assert (first.get_xlabel(), first.get_ylabel()) == ("answer in the retest", "first answer")
    assert [text.get_color() for text in first.texts] == ["black", "black", "black", "white"]


def test_gallery_shows_each_image_with_its_caption() -> None:
    images = [np.full((4, 4), value, np.float32) for value in (0.1, 0.5, 0.9)]
    figure = plots.gallery(images, ["a", "b", "$c$"], columns=2)
    shown = [axes.images[0].get_array().mean() for axes in figure.axes if axes.images]
    assert shown == pytest.approx([0.1, 0.5, 0.9])
    assert [axes.get_title() for axes in figure.axes] == ["a", "b", "$c$", ""]
    # Grey levels are absolute: none is stretched to its own range.
    assert {axes.images[0].get_clim() for axes in figure.axes if axes.images} == {(0, 1)}


def test_serial_curve_peaks_where_it_is_fitted_and_bins_are_means_of_participants() -> None:
    pairs = pd.DataFrame(
        {"participant": ["a", "a", "a", "b"], "difference_deg": [22, 38, -170, 30], "error_deg": [1.0, 3, 0, 6]}
    )
    table = bins(pairs).set_index("difference_deg")
    assert table.loc[30, ["error_deg", "n"]].tolist() == [4, 2]  # a's mean 2 and b's 6
    assert table.loc[30, "se"] == pytest.approx(2)
    figure = serial_curve(pairs, curve(5, 30), curve(-1, 20))
    axes = figure.axes[0]
    lines = {line.get_label(): line for line in axes.lines}
    fitted = lines["previous target"]
    x, y = fitted.get_xdata(), fitted.get_ydata()
    assert (x[np.argmax(y)], y.max(), x[np.argmin(y)]) == pytest.approx((30, 5, -30))
    control = lines["next target (control)"]
    assert (control.get_linestyle(), control.get_ydata().min()) == ("--", pytest.approx(-1))
    ((points, _, _),) = axes.containers
    assert points.get_xydata().tolist() == [[-170, 0], [30, 4]]


@pytest.mark.parametrize(
    "figure",
    [
        plots.forest(ROWS, (0.1, -0.2, 0.4), (-0.3, 0.3), "d′", 0.0),
        plots.rating_histograms({"p": RatingCounts(np.array([-1.0, 1]), np.array([1, 2]), np.array([2, 1]), 0)}),
        plots.calibration({}, [1, 2], np.array([1.0, 2]), np.array([2.0, 2])),
        serial_curve(pd.DataFrame({"participant": ["a"], "difference_deg": [5], "error_deg": [1]}), *[curve(1, 9)] * 2),
    ],
    ids=["forest", "ratings", "calibration", "serial"],
)
def test_files_are_vector_and_colours_can_be_distinguished(figure: Figure) -> None:
    svg = render(figure, "svg").decode()
    assert "<image" not in svg
    assert "<text" in svg
    colours = {colour.lower() for colour in re.findall(r"#[0-9a-fA-F]{6}", svg)}
    greys = {colour for colour in colours if np.ptp(to_rgb(colour)) < 0.02}
    assert colours - greys <= OKABE_ITO
    assert {colour.lower() for colour in (plots.REAL, plots.GENERATED, *roc_figure._COLOURS)} <= OKABE_ITO
    width, height = figure.get_size_inches()
    assert (width <= 7.2, height < 10) == (True, True)
