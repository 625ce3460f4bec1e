"""The simulated observers against what signal detection theory says of them.

Each expectation is derived here from the normal distribution, not from the code under test; each
tolerance is 4.5 standard errors of the Monte-Carlo estimate (about 1 in 150,000 by chance).
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from data.simulated.observers import Judgement, Observer, usual_cuts

SIGMAS = 4.5
IMAGES = 2000  # of each truth
RECORDED = [("g", 1), ("g", 4), ("r", 3), ("g", 1), ("g", 1), ("g", 4), ("r", 1), ("g", 2)]


def judge(observer: Observer, truth: str, session: int = 1, count: int = IMAGES) -> list[Judgement]:
    return [observer.judge(f"{truth}{n}", truth, session) for n in range(count)]


def said_generated(observer: Observer, truth: str, session: int = 1, count: int = IMAGES) -> np.ndarray:
    return np.array([judgement.response == "generated" for judgement in judge(observer, truth, session, count)])


def near(share: float, expected: float, count: int) -> bool:
    return abs(share - expected) < SIGMAS * math.sqrt(expected * (1 - expected) / count) + 1e-12


def evidence(truth: str, session: int = 1, count: int = IMAGES, **parameters: float) -> np.ndarray:
    """What the observer perceives, to 0.005: with so many cuts, confidence tells the distance from the criterion."""
    observer = Observer(criterion=-6, confidence_cuts=tuple(0.01 * np.arange(1, 1200)), **parameters)
    return np.array([observer.judge(f"s{n}", truth, session).confidence for n in range(count)]) * 0.01 - 6.005


def agreement(dprime: float, criterion: float, correlation: float, lapse: float) -> float:
    """Probability that two looks at an image, whose evidence correlates, give the same answer."""
    same = 0.0
    for mean in (-dprime / 2, dprime / 2):
        both_below = multivariate_normal([mean, mean], [[1, correlation], [correlation, 1]]).cdf([criterion] * 2)
        below = norm.cdf(criterion - mean)
        same += (both_below + (1 - 2 * below + both_below)) / 2
    unlapsed = (1 - lapse) ** 2
    return unlapsed * same + (1 - unlapsed) / 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dprime", "criterion", "lapse"),
    [(0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (2.0, 0.5, 0.0), (0.5, -0.7, 0.0), (-0.8, 0.2, 0.0), (1.5, 0.3, 0.2)],
)
def test_hits_and_false_alarms_are_those_of_the_set_parameters(dprime: float, criterion: float, lapse: float) -> None:
    observer = Observer(dprime=dprime, criterion=criterion, image_sd=0.5, own_sd=0.6, lapse=lapse, seed=4)
    hits = said_generated(observer, "generated").mean()
    false_alarms = said_generated(observer, "real").mean()
    assert near(hits, (1 - lapse) * norm.sf(criterion - dprime / 2) + lapse / 2, IMAGES)
    assert near(false_alarms, (1 - lapse) * norm.sf(criterion + dprime / 2) + lapse / 2, IMAGES)


def test_dprime_and_criterion_are_recovered_in_their_usual_units() -> None:
    observer = Observer(dprime=1.2, criterion=0.4, image_sd=0.6, own_sd=0.3, seed=11)
    z_hit = norm.ppf(said_generated(observer, "generated").mean())
    z_false_alarm = norm.ppf(said_generated(observer, "real").mean())
    # SE of z(p) by the delta method: sqrt(p (1 - p) / n) / phi(z).
    variance = sum(norm.cdf(z) * norm.sf(z) / IMAGES / norm.pdf(z) ** 2 for z in (z_hit, z_false_alarm))
    assert abs(z_hit - z_false_alarm - 1.2) < SIGMAS * math.sqrt(variance)
    assert abs(-(z_hit + z_false_alarm) / 2 - 0.4) < SIGMAS * math.sqrt(variance) / 2


@pytest.mark.parametrize("dprime", [-0.5, 1.0, 2.0])
def test_dprime_is_the_distance_between_a_generated_and_a_real_image(dprime: float) -> None:
    parameters = {"dprime": dprime, "image_sd": 0.5, "own_sd": 0.6, "seed": 4}
    generated, real = (evidence(truth, count=100, **parameters) for truth in ("generated", "real"))
    np.testing.assert_allclose(generated - real, dprime, atol=0.011)
    np.testing.assert_allclose(
        (generated + real) / 2, evidence("real", count=100, **{**parameters, "dprime": 0}), atol=0.011
    )


@pytest.mark.slow
@pytest.mark.parametrize(("image_sd", "own_sd"), [(0.0, 0.0), (0.5, 0.6), (0.8, 0.6)])
def test_evidence_has_variance_1_and_repeats_its_stable_part(image_sd: float, own_sd: float) -> None:
    first, second = (evidence("real", session, image_sd=image_sd, own_sd=own_sd, seed=9) for session in (1, 2))
    stable = image_sd**2 + own_sd**2
    assert abs(first.mean()) < SIGMAS / math.sqrt(IMAGES)
    assert abs(first.var() - 1) < SIGMAS * math.sqrt(2 / IMAGES)
    # What differs between the looks is two draws of internal noise.
    internal = 1 - stable
    assert abs((second - first).var() - 2 * internal) < SIGMAS * 2 * internal * math.sqrt(2 / IMAGES) + 1e-4


def test_a_lapsing_observer_guesses() -> None:
    observer = Observer(dprime=5.0, lapse=1.0, confidence_cuts=(0.3, 0.7), seed=2)
    for truth in ("real", "generated"):
        judgements = judge(observer, truth)
        assert near(np.mean([judgement.response == "generated" for judgement in judgements]), 0.5, IMAGES)
        for level in (1, 2, 3):
            assert near(np.mean([judgement.confidence == level for judgement in judgements]), 1 / 3, IMAGES)


def test_confidence_is_the_distance_from_the_criterion() -> None:
    cuts, dprime, criterion = (0.3, 0.7, 1.2), 1.0, 0.25
    observer = Observer(dprime=dprime, criterion=criterion, image_sd=0.4, own_sd=0.4, confidence_cuts=cuts, seed=5)
    edges = [0.0, *cuts, np.inf]
    for truth, mean in (("generated", dprime / 2), ("real", -dprime / 2)):
        judgements = judge(observer, truth)
        for level, (low, high) in enumerate(itertools.pairwise(edges), start=1):
            above = norm.cdf(criterion + high, mean) - norm.cdf(criterion + low, mean)
            below = norm.cdf(criterion - low, mean) - norm.cdf(criterion - high, mean)
            for response, expected in (("generated", above), ("real", below)):
                share = np.mean([(j.response, j.confidence) == (response, level) for j in judgements])
                assert near(share, expected, IMAGES), (truth, response, level)


@pytest.mark.parametrize("levels", range(2, 10))
def test_the_usual_cuts_share_confidence_out_evenly(levels: int) -> None:
    shares = np.diff(norm.cdf([0.0, *usual_cuts(levels), np.inf])) * 2
    # A cut is rounded by 0.05 at most, where the density of |x| is 0.8 at most.
    np.testing.assert_allclose(shares, 1 / levels, atol=2 * 0.05 * 0.8)
    assert len(shares) == levels
    assert min(shares) > 0
    assert usual_cuts(4) == (0.3, 0.7, 1.2)


@pytest.mark.parametrize("levels", [2, 3, 9])
def test_there_is_one_more_level_than_cuts(levels: int) -> None:
    observer = Observer(confidence_cuts=tuple(np.linspace(0.1, 1.5, levels - 1)), seed=1)
    assert {judgement.confidence for judgement in judge(observer, "real", count=500)} == set(range(1, levels + 1))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dprime", "criterion", "image_sd", "own_sd", "lapse"),
    [
        (0.0, 0.0, 0.0, 0.0, 0.0),
        (0.0, 0.0, 0.5, 0.6, 0.0),
        (0.0, 0.0, 0.0, 0.9, 0.0),
        (0.0, 0.0, 0.8, 0.0, 0.1),
        (1.0, 0.5, 0.5, 0.6, 0.0),
        (1.0, -0.8, 0.7, 0.6, 0.05),
    ],
)
def test_retest_agreement_is_the_bivariate_normals(
    dprime: float, criterion: float, image_sd: float, own_sd: float, lapse: float
) -> None:
    observer = Observer(dprime, criterion, image_sd, own_sd, lapse, seed=21)
    same = np.concatenate(
        [said_generated(observer, t, 1) == said_generated(observer, t, 2) for t in ("real", "generated")]
    )
    assert near(same.mean(), agreement(dprime, criterion, image_sd**2 + own_sd**2, lapse), len(same))


@pytest.mark.slow
def test_retest_agreement_rises_with_the_stable_parts_to_certainty() -> None:
    shares = []
    for own_sd, image_sd in ((0.0, 0.0), (0.6, 0.0), (0.6, 0.6), (0.6, 0.8)):
        observer = Observer(own_sd=own_sd, image_sd=image_sd, seed=3)
        shares.append((said_generated(observer, "real", 1) == said_generated(observer, "real", 2)).mean())
    assert shares == sorted(shares)
    assert shares[1] - shares[0] > 0.05
    assert shares[-1] == 1.0


def test_two_observers_agree_by_the_image_effect_alone() -> None:
    same_images = [Observer(image_sd=0.8, own_sd=0.6, seed=seed, image_seed=1) for seed in (1, 2)]
    other_images = [Observer(image_sd=0.8, own_sd=0.6, seed=seed, image_seed=seed) for seed in (1, 2)]
    for pair, correlation in ((same_images, 0.8**2), (other_images, 0.0)):
        a, b = (said_generated(observer, "real") for observer in pair)
        assert near((a == b).mean(), agreement(0, 0, correlation, 0), IMAGES)
    all_image = [Observer(image_sd=1.0, seed=seed, image_seed=1) for seed in (1, 2)]
    assert (said_generated(all_image[0], "real") == said_generated(all_image[1], "real")).all()


def test_an_observers_own_view_is_shared_with_nobody() -> None:
    a, b = (said_generated(Observer(own_sd=1.0, seed=seed, image_seed=1), "real") for seed in (1, 2))
    assert near((a == b).mean(), 0.5, IMAGES)


def test_the_same_seed_image_and_session_give_the_same_answer_in_any_order() -> None:
    observer = Observer(dprime=1, image_sd=0.3, own_sd=0.3, lapse=0.1, seed=7)
    ids = [f"s{n}" for n in range(50)]
    forward = {name: observer.judge(name, "real", 1) for name in ids}
    twin = Observer(dprime=1, image_sd=0.3, own_sd=0.3, lapse=0.1, seed=7)
    assert {name: twin.judge(name, "real", 1) for name in reversed(ids)} == forward
    assert {name: twin.judge(name, "real", 2) for name in ids} != forward
    stranger = Observer(dprime=1, image_sd=0.3, own_sd=0.3, lapse=0.1, seed=8)
    assert {name: stranger.judge(name, "real", 1) for name in ids} != forward


def test_the_answers_are_the_same_on_every_machine() -> None:
    # Recorded once; a change here changes every simulated study that anyone has kept.
    observer = Observer(dprime=1, image_sd=0.5, own_sd=0.6, seed=7, image_seed=1)
    answers = [observer.judge(f"s{n:04d}", "generated", 1) for n in range(1, 9)]
    assert [(answer.response[0], answer.confidence) for answer in answers] == RECORDED


def test_surer_answers_come_sooner_and_all_take_time() -> None:
    judgements = judge(Observer(median_time_s=2.0, seed=3), "real")
    medians = [np.median([j.response_time for j in judgements if j.confidence == level]) for level in (1, 2, 3, 4)]
    assert medians == sorted(medians, reverse=True)
    # Median of a log-normal with log-SD .35: SE of its log is 1.2533 * .35 / sqrt(n).
    count = sum(j.confidence == 1 for j in judgements)
    assert abs(math.log(medians[0] / 2.0)) < SIGMAS * 1.2533 * 0.35 / math.sqrt(count)
    assert min(min(j.response_time, j.confidence_time) for j in judgements) > 0


@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        ({"image_sd": 0.8, "own_sd": 0.7}, "image_sd"),
        ({"image_sd": -0.1}, "image_sd"),
        ({"own_sd": -0.1}, "own_sd"),
        ({"own_sd": 1.01}, "own_sd"),
        ({"image_sd": float("nan")}, "image_sd"),
        ({"lapse": -0.01}, "lapse"),
        ({"lapse": 1.01}, "lapse"),
        ({"lapse": float("nan")}, "lapse"),
        ({"confidence_cuts": (0.3, 0.3)}, "confidence_cuts"),
        ({"confidence_cuts": (0.3, float("nan"))}, "confidence_cuts"),
        ({"signal_sd": 0.0}, "signal_sd"),
        ({"signal_sd": float("inf")}, "signal_sd"),
        ({"median_time_s": 0.0}, "median_time_s"),
        ({"confidence_noise": -0.1}, "confidence_noise"),
        ({"confidence_noise": float("nan")}, "confidence_noise"),
        ({"fatigue": -0.1}, "fatigue"),
        ({"slowing": float("nan")}, "slowing"),
        ({"serial_response": float("inf")}, "serial_response"),
        ({"serial_evidence": float("nan")}, "serial_evidence"),
        ({"confidence_cuts": (0.7, 0.3)}, "confidence_cuts"),
        ({"confidence_cuts": (0.0, 0.3)}, "confidence_cuts"),
        ({"confidence_cuts": (-0.3, 0.3)}, "confidence_cuts"),
    ],
)
def test_impossible_parameters_are_refused(parameters: dict[str, float], word: str, refuses: Any) -> None:
    with refuses("out-of-range") as caught:
        Observer(**parameters)
    assert word in str(caught.value)


def test_the_variances_sum_to_one() -> None:
    observer = Observer(image_sd=0.5, own_sd=0.6)
    assert observer.image_sd**2 + observer.own_sd**2 + observer.internal_sd**2 == pytest.approx(1)
    assert Observer(image_sd=0.6, own_sd=0.8).internal_sd == pytest.approx(0, abs=1e-7)
