"""The share of people who can tell: the authors' own program, the posterior by quadrature, and coverage."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from analysis.group.prevalence import p_alone, prevalence
from analysis.roc.permutation import permutation_test

# What bayesprev 0.1.1, by the authors of Ince et al. (2021), gives: map(k, n, a) and hpdi(.95, k, n, a).
OF_THE_AUTHORS = [
    ((14, 20, 0.05), 0.684211, (0.46389, 0.85677)),
    ((2, 20, 0.05), 0.052632, (0.0, 0.23681)),
    ((0, 10, 0.05), 0.0, (0.0, 0.2384)),
    ((10, 10, 0.05), 1.0, (0.74905, 1.0)),
    ((33, 40, 0.05), 0.815789, (0.67451, 0.91562)),
    ((17, 40, 0.025), 0.410256, (0.26407, 0.56568)),
    ((1, 5, 0.05), 0.157895, (0.0, 0.56306)),
    ((7, 50, 0.05), 0.094737, (0.01475, 0.21093)),
]


def passing(above: int, below: int, n: int) -> tuple[list[float], list[float]]:
    """One-sided p of n participants, of whom so many pass on either side."""
    p = [0.001] * above + [0.999] * below + [0.5] * (n - above - below)
    return p, [1 - one for one in p]


@pytest.mark.parametrize(("given", "value", "interval"), OF_THE_AUTHORS)
def test_prevalence_is_that_of_the_authors_program(
    given: tuple[int, int, float], value: float, interval: tuple[float, float]
) -> None:
    k, n, alpha = given
    found = prevalence(*passing(k, 0, n), alpha=alpha).either
    assert (found.significant, found.alpha) == (k, alpha)
    assert found.value == pytest.approx(value, abs=1e-6)
    assert (found.low, found.high) == pytest.approx(interval, abs=1e-4)


@given(st.integers(1, 60), st.data())
def test_the_interval_holds_its_share_of_the_posterior_and_no_denser_point_is_outside(n: int, data: Any) -> None:
    """By quadrature over the share itself, with binomial probabilities."""
    k = data.draw(st.integers(0, n))
    found = prevalence(*passing(k, 0, n)).either
    share = (np.arange(40_000) + 0.5) / 40_000
    density = binom.pmf(k, n, 0.05 + 0.95 * share)
    inside = (share >= found.low) & (share <= found.high)
    assert density[inside].sum() / density.sum() == pytest.approx(0.95, abs=2e-3)
    assert density[~inside].max() <= density[inside].min() * 1.02 + 1e-12
    assert share[np.argmax(density)] == pytest.approx(found.value, abs=1e-4)


def test_both_directions_are_counted_and_each_at_half_the_rate() -> None:
    found = prevalence(*passing(5, 12, 40))
    assert (found.either.significant, found.above.significant, found.below.significant) == (17, 5, 12)
    assert (found.either.alpha, found.above.alpha, found.below.alpha) == (0.05, 0.025, 0.025)
    turned = prevalence(*reversed(passing(5, 12, 40)))
    assert (turned.above, turned.below) == (found.below, found.above)
    assert found.above == prevalence(*passing(5, 0, 40), alpha=0.025).either


def test_participants_without_a_test_are_counted_and_left_out() -> None:
    found = prevalence([0.001, math.nan, 0.5], [0.999, math.nan, 0.5])
    assert (found.participants, found.untested) == (2, 1)
    assert found.either == prevalence(*passing(1, 0, 2)).either
    nobody = prevalence([], [])
    assert math.isnan(nobody.either.value)
    assert nobody.reason is not None


@pytest.mark.parametrize("n", range(1, 41))
def test_where_nobody_passes_the_interval_begins_at_0_exactly(n: int) -> None:
    """Its bound decides whether more pass than would by chance: rounding must not."""
    assert prevalence([0.5] * n, [0.5] * n).either.low == 0


@pytest.mark.parametrize(("generated", "real", "enough"), [(2, 3, False), (3, 3, False), (4, 4, True), (1, 39, True)])
def test_too_few_images_are_no_test(generated: int, real: int, enough: bool) -> None:
    """The smallest p that the exact test can give, that of images all told apart, decides."""
    truth = ["generated"] * generated + ["real"] * real
    best = permutation_test(truth, [2] * generated + [1] * real, seed=1)
    assert (best.p_above <= 0.025) is enough
    told = p_alone(best.p_above, best.p_below, generated, real)
    assert told == (best.p_above, best.p_below) if enough else all(map(math.isnan, told))
    assert math.isnan(p_alone(0.5, 0.5, 10, 0)[0])
    assert p_alone(0.2, 0.8, 5000, 5000) == (0.2, 0.8)


def test_on_average_over_the_prior_the_interval_holds_the_true_share() -> None:
    """A Bayesian interval's promise: shares drawn from the prior, participants from them; 4,000 studies of 12."""
    rng = np.random.default_rng(1)
    share = rng.random(4000)
    passed = rng.binomial(12, 0.05 + 0.95 * share)
    found = [prevalence(*passing(k, 0, 12)).either for k in range(13)]
    held = [found[k].low <= one <= found[k].high for k, one in zip(passed, share, strict=True)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.014)


@pytest.mark.parametrize(
    ("above", "below", "options", "code"),
    [
        ([0.1], [0.1, 0.2], {}, "unequal-lengths"),
        ([1.1], [0.1], {}, "out-of-range"),
        ([0.1], [0.9], {"alpha": 0.0}, "out-of-range"),
        ([0.1], [0.9], {"level": 1.0}, "out-of-range"),
    ],
)
def test_what_is_no_p_is_refused(above: list[float], below: list[float], options: Any, code: str, refuses: Any) -> None:
    with refuses(code):
        prevalence(above, below, **options)
