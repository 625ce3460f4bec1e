"""meta-d′ against published toolbox output, another optimiser, exact model tables and simulated observers."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import norm

from analysis.sdt import metacognition, yesno
from analysis.sdt.confidence import ConfidenceCounts
from analysis.sdt.metacognition import Metacognition, Model

# Counts as the toolboxes take them: "real" surest first, then "generated" surest last; real, then generated images.
MANISCALCO_LAU = ([36, 24, 17, 20, 10, 12, 9, 2], [1, 4, 10, 11, 19, 18, 28, 39])
METASDT = ([100, 50, 30, 20, 10, 4], [4, 20, 21, 35, 60, 90])
METADPY = ([52, 32, 35, 37, 26, 12, 4, 2], [2, 5, 15, 22, 33, 38, 40, 45])
# With a bias, wrong answers that are as sure as right ones, and an empty cell.
BIASED = ([31, 22, 9, 4, 3, 0], [12, 14, 13, 9, 8, 7])
CUTS = (0.3, 0.7, 1.2)
MODELS: tuple[Model, ...] = ("fleming", "maniscalco-lau")
TABLES = st.lists(st.integers(0, 25), min_size=16, max_size=16)


def test_readme_of_metasdt() -> None:
    """Craddock's metaSDT (R port of Maniscalco & Lau's fit_meta_d_MLE), README; to the optimiser's 1e-5 there."""
    result = metacognition.meta_dprime_from_counts(_counts(*METASDT), "maniscalco-lau")
    assert result.dprime.value == pytest.approx(1.845043, abs=5e-7)
    assert result.criterion == pytest.approx(0.07002653, abs=5e-9)
    assert result.meta_dprime.value == pytest.approx(1.87284, abs=5e-6)
    assert result.m_diff.value == pytest.approx(0.02779706, abs=5e-6)
    assert result.m_ratio.value == pytest.approx(1.015066, abs=5e-6)
    assert result.meta_criterion == pytest.approx(0.07108153, abs=5e-7)
    np.testing.assert_allclose(result.criteria_real, [-1.0297441, -0.3710477], atol=1e-5)
    np.testing.assert_allclose(result.criteria_generated, [0.5524547, 1.2052824], atol=1e-5)
    assert result.log_likelihood == pytest.approx(-444.1742, abs=5e-5)


@pytest.mark.parametrize(
    ("counts", "padding", "dprime", "meta"),
    [
        (METADPY, True, 1.534994, 1.633760),
        (METADPY, False, 1.544386, 1.653849),
        (MANISCALCO_LAU, True, 1.490050, 1.441779),
        (MANISCALCO_LAU, False, 1.504057, 1.460669),
    ],
)
def test_examples_of_metadpy(counts: tuple[list[int], list[int]], padding: bool, dprime: float, meta: float) -> None:
    """What metadpy 0.1.2's `metad` gives for these counts; the first row also stands in its tests and documentation."""
    result = metacognition.meta_dprime_from_counts(_counts(*counts), "maniscalco-lau", padding=padding)
    assert (result.dprime.value, result.meta_dprime.value) == pytest.approx((dprime, meta), abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("padding", [True, False])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("counts", [MANISCALCO_LAU, BIASED])
def test_another_optimiser_in_other_parameters_finds_the_same(
    counts: tuple[list[int], list[int]], model: Model, padding: bool
) -> None:
    """scipy's BFGS without gradient, on criteria as running sums of exponentials, the likelihood written out."""
    result = metacognition.meta_dprime_from_counts(_counts(*counts), model, padding=padding)
    meta, height = _brute_force(*counts, model, padding)
    assert result.reason is None
    assert result.log_likelihood == pytest.approx(height, abs=1e-6)
    assert result.meta_dprime.value == pytest.approx(meta, abs=2e-3)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("dprime", "criterion", "meta"), [(1.2, 0.4, 0.6), (-0.5, 0.3, 0.4), (0.8, -0.5, 1.5)])
def test_tables_made_by_the_model_give_its_parameters_back(
    dprime: float, criterion: float, meta: float, model: Model
) -> None:
    """A million images of each kind in exactly the model's shares, rounded."""
    place = criterion if model == "fleming" else meta * criterion / dprime
    result = metacognition.meta_dprime_from_counts(_model_counts(dprime, criterion, meta, place, 10**6), model)
    assert (result.dprime.value, result.criterion) == pytest.approx((dprime, criterion), abs=1e-4)
    assert (result.meta_dprime.value, result.meta_criterion) == pytest.approx((meta, place), abs=5e-4)
    np.testing.assert_allclose(result.criteria_generated, place + np.array(CUTS), atol=1e-3)
    np.testing.assert_allclose(result.criteria_real, place - np.array(CUTS[::-1]), atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_standard_errors_are_those_of_the_whole_estimator(model: Model) -> None:
    """The delta method on the counts themselves, every count moved in turn and the fit repeated; to 1%.

    It knows nothing of two steps, and so shows that the error of d′ and c is counted in. Here, without it, the
    standard error of meta-d′ would be 2% too small (Fleming) and 8% (Maniscalco & Lau).
    """
    dprime, criterion, meta, n = 1.0, 1.0, 2.0, 10**6
    place = criterion if model == "fleming" else meta * criterion / dprime
    counts = _model_counts(dprime, criterion, meta, place, n)
    result = metacognition.meta_dprime_from_counts(counts, model, padding=False)
    step, slopes = 500, np.zeros((2, *counts.table.shape))
    for cell in np.ndindex(counts.table.shape):
        moved = []
        for side in (-1, 1):
            table = counts.table.copy()
            table[cell] += side * step
            other = metacognition.meta_dprime_from_counts(ConfidenceCounts(counts.levels, table), model, padding=False)
            moved.append(np.array([other.meta_dprime.value, other.dprime.value]))
        slopes[(slice(None), *cell)] = (moved[1] - moved[0]) / (2 * step)
    covariance = np.zeros((2, 2))
    for truth in range(2):
        flat, shares = slopes[:, truth].reshape(2, -1), counts.table[truth].ravel() / counts.table[truth].sum()
        covariance += counts.table[truth].sum() * (flat * shares) @ flat.T - counts.table[truth].sum() * np.outer(
            flat @ shares, flat @ shares
        )
    assert result.meta_dprime.se == pytest.approx(math.sqrt(covariance[0, 0]), rel=0.01)
    assert result.dprime.se == pytest.approx(math.sqrt(covariance[1, 1]), rel=0.01)
    spread = np.array([1, -1]) @ covariance @ np.array([1, -1])
    assert result.m_diff.se == pytest.approx(math.sqrt(spread), rel=0.01)
    turn = np.array([1, -result.m_ratio.value]) / result.dprime.value
    assert result.m_ratio.se == pytest.approx(math.sqrt(turn @ covariance @ turn), rel=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dprime", "criterion", "model"),
    [(0.0, 0.4, "fleming"), (1.0, 0.3, "fleming"), (1.0, 0.3, "maniscalco-lau"), (-0.5, 0.2, "fleming")],
)
def test_an_ideal_observer_has_meta_dprime_equal_to_dprime(dprime: float, criterion: float, model: Model) -> None:
    """250 observers of 100 + 100 images. Standard errors: mean M-diff .018, coverage .014.

    At chance the M-diff stays centred on 0, and the criterion, which is biased here, does not leak into meta-d′.
    """
    found = _observers(dprime, criterion, model)
    assert all(one.reason is None for one in found)
    assert np.mean([one.m_diff.value for one in found]) == pytest.approx(0, abs=0.055)
    assert np.mean([one.meta_dprime.value for one in found]) == pytest.approx(dprime, abs=0.055)
    assert np.mean([one.meta_dprime.low <= dprime <= one.meta_dprime.high for one in found]) > 0.915
    assert np.mean([one.m_diff.low <= 0 <= one.m_diff.high for one in found]) > 0.915
    for name in ("meta_dprime", "m_diff"):
        estimates = [getattr(one, name) for one in found]
        assert np.median([one.se for one in estimates]) == pytest.approx(
            np.std([one.value for one in estimates]), rel=0.15
        )


def test_m_ratio_of_an_ideal_observer_is_one() -> None:
    """Fieller's interval at d′ = 1, 250 observers of 100 + 100 images, of whom nearly all pass the guard."""
    kept = [one.m_ratio for one in _observers(1.0, 0.3, "fleming") if one.m_ratio_reason is None]
    assert len(kept) > 240
    assert np.mean([one.low <= 1 <= one.high for one in kept]) > 0.915
    assert np.median([one.value for one in kept]) == pytest.approx(1, abs=0.06)


@pytest.mark.slow
def test_noise_in_confidence_lowers_meta_dprime() -> None:
    """Confidence read from the evidence plus noise of 1 SD: d′ stays, meta-d′ drops to about half."""
    rng = np.random.default_rng(5)
    found = [metacognition.meta_dprime_from_counts(_noisy(rng, 1.5, 1.0)) for _ in range(60)]
    assert np.mean([one.dprime.value for one in found]) == pytest.approx(1.5, abs=0.1)
    assert 0.4 < np.mean([one.meta_dprime.value for one in found]) < 1.1
    assert np.mean([one.m_diff.high < 0 for one in found]) > 0.25


def test_at_dprime_zero_only_flemings_model_answers() -> None:
    """Equal hit and false-alarm rates, more confidence in right answers."""
    counts = _counts([20, 10, 5, 5, 5, 5], [4, 5, 26, 2, 5, 8])
    found = metacognition.meta_dprime_from_counts(counts)
    assert found.dprime.value == pytest.approx(0, abs=1e-12)
    assert 0.3 < found.meta_dprime.value < 3
    assert math.isfinite(found.m_diff.high)
    assert math.isnan(found.m_ratio.value)
    assert "interval of d′ includes 0" in str(found.m_ratio_reason)
    assert found.reason is None
    other = metacognition.meta_dprime_from_counts(counts, "maniscalco-lau")
    assert math.isnan(other.meta_dprime.value)
    assert "use the model fleming" in str(other.reason)
    assert other.m_ratio_reason == other.reason


def test_where_a_bias_leaves_maniscalco_and_laus_meta_dprime_unbounded() -> None:
    """c / d′ is −.5, so that ever more meta-d′ leaves the confidence of one response as it is."""
    table = np.array([[[0, 0, 3], [0, 3, 0]], [[0, 6, 0], [0, 0, 0]]])
    counts = ConfidenceCounts(np.arange(1.0, 4), table)
    assert "use the model fleming" in str(metacognition.meta_dprime_from_counts(counts, "maniscalco-lau").reason)
    assert metacognition.meta_dprime_from_counts(counts).reason is None


def test_models_agree_without_a_bias() -> None:
    fleming, other = (metacognition.meta_dprime_from_counts(_counts(*METADPY), model) for model in MODELS)
    assert fleming.criterion == pytest.approx(0, abs=1e-12)
    assert fleming.meta_dprime.value == pytest.approx(other.meta_dprime.value, abs=1e-6)
    assert fleming.meta_dprime.se == pytest.approx(other.meta_dprime.se, abs=1e-6)


def test_guard_and_interval_of_the_m_ratio() -> None:
    """Fieller's bounds are where meta-d′ − r d′ is just significant; without the guard there are none."""
    found = metacognition.meta_dprime_from_counts(_counts(*METASDT))
    variances = found.meta_dprime.se**2, found.dprime.se**2
    both = (variances[0] + variances[1] - found.m_diff.se**2) / 2
    for bound in (found.m_ratio.low, found.m_ratio.high):
        spread = variances[0] - 2 * bound * both + bound**2 * variances[1]
        distance = abs(found.meta_dprime.value - bound * found.dprime.value) / math.sqrt(spread)
        assert distance == pytest.approx(norm.ppf(0.975), abs=1e-9)
    weak = _counts([12, 9, 10, 9], [6, 9, 12, 13])
    loose, strict = (metacognition.meta_dprime_from_counts(weak, level=level) for level in (0.8, 0.95))
    assert loose.dprime.low > 0 > strict.dprime.low
    assert loose.m_ratio_reason is None
    assert loose.m_ratio.low < loose.m_ratio.value < loose.m_ratio.high
    assert math.isnan(strict.m_ratio.low)
    assert strict.m_diff.value == loose.m_diff.value


def test_padding_is_added_once() -> None:
    """d′ is that of the log-linear correction of the yes/no task, which half a trial per response makes."""
    counts = _counts(*BIASED)
    rates = yesno.dprime(*(int(n) for n in counts.table.sum(axis=2)[[1, 1, 0, 0], [1, 0, 1, 0]]))
    found = metacognition.meta_dprime_from_counts(counts)
    assert (found.dprime.value, found.dprime.se, found.dprime.low) == (rates.dprime, rates.se, rates.low)
    assert (found.criterion, found.padding) == (rates.criterion, True)
    bare = metacognition.meta_dprime_from_counts(counts, padding=False)
    plain = yesno.dprime(rates.hits, rates.misses, rates.false_alarms, rates.correct_rejections, correction="none")
    assert bare.dprime.value == plain.dprime
    # On ten times the trials half a trial no longer matters.
    many = ConfidenceCounts(counts.levels, 10_000 * counts.table)
    padded, unpadded = (metacognition.meta_dprime_from_counts(many, padding=padding) for padding in (True, False))
    assert padded.meta_dprime.value == pytest.approx(unpadded.meta_dprime.value, abs=1e-3)


def test_a_confidence_never_used_with_a_response_is_dropped_there() -> None:
    """Three confidences with "real", two with "generated", which may be any two."""
    table = np.array([[[9, 12, 15], [8, 0, 5]], [[7, 5, 4], [10, 0, 16]]])
    one = metacognition.meta_dprime_from_counts(ConfidenceCounts(np.array([1.0, 2, 3]), table))
    table[:, 1] = table[:, 1][:, [1, 0, 2]]
    other = metacognition.meta_dprime_from_counts(ConfidenceCounts(np.array([1.0, 2, 3]), table))
    assert (one.criteria_real.size, one.criteria_generated.size) == (2, 1)
    assert one.meta_dprime == other.meta_dprime


def test_one_response_alone_can_tell() -> None:
    """All "generated" answers with one confidence: meta-d′ comes from the answers "real"."""
    table = np.array([[[9, 12, 25], [0, 8, 0]], [[9, 5, 4], [0, 20, 0]]])
    found = metacognition.meta_dprime_from_counts(ConfidenceCounts(np.array([1.0, 2, 3]), table))
    assert found.criteria_generated.size == 0
    assert 0.2 < found.meta_dprime.value < 3
    assert found.reason is None


@pytest.mark.parametrize(
    ("real", "generated", "padding", "words"),
    [
        ([20, 12], [9, 23], True, "two or more levels of confidence"),
        ([9, 12, 0, 0], [0, 0, 8, 9], True, "right and wrong answers"),
        ([0, 0, 0, 0], [3, 4, 8, 9], True, "no real image"),
        ([5, 9, 4, 0], [0, 0, 8, 9], False, "hit rate is 1"),
        ([9, 3, 2, 0], [0, 4, 5, 7], False, "meta-d′ is unbounded"),
        ([0, 9, 3, 7], [8, 4, 5, 0], False, "wrong direction"),
    ],
)
def test_no_meta_dprime_without_a_reason(real: list[int], generated: list[int], padding: bool, words: str) -> None:
    found = metacognition.meta_dprime_from_counts(_counts(real, generated), padding=padding)
    assert words in str(found.reason)
    values = (found.meta_dprime.value, found.meta_dprime.high, found.m_diff.value, found.m_ratio.value)
    assert all(math.isnan(value) for value in values)
    assert found.criteria_real.size == 0
    assert found.m_ratio_reason == found.reason


def test_complete_separation_is_finite_with_padding_and_says_little() -> None:
    found = metacognition.meta_dprime_from_counts(_counts([9, 3, 2, 0], [0, 4, 5, 7]))
    assert 1 < found.meta_dprime.value < 6
    assert found.meta_dprime.se > 0.5


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(TABLES, st.sampled_from(MODELS), st.booleans())
def test_swapping_labels(cells: list[int], model: Model, padding: bool) -> None:
    """Truth swapped alone turns d′ and meta-d′ round; truth and response swapped turns the criteria round."""
    table = np.array(cells).reshape(2, 2, 4)
    levels = np.arange(1.0, 5)
    one = metacognition.meta_dprime_from_counts(ConfidenceCounts(levels, table), model, padding=padding)
    truths = metacognition.meta_dprime_from_counts(ConfidenceCounts(levels, table[::-1]), model, padding=padding)
    both = metacognition.meta_dprime_from_counts(ConfidenceCounts(levels, table[::-1, ::-1]), model, padding=padding)
    assert math.isnan(one.meta_dprime.value) == (one.reason is not None)
    if model == "fleming":
        assert (one.reason is None) == (truths.reason is None) == (both.reason is None)
        assert "no maximum" not in str(one.reason)
    # Where c / d′ is large Maniscalco & Lau's likelihood can have two maxima of one height, or none.
    tame = model == "fleming" or abs(one.criterion) < abs(one.dprime.value) / 2
    if tame and one.reason is None:
        assert truths.meta_dprime.value == pytest.approx(-one.meta_dprime.value, abs=1e-4)
        assert truths.m_diff.se == pytest.approx(one.m_diff.se, rel=1e-3)
        assert both.meta_dprime.value == pytest.approx(one.meta_dprime.value, abs=1e-4)
        assert both.meta_criterion == pytest.approx(-one.meta_criterion, abs=1e-4)
        np.testing.assert_allclose(both.criteria_real, -one.criteria_generated[::-1], atol=1e-2)


def test_trials_in_any_order_and_confidence_of_any_size() -> None:
    rng = np.random.default_rng(8)
    truth, response = (rng.choice(["real", "generated"], 150) for _ in range(2))
    response[:60] = truth[:60]
    confidence = rng.integers(1, 4, 150).astype(float)
    confidence[:60] = np.maximum(confidence[:60], rng.integers(1, 4, 60))
    one = metacognition.meta_dprime(truth, response, confidence)
    mixed = rng.permutation(150)
    other = metacognition.meta_dprime(
        [*truth[mixed], "real", "real"],
        [*response[mixed], None, "real"],
        [*np.array([1, 5, 6, 9])[confidence[mixed].astype(int)], 3, np.nan],
    )
    assert one.meta_dprime == other.meta_dprime
    assert (one.trials, one.unrated, other.trials, other.unrated) == (150, 0, 150, 2)
    assert set(one.to_frame().columns) >= {"dprime_value", "meta_dprime_low", "m_diff_high", "m_ratio_reason", "reason"}
    assert one.to_dict()["model"] == "fleming"


def test_wrong_input_is_refused(refuses: Any) -> None:
    with refuses("not-a-whole-number") as caught:
        metacognition.meta_dprime(["real"], ["real"], [0])
    assert "must be 1, 2, 3" in str(caught.value)


def _counts(real: list[int], generated: list[int]) -> ConfidenceCounts:
    """Counts in the toolboxes' order (see above)."""
    levels = len(real) // 2
    rows = [[row[:levels][::-1], row[levels:]] for row in (real, generated)]
    return ConfidenceCounts(np.arange(1.0, levels + 1), np.array(rows, dtype=np.int64))


def _shares(meta: float, place: float, cuts: npt.ArrayLike, truth: int, said: int) -> npt.NDArray[np.float64]:
    """Shares of the confidences, low to high, given truth and response (0 real, 1 generated)."""
    away = 1 if said else -1
    edges = np.concatenate([[0.0], np.asarray(cuts), [np.inf]])
    beyond = norm.sf(edges + away * (place - (meta / 2 if truth else -meta / 2)))
    return -np.diff(beyond) / beyond[0]


def _model_counts(dprime: float, criterion: float, meta: float, place: float, n: int) -> ConfidenceCounts:
    table = np.zeros((2, 2, len(CUTS) + 1))
    for truth in range(2):
        yes = norm.sf(criterion - (dprime / 2 if truth else -dprime / 2))
        for said in range(2):
            table[truth, said] = (yes if said else 1 - yes) * _shares(meta, place, CUTS, truth, said)
    return ConfidenceCounts(np.arange(1.0, 5), np.rint(n * table).astype(np.int64))


def _brute_force(real: list[int], generated: list[int], model: Model, padding: bool) -> tuple[float, float]:
    """meta-d′ and the log-likelihood, with the toolboxes' padding of 1 / (2 levels) in every cell."""
    table = _counts(real, generated).table.astype(float)
    levels = table.shape[2]
    table += 1 / (2 * levels) if padding else 0
    hit, false_alarm = (norm.ppf(table[truth, 1].sum() / table[truth].sum()) for truth in (1, 0))
    dprime, criterion = hit - false_alarm, -(hit + false_alarm) / 2

    def loss(parameters: npt.NDArray[np.float64]) -> float:
        meta, steps = parameters[0], np.exp(parameters[1:]).reshape(2, levels - 1)
        place = criterion if model == "fleming" else meta * criterion / dprime
        return -sum(
            float(table[truth, said] @ np.log(_shares(meta, place, np.cumsum(steps[said]), truth, said)))
            for truth in range(2)
            for said in range(2)
        )

    start = np.concatenate([[0.5], np.full(2 * levels - 2, -0.7)])
    found = minimize(loss, start, method="BFGS", options={"gtol": 1e-6})
    return float(found.x[0]), -float(found.fun)


@cache
def _observers(dprime: float, criterion: float, model: Model) -> list[Metacognition]:
    """250 observers whose confidence is the distance of the evidence from the criterion."""
    rng = np.random.default_rng(6)
    shares = _model_counts(dprime, criterion, dprime, criterion, 10**9).table.reshape(2, -1) / 10**9
    tables = [rng.multinomial(100, row / row.sum(), 250) for row in shares]
    return [
        metacognition.meta_dprime_from_counts(
            ConfidenceCounts(np.arange(1.0, 5), np.array(rows).reshape(2, 2, 4)), model
        )
        for rows in zip(*tables, strict=True)
    ]


def _noisy(rng: np.random.Generator, dprime: float, noise: float) -> ConfidenceCounts:
    truth = np.repeat([0, 1], 100)
    evidence = rng.normal(size=200) + dprime * (truth - 0.5)
    said = (evidence > 0).astype(int)
    felt = (evidence + noise * rng.normal(size=200)) * np.where(said, 1, -1)
    table = np.zeros((2, 2, 4), dtype=np.int64)
    np.add.at(table, (truth, said, np.searchsorted(CUTS, felt)), 1)
    return ConfidenceCounts(np.arange(1.0, 5), table)
