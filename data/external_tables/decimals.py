"""Decimal points and commas, and groups of thousands: how the numbers of one column are written."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

Decimal = Literal["", ".", ","]

_SIGNS: tuple[tuple[Literal[".", ","], str], ...] = ((".", ","), (",", "."))  # each with the other
_POWER = r"(?:e[+-]?\d+)?\s*%?"
# By the decimal sign: plain, or in groups of thousands parted by the other sign.
_FITS: Mapping[Literal[".", ","], re.Pattern[str]] = {
    sign: re.compile(
        rf"[+−-]?(?:\d+(?:{re.escape(sign)}\d*)?|{re.escape(sign)}\d+"
        rf"|[1-9]\d{{0,2}}(?:{re.escape(other)}\d{{3}})+(?:{re.escape(sign)}\d*)?){_POWER}",
        re.IGNORECASE,
    )
    for sign, other in _SIGNS
}
_IN_GROUPS = {sign: re.compile(rf"[+−-]?[1-9]\d{{0,2}}(?:{re.escape(sign)}\d{{3}})+") for sign in ".,"}
_NUMERIC = re.compile(rf"[+−-]?[\d.,]+{_POWER}", re.IGNORECASE)
_UP_TO_THREE_DIGITS = re.compile(r"\d{1,3}")
# 1 234,5 and 1'234.5: groups of three that can be nothing else
_PARTED = re.compile(r"([+−-]?[1-9]\d{0,2})((?:[ \u00a0\u2009\u202f'’]\d{3})+)((?:[.,]\d*)?)")


def without_blanks(word: str) -> str:
    """A number without blanks and apostrophes between its groups of thousands."""
    groups = _PARTED.fullmatch(word)
    return groups[1] + re.sub(r"\D", "", groups[2]) + groups[3] if groups else word


def with_point(word: str, decimal: Decimal = "") -> str:
    """A number with a decimal point and no groups of thousands; another word as it is.

    `decimal` is the column's sign (`decimal_sign`). Without it, both signs in one number, or one of them twice, show
    which is which, and a single sign is taken for a decimal one.
    """
    word = without_blanks(word)
    if not decimal and _signs(word) < 2:
        return word.replace(",", ".")
    for sign in _FITS if not decimal else (decimal,):
        if _FITS[sign].fullmatch(word):
            return word.replace("." if sign == "," else ",", "").replace(",", ".")
    return word


def decimal_sign(words: Collection[str], stated: Decimal = "", likely_comma: bool = False) -> Decimal:
    """The decimal sign of a column whose different cells are `words`; empty if nobody can tell.

    A column is written in one way, so a number with both signs (1.028,5), or with one of them twice (1.234.567), shows
    how the others are meant. `stated` is what the user says, `likely_comma` whether the file may have decimal commas.
    """
    signed = [word for word in map(without_blanks, words) if _signs(word) and _NUMERIC.fullmatch(word)]
    if stated and all(_FITS[stated].fullmatch(word) for word in signed):
        return stated
    if any(_signs(word) > 1 for word in signed):
        fitting: list[Decimal] = [sign for sign in _FITS if all(_FITS[sign].fullmatch(word) for word in signed)]
        return fitting[0] if len(fitting) == 1 else ""
    if has_both(signed) or in_doubt(words, likely_comma):
        return ""
    return "," if any("," in word for word in signed) else "."


def in_doubt(words: Collection[str], likely_comma: bool = False) -> str | None:
    """The first number whose one sign may be decimal or part thousands; None if there is none.

    That is a comma before three digits in every number that has one. It is a point as well, and `likely_comma` does not
    count, beside numbers with the other sign, or beside several of three digits, which thousands in groups follow.
    """
    plain = [without_blanks(word) for word in words]
    for sign in (",", "."):
        grouped = [word for word in plain if _IN_GROUPS[sign].fullmatch(word)]
        if not grouped or len(grouped) < sum(sign in word for word in plain):
            continue
        if (sign == "," and not likely_comma) or has_both(plain) or _follow_thousands(plain, sign):
            return grouped[0]
    return None


def _follow_thousands(words: Sequence[str], sign: str) -> bool:
    """Whether the numbers without a sign have up to three digits, and several of them are 100 or more."""
    others = {word for word in words if sign not in word}
    return all(_UP_TO_THREE_DIGITS.fullmatch(word) for word in others) and sum(len(word) == 3 for word in others) > 1


def has_both(words: Iterable[str]) -> bool:
    """Whether points and commas are in a column's numbers."""
    signs = {sign for word in words if _NUMERIC.fullmatch(without_blanks(word)) for sign in ".," if sign in word}
    return len(signs) == 2


def _signs(word: str) -> int:
    return word.count(".") + word.count(",")
