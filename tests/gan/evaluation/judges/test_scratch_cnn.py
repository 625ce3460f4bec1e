"""The network trained from scratch, on noise whose difference is known."""

import numpy as np
import pytest
import torch

from gan.evaluation.judges.scratch_cnn import scratch_cnn

EPOCHS = 6


def noise(n, seed, correlated=False, size=32):
    """White noise, or noise of the same variance whose neighbours are alike."""
    white = np.random.default_rng(seed).standard_normal((n, size, size))
    mixed = (white + np.roll(white, 1, axis=2)) / 2**0.5 if correlated else white
    return (0.5 + 0.1 * mixed).astype(np.float32)


def judged(real, fake, groups=None):
    groups = np.arange(len(real)) if groups is None else groups
    return scratch_cnn(*map(torch.from_numpy, (real, fake)), groups, np.arange(len(fake)), epochs=EPOCHS)


def auc(separation):
    return separation.auc(*(torch.ones(n, dtype=torch.float64) for n in reversed(separation.wins.shape)))


@pytest.mark.slow
def test_a_change_at_pixel_scale_is_seen_and_none_is_not():
    assert auc(judged(noise(80, 0), noise(80, 1, correlated=True))) > 0.9
    assert abs(auc(judged(noise(80, 0), noise(80, 1))) - 0.5) < 0.15


def test_a_change_is_seen_in_images_of_sixteen_pixels():
    assert auc(judged(noise(80, 0, size=16), noise(80, 1, correlated=True, size=16))) > 0.9


def test_a_patient_is_in_one_fold_and_the_seed_decides():
    groups = np.repeat(np.arange(10), 4)
    first, again = (judged(noise(40, 0), noise(40, 1), groups) for _ in range(2))
    assert torch.equal(first.wins, again.wins)
    assert all((first.counted[:, i::4] == first.counted[:, ::4]).all() for i in range(4))


def test_the_callers_random_numbers_are_left_alone():
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    judged(noise(20, 0), noise(20, 1))
    assert torch.rand(1) == pytest.approx(expected)
