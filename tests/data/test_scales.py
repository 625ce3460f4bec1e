"""Perceptual scales as they are stored, and positions in even steps."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import LookalikeError
from data.scales import FILE, LoopIdentity, Scale, read_scale, write_scale

STEPS = st.lists(st.floats(0.01, 5), min_size=4, max_size=20)


def loop_of(steps, first=0.0):
    where = (first + np.arange(len(steps)) * 360 / len(steps)) % 360
    return Scale(tuple(np.sort(where).tolist()), tuple(steps), closed=True)


@given(steps=STEPS, first=st.floats(0, 10))
@settings(max_examples=60, deadline=None)
def test_values_rise_round_the_loop_and_close_on_its_length(steps, first):
    scale = loop_of(steps, first)
    values = scale.value(np.linspace(0, 360, 721))
    assert values[0] == 0
    assert values[-1] == pytest.approx(scale.length_jnd)
    assert (np.diff(values) >= -1e-9).all()


@given(steps=STEPS)
@settings(max_examples=60, deadline=None)
def test_the_curve_passes_through_what_was_measured(steps):
    scale = loop_of(steps)
    np.testing.assert_allclose(scale.value(scale.positions_deg), np.cumsum([0, *steps[:-1]]), atol=0.02 * max(steps))


@given(steps=STEPS, count=st.integers(4, 60), closed=st.booleans())
@settings(max_examples=60, deadline=None)
def test_even_positions_are_in_even_steps(steps, count, closed):
    scale = (
        loop_of(steps) if closed else Scale(tuple(np.linspace(0, 180, len(steps) + 1).tolist()), tuple(steps), False)
    )
    where = scale.even_positions(count)
    ends = np.append(where, 360) if closed else where
    jnds = np.diff(scale.value(ends))
    np.testing.assert_allclose(jnds, scale.length_jnd / (count if closed else count - 1), rtol=0.01, atol=0.02)
    assert where[0] == 0
    if not closed:
        assert where[-1] == pytest.approx(180)


def test_where_nothing_changes_even_positions_are_evenly_spaced():
    np.testing.assert_allclose(loop_of([1.5] * 12).even_positions(30), np.arange(30) * 12, atol=0.06)


def test_two_images_that_look_the_same_are_stepped_over():
    scale = loop_of([1.0, 0.0, 1.0, 1.0])
    where = scale.even_positions(3)
    assert not ((where > 95) & (where < 175)).any()


def test_a_scale_comes_back_as_it_was(tmp_path):
    loop = LoopIdentity("0" * 64, "1" * 64, "round", "some distance", 147)
    scale = Scale((0.0, 90.0, 180.0, 270.0), (1.0, 2.0, 0.5, 1.5), True, loop)
    write_scale(tmp_path / FILE, scale)
    assert read_scale(tmp_path) == scale == read_scale(tmp_path / FILE)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"format": "lookalike-scale/9"}, "wrong-format"),
        ({"steps_jnd": [1.0, 2.0]}, "damaged-file"),
        ({"steps_jnd": [1.0, 2.0, -0.5, 1.5]}, "damaged-file"),
        ({"steps_jnd": [0.0] * 4}, "damaged-file"),
        ({"positions_deg": [0.0, 180.0, 90.0, 270.0]}, "damaged-file"),
        ({"positions_deg": [0.0, 90.0, 180.0, 360.0]}, "damaged-file"),
        ({"more": 1}, "damaged-file"),
        ({"loop": {"frames": 3}}, "damaged-file"),
    ],
)
def test_a_damaged_scale_is_refused(tmp_path, change, code):
    write_scale(tmp_path / FILE, Scale((0.0, 90.0, 180.0, 270.0), (1.0, 2.0, 0.5, 1.5), True))
    content = json.loads((tmp_path / FILE).read_text()) | change
    (tmp_path / FILE).write_text(json.dumps(content))
    with pytest.raises(LookalikeError) as error:
        read_scale(tmp_path)
    assert error.value.code == code
