"""Statistics of places and of specks: each says where, or how far beyond the rest, and nothing else."""

import pytest
import torch

from gan.adversaries.pixels.layout import LAYOUT, TAILS, layout, tails

PLACES, SCALES, POWERS = 8, 4, 3


def images(count=100, size=64, seed=0):
    return 0.1 * torch.randn(count, 1, size, size, generator=torch.Generator().manual_seed(seed))


def parts(found):
    return found.mean(dim=0).unflatten(0, (2, PLACES, PLACES))


@pytest.mark.parametrize("contrast", [1.0, 0.1])
def test_brightness_is_told_by_place_whatever_the_contrast(contrast):
    """One bright place in 64 is √63 SD above the rest."""
    plain = 0.02 * images()
    plain[:, :, 16:24, 40:48] += 0.5
    found = parts(layout(contrast * plain + 0.3))[0]
    assert float(found[2, 5]) == pytest.approx(63**0.5, abs=0.02)
    assert float(found[7, 0]) == pytest.approx(-(63**-0.5), abs=0.02)


def test_fine_detail_is_told_by_place():
    plain = images()
    dull = plain.clone()
    dull[:, :, 16:24, 40:48] *= 0.5
    change = parts(layout(dull) - layout(plain))[1]
    assert change[2, 5] < -0.5
    assert change[5:].abs().max() < 0.01


@pytest.mark.parametrize(("sign", "side"), [(1, 0), (-1, 1)])
def test_specks_show_on_their_side(sign, side):
    """At the finest scale, the more the higher the power."""
    plain = images()
    specked = plain.clone()
    specked[:, :, 30, 30] += sign * 1.5
    change = (tails(specked) - tails(plain)).mean(dim=0).unflatten(0, (SCALES, 2, POWERS))[0]
    assert change[side, -1] > 0.5
    assert change[side].diff().min() > 0
    # A blur leaves a little of the other sign around a speck.
    assert change[1 - side, -1] < 0.5 * change[side, -1]


def test_a_blob_shows_at_its_own_scale():
    plain = images()
    blob = plain.clone()
    blob[:, :, 28:34, 28:34] += 0.4
    change = (tails(blob) - tails(plain)).mean(dim=0).unflatten(0, (SCALES, 2, POWERS))[:, 0, -1]
    assert change[2] > change[0] + 0.2


def test_contrast_and_brightness_change_no_tails():
    torch.testing.assert_close(tails(images()), tails(3 * images() + 0.2), atol=1e-2, rtol=0)


@pytest.mark.parametrize("size", [8, 16])
def test_flat_images_are_finite_and_have_a_gradient(size):
    flat = torch.zeros(2, 1, size, size, requires_grad=True)
    for statistics, count in ((layout, LAYOUT), (tails, TAILS)):
        found = statistics(flat)
        assert found.shape == (2, count)
        (gradient,) = torch.autograd.grad(found.sum(), flat)
        assert torch.isfinite(gradient).all()
