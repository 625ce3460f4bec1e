"""Components of variance: expected values over every sample of a small population, and what they predict."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from analysis.mrmc import components as mrmc_components
from analysis.mrmc import mrmc
from analysis.mrmc.components import Components, predicted_se, variance_components
from analysis.readings import from_matrix

NAMES = ("reader", "generated", "real", "pair", "reader_generated", "reader_real", "reader_pair")


def population() -> npt.NDArray[np.float64]:
    """Ratings of 2 readers, classes (real, generated) and 2 images; the kernels follow from them."""
    return np.array([[[1, 3], [2, 3]], [[0, 2], [4, 1]]], dtype=float)


def kernels(table: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    x, y = table[:, 1, :, np.newaxis], table[:, 0, np.newaxis, :]
    return np.asarray((x > y) + 0.5 * (x == y), dtype=np.float64)


def true_components(s: npt.NDArray[np.float64]) -> dict[str, float]:
    """The components of a table (readers, generated, real) whose entries are equally likely: its plain ANOVA."""

    def mean(*axes: int) -> npt.NDArray[np.float64]:
        return np.asarray(s.mean(axis=axes, keepdims=True))

    r, j, i = mean(1, 2) - s.mean(), mean(0, 2) - s.mean(), mean(0, 1) - s.mean()
    ji, rj, ri = mean(0) - s.mean() - j - i, mean(2) - s.mean() - r - j, mean(1) - s.mean() - r - i
    effects = (r, j, i, ji, rj, ri, s - s.mean() - r - j - i - ji - rj - ri)
    return {name: float(np.mean(effect**2)) for name, effect in zip(NAMES, effects, strict=True)}


def true_moments(s: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """E of the product of two kernels that share as M1–M8 say, from the components."""
    part = true_components(s)
    images = {"11": ("generated", "real", "pair"), "10": ("generated",), "01": ("real",), "00": ()}
    moments = []
    for same_reader in (True, False):
        for shared in images.values():
            total = s.mean() ** 2 + sum(part[name] for name in shared)
            total += part["reader"] + sum(part[f"reader_{name}"] for name in shared) if same_reader else 0
            moments.append(total)
    return np.array(moments)


def test_components_are_unbiased() -> None:
    """Exactly, over all 64 samples of two readers and two images of each class, drawn with replacement."""
    table = population()
    found = []
    for people, j, i in product(product(range(2), repeat=2), repeat=3):
        rating = np.concatenate([table[list(people), 1][:, list(j)], table[list(people), 0][:, list(i)]], axis=1)
        found.append(variance_components(from_matrix(["generated"] * 2 + ["real"] * 2, rating)))
    expected = true_components(kernels(table))
    assert min(expected.values()) > 0
    for name, value in expected.items():
        assert np.mean([getattr(one, name) for one in found]) == pytest.approx(value, abs=1e-12)
    np.testing.assert_allclose(
        np.mean([one.moments for one in found], axis=0), true_moments(kernels(table)), atol=1e-12
    )


@pytest.mark.parametrize(
    ("readers", "generated", "real", "sets"), [(1, 2, 1, 1), (3, 1, 2, 1), (2, 2, 2, 1), (2, 2, 1, 2), (4, 1, 1, 2)]
)
def test_predicted_se_is_that_of_every_sample_of_that_size(readers: int, generated: int, real: int, sets: int) -> None:
    """From the true moments, against the variance of the mean AUC over all studies of that size and design."""
    s = kernels(population())
    known = replace(_nothing(), moments=true_moments(s))
    aucs = []
    for people in product(range(2), repeat=readers):
        for shown in product(product(range(2), repeat=generated + real), repeat=sets):
            images = [shown[r % sets] for r in range(readers)]
            aucs.append(
                np.mean(
                    [
                        s[r][np.ix_(one[:generated], one[generated:])].mean()
                        for r, one in zip(people, images, strict=True)
                    ]
                )
            )
    assert predicted_se(known, readers, generated, real, sets) == pytest.approx(np.std(aucs), abs=1e-12)


def test_predicted_se_at_the_studys_own_size_is_its_se() -> None:
    study = _study(1, 6, 20, 25)
    found = variance_components(study)
    assert predicted_se(found, 6, 20, 25) == pytest.approx(mrmc.mrmc_auc(study).se, abs=1e-12)
    assert found.reason is None
    parts = [getattr(found, name) / size for name, size in zip(NAMES, (6, 20, 25, 500, 120, 150, 3000), strict=True)]
    assert sum(parts) == pytest.approx(mrmc.mrmc_auc(study).variance, abs=1e-12)


def test_a_negative_image_part_does_not_make_the_prediction_smaller_than_the_studys_own_se() -> None:
    rng = np.random.default_rng(0)
    negative = 0
    for _ in range(20):
        study = from_matrix(["generated"] * 5 + ["real"] * 5, rng.normal(size=(4, 10)))
        found = mrmc.mrmc_auc(study)
        assert predicted_se(variance_components(study), 4, 5, 5) == pytest.approx(found.se, abs=1e-12)
        negative += found.image_variance < 0
    assert negative > 5


def test_no_number_of_participants_goes_below_the_image_floor() -> None:
    found = variance_components(_study(2, 8, 30, 30))
    floor = predicted_se(found, math.inf, 30, 30)
    assert floor == pytest.approx(np.sqrt(found.generated / 30 + found.real / 30 + found.pair / 900))
    ses = [predicted_se(found, number, 30, 30) for number in (8, 100, 10_000)]
    assert ses == sorted(ses, reverse=True)
    assert ses[-1] == pytest.approx(floor, rel=0.01)
    assert predicted_se(found, math.inf, 3000, 3000) < floor / 5
    assert predicted_se(found, math.inf, 30, 30, math.inf) == 0


def test_own_images_can_be_planned_from_own_images_alone() -> None:
    rows = [
        (f"p{r}", f"{r}-{i}", "generated" if i < 15 else "real", float(rating))
        for r, row in enumerate(np.random.default_rng(3).normal(size=(5, 30)))
        for i, rating in enumerate(row)
    ]
    trials = pd.DataFrame(rows, columns=["participant", "stimulus_id", "truth", "rating"])
    found = variance_components(trials)
    assert math.isnan(found.generated)
    assert "share images" in str(found.reason)
    assert predicted_se(found, 5, 15, 15, 5) == pytest.approx(mrmc.mrmc_auc(trials).se, abs=1e-12)
    assert math.isnan(predicted_se(found, 5, 15, 15))


def test_a_negative_part_counts_as_nothing() -> None:
    """Two readers who see opposite images: what they share is below 0, and so is the floor's square."""
    found = variance_components(from_matrix(["generated"] * 2 + ["real"] * 2, [[3, 1, 0, 2], [1, 3, 2, 0]]))
    assert found.generated < 0
    assert predicted_se(found, math.inf, 2, 2) == 0


def test_too_little_is_undefined_with_a_reason() -> None:
    one = variance_components(from_matrix(["generated"] * 2 + ["real"] * 2, [[3, 1, 0, 2]]))
    assert "fewer than two participants" in str(one.reason)
    assert math.isnan(predicted_se(one, 2, 2, 2))
    few = variance_components(from_matrix(["generated", "real"], [[1, 0], [0, 1]]))
    assert "too few images" in str(few.reason)
    nobody = variance_components(from_matrix(["generated", "real"], [[1, np.nan]]))
    assert "fewer than two participants" in str(nobody.reason)


@pytest.mark.parametrize("numbers", [(0, 1, 1, 1), (2, 0, 1, 1), (2, 1, 0, 1), (2, 1, 1, 3), (2, 1, 1, 0)])
def test_impossible_sizes_are_refused(numbers: tuple[int, int, int, int], refuses: Any) -> None:
    with refuses("out-of-range") as caught:
        predicted_se(_nothing(), *numbers)
    assert "at least 1" in str(caught.value)


def test_two_modalities_are_refused(refuses: Any) -> None:
    rows = [
        ("p", image, truth, 1.0, modality) for modality in "ab" for image, truth in (("x", "real"), ("y", "generated"))
    ]
    with refuses("several-modalities"):
        mrmc_components.variance_components(
            pd.DataFrame(rows, columns=["participant", "stimulus_id", "truth", "rating", "modality"])
        )


def _nothing() -> Components:
    return Components(*[math.nan] * 7, moments=np.full(8, np.nan), reason=None)


def _study(seed: int, readers: int, generated: int, real: int) -> mrmc.Readings:
    rng = np.random.default_rng(seed)
    evidence = rng.normal(size=(readers, generated + real)) + rng.normal(size=generated + real)
    evidence[:, :generated] += 0.5 + rng.normal(size=(readers, 1))
    return from_matrix(["generated"] * generated + ["real"] * real, evidence)
