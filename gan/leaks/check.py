"""Leak check: does a generated image show a training patch, that is, a real patient?

Each generated image is compared with every training patch in two ways: in pixels, over the eight right-angle rotations
and reflections and small shifts, regardless of brightness and contrast; and in features, as it is and mirrored: those
of VGG16, and on request those of SqueezeNet, which no training uses. What counts as close is learned from real patches:
how close the nearest patch of *another* patient is to each training patch, measured in the same way
(`gan.leaks.scores`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from data.errors import LookalikeError
from data.files import write_json
from gan.bootstrap import Groups, group_numbers
from gan.leaks.alignment import align, correlations, orientations
from gan.leaks.scores import Distances, NullScores, chance_of, null_scores, relative_scores
from gan.networks.features import Vgg16, pooled_features
from gan.networks.squeezenet import squeezenet_features
from stimuli.export import write_sheet
from stimuli.images import Pixels
from stimuli.patches import PatchSet

FORMAT = "lookalike-leaks/1"
FALSE_ALARMS = 0.05  # of a whole check, for the verdict "leaks"
_FEWEST = 20  # patients
_SHOWN = 12  # pairs on the sheet
_CONSTANT = 1e-6  # SD of a feature
_KEYS = {"summary": "words", "null": "floors"}  # in leaks.json, as version 1 of its format names them


@dataclass(frozen=True)
class Nearest:
    """The training patch nearest to one generated image in one measure.

    `distance` is 1 − correlation, in [0, 2]. `score` is the distance over the mean distance of the
    next-nearest 50 patches of other patients: about 1 where nothing stands out, near 0 for a copy.
    """

    seed: int
    measure: str  # pixels | features (VGG16) | squeezenet
    patch_id: str
    distance: float
    score: float
    chance: float
    suspect: bool
    leak: bool


@dataclass(frozen=True)
class LeakReport:
    """What `check_leaks` found. `verdict` is none | suspects | leaks, and `summary` states it in a sentence."""

    images: int
    training_patches: int
    verdict: str
    summary: str
    expected_suspects: float
    leaks: tuple[int, ...]  # seeds
    suspects: tuple[int, ...]  # seeds, leaks among them
    null: dict[str, NullScores]
    features_reason: str
    nearest: tuple[Nearest, ...]  # every image in every measure, least probable first
    patches_sha256: str
    pairs: tuple[Pixels, ...] = field(repr=False)  # generated, aligned training patch, generated, ...

    def to_dict(self) -> dict[str, Any]:
        content = {_KEYS.get(name, name): getattr(self, name) for name in self.__dataclass_fields__ if name != "pairs"}
        null = {measure: scores.to_dict() for measure, scores in self.null.items()}
        return {"format": FORMAT, **content, "floors": null, "nearest": [asdict(one) for one in self.nearest]}


@dataclass(frozen=True)
class FeatureView:
    """A feature network, as a function of images, and the training patches' features."""

    features_of: Callable[[Pixels], Tensor]
    known: Tensor

    def distances(self, images: Pixels) -> Distances:
        return _feature_distances(_both_sides(self.features_of, images), self.known)


@dataclass(frozen=True)
class Reference:
    """The training patches, prepared for comparison; make it once to check many batches."""

    patches_sha256: str
    images: Pixels = field(repr=False)
    patch_ids: tuple[str, ...] = field(repr=False)
    patients: Groups = field(repr=False)
    templates: Tensor = field(repr=False)
    views: dict[str, FeatureView] = field(repr=False)
    null: dict[str, NullScores]


def check_leaks(generated: Pixels, seeds: Sequence[int], patches: PatchSet, network: Vgg16 | None = None) -> LeakReport:
    """Does a generated image show a training patch, and so a real patient?

    See `gan.leaks.check.check_against` for what counts as a suspect and as a leak.

    Parameters
    ----------
    generated : array of float32, shape (N, R, R)
        P-values in [0, 1], as they come back from a 16-bit PNG (`gan.images_from_seeds`).
    seeds : sequence of int, length N
        The images' seeds, by which the report names them.
    patches : PatchSet
        The patches that the generator was trained on; only the `train` split is read.
    network : Vgg16, optional
        Also compares features of this network; without it, pixels only.

    Returns
    -------
    LeakReport
        `verdict` (none | suspects | leaks), `summary` (a sentence), `suspects` and `leaks` (seeds), and `nearest`, the
        closest training patch of each image in each measure. `save_leaks` writes it to a folder.

    Raises
    ------
    LookalikeError
        If the images are not of the patches' size or not finite, there is not one seed per image, or the `train` split
        has fewer than 20 patients.

    References
    ----------
    Carlini et al. (2023), "Extracting training data from diffusion models", arXiv:2301.13188.

    Examples
    --------
    A turned copy of a training patch is found among images of other phantoms:

    >>> import gan, numpy as np, stimuli
    >>> stimuli.write_phantoms("film", 60, lesion_px=16)
    >>> patches = stimuli.cut_patches(stimuli.read_source("film"), "patches", b"a secret of 16 bytes", stimuli.Cut(32))
    >>> train, study = (
    ...     patches.read_all(patches.select(split)) for split in ("train", "study")
    ... )
    >>> images = np.stack([*study[:5], np.rot90(train[3])])
    >>> gan.check_leaks(images, [0, 1, 2, 3, 4, 5], patches).leaks
    (5,)
    """
    return check_against(prepare(patches, network), generated, seeds)


def check_against(reference: Reference, generated: Pixels, seeds: Sequence[int]) -> LeakReport:
    """The nearest training patch of each image, whether it is suspiciously close, and a verdict.

    An image is **suspect** if its score (`gan.leaks.scores`) in any measure is below the smallest of the M real
    patches' scores. If it is as far from the training patches as a new patient's would be, that happens with a chance
    of 1 / (M + 1) to 2 / (M + 1) per measure. (It exceeds 1 / (M + 1) because the two closest patches share their
    distance: leave out one, and the other's is gone too; 2 / (M + 1) is the bound of Barber et al. 2021, Ann. Stat.
    49:486, for any such comparison.) The scores therefore count as M / 2 independent ones: N honest images give at
    most `expected_suspects` = N · measures / (M / 2 + 1).

    It is a **leak** if its score is so far below the smallest real one that any of N honest images would fall that low
    in at most 5% of checks, over all measures (Bonferroni; beyond the smallest real score the chance decays
    exponentially in the log score, at the rate of the lowest tenth, as in peaks-over-threshold). The verdict is
    `leaks` if there is one, or if there are more suspects than chance explains (5%, `chance_of`); `suspects` if there
    are some; else `none`. Leave all suspects out of what is shown to people.

    An image without structure matches nothing. Raises `LookalikeError` for images of another size, values that are not
    finite, or a number of seeds other than that of images.
    """
    _refuse_unfit(generated, seeds, reference)
    distances = {"pixels": 1 - correlations(generated, reference.templates)}
    distances |= {measure: view.distances(generated) for measure, view in reference.views.items()}
    limit = FALSE_ALARMS / (len(generated) * len(distances))
    found = [one for measure in distances for one in _nearest(reference, measure, distances[measure], seeds, limit)]
    found.sort(key=lambda one: (one.chance, one.score))
    leaks, suspects = (tuple(sorted({x.seed for x in found if getattr(x, name)})) for name in ("leak", "suspect"))
    independent = reference.null["pixels"].independent
    by_measure = [sum(one.suspect for one in found if one.measure == measure) for measure in distances]
    verdict, summary = _verdict(len(generated), independent, len(leaks), len(suspects), by_measure)
    return LeakReport(
        len(generated),
        len(reference.images),
        verdict,
        summary,
        len(generated) * len(distances) / (independent + 1),
        leaks,
        suspects,
        reference.null,
        "" if reference.views else "no feature network was given",
        tuple(found),
        reference.patches_sha256,
        _pairs(found, generated, seeds, reference),
    )


def prepare(patches: PatchSet, network: Vgg16 | None = None, *, untouched: bool = False) -> Reference:
    """Read the `train` split and learn from it how close patches of different patients are.

    `untouched` also compares the features of SqueezeNet, which no training uses. Raises `LookalikeError` if the split
    has fewer than 20 patients.
    """
    rows = patches.select("train")
    patients = group_numbers(rows["patient"].tolist())
    if len(np.unique(patients)) < _FEWEST:
        raise LookalikeError(
            "set-too-small",
            f"{patches.folder}: {len(np.unique(patients))} patients in the train split; a leak check needs {_FEWEST} "
            "to learn how close different patients are",
        )
    images = patches.read_all(rows)
    templates = orientations(images)
    null = {"pixels": null_scores(1 - correlations(images, templates), patients)}
    networks: dict[str, Callable[[Pixels], Tensor]] = {}
    if network is not None:
        networks["features"] = partial(pooled_features, network)
    if untouched:
        networks["squeezenet"] = squeezenet_features
    views = {}
    for measure, features_of in networks.items():
        sides = _both_sides(features_of, images)
        views[measure] = FeatureView(features_of, sides[0])
        null[measure] = null_scores(_feature_distances(sides, sides[0]), patients)
    return Reference(patches.sha256, images, tuple(rows["patch_id"]), patients, templates, views, null)


def save_leaks(report: LeakReport, folder: Path) -> None:
    """Write `leaks.json` and `closest.png` (the closest pairs: generated image, aligned patch) into an existing folder.

    The sheet shows patients' images: do not pass it on where the data must not go.

    Parameters
    ----------
    report : LeakReport
        What `check_leaks` returned.
    folder : path
        An existing folder; files of these names in it are replaced.

    Examples
    --------
    >>> import gan, numpy as np, pathlib, stimuli
    >>> stimuli.write_phantoms("film", 40, lesion_px=16)
    >>> patches = stimuli.cut_patches(stimuli.read_source("film"), "patches", b"a secret of 16 bytes", stimuli.Cut(32))
    >>> noise = np.random.default_rng(0).random((2, 32, 32), dtype=np.float32)
    >>> folder = pathlib.Path("leaks")
    >>> folder.mkdir()
    >>> gan.save_leaks(gan.check_leaks(noise, [0, 1], patches), folder)
    >>> sorted(path.name for path in folder.iterdir())
    ['closest.png', 'leaks.json']
    """
    write_json(Path(folder) / "leaks.json", report.to_dict())
    write_sheet(Path(folder) / "closest.png", report.pairs, columns=8, readable_px=128)


def _nearest(
    reference: Reference, measure: str, distances: Distances, seeds: Sequence[int], limit: float
) -> Iterator[Nearest]:
    """The training patch nearest to each image, from their distances (N, M)."""
    null = reference.null[measure]
    scores, nearest = relative_scores(distances, reference.patients)
    for seed, row, score, index in zip(seeds, distances, scores, nearest, strict=True):
        chance, suspect = null.chance(score), bool(score < null.smallest)
        leak = suspect and chance < limit
        patch = reference.patch_ids[index]
        yield Nearest(int(seed), measure, patch, float(row[index]), float(score), chance, suspect, leak)


def _refuse_unfit(generated: Pixels, seeds: Sequence[int], reference: Reference) -> None:
    if len(generated) == 0 or len(generated) != len(seeds):
        raise LookalikeError(
            "unequal-lengths",
            f"{len(generated)} images but {len(seeds)} seeds; give one seed per image, and at least one image",
        )
    if generated.shape[1:] != reference.images.shape[1:]:
        raise LookalikeError(
            "wrong-size",
            f"generated images are {generated.shape[1:]} px but the training patches {reference.images.shape[1:]}; "
            "name the patch set that the model was trained on",
        )
    if not np.isfinite(generated).all():
        raise LookalikeError(
            "not-finite", "a generated image is not finite; the model is broken: use an earlier snapshot"
        )


def _verdict(images: int, independent: int, leaks: int, suspects: int, by_measure: Sequence[int]) -> tuple[str, str]:
    """The verdict and a sentence. `by_measure` counts the suspects of each measure."""
    expected = images * len(by_measure) / (independent + 1)
    chance = len(by_measure) * min(chance_of(count, images, independent) for count in by_measure)
    closer = (
        "closer to a training patch, relative to the next-nearest patches, than any training patch is to another "
        f"patient's (at most {expected:.1f} expected by chance)"
    )
    if leaks:
        return "leaks", f"{leaks} of {images} images almost certainly copy a training patch; {suspects} are {closer}"
    if suspects and chance < FALSE_ALARMS:
        return "leaks", f"{suspects} of {images} images are {closer}: more than chance explains"
    if suspects:
        return "suspects", f"{suspects} of {images} images are {closer}: look at the closest pairs"
    return "none", f"none of {images} images is {closer}"


def _both_sides(features_of: Callable[[Pixels], Tensor], images: Pixels) -> tuple[Tensor, Tensor]:
    """Features of images, and of their mirror images, because training mirrors images."""
    flipped = np.ascontiguousarray(images[:, :, ::-1])
    return features_of(images), features_of(flipped)


def _feature_distances(sides: tuple[Tensor, Tensor], known: Tensor) -> Distances:
    """1 − correlation with the training patches' features `known`, standardised: (N, M), the closer of both sides."""
    mean, sd = known.mean(dim=0), known.std(dim=0)
    scale = torch.where(sd > _CONSTANT, 1 / sd, 0)  # a channel that no training patch excites says nothing
    patches = F.normalize((known - mean) * scale, dim=1)
    alike = [F.normalize((side - mean) * scale, dim=1) @ patches.T for side in sides]
    distances: Distances = (1 - torch.maximum(*alike)).clamp_min(0).numpy()
    return distances


def _pairs(
    found: Sequence[Nearest], generated: Pixels, seeds: Sequence[int], reference: Reference
) -> tuple[Pixels, ...]:
    """The least probable findings: the generated image, then the training patch aligned to it."""
    index_of_seed = {int(seed): index for index, seed in enumerate(seeds)}
    index_of_patch = {patch: index for index, patch in enumerate(reference.patch_ids)}
    shown = list(dict.fromkeys((one.seed, one.patch_id) for one in found))[:_SHOWN]
    images = []
    for seed, patch in shown:
        image, index = generated[index_of_seed[seed]], index_of_patch[patch]
        images += [image, align(image, reference.images[index], reference.templates[index])]
    return tuple(images)
