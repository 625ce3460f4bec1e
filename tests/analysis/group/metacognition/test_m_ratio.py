"""A group's M-ratio: recovery and coverage by simulation, limits, and what is withheld."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import truncnorm

from analysis.group.metacognition.m_ratio import group_m_ratio
from analysis.sdt.confidence import ConfidenceCounts, count_confidence
from analysis.sdt.metacognition import confidence_profile, meta_dprime_from_counts


def person(rng: np.random.Generator, log_ratio: float, spread: float, dprime: float = 1.2) -> ConfidenceCounts:
    """200 trials of one participant: confidence from evidence with meta-d′ = M d′, given the answer."""
    truth, sign = np.repeat(["real", "generated"], 100), np.repeat([-0.5, 0.5], 100)
    d, ratio, criterion = rng.normal(dprime, 0.3), np.exp(rng.normal(log_ratio, spread)), rng.normal(0, 0.2)
    said = rng.normal(sign * d) > criterion
    centre = sign * ratio * d
    low, high = np.where(said, criterion - centre, -np.inf), np.where(said, np.inf, criterion - centre)
    evidence = centre + truncnorm.rvs(low, high, random_state=rng)
    sure = 1 + np.digitize(np.abs(evidence - criterion), [0.4, 0.8, 1.3])
    return count_confidence(truth, np.where(said, "generated", "real"), sure)


def test_a_known_ratio_is_recovered() -> None:
    """Three groups of ten with M-ratio .6: each interval holds it, and 1 is excluded."""
    rng = np.random.default_rng(5)
    for _ in range(3):
        found = group_m_ratio([person(rng, math.log(0.6), 0.2) for _ in range(10)])
        assert found.m_ratio.low < 0.6 < found.m_ratio.high < 1
        assert found.below_one > 0.97
        assert found.mean_dprime == pytest.approx(1.2, abs=0.3)


@pytest.mark.slow
def test_intervals_cover() -> None:
    """30 groups of 12, M-ratio .8, SD of its logarithm .3: 95% within .1 (standard error .04); no bias."""
    rng = np.random.default_rng(6)
    found = [group_m_ratio([person(rng, math.log(0.8), 0.3) for _ in range(12)]) for _ in range(30)]
    assert np.mean([one.m_ratio.low <= 0.8 <= one.m_ratio.high for one in found]) == pytest.approx(0.95, abs=0.1)
    assert np.mean([one.spread.low <= 0.3 <= one.spread.high for one in found]) == pytest.approx(0.95, abs=0.1)
    assert np.mean([math.log(one.m_ratio.value) for one in found]) == pytest.approx(math.log(0.8), abs=0.06)


def test_more_participants_narrow_the_interval() -> None:
    rng = np.random.default_rng(7)
    everyone = [person(rng, 0.0, 0.1) for _ in range(16)]
    few, all_of_them = group_m_ratio(everyone[:4]), group_m_ratio(everyone)
    assert all_of_them.m_ratio.high - all_of_them.m_ratio.low < few.m_ratio.high - few.m_ratio.low


def test_the_likelihood_of_confidences_is_highest_at_meta_dprime() -> None:
    """The profile peaks where `meta_dprime` without padding has its maximum."""
    counts = person(np.random.default_rng(8), 0.0, 0.0)
    alone = meta_dprime_from_counts(counts, padding=False)
    heights = confidence_profile(counts, alone.criterion, alone.meta_dprime.value + np.array([-0.05, 0, 0.05]))
    assert heights[1] == max(heights)  # type: ignore[type-var]
    assert heights[1] == pytest.approx(alone.log_likelihood, abs=1e-6)


def test_at_chance_it_is_withheld() -> None:
    rng = np.random.default_rng(9)
    found = group_m_ratio([person(rng, 0.0, 0.1, dprime=0.0) for _ in range(5)])
    assert math.isnan(found.m_ratio.value)
    assert "the interval of the mean d′ of answers with a confidence includes 0" in str(found.reason)


def test_who_tells_nothing_is_left_out() -> None:
    rng = np.random.default_rng(10)
    silent = count_confidence(["real", "generated"] * 5, ["real", "generated"] * 5, [1] * 10)
    found = group_m_ratio([silent, *(person(rng, 0.0, 0.1) for _ in range(3))])
    assert (found.participants, found.left_out) == (3, 1)
    assert "fewer than two participants" in str(group_m_ratio([silent]).reason)


def test_a_level_that_is_none_is_refused(refuses: Any) -> None:
    with refuses("out-of-range"):
        group_m_ratio([], level=2)
