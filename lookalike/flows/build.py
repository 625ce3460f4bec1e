"""From a patch set and a model to a stimulus set: real and generated images together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.shipped import VERSION
from gan.checkpoint import Model, load_model
from gan.generate import checked_images
from gan.leaks.check import Reference, prepare
from gan.networks.features import load_vgg16
from lookalike.flows.patient_overlap import refuse_overlap, refuse_unchecked
from stimuli.patches import PatchSet, read_patches
from stimuli.sets import Candidate, Layout, StimulusSet, build_set


@dataclass(frozen=True)
class Recipe:
    """Where the images of a set come from.

    Generated images are from consecutive seeds, `first_seed` upwards, at one truncation (None: the model's own); catch
    images are from `catch_model`, a generator known to be worse. `disjoint_patients` confirms that the model was
    trained on no patient of the patches, where codes made with different keys cannot show it. `safe` skips images that
    are too close to a training patch (`gan.leaks.check`, with the weights `vgg16`).
    """

    patches: Path
    model: Path
    truncation: float | None = None
    first_seed: int = 0
    catch_model: Path | None = None
    disjoint_patients: bool = False
    safe: bool = False
    vgg16: str | None = None


def build_stimuli(out: Path, recipe: Recipe, layout: Layout) -> StimulusSet:
    """Build a stimulus set of real patches from the `study` split and images of a model.

    Raises `LookalikeError` for what is wrong with the patches, the model or the request.
    """
    patches, model = read_patches(recipe.patches), load_model(recipe.model)
    catch_model = None if recipe.catch_model is None else load_model(recipe.catch_model)
    refuse_overlap(patches, model, recipe.model, "study", recipe.disjoint_patients)
    psi, reference = model.psi(recipe.truncation), None
    if recipe.safe:
        refuse_unchecked(patches, model, recipe.model)
        reference = prepare(patches, load_vgg16(recipe.vgg16))
    provenance = {
        "lookalike_version": VERSION,
        "patches_sha256": patches.sha256,
        "model_sha256": model.sha256,
        "catch_model_sha256": None if catch_model is None else catch_model.sha256,
        "truncation": psi,
        "first_seed": recipe.first_seed,
        "disjoint_patients_vouched_for": recipe.disjoint_patients,
        "leaks_dropped": recipe.safe,
        "crops_per_lesion": patches.about["crops_per_box"],
        "credit": sorted({text for text in (patches.about["credit"], model.training.get("credit", "")) if text}),
    }
    return build_set(
        out,
        _real(patches, layout.seed),
        _generated(model, recipe.first_seed, psi, reference),
        layout,
        provenance,
        catch=() if catch_model is None else _generated(catch_model, recipe.first_seed, psi, reference),
    )


def _real(patches: PatchSet, seed: int) -> Iterator[Candidate]:
    """The study patients' patches, in a random order drawn from the set's seed."""
    rows = patches.select("study")
    for index in np.random.default_rng(seed).permutation(len(rows)):
        row = rows.iloc[int(index)]
        yield Candidate(patches.read(row), f"patch:{row.patch_id}", row.patient)


def _generated(model: Model, first_seed: int, psi: float, reference: Reference | None) -> Iterator[Candidate]:
    """Consecutive seeds, without end."""
    for image in checked_images(model.generator, first_seed, psi, reference):
        yield Candidate(image.pixels, f"seed:{image.seed}", objection=image.objection)
