"""Leak check: does a generated image show a training patch, that is, a real patient?

Each generated image is compared with every training patch in two ways: in pixels, over the eight
flips and right-angle rotations and small shifts, with brightness and contrast taken out; and in
features, plain and mirrored. What counts as close is learned from real patches: how close the
nearest patch of *another* patient is to each training patch, found in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from data.errors import LookalikeError
from data.files import write_json
from gan.bootstrap import Groups, group_numbers
from gan.leaks.alignment import align, correlations, orientations
from gan.networks.features import Vgg16, pooled_features
from stimuli.export import write_sheet
from stimuli.images import Pixels
from stimuli.patches import PatchSet

FORMAT = "lookalike-leaks/1"
FALSE_ALARMS = 0.05  # of a whole check, for the verdict "leaks"
_TAIL_FEWEST = 20
_CROWD = 50  # next-nearest patches that say how close is usual for an image
_TAIL = 0.1  # share of the smallest real scores that say how fast the tail falls
_FEWEST = 20
_TINY = 1e-12
_SHOWN = 12


@dataclass(frozen=True)
class Floor:
    """Scores of real patches among patches of other patients, ascending: what honest images get."""

    scores: tuple[float, ...] = field(repr=False)

    @property
    def smallest(self) -> float:
        return self.scores[0]

    @property
    def tail_scale(self) -> float:
        """By how much, on average, the log scores of the lowest tenth lie below its upper end."""
        logs = np.log(self.scores[: max(_TAIL_FEWEST, round(_TAIL * len(self.scores)))])
        return float((logs[-1] - logs[:-1]).mean())

    @property
    def independent(self) -> int:
        """Nearest neighbours come in pairs that share one distance, so only half of the scores count."""
        return len(self.scores) // 2

    def chance(self, score: float) -> float:
        """About how probable a score this small or smaller is for an image that copies nothing, in (0, 1]."""
        if score >= self.smallest:
            below = int(np.searchsorted(self.scores, score, side="right"))
            return max(1 / (self.independent + 1), below / len(self.scores))
        depth = (np.log(self.smallest) - np.log(max(score, _TINY))) / max(self.tail_scale, _TINY)
        return float(np.exp(-depth) / (self.independent + 1))

    def to_dict(self) -> dict[str, Any]:
        return {
            "patches": len(self.scores),
            "smallest": self.smallest,
            "median": float(np.median(self.scores)),
            "tail_scale": self.tail_scale,
        }


@dataclass(frozen=True)
class Nearest:
    """The training patch nearest to one generated image, in one way of comparing.

    `distance` is 1 − correlation, in [0, 2]. `score` is the distance over the mean distance of the
    next-nearest 50 patches of other patients: about 1 where nothing stands out, near 0 for a copy.
    """

    seed: int
    measure: str  # pixels | features
    patch_id: str
    distance: float
    score: float
    chance: float
    suspect: bool
    leak: bool


@dataclass(frozen=True)
class LeakReport:
    """What `check_leaks` found. `verdict` is none | suspects | leaks, `words` says it in a sentence."""

    images: int
    training_patches: int
    verdict: str
    words: str
    expected_suspects: float
    leaks: tuple[int, ...]  # seeds
    suspects: tuple[int, ...]  # seeds, leaks among them
    floors: dict[str, Floor]
    features_reason: str
    nearest: tuple[Nearest, ...]  # every image in every measure, least probable first
    patches_sha256: str
    pairs: tuple[Pixels, ...] = field(repr=False)  # generated, aligned training patch, generated, ...

    def to_dict(self) -> dict[str, Any]:
        content = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "pairs"}
        floors = {measure: floor.to_dict() for measure, floor in self.floors.items()}
        return {"format": FORMAT, **content, "floors": floors, "nearest": [asdict(one) for one in self.nearest]}


@dataclass(frozen=True)
class Reference:
    """The training patches, ready to be compared with; make it once to check many batches."""

    patches_sha256: str
    images: Pixels = field(repr=False)
    patch_ids: tuple[str, ...] = field(repr=False)
    patients: Groups = field(repr=False)
    templates: Tensor = field(repr=False)
    features: Tensor | None = field(repr=False)
    network: Vgg16 | None = field(repr=False)
    floors: dict[str, Floor]


def check_leaks(generated: Pixels, seeds: Sequence[int], patches: PatchSet, network: Vgg16 | None = None) -> LeakReport:
    """Compare generated images (N, R, R) in [0, 1] with the training patches. See `check_against`."""
    return check_against(prepare(patches, network), generated, seeds)


def check_against(reference: Reference, generated: Pixels, seeds: Sequence[int]) -> LeakReport:
    """The nearest training patch of each image, whether it is suspiciously near, and a verdict.

    An image is **suspect** if its score in either measure is below the smallest of the M real
    patches' scores. If it is as far from the training patches as a new patient's would be, that
    happens with a chance of 1 / (M + 1) to 2 / (M + 1) per measure (more than 1 because the two
    nearest patches of all share their distance: leave the one out, and the other's is gone too; 2 is
    the bound of Barber et al. 2021, Ann. Stat. 49:486, for any such comparison). M / 2 independent scores
    are therefore reckoned with: N honest images give at most `expected_suspects` = N · measures / (M / 2 + 1).

    It is a **leak** if its score is so far below the smallest real one that any of N honest images
    would get there in at most 5 % of checks, over both measures (Bonferroni; beyond the smallest real
    score the chance falls off exponentially in the log score, at the rate of the lowest
    tenth, as in peaks-over-threshold). The verdict is `leaks` if there is one,
    or if there are more suspects than chance explains (5 %, `chance_of`);
    `suspects` if there are some; else `none`. Whoever shows images to people leaves out all suspects.

    Scores are relative because images differ in how alike any two are: smooth ones, and those
    with the skin line across them, are near to many. (Carlini et al. 2023, arXiv:2301.13188, judge
    extracted images in the same way.) An image without structure matches nothing. Raises
    `LookalikeError` for another image size, values that are not finite, or not one seed per image.
    """
    _check(generated, seeds, reference)
    distances = {"pixels": 1 - correlations(generated, reference.templates)}
    if reference.network is not None and reference.features is not None:
        sides = _both_sides(reference.network, generated)
        distances["features"] = _feature_distances(sides, reference.features)
    limit = FALSE_ALARMS / (len(generated) * len(distances))
    found = [
        one for measure, between in distances.items() for one in _nearest(reference, measure, between, seeds, limit)
    ]
    found.sort(key=lambda one: (one.chance, one.score))
    leaks, suspects = (tuple(sorted({x.seed for x in found if getattr(x, name)})) for name in ("leak", "suspect"))
    independent = reference.floors["pixels"].independent
    by_measure = [sum(one.suspect for one in found if one.measure == measure) for measure in distances]
    verdict, words = _judge(len(generated), independent, len(leaks), len(suspects), by_measure)
    return LeakReport(
        len(generated),
        len(reference.images),
        verdict,
        words,
        len(generated) * len(distances) / (independent + 1),
        leaks,
        suspects,
        reference.floors,
        "" if reference.network is not None else "no feature network was given",
        tuple(found),
        reference.patches_sha256,
        _pairs(found, generated, seeds, reference),
    )


def prepare(patches: PatchSet, network: Vgg16 | None = None) -> Reference:
    """Read the `train` split and learn from it how near patches of different patients are.

    Raises `LookalikeError` if it has fewer than 20 patients.
    """
    rows = patches.select("train")
    patients = group_numbers(rows["patient"].tolist())
    if len(np.unique(patients)) < _FEWEST:
        raise LookalikeError(
            f"{patches.folder}: {len(np.unique(patients))} patients in the train split; a leak check needs {_FEWEST} "
            "to learn how near different patients are"
        )
    images = np.stack([patches.read(row) for row in rows.itertuples()])
    templates = orientations(images)
    floors = {"pixels": _floor(1 - correlations(images, templates), patients)}
    features = None
    if network is not None:
        sides = _both_sides(network, images)
        features = sides[0]
        floors["features"] = _floor(_feature_distances(sides, features), patients)
    return Reference(patches.sha256, images, tuple(rows["patch_id"]), patients, templates, features, network, floors)


def save_leaks(report: LeakReport, folder: Path) -> None:
    """Write `leaks.json` and `closest.png` into a folder that exists: the closest pairs, generated | aligned patch.

    The sheet shows patients' images: not to be passed on where the data must not be.
    """
    write_json(folder / "leaks.json", report.to_dict())
    write_sheet(folder / "closest.png", report.pairs, columns=8)


def _nearest(
    reference: Reference, measure: str, between: npt.NDArray[np.float64], seeds: Sequence[int], limit: float
) -> Iterator[Nearest]:
    """The training patch nearest to each image, from their distances (N, M)."""
    floor = reference.floors[measure]
    scores, places = _scores(between, reference.patients)
    for seed, row, score, place in zip(seeds, between, scores, places, strict=True):
        chance, suspect = floor.chance(score), bool(score < floor.smallest)
        leak = suspect and chance < limit
        patch = reference.patch_ids[place]
        yield Nearest(int(seed), measure, patch, float(row[place]), float(score), chance, suspect, leak)


def _check(generated: Pixels, seeds: Sequence[int], reference: Reference) -> None:
    if len(generated) == 0 or len(generated) != len(seeds):
        raise LookalikeError(
            f"{len(generated)} images but {len(seeds)} seeds; give one seed per image, and at least one"
        )
    if generated.shape[1:] != reference.images.shape[1:]:
        raise LookalikeError(
            f"generated images are {generated.shape[1:]} px but the training patches {reference.images.shape[1:]}; "
            "name the patch set that the model was trained on"
        )
    if not np.isfinite(generated).all():
        raise LookalikeError("a generated image is not finite; the model is broken: use an earlier snapshot")


def chance_of(suspects: int, images: int, independent: int) -> float:
    """The chance that so many or more of `images` honest scores lie below all `independent` real ones, in one measure.

    Exact where all scores are exchangeable: the smallest `suspects` of them all are all generated.
    """
    return float(np.prod([(images - k) / (images + independent - k) for k in range(suspects)]))


def _judge(images: int, independent: int, leaks: int, suspects: int, by_measure: Sequence[int]) -> tuple[str, str]:
    """The verdict and a sentence. `by_measure` counts the suspects of each measure."""
    expected = images * len(by_measure) / (independent + 1)
    chance = len(by_measure) * min(chance_of(count, images, independent) for count in by_measure)
    usual = (
        "closer to a training patch, for its kind, than any training patch is to another patient's "
        f"(at most {expected:.1f} expected by chance)"
    )
    if leaks:
        return "leaks", f"{leaks} of {images} images almost certainly copy a training patch; {suspects} are {usual}"
    if suspects and chance < FALSE_ALARMS:
        return "leaks", f"{suspects} of {images} images are {usual}: more than chance explains"
    if suspects:
        return "suspects", f"{suspects} of {images} images are {usual}: look at the closest pairs"
    return "none", f"none of {images} images is {usual}"


def _floor(between: npt.NDArray[np.float64], patients: Groups) -> Floor:
    """From distances of training patches to one another: nearest of other patients only."""
    others = np.where(patients[:, None] == patients[None], np.inf, between)
    scores, _ = _scores(others, patients)
    return Floor(tuple(float(score) for score in np.sort(np.maximum(scores, _TINY))))


def _scores(
    between: npt.NDArray[np.float64], patients: Groups
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Each row's smallest distance over the mean of the next-nearest of other patients, and its place."""
    places = between.argmin(axis=1)
    rest = np.where(patients[places][:, None] == patients[None], np.inf, between)
    crowd = np.sort(rest, axis=1)[:, :_CROWD]
    usual = np.where(np.isfinite(crowd), crowd, 0).sum(axis=1) / np.isfinite(crowd).sum(axis=1)
    smallest = np.take_along_axis(between, places[:, None], axis=1)[:, 0]
    return smallest / np.maximum(usual, _TINY), places


def _both_sides(network: Vgg16, images: Pixels) -> tuple[Tensor, Tensor]:
    """Features of images, and of their mirror images: training mirrors."""
    flipped = np.ascontiguousarray(images[:, :, ::-1])
    return pooled_features(network, images), pooled_features(network, flipped)


def _feature_distances(sides: tuple[Tensor, Tensor], known: Tensor) -> npt.NDArray[np.float64]:
    """1 − correlation of standardised features, (N, M), the nearer of plain and mirrored; `known` of training."""
    mean, sd = known.mean(dim=0), known.std(dim=0).clamp_min(1e-9)
    patches = F.normalize((known - mean) / sd, dim=1)
    alike = [F.normalize((side - mean) / sd, dim=1) @ patches.T for side in sides]
    distances: npt.NDArray[np.float64] = (1 - torch.maximum(*alike)).clamp_min(0).numpy()
    return distances


def _pairs(
    found: Sequence[Nearest], generated: Pixels, seeds: Sequence[int], reference: Reference
) -> tuple[Pixels, ...]:
    """The least probable findings: the generated image, then the training patch turned and shifted to it."""
    place_of_seed = {int(seed): place for place, seed in enumerate(seeds)}
    place_of_patch = {patch: place for place, patch in enumerate(reference.patch_ids)}
    shown = list(dict.fromkeys((one.seed, one.patch_id) for one in found))[:_SHOWN]
    images = []
    for seed, patch in shown:
        image, place = generated[place_of_seed[seed]], place_of_patch[patch]
        images += [image, align(image, reference.images[place], reference.templates[place])]
    return tuple(images)
