from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations, groupby

import pytest

from data.trial_order import _count_ways, _draw_truths


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
