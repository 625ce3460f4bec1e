"""Orders of trials: shuffled, or uniform over those in which no truth comes too often in a row."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from data.errors import LookalikeError


def draw_order(generated: Sequence[bool], max_run: int | None, rng: np.random.Generator) -> list[int]:
    """An order of images of which it is known which are generated, as places in `generated`.

    Every plan's orders come from here, and an analysis that asks what an order alone would do draws them anew.
    Uniform over all orders in which no truth comes more than `max_run` times in a row. Raises
    `LookalikeError` if there are none.
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


def longest_run(truths: list[str]) -> int:
    """Length of the longest run of one truth; 0 if there are no trials."""
    longest = run = 0
    for index, truth in enumerate(truths):
        run = run + 1 if index and truth == truths[index - 1] else 1
        longest = max(longest, run)
    return longest


def _draw_truths(real: int, generated: int, max_run: int, seed: int) -> list[str]:
    """Draw one sequence of truths, uniformly over those whose runs are at most `max_run` long.

    Drawing orders until one fits would be uniform too, but for 100 trials and a max_run of 2 only
    one order in 10^8 fits. So the ways to go on are counted, and runs drawn in proportion.
    """
    ways = _count_ways(real, generated, max_run)
    # Python's own generator draws exactly from the counts, which outgrow 64 bits.
    rng = random.Random(seed)
    left = {"real": real, "generated": generated}
    starts = [ways["real", real, generated], ways["generated", real, generated]]
    if sum(starts) == 0:
        raise LookalikeError(
            f"no order of {real} real and {generated} generated images keeps runs of one truth to {max_run}; "
            "raise max_run or lower catch_trials in the study or task file"
        )
    truth = "real" if rng.randrange(sum(starts)) < starts[0] else "generated"
    truths: list[str] = []
    while sum(left.values()):
        lengths = range(1, min(max_run, left[truth]) + 1)
        goes_on = [ways[_next_state(truth, left["real"], left["generated"], length)] for length in lengths]
        pick, length = rng.randrange(sum(goes_on)), 1
        while pick >= goes_on[length - 1]:
            pick, length = pick - goes_on[length - 1], length + 1
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
