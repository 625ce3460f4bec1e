"""From snapshots of a training to known fakes of graded visibility: the earlier a snapshot, the plainer its images."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise, repeat
from pathlib import Path
from typing import Any

from data.errors import LookalikeError
from data.files import read_json
from data.shipped import VERSION
from gan.checkpoint import Model, load_model
from gan.generate import checked_images
from lookalike.flows.sets.classic import study_patches
from lookalike.flows.sets.patient_overlap import refuse_overlap
from stimuli.patches import read_patches
from stimuli.sets import Candidate, Layout, StimulusSet, build_set
from stimuli.sets.building import finish, flatness

FEWEST = 3  # levels, for a function with a threshold and a spread
MOST = 8  # snapshots taken from a run, each with about half as many training images as the one after it


@dataclass(frozen=True)
class Graded:
    """Known fakes from snapshots: where they come from.

    `snapshots` are folders of models, or one folder of a training run, of which up to 8 are taken: the last, and those
    nearest to a half, a quarter and so on of its training images. `levels` belong to the models in the order given;
    without them a level is how many times more images the last of the models was trained on, so the last has level 1.
    `each` is the number of images of a level. Images are of every so-manieth seed, `first_seed` upwards, so that no two
    levels show one code; `truncation` None is each model's own, and `disjoint_patients` as in `refuse_overlap`.
    """

    snapshots: tuple[Path, ...]
    each: int
    levels: tuple[float, ...] = ()
    truncation: float | None = None
    first_seed: int = 0
    disjoint_patients: bool = False


@dataclass(frozen=True)
class Snapshot:
    """A model whose images have one level of visibility, and the truncation of these."""

    folder: Path
    model: Model
    level: float
    psi: float


def snapshot_set(out: Path, folder: Path, request: Graded, layout: Layout) -> StimulusSet:
    """Write a stimulus set of real patches, and known fakes from snapshots whose `level` says how visible they are.

    The layout's `graded` follows from the request. Practice images are of the most visible level. Raises
    `LookalikeError` for what is wrong with the patches, the models or the request.
    """
    patches, snapshots = read_patches(folder), graded_snapshots(request)
    for one in snapshots:
        refuse_overlap(patches, one.model, one.folder, "study", request.disjoint_patients)
    provenance: dict[str, Any] = {
        "lookalike_version": VERSION,
        "patches_sha256": patches.sha256,
        "snapshots": [
            {
                "level": one.level,
                "model_sha256": one.model.sha256,
                "images_seen": one.model.training.get("images_seen"),
                "truncation": one.psi,
            }
            for one in snapshots
        ],
        "levels": [one.level for one in snapshots],
        "first_seed": request.first_seed,
        "disjoint_patients_vouched_for": request.disjoint_patients,
        "crops_per_lesion": patches.about["crops_per_box"],
        "credit": sorted(
            {patches.about["credit"], *(one.model.training.get("credit", "") for one in snapshots)} - {""}
        ),
    }
    layout = replace(layout, graded=request.each * len(snapshots))
    fakes = _fakes(snapshots, request, layout)
    return build_set(out, study_patches(patches, layout.seed, {}), fakes, layout, provenance)


def graded_snapshots(request: Graded) -> list[Snapshot]:
    """The models of a request with their levels, from the faintest to the plainest.

    Raises `LookalikeError` for a folder that holds no model, fewer than three levels, two models of one level, and
    models that do not say how long they were trained where no levels are given.
    """
    folders = [one for folder in request.snapshots for one in _models_in(folder, alone=len(request.snapshots) == 1)]
    if request.levels and len(request.levels) != len(folders):
        raise LookalikeError(
            "out-of-range",
            f"--levels has {len(request.levels)} numbers, and --snapshots {len(folders)} models; give one for each",
        )
    levels = request.levels or _levels_of(folders)
    found = sorted(zip(levels, folders, strict=True))
    if len(found) < FEWEST:
        raise LookalikeError(
            "set-too-small",
            f"{len(found)} snapshots differ enough in how long they were trained, and a threshold needs {FEWEST} "
            "levels at least; train with a smaller --snapshot-kimg, or give more models with --snapshots",
        )
    for (level, one), (next_level, other) in pairwise(found):
        if level == next_level:
            raise LookalikeError(
                "out-of-range", f"{one} and {other} both have the level {level:g}; give each one of its own (--levels)"
            )
    models = [(level, folder, load_model(folder)) for level, folder in found]
    return [Snapshot(folder, model, level, model.psi(request.truncation)) for level, folder, model in models]


def _models_in(folder: Path, alone: bool) -> list[Path]:
    """The folder, if it is a model's; of a training run, the models to take."""
    if not any((folder / part).exists() for part in ("models", "settings.json")):
        return [folder]
    found = sorted((folder / "models").glob("*-images"), key=_images_seen)
    if not found:
        raise LookalikeError("no-such-file", f"{folder}: this training run has no snapshots yet; wait for some")
    if not alone:
        raise LookalikeError(
            "conflicting-options", f"{folder}: is a training run; give one run alone, or folders of models in it"
        )
    last, taken = _images_seen(found[-1]), [found[-1]]
    for halvings in range(1, MOST):
        off = {one: abs(math.log2(last / _images_seen(one)) - halvings) for one in found}
        nearest = min(found, key=lambda one: off[one])
        if off[nearest] < 0.5:  # or it is nearer to another halving
            taken.append(nearest)
    return taken


def _levels_of(folders: Sequence[Path]) -> list[float]:
    seen = [_images_seen(folder) for folder in folders]
    return [float(f"{max(seen) / one:.4g}") for one in seen]


def _images_seen(folder: Path) -> int:
    """How many training images a model has seen. Raises `LookalikeError` if its folder does not say so."""
    path = folder / "config.json"
    if not path.is_file():
        raise LookalikeError("no-such-file", f"{folder}: is neither a model (no config.json) nor a training run")
    seen = read_json(path).get("training", {}).get("images_seen")
    if not isinstance(seen, int) or seen < 1:
        raise LookalikeError(
            "incomplete-model", f"{folder}: does not record its images_seen; give every model a level with --levels"
        )
    return seen


def _fakes(snapshots: Sequence[Snapshot], request: Graded, layout: Layout) -> Iterator[Candidate]:
    """Images of all levels in turn, then of the plainest; after one that shows nothing comes another of its level."""
    step = len(snapshots)
    images = [
        checked_images(one.model.generator, request.first_seed + place, one.psi, step=step, batch=request.each)
        for place, one in enumerate(snapshots)
    ]
    for place in chain(list(range(step)) * request.each, repeat(step - 1)):
        for image in images[place]:
            why = flatness(finish(image.pixels, layout))
            yield Candidate(image.pixels, f"seed:{image.seed}", objection=why, level=snapshots[place].level)
            if not why:
                break
