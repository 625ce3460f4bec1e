"""The dial: what each input does, and that only inputs and their times matter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.circle import wrap
from experiments.screen import Confirm, Input, Key, Point, Wheel
from experiments.windows.dial import DELAY_S, FASTEST, Dial, nearest, seconds_to_turn

FRAMES = 147
POSITIONS = [360 * frame / FRAMES for frame in range(FRAMES)]


def test_a_notch_is_a_frame_and_the_loop_has_no_end() -> None:
    dial = Dial(POSITIONS, 145, 10.0)
    dial.take(Wheel(11.0, 3))
    dial.take(Wheel(12.5, -2))
    assert dial.frame == 146
    expected = [(0, POSITIONS[145]), (1, POSITIONS[1]), (2.5, POSITIONS[146])]
    np.testing.assert_allclose(dial.trajectory, expected, atol=1e-6)


def test_parts_of_a_notch_add_up() -> None:
    dial = Dial(POSITIONS, 0, 0.0)
    frames = []
    for part in (0.4, 0.4, 0.4, -0.4, -0.4, -0.4, -0.9):
        dial.take(Wheel(1.0, part))
        frames.append(dial.frame)
    assert frames == [0, 0, 1, 1, 1, 1, 0]


def test_a_tap_is_one_frame_and_a_key_that_is_held_gets_faster() -> None:
    dial = Dial(POSITIONS, 0, 0.0)
    dial.take(Key(1.0, -1, True))
    dial.take(Key(1.1, -1, False))
    dial.advance(60.0)
    assert dial.frame == FRAMES - 1
    dial = Dial(POSITIONS, 0, 0.0)
    dial.take(Key(0.0, 1, True))
    dial.take(Key(0.0, 1, True))  # a repeat by the operating system is no second key
    dial.advance(6.0)
    times = np.array([at for at, _ in dial.trajectory[1:]])
    assert times[0] == 0
    # By hand: after the delay 15°/s growing by 60°/s²: t seconds later it has turned 15 t + 30 t² degrees.
    t = times[1:10] - DELAY_S
    np.testing.assert_allclose(15 * t + 30 * t**2, 360 / FRAMES * np.arange(1, 10), atol=1e-4)
    steps = np.diff(times)
    assert (np.diff(steps[1:]) <= 1e-5).all()
    assert steps[-1] == pytest.approx(360 / FRAMES / FASTEST, abs=1e-5)


def test_a_full_turn_takes_as_long_on_any_loop() -> None:
    def takes(frames: int) -> float:
        dial = Dial([360 * frame / frames for frame in range(frames)], 0, 0.0)
        dial.take(Key(0.0, 1, True))
        dial.advance(10.0)
        return dial.trajectory[frames][0]

    assert takes(90) == pytest.approx(takes(360), abs=0.03)


@pytest.mark.parametrize("degrees", [0.1, 30.0, 267.0, 268.2, 360.0, 1000.0])
def test_seconds_to_turn_is_the_integral_of_the_speed(degrees: float) -> None:
    t = np.linspace(0, seconds_to_turn(degrees), 200_001)
    assert np.minimum(15 + 60 * t, 180).mean() * t[-1] == pytest.approx(degrees, rel=1e-4)


def test_two_keys_held_cancel_and_the_one_that_stays_goes_on() -> None:
    dial = Dial(POSITIONS, 0, 0.0)
    dial.take(Key(0.0, 1, True))
    dial.take(Key(0.0, -1, True))
    dial.advance(1.0)
    assert dial.frame == 0
    dial.take(Key(1.0, 1, False))
    dial.advance(1.5)
    assert wrap(dial.position_deg) < 0


def test_lost_keys_turn_no_more_and_a_confirmation_takes_what_was_turned_by_then() -> None:
    dial = Dial(POSITIONS, 0, 0.0)
    dial.take(Key(0.0, 1, True))
    dial.release(0.1)
    dial.advance(9.0)
    assert dial.frame == 1
    dial.take(Key(10.0, 1, True))
    dial.take(Confirm(11.0, "key"))
    held = dial.frame
    other = Dial(POSITIONS, 1, 0.0)
    other.take(Key(10.0, 1, True))
    other.advance(11.0)
    assert held == other.frame > 3


def test_a_place_pointed_at_is_the_nearest_frame() -> None:
    dial = Dial(POSITIONS, 70, 0.0)
    dial.take(Point(0.5, 359.0))
    assert dial.frame == 0
    assert nearest([0.0, 90, 180, 270], 46) == 1
    assert nearest([0.0, 90, 180, 270], 45) == 0


INPUTS = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.one_of(
            st.floats(-5, 5).map(lambda notches: ("wheel", notches)),
            st.tuples(st.sampled_from([-1, 1]), st.booleans()).map(lambda key: ("key", key)),
            st.floats(0, 360).map(lambda place: ("point", place)),
        ),
    ),
    max_size=15,
)


def timed(given_inputs: list[tuple[float, tuple[str, Any]]]) -> list[Input]:
    at = 5.0
    found: list[Input] = []
    for pause, (what, value) in given_inputs:
        at += pause
        if what == "key":
            found.append(Key(at, *value))
        else:
            found.append(Wheel(at, value) if what == "wheel" else Point(at, value))
    return found


@settings(max_examples=100, deadline=None)
@given(INPUTS, st.integers(2, 200), st.lists(st.floats(0, 20), max_size=30))
def test_how_often_the_dial_is_looked_at_changes_nothing(
    given_inputs: list[tuple[float, tuple[str, Any]]], frames: int, looks: list[float]
) -> None:
    positions = [360 * frame / frames for frame in range(frames)]
    inputs = timed(given_inputs)
    seldom, often = Dial(positions, 0, 5.0), Dial(positions, 0, 5.0)
    for one in inputs:
        seldom.take(one)
    events: list[tuple[float, int, Input | None]] = [(one.at, place, one) for place, one in enumerate(inputs)]
    events += [(5 + look, -1, None) for look in looks if not inputs or 5 + look <= inputs[-1].at]
    for at, _, one in sorted(events, key=lambda event: event[:2]):
        often.advance(at) if one is None else often.take(one)
    assert often.trajectory == seldom.trajectory
    times = [at for at, _ in seldom.trajectory]
    assert times == sorted(times)
    assert seldom.trajectory[0] == (0, 0)
    assert seldom.trajectory[-1][1] == pytest.approx(seldom.position_deg, abs=1e-6)
