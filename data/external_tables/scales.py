"""Ratings and confidences on any scale, and values that no scale explains."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from data.errors import LookalikeError
from data.external_tables.files.sheet import plain_name
from data.external_tables.mapping import RatingScale, TableMapping
from data.external_tables.values import counted, is_numeric, smallest_step
from data.trials import split_rating

_CODES = {*(-1.0, -9.0, -99.0, -999.0, -9999.0), *(9.0, 77.0, 88.0, 99.0, 777.0, 888.0, 999.0, 9999.0)}
_DIGITS = 12  # of a scale; a number in double precision has 15
_SLOWEST_S = 99.0  # smaller codes may be times
_FAST_S = 0.02  # a median below it is no judgement's, but that of seconds taken for milliseconds
_OFTEN = 0.02  # share of times that are too long for slips of attention
_SLOW_S = 100.0  # a median above it is no judgement's in seconds


def settle_ratings(columns: dict[str, str], cells: pd.DataFrame, mapping: TableMapping) -> None:
    """Either a response or a rating: a response in more than two numbers without words is a rating."""
    if "response" in columns and "rating" not in columns:
        given = cells[columns["response"]].dropna()
        worded = mapping.words_of("response") or mapping.order.get("response")
        if "confidence" not in columns and not worded and is_numeric(given) and given.nunique() > 2:
            columns["rating"] = columns.pop("response")
    elif "response" in columns and "rating" in columns:
        del columns["response" if "rating" in mapping.columns and "response" not in mapping.columns else "rating"]
    if not {"response", "rating", "correct"} & {*columns} and _is_rating(columns.get("confidence", ""), cells):
        columns["rating"] = columns["confidence"]  # the only answer
    if "rating" in columns:
        columns.pop("confidence", None)


def _is_rating(name: str, cells: pd.DataFrame) -> bool:
    """Whether a column is called a rating and holds more than two different numbers."""
    if not any(word in plain_name(name) for word in ("rating", "likert")):
        return False
    return is_numeric(cells[name]) and cells[name].nunique() > 2


def split_ratings(rating: pd.Series, scale: RatingScale) -> tuple[pd.Series, pd.Series, str]:
    """Response and confidence of ratings, and how they were made from them.

    They are split in the middle (`data.trials.split_rating`), so that 1 to 6 become 3, 2, 1, 1, 2, 3.

    Raises `LookalikeError` for a middle that is not finite.
    """
    given = rating.dropna()
    if given.empty:
        return pd.Series(None, rating.index, dtype=object), rating, "no rating was given"
    low, high = float(given.min()), float(given.max())
    middle = scale.middle if scale.middle is not None else (low + high) / 2
    if not np.isfinite(middle):
        raise LookalikeError(
            "out-of-range", f"--middle is {middle:g}; give a number on the scale of the ratings, {low:g} to {high:g}"
        )
    other = "real" if scale.high == "generated" else "generated"
    said, sure = split_rating(rating, middle, scale.high)
    response = pd.Series(said, rating.index, dtype=object)
    confidence = pd.Series(sure, rating.index).round(_decimals(high - low))
    at = int((given == middle).sum())
    note = f"ratings from {low:g} to {high:g}: above {middle:g} is {scale.high}, the rest {other}"
    note += "" if not at else f" ({at} at {middle:g} itself)"
    if scale.middle is None:
        note += f"; {middle:g} is half-way, for d' only (--middle sets it; ROC and AUC need none)"
    return response, confidence, note


def _decimals(span: float) -> int:
    """Decimals that keep the numbers of a scale apart, but not .3 and .7 in how far they are from .5."""
    return _DIGITS - math.ceil(math.log10(span)) if span > 0 else _DIGITS


def scaled_confidence(confidence: pd.Series, where: str) -> tuple[pd.Series, str | None]:
    """Confidences from a scale that may begin at 0, and what was done. Raises `LookalikeError` for one below 0.

    A signed rating cannot be 0 for one answer and 0 for the other, so 1 is added where the scale begins at 0.
    """
    lowest = confidence.min()
    if lowest < 0:
        row = confidence.index[confidence == lowest][0]
        raise LookalikeError(
            "not-a-number",
            f"{where}: confidence is {lowest:g} (row {row}), below 0; if it means no answer, add --missing "
            f"confidence:{lowest:g}; a scale from surely real to surely generated is a rating (--columns rating=...)",
        )
    if lowest == 0:
        return confidence + 1, f"confidence begins at 0 (to {confidence.max():g}): 1 was added to each"
    return confidence, None


def implausible(table: pd.DataFrame, mapping: TableMapping) -> Iterator[str]:
    """Sentences on values that no scale explains: codes for "no answer", times in another unit."""
    middle = mapping.rating.middle
    if middle is not None and "rating" in table and not table["rating"].min() <= middle <= table["rating"].max():
        yield (
            f"--middle {middle:g} lies outside the ratings, {table['rating'].min():g} to {table['rating'].max():g}, so "
            "all answers are the same"
        )
    for name in ("rating", "confidence"):
        if name in table:
            for value in _apart(table[name].dropna().to_numpy(dtype=float)):
                rows = table.index[table[name] == value]
                yield (
                    f"{name} {value:g} ({counted(len(rows), 'row')}, first row {rows[0]}) stands apart from the "
                    f"others; if it means no answer, add --missing {name}:{value:g}"
                )
    for name in ("response_time", "confidence_time"):
        if name in table and table[name].notna().any():
            median = float(table[name].median())
            if median > _SLOW_S:
                yield f"{name} has a median of {median:g} s, which looks like milliseconds; if so, add --time-unit ms"
            slow = table.index[table[name] > _SLOW_S]
            if median <= _SLOW_S and len(slow) > max(1, _OFTEN * table[name].notna().sum()):
                yield (
                    f"{name} is above {_SLOW_S:g} s in {len(slow)} rows (first row {slow[0]}), and {median:g} s in the "
                    "median; if these are in ms, write all times in one unit"
                )
            if 0 < median < _FAST_S:
                yield f"{name} has a median of {median:g} s, too short for an answer; if it is in s, --time-unit s"
            for value in _apart(table[name].dropna().to_numpy(dtype=float)):
                if value in _CODES and value >= _SLOWEST_S:
                    yield f"{name} {value:g} stands apart; if it means none, add --missing {name}:{value:g}"
            negative = table.index[table[name] < 0]
            if len(negative) and not mapping.missing_in(name):
                yield f"{name} is below 0 in {counted(len(negative), 'row')} (first row {negative[0]})"


def _apart(values: np.ndarray) -> list[float]:
    """The values that stand apart from all others: known codes a scale's width away or below 0, others three widths."""
    levels = np.unique(values)
    found: list[float] = []
    while levels.size > 2:
        for place, rest in ((-1, levels[:-1]), (0, levels[1:])):
            gap = levels[-1] - levels[-2] if place == -1 else levels[1] - levels[0]
            width = rest[-1] - rest[0] + smallest_step(rest)
            code = levels[place] in _CODES
            alone_below_0 = levels[place] < 0 <= rest[0] and (rest[0] >= 1 or levels[place] <= -9)
            if gap > width * (1 if code else 3) or (code and alone_below_0):
                found.append(float(levels[place]))
                levels = rest
                break
        else:
            break
    return found
