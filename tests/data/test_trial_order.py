from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations, groupby, permutations
from typing import Any

import numpy as np
import pytest

from data.trial_order import _count_ways, _draw_truths, draw_order, draw_orders


def longest_run(truths: Sequence[str]) -> int:
    return max(len(list(run)) for _, run in groupby(truths))


@pytest.mark.parametrize(("real", "generated", "max_run"), [(3, 3, 2), (4, 3, 2), (5, 2, 3), (4, 4, 3), (6, 2, 2)])
def test_orders_are_uniform_over_all_admissible_ones(real: int, generated: int, max_run: int) -> None:
    total = real + generated
    orders = (
        tuple("real" if place in places else "generated" for place in range(total))
        for places in combinations(range(total), real)
    )
    admissible = {order for order in orders if longest_run(order) <= max_run}
    ways = _count_ways(real, generated, max_run)
    assert ways["real", real, generated] + ways["generated", real, generated] == len(admissible)
    draws = 100 * len(admissible)
    counts = Counter(tuple(_draw_truths(real, generated, max_run, seed)) for seed in range(draws))
    assert set(counts) == admissible
    chi_square = sum((counts[order] - 100) ** 2 / 100 for order in admissible)
    assert chi_square < len(admissible) + 5 * (2 * len(admissible)) ** 0.5  # mean and 5 SDs; the seeds are fixed


@pytest.mark.parametrize("max_run", [None, 2])
def test_no_catch_trial_comes_first_and_all_other_orders_are_equally_likely(max_run: int | None) -> None:
    signal, catch = [True, False, True, False], [False, False, True, False]
    admissible = {
        order
        for order in permutations(range(4))
        if not catch[order[0]] and longest_run([str(signal[place]) for place in order]) <= (max_run or 4)
    }
    orders = draw_orders(signal, max_run, 100 * len(admissible), np.random.default_rng(1), catch)
    counts = Counter(map(tuple, orders.tolist()))
    assert set(counts) == admissible
    chi_square = sum((counts[order] - 100) ** 2 / 100 for order in admissible)
    assert chi_square < len(admissible) + 5 * (2 * len(admissible)) ** 0.5


@pytest.mark.parametrize("max_run", [None, 3])
def test_one_order_is_the_first_of_many(max_run: int | None) -> None:
    signal = [True, False] * 10
    many = draw_orders(signal, max_run, 3, np.random.default_rng(1))
    rng = np.random.default_rng(1)
    assert [draw_order(signal, max_run, rng) for _ in range(3)] == many.tolist()


@pytest.mark.parametrize(
    ("signal", "catch", "max_run"),
    [
        ([True, False], [True, True], None),
        ([True, True, False], [True, True, False], 1),  # only fake, real, fake has no two in a row
    ],
)
def test_trials_whose_every_order_starts_with_a_catch_are_refused(
    refuses: Any, signal: list[bool], catch: list[bool], max_run: int | None
) -> None:
    with refuses("no-order"):
        draw_order(signal, max_run, np.random.default_rng(1), catch)
