"""The same call for many things, in as many processes as there are cores."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, TypeVar

_Given = TypeVar("_Given")
_Found = TypeVar("_Found")
# What forked processes find in their copy of the memory: neither calls nor what they are given need be pickled.
_WORK: list[tuple[Callable[[Any], Any], list[Any]]] = []


def side_by_side(call: Callable[[_Given], _Found], given: Iterable[_Given], chunk: int = 1) -> list[_Found]:
    """`call` of each, in order, whose work keeps Python busy, so that threads would only wait for one another.

    What is found is pickled. Processes are forked, `chunk` calls at a time; where that cannot be done (or where there
    are no more than `chunk` calls) it is one after the other.
    """
    items = list(given)
    processes = min(-(-len(items) // chunk), cores())
    # Elsewhere a new process imports everything anew, which takes longer than it saves.
    forks = sys.platform.startswith("linux") and not multiprocessing.current_process().daemon
    if processes < 2 or not forks:
        return [call(item) for item in items]
    _WORK.append((call, items))
    try:
        with multiprocessing.get_context("fork").Pool(processes) as pool:
            return pool.map(_one, [(len(_WORK) - 1, place) for place in range(len(items))], chunk)
    finally:
        _WORK.pop()


def cores() -> int:
    """How many cores this process may use, which may be fewer than the computer has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_parts(items: Sequence[_Given], parts: int) -> list[Sequence[_Given]]:
    """`items` in so many neighbouring parts of about one length, none of them empty; no items have none."""
    parts = max(parts, 1)
    ends = [len(items) * place // parts for place in range(parts + 1)]
    return [items[start:end] for start, end in pairwise(ends) if end > start]


def _one(place: tuple[int, int]) -> Any:
    call, items = _WORK[place[0]]
    return call(items[place[1]])
