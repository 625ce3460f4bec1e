"""Directions are found where labels follow from codes, and only there."""

import numpy as np
import pandas as pd
import pytest

from gan.directions.fit import (
    FittedDirection,
    appearance,
    auc_estimate,
    fit_to_codes,
    fit_to_images,
    keep_apart,
    nearest_orthonormal,
)
from gan.directions.sample import Sample


@pytest.fixture
def rng():
    return np.random.default_rng(4)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_orthonormal_vectors_are_the_nearest_ones(rng):
    ways = unit(rng.standard_normal((3, 20)) + 0.5)
    found = nearest_orthonormal(ways)
    np.testing.assert_allclose(found @ found.T, np.eye(3), atol=1e-12)
    best = np.square(ways - found).sum()
    for _ in range(50):  # no other orthonormal set in the same space is nearer
        turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
        assert np.square(ways - turn @ found).sum() >= best - 1e-12
    # The order does not matter.
    np.testing.assert_allclose(nearest_orthonormal(ways[::-1])[::-1], found, atol=1e-12)


def test_what_was_not_learned_does_not_turn_the_others(rng):
    kept_out = np.linalg.qr(rng.standard_normal((10, 2)))[0]
    auc, chance = auc_estimate(*separable(1.0)), auc_estimate(*separable(0.0))
    found = [
        FittedDirection(name, way, one, np.nan, 30, 30)
        for name, way, one in zip("abc", rng.standard_normal((3, 10)), (auc, chance, auc), strict=True)
    ]
    assert [one.learned for one in found] == [True, False, True]
    apart = keep_apart(found, kept_out)
    ways = np.stack([one.way for one in apart])
    np.testing.assert_allclose(ways @ kept_out, 0, atol=1e-12)
    np.testing.assert_allclose(np.square(ways).sum(axis=1), 1)
    assert ways[0] @ ways[2] == pytest.approx(0, abs=1e-12)
    assert abs(ways[0] @ ways[1]) > 1e-3


def separable(shift):
    rng, truth = np.random.default_rng(0), np.repeat([0, 1], 30)
    return truth, rng.standard_normal(60) * (shift == 0) + shift * truth, np.arange(60)


def test_the_interval_of_an_auc_holds_the_published_one():
    """Hanley & McNeil (1982), Radiology 143:29: SE from the AUC; here of 60 independent images."""
    rng, truth = np.random.default_rng(1), np.repeat([0, 1], 60)
    scores = rng.standard_normal(120) + truth
    found = auc_estimate(truth, scores, np.arange(120))
    area = found.value
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    error = np.sqrt((area * (1 - area) + 59 * (q1 - area**2) + 59 * (q2 - area**2)) / 60**2)
    assert (found.high - found.low) / (2 * 1.96 * error) == pytest.approx(1, abs=0.15)


def world(codes):
    """Images whose grey, contrast and detail follow the first three codes, and the tilt of a grating the fourth."""
    rng = np.random.default_rng(9)
    y, x = np.mgrid[:32, :32] / 32
    tilt = np.pi / 4 * (1 + np.tanh(codes[:, 3]))[:, None, None]
    phase = rng.uniform(0, 2 * np.pi, (len(codes), 1, 1))
    grating = np.sin(2 * np.pi * 5 * (x * np.cos(tilt) + y * np.sin(tilt)) + phase)
    grain = rng.standard_normal(grating.shape) * np.exp(0.4 * codes[:, 2, None, None])
    images = (
        0.5 + 0.03 * codes[:, 0, None, None] + 0.06 * np.exp(0.3 * codes[:, 1, None, None]) * grating + 0.01 * grain
    )
    return Sample(codes, np.clip(images, 0, 1).astype(np.float32))


def test_appearance_is_what_moves_grey_contrast_and_detail(rng):
    basis = appearance(world(rng.standard_normal((800, 12))))
    np.testing.assert_allclose(basis.T @ basis, np.eye(3), atol=1e-9)
    assert np.square(basis[:3]).sum() > 2.85  # of 3: it spans the first three codes


def test_codes_lead_to_the_direction_that_labels_follow(rng):
    codes, way = rng.standard_normal((600, 12)), unit(rng.standard_normal((1, 12)))[0]
    labels = pd.DataFrame({"real": (codes @ way > 0).astype(float), "none": rng.integers(0, 2, 600).astype(float)})
    labels.loc[:10, "real"] = np.nan
    patients = np.repeat(np.arange(300), 2).astype(str)
    real, none = fit_to_codes(codes, labels, patients, world(codes))
    assert real.auc.low > 0.9
    assert real.with_label + real.without_label == 589
    assert not none.learned
    assert np.abs(real.way[:3]).max() < 0.1  # what moves grey, contrast and detail is kept out
    assert real.way[3:] @ unit(way[None, 3:])[0] > 0.97


@pytest.mark.slow
def test_images_lead_to_the_direction_that_labels_follow(rng):
    """A classifier of images whose label is the sign of a code finds that code, although it has seen none."""
    real, made = world(rng.standard_normal((240, 12))), world(rng.standard_normal((400, 12)))
    labels = pd.DataFrame({"tilt": (real.codes[:, 3] > 0).astype(float)})
    (found,) = fit_to_images(real.images, labels, np.arange(240).astype(str), made)
    assert found.learned
    assert found.way[3] > 0.9
    assert 0.3 < found.explained < 1
