"""Matching to the mean: against other derivations, and what it must leave alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from data.arrays import Floats
from stimuli.images import quantise
from stimuli.sets import Layout, StimulusSet
from stimuli.sets.matching import match_images

Refuses = Callable[[str], AbstractContextManager[Any]]


def textures(count: int, side: int, seed: int = 0) -> Floats:
    """Images of different brightness, contrast and sharpness."""
    rng = np.random.default_rng(seed)
    found = []
    for n in range(count):
        noise = gaussian_filter(rng.normal(size=(side, side)), 0.4 + 0.4 * (n % 4), mode="wrap")
        found.append(0.5 + 0.04 * (n % 5 - 2) + (0.08 + 0.02 * (n % 3)) * noise / noise.std())
    return np.clip(np.stack(found), 0, 1)


def ring_averages(image: Floats) -> Floats:
    """Mean amplitude by whole cycles per image, from a plain sum over pixels for every frequency."""
    side = len(image)
    wave = np.exp(-2j * np.pi * np.outer(np.arange(side), np.arange(side)) / side)
    amplitude = np.abs(wave @ image @ wave.T)
    signed = np.where(np.arange(side) < side / 2, np.arange(side), np.arange(side) - side)
    radius = np.rint(np.sqrt(signed[:, None] ** 2.0 + signed[None] ** 2)).astype(int)
    return np.array([amplitude[radius == one].mean() for one in range(radius.max() + 1)])


# Grey levels


def test_all_images_get_the_average_histogram() -> None:
    images = textures(7, 24)
    matched, about = match_images(images, "grey-levels")
    assert about["reference_images"] == 7
    histograms = [np.bincount(quantise(one, 8).reshape(-1), minlength=256) for one in matched]
    for one in histograms[1:]:
        np.testing.assert_array_equal(one, histograms[0])
    # Cumulative counts of all images together, per image: rounding of a grey moves at most one pixel.
    together = np.sort(images.reshape(-1))
    for level in np.linspace(0.05, 0.95, 19):
        wanted = np.searchsorted(together, level) / 7
        assert abs(float((matched[0] < level).sum()) - wanted) <= 1
    assert matched.mean() == pytest.approx(images.mean(), abs=1e-6)


def test_ranks_within_an_image_stay() -> None:
    images = textures(5, 20, seed=3)
    matched, _ = match_images(images, "grey-levels")
    for before, after in zip(images, matched, strict=True):
        order = np.argsort(before, axis=None)
        assert (np.diff(after.reshape(-1)[order]) >= 0).all()


def test_scikit_image_finds_the_same_greys() -> None:
    exposure = pytest.importorskip("skimage.exposure")
    images = textures(4, 24, seed=5)
    matched, _ = match_images(images, "grey-levels")
    for before, after in zip(images, matched, strict=True):
        # Its quantiles are interpolated, ours are means of as many greys as there are images.
        theirs = exposure.match_histograms(before, images.reshape(-1, 24))
        inner = (after > np.quantile(after, 0.02)) & (after < np.quantile(after, 0.98))
        np.testing.assert_allclose(after[inner], theirs[inner], atol=4e-3)


def test_equal_pixels_are_put_in_order_by_what_is_around_them() -> None:
    image = np.full((9, 9), 0.5)
    image[:, 6:] = 0.9
    image[:, :3] = 0.1
    other = np.linspace(0, 1, 81).reshape(9, 9)
    matched, _ = match_images(np.stack([image, other]), "grey-levels", [False, True])
    middle = matched[0][:, 3:6]
    # Beside the bright part, equal pixels are brighter than beside the dark part.
    assert middle[:, 2].min() > middle[:, 0].max()
    np.testing.assert_allclose(np.sort(matched[0], axis=None), np.sort(other, axis=None), atol=1e-6)


def test_a_flat_area_does_not_become_a_ramp() -> None:
    image = np.zeros((32, 32))
    image[:, 24:] = np.random.default_rng(0).random((32, 8))
    matched, _ = match_images(np.stack([image, textures(1, 32)[0]]), "grey-levels")
    flat = matched[0][:, :20]
    rows = np.arange(32)
    assert abs(np.corrcoef(rows, flat.mean(axis=1))[0, 1]) < 0.6
    assert np.ptp(flat.mean(axis=1)) < flat.std()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 6), side=st.integers(2, 20))
def test_matching_grey_levels_twice_changes_nothing(seed: int, count: int, side: int) -> None:
    images = np.random.default_rng(seed).random((count, side, side))
    once, _ = match_images(images, "grey-levels")
    twice, _ = match_images(once, "grey-levels")
    np.testing.assert_allclose(once, twice, atol=1e-6)


# Spectra


@pytest.mark.parametrize("side", [24, 25])
def test_all_images_get_the_average_spectrum(side: int) -> None:
    images = textures(6, side)
    matched, about = match_images(images, "spectrum")
    wanted = np.mean([ring_averages(one) for one in images], axis=0)
    factor = about["contrast_factor"]
    for one in matched.astype(np.float64):
        found = ring_averages(one)
        assert found[0] == pytest.approx(wanted[0], rel=1e-6)
        np.testing.assert_allclose(found[1:], factor * wanted[1:], rtol=1e-3, atol=1e-4)


def test_phases_stay() -> None:
    images = textures(4, 16, seed=2)
    matched, _ = match_images(images, "spectrum")
    for before, after in zip(images, matched.astype(np.float64), strict=True):
        turn = np.fft.fft2(after) * np.conj(np.fft.fft2(before))
        strong = np.abs(turn) > 1e-3
        np.testing.assert_allclose(np.angle(turn[strong]), 0, atol=1e-3)


def test_nothing_is_clipped_and_contrast_is_reduced_by_one_factor() -> None:
    images = np.random.default_rng(1).random((4, 32, 32))
    images[0] = (images[0] > 0.5) * 1.0
    matched, about = match_images(images, "spectrum")
    assert 0.2 < about["contrast_factor"] < 1
    assert matched.min() >= 0
    assert matched.max() <= 1
    # The extreme pixel touches black or white, and only it.
    touching = (matched < 1e-6) | (matched > 1 - 1e-6)
    assert touching.sum() == 1


def test_images_that_are_not_square_have_rings_of_one_frequency() -> None:
    rng = np.random.default_rng(0)
    images = np.clip(rng.normal(0.5, [[[0.05]], [[0.1]]], (2, 24, 40)), 0, 1)
    matched, _ = match_images(images, "spectrum")
    np.testing.assert_allclose(matched.std(axis=(1, 2))[0], matched.std(axis=(1, 2))[1], rtol=0.02)


# Both


@pytest.mark.parametrize("match", ["grey-levels", "spectrum"])
def test_images_that_do_not_count_are_matched_but_do_not_matter(match: Any) -> None:
    images = textures(6, 20)
    some = [True] * 4 + [False] * 2
    matched, about = match_images(images, match, some)
    without, _ = match_images(images[:4], match)
    assert about["reference_images"] == 4
    if match == "grey-levels":
        np.testing.assert_allclose(matched[:4], without, atol=1e-6)
        np.testing.assert_allclose(np.sort(matched[5], axis=None), np.sort(without[0], axis=None), atol=1e-6)
    else:
        assert matched[5].mean() == pytest.approx(matched[0].mean(), abs=1e-6)


def test_unknown_words_and_empty_references_are_refused(refuses: Refuses) -> None:
    images = textures(2, 16)
    with refuses("unknown-choice") as caught:
        match_images(images, "luminance")  # type: ignore[arg-type]
    assert "grey-levels or spectrum" in str(caught.value)
    for bad in ((images, [False, False]), (images, [True]), (images[0], None)):
        with refuses("set-too-small"):
            match_images(bad[0], "spectrum", bad[1])


@pytest.mark.parametrize("match", ["grey-levels", "spectrum"])
def test_a_set_is_matched_whatever_the_truth_and_says_so(build: Callable[..., StimulusSet], match: str) -> None:
    made = build(Layout(main=8, practice=2, catch=3, bits=16), match=match)
    assert made.about["match"]["kind"] == match
    assert made.about["match"]["reference_images"] == 10
    levels = made.table[["mean"] if match == "spectrum" else ["mean", "sd", "p01", "p99"]]
    assert (levels.max() - levels.min()).max() < 1e-4
    plain = build(Layout(main=8, practice=2, catch=3, bits=16), "plain")
    assert "match" not in plain.about
    assert list(plain.table["source"]) == list(made.table["source"])
    assert plain.table["mean"].max() - plain.table["mean"].min() > 0.01
