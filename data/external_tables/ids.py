"""One person, however an id is written: what is the same, what may be, and how it is told."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

_WHOLE = re.compile(r"(\d+)[.,]0+")
_WHOLE_AS_FLOAT = re.compile(r"(\d+)\.0+")
_SHORTENED = re.compile(r"\d([.,]\d+)?E\+\d{2,3}")
_SHOWN = 3  # people that a note names


def same_person(name: str) -> str:
    """What is left of an id without what cannot tell two people apart.

    That is upper and lower case, how letters and digits are encoded (full width, accents, digits of other scripts),
    blanks around it and between a letter and a digit, and the decimals that spreadsheets add to a whole number. Other
    blanks, signs and leading zeros may tell people apart (1-23 and 12-3, P-1 and P1, 12 and 012), so they stay.
    """
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    text = "".join(_plain(letter) for letter in text)
    words = " ".join(text.split())
    words = re.sub(r"(?<=\d) (?=[^\W\d])|(?<=[^\W\d]) (?=\d)", "", words)
    match = _WHOLE.fullmatch(words)
    return match[1] if match else words


def canonical_id(name: str) -> str:
    """The one writing that every writing of a person's id leads to: `same_person`, in capitals.

    So an id in capitals without needless blanks stays as it is (P_00001). Where capitals would make two people one
    (dotless i, which has the capital of i), an id stays small.
    """
    person = same_person(name)
    return person.upper() if same_person(person.upper()) == person else person


def _plain(letter: str) -> str:
    """A digit of any script as 0 to 9; nothing for a character that is not seen."""
    if letter.isdecimal():
        return str(unicodedata.decimal(letter))
    return "" if unicodedata.category(letter) == "Cf" else letter


def perhaps_same_person(name: str) -> tuple[str, ...]:
    """What is left of an id without blanks, signs and leading zeros too: its words and numbers in order."""
    spaced = "".join(
        letter if letter.isalnum() or unicodedata.category(letter).startswith("M") else " "
        for letter in same_person(name)
    )
    return tuple(part.lstrip("0") or "0" for part in re.findall(r"\d+|[^\d\s]+", spaced)) or (name,)


def one_writing(names: Iterable[str]) -> dict[str, str]:
    """Each id as its person is written: the shortest of their ids, and of these the first, capitals before small.

    So it follows from the ids that are there, whatever their order and number.
    """
    people: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        people.setdefault(same_person(name), []).append(name)
    return {name: min(alike, key=lambda one: (len(one), one)) for alike in people.values() for name in alike}


def merged_note(what: str, kept: Mapping[str, str]) -> list[str]:
    """A sentence on the ids that were merged, none if there are none; `what` is what they are ids of."""
    others: dict[str, list[str]] = {}
    for name, person in kept.items():
        if name != person:
            others.setdefault(person, []).append(name)
    if not others:
        return []
    told = "; ".join(f"{', '.join(map(repr, names))} for {one!r}" for one, names in list(others.items())[:_SHOWN])
    more = f"; and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    return [f"{what} written in several ways were taken for one: {told}{more}"]


def whole_number(name: str) -> str:
    """An id that is a whole number without the decimals that a spreadsheet added; any other as it is."""
    match = _WHOLE_AS_FLOAT.fullmatch(name)
    return match[1] if match else name


def is_shortened(name: str) -> bool:
    """Whether an id is what a spreadsheet makes of long numbers (6.12346E+11); it may stand for several."""
    return _SHORTENED.fullmatch(name) is not None
