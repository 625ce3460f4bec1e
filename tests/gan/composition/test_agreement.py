"""Measures of what a composed image keeps, on images of which the answer is known."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch.nn import functional as F

from gan.composition.agreement import _grams, gram_distance, outline_dice, seam, shape_correlation, texture_correlation
from gan.composition.comparators import stitched
from gan.composition.parts import Part
from gan.composition.transfer import bring_in
from gan.composition.trend import detail


@pytest.fixture
def transfer(texture, template):
    return bring_in(texture, template)


def test_texture_correlation_tells_the_texture_from_the_templates_own(template, transfer):
    assert texture_correlation(transfer.target, template, transfer) > 0.85
    assert abs(texture_correlation(template.image, template, transfer)) < 0.35


def test_texture_correlation_does_not_depend_on_grey_level_contrast_or_trend(template, transfer):
    rows = np.arange(32)[:, None] / 32
    changed = 0.1 + 0.5 * transfer.target + 0.1 * rows
    same = texture_correlation(transfer.target, template, transfer)
    assert texture_correlation(changed.astype(np.float32), template, transfer) == pytest.approx(same, abs=0.01)


def test_an_image_without_detail_has_no_texture_to_correlate(template, transfer):
    flat = np.full_like(template.image, 0.5)
    assert abs(texture_correlation(flat, template, transfer)) < 0.5 or np.isnan(
        texture_correlation(flat, template, transfer)
    )


def test_gram_distance_is_small_wherever_the_texture_lies_and_large_for_another(lesion, template, features):
    fine, again, coarse = lesion("fine", 0.6, 1), lesion("again", 0.6, 11), lesion("coarse", 2.0, 12)
    transfer = bring_in(fine, template)
    same, fresh, other = (
        gram_distance(bring_in(one, template).target, template, transfer, features) for one in (fine, again, coarse)
    )
    assert same < fresh < other
    assert other > 0.5


def test_gram_distance_is_1_for_no_texture(template, transfer, features):
    slope = (0.3 + 0.01 * np.arange(32)[:, None] * np.ones(32)).astype(np.float32)
    assert gram_distance(slope, template, transfer, features) == pytest.approx(1, abs=0.02)


def test_gram_matrices_are_those_of_the_equation(template, features):
    # conv1_1 and conv1_2 by hand: sums over positions inside of products of features less those of mid-grey.
    given = detail(template.image.astype(float), template.inside.astype(float))
    found = _grams(given, template.inside, features)

    def first_two(image):
        x = ((torch.from_numpy(image.astype(np.float32)) + 0.5).expand(1, 3, 32, 32) - features.mean) / features.sd
        one = F.relu(features.features["0"](x))
        return one[0], F.relu(features.features["2"](one))[0]

    for gram, maps, grey in zip(found, first_two(given), first_two(np.zeros((32, 32))), strict=False):
        inside = (maps - grey)[:, torch.from_numpy(template.inside)]
        torch.testing.assert_close(gram, inside @ inside.T / inside.shape[1], rtol=1e-3, atol=1e-5)
    assert len(found) == 7


def test_shape_correlation_looks_outside_only(template, transfer):
    assert shape_correlation(transfer.target, template) > 0.99
    inside = np.where(template.inside, 0, template.image)
    assert shape_correlation(inside, template) == pytest.approx(1)
    other = np.random.default_rng(0).random((32, 32)).astype(np.float32)
    assert abs(shape_correlation(other, template)) < 0.2
    assert np.isnan(shape_correlation(np.ones_like(other), template))


def test_the_outline_is_found_again_unless_it_has_moved(disc):
    def image(row, column, radius):
        noise = 0.005 * np.random.default_rng(0).standard_normal((64, 64))
        return (0.3 + 0.3 * gaussian_filter(disc(row, column, radius, 64).astype(float), 1) + noise).astype(np.float32)

    template = Part("disc", image(32, 32, 14), disc(32, 32, 14, 64))
    assert outline_dice(template.image, template) == 1
    assert outline_dice(np.clip(template.image + 0.2, 0, 1), template) > 0.95  # brighter, the same outline
    assert outline_dice(image(32, 32, 10), template) < 0.8
    assert outline_dice(image(36, 28, 14), template) < 0.9


def test_a_stitch_has_a_seam_and_the_target_has_none(lesion, template):
    other = lesion("other", 2.0, 5, radius=8)
    transfer = bring_in(Part("brighter", np.clip(other.image + 0.3, 0, 1), other.mask), template)
    with_seam, without = seam(stitched(transfer, template), template), seam(transfer.target, template)
    assert with_seam > 2
    assert without < 0.6 * with_seam


def test_white_noise_has_no_seam(disc):
    noise = np.random.default_rng(0).random((64, 64)).astype(np.float32)
    assert seam(noise, Part("noise", noise, disc(32, 32, 14, 64))) == pytest.approx(1, abs=0.15)
