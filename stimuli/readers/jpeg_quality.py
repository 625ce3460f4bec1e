"""The quality of a JPEG: which of the standard tables its detail was rounded with.

Most programs scale the table that the standard gives as an example (ITU-T T.81, table K.1) as the Independent JPEG
Group's library does, by a quality from 1 to 100. Others have tables of their own, which have no such number.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

_EXAMPLE = (
    *(16, 11, 10, 16, 24, 40, 51, 61),
    *(12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56),
    *(14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77),
    *(24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101),
    *(72, 92, 95, 98, 112, 100, 103, 99),
)


def table_of(quality: int) -> tuple[int, ...]:
    """The 64 steps, row by row, to whose multiples the frequencies of brightness are rounded at a quality, 1 to 100."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return tuple(min(max((step * percent + 50) // 100, 1), 255) for step in _EXAMPLE)


def quality_of(table: Sequence[int]) -> int | None:
    """The quality whose steps these are, or None if they are no standard table."""
    return _qualities().get(tuple(table))


@cache
def _qualities() -> dict[tuple[int, ...], int]:
    return {table_of(quality): quality for quality in range(1, 101)}
