"""The binormal fit against ROCFIT's published output, other optimisers and libraries, and simulation."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import norm
from statsmodels.miscmodels.ordinal_model import OrderedModel

from analysis.likelihood import Estimate
from analysis.roc import binormal
from analysis.roc.binormal import Binormal
from analysis.roc.ratings import RatingCounts
from analysis.sdt import yesno

CHAKRABORTY = ([30, 19, 8, 2, 1], [5, 6, 5, 12, 22])
CUTS = np.array([-1.2, -0.7, -0.3, 0, 0.3, 0.7, 1.2])  # eight ratings, as four confidence levels give
NAMES = ("a", "b", "mu", "sigma", "d_a", "a_z")
COUNT = st.integers(0, 30)
TABLES = st.integers(2, 7).flatmap(
    lambda k: st.tuples(st.lists(COUNT, min_size=k, max_size=k), st.lists(COUNT, min_size=k, max_size=k))
)


def test_chakrabortys_ratings_as_rocfit_has_them() -> None:
    """Chakraborty, Observer Performance Methods (2017), ch. 6, and the output of Eng's ROCFIT that he lists.

    Estimates, log-likelihood, variances (expected information) and area to the digits printed there. RJafroc
    (observed information) gives a 1.320453, b .607493, thresholds .007681, .896273, 1.515648, 2.396722, AUC .870452
    with SD .03790.
    """
    result = binormal.binormal_fit_from_counts(_counts(*CHAKRABORTY))
    assert (result.a.value, result.b.value) == pytest.approx((1.320453, 0.607493), abs=2e-6)
    np.testing.assert_allclose(result.thresholds, [0.007681, 0.896273, 1.515648, 2.396722], atol=3e-6)
    assert result.log_likelihood == pytest.approx(-141.4354, abs=5e-5)
    assert (result.a.se**2, result.b.se**2) == pytest.approx((0.0656, 0.0254), abs=5e-5)
    np.testing.assert_allclose(result.threshold_se**2, [0.0260, 0.0317, 0.0539, 0.1664], atol=5e-5)
    assert result.a_z.value == pytest.approx(0.870452, abs=1e-6)
    assert result.a_z.se == pytest.approx(0.0378, abs=5e-5)
    assert (result.goodness.df, result.generated, result.real) == (2, 50, 60)
    assert result.reason is None


def test_parameters_follow_from_a_and_b() -> None:
    """Dorfman & Alf (1969), Simpson & Fitter (1973): the conventions of the module, in plain arithmetic."""
    result = binormal.binormal_fit_from_counts(_counts(*CHAKRABORTY))
    a, b = result.a.value, result.b.value
    assert result.mu.value == pytest.approx(a / b)
    assert result.sigma.value == pytest.approx(1 / b)
    assert result.d_a.value == pytest.approx(result.mu.value * math.sqrt(2 / (1 + result.sigma.value**2)))
    assert result.a_z.value == pytest.approx(norm.cdf(a / math.sqrt(1 + b**2)))


@pytest.mark.parametrize("variance", ["unequal", "equal"])
@pytest.mark.parametrize(
    "table",
    [
        CHAKRABORTY,
        ([9, 14, 12, 8, 5, 2], [8, 6, 4, 9, 11, 12]),
        ([20, 0, 7, 3], [4, 5, 0, 16]),
        ([3, 9, 14], [9, 8, 7]),
    ],
)
def test_another_optimiser_in_other_parameters_finds_the_same(
    table: tuple[list[int], list[int]], variance: binormal.Variance
) -> None:
    """scipy's BFGS without gradient, in (first threshold, ln steps, μ, ln σ); information by differences, too."""
    result = binormal.binormal_fit_from_counts(_counts(*table), variance)
    other, mu, sigma, height = _brute_force(*table, variance)
    assert result.log_likelihood == pytest.approx(height, abs=1e-6)
    assert (result.mu.value, result.sigma.value) == pytest.approx((mu, sigma), abs=2e-3)
    covariance = _covariance(other, table, variance)
    index = len(table[0]) - 1
    assert result.mu.se == pytest.approx(math.sqrt(covariance[index, index]), rel=5e-3)
    if variance == "unequal":
        assert result.sigma.se == pytest.approx(sigma * math.sqrt(covariance[-1, -1]), rel=5e-3)


@pytest.mark.parametrize(
    "table",
    [
        ([3, 1, 1, 7, 31], [2, 26, 1, 0, 1]),  # scoring alone circles round the maximum
        ([1, 10, 16, 1, 0, 1], [11, 1, 1, 4, 4, 5]),
        ([16, 1, 0, 10, 5], [3, 48, 4, 0, 0]),  # on the way the likelihood is not concave
        ([6, 7, 1, 2, 0, 0], [7, 1, 0, 28, 6, 9]),
    ],
)
def test_tables_far_from_binormal_are_fitted_too(table: tuple[list[int], list[int]]) -> None:
    result = binormal.binormal_fit_from_counts(_counts(*table))
    assert result.reason is None
    assert result.log_likelihood == pytest.approx(_brute_force(*table, "unequal")[-1], abs=1e-5)


def test_equal_variances_are_ordinal_probit_regression() -> None:
    """statsmodels' OrderedModel (observed information): μ to 1e-4, its standard error to 3%."""
    real, generated = CHAKRABORTY
    rating = np.concatenate([np.repeat(np.arange(5), real), np.repeat(np.arange(5), generated)])
    signal = np.repeat([0.0, 1.0], [sum(real), sum(generated)])
    other = OrderedModel(rating, signal[:, None], distr="probit").fit(method="bfgs", disp=False, gtol=1e-6)
    result = binormal.binormal_fit_from_counts(_counts(real, generated), "equal")
    assert result.mu.value == pytest.approx(other.params[0], abs=1e-4)
    assert result.mu.se == pytest.approx(other.bse[0], rel=0.03)
    assert result.log_likelihood == pytest.approx(other.llf, abs=1e-6)
    assert result.b == Estimate(1, 0, 1, 1)


def test_two_ratings_are_yes_and_no() -> None:
    """One operating point: μ is the d′ of Macmillan & Creelman's faces, with Gourevitch & Galanter's SE."""
    result = binormal.binormal_fit_from_counts(_counts([15, 10], [5, 20]), "equal")
    rates = yesno.dprime(20, 5, 10, 15, correction="none")
    assert result.mu.value == pytest.approx(1.095, abs=5e-4)
    assert (result.mu.value, result.mu.se) == pytest.approx((rates.dprime, rates.se), abs=1e-7)
    assert result.goodness.df == 0


def test_three_ratings_leave_nothing_to_test() -> None:
    """Two operating points determine the line through them exactly."""
    result = binormal.binormal_fit_from_counts(_counts([20, 8, 4], [5, 9, 21]))
    z_real, z_generated = norm.ppf([12 / 32, 4 / 32]), norm.ppf([30 / 35, 21 / 35])
    slope = np.diff(z_generated)[0] / np.diff(z_real)[0]
    assert (result.a.value, result.b.value) == pytest.approx((z_generated[0] - slope * z_real[0], slope), abs=1e-6)
    assert result.goodness.df == 0
    assert math.isnan(result.goodness.pearson_p)
    assert "nothing is left to test" in str(result.goodness.reason)


@pytest.mark.slow
@pytest.mark.parametrize(("mu", "sigma"), [(0.0, 1.0), (1.0, 1.4)])
def test_parameters_are_recovered_and_their_intervals_cover(mu: float, sigma: float) -> None:
    """600 observers of 100 + 100 images; the standard error of a coverage is .009."""
    truth = _parameters(mu, sigma)
    found = [one for one in _simulated(mu, sigma) if one.reason is None]
    assert len(found) == 600
    for name in NAMES:
        estimates = [getattr(one, name) for one in found]
        assert np.mean([one.low <= truth[name] <= one.high for one in estimates]) == pytest.approx(0.95, abs=0.028)
        assert np.median([one.value for one in estimates]) == pytest.approx(truth[name], abs=0.035)
        assert np.median([one.se for one in estimates]) == pytest.approx(
            np.std([one.value for one in estimates]), rel=0.15
        )


@pytest.mark.slow
def test_goodness_of_fit_keeps_its_level_and_finds_what_is_not_binormal() -> None:
    """Pearson's X² rejects 5% (SE .009) of binormal observers; it finds a mixture."""
    results = _simulated(1.0, 1.4)
    assert np.mean([one.goodness.pearson_p < 0.05 for one in results]) == pytest.approx(0.05, abs=0.027)
    edges = np.concatenate([[-np.inf], CUTS, [np.inf]])
    seen = 0.5 * np.diff(norm.cdf(edges)) + 0.5 * np.diff(norm.cdf(edges, 0.5, 0.1))
    mixture = binormal.binormal_fit_from_counts(_counts(np.rint(500 * np.diff(norm.cdf(edges))), np.rint(500 * seen)))
    assert mixture.goodness.pearson_p < 1e-3
    assert mixture.goodness.deviance_p < 1e-3


@pytest.mark.slow
def test_test_of_equal_variance_keeps_its_level_and_has_power() -> None:
    """600 observers of 100 + 100 images: 5% (SE .009) at σ = 1; at σ = 1.4 about two in three."""
    level, power = (
        np.mean([binormal.equal_variance_test(_counts(*table)).p < 0.05 for table in _tables(1.0, sigma, 600)])
        for sigma in (1.0, 1.4)
    )
    assert level == pytest.approx(0.05, abs=0.027)
    assert power == pytest.approx(0.66, abs=0.06)


def test_test_of_equal_variance_is_twice_the_difference_of_the_fits() -> None:
    test = binormal.equal_variance_test(_counts(*CHAKRABORTY))
    heights = [_brute_force(*CHAKRABORTY, variance)[-1] for variance in ("unequal", "equal")]
    assert test.statistic == pytest.approx(2 * (heights[0] - heights[1]), abs=1e-5)
    assert test.p == pytest.approx(2 * norm.sf(math.sqrt(test.statistic)))
    assert "only two ratings" in str(binormal.equal_variance_test(_counts([3, 4], [5, 6])).reason)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(TABLES)
def test_reversing_ratings_and_swapping_classes(table: tuple[list[int], list[int]]) -> None:
    """Then real images take the part of generated ones: μ′ = a and σ′ = b, and d_a stays; alone, each flips it."""
    real, generated = table
    one = binormal.binormal_fit_from_counts(_counts(real, generated))
    both = binormal.binormal_fit_from_counts(_counts(generated[::-1], real[::-1]))
    reversed_ = binormal.binormal_fit_from_counts(_counts(real[::-1], generated[::-1]))
    assert (one.reason is None) == (both.reason is None) == (reversed_.reason is None)
    assume(one.reason is None and 0.05 < one.b.value < 20)
    for name, other in (("a", "mu"), ("b", "sigma"), ("mu", "a"), ("d_a", "d_a"), ("a_z", "a_z")):
        first, second = getattr(one, name), getattr(both, other)
        assert (first.value, first.se) == pytest.approx((second.value, second.se), rel=1e-4, abs=1e-5)
    mu, sigma = one.mu.value, one.sigma.value
    np.testing.assert_allclose(both.thresholds, -(one.thresholds[::-1] - mu) / sigma, rtol=1e-3, atol=1e-3)
    assert reversed_.mu.value == pytest.approx(-mu, rel=1e-4, abs=1e-5)
    assert reversed_.sigma.value == pytest.approx(sigma, rel=1e-4)
    assert reversed_.a_z.value == pytest.approx(1 - one.a_z.value, abs=1e-5)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(TABLES, st.sampled_from(["unequal", "equal"]))
def test_every_table_has_a_maximum_or_a_reason(table: tuple[list[int], list[int]], variance: binormal.Variance) -> None:
    """A fit is never better than the counts' own shares, never worse than no difference, and all finite."""
    result = binormal.binormal_fit_from_counts(_counts(*table), variance)
    values = [getattr(result, name).value for name in NAMES]
    assert np.isnan(values).all() == (result.reason is not None)
    if result.reason is None:
        assert np.isfinite(values).all()
        assert "converge" not in str(result.reason)
        real, generated = (np.array(part, dtype=float) for part in table)
        pooled = (real + generated) / (real + generated).sum()
        lowest = sum(_height(part, pooled) for part in (real, generated))
        highest = sum(_height(part, part / part.sum()) for part in (real, generated))
        assert lowest - 1e-9 <= result.log_likelihood <= highest + 1e-9
    else:
        assert "converge" not in result.reason


@pytest.mark.parametrize(
    ("real", "generated", "words"),
    [
        ([9, 4, 0], [0, 0, 0], "no generated image"),
        ([0, 0], [0, 0], "no generated and no real image"),
        ([0, 9, 0], [0, 7, 0], "all ratings tie"),
        ([9, 4, 0, 0], [0, 0, 3, 8], "FPF 0 or TPF 1, so d_a tends to infinity"),
        ([9, 4, 0], [0, 3, 8], "FPF 0 or TPF 1, so d_a tends to infinity"),  # an AUC below 1: 4 and 3 share a rating
        ([0, 4, 9], [8, 3, 0], "FPF 1 or TPF 0, so d_a tends to minus infinity"),
        ([9, 4], [3, 8], "only two ratings"),
        ([1] * 101, [1] * 101, "101 different ratings"),
        ([5, 5, 5, 0], [3, 0, 0, 9], "b tends to 0"),
        ([5, 0, 0, 7], [3, 4, 6, 2], "b tends to infinity"),
    ],
)
def test_degenerate_ratings_have_a_reason_and_no_number(real: list[int], generated: list[int], words: str) -> None:
    result = binormal.binormal_fit_from_counts(_counts(real, generated))
    assert words in str(result.reason)
    assert all(math.isnan(getattr(result, name).value) for name in NAMES)
    assert math.isnan(result.log_likelihood)
    assert result.thresholds.size == 0
    assert result.goodness.reason == result.reason


def test_degenerate_ratings_are_fitted_ever_better_as_b_shrinks() -> None:
    """That there is no maximum, shown: as b → 0 the likelihood climbs towards that of the counts' own shares."""
    real, generated = np.array([5.0, 5, 5, 0]), np.array([3.0, 0, 0, 9])
    highest = sum(_height(part, part / part.sum()) for part in (real, generated))
    a, short = norm.ppf(9 / 12), []
    for b in (0.1, 0.01, 0.001, 1e-5):
        edges = np.concatenate([[-np.inf], norm.ppf([1 / 3, 2 / 3]), [9.0, np.inf]])  # no real image is above 9
        shares = np.diff(norm.cdf(edges)), np.diff(norm.cdf(b * edges - a))
        short.append(highest - sum(_height(part, share) for part, share in zip((real, generated), shares, strict=True)))
    assert short == sorted(short, reverse=True)
    assert 0 <= short[-1] < 1e-3


def test_equal_variances_need_less() -> None:
    """What has no fit with unequal variances can have one with equal ones."""
    assert binormal.binormal_fit_from_counts(_counts([5, 5, 5, 0], [3, 0, 0, 9]), "equal").reason is None


def test_unused_ratings_are_dropped_and_counted() -> None:
    real, generated = CHAKRABORTY
    gaps = binormal.binormal_fit_from_counts(
        _counts([0, *real[:2], 0, 0, *real[2:]], [0, *generated[:2], 0, 0, *generated[2:]])
    )
    plain = binormal.binormal_fit_from_counts(_counts(*CHAKRABORTY))
    assert (gaps.dropped, plain.dropped) == (3, 0)
    np.testing.assert_array_equal(gaps.ratings, [2, 3, 6, 7, 8])
    assert gaps.to_dict() == {**plain.to_dict(), "dropped": 3, "ratings": [2, 3, 6, 7, 8]}


def test_an_improper_curve_is_remarked_on_where_it_matters() -> None:
    """By construction: a = .1, b = .5 cross at Φ(.1 / .5), inside the data; Chakraborty's cross at .9996, outside."""
    edges = np.concatenate([[-np.inf], CUTS, [np.inf]])
    shares = [np.diff(norm.cdf(edges)), np.diff(norm.cdf(0.5 * edges - 0.1))]
    result = binormal.binormal_fit_from_counts(_counts(*(np.rint(10_000 * part) for part in shares)))
    assert result.crossing == pytest.approx(norm.cdf(0.1 / 0.5), abs=1e-3)
    assert "at a false-alarm rate of 0.58" in str(result.remark)
    assert binormal.binormal_fit_from_counts(_counts(*CHAKRABORTY)).remark is None
    # Criteria with false-alarm rates from .07 to .42, and curves that cross at .3 (inside) and .7 (outside).
    strict = np.array([-np.inf, 0.2, 0.6, 1.0, 1.5, np.inf])
    for place, inside in ((0.3, True), (0.7, False)):
        shares = [np.diff(norm.cdf(strict)), np.diff(norm.cdf(0.5 * strict - 0.5 * norm.ppf(place)))]
        one = binormal.binormal_fit_from_counts(_counts(*(np.rint(100_000 * part) for part in shares)))
        assert one.crossing == pytest.approx(place, abs=2e-3)
        assert (one.remark is not None) == inside
    assert math.isnan(binormal.binormal_fit_from_counts(_counts(*CHAKRABORTY), "equal").crossing)
    chance = binormal.binormal_fit_from_counts(_counts([10, 10, 10, 12], [13, 9, 7, 14]))
    assert "at chance" in str(chance.remark)


def test_ratings_of_trials_and_their_size_is_irrelevant() -> None:
    """Order counts, not size; the order of rows does not; a missing rating is counted."""
    rng = np.random.default_rng(3)
    truth = np.repeat(["generated", "real"], 60)
    rating = np.round(rng.normal(size=120) + (truth == "generated"))
    one = binormal.binormal_fit(truth, rating)
    mixed = rng.permutation(120)
    other = binormal.binormal_fit(
        np.append(truth[mixed], "real"), np.append(np.exp(rating[mixed]) - 7, np.nan), level=0.9
    )
    assert (other.unrated, other.generated, other.real) == (1, 60, 60)
    assert (other.a.value, other.a.se) == (one.a.value, one.a.se)
    assert (other.a.high - other.a.low) / (one.a.high - one.a.low) == pytest.approx(norm.ppf(0.95) / norm.ppf(0.975))
    assert set(one.to_frame().columns) >= {"a_value", "a_z_low", "goodness_pearson_p", "remark", "reason"}


def test_wrong_input_is_refused(refuses: Any) -> None:
    with refuses("unknown-word"):
        binormal.binormal_fit(["fake", "real"], [1, 2])
    with refuses("out-of-range"):
        binormal.binormal_fit_from_counts(_counts([-1, 3], [2, 3]))
    with refuses("unequal-lengths"):
        binormal.binormal_fit_from_counts(_counts([1, 3, 4], [2, 3]))
    with refuses("not-increasing"):
        binormal.binormal_fit_from_counts(RatingCounts(np.array([2.0, 1.0]), np.array([1, 2]), np.array([3, 4])))


def _counts(real: npt.ArrayLike, generated: npt.ArrayLike) -> RatingCounts:
    real, generated = (np.asarray(part, dtype=np.int64) for part in (real, generated))
    return RatingCounts(np.arange(1.0, real.size + 1), real, generated)


def _parameters(mu: float, sigma: float) -> dict[str, float]:
    d_a = mu * math.sqrt(2 / (1 + sigma**2))
    values = (mu / sigma, 1 / sigma, mu, sigma, d_a, norm.cdf(d_a / math.sqrt(2)))
    return dict(zip(NAMES, values, strict=True))


def _tables(mu: float, sigma: float, observers: int) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    edges = np.concatenate([[-np.inf], CUTS + mu / 2, [np.inf]])
    rng = np.random.default_rng(7)
    real = rng.multinomial(100, np.diff(norm.cdf(edges)), observers)
    generated = rng.multinomial(100, np.diff(norm.cdf(edges, mu, sigma)), observers)
    return list(zip(real, generated, strict=True))


@cache
def _simulated(mu: float, sigma: float) -> list[Binormal]:
    return [binormal.binormal_fit_from_counts(_counts(*table)) for table in _tables(mu, sigma, 600)]


def _height(counts: npt.NDArray[np.float64], shares: npt.NDArray[np.float64]) -> float:
    return float(np.sum(counts[counts > 0] * np.log(shares[counts > 0])))


def _shares(
    parameters: npt.NDArray[np.float64], cuts: int, variance: str
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    edges = np.concatenate([[-np.inf], np.cumsum([parameters[0], *np.exp(parameters[1:cuts])]), [np.inf]])
    sigma = math.exp(parameters[cuts + 1]) if variance == "unequal" else 1.0
    return np.diff(norm.cdf(edges)), np.diff(norm.cdf((edges - parameters[cuts]) / sigma))


def _brute_force(
    real: list[int], generated: list[int], variance: str
) -> tuple[npt.NDArray[np.float64], float, float, float]:
    """Parameters (first threshold, ln steps, μ, ln σ), μ, σ and the log-likelihood."""
    cuts = len(real) - 1

    def loss(parameters: npt.NDArray[np.float64]) -> float:
        counts, shares = (np.array(real), np.array(generated)), _shares(parameters, cuts, variance)
        return -sum(float(n @ np.log(np.maximum(p, 1e-300))) for n, p in zip(counts, shares, strict=True))

    start = np.concatenate([[-0.5], np.full(cuts - 1, -1.0), [0.0], [0.0] if variance == "unequal" else []])
    found = minimize(loss, start, method="BFGS", options={"gtol": 1e-6})
    sigma = math.exp(found.x[-1]) if variance == "unequal" else 1.0
    return found.x, float(found.x[cuts]), sigma, -float(found.fun)


def _covariance(
    parameters: npt.NDArray[np.float64], table: tuple[list[int], list[int]], variance: str
) -> npt.NDArray[np.float64]:
    """Inverse of the expected information in these parameters, cells differentiated numerically."""
    cuts, step = len(table[0]) - 1, 1e-5
    slopes = [
        (
            np.concatenate(_shares(parameters + one, cuts, variance))
            - np.concatenate(_shares(parameters - one, cuts, variance))
        )
        / (2 * step)
        for one in step * np.eye(parameters.size)
    ]
    trials = np.repeat([sum(part) for part in table], cuts + 1)
    slope = np.array(slopes)
    return np.linalg.inv((slope * trials / np.concatenate(_shares(parameters, cuts, variance))) @ slope.T)
