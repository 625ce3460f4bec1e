"""The variance estimate is unbiased: exactly, over every sample from small populations.

A population is a table of ratings, readers x images of each class. Readers and images are drawn from it with
replacement, each sample as likely as any other, so means over all samples are expectations.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from analysis.mrmc import variance as mrmc_variance
from analysis.readings import Reading, Readings, from_matrix

CROSSED = ((0, 1), (0, 1)), ((0, 1), (0, 1))
OWN = ((0, 1), (0, 1)), ((2, 3), (2, 3))
PARTLY = ((0, 1), (0, 1)), ((1, 2), (0, 1))
Sets = tuple[tuple[tuple[int, int], tuple[int, int]], ...]


def population(seed: int, size: int = 2) -> npt.NDArray[np.int64]:
    """Ratings of shape (readers, classes, images): readers differ, and so do images, for all and for each."""
    rng = np.random.default_rng(seed)
    return (
        rng.integers(0, 4, (size, 1, 1)) * [[0], [1]]
        + rng.integers(0, 4, (1, 2, size))
        + rng.integers(0, 3, (size, 2, size))
    )


def samples(table: npt.NDArray[np.int64], sets: Sets, readers: bool) -> Iterator[Readings]:
    """Every study with these image sets for its two readers; the readers drawn, or the first two of the table."""
    size = table.shape[2]
    m, n = (1 + max(max(one[kind]) for one in sets) for kind in (0, 1))
    for people in product(range(len(table)), repeat=2) if readers else [(0, 1)]:
        for j, i in product(product(range(size), repeat=m), product(range(size), repeat=n)):
            rating = np.full((2, m + n), np.nan)
            for r, (person, (generated, real)) in enumerate(zip(people, sets, strict=True)):
                rating[r, list(generated)] = table[person, 1][[j[g] for g in generated]]
                rating[r, [m + x for x in real]] = table[person, 0][[i[x] for x in real]]
            yield from_matrix(["generated"] * m + ["real"] * n, rating)


@pytest.mark.slow
@pytest.mark.parametrize(("sets", "size"), [(CROSSED, 3), (PARTLY, 2), (OWN, 2)])
@pytest.mark.parametrize("readers", ["random", "fixed"])
def test_the_expected_variance_estimate_is_the_variance(sets: Sets, size: int, readers: mrmc_variance.Sampled) -> None:
    found = [
        mrmc_variance.one_shot(study, [[(1, (0, 1))]], readers, "random")
        for study in samples(population(3, size), sets, readers == "random")
    ]
    values = np.array([one.value for one in found])
    assert np.var(values) > 0.004
    assert np.mean([one.unbiased for one in found]) == pytest.approx(np.var(values), abs=1e-12)


def test_the_expected_variance_estimate_with_images_fixed_is_the_variance_over_readers() -> None:
    table = population(5, 4)
    found = []
    for people in product(range(4), repeat=2):
        rating = np.concatenate([table[list(people), 1], table[list(people), 0]], axis=1)
        study = from_matrix(["generated"] * 4 + ["real"] * 4, rating)
        found.append(mrmc_variance.one_shot(study, [[(1, (0, 1))]], "random", "fixed"))
    assert np.mean([one.unbiased for one in found]) == pytest.approx(np.var([one.value for one in found]), abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(("same_images", "paired"), [("all", True), ("real", True), ("all", False)])
def test_the_expected_variance_of_a_difference_is_the_variance(same_images: str, paired: bool) -> None:
    """Two readers, two images of each class and modality: the same, or two generators beside the same real ones."""
    tables = population(13), population(25)  # whose images are alike
    m, n = 2 if same_images == "all" else 4, 2
    found = []
    for people in product(range(2), repeat=2 if paired else 4):
        for j, i in product(product(range(2), repeat=m), product(range(2), repeat=n)):
            readings = [
                Reading(
                    participant=str(r),
                    modality=str(t),
                    generated=np.arange(2) + (m - 2) * t,
                    real=np.arange(2),
                    generated_rating=table[person, 1][list(j[-2:] if t else j[:2])].astype(float),
                    real_rating=table[person, 0][list(i)].astype(float),
                    unrated=0,
                )
                for t, table in enumerate(tables)
                for r, person in enumerate(people if paired else people[2 * t : 2 * t + 2])
            ]
            study = Readings(tuple(readings), (), m, n)
            signed = [(1, (0, 1)), (-1, (2, 3))]
            found.append(
                mrmc_variance.one_shot(study, [signed] if paired else [[one] for one in signed], "random", "random")
            )
    values = [one.value for one in found]
    assert np.var(values) > 0.004
    assert np.mean([one.unbiased for one in found]) == pytest.approx(np.var(values), abs=1e-12)


def test_the_variance_is_the_moments_in_the_shares_of_the_design_less_the_last() -> None:
    """Gallas (2006), equations 10 and 19: crossed, the products of kernels in Â² fall to M1–M8 as enumerated."""
    rng = np.random.default_rng(8)
    r, m, n = 3, 4, 5
    study = from_matrix(["generated"] * m + ["real"] * n, rng.integers(0, 5, (r, m + n)))
    x, y = (np.array([getattr(one, f"{kind}_rating") for one in study.readings]) for kind in ("generated", "real"))
    s = np.where(x[:, :, None] > y[:, None, :], 1, np.where(x[:, :, None] == y[:, None, :], 0.5, 0))
    total, count = np.zeros(8), np.zeros(8)
    for a, b in product(np.ndindex(s.shape), repeat=2):
        kind = 4 * (a[0] != b[0]) + 2 * (a[1] != b[1]) + (a[2] != b[2])
        total[kind] += s[a] * s[b]
        count[kind] += 1
    moments = total / count
    share = count / s.size**2
    last, fourth = moments[7], moments[3]
    for readers, expected in (
        ("random", share @ moments - last),
        ("fixed", share @ moments - fourth / r - last * (1 - 1 / r)),
    ):
        found = mrmc_variance.one_shot(study, [[(1, (0, 1, 2))]], readers, "random")
        assert found.unbiased == pytest.approx(expected, abs=1e-12)


def test_degrees_of_freedom_are_satterthwaites() -> None:
    """Written out for a crossed study: R − 1, m − 1 and n − 1 degrees of freedom of three mean squares."""
    rng = np.random.default_rng(9)
    study = from_matrix(["generated"] * 6 + ["real"] * 8, rng.normal(size=(5, 14)) + rng.normal(size=14))
    x, y = (np.array([getattr(one, f"{kind}_rating") for one in study.readings]) for kind in ("generated", "real"))
    s = (x[:, :, None] > y[:, None, :]).astype(float)
    parts = np.array(
        [
            np.var(s.mean(axis=(1, 2)), ddof=1) / 5,
            np.var(s.mean(axis=(0, 2)), ddof=1) / 6,
            np.var(s.mean(axis=(0, 1)), ddof=1) / 8,
        ]
    )
    both = mrmc_variance.one_shot(study, [[(1, range(5))]], "random", "random")
    assert both.images > 0
    assert both.df == pytest.approx((both.readers + both.images) ** 2 / np.sum(parts**2 / [4, 5, 7]))
    readers_fixed = mrmc_variance.one_shot(study, [[(1, range(5))]], "fixed", "random")
    assert readers_fixed.df == pytest.approx(readers_fixed.used**2 / np.sum(parts[1:] ** 2 / [5, 7]))
    assert mrmc_variance.one_shot(study, [[(1, range(5))]], "random", "fixed").df == 4


def test_degrees_of_freedom_never_fall_below_the_smallest() -> None:
    """Readers who see opposite images: C̄ is negative and counts as 0, which leaves the readers' own variance."""
    rating = [[3, 1, 0, 2], [1, 3, 2, 0], [2, 1, 0, 3]] * 2
    found = mrmc_variance.one_shot(
        from_matrix(["generated", "generated", "real", "real"], rating), [[(1, range(6))]], "random", "random"
    )
    assert found.images < 0
    assert found.used > found.readers
    assert found.unbiased == found.readers + found.images
    assert found.df == 1


@pytest.mark.parametrize("options", [("fixed", "fixed"), ("Random", "random"), ("random", "none")])
def test_other_words_are_refused(options: tuple[mrmc_variance.Sampled, mrmc_variance.Sampled], refuses: Any) -> None:
    with refuses("nothing-sampled"):
        mrmc_variance.one_shot(from_matrix([], np.empty((0, 0))), [[(1, ())]], *options)
