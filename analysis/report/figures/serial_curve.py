"""The serial-dependence curve of matches on a loop: errors against the position of the previous target."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.report.figures.plots import GENERATED, REAL, plain
from analysis.serial.loop import GroupCurve
from data.circle import derivative_of_gaussian

BIN_DEG = 20.0


def serial_curve(pairs: pd.DataFrame, previous: GroupCurve, following: GroupCurve) -> Figure:
    """Mean error in bins of the difference, over participants with their SE, and the fitted curves.

    `pairs` is what `analysis.serial.loop.errors` returns. The control, the next target's curve, is dashed.
    """
    figure = Figure(figsize=(4.6, 3.0), layout="constrained")
    axes = figure.add_subplot()
    axes.axhline(0, color="#6b6b6b", linewidth=0.8)
    axes.axvline(0, color="#d9d9d9", linewidth=0.8, zorder=0)
    binned = bins(pairs)
    axes.errorbar(
        binned["difference_deg"],
        binned["error_deg"],
        binned["se"],
        linestyle="none",
        color="black",
        marker="o",
        markersize=3.5,
        linewidth=0.9,
        label=f"mean in bins of {BIN_DEG:g}° (± SE)",
    )
    x = np.linspace(-180, 180, 361)
    for curve, name, colour, dashes in (
        (previous, "previous target", GENERATED, "-"),
        (following, "next target (control)", REAL, "--"),
    ):
        if curve.n:
            y = derivative_of_gaussian(x, curve.amplitude_deg, curve.width_deg)
            axes.plot(x, y, color=colour, linestyle=dashes, linewidth=1.6, label=name)
    axes.set_xlim(-180, 180)
    axes.set_xticks(np.arange(-180, 181, 60))
    axes.set_xlabel("previous target − present target (degrees)", fontsize=8.5)
    axes.set_ylabel("error of the match (degrees)", fontsize=8.5)
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=7)  # not over the data
    plain(axes)
    return figure


def bins(pairs: pd.DataFrame) -> pd.DataFrame:
    """Each participant's mean error in bins `BIN_DEG` wide, averaged: difference_deg (the middle), error_deg, se, n."""
    middle = (np.floor(pairs["difference_deg"] / BIN_DEG) + 0.5) * BIN_DEG
    each = pairs.assign(difference_deg=middle).groupby(["difference_deg", "participant"])["error_deg"].mean()
    by_bin = each.groupby("difference_deg")
    table = pd.DataFrame({"error_deg": by_bin.mean(), "se": by_bin.sem(), "n": by_bin.size()})
    return table.reset_index()
