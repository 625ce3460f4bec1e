"""Orders of trials: shuffled, or uniform over those in which no truth comes too often in a row."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from data.errors import LookalikeError


def draw_order(generated: Sequence[bool], max_run: int | None, rng: np.random.Generator) -> list[int]:
    """Draw an order of trials, uniformly over all in which no truth comes more than `max_run` times in a row.

    Every plan's order comes from here, and so does the null distribution of an analysis that asks what the order
    alone would do.

    Parameters
    ----------
    generated : sequence of bool, shape (trials,)
        Which trials are of the signal: for single images, which are generated.
    max_run : int or None
        The longest run of one truth, at least 2; None for no limit.
    rng : numpy.random.Generator
        The source of randomness; the same state gives the same order.

    Returns
    -------
    list of int, length trials
        Places in `generated`, in the order drawn.

    Raises
    ------
    LookalikeError
        If there is no such order.

    Examples
    --------
    >>> import numpy as np
    >>> from data import draw_order
    >>> generated = [True, True, True, False, False, False]
    >>> order = draw_order(generated, 2, np.random.default_rng(1))
    >>> sorted(order)
    [0, 1, 2, 3, 4, 5]
    """
    shuffled = [int(index) for index in rng.permutation(len(generated))]
    if max_run is None:
        return shuffled
    by_truth = {
        truth: [index for index in shuffled if generated[index] == (truth == "generated")]
        for truth in ("real", "generated")
    }
    truths = _draw_truths(len(by_truth["real"]), len(by_truth["generated"]), max_run, int(rng.integers(2**63)))
    return [by_truth[truth].pop() for truth in truths]


def _draw_truths(real: int, generated: int, max_run: int, seed: int) -> list[str]:
    """Draw one sequence of truths, uniformly over those whose runs are at most `max_run` long.

    Drawing orders until one fits would be uniform too, but for 100 trials and a max_run of 2 only
    one order in 10^8 fits. So the ways to continue are counted, and runs drawn in proportion.
    """
    ways = _count_ways(real, generated, max_run)
    # Python's own generator draws exactly from the counts, which outgrow 64 bits.
    rng = random.Random(seed)
    left = {"real": real, "generated": generated}
    starts = [ways["real", real, generated], ways["generated", real, generated]]
    if sum(starts) == 0:
        raise LookalikeError(
            "no-order",
            f"no order of {real} real and {generated} generated images has runs of one truth of at most {max_run}; "
            "raise max_run or lower catch_trials in the study or task file",
        )
    truth = "real" if rng.randrange(sum(starts)) < starts[0] else "generated"
    truths: list[str] = []
    while sum(left.values()):
        lengths = range(1, min(max_run, left[truth]) + 1)
        continuing = [ways[_next_state(truth, left["real"], left["generated"], length)] for length in lengths]
        pick, length = rng.randrange(sum(continuing)), 1
        while pick >= continuing[length - 1]:
            pick, length = pick - continuing[length - 1], length + 1
        truths += [truth] * length
        left[truth] -= length
        truth = _other(truth)
    return truths


@lru_cache(maxsize=4)
def _count_ways(real: int, generated: int, max_run: int) -> dict[tuple[str, int, int], int]:
    """For every state (truth of the next run, real left, generated left): in how many ways it can end."""
    ways: dict[tuple[str, int, int], int] = {}
    for r in range(real + 1):
        for g in range(generated + 1):
            for truth, own in (("real", r), ("generated", g)):
                ways[truth, r, g] = (
                    1
                    if r == g == 0
                    else sum(ways[_next_state(truth, r, g, length)] for length in range(1, min(max_run, own) + 1))
                )
    return ways


def _next_state(truth: str, real: int, generated: int, length: int) -> tuple[str, int, int]:
    if truth == "real":
        return "generated", real - length, generated
    return "real", real, generated - length


def _other(truth: str) -> str:
    return "generated" if truth == "real" else "real"
