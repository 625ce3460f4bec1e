"""Figure 5: the rating ROC curves of all participants. No pyplot, so nothing global is touched."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.group.participants import Participant

# Okabe & Ito's colours without the yellow, which is too pale for a line on white.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9")
# Seven colours against eight markers that can be open or filled: no pair repeats within 56 participants.
_MARKERS = ("o", "s", "^", "D", "v", "*", "<", ">")
_DASHES: tuple[tuple[float, tuple[float, ...]], ...] = (
    (0, ()),
    (0, (5, 1.6)),
    (0, (1.4, 1.2)),
    (0, (6, 1.6, 1.4, 1.6)),
    (0, (3, 1.2, 1, 1.2, 1, 1.2)),
)
_NAMED = 56  # participants who each have a line of the legend; more could not be distinguished
_MARKED = 22  # points of a curve that each have a marker; a slider has one for nearly every trial
_GREY = "#6b6b6b"
_WIDTH_IN, _SIDE_IN, _LEFT_IN, _BOTTOM_IN, _TOP_IN = 7.1, 3.4, 0.58, 0.5, 0.1


def roc_figure(participants: Sequence[Participant]) -> Figure:
    """Every participant's rating ROC, with AUC, d′ and retest similarity beside each name (Figure 5).

    The curve joins the operating points by straight lines (it is not a fitted model); the filled marker is the yes/no
    answer, at which d′ is measured, the open ones are the other confidence levels (a slider's are left out). Above 56
    participants all curves are grey and unnamed, under their mean: the mean hit rate at each false-alarm rate. Made for
    a double column (about 180 mm wide).

    Parameters
    ----------
    participants : sequence of analysis.group.participants.Participant
        What `analysis.group.participants.measure` returns.

    Returns
    -------
    matplotlib.figure.Figure
        The figure, not shown and not registered with pyplot; `savefig` writes it.

    References
    ----------
    Ren, Z., Yu, S. X., & Whitney, D. Controllable medical image generation via generative adversarial networks,
    Figure 5.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from analysis.group.participants import measure
    >>> from analysis.report.figures.roc_figure import roc_figure
    >>> from analysis.trials import load_trials
    >>> rng = np.random.default_rng(1)
    >>> table = pd.DataFrame({"participant": "p1", "stimulus_id": range(40), "truth": ["real", "generated"] * 20})
    >>> table["response"], table["confidence"] = rng.choice(["real", "generated"], 40), rng.integers(1, 5, 40)
    >>> table.to_csv("trials.csv", index=False)
    >>> figure = roc_figure(measure(load_trials("trials.csv")))
    >>> figure.axes[0].get_xlabel()
    'False-alarm rate: “generated” said of real images'
    >>> figure.savefig("roc.svg")
    """
    many = len(participants) > _NAMED
    # The legend needs about 4 mm a line; with many participants the figure grows.
    lines = 0 if many else len(participants) + 3
    height_in = max(_BOTTOM_IN + _SIDE_IN + _TOP_IN, 0.4 + 0.165 * lines)
    figure = Figure(figsize=(_WIDTH_IN, height_in))
    inches = (1 / _WIDTH_IN, 1 / height_in)
    top_in = height_in - _TOP_IN
    axes = figure.add_axes(
        (_LEFT_IN * inches[0], (top_in - _SIDE_IN) * inches[1], _SIDE_IN * inches[0], _SIDE_IN * inches[1])
    )
    _unit_square(axes)
    diagonal = Line2D([0, 1], [0, 1], color="#b5b5b5", linewidth=1.0, zorder=1)
    axes.add_line(diagonal)
    if many:
        named = _together(axes, participants)
    else:
        named = {label(one): _curve(axes, one, index) for index, one in enumerate(participants)}
        named["“generated” answered: d′ is taken here"] = _mark(_GREY)
        if any(one.roc.hit_rate.size <= _MARKED for one in participants):
            named["other confidence levels"] = _mark("white")
    named["no discrimination"] = diagonal
    legend = figure.legend(
        handles=[*named.values()],
        labels=[*named],
        title=_who(participants),
        alignment="left",
        loc="upper left",
        bbox_to_anchor=((_LEFT_IN + _SIDE_IN + 0.14) * inches[0], top_in * inches[1]),
        borderaxespad=0,
        frameon=False,
        fontsize=7.5,
        title_fontproperties={"size": 7.5, "weight": "bold"},
        handlelength=3.2,
        labelspacing=0.55,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)  # a name is a name, even with a dollar sign in it
    for text in legend.get_texts()[0 if many else len(participants) :]:
        text.set_color(_GREY)
    return figure


def label(participant: Participant) -> str:
    """A participant's legend entry, for example `p3 (AUC .53, d′ 0.10, SMC .82)`."""
    retest = participant.retest
    again = "no retest" if retest is None else f"SMC {_share(retest.similarity)}"
    return f"{participant.name} (AUC {_share(participant.roc.auc)}, d′ {_signed(participant.yesno.dprime)}, {again})"


def _who(participants: Sequence[Participant]) -> str | None:
    """The legend's title. A figure travels without its report, so it says itself who is not a person."""
    kinds = {one.observer for one in participants}
    made = " and ".join(sorted(kinds & {"simulated", "scripted"}))
    if not made:
        return None
    return (
        f"Includes {made} observers"
        if kinds - {"simulated", "scripted"}
        else f"{made.capitalize()} observers, not people"
    )


def _mark(face: str) -> Line2D:
    return Line2D([], [], linestyle="none", marker="o", markersize=4.2, markerfacecolor=face, markeredgecolor=_GREY)


def _unit_square(axes: Axes) -> None:
    # A little air, so that markers on the border are whole.
    axes.set(xlim=(-0.025, 1.025), ylim=(-0.025, 1.025), aspect="equal")
    ticks = np.linspace(0, 1, 6)
    names = ["0", ".2", ".4", ".6", ".8", "1"]
    axes.set_xticks(ticks, names)
    axes.set_yticks(ticks, names)
    axes.tick_params(labelsize=8, length=3, width=0.7, color=_GREY)
    axes.set_xlabel("False-alarm rate: “generated” said of real images", fontsize=8.5)
    axes.set_ylabel("Hit rate: “generated” said of generated images", fontsize=8.5)
    for side in axes.spines.values():
        side.set(linewidth=0.7, color=_GREY)
    axes.spines[["top", "right"]].set_visible(False)


def _curve(axes: Axes, participant: Participant, index: int) -> Line2D:
    """Draw one curve and return the legend's handle for it."""
    roc, colour = participant.roc, _COLOURS[index % len(_COLOURS)]
    marker, dashes = _MARKERS[index % len(_MARKERS)], _DASHES[index % len(_DASHES)]
    line = Line2D(roc.false_alarm_rate, roc.hit_rate, color=colour, linestyle=dashes, linewidth=1.1)
    line.set_zorder(2 + 0.01 * index)
    axes.add_line(line)
    size = 6.0 if marker == "*" else 4.2
    said_generated = np.flatnonzero(roc.threshold > 0)[-1:]
    others = slice(1, -1) if roc.hit_rate.size <= _MARKED else slice(0)
    for points, face, level in ((others, "white", 3), (said_generated, colour, 4)):
        axes.plot(
            roc.false_alarm_rate[points],
            roc.hit_rate[points],
            linestyle="none",
            marker=marker,
            markersize=size,
            markerfacecolor=face,
            markeredgecolor=colour,
            markeredgewidth=0.9,
            zorder=level + 0.01 * index,
        )
    return Line2D([], [], color=colour, linestyle=dashes, linewidth=1.1, marker=marker, markersize=size)


def _together(axes: Axes, participants: Sequence[Participant]) -> dict[str, Line2D]:
    """Draw all curves alike, and their mean; return the legend's handles by name."""
    curves = [(one.roc.false_alarm_rate, one.roc.hit_rate) for one in participants if not np.isnan(one.roc.auc)]
    alpha = max(0.05, min(0.5, 30 / max(1, len(curves))))
    axes.add_collection(
        LineCollection([np.column_stack(curve) for curve in curves], colors=_GREY, linewidths=0.6, alpha=alpha)
    )
    grid = np.linspace(0, 1, 201)
    mean = Line2D([], [], color=_COLOURS[0], linewidth=1.8, zorder=3)
    if curves:
        mean.set_data(grid, np.mean([np.interp(grid, *curve) for curve in curves], axis=0))
        axes.add_line(mean)
    return {
        f"{len(curves)} participants": Line2D([], [], color=_GREY, linewidth=0.6),
        "their mean hit rate at each false-alarm rate": mean,
    }


def _share(value: float) -> str:
    """A number in [0, 1] as psychologists print it, `.53`; `n/a` when undefined."""
    return "n/a" if np.isnan(value) else f"{value:.2f}".removeprefix("0")


def _signed(value: float) -> str:
    if np.isnan(value):
        return "n/a"
    text = f"{value:.2f}"
    return "0.00" if text == "-0.00" else text.replace("-", "−")
