"""The crossed random-effects probit against lme4 and glmmTMB, and on simulated studies."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy.stats import t as student

from analysis.group import mixed_probit
from analysis.group.one_sample import mean
from analysis.sdt import yesno

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "probit.json").read_text(encoding="utf-8"))
STUDIES: dict[str, Any] = REFERENCE["studies"]
WORDS = {"r": "real", "g": "generated", "-": None}
ORDER = ("real", "generated")
OTHER = {"real": "generated", "generated": "real"}


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_lme4_gives_the_same(name: str) -> None:
    """glmer's estimates, standard errors and log-likelihood; its own search leaves errors of some 1e-5."""
    _compare(mixed_probit.mixed_probit(_written(STUDIES[name]), information="expected"), STUDIES[name]["lme4"], 1.5e-4)


@pytest.mark.parametrize("name", [name for name, study in STUDIES.items() if "glmmTMB" in study])
def test_glmmtmb_gives_the_same(name: str) -> None:
    """glmmTMB takes the observed information, as is the default here."""
    _compare(mixed_probit.mixed_probit(_written(STUDIES[name])), STUDIES[name]["glmmTMB"], 3e-5)


def test_a_singular_fit_says_so() -> None:
    assert STUDIES["singular"]["lme4"]["singular"]
    result = mixed_probit.mixed_probit(_written(STUDIES["singular"]))
    assert result.singular
    assert result.reason == "singular fit: participants' d′ and criterion correlate perfectly"
    assert not mixed_probit.mixed_probit(_written(STUDIES["crossed"])).singular


@pytest.mark.slow
def test_dprime_is_recovered_and_its_interval_covers_where_that_of_participant_means_does_not() -> None:
    """100 studies of 10 participants x 60 shared images whose effects have an SD of .6; d′ .5.

    The standard error of a coverage of .95 is .02, that of the mean d′ about .02. Means over participants take
    the images as fixed: their interval covers about .8.
    """
    rng = np.random.default_rng(1)
    results, means = [], []
    for _ in range(100):
        trials = _study(rng, participants=10, images=60, dprime=0.5, image_sd=0.6)
        results.append(mixed_probit.mixed_probit(trials))
        each = [
            yesno.dprime_from_responses(one["truth"], one["response"]).dprime
            for _, one in trials.groupby("participant")
        ]
        means.append(mean(each))
    assert all(one.converged for one in results)
    marginal = 0.5 / math.sqrt(1 + 0.6**2)
    assert np.mean([one.dprime.value for one in results]) == pytest.approx(0.5, abs=0.06)
    assert np.mean([one.marginal_dprime.value for one in results]) == pytest.approx(marginal, abs=0.05)
    # The root of the mean square, since a single estimate can be 0.
    assert np.sqrt(np.mean([one.dprime_sd**2 for one in results])) == pytest.approx(0.3, abs=0.06)
    assert np.sqrt(np.mean([one.real_image_sd**2 for one in results])) == pytest.approx(0.6, abs=0.04)
    assert _coverage([one.dprime for one in results], 0.5) == pytest.approx(0.95, abs=0.04)
    assert _coverage([one.marginal_dprime for one in results], marginal) == pytest.approx(0.95, abs=0.04)
    assert _coverage([one.criterion for one in results], 0.1) == pytest.approx(0.95, abs=0.04)
    assert _coverage(means, marginal) < 0.88


@pytest.mark.slow
def test_interval_covers_with_few_participants_who_differ_much() -> None:
    """100 studies of 6 participants with SD .6 of d′: ± 1.96 SE covers .89 (400 studies); standard error .02."""
    rng = np.random.default_rng(2)
    fits = [mixed_probit.mixed_probit(_study(rng, 6, 60, 0.3, image_sd=0.3, dprime_sd=0.6)).dprime for _ in range(100)]
    assert _coverage(fits, 0.3) == pytest.approx(0.95, abs=0.045)
    assert np.mean([abs(one.value - 0.3) <= 1.96 * one.se for one in fits]) < 0.92


def test_interval_is_students_where_participants_are_all_that_varies() -> None:
    """Many trials, images all alike: the mean of 6 d′ has a t interval on 5 degrees of freedom and SE √(6/5)."""
    trials = _study(np.random.default_rng(7), 6, 200, 0.5, image_sd=0, dprime_sd=2.0)
    dprime = mixed_probit.mixed_probit(trials).dprime
    expected = student.ppf(0.975, 5) * math.sqrt(6 / 5)
    assert (dprime.high - dprime.value) / dprime.se == pytest.approx(expected, rel=0.03)


def test_of_equal_observers_it_is_the_pooled_dprime() -> None:
    """6 participants, each with 20 of 30 hits and 10 of 30 false alarms on images of his own: nobody differs.

    The value and SE are then those of `yesno` for 120/60/60/120. That participants do not differ was only seen
    through the noise of trials, so that the interval has about 5 degrees of freedom.
    """
    said = np.where(np.arange(30) < 20, 1, 0)
    rows = [
        (f"p{p}", f"{truth}{p}-{i}", truth, ("real", "generated")[yes if truth == "generated" else 1 - yes])
        for p in range(6)
        for truth in ("real", "generated")
        for i, yes in enumerate(said)
    ]
    result = mixed_probit.mixed_probit(pd.DataFrame(rows, columns=["participant", "stimulus_id", "truth", "response"]))
    pooled = yesno.dprime(120, 60, 60, 120, correction="none")
    assert (result.dprime.value, result.dprime.se) == pytest.approx((pooled.dprime, pooled.se), abs=1e-6)
    assert result.dprime_sd == result.criterion_sd == 0
    assert "participants do not differ in d′, participants do not differ in criterion" in str(result.reason)
    freedom = 1 / (1 / 5 + 2 / 4 / 179)
    margin = student.ppf(0.975, freedom) * pooled.se
    assert result.dprime.high - result.dprime.value == pytest.approx(margin, rel=1e-5)


def test_images_that_do_not_differ_are_said_so() -> None:
    trials = _study(np.random.default_rng(8), 10, 40, 0.5, image_sd=0)
    result = mixed_probit.mixed_probit(trials)
    assert result.singular
    assert result.real_image_sd == 0
    assert "real images do not differ" in str(result.reason)


def test_slope_of_the_marginal_dprime_is_its_derivative() -> None:
    parameters = np.array([-0.7, 1.1, 0.5, 0.2, 0.3, 0.6, 0.9])
    value, slope = mixed_probit._marginal(parameters)
    assert value == pytest.approx(1.1 / math.sqrt(1.81) + 0.7 / math.sqrt(1.36))
    steps = 1e-6 * np.eye(7)
    numeric = [
        (mixed_probit._marginal(parameters + e)[0] - mixed_probit._marginal(parameters - e)[0]) / 2e-6 for e in steps
    ]
    np.testing.assert_allclose(slope, numeric, atol=1e-8)


@pytest.mark.slow
def test_swapping_labels_flips_the_sign() -> None:
    trials = _written(STUDIES["unanswered"])
    plain = mixed_probit.mixed_probit(trials)
    truths = mixed_probit.mixed_probit(trials.assign(truth=trials["truth"].map(OTHER)))
    answers = mixed_probit.mixed_probit(trials.assign(response=trials["response"].map(OTHER)))
    for other, criterion in ((truths, 1), (answers, -1)):
        assert other.dprime.value == pytest.approx(-plain.dprime.value, abs=1e-5)
        assert other.dprime.low == pytest.approx(-plain.dprime.high, abs=1e-4)
        assert other.criterion.value == pytest.approx(criterion * plain.criterion.value, abs=1e-5)
        assert other.dprime_sd == pytest.approx(plain.dprime_sd, abs=1e-4)
        assert other.correlation == pytest.approx(-criterion * plain.correlation, abs=1e-4)
    assert truths.real_image_sd == pytest.approx(plain.generated_image_sd, abs=1e-4)
    assert answers.real_image_sd == pytest.approx(plain.real_image_sd, abs=1e-4)


def test_order_of_rows_is_irrelevant() -> None:
    trials = _written(STUDIES["own_halves"])
    plain, shuffled = (mixed_probit.mixed_probit(one) for one in (trials, trials.sample(frac=1, random_state=1)))
    assert shuffled.dprime.value == pytest.approx(plain.dprime.value, abs=1e-6)
    assert shuffled.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-8)


def test_unanswered_trials_are_left_out_and_counted() -> None:
    trials = _written(STUDIES["unanswered"])
    result = mixed_probit.mixed_probit(trials)
    assert (result.answered, result.unanswered) == (trials["response"].notna().sum(), trials["response"].isna().sum())
    assert result.dprime == mixed_probit.mixed_probit(trials[trials["response"].notna()]).dprime


def test_images_seen_by_one_participant_each_count_as_noise() -> None:
    trials = _study(np.random.default_rng(3), 12, 30, 0.5)
    own = trials.assign(stimulus_id=trials["participant"] + trials["stimulus_id"])
    result = mixed_probit.mixed_probit(own)
    assert math.isnan(result.real_image_sd)
    assert math.isnan(result.generated_image_sd)
    assert result.marginal_dprime.value == result.dprime.value
    assert "no real image was judged by two participants" in str(result.reason)
    shared_among_real = own.assign(
        stimulus_id=own["stimulus_id"].where(own["truth"] == "generated", trials["stimulus_id"])
    )
    half = mixed_probit.mixed_probit(shared_among_real)
    assert half.real_image_sd > 0
    assert math.isnan(half.generated_image_sd)


def test_participants_who_judged_one_kind_each_have_no_dprime_of_their_own() -> None:
    trials = _study(np.random.default_rng(4), 12, 30, 0.5)
    number = trials["participant"].str[1:].astype(int)
    result = mixed_probit.mixed_probit(trials[(number < 6) == (trials["truth"] == "real")])
    assert math.isfinite(result.dprime.se)
    assert math.isnan(result.dprime_sd)
    assert math.isnan(result.correlation)
    assert "no participant judged real and generated images" in str(result.reason)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda trials: trials.iloc[:0], "no real image was answered"),
        (lambda trials: trials.assign(response=None), "no real image was answered"),
        (lambda trials: trials[trials["truth"] == "real"], "no generated image was answered"),
        (lambda trials: trials[trials["participant"] == "p1"], "one participant"),
        (lambda trials: trials.assign(response=trials["truth"]), "every answer to a real image is 'real'"),
        (lambda trials: trials.assign(response="generated"), "every answer to a real image is 'generated'"),
        (
            lambda trials: trials.assign(response=np.where(trials["participant"] < "p4", "real", "generated")),
            "infinite",
        ),
    ],
)
def test_what_cannot_be_estimated_is_nan_with_a_reason(change: Any, reason: str) -> None:
    result = mixed_probit.mixed_probit(change(_study(np.random.default_rng(5), 8, 20, 0.5)))
    assert reason in str(result.reason)
    assert math.isnan(result.dprime.value)
    assert math.isnan(result.dprime.low)
    assert math.isnan(result.log_likelihood)
    assert not result.converged


@pytest.mark.parametrize(
    ("column", "value", "code", "rows"),
    [
        ("response", "fake", "unknown-word", "row 5"),
        ("truth", None, "unknown-word", "row 5"),
        ("participant", None, "missing-value", "row 5"),
        ("stimulus_id", "s0", "repeated-stimulus", "row 2, 5"),
        ("truth", "generated", "contradictory-truth", "row 5, 25, 45"),
    ],
)
def test_wrong_input_is_refused_by_row(column: str, value: object, code: str, rows: str, refuses: Any) -> None:
    trials = _study(np.random.default_rng(6), 3, 20, 0.5)
    trials.loc[3, column] = value
    with refuses(code) as caught:
        mixed_probit.mixed_probit(trials)
    assert rows in str(caught.value)


def test_a_result_becomes_a_row() -> None:
    result = mixed_probit.mixed_probit(_written(STUDIES["crossed"]))
    row = result.to_frame().iloc[0]
    assert row["dprime_value"] == result.dprime.value
    assert json.loads(json.dumps(result.to_dict()))["marginal_dprime"]["low"] == result.marginal_dprime.low


def _compare(result: mixed_probit.Probit, reference: dict[str, float], tolerance: float) -> None:
    assert result.converged
    found = {
        "b0": -result.criterion.value,
        "b1": result.dprime.value,
        "b0_se": result.criterion.se,
        "b1_se": result.dprime.se,
        "bias_sd": result.criterion_sd,
        "dprime_sd": result.dprime_sd,
        "correlation": -result.correlation,
        "real_image_sd": result.real_image_sd,
        "generated_image_sd": result.generated_image_sd,
        "log_likelihood": result.log_likelihood,
    }
    assert found == pytest.approx({name: reference[name] for name in found}, abs=tolerance)


def _coverage(estimates: Any, true: float) -> float:
    return float(np.mean([one.low <= true <= one.high for one in estimates]))


def _written(study: dict[str, Any]) -> pd.DataFrame:
    rows = [
        (f"p{participant}", f"s{image}", WORDS[truth], WORDS[said])
        for participant, answers in enumerate(study["said"])
        for image, (truth, said) in enumerate(zip(study["truth"], answers, strict=True))
    ]
    return pd.DataFrame(rows, columns=["participant", "stimulus_id", "truth", "response"])


def _study(
    rng: np.random.Generator,
    participants: int,
    images: int,
    dprime: float,
    image_sd: float = 0.5,
    dprime_sd: float = 0.3,
) -> pd.DataFrame:
    """All participants judge the same images, the first half real; criterion .1 with an SD of .3."""
    x = np.repeat([-0.5, 0.5], images // 2)
    each: npt.NDArray[np.float64] = rng.standard_normal((participants, 2)) * [0.3, dprime_sd] + [-0.1, dprime]
    eta = each[:, :1] + each[:, 1:] * x + image_sd * rng.standard_normal(images)
    said = rng.standard_normal(eta.shape) < eta
    people, shown = (place.ravel() for place in np.indices(eta.shape))
    return pd.DataFrame(
        {
            "participant": [f"p{p}" for p in people],
            "stimulus_id": [f"s{i}" for i in shown],
            "truth": np.where(x[shown] > 0, "generated", "real"),
            "response": np.where(said.ravel(), "generated", "real"),
        }
    )
