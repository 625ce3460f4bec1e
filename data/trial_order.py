"""Orders of trials: shuffled, or uniform over those in which no truth comes too often in a row."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from data.arrays import Flags, Ints
from data.errors import LookalikeError


def draw_order(
    signal: Sequence[bool], max_run: int | None, rng: np.random.Generator, catch: Sequence[bool] | None = None
) -> list[int]:
    """Draw an order of trials, uniformly over all that a plan may have.

    No truth comes more than `max_run` times in a row, and no catch trial comes first. Every plan's order comes from
    here, and so does the null distribution of an analysis that asks what the order alone would do.

    Parameters
    ----------
    signal : sequence of bool, shape (trials,)
        Which trials are of the signal: for single images, which are generated.
    max_run : int or None
        The longest run of one truth, at least 2; None for no limit.
    rng : numpy.random.Generator
        The source of randomness; the same state gives the same order.
    catch : sequence of bool, shape (trials,), optional
        Which trials are catch trials; by default none.

    Returns
    -------
    list of int, length trials
        Places in `signal`, in the order drawn.

    Raises
    ------
    LookalikeError
        If there is no such order.

    Examples
    --------
    >>> import numpy as np
    >>> from data import draw_order
    >>> signal = [True, True, True, False, False, False]
    >>> order = draw_order(signal, 2, np.random.default_rng(1))
    >>> sorted(order)
    [0, 1, 2, 3, 4, 5]
    """
    order: list[int] = draw_orders(signal, max_run, 1, rng, catch)[0].tolist()
    return order


def draw_orders(
    signal: Sequence[bool],
    max_run: int | None,
    count: int,
    rng: np.random.Generator,
    catch: Sequence[bool] | None = None,
) -> Ints:
    """Draw `count` independent orders, one per row, each as `draw_order` draws it.

    Raises `LookalikeError` if there is no such order.
    """
    is_catch = np.zeros(len(signal), dtype=np.bool_) if catch is None else np.asarray(catch, dtype=np.bool_)
    if is_catch.any():
        _refuse_catch_first(signal, max_run, is_catch)
    orders = _draw_any(signal, max_run, count, rng)
    # A row that starts with a catch trial is drawn again, so that all other orders stay equally likely.
    while is_catch.any() and (wrong := is_catch[orders[:, 0]]).any():
        orders[wrong] = _draw_any(signal, max_run, int(wrong.sum()), rng)
    return orders


def _draw_any(signal: Sequence[bool], max_run: int | None, count: int, rng: np.random.Generator) -> Ints:
    """Orders that keep to `max_run`, whatever comes first."""
    places = np.arange(len(signal))
    if max_run is None:
        return rng.permuted(np.tile(places, (count, 1)), axis=1)
    orders = np.empty((count, len(signal)), dtype=np.int64)
    for row in orders:
        shuffled = rng.permutation(len(signal)).tolist()
        by_truth = {
            truth: [index for index in shuffled if signal[index] == (truth == "generated")]
            for truth in ("real", "generated")
        }
        truths = _draw_truths(len(by_truth["real"]), len(by_truth["generated"]), max_run, int(rng.integers(2**63)))
        row[:] = [by_truth[truth].pop() for truth in truths]
    return orders


def _refuse_catch_first(signal: Sequence[bool], max_run: int | None, catch: Flags) -> None:
    """Raise `LookalikeError` if every order starts with a catch trial."""
    generated = np.asarray(signal, dtype=np.bool_)
    first = {"generated" if truth else "real" for truth in generated[~catch]}
    if max_run is not None:
        real, signals = int(np.sum(~generated)), int(np.sum(generated))
        ways = _count_ways(real, signals, max_run)
        if not any(ways[truth, real, signals] for truth in ("real", "generated")):
            return  # no order at all, which is said where one is drawn
        first = {truth for truth in first if ways[truth, real, signals]}
    if not first:
        raise LookalikeError("no-order", "every order of these trials starts with a catch trial; lower catch_trials")


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
