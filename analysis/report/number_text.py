"""Numbers as a report prints them."""

from __future__ import annotations

import math
from collections.abc import Callable


def number(value: float, digits: int = 2) -> str:
    """`0.05`, `−0.20` with a true minus sign, or `n/a`."""
    if math.isnan(value):
        return "n/a"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    rounded = round(value, digits) + 0.0  # + 0.0 turns −0 into 0
    return f"{rounded:.{digits}f}".replace("-", "−")


def fine(value: float, digits: int = 2) -> str:
    """As `number`, but with as many decimals as leave two significant digits: `0.000012`, of a slope per case read."""
    if value == 0 or not math.isfinite(value):
        return number(value, digits)
    return number(value, max(digits, 1 - math.floor(math.log10(abs(value)))))


def share(value: float | None, digits: int = 2) -> str:
    """A number in [0, 1] without its leading zero: `.53`; `n/a` if missing."""
    return "n/a" if value is None else number(value, digits).removeprefix("0")


def interval(low: float, high: float, form: Callable[[float], str] = number) -> str:
    """`0.10 to 0.35`, or `no interval`."""
    return "no interval" if math.isnan(low) else f"{form(low)} to {form(high)}"


def p_value(value: float | None) -> str:
    """A p value as a cell of a table: `.023`, `.17`, `< .001`, or nothing where there is none."""
    if value is None or math.isnan(value):
        return ""
    return "< .001" if value < 0.001 else share(value, 3 if value < 0.1 else 2)


def p_phrase(value: float) -> str:
    """A p value in a sentence: `p = .03`, `p < .001`, or `p n/a`."""
    cell = p_value(value)
    return "p n/a" if not cell else f"p {cell}" if cell.startswith("<") else f"p = {cell}"


def listed(parts: list[str]) -> str:
    """`a; b; c.`"""
    return "; ".join(parts) + "."
