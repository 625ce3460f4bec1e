"""The report of psychometric functions: everyone's threshold, width and lapses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.intervals import t_interval
from analysis.report.figures.render import Format
from analysis.report.number_text import fine, interval, p_value
from analysis.report.page import Note, Page, Picture, Section, Table
from analysis.report.results import Results, summarised, versions, write
from analysis.report.scaling.figures import psychometric_figure
from analysis.scaling.psychometric import PsychometricFunction, PsychometricFunctions
from data.files import refuse_occupied

_METHODS = (
    "Psychometric functions (a cumulative normal between asymptotes) were fitted by maximum likelihood {wichmann2001}, "
    "lapses estimated up to 10%; the width is the range of levels over which the normal rises from .05 to .95. "
    "Bounds are bias-corrected percentiles of the parametric bootstrap {efron1987}, from which the p of "
    "the deviance also comes.",
)


def save_psychometric(
    found: PsychometricFunctions, out: Path, inputs: Mapping[str, str], formats: Sequence[Format] | None = None
) -> dict[str, Any]:
    """Write a new folder: `participants.tsv`, `levels.tsv`, `summary.json`, the figure and `report.html`.

    Returns the summary. Raises `LookalikeError` if `out` holds anything; nothing is written then.
    """
    refuse_occupied(out)
    results = psychometric_results(found, inputs)
    write(results, out, formats=formats)
    return results.summary


def psychometric_results(found: PsychometricFunctions, inputs: Mapping[str, str]) -> Results:
    """The results of `save_psychometric` in memory."""
    words, mean = _mean(found)
    page = Page(
        title="Psychometric functions",
        subtitle=f"Threshold and width of {len(found.participants)} participants.",
        summary=(
            Note("Thresholds.", (words,), "verdict"),
            Picture(
                "psychometric",
                psychometric_figure(found),
                "Share of “yes” at each level with Wilson’s 95% interval, the fitted function, and the threshold with "
                "its interval.",
                "Psychometric function of every participant; the numbers are in the table below.",
            ),
        ),
        sections=(_table(found),),
        methods=_METHODS,
        inputs=dict(inputs),
        versions=versions(),
    )
    summary = {"words": words, "mean_threshold": mean, "level": found.level, "versions": versions()}
    summary |= {"participants": [one.to_dict() for one in found.participants], "files_sha256": dict(inputs)}
    levels = [
        pd.DataFrame({"participant": one.participant, "level": one.levels, "trials": one.trials, "yes": one.yes})
        for one in found.participants
    ]
    tables = {"participants": found.by_participant(), "levels": pd.concat(levels, ignore_index=True)}
    return Results(summarised(summary), tables, page)


def _mean(found: PsychometricFunctions) -> tuple[str, dict[str, float]]:
    values = np.array([one.threshold.value for one in found.participants if one.reason is None])
    left = len(found.participants) - values.size
    without = f" {left} without a threshold." if left else ""
    if not values.size:
        return "Nobody has a threshold; the table below says why.", {}
    if values.size == 1:
        one = next(one.threshold for one in found.participants if one.reason is None)
        words = (
            f"The threshold is {fine(one.value)} ({found.level:.0%} CI {interval(one.low, one.high, fine)}).{without}"
        )
        return words, {"value": one.value, "low": one.low, "high": one.high}
    mean = float(values.mean())
    ci = t_interval(mean, float(values.var(ddof=1)) / values.size, values.size - 1, null=0.0, level=found.level)
    spread = float(values.std(ddof=1))
    words = (
        f"The mean threshold of {values.size} participants is {fine(mean)} "
        f"({found.level:.0%} CI {interval(ci.low, ci.high, fine)}); their SD is {fine(spread)}.{without}"
    )
    return words, {"value": mean, "low": ci.low, "high": ci.high}


def _table(found: PsychometricFunctions) -> Section:
    bounds = f"\n{found.level:.0%} CI"
    header = ("Participant", "Answers", f"Threshold{bounds}", f"Width{bounds}", f"Slope{bounds}", "Lapses", "Fit\np")
    reasons = [f"{one.participant}: {one.reason}." for one in found.participants if one.reason]
    note = (
        "Width: from where the function, lapses apart, is .05 to where it is .95; negative where “yes” becomes rarer. "
        "Slope: change of probability per unit at the threshold. A small p of fit says that the function does not "
        "describe the answers."
    )
    return Section(
        "Participants", (Table(header, tuple(map(_row, found.participants)), note=" ".join([note, *reasons])),)
    )


def _row(one: PsychometricFunction) -> tuple[str, ...]:
    def cell(name: str) -> str:
        value = getattr(one, name)
        return f"{fine(value.value)}\n{interval(value.low, value.high, fine)}"

    lapses = "n/a" if np.isnan(one.lapse) else f"{one.lapse:.1%}"
    answers = str(int(one.trials.sum()))
    return (
        one.participant,
        answers,
        cell("threshold"),
        cell("width"),
        cell("slope"),
        lapses,
        p_value(one.deviance_p),
    )
