"""Perceived distances, and what comparisons can determine."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.scaling.distances import distances, spans, undetermined

KINDS = [("path", False), ("arc", True), ("chord", True)]


def differences(triads, steps, kind, closed, images):
    near, far = (spans(np.array(triads)[:, pair], images, closed) for pair in ([0, 1], [1, 2]))
    (one, one_slope), (other, other_slope) = distances(near, steps, kind), distances(far, steps, kind)
    return other - one, other_slope - one_slope


@given(steps=st.lists(st.floats(0.2, 3), min_size=6, max_size=6), seed=st.integers(0, 1000))
@settings(max_examples=50, deadline=None)
@pytest.mark.parametrize(("kind", "closed"), KINDS)
def test_slopes_are_derivatives(kind, closed, steps, seed):
    rng = np.random.default_rng(seed)
    images = 6 if closed else 7
    pairs = np.array([rng.choice(images, 2, replace=False) for _ in range(8)])
    between = spans(pairs, images, closed)
    steps = np.array(steps)
    _, slope = distances(between, steps, kind)
    if kind == "arc" and (np.abs(between @ steps - steps.sum() / 2) < 1e-3).any():
        return  # at the far side of the loop the two ways round change places
    for place in range(6):
        moved = steps + 1e-6 * np.eye(6)[place]
        numeric = (distances(between, moved, kind)[0] - distances(between, steps, kind)[0]) / 1e-6
        np.testing.assert_allclose(slope[:, place], numeric, atol=1e-4)


def test_a_chord_is_that_of_points_on_a_circle():
    steps = np.array([1.0, 2.0, 0.5, 1.5, 3.0])
    around = steps.sum()
    angle = 2 * np.pi * np.cumsum([0, *steps[:-1]]) / around
    points = around / (2 * np.pi) * np.column_stack([np.cos(angle), np.sin(angle)])
    pairs = np.array([(a, b) for a in range(5) for b in range(a + 1, 5)])
    expected = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
    np.testing.assert_allclose(distances(spans(pairs, 5, True), steps, "chord")[0], expected)


@pytest.mark.parametrize(("kind", "closed"), KINDS[1:])
def test_a_loop_may_be_turned_and_reflected(kind, closed):
    """The gauge: which image comes first, and the direction, change no distance."""
    steps = np.array([1.0, 2.0, 0.5, 1.5, 3.0, 0.7])
    pairs = np.array([(a, b) for a in range(6) for b in range(a + 1, 6)])
    here = distances(spans(pairs, 6, closed), steps, kind)[0]
    turned = distances(spans((pairs + 2) % 6, 6, closed), np.roll(steps, 2), kind)[0]
    mirrored = distances(spans(-pairs % 6, 6, closed), steps[::-1], kind)[0]
    np.testing.assert_allclose(turned, here)
    np.testing.assert_allclose(mirrored, here)


@pytest.mark.parametrize(("kind", "closed"), KINDS)
def test_equal_arcs_alone_do_not_tell_the_length(kind, closed):
    images = 8
    bisections = [((m - 1) % images, m, (m + 1) % images) for m in range(0 if closed else 1, images if closed else 7)]
    steps = np.ones(images if closed else images - 1)
    assert "length of the scale is unknown" in undetermined(
        differences(bisections, steps, kind, closed, images)[1], np.arange(images) * 45.0
    )
    unequal = [*bisections, (0, 1, 3)]
    assert undetermined(differences(unequal, steps, kind, closed, images)[1], np.arange(images) * 45.0) is None


def test_an_image_that_was_never_compared_is_named():
    triads = [(0, 1, 2), (0, 1, 3), (1, 2, 4), (0, 2, 3), (1, 3, 4), (0, 2, 4)]
    slope = differences(triads, np.ones(6), "path", False, 7)[1]
    assert "40 and 50 degrees" in undetermined(slope, np.arange(7) * 10.0)


def test_too_few_comparisons_are_told():
    slope = differences([(0, 2, 3), (1, 3, 6), (0, 4, 6)], np.ones(6), "path", False, 7)[1]
    assert "too few" in undetermined(slope, np.arange(7) * 10.0)
