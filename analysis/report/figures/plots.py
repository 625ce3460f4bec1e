"""The figures beside Figure 5: one function each, from plain numbers to a Matplotlib `Figure`.

Okabe & Ito's colours, legible at the width of one column (86 mm) or two (180 mm); written as vectors by
`analysis.report.figures.render`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis import intervals
from analysis.roc.ratings import RatingCounts
from data.arrays import Floats, Ints

REAL, GENERATED = "#0072B2", "#D55E00"
_GREY, _PALE = "#6b6b6b", "#d9d9d9"
_ONE_IN, _TWO_IN = 3.4, 7.1  # one column, two columns
_SMALL = 7.5

Interval = tuple[float, float, float]  # value, lower and upper bound; bounds may be NaN


def forest(
    rows: Mapping[str, Interval], mean: Interval | None, band: tuple[float, float] | None, what: str, chance: float
) -> Figure:
    """One line per participant: value and interval; below them the group's, if given.

    The `band` is what counts as chance, `chance` its middle; `what` names the measure on the axis. A NaN value is
    labelled undefined.
    """
    figure = Figure(figsize=(_TWO_IN * 0.72, 0.9 + 0.2 * (len(rows) + 2)), layout="constrained")
    axes = figure.add_subplot()
    if band is not None:
        axes.axvspan(*band, color=_PALE, alpha=0.6, linewidth=0, zorder=0)
    axes.axvline(chance, color=_GREY, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)
    names, intervals_of = [*rows], [*rows.values()]
    if mean is not None:
        names, intervals_of = [*names, "all participants"], [*intervals_of, mean]
    for place, (value, low, high) in enumerate(intervals_of):
        last = place == len(rows)
        y = place + (0.5 if last else 0)
        if math.isnan(value):
            axes.text(0.02, y, "undefined", transform=axes.get_yaxis_transform(), fontsize=_SMALL, va="center")
            continue
        if not math.isnan(low):
            axes.plot([low, high], [y, y], color="black" if last else REAL, linewidth=2.0 if last else 1.2, zorder=2)
        axes.plot(value, y, "D" if last else "o", color="black" if last else REAL, markersize=5.5 if last else 4.5)
    axes.set_yticks([*range(len(rows)), len(rows) + 0.5][: len(names)], names)
    axes.set_ylim(len(rows) + (1.1 if mean is not None else -0.3), -0.7)
    axes.set_xlabel(what, fontsize=8.5)
    plain(axes, left=False)
    _names_are_names(axes)
    return figure


def rating_histograms(counts: Mapping[str, RatingCounts]) -> Figure:
    """How often each rating was given, real images downwards, generated ones upwards; a panel per participant."""
    columns = min(3, max(1, len(counts)))
    lines = max(1, math.ceil(len(counts) / columns))
    figure = Figure(figsize=(_TWO_IN * columns / 3, 0.35 + 1.35 * lines), layout="constrained")
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for axes, (name, one) in zip(panels.flat, counts.items(), strict=False):
        place = np.arange(one.ratings.size) if _uneven(one.ratings) else one.ratings
        axes.bar(place, one.generated, color=GENERATED, width=0.8, label="generated images")
        axes.bar(place, -one.real, color=REAL, width=0.8, label="real images")
        axes.axhline(0, color="black", linewidth=0.7)
        axes.set_title(name, fontsize=_SMALL, parse_math=False)
        axes.set_xticks(place, [f"{rating:g}".replace("-", "−") for rating in one.ratings])
        axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
        plain(axes)
    for axes in panels.flat[len(counts) :]:
        axes.set_axis_off()
    handles, labels = panels.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2, frameon=False, fontsize=_SMALL)
    figure.supxlabel("rating: surely real … surely generated", fontsize=8.5)
    figure.supylabel("images", fontsize=8.5)
    return figure


def calibration(
    lines: Mapping[str, Sequence[tuple[float, float]]],
    levels: Sequence[float],
    correct: Floats,
    trials: Floats,
) -> Figure:
    """Share of correct answers at each confidence: per participant (level, share) in grey, all answers in black.

    `correct` of `trials` answers of all participants were right at each of the `levels`; the bars are Wilson's
    95% intervals, as if the answers were independent.
    """
    figure = Figure(figsize=(_ONE_IN, 2.7), layout="constrained")
    axes = figure.add_subplot()
    axes.axhline(0.5, color=_GREY, linewidth=0.9, linestyle=(0, (4, 2)))
    for line in lines.values():
        known = np.asarray([point for point in line if not math.isnan(point[1])], dtype=float).reshape(-1, 2)
        axes.plot(*known.T, color="#a5a5a5", linewidth=0.8, marker="o", markersize=2.5, zorder=2)
    some = trials > 0
    share = correct[some] / trials[some]
    low, high = intervals.wilson(correct[some], trials[some], 0.95)
    axes.errorbar(
        np.asarray(levels)[some],
        share,
        [share - low, high - share],
        color="black",
        marker="o",
        markersize=5,
        capsize=2.5,
        zorder=3,
    )
    axes.set_ylim(-0.02, 1.02)
    axes.set_xticks(levels)
    axes.set_xlabel("confidence", fontsize=8.5)
    axes.set_ylabel("share of correct answers", fontsize=8.5)
    plain(axes)
    return figure


def curves(lines: Mapping[str, tuple[Floats, Floats]], across: str, up: str) -> Figure:
    """ROC curves, one line per participant through the points (across, up) of [0, 1]; the diagonal is chance."""
    figure = Figure(figsize=(_ONE_IN, _ONE_IN), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color=_GREY, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)
    for name, (x, y) in lines.items():
        axes.plot(x, y, color=REAL, alpha=0.6, linewidth=1.0, marker="o", markersize=3, label=name, zorder=2)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.set_xlabel(across, fontsize=8.5)
    axes.set_ylabel(up, fontsize=8.5)
    plain(axes)
    return figure


def confusion(tables: Mapping[str, Ints]) -> Figure:
    """First answer against the retest's, one 2 x 2 table per kind of image: [first real/generated][second ...]."""
    figure = Figure(figsize=(1.15 + 2.1 * len(tables), 2.5), layout="constrained")
    for axes, (title, table) in zip(figure.subplots(1, len(tables), squeeze=False).flat, tables.items(), strict=True):
        total = max(1, int(table.sum()))
        axes.imshow(table / total, cmap="Greys", vmin=0, vmax=1)
        for (row, column), number in np.ndenumerate(table):
            ink = "white" if number / total > 0.5 else "black"
            axes.text(column, row, f"{number}\n{number / total:.0%}", ha="center", va="center", fontsize=8.5, color=ink)
        axes.set_xticks([0, 1], ["real", "generated"])
        axes.set_yticks([0, 1], ["real", "generated"], rotation=90, va="center")
        axes.set_xlabel("answer in the retest", fontsize=8.5)
        axes.set_ylabel("first answer", fontsize=8.5)
        axes.set_title(title, fontsize=8.5)
        axes.tick_params(labelsize=_SMALL, length=0)
    return figure


def gallery(
    images: Sequence[npt.NDArray[np.float32]], captions: Sequence[str], columns: int = 8, rows: Sequence[str] = ()
) -> Figure:
    """Images, P-values (H, W) in [0, 1], each with a line below it; `rows` names the rows."""
    lines = max(1, math.ceil(len(images) / columns))
    figure = Figure(figsize=(_TWO_IN, 1.12 * lines * 8 / columns), layout="constrained")
    panels = figure.subplots(lines, columns, squeeze=False)
    for axes in panels.flat:
        axes.set_axis_off()
    for axes, image, caption in zip(panels.flat, images, captions, strict=False):
        axes.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axes.set_title(caption, fontsize=6.5, y=-0.24, parse_math=False)
    for axes, name in zip(panels[:, 0], rows, strict=False):
        axes.text(-0.08, 0.5, name, rotation=90, ha="right", va="center", fontsize=7.5, transform=axes.transAxes)
    return figure


def _uneven(ratings: Floats) -> bool:
    return bool(np.any(ratings != np.round(ratings)) or ratings.size > 20)


def plain(axes: Axes, left: bool = True) -> None:
    """Small ticks, and no frame above and to the right."""
    axes.tick_params(labelsize=_SMALL, length=3, width=0.7, color=_GREY)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines["left"].set_visible(left)
    for side in axes.spines.values():
        side.set(linewidth=0.7, color=_GREY)


def _names_are_names(axes: Axes) -> None:
    """A participant's code is not to be read as mathematics, even with a dollar sign in it."""
    for text in axes.get_yticklabels():
        text.set_parse_math(False)
