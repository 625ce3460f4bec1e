"""Models of every participant's ROC, and rates at fixed rates: tables, the section of the page, methods."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas as pd

from analysis.group.participants import Participant
from analysis.report.number_text import interval, p_value, share
from analysis.report.page import Block, Heading, Section, Table
from analysis.report.realfake.findings import Findings
from analysis.roc.fixed_rates import Rate, rate_from_counts
from analysis.roc.models.comparison import RatingModel
from data.results.result import frame_of

# Where the curve is read: a usual pair of clinical demands.
FIXED: tuple[tuple[Rate, float], ...] = (
    ("sensitivity", 0.8),
    ("sensitivity", 0.9),
    ("specificity", 0.8),
    ("specificity", 0.9),
)

METHODS = (
    "**Models of the ROC.** Beside the binormal model, whose curve crosses the chance line somewhere unless both "
    "variances are equal, two models without such a hook were fitted to the counts of ratings by maximum likelihood: "
    "the proper binormal model {metz1999} and the contaminated binormal model {dorfman2000}. Near chance neither is "
    "preferred, since their areas cannot be below .5 and are too large on average; where the binormal curve crosses "
    "the chance line inside the data, or has no fit, the better of the two by Akaike’s information criterion is "
    "preferred; else the criterion decides, if by 2 or more. Sensitivity at a fixed specificity, and the reverse, are "
    "read from the empirical curve {pepe2003}, with percentiles of 2,000 resamples stratified by truth."
)


def models_table(participants: Sequence[Participant]) -> pd.DataFrame:
    """One row per participant and model of the ROC (`analysis.roc.models.comparison.RatingModel`).

    `preferred` is true for the model to prefer; `words` says why, the same in all rows of a participant.
    """
    parts = []
    for one in participants:
        if one.models is not None:
            table = frame_of(one.models.models)
            table.insert(0, "participant", one.name)
            parts.append(table.assign(preferred=table["model"] == one.models.preferred, words=one.models.words))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["participant", "model"])


def rates_table(participants: Sequence[Participant]) -> pd.DataFrame:
    """One row per participant and fixed rate (`analysis.roc.fixed_rates.FixedRate`)."""
    cases = [(one, of, at) for one in participants for of, at in FIXED if one.models is not None]
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda case: rate_from_counts(case[0].counts, case[1], case[2]), cases))
    if not found:
        return pd.DataFrame(columns=["participant", "of", "at"])
    table = frame_of(found)
    table.insert(0, "participant", [one.name for one, _, _ in cases])
    return table


def models_section(found: Findings, rates: pd.DataFrame) -> Section | None:
    """The models' areas, which is to be preferred, and rates at fixed rates."""
    shown = [one for one in found.participants if one.models is not None]
    if not any(model.reason is None for one in shown if one.models for model in one.models.models):
        return None
    header = ("Participant", "Binormal\np of X²", "Proper\np of X²", "Contaminated\np of X²", "Prefer")
    rows = tuple(_models_row(one) for one in shown)
    note = (
        "Areas under fitted curves, in small print Pearson’s test of the fit (a small p says that the model does not "
        "fit) and † for a binormal curve that crosses the chance line inside the data. AIC, parameters and the reason "
        "for each preference are in `models.tsv`."
    )
    blocks: list[Block] = [
        "A model of the curve is needed where ratings are few or coarse, or where the observer never uses the strict "
        "criteria. Proper and contaminated curves have no hook, and never lie below the chance line: for an observer "
        "near chance their areas are too large on average, and the empirical area above is the one to report.",
        Table(header, rows, words=(4,), note=note),
    ]
    if len(rates):
        blocks += [Heading("Rates at fixed rates"), _rates(shown, rates)]
    return Section("Models of the ROC", tuple(blocks))


def _models_row(one: Participant) -> tuple[str, ...]:
    assert one.models is not None
    _, binormal, proper, contaminated = one.models.models
    return (one.name, *(_cell(model) for model in (binormal, proper, contaminated)), one.models.preferred or "none")


def _cell(model: RatingModel) -> str:
    if model.reason:
        return "no fit"
    mark = "†" if model.remark and model.model == "binormal" else ""
    return f"{share(model.auc.value)}{mark}\n{p_value(model.pearson_p) or 'n/a'}"


def _rates(shown: Sequence[Participant], rates: pd.DataFrame) -> Table:
    header = ("Participant", *(f"{of.capitalize()}\nat {share(at)}" for of, at in FIXED))
    rows = []
    for one in shown:
        own = rates[rates["participant"] == one.name].to_dict("records")
        rows.append((one.name, *(_rate(row) for row in own)))
    note = "The other rate is fixed at the value in small print." + (
        " * No rating is so strict or so lax: read from the straight line to the corner."
        if rates["extrapolated"].any()
        else ""
    )
    return Table(header, tuple(rows), note=note)


def _rate(row: dict[Any, Any]) -> str:
    mark = "*" if row["extrapolated"] and row["value"] == row["value"] else ""
    return f"{share(row['value'])}{mark}\n{interval(row['low'], row['high'], share)}"
