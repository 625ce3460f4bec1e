"""Which figures a real/generated report shows, by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.agreement.items import extremes
from analysis.group.group import Group
from analysis.group.participants import Participant
from analysis.mrmc.other_methods import MOST
from analysis.report.figures import plots
from analysis.report.figures.roc_figure import roc_figure
from analysis.serial.serial import Serial
from data.arrays import Ints

if TYPE_CHECKING:
    from stimuli.sets import StimulusSet

_EXTREMES = 5  # images at each extreme, for each truth


def figures_of(participants: Sequence[Participant], groups: Sequence[Group], draw: bool = True) -> dict[str, Figure]:
    """Figure 5, then those for which there are data: forest, ratings, calibration, retest, serial.

    The forest plot shows the group's mean and bounds only if there is just one group. Up to `MOST` participants are
    shown one by one; above that, only figures of all together are drawn. Empty figures if not to `draw`.
    """
    making: dict[str, Callable[[], Figure]] = {"figure5": lambda: roc_figure(participants)}
    rated = [one for one in participants if one.counts.ratings.size]
    if len(participants) <= MOST:
        making["forest"] = lambda: _forest(participants, groups)
        if rated:
            making["ratings"] = lambda: plots.rating_histograms({one.name: one.binned for one in rated})
    if any(one.calibration.levels.size for one in rated):
        making["calibration"] = lambda: _calibration(rated)
    retested = [one for one in participants if one.comparison is not None]
    if retested:
        making["retest"] = lambda: plots.confusion(_answers(retested))
    if len(groups) == 1 and groups[0].serial.previous_response.n:
        making["serial"] = lambda: _serial(groups[0].serial)
    return {name: make() if draw else Figure() for name, make in making.items()}


def gallery_of(items: pd.DataFrame, stimuli: StimulusSet | None) -> dict[str, Figure]:
    """The most and the least convincing images of each truth, where the stimulus set is at hand with its images."""
    if stimuli is None or items["stimulus_id"].duplicated().any():  # judged by several kinds of observer
        return {}
    shown = extremes(items, _EXTREMES)
    captions = [f"{row.stimulus_id}: {row.share_generated:.0%}" for row in shown.itertuples()]
    images = [stimuli.read(image) for image in shown["stimulus_id"]]
    columns, truths = 2 * _EXTREMES, list(dict.fromkeys(shown["truth"]))
    rows = truths if len(shown) == columns * len(truths) else []  # a row for each truth only if all are full
    return {"items": plots.gallery(images, captions, columns, rows)}


def _serial(found: Serial) -> Figure:
    rows = {
        "previous answer": found.previous_response,
        "previous image’s truth": found.previous_truth,
        "next image’s truth (control)": found.next_truth,
        "answer five trials back (control)": found.earlier_response,
    }
    return plots.forest(
        {name: (one.mean, one.low, one.high) for name, one in rows.items()}, None, None, "log-odds of “generated”", 0
    )


def _forest(participants: Sequence[Participant], groups: Sequence[Group]) -> Figure:
    rows = {one.name: (one.yesno.dprime, one.yesno.low, one.yesno.high) for one in participants}
    if len(groups) > 1:
        return plots.forest(rows, None, None, "d′, with 95% interval", 0)
    mean, bound = groups[0].dprime, groups[0].bound
    band = None if math.isnan(bound) else (-bound, bound)
    return plots.forest(rows, (mean.mean, mean.low, mean.high), band, "d′, with 95% interval", 0)


def _calibration(rated: Sequence[Participant]) -> Figure:
    """Each participant's line, and that of all answers together."""
    lines = {}
    if len(rated) <= MOST:
        lines = {one.name: list(zip(one.calibration.levels, one.calibration.accuracy, strict=True)) for one in rated}
    levels = sorted({float(level) for one in rated for level in one.calibration.levels})
    correct, trials = np.zeros(len(levels)), np.zeros(len(levels))
    for one in rated:
        place = np.searchsorted(levels, one.calibration.levels)
        correct[place] += one.calibration.correct
        trials[place] += one.calibration.trials
    return plots.calibration(lines, levels, correct, trials)


def _answers(retested: Sequence[Participant]) -> dict[str, Ints]:
    tables = {}
    for title, name in (("real images", "answers_to_real"), ("generated images", "answers_to_generated")):
        each = [getattr(one.comparison, name) for one in retested]
        tables[title] = np.array(
            [
                [sum(x.real_real for x in each), sum(x.real_generated for x in each)],
                [sum(x.generated_real for x in each), sum(x.generated_generated for x in each)],
            ]
        )
    return tables
