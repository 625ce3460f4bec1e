"""Whether images are as near to real ones as real ones are, and pass for them."""

import numpy as np
import pytest

from gan.composition.judge import FALSE_ALARMS, describe, real_images, train_classifier

PATIENTS = np.array([f"p{number // 2}" for number in range(120)])


@pytest.fixture(scope="module")
def described():
    return np.random.default_rng(0).standard_normal((120, 12))


def test_real_images_are_at_the_usual_distance_and_strange_ones_beyond(described):
    rng = np.random.default_rng(1)
    real = real_images(described, PATIENTS)
    assert np.median(real.distance(rng.standard_normal((200, 12)))) == pytest.approx(1, abs=0.1)
    assert real.distance(rng.standard_normal((5, 12)) + 4).min() > 2
    assert real.distance(described[:3]) == pytest.approx(0, abs=1e-3)


def test_patients_of_the_composed_images_are_not_what_they_are_compared_with(described):
    without = real_images(described, PATIENTS, ["p0", "p1"])
    assert len(without.features) == 116
    assert without.distance(described[:4]).min() > 0.3


def test_a_classifier_knows_reconstructions_of_patients_it_has_not_seen(described):
    blurred = 0.5 * described + 1.0
    found = train_classifier(described, blurred, PATIENTS)
    assert found.auc > 0.9
    fresh = np.random.default_rng(2).standard_normal((400, 12))
    assert (found.chance(fresh) <= FALSE_ALARMS).mean() < 0.12
    assert (found.chance(0.5 * fresh + 1.0) <= FALSE_ALARMS).mean() > 0.5


def test_a_classifier_of_two_draws_of_the_same_is_at_chance(described):
    other = np.random.default_rng(3).standard_normal((120, 12))
    assert train_classifier(described, other, PATIENTS).auc == pytest.approx(0.5, abs=0.15)


def test_few_patients_are_refused(described, refuses):
    with refuses("set-too-small"):
        real_images(described[:38], PATIENTS[:38])
    with refuses("set-too-small"):
        train_classifier(described, described, PATIENTS, [f"p{number}" for number in range(41)])


def test_blur_changes_the_finest_band_most():
    from scipy.ndimage import gaussian_filter

    images = np.random.default_rng(0).random((2, 32, 32)).astype(np.float32)
    change = (describe(gaussian_filter(images, (0, 0.7, 0.7))) - describe(images))[:, -5:]
    assert (change[:, 0] < -0.5).all()
    assert (np.abs(change[:, 0]) > 3 * np.abs(change[:, -1])).all()
