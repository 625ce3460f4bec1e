"""Trivial cues: measured right, found where they are put, and not found where they are not."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from PIL import Image as Pillow
from scipy.ndimage import gaussian_filter
from scipy.special import ndtr

from analysis.image_cues import cues
from analysis.image_cues.grouped_auc import smallest_detectable_auc

Images = npt.NDArray[np.float64]
HALVES = np.repeat(["real", "generated"], 40)


def textures(count: int, seed: int, slope: float = -2.0, side: int = 64) -> Images:
    """Noise with power ∝ f^slope, mean .5, SD .1, clipped to [0, 1]; cut from a field twice as large, so that
    opposite borders do not fit."""
    rng = np.random.default_rng(seed)
    f = np.hypot(np.fft.fftfreq(2 * side)[:, None], np.fft.fftfreq(2 * side))
    f[0, 0] = 1
    shaped = np.fft.fft2(rng.normal(size=(count, 2 * side, 2 * side))) * f ** (slope / 2)
    shaped[:, 0, 0] = 0
    field = np.fft.ifft2(shaped).real
    return np.clip(0.5 + 0.1 * (field / field.std(axis=(1, 2), keepdims=True))[:, :side, :side], 0, 1)


def test_moments_are_their_definitions() -> None:
    image = np.random.default_rng(1).random((1, 16, 20)) ** 2
    row = cues.measure_cues(image).iloc[0]
    apart = image - image.mean()
    sd = math.sqrt(np.mean(apart**2))
    assert row["mean"] == pytest.approx(image.mean())
    assert row["contrast"] == pytest.approx(sd)
    assert row["skewness"] == pytest.approx(np.mean(apart**3) / sd**3)
    assert row["kurtosis"] == pytest.approx(np.mean(apart**4) / sd**4 - 3)


@pytest.mark.slow
@pytest.mark.parametrize("slope", [0.0, -1.0, -2.0, -3.0])
def test_spectrum_slope_is_the_one_put_in(slope: float) -> None:
    """Mean of 20 textures, to .1."""
    measured = cues.measure_cues(textures(20, 2, slope, side=96))["spectrum_slope"]
    assert measured.mean() == pytest.approx(slope, abs=0.1)


@pytest.mark.parametrize("sd", [0.01, 0.05])
def test_noise_is_immerkaers_estimate(sd: float) -> None:
    """White noise on a ramp: its SD comes out to 1%, and a ramp alone has none."""
    ramp = np.linspace(0.3, 0.7, 64)[:, None] + np.zeros((20, 64, 64))
    noisy = ramp + np.random.default_rng(3).normal(0, sd, ramp.shape)
    assert cues.measure_cues(noisy)["noise"].mean() == pytest.approx(sd, rel=0.01)
    assert cues.measure_cues(ramp)["noise"].max() < 1e-12


def test_anisotropy_runs_from_isotropic_to_grating() -> None:
    texture = textures(20, 4)
    y, x = np.mgrid[:64, :64]
    gratings = np.stack([0.5 + 0.2 * np.sign(np.sin(0.9 * axis)) for axis in (x, y)])
    measured = cues.measure_cues(np.concatenate([texture, texture.transpose(0, 2, 1), gratings]))[
        "anisotropy"
    ].to_numpy()
    assert measured[:20].max() < 0.4
    np.testing.assert_allclose(measured[:20], measured[20:40], rtol=1e-9)
    assert measured[40:].min() > 0.9
    streaked = gaussian_filter(texture, (0, 0, 1.0))
    assert cues.measure_cues(streaked)["anisotropy"].mean() > measured[:20].mean() + 0.2


def test_border_is_frame_less_inside() -> None:
    """A frame of 4 px at 64 px: .2 on an inside of .5 with stripes of SD .1."""
    image = np.full((64, 64), 0.2)
    image[4:-4, 4:-4] = 0.5 + 0.1 * (-1.0) ** np.arange(56)
    row = cues.measure_cues([image]).iloc[0]
    assert row["border_mean"] == pytest.approx(-0.3)
    assert row["border_contrast"] == pytest.approx(-0.1)


def test_jpeg_grid_by_hand() -> None:
    """Flat blocks of 8 px: a step of h meets h, and half of it on either side, so b = 14/2 h over 54 places against
    a = h: (54 − 7) / (54 + 7). Blocks that start elsewhere count as texture."""
    blocks = np.kron(np.random.default_rng(5).random((9, 9)), np.ones((8, 8)))
    measured = cues.measure_cues([blocks[:64, :64], blocks[4:68, 4:68]])["jpeg_grid"]
    assert measured[0] == pytest.approx(47 / 61)
    assert measured[1] < 0


def test_a_flat_image_is_undefined_where_it_must_be() -> None:
    row = cues.measure_cues([np.full((32, 32), 0.5)]).iloc[0]
    assert (row["mean"], row["contrast"], row["noise"], row["border_mean"]) == (0.5, 0, 0, 0)
    assert row[["skewness", "kurtosis", "spectrum_slope", "anisotropy", "jpeg_grid"]].isna().all()


def test_measuring_image_by_image_or_at_once_is_the_same() -> None:
    images = textures(20, 6, side=32)
    pd.testing.assert_frame_equal(cues.measure_cues(images), cues.measure_cues(iter(images)))
    assert list(cues.measure_cues([]).columns) == list(cues.CUES)


def _jpeg(images: Images) -> Images:
    decoded = []
    for image in images:
        buffer = io.BytesIO()
        Pillow.fromarray(np.rint(255 * image).astype(np.uint8)).save(buffer, "JPEG", quality=60)
        decoded.append(np.asarray(Pillow.open(buffer)) / 255)
    return np.stack(decoded)


def _dark_border(images: Images) -> Images:
    dark = images.copy()
    for part in (dark[:, 0], dark[:, -1], dark[:, :, 0], dark[:, :, -1]):
        part *= 0.2
    return dark


@pytest.mark.slow
@pytest.mark.parametrize(
    ("artefact", "cue", "direction"),
    [
        (lambda images: gaussian_filter(images, (0, 0.6, 0.6)), "noise", -1),
        (_jpeg, "jpeg_grid", 1),
        (lambda images: np.clip(images - 0.04, 0, 1), "mean", -1),
        (_dark_border, "border_mean", -1),
        (lambda images: np.clip(0.5 + 1.3 * (images - 0.5), 0, 1), "contrast", 1),
        (lambda images: np.clip(gaussian_filter(images, (0, 0.0, 0.8)), 0, 1), "anisotropy", 1),
    ],
)
def test_a_known_artefact_is_found_by_its_cue(artefact: Callable[[Images], Images], cue: str, direction: int) -> None:
    """40 textures against 40 others with the artefact: found by that cue (Holm), and by all together."""
    images = textures(80, 7)
    measured = cues.measure_cues(np.concatenate([images[:40], artefact(images[40:])]))
    found = cues.compare_cues(measured, HALVES, permutations=19, folds=3)
    by_name = {one.cue: one for one in found.cues}
    assert by_name[cue].p_holm < 0.001
    assert direction * (by_name[cue].auc - 0.5) > 0.2
    assert by_name[cue].distance == pytest.approx(abs(by_name[cue].auc - 0.5))
    assert direction * (by_name[cue].generated_median - by_name[cue].real_median) > 0
    # Blur and JPEG change several cues; the others leave brightness alone or are of brightness only.
    assert by_name[cue].distance >= max(one.distance for one in found.cues) - 0.1
    assert found.combined.p == 0.05
    assert found.combined.auc > 0.8


@pytest.mark.slow
def test_two_halves_of_the_same_images_are_seldom_discriminated() -> None:
    """40 random halvings, patients whole: any cue after Holm, and the classifier, in 5% (2 expected, up to 6)."""
    images = textures(80, 8, side=32)
    images[1::2] = 0.7 * images[1::2] + 0.3 * images[::2]  # two images of a patient are alike
    measured = cues.measure_cues(images)
    patient = np.repeat(np.arange(40), 2)
    rng = np.random.default_rng(9)
    single = combined = 0
    for _ in range(40):
        truth = np.repeat(rng.permutation(HALVES[::2]), 2)
        found = cues.compare_cues(measured, truth, patient, permutations=19, folds=2)
        single += min(one.p_holm for one in found.cues) < 0.05
        combined += found.combined.p <= 0.05
        assert found.combined.groups == 40
    assert single <= 6
    assert combined <= 6


@pytest.mark.slow
def test_cues_together_find_what_none_finds_alone() -> None:
    rng = np.random.default_rng(10)
    common = rng.normal(size=80)
    shift = np.where(HALVES == "generated", 0.3, -0.3)
    table = pd.DataFrame({"a": common + 0.1 * rng.normal(size=80) + shift / 2, "b": common - shift / 2})
    found = cues.compare_cues(table, HALVES, permutations=19)
    assert max(one.distance for one in found.cues) < 0.2
    assert found.combined.auc > 0.95


def test_auc_and_its_adjusted_p_are_those_of_each_cue() -> None:
    """Normal cues with d′ = .3, .6, .9: Holm by hand, and a smallest detectable AUC at α/3."""
    rng = np.random.default_rng(11)
    generated = (HALVES == "generated")[:, None]
    table = pd.DataFrame(rng.normal(size=(80, 3)) + generated * [0.3, 0.6, 0.9], columns=["x", "y", "z"])
    found = cues.compare_cues(table, HALVES, permutations=19).to_frame().set_index("cue")
    ordered = found.sort_values("p")
    by_hand = np.minimum(np.maximum.accumulate(ordered["p"] * [3, 2, 1]), 1)
    np.testing.assert_allclose(ordered["p_holm"], by_hand)
    assert found.loc["z", "auc"] == pytest.approx(ndtr(0.9 / math.sqrt(2)), abs=0.15)
    assert found.loc["x", "smallest_detectable"] == pytest.approx(smallest_detectable_auc(40, 40, alpha=0.05 / 3))
    assert found.loc["x", "real_median"] == pytest.approx(table["x"][:40].median())


@pytest.mark.slow
def test_undefined_cues_are_counted_and_left_out() -> None:
    rng = np.random.default_rng(12)
    table = pd.DataFrame({"a": rng.normal(size=80), "b": rng.normal(size=80), "flat": 1.0, "none": np.nan})
    table.loc[40:, "a"] += 1
    table.loc[:4, "b"] = np.nan
    found = cues.compare_cues(table.drop(columns="none"), HALVES, permutations=19)
    assert [one.unmeasured for one in found.cues] == [0, 5, 0]
    assert found.incomplete == 5
    assert (found.combined.real, found.combined.generated) == (35, 40)
    flat = found.cues[2]
    assert (flat.auc, flat.distance) == (0.5, 0)
    assert math.isnan(flat.p_holm)
    assert flat.reason == "all scores tie: no interval"
    # A cue that could not be tested does not count in the adjustment of the others.
    assert found.cues[0].p_holm == pytest.approx(2 * found.cues[0].p)
    nothing = cues.compare_cues(table, HALVES, permutations=19)
    assert nothing.incomplete == 80
    assert nothing.cues[3].unmeasured == 80
    assert "fewer than two patients" in str(nothing.combined.reason)


@pytest.mark.slow
def test_results_become_tables_and_plain_values() -> None:
    found = cues.compare_cues(cues.measure_cues(textures(80, 13, side=16)), HALVES, permutations=19)
    assert list(found.to_frame()["cue"]) == list(cues.CUES)
    plain = found.to_dict()
    assert isinstance(plain["cues"][0]["auc"], float)
    assert isinstance(plain["combined"]["score"], list)


def test_wrong_input_is_refused(refuses: Any) -> None:
    table = pd.DataFrame({"a": np.arange(80.0)})
    with refuses("no-cue"):
        cues.compare_cues(table[[]], HALVES)
    with refuses("unequal-lengths") as caught:
        cues.compare_cues(table, HALVES[:10])
    assert "10 truths and 80 images" in str(caught.value)
    with refuses("unknown-word"):
        cues.compare_cues(table, ["fake"] * 80)
    with refuses("missing-value") as caught:
        cues.compare_cues(table, HALVES, [""] * 80)
    assert "40 real images have no patient" in str(caught.value)
    with refuses("not-a-number"):
        cues.compare_cues(table.replace(3.0, np.inf), HALVES)


@pytest.mark.parametrize(
    ("images", "code", "fact"),
    [
        ([np.zeros((32, 32)), np.zeros((32, 16))], "wrong-size", "image 1: has shape (32, 16)"),
        ([np.zeros((32, 32, 3))], "wrong-image-shape", "image 0"),
        ([np.zeros((32, 8))], "image-too-small", "at least 16 px"),
        ([np.zeros((16, 16)), np.full((16, 16), np.nan)], "not-a-number", "image 1"),
        (np.full((2, 16, 16), 255.0), "out-of-range", "image 0: runs from 255 to 255"),
        (np.full((2, 16, 16), -0.1), "out-of-range", "P-values from 0 to 1"),
    ],
)
def test_images_that_are_not_p_values_are_refused(images: Any, code: str, fact: str, refuses: Any) -> None:
    with refuses(code) as caught:
        cues.measure_cues(images)
    assert fact in str(caught.value)
