"""Figures of perceptual scales and psychometric functions."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, StrMethodFormatter

from analysis.intervals import wilson
from analysis.report.figures.plots import GENERATED, REAL, plain
from analysis.scaling.detection import DetectionThresholds
from analysis.scaling.outcome import DifferenceScale
from analysis.scaling.psychometric import PsychometricFunction, PsychometricFunctions
from data.scales import Scale

_GREY, _SMALL = "#6b6b6b", 7.5


def scale_figure(found: DifferenceScale) -> Figure:
    """The scale with its band (left), and each step per degree with its interval (right)."""
    figure = Figure(figsize=(7.1, 2.9), layout="constrained")
    left, right = figure.subplots(1, 2, gridspec_kw={"wspace": 0.08})
    _scale(left, found)
    _steps(right, found)
    return figure


def _scale(axes: Axes, found: DifferenceScale) -> None:
    where, length = found.positions_deg, found.length_jnd.value
    end = where[0] + 360 if found.closed else where[-1]
    for one in found.participants if found.n > 1 else ():
        if one.reason is None:
            axes.plot(*_closed_up(where, one.share * length, length, found), color="#c4c4c4", linewidth=0.8, zorder=1)
    axes.plot([where[0], end], [0, length], color=_GREY, linestyle=(0, (4, 2)), linewidth=0.9, label="even steps")
    low, high = (_closed_up(where, share * length, length, found) for share in (found.share_low, found.share_high))
    axes.fill_between(low[0], low[1], high[1], color=REAL, alpha=0.18, linewidth=0)
    scale = Scale(tuple(where), tuple(found.steps_jnd), found.closed)
    fine = np.linspace(where[0], min(end, 360.0) if found.closed else end, 400)
    axes.plot(fine, scale.value(fine) - scale.value(where[0]), color=REAL, linewidth=1.6)
    axes.plot(where, found.share * length, "o", color=REAL, markersize=4, label="perceived")
    axes.set_xlabel("position (degrees)", fontsize=8.5)
    axes.set_ylabel("perceived (JNDs)", fontsize=8.5)
    if found.closed:
        axes.set_xticks(np.arange(0, 361, 90))
    axes.legend(frameon=False, fontsize=_SMALL, loc="upper left")
    plain(axes)


def _closed_up(
    where: np.typing.NDArray[np.float64], values: np.typing.NDArray[np.float64], length: float, found: DifferenceScale
) -> tuple[np.typing.NDArray[np.float64], np.typing.NDArray[np.float64]]:
    """Positions and values, on a loop with the first position once more at the end."""
    if not found.closed:
        return where, values
    return np.append(where, where[0] + 360), np.append(values, length)


def _steps(axes: Axes, found: DifferenceScale) -> None:
    table = found.steps()
    degrees = np.asarray(table["jnd"] / table["jnd_per_degree"], dtype=np.float64)
    middle = np.asarray(table["from_deg"], dtype=np.float64) + degrees / 2
    bounds = np.array([table["jnd"] - table["low"], table["high"] - table["jnd"]]) / degrees
    axes.axhline(found.length_jnd.value / degrees.sum(), color=_GREY, linestyle=(0, (4, 2)), linewidth=0.9)
    axes.bar(middle, table["jnd_per_degree"], width=0.8 * degrees, color=REAL, alpha=0.75)
    axes.errorbar(middle, table["jnd_per_degree"], np.maximum(bounds, 0), fmt="none", ecolor="black", elinewidth=0.9)
    axes.set_xlabel("position (degrees)", fontsize=8.5)
    axes.set_ylabel("JNDs per degree", fontsize=8.5)
    axes.set_ylim(bottom=0)
    if found.closed:
        axes.set_xticks(np.arange(0, 361, 90))
    plain(axes)


def psychometric_figure(found: PsychometricFunctions) -> Figure:
    """A panel for every participant: shares with Wilson's interval, the function, and its threshold."""
    count = len(found.participants)
    columns = min(4, count)
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(max(3.0, 1.8 * columns), 0.4 + 1.7 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, one in zip(panels.flat, found.participants, strict=False):
        _function(axes, one)
    for axes in panels.flat[count:]:
        axes.set_axis_off()
    figure.supxlabel("level", fontsize=8.5)
    figure.supylabel("share of “yes”", fontsize=8.5)
    return figure


def _function(axes: Axes, one: PsychometricFunction) -> None:
    low, high = wilson(one.yes, one.trials, 0.95)
    share = one.yes / one.trials
    axes.errorbar(one.levels, share, [share - low, high - share], fmt="o", color="black", markersize=3, elinewidth=0.8)
    if one.reason is None:
        fine = np.linspace(one.levels[0], one.levels[-1], 200)
        axes.plot(fine, one.probability(fine), color=REAL, linewidth=1.5)
        axes.axvline(one.threshold.value, color=GENERATED, linewidth=1)
        axes.axvspan(one.threshold.low, one.threshold.high, color=GENERATED, alpha=0.15, linewidth=0)
    axes.set_title(one.participant, fontsize=_SMALL, parse_math=False)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlim(one.levels[0] - 0.05 * np.ptp(one.levels), one.levels[-1] + 0.05 * np.ptp(one.levels))
    plain(axes)


def detection_figure(found: DetectionThresholds) -> Figure:
    """A panel for every participant: shares of correct choices with Wilson's interval, the function, the threshold."""
    columns = min(4, found.n)
    rows = math.ceil(found.n / columns)
    figure = Figure(figsize=(max(3.4, 1.8 * columns), 0.4 + 1.9 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, one in zip(panels.flat, found.participants, strict=False):
        low, high = wilson(one.correct_at, one.trials_at, 0.95)
        share = one.correct_at / one.trials_at
        error = [share - low, high - share]
        axes.errorbar(one.levels, share, error, fmt="o", color="black", markersize=3, elinewidth=0.8)
        fine = np.geomspace(one.levels[0], one.levels[-1], 200)
        axes.plot(fine, one.probability(fine), color=REAL, linewidth=1.5)
        axes.axvline(one.threshold.value, color=GENERATED, linewidth=1)
        axes.axvspan(one.threshold.low, one.threshold.high, color=GENERATED, alpha=0.15, linewidth=0)
        axes.set_xscale("log")
        axes.set_xticks(_ticks(found))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:.3g}"))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_title(one.participant, fontsize=_SMALL, parse_math=False)
        axes.set_ylim(-0.03, 1.03)
        plain(axes)
    for axes in panels.flat[found.n :]:
        axes.set_axis_off()
    figure.supxlabel("level of the known fake", fontsize=8.5)
    figure.supylabel("share correct", fontsize=8.5)
    return figure


def _ticks(found: DetectionThresholds) -> list[float]:
    """Lowest, middle and highest level that anyone was shown."""
    every = sorted({float(level) for one in found.participants for level in one.levels})
    return [every[0], every[len(every) // 2], every[-1]]
