"""A power analysis as files: its table, and a figure of how often studies would decide."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.report.figures.plots import GENERATED, REAL, plain
from analysis.report.figures.render import render
from data.files import new_folder, write_bytes, write_table


def power_figure(table: pd.DataFrame) -> Figure:
    """Verdicts against participants: a panel per true d', a line per number of images."""
    dprimes = sorted(table["dprime"].unique())
    figure = Figure(figsize=(0.7 + 2.7 * len(dprimes), 2.9), layout="constrained")
    panels = figure.subplots(1, len(dprimes), sharey=True, squeeze=False)[0]
    counts = sorted(table["images"].unique())
    for axes, dprime in zip(panels, dprimes, strict=True):
        for width, count in zip(np.linspace(1.0, 2.6, len(counts)), counts, strict=True):
            part = table[(table["dprime"] == dprime) & (table["images"] == count)].sort_values("participants")
            for column, colour, dash in (("near_chance", REAL, "-"), ("difference", GENERATED, (0, (4, 1.6)))):
                name = f"{'near chance' if column == 'near_chance' else 'difference'}, {count} images"
                style = {"color": colour, "linestyle": dash, "linewidth": width, "marker": "o", "markersize": 3}
                axes.plot(part["participants"], part[column], label=name, **style)
        axes.axhline(0.8, color="#b5b5b5", linewidth=0.8, linestyle=(0, (1, 2)))
        axes.set_title(f"true d′ {dprime:g}".replace("-", "−"), fontsize=8.5)
        axes.set_ylim(-0.02, 1.02)
        axes.set_xticks(sorted(table["participants"].unique()))
        axes.set_xlabel("participants", fontsize=8.5)
        plain(axes)
    panels[0].set_ylabel("share of studies", fontsize=8.5)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=7.5)
    return figure


def save_power(table: pd.DataFrame, out: Path) -> None:
    """Write `power.tsv`, `power.png` and `power.svg` into the new folder `out`."""
    figure = power_figure(table)
    with new_folder(out) as folder:
        write_table(folder / "power.tsv", table)
        write_bytes(folder / "power.png", render(figure, "png"))
        write_bytes(folder / "power.svg", render(figure, "svg"))
