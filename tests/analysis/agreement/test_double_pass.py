"""Internal noise and change between two passes: exact tables, brute force, simulated observers."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm

from analysis.agreement import double_pass
from data.simulated.observers import Observer

R, G = "real", "generated"
TRUTHS = np.array([R] * 50 + [G] * 50)
IMAGES = st.lists(st.tuples(*[st.sampled_from([R, G])] * 3), min_size=1, max_size=40)


def test_unbiased_answers_that_agree_twice_in_three_repeat_half_the_variance() -> None:
    """At a median cut P(both) = 1/4 + asin(ρ) / 2π (Sheppard 1899), so agreement 2/3 means ρ = 1/2 and ratio 1."""
    result = _noise([[20_000, 10_000], [10_000, 20_000]], [[40_000, 20_000], [20_000, 40_000]])
    assert result.repeated == pytest.approx(0.5, abs=1e-4)
    assert result.ratio == pytest.approx(1, abs=1e-3)
    assert result.repeated_low < 0.5 < result.repeated_high
    assert (result.ratio_low, result.ratio_high) == pytest.approx(
        [math.sqrt(1 / one - 1) for one in (result.repeated_high, result.repeated_low)]
    )


@pytest.mark.parametrize("repeated", [0.08, 0.36, 0.64, 0.95])
def test_recovers_the_correlation_behind_scipys_cell_probabilities(repeated: float) -> None:
    """Cells of both truths from `scipy.stats.multivariate_normal`, at other cuts in each pass; to .0005."""
    tables = [_expected_table(cuts, repeated, 1e5) for cuts in ((-1.0, -0.6), (0.4, 0.0))]
    assert _noise(*tables).repeated == pytest.approx(repeated, abs=5e-4)


def test_likelihood_is_scipys() -> None:
    """The interval's ends against the log-likelihood written out with `scipy.stats.multivariate_normal`; to .003."""
    tables = np.array([[[21.0, 9], [8, 12]], [[9, 7], [10, 24]]])
    result = _noise(*tables)
    padded = tables + 0.25

    def likelihood(correlation: float) -> float:
        total = 0.0
        for table in padded:
            share = table / table.sum()
            cuts = (norm.ppf(share[1].sum()), norm.ppf(share[:, 1].sum()))
            total += float(np.sum(table * np.log(_expected_table(cuts, correlation, 1))))
        return total

    top = likelihood(result.repeated)
    assert top >= max(likelihood(result.repeated + step) for step in (-0.01, 0.01))
    for end in (result.repeated_low, result.repeated_high):
        assert 2 * (top - likelihood(end)) == pytest.approx(3.841, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("repeated", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("dprime", [0.0, 2.0])
def test_simulated_double_passes_are_recovered_without_bias_and_covered(dprime: float, repeated: float) -> None:
    """250 observers, 50 + 50 images, cuts that move between the passes; mean within .035, coverage .955 ± .04.

    The standard error of the mean is below .01 and that of the coverage .014.
    """
    rng = np.random.default_rng(int(10 * repeated + dprime))
    results = [double_pass.internal_noise(TRUTHS, *_two_passes(rng, dprime, repeated)) for _ in range(250)]
    assert np.mean([one.repeated for one in results]) == pytest.approx(repeated, abs=0.035)
    covered = np.mean([one.repeated_low <= repeated <= one.repeated_high for one in results])
    assert covered == pytest.approx(0.955, abs=0.04)


def test_the_simulated_observers_of_the_house_have_the_noise_they_state() -> None:
    """Image and own parts of .5 and .6 leave an internal SD of √.39, ratio √(.39 / .61) = .80 (`data.simulated`)."""
    truth = np.array([R, G] * 150)
    repeated = []
    for seed in range(12):
        observer = Observer(dprime=1.0, criterion=0.2, image_sd=0.5, own_sd=0.6, seed=seed, image_seed=seed)
        passes = [
            [observer.judge(f"s{n}", kind, session).response for n, kind in enumerate(truth)] for session in (1, 2)
        ]
        repeated.append(double_pass.internal_noise(truth, *passes).repeated)
    assert np.mean(repeated) == pytest.approx(0.61, abs=0.06)


def test_edges_are_named() -> None:
    same = _noise([[20, 0], [0, 20]], [[10, 0], [0, 30]])
    assert (same.repeated, same.ratio, same.ratio_low) == (1, 0, 0)
    assert 0 < same.ratio_high < 0.2
    assert "agree on every image" in str(same.reason)
    opposite = _noise([[5, 20], [20, 5]], [[5, 20], [20, 5]])
    assert (opposite.repeated, opposite.ratio, opposite.ratio_high) == (0, math.inf, math.inf)
    assert "no more than their rates" in str(opposite.reason)


@pytest.mark.parametrize(
    ("tables", "reason"),
    [
        (([[0, 0], [0, 0]], [[0, 0], [0, 0]]), "no image"),
        (([[9, 0], [0, 0]], [[4, 6], [0, 0]]), "one answer only"),
        (([[0, 0], [0, 0]], [[0, 0], [0, 8]]), "one answer only"),
    ],
)
def test_nothing_to_tell_is_undefined(tables: tuple[list[list[int]], ...], reason: str) -> None:
    result = _noise(*tables)
    assert all(math.isnan(one) for one in (result.repeated, result.ratio, result.ratio_low, result.repeated_high))
    assert reason in str(result.reason)


def test_one_truth_alone_still_tells() -> None:
    result = _noise([[0, 0], [0, 0]], [[20, 10], [10, 20]])
    assert (result.real, result.generated, result.reason) == (0, 60, None)
    assert 0.4 < result.repeated < 0.5


def test_missing_answers_are_left_out_and_wrong_ones_refused(refuses: Any) -> None:
    result = double_pass.dprime_change([R, G, G], [R, None, G], [G, G, np.nan])
    assert (result.real, result.generated) == (1, 0)
    with refuses("unequal-lengths") as caught:
        double_pass.internal_noise([R, G], [R], [R, G])
    assert "2 truths, 1 first and 2 second" in str(caught.value)
    with refuses("unknown-word"):
        double_pass.dprime_change([R], ["fake"], [R])


def test_change_worked_by_hand() -> None:
    """Log-linear rates of 49 images: .3 and .6 of the real ones, .5 and .8 of the generated ones."""
    truth, first, second = _rows([[19, 15], [0, 15]], [[9, 15.0], [0, 25]])
    result = double_pass.dprime_change(truth, first, second)
    z = {share: float(norm.ppf(share)) for share in (15.5 / 50, 30.5 / 50, 25.5 / 50, 40.5 / 50)}
    f1, f2, h1, h2 = z.values()
    assert (result.dprime_first, result.dprime_second) == pytest.approx((h1 - f1, h2 - f2))
    assert (result.criterion_first, result.criterion_second) == pytest.approx((-(h1 + f1) / 2, -(h2 + f2) / 2))
    assert result.dprime_change == pytest.approx(h2 - f2 - h1 + f1)
    assert result.criterion_change == pytest.approx((h1 + f1 - h2 - f2) / 2)
    assert result.dprime_high - result.dprime_change == pytest.approx(1.959964 * result.se)
    assert result.criterion_high - result.criterion_change == pytest.approx(1.959964 * result.se / 2)


def test_the_standard_error_is_the_multinomial_delta_methods() -> None:
    """Against J Σ J' with the multinomial covariance of the four cells and numerical derivatives; to 1e-6."""
    tables = np.array([[[21.0, 9], [8, 12]], [[9, 7], [10, 24]]])
    variance = 0.0
    for table in tables + 0.25:
        share = (table / table.sum()).ravel()

        def moved(cells: npt.NDArray[np.float64]) -> float:
            return float(norm.ppf(cells[1] + cells[3]) - norm.ppf(cells[2] + cells[3]))

        slope = np.array([(moved(share + step) - moved(share - step)) / 2e-6 for step in np.eye(4) * 1e-6])
        variance += slope @ (np.diag(share) - np.outer(share, share)) @ slope / table.sum()
    assert double_pass.dprime_change(*_rows(*tables)).se == pytest.approx(math.sqrt(variance), abs=1e-6)


def test_pairing_makes_the_change_surer() -> None:
    """The same rates with and without agreement: SE falls as the answers go together."""
    apart = double_pass.dprime_change(*_rows([[12, 12], [12, 12]], [[12, 12], [12, 12]]))
    together = double_pass.dprime_change(*_rows([[20, 4], [4, 20]], [[20, 4], [4, 20]]))
    assert together.dprime_first == apart.dprime_first
    assert together.se < 0.7 * apart.se


@pytest.mark.parametrize("repeated", [0.0, 0.7])
def test_change_is_covered(repeated: float) -> None:
    """600 observers whose d′ rises from 1 to 1.4 and c by .2; the standard error of the coverage is .009."""
    rng = np.random.default_rng(int(10 * repeated))
    passes = (_two_passes(rng, 1.0, repeated, dprime_change=0.4, criterion_change=0.2) for _ in range(600))
    results = [double_pass.dprime_change(TRUTHS, *both) for both in passes]
    dprime = np.mean([one.dprime_low <= 0.4 <= one.dprime_high for one in results])
    criterion = np.mean([one.criterion_low <= 0.2 <= one.criterion_high for one in results])
    assert (dprime, criterion) == pytest.approx((0.955, 0.955), abs=0.027)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(IMAGES, st.randoms(use_true_random=False))
def test_blind_to_order_and_symmetric(images: list[tuple[str, str, str]], random: Random) -> None:
    """Order of rows is irrelevant; swapping passes reverses the change; swapping words keeps all but c's sign."""
    shuffled = images.copy()
    random.shuffle(shuffled)
    swap = {R: G, G: R}
    base, mixed, turned, renamed = (
        tuple(zip(*rows, strict=True))
        for rows in (
            images,
            shuffled,
            [(t, b, a) for t, a, b in images],
            [(swap[t], swap[a], swap[b]) for t, a, b in images],
        )
    )
    noise = double_pass.internal_noise(*base)
    for other in (mixed, turned, renamed):
        again = double_pass.internal_noise(*other)
        assert (again.repeated, again.repeated_low) == pytest.approx(
            (noise.repeated, noise.repeated_low), nan_ok=True, abs=1e-6
        )
    change, back, flipped = (double_pass.dprime_change(*rows) for rows in (base, turned, renamed))
    assert (back.dprime_change, back.criterion_change, back.se) == pytest.approx(
        (-change.dprime_change, -change.criterion_change, change.se), nan_ok=True, abs=1e-9
    )
    assert (flipped.dprime_change, flipped.criterion_change, flipped.se) == pytest.approx(
        (change.dprime_change, -change.criterion_change, change.se), nan_ok=True, abs=1e-9
    )
    assert double_pass.dprime_change(*mixed) == change or math.isnan(change.se)


def _rows(real: npt.ArrayLike, generated: npt.ArrayLike) -> list[npt.NDArray[np.str_]]:
    """Truths, first and second answers with these tables of first × second answer (real, generated)."""
    counts = np.array([real, generated]).astype(int).ravel()
    cells = np.array([(truth, first, second) for truth in (R, G) for first in (R, G) for second in (R, G)])
    return list(np.repeat(cells, counts, axis=0).T)


def _noise(real: npt.ArrayLike, generated: npt.ArrayLike) -> double_pass.InternalNoise:
    return double_pass.internal_noise(*_rows(real, generated))


def _expected_table(cuts: tuple[float, float], correlation: float, n: float) -> npt.NDArray[np.float64]:
    p, q = norm.cdf(cuts)
    both = multivariate_normal([0, 0], [[1, correlation], [correlation, 1]]).cdf(cuts)
    cells = np.array([[1 - p - q + both, q - both], [p - both, both]])
    return cells if n == 1 else np.round(n * cells)


def _two_passes(
    rng: np.random.Generator,
    dprime: float,
    repeated: float,
    dprime_change: float = 0.0,
    criterion_change: float = 0.3,
) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.str_]]:
    """Answers of one observer: shared external noise, fresh internal noise."""
    external = math.sqrt(repeated) * rng.standard_normal(TRUTHS.size)
    side = np.where(TRUTHS == G, 0.5, -0.5)
    first, second = (
        external + math.sqrt(1 - repeated) * rng.standard_normal(TRUTHS.size) + side * d - c
        for d, c in ((dprime, 0.0), (dprime + dprime_change, criterion_change))
    )
    return np.where(first > 0, G, R), np.where(second > 0, G, R)
