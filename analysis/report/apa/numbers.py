"""Numbers as APA style writes them: exact p, two decimals, and no zero before the point of what cannot exceed 1."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

_NUMBERS = (
    *("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def in_words(count: int) -> str:
    """A number at the beginning of a sentence, which APA never begins with figures."""
    if count >= 100:
        return f"A total of {count}"
    tens, ones = divmod(count, 10)
    name = _NUMBERS[count] if count < len(_NUMBERS) else _TENS[tens - 2] + (f"-{_NUMBERS[ones]}" if ones else "")
    return name.capitalize()


def missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def plain(value: float, digits: int = 2) -> str:
    """`0.85`, `−1.20`: with a zero, for what can exceed 1."""
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def large(value: float) -> str:
    """`19.26`, or `7.25 × 10³` from 1,000 up."""
    if value < 1000:
        return plain(value)
    digits, power = f"{value:.2e}".split("e")
    return f"{digits} × 10{str(int(power)).translate(str.maketrans('0123456789', '⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def unit(value: float, digits: int = 2) -> str:
    """`.73`, `−.12`, `1.00`: without a zero, for what cannot exceed 1."""
    return without_zero(plain(value, digits))


def without_zero(text: str) -> str:
    return text.replace("0.", ".", 1) if text.lstrip("−").startswith("0.") else text


def bounds(low: float | None, high: float | None, form: Callable[[float], str] = plain) -> str:
    return f"[{'n/a' if low is None else form(low)}, {'n/a' if high is None else form(high)}]"


def percent(level: float) -> str:
    return f"{100 * level:.3g}%"


def degrees(df: float) -> str:
    return f"{df:.0f}" if df == round(df) else f"{df:.2f}"


def p_value(value: float) -> str:
    """`p = .023`, exact to three decimals, or `p < .001`."""
    return "p < .001" if value < 0.001 else f"p = {unit(value, 3)}"
