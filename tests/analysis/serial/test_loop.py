"""Serial dependence on a loop: wrapping, signs, curve fit, nulls, simulated observers."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy.optimize import curve_fit

from analysis.serial.loop import errors, loop_serial_dependence
from data.circle import derivative_of_gaussian, wrap

Refuses = Callable[[str], AbstractContextManager[Any]]


def test_pairs_are_signed_wrapped_and_linked() -> None:
    """By hand; nothing is removed but the circular mean, here 0. Attraction is error towards the last target."""
    frame = pd.DataFrame(
        {
            "participant": "p",
            "trial": [1, 2, 3, 4, 6, 7],
            "target_deg": [170.0, -170, 350, 10, 40, 20],
            "response_deg": [172.0, 188, 352, 8, np.nan, 20],
            "after_gap": [False] * 3 + [True, False, False],
        }
    )
    pairs = errors(frame, harmonics=0)
    # 2: previous 170 − present −170 = 340, so −20; response 188 is −172, 2 short. 3: −170 − 350 = −520, so −160.
    assert pairs["trial"].tolist() == [2, 3, 7]
    np.testing.assert_allclose(pairs["difference_deg"], [-20, -160, 20])
    np.testing.assert_allclose(pairs["error_deg"], [-2, 2, 0], atol=1e-9)
    following = errors(frame, harmonics=0, lag=-1)
    assert following["trial"].tolist() == [1, 2]
    np.testing.assert_allclose(following["difference_deg"], [20, 160])
    one = loop_serial_dependence(frame, harmonics=0, permutations=9).participants[0]
    assert (one.unlinked, one.unanswered, one.previous.trials, one.next.trials) == (3, 1, 3, 2)


def test_each_loop_has_a_bias_of_its_own_and_nothing_is_compared_across_them() -> None:
    rng = np.random.default_rng(3)
    target = rng.uniform(0, 360, 60)
    shape = {"a": 20 * np.sin(np.radians(target)), "b": -20 * np.sin(np.radians(target))}
    rows = {
        name: pd.DataFrame({"loop": name, "target_deg": target, "response_deg": target + 3 + bias})
        for name, bias in shape.items()
    }
    frame = pd.concat([rows["a"][:30], rows["b"], rows["a"][30:]], ignore_index=True)
    frame = frame.assign(participant="p", trial=np.arange(1, 121))
    pairs = errors(frame)
    np.testing.assert_allclose(pairs["error_deg"], 0, atol=1e-9)
    assert sorted(set(range(1, 121)) - set(pairs["trial"])) == [1, 31, 91]
    assert loop_serial_dependence(frame, permutations=10).participants[0].constant_deg == pytest.approx(3, abs=0.5)
    assert np.abs(errors(frame.drop(columns="loop"))["error_deg"]).max() > 10


def test_position_bias_is_what_least_squares_says_and_constants_wrap() -> None:
    """Errors of 170° plus a smooth bias reach across ±180 and leave nothing once both are removed."""
    target = np.arange(0, 360, 4.0)
    bias = 9 * np.sin(np.radians(2 * target)) - 5 * np.cos(np.radians(target))
    frame = _frame(target, target + 170 + bias)
    assert np.abs(errors(frame)["error_deg"]).max() < 1e-9
    assert loop_serial_dependence(frame, permutations=9).participants[0].constant_deg == pytest.approx(170, abs=0.5)
    assert np.abs(errors(frame, harmonics=1)["error_deg"]).max() == pytest.approx(9, abs=0.05)


def test_fit_is_scipys() -> None:
    """Amplitude and width of the pooled pairs against `scipy.optimize.curve_fit`; to .2%."""
    frame = _group(6, seed=1, amplitude=5.0)
    pairs = errors(frame)
    start = (4.0, 30.0)
    (amplitude, width), _ = curve_fit(derivative_of_gaussian, pairs["difference_deg"], pairs["error_deg"], p0=start)
    group = loop_serial_dependence(frame, permutations=9).previous
    assert (group.amplitude_deg, group.width_deg) == pytest.approx((amplitude, width), rel=2e-3)


@pytest.mark.parametrize("amplitude", [5.0, -5.0])
def test_a_known_dependence_is_recovered_with_its_sign(amplitude: float) -> None:
    """12 participants x 200 trials, width 30°, noise of SD 12°, position bias, a constant of 175°."""
    result = loop_serial_dependence(_group(12, seed=2, amplitude=amplitude, constant=175.0), permutations=199)
    assert result.previous.amplitude_deg == pytest.approx(amplitude, abs=1.5)
    assert result.previous.width_deg == pytest.approx(30, abs=8)
    assert result.previous.amplitude_low < amplitude < result.previous.amplitude_high
    assert result.previous.p == 1 / 200
    assert result.next.p > 0.05


@pytest.mark.slow
def test_p_keeps_its_level_without_dependence_and_under_drift() -> None:
    """120 participants whose errors wander by ±15° over the session and depend on position; no false effect."""
    result = loop_serial_dependence(_group(120, seed=3, drift=15.0), permutations=99)
    for name in ("previous", "next"):
        p = result.by_participant()[f"{name}_p"]
        assert 0.005 < np.mean(p <= 0.05) < 0.11
        assert getattr(result, name).p > 0.02


def test_position_bias_left_in_passes_for_serial_dependence() -> None:
    """Targets that keep to half of the loop: there, position bias alone looks like a dependence of both lags."""
    rng = np.random.default_rng(4)
    frames = []
    for name in range(10):
        target = rng.uniform(-90, 90, 200)
        # Errors pull towards the middle of the range; so, on average, do previous targets.
        frames.append(_frame(target, target - 0.15 * target + rng.normal(0, 5, 200)).assign(participant=name))
    frame = pd.concat(frames)
    raw = loop_serial_dependence(frame, harmonics=0, permutations=99)
    assert raw.previous.amplitude_deg > 2
    # The control shows it.
    assert raw.next.amplitude_deg > 2
    clean = loop_serial_dependence(frame, harmonics=2, permutations=99)
    assert abs(clean.previous.amplitude_deg) < 1.5
    assert clean.previous.p > 0.02


@pytest.mark.slow
def test_amplitude_is_covered() -> None:
    """30 groups of eight participants with amplitudes of SD 2 about 5; the standard error of the coverage is .04."""
    groups = [loop_serial_dependence(_group(8, seed=s, amplitude=5.0, between=2.0), permutations=1) for s in range(30)]
    covered = np.mean([one.previous.amplitude_low <= 5 <= one.previous.amplitude_high for one in groups])
    assert covered > 0.83


def test_turning_and_mirroring_the_loop() -> None:
    """Where the loop starts is irrelevant; which way round it runs too: attraction stays attraction."""
    frame = _group(2, seed=5, amplitude=5.0)
    base = loop_serial_dependence(frame, permutations=9)
    turned, mirrored = frame.copy(), frame.copy()
    turned[["target_deg", "response_deg"]] += 1234.5
    mirrored[["target_deg", "response_deg"]] *= -1
    for other in (turned, mirrored, frame.sample(frac=1, random_state=1)):
        again = loop_serial_dependence(other, permutations=9)
        assert again.previous.amplitude_deg == pytest.approx(base.previous.amplitude_deg, abs=1e-6)
        assert again.previous.width_deg == pytest.approx(base.previous.width_deg, abs=1e-6)
    assert loop_serial_dependence(frame, permutations=9) == base


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"response_deg": np.nan}, "fewer than three"),
        ({"trial": range(1, 401, 2)}, "fewer than three"),
        ({"target_deg": 30.0}, "the target never changes"),
    ],
)
def test_nothing_to_tell_is_undefined(change: dict[str, object], reason: str) -> None:
    result = loop_serial_dependence(_group(1, seed=6).assign(**change), permutations=9)
    one = result.participants[0].previous
    assert all(math.isnan(value) for value in (one.amplitude_deg, one.width_deg, one.p))
    assert reason in str(one.reason)
    assert (result.previous.n, result.previous.undefined) == (0, 1)
    assert result.previous.reason == "no participant has a curve"


def test_errors_that_do_not_vary_and_single_participants() -> None:
    frame = _group(1, seed=7)
    exact = loop_serial_dependence(frame.assign(response_deg=frame["target_deg"]), permutations=9)
    assert exact.participants[0].previous.reason == "the errors do not vary"
    single = loop_serial_dependence(frame, permutations=9).previous
    assert "one participant: no interval" in str(single.reason)
    assert math.isnan(single.amplitude_low)
    assert not math.isnan(single.amplitude_deg)
    empty = loop_serial_dependence(frame[:0], permutations=9)
    assert (empty.participants, empty.previous.n) == ((), 0)
    assert errors(frame[:0]).empty
    assert empty.by_participant().empty


def test_an_edge_of_the_range_is_named() -> None:
    target = np.random.default_rng(8).uniform(0, 360, 300)
    frame = _frame(target, target + derivative_of_gaussian(wrap(np.roll(target, 1) - target), 5.0, 4.0))
    assert "edge of the range searched (10°)" in str(loop_serial_dependence(frame, permutations=9).previous.reason)


def test_wrong_input_is_refused(refuses: Refuses) -> None:
    frame = _group(1, seed=9)
    with refuses("missing-column"):
        loop_serial_dependence(frame.drop(columns="response_deg"))
    with refuses("not-a-number") as caught:
        loop_serial_dependence(frame.assign(target_deg=[np.nan, *[0.0] * 199]))
    assert "(row 2)" in str(caught.value)
    with refuses("not-a-number"):
        loop_serial_dependence(frame.assign(response_deg=np.inf))
    with refuses("repeated-trial"):
        errors(frame.assign(trial=1))


def _frame(target: npt.NDArray[np.float64], response: npt.NDArray[np.float64]) -> pd.DataFrame:
    trial = np.arange(1, target.size + 1)
    return pd.DataFrame({"participant": "p", "trial": trial, "target_deg": target, "response_deg": response})


def _group(
    participants: int,
    *,
    seed: int,
    amplitude: float = 0.0,
    between: float = 0.0,
    constant: float = 0.0,
    drift: float = 0.0,
) -> pd.DataFrame:
    """Matches on a loop of 147 images: position bias of up to 12°, noise of SD 12°, dependence of width 30°."""
    rng = np.random.default_rng(seed)
    frames = []
    for name in range(participants):
        target = rng.integers(0, 147, 200) * 360 / 147
        before = np.concatenate([[0.0], wrap(target[:-1] - target[1:])])
        error = derivative_of_gaussian(before, amplitude + between * rng.standard_normal(), 30.0)
        error += 8 * np.sin(np.radians(2 * target + 40 * name)) + 4 * np.cos(np.radians(target))
        error += constant + drift * np.sin(np.linspace(0, 3, 200)) + 12 * rng.standard_normal(200)
        frames.append(_frame(target, (target + error) % 360).assign(participant=f"p{name:03d}"))
    return pd.concat(frames, ignore_index=True)
