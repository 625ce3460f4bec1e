"""The comparison of conditions in sentences: what the console, the page and `summary.json` say."""

from __future__ import annotations

import math
from collections.abc import Sequence

from analysis.designs.condition_results import Condition, ConditionDifference
from analysis.group.primary import no_interval, p_words, wrong_direction
from analysis.mrmc.equality import Equality
from analysis.mrmc.variance import Sampled

_MOST = 6  # pairs in a sentence


def sentences(
    each: Sequence[Condition], equality: Equality, differences: Sequence[ConditionDifference], level: float
) -> str:
    """Which conditions were discriminated, whether they differ, and by how much."""
    parts = [
        _found("discriminated", each, "The images were discriminated with"),
        _found("near chance", each, "Performance is shown to be near chance with"),
        _found("not decided", each, "It is not decided whether the images can be discriminated with"),
    ]
    if len(each) > 2:
        parts.append(_equal(equality))
    alpha = 1 - level
    shown = [one for one in differences if one.p_adjusted < alpha]
    open_ = [one for one in differences if not one.p_adjusted < alpha]
    parts += [_larger(shown, level, len(differences)), _no_difference(open_, level, len(differences))]
    return " ".join(part for part in parts if part)


def sampled(equality: Equality, readers: Sampled, compared: bool = True) -> str:
    """What the intervals speak of; without several conditions to be `compared` they are of one alone."""
    if readers == "fixed":
        return "other images, not other participants"
    groups = ", each condition with participants of its own" if compared and equality.participants == "nested" else ""
    return f"other participants and other images{groups}"


def area(value: float) -> str:
    """An area or a difference of areas, `.853` or `−.012`."""
    return "n/a" if math.isnan(value) else f"{value:.3f}".replace("0.", ".", 1).replace("-", "−")


def _found(status: str, each: Sequence[Condition], lead: str) -> str:
    found = [_area_of(one) for one in each if one.status == status]
    return f"{lead} {'; '.join(found)}." if found else ""


def _area_of(one: Condition) -> str:
    auc, exact = one.primary.auc, one.primary.exact
    bounds = f"no interval: {auc.reason}"
    if not auc.reason:
        bounds = f"{auc.level:.0%} interval {area(auc.low)} to {area(auc.high)}, {p_words(one.p_adjusted)}"
    elif exact:
        bounds = f"no interval, as {no_interval(auc)}, {p_words(one.p_adjusted)}"
    bounds += " by a permutation test" if exact else ""
    wrong = ", in the wrong direction" if one.status == "discriminated" and auc.auc < 0.5 else ""
    return f"{one.name} (area {area(auc.auc)}, {bounds}{wrong}{_who_can(one)})"


def _who_can(one: Condition) -> str:
    """What a mean that is not decided would hide: more participants discriminate than would by chance."""
    able = one.primary.prevalence
    if one.status != "not decided" or able is None or not able.either.low > 0:
        return ""
    passed = f"{able.either.significant} of {able.participants} discriminate by themselves{wrong_direction(able)}"
    return f"; yet {passed}, where {able.by_chance:.2g} would by chance"


def _equal(found: Equality) -> str:
    if found.reason is not None:
        return f"There is no test of all together: {found.reason}."
    tested = f"F({found.df1:.0f}, {found.df2:.1f}) = {found.f:.2f}, {p_words(found.p)}"
    return f"All areas together: {tested}."


def _larger(found: Sequence[ConditionDifference], level: float, pairs: int) -> str:
    if not found:
        return ""
    each = [
        f"with {one.first} than with {one.second} by {area(one.auc.difference)} ({_bounds(one, level, pairs)})"
        for one in found[:_MOST]
    ]
    return f"The area is larger {_series(each, len(found))}{_scale(level, pairs)}."


def _no_difference(found: Sequence[ConditionDifference], level: float, pairs: int) -> str:
    if not found:
        return ""
    each = [
        f"between {one.first} and {one.second} ({area(one.auc.difference)}, {_bounds(one, level, pairs)})"
        for one in found[:_MOST]
    ]
    none = "which does not show that there is none"
    return f"No difference is shown {_series(each, len(found))}, {none}{_scale(level, pairs)}."


def _bounds(one: ConditionDifference, level: float, pairs: int) -> str:
    if one.auc.reason is not None:
        return f"no interval: {one.auc.reason}"
    scale = f"{level:.0%} interval " if pairs == 1 else ""
    return f"{scale}{area(one.auc.low)} to {area(one.auc.high)}, {p_words(one.p_adjusted)}"


def _scale(level: float, pairs: int) -> str:
    return "" if pairs == 1 else f": {level:.0%} intervals, p adjusted for {pairs} pairs"


def _series(parts: Sequence[str], count: int) -> str:
    """`a`, `a and b`, or `a, b and c`; the rest is in the table."""
    if count > len(parts):
        return f"{', '.join(parts)}, and in {count - len(parts)} more pairs (see the table)"
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
