"""What a simulated observer was given, this project's own analysis finds again.

Tolerances are several standard errors of the estimate at the given number of trials, stated at each test.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from analysis.agreement import double_pass
from analysis.group import heterogeneity, mixed_probit
from analysis.roc import binormal
from analysis.sdt import metacognition, yesno
from analysis.serial import serial
from data.simulated.observers import Judgement, Observer
from data.simulated.populations import Population, draw_group

WORDS = ("real", "generated")


def sit(observer: Observer, trials: int, session: int = 1, seed: int = 0) -> tuple[list[str], list[Judgement]]:
    """Truths in the order shown, and what was said; half of the images are generated."""
    order = np.random.default_rng([seed, session]).permutation(trials)
    truths = [WORDS[image % 2] for image in order]
    images = [(f"s{image}", truth) for image, truth in zip(order, truths, strict=True)]
    return truths, observer.judge_in_order(images, session)


def rated(said: list[Judgement]) -> list[int]:
    return [one.confidence if one.response == "generated" else -one.confidence for one in said]


def frame(observers: list[Observer], trials: int) -> pd.DataFrame:
    """Session 1 of every observer, as a trial table."""
    rows = []
    for person, observer in enumerate(observers):
        order = np.random.default_rng([9, person]).permutation(trials)
        images = [(f"s{image}", WORDS[image % 2]) for image in order]
        for trial, (image, one) in enumerate(zip(images, observer.judge_in_order(images, 1), strict=True), start=1):
            rows.append((f"p{person:03d}", trial, *image, one.response, one.confidence))
    return pd.DataFrame(rows, columns=["participant", "trial", "stimulus_id", "truth", "response", "confidence"])


@pytest.mark.slow
@pytest.mark.parametrize("signal_sd", [0.7, 1.0, 1.5])
def test_unequal_variance_is_the_binormal_models(signal_sd: float) -> None:
    """6,000 trials: the binormal fit's interval of the mean's distance and of the SD hold the truth (99.9%)."""
    truths, said = sit(Observer(dprime=1.2, criterion=0.2, image_sd=0.4, signal_sd=signal_sd, seed=3), 6000)
    fit = binormal.binormal_fit(truths, rated(said), level=0.999)
    assert fit.sigma.low < signal_sd < fit.sigma.high
    assert fit.sigma.high - fit.sigma.low < 0.4
    assert fit.mu.low < 1.2 < fit.mu.high


@pytest.mark.slow
def test_confidence_noise_blurs_confidence_and_leaves_the_answers() -> None:
    """Without it M-ratio is 1; with it the answers are the same ones and M-ratio falls to what theory says."""
    sure = Observer(dprime=1.5, seed=4)
    unsure = Observer(dprime=1.5, confidence_noise=1.0, seed=4)
    ratios = []
    for observer in (sure, unsure):
        truths, said = sit(observer, 6000)
        answers = [one.response for one in said]
        found = metacognition.meta_dprime(truths, answers, [one.confidence for one in said])
        ratios.append(found.m_ratio)
    assert [one.response for one in sit(sure, 300)[1]] == [one.response for one in sit(unsure, 300)[1]]
    assert ratios[0].low < 1 < ratios[0].high
    assert ratios[1].high < 0.8
    assert ratios[1].value > 0.3


def test_confidence_is_cut_from_the_noisy_evidence() -> None:
    """P(confidence 4 | "generated") by integration over the evidence, against 4,000 looks (4.5 SE)."""
    observer = Observer(confidence_noise=0.7, seed=2)
    said = [observer.judge(f"s{n}", "real", 1) for n in range(4000)]
    grid = np.linspace(0, 8, 20001)
    expected = 2 * np.trapezoid(norm.pdf(grid) * norm.sf((1.2 - grid) / 0.7), grid)
    share = np.mean([one.confidence == 4 for one in said if one.response == "generated"])
    assert abs(share - expected) < 4.5 * math.sqrt(expected * (1 - expected) / 2000)


@pytest.mark.slow
def test_fatigue_is_the_fall_of_dprime_between_first_and_last_trials() -> None:
    """d' of trials 1-20 and 181-200 over 250 sessions of one observer: 2 exp(-.5 t / 100), SE .04."""
    observer = Observer(dprime=2.0, fatigue=0.5, slowing=0.3, seed=5)
    early, late, times = [], [], []
    for session in range(1, 251):
        truths, said = sit(observer, 200, session)
        answers = list(zip(truths, [one.response for one in said], strict=True))
        early += answers[:20]
        late += answers[180:]
        times.append([math.log(one.response_time) + 0.15 * (one.confidence - 1) for one in said])
    for part, at in ((early, 9.5), (late, 189.5)):
        found = yesno.dprime_from_responses(*map(list, zip(*part, strict=True))).dprime
        assert found == pytest.approx(2.0 * math.exp(-0.5 * at / 100), abs=0.18)
    slope = np.polynomial.Polynomial.fit(np.arange(200) / 100, np.mean(times, axis=0), 1).convert().coef[1]
    assert slope == pytest.approx(0.3, abs=0.02)  # SE .35 / sqrt(50,000) / .58 = .003


@pytest.mark.slow
@pytest.mark.parametrize("weight", [0.6, -0.6])
def test_serial_dependence_on_the_answer_is_found_by_its_analysis(weight: float) -> None:
    """40 observers x 200 trials. Log-odds are 1.6 to 1.8 times probits; the group's SE is about .05."""
    group = [Observer(serial_response=weight, own_sd=0.5, seed=seed) for seed in range(40)]
    found = serial.serial_dependence(frame(group, 200), redraws=40, seed=1)
    assert found.previous_response.mean / weight == pytest.approx(1.65, abs=0.4)
    assert abs(found.previous_truth.mean) < 0.2
    assert found.previous_response.p == pytest.approx(2 / 41)


def test_serial_dependence_on_the_evidence_is_that_of_the_last_image() -> None:
    """Evidence that is the image's alone, drawn by .4 of the last: the percepts' correlation is .4 / sqrt(1.16)."""
    observer = Observer(dprime=0.0, serial_evidence=0.4, seed=6)
    _, said = sit(observer, 6000)
    own = np.array([one.evidence for one in said])
    answers = np.array([one.response == "generated" for one in said])
    np.testing.assert_array_equal(answers[1:], own[1:] + 0.4 * own[:-1] > 0)
    # Percepts correlate by w / (1 + w^2); their signs agree with probability 1/2 + asin(r) / pi.
    expected = 0.5 + math.asin(0.4 / 1.16) / math.pi
    assert np.mean(answers[1:] == answers[:-1]) == pytest.approx(expected, abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize(("image_sd", "own_sd"), [(0.5, 0.3), (0.2, 0.9)])
def test_internal_noise_is_found_by_a_double_pass(image_sd: float, own_sd: float) -> None:
    """4,000 images twice, in two orders: the interval of the repeated share holds the stable parts (99.9%)."""
    observer = Observer(dprime=1.0, image_sd=image_sd, own_sd=own_sd, seed=8)
    truth = [WORDS[n % 2] for n in range(4000)]
    passes = [[observer.judge(f"s{n}", t, session).response for n, t in enumerate(truth)] for session in (1, 2)]
    found = double_pass.internal_noise(truth, *passes, level=0.999)
    assert found.repeated_low < image_sd**2 + own_sd**2 < found.repeated_high
    assert found.repeated_high - found.repeated_low < 0.2


def test_image_effects_and_observers_spread_are_found_by_the_crossed_probit() -> None:
    """40 observers, 120 images. The probit's unit is the SD of what is left without the images, sqrt(1 - .36)."""
    group = draw_group(40, 3, Population(1.0, 0.5, 0.3, image_sd=0.6, own_sd=0.5, lapse=0.0))
    found = mixed_probit.mixed_probit(frame(group, 120))
    unit = math.sqrt(1 - 0.6**2)
    assert (found.real_image_sd + found.generated_image_sd) / 2 == pytest.approx(0.6 / unit, abs=0.15)
    assert found.dprime_sd == pytest.approx(0.5 / unit, abs=0.25)
    assert found.criterion_sd == pytest.approx(0.3 / unit, abs=0.15)


@pytest.mark.slow
def test_the_sd_between_observers_is_found_from_their_dprimes() -> None:
    """60 observers of 400 trials, SD .4: the 99.9% interval of tau holds it and leaves out .15."""
    group = draw_group(60, 4, Population(0.8, 0.4, 0.2, image_sd=0.0, own_sd=0.0, lapse=0.0))
    fits = []
    for observer in group:
        truths, said = sit(observer, 400)
        fits.append(yesno.dprime_from_responses(truths, [one.response for one in said]))
    found = heterogeneity.heterogeneity([one.dprime for one in fits], [one.se for one in fits], level=0.999)
    assert 0.15 < found.low < 0.4 < found.high


def test_a_session_taken_up_again_gives_the_same_answers() -> None:
    """From the middle, with the last judgement before the break at hand; and all arguments matter."""
    observer = Observer(1.0, fatigue=0.5, slowing=0.2, serial_response=0.8, serial_evidence=0.4, lapse=0.1, seed=1)
    images = [(f"s{n}", WORDS[n % 2]) for n in range(60)]
    whole = observer.judge_in_order(images, 1)
    rest = [observer.judge(*images[place], 1, place + 1, whole[place - 1]) for place in range(40, 60)]
    assert whole[40:] == rest
    assert observer.judge_in_order(images[::-1], 1) != whole[::-1]
    assert observer.judge("s1", "real", 1, 1).response_time < observer.judge("s1", "real", 1, 300).response_time
