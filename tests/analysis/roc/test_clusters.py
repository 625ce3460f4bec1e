"""The clustered bootstrap of a mean AUC against brute force, Owen's variance and simulated coverage."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from analysis.readings import from_columns
from analysis.roc import clusters as roc_clusters
from analysis.roc.participant_tables import tables_of
from analysis.roc.tables import areas

CUTS = np.array([-1.2, -0.7, -0.3, 0, 0.3, 0.7, 1.2])
BOTH: roc_clusters.Clusters = "participants and images"
CLUSTERS: tuple[roc_clusters.Clusters, ...] = ("participants", "images", BOTH)


@pytest.mark.slow
@pytest.mark.parametrize("clusters", CLUSTERS)
def test_draws_have_the_distribution_of_tables_written_out(clusters: roc_clusters.Clusters) -> None:
    """All 3³ draws of participants times all 3³ · 2² draws of images of a 3 x 5 study, each trial copied out.

    4,000 random draws: mean within 4 standard errors, SD within 5%.
    """
    rng = np.random.default_rng(1)
    truth = np.array([1, 1, 1, 0, 0])
    ratings = rng.integers(0, 4, (3, 5)).astype(float)
    people = list(itertools.product(range(3), repeat=3)) if "participants" in clusters else [(0, 1, 2)]
    images = [(0, 1, 2, 3, 4)]
    if "images" in clusters:
        drawn = itertools.product(itertools.product(range(3), repeat=3), itertools.product((3, 4), repeat=2))
        images = [(*one, *other) for one, other in drawn]
    expected = [
        np.mean([_auc(ratings[j, list(those)], truth[list(those)]) for j in chosen])
        for chosen in people
        for those in images
    ]
    found = roc_clusters.clustered_bootstrap(*_columns(truth, ratings), 2, clusters=clusters, resamples=4000)
    assert found.estimate == pytest.approx(np.mean([_auc(one, truth) for one in ratings]))
    assert np.mean(found.draws) == pytest.approx(np.mean(expected), abs=4 * np.std(expected) / math.sqrt(4000))
    assert found.se == pytest.approx(np.std(expected), rel=0.05)


def test_acceleration_is_a_jackknife_over_the_clusters() -> None:
    """Participants, real images and generated images left out one at a time, the study measured anew each time."""
    truth, ratings = _study(np.random.default_rng(3), 6, 20, dprime=1.0)
    columns = _columns(truth, ratings)
    _, _, people, images = columns
    cubes = squares = 0.0
    for out, members in ((people, range(6)), (images, np.flatnonzero(truth)), (images, np.flatnonzero(truth == 0))):
        values = np.array([_mean_auc(*(one[out != member] for one in columns)) for member in members])
        influence = (values.size - 1) * (values.mean() - values)
        cubes += np.sum(influence**3) / values.size**3
        squares += np.sum(influence**2) / values.size**2
    found = roc_clusters.clustered_bootstrap(*columns, 4, resamples=50)
    assert found.acceleration == pytest.approx(cubes / 6 / squares**1.5, abs=1e-12)


@pytest.mark.slow
def test_coverage_with_participant_and_image_effects() -> None:
    """150 studies of 10 x 100, d′ SD .2 between participants, image SD .5, own-view SD .5 (as in `data.simulated`).

    Of 600 studies, bounds at .95 held the population's mean AUC in .77 (participants drawn), .93 (images),
    .98 (both); the SD of the estimate was .035, the bootstrap's SE .022, .031 and .041.
    """
    coverage = _coverage(image_sd=0.5, between_sd=0.2, studies=150)
    assert coverage["participants"] < 0.85
    assert coverage["images"] < 0.98
    assert coverage[BOTH] > 0.93


@pytest.mark.slow
def test_drawing_both_is_conservative_without_image_effects() -> None:
    """Of 600 studies, .99 covered (both drawn) and .89 (participants alone, whose ten-point SD is a little small)."""
    coverage = _coverage(image_sd=0.0, between_sd=0.2, studies=100)
    assert coverage[BOTH] > 0.95
    assert coverage["participants"] > 0.80


def test_participants_who_saw_different_images() -> None:
    """Each sees two thirds of the images: weights follow the image, and nobody's missing images count."""
    rng = np.random.default_rng(5)
    truth, ratings = _study(rng, 8, 60, dprime=0.5)
    columns = _columns(truth, ratings)
    seen = rng.random(480) < 2 / 3
    part = tuple(column[seen] for column in columns)
    found = roc_clusters.clustered_bootstrap(*part, 6, resamples=500)
    assert found.estimate == pytest.approx(_mean_auc(*part))
    assert found.bca_low < found.estimate < found.bca_high
    assert found.undefined == 0


def test_order_of_rows_and_names_are_irrelevant() -> None:
    rng = np.random.default_rng(7)
    truth, rating, people, images = _columns(*_study(rng, 5, 20, dprime=0.5))
    order = rng.permutation(truth.size)
    base = roc_clusters.clustered_bootstrap(truth, rating, people, images, 8)
    other = roc_clusters.clustered_bootstrap(
        truth[order], np.exp(rating[order]), [f"p{n}" for n in people[order]], [f"i{n}" for n in images[order]], 8
    )
    assert other.estimate == pytest.approx(base.estimate)
    assert other.acceleration == pytest.approx(base.acceleration)
    assert other.se == pytest.approx(base.se, rel=0.1)
    again = roc_clusters.clustered_bootstrap(truth, rating, people, images, 8)
    np.testing.assert_array_equal(base.draws, again.draws)


def test_pieces_that_fit_in_memory_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = _columns(*_study(np.random.default_rng(9), 5, 20, dprime=0.5))
    whole = roc_clusters.clustered_bootstrap(*columns, 10, resamples=1000)
    monkeypatch.setattr(roc_clusters, "_CELLS", 1000)
    pieces = roc_clusters.clustered_bootstrap(*columns, 10, resamples=1000)
    assert pieces.draws.size == 1000
    assert pieces.se == pytest.approx(whole.se, rel=0.15)


def test_a_resample_that_lacks_a_class_is_counted() -> None:
    """Two of three participants saw a single real image each: when it is not drawn, they have no AUC."""
    truth = ["generated", "generated", "real", "generated", "generated", "real", "real", "generated", "real"]
    people, images = list("aaabbbccc"), [1, 2, 3, 1, 2, 4, 3, 2, 4]
    found = roc_clusters.clustered_bootstrap(truth, [2, 1, 1, 3, 1, 2, 1, 2, 2], people, images, 1, resamples=300)
    assert 0 < found.undefined < 150
    assert found.se > 0
    # Without his only real image a participant has no AUC, so the jackknife has no value.
    assert math.isnan(found.bca_low)
    assert "jackknife" in str(found.reason)
    assert not math.isnan(found.percentile_low)


def test_what_cannot_be_drawn_says_why() -> None:
    truth, rating, people, images = _columns(*_study(np.random.default_rng(11), 1, 20, dprime=0.5))
    alone = roc_clusters.clustered_bootstrap(truth, rating, people, images, 1)
    assert not math.isnan(alone.estimate)
    assert "one participant" in str(alone.reason)
    assert roc_clusters.clustered_bootstrap(truth, rating, people, images, 1, clusters="images").reason is None
    one_class = roc_clusters.clustered_bootstrap(["real"] * 20, rating, people, images, 1)
    assert math.isnan(one_class.estimate)
    assert (one_class.participants, one_class.left_out) == (0, 1)
    assert "both classes" in str(one_class.reason)
    few = roc_clusters.clustered_bootstrap(["real", "generated"] * 2, [1, 2, 2, 1], [1, 1, 2, 2], [1, 2, 1, 2], 1)
    assert "fewer than two images" in str(few.reason)
    tied = roc_clusters.clustered_bootstrap(*_columns(np.arange(8) % 2, np.ones((3, 8))), 1)
    assert (tied.estimate, math.isnan(tied.percentile_low)) == (0.5, True)


def test_wrong_input_is_refused(refuses: Any) -> None:
    truth, rating, people, images = _columns(*_study(np.random.default_rng(12), 3, 20, dprime=0.5))
    with refuses("repeated-stimulus"):
        roc_clusters.clustered_bootstrap(truth, rating, np.zeros(60), images, 1)
    with refuses("no-shared-image"):
        roc_clusters.clustered_bootstrap(truth, rating, people, np.arange(60), 1)
    assert roc_clusters.clustered_bootstrap(truth, rating, people, np.arange(60), 1, clusters="participants").se > 0
    with refuses("unknown-choice"):
        roc_clusters.clustered_bootstrap(truth, rating, people, images, 1, clusters="readers")  # type: ignore[arg-type]


def _study(
    rng: np.random.Generator, people: int, images: int, dprime: float, image_sd: float = 0.5, between_sd: float = 0.2
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Truth (images,) and ratings (participants, images): the model of `data.simulated.observers`, own_sd .5."""
    truth = np.arange(images) % 2
    own = dprime + between_sd * rng.standard_normal((people, 1))
    noise = math.sqrt(1 - image_sd**2) * rng.standard_normal((people, images))
    evidence = own * (truth - 0.5) + image_sd * rng.standard_normal(images) + noise
    return truth, np.searchsorted(CUTS, evidence).astype(float)


def _columns(truth: npt.NDArray[np.int64], ratings: npt.NDArray[np.float64]) -> tuple[npt.NDArray[Any], ...]:
    people, images = ratings.shape
    words = np.tile(np.where(truth == 1, "generated", "real"), people)
    return words, ratings.ravel(), np.repeat(np.arange(people), images), np.tile(np.arange(images), people)


def _coverage(image_sd: float, between_sd: float, studies: int) -> dict[str, float]:
    """How often each bootstrap's BCa bounds hold the mean AUC of the population, .5 at a mean d′ of 0."""
    rng = np.random.default_rng(13)
    inside: dict[str, list[bool]] = {clusters: [] for clusters in CLUSTERS}
    for _ in range(studies):
        columns = _columns(*_study(rng, 10, 100, 0.0, image_sd, between_sd))
        for clusters in CLUSTERS:
            found = roc_clusters.clustered_bootstrap(*columns, rng, clusters=clusters, resamples=400)
            inside[clusters].append(found.bca_low <= 0.5 <= found.bca_high)
    return {clusters: float(np.mean(each)) for clusters, each in inside.items()}


def _mean_auc(*columns: npt.NDArray[Any]) -> float:
    return float(np.mean(tables_of(from_columns(*columns)).areas()))


def _auc(ratings: npt.NDArray[np.float64], truth: npt.NDArray[np.int64]) -> float:
    tables = [np.bincount(ratings[truth == kind].astype(int), minlength=4) for kind in (0, 1)]
    return float(areas(*tables))
