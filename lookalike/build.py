"""From a patch set and a model to a stimulus set: where the real and the generated meet."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.errors import LookalikeError
from data.shipped import CBIS_DDSM_KEY
from data.version import VERSION
from gan.checkpoint import Model, load_model
from gan.generator import from_seeds
from stimuli.patches import PatchSet, read_patches
from stimuli.sets import Candidate, Layout, StimulusSet, build_set


@dataclass(frozen=True)
class Recipe:
    """Where a set's images come from: generated ones are consecutive seeds from `first_seed` at one
    truncation; catch images come from `catch_model`, a generator known to be worse.
    `disjoint_patients` vouches that no patient of the patches was trained on, where codes made with
    different keys cannot show it."""

    patches: Path
    model: Path
    truncation: float = 0.7
    first_seed: int = 0
    catch_model: Path | None = None
    disjoint_patients: bool = False


def build(out: Path, recipe: Recipe, layout: Layout) -> StimulusSet:
    """Build a stimulus set from the `study` split's real patches and a model's images.

    Raises `LookalikeError` for what is wrong with the patches, the model or the request.
    """
    patches, model = read_patches(recipe.patches), load_model(recipe.model)
    catch_model = None if recipe.catch_model is None else load_model(recipe.catch_model)
    _refuse_unfair(patches, model, recipe)
    provenance = {
        "lookalike_version": VERSION,
        "patches_sha256": patches.sha256,
        "model_sha256": model.sha256,
        "catch_model_sha256": None if catch_model is None else catch_model.sha256,
        "truncation": recipe.truncation,
        "first_seed": recipe.first_seed,
        "disjoint_patients_vouched_for": recipe.disjoint_patients,
        "credit": sorted({text for text in (patches.about["credit"], model.training.get("credit", "")) if text}),
    }
    return build_set(
        out,
        _real(patches, layout.seed),
        _generated(model, recipe),
        layout,
        provenance,
        catch=() if catch_model is None else _generated(catch_model, recipe),
    )


def _refuse_unfair(patches: PatchSet, model: Model, recipe: Recipe) -> None:
    """Raise `LookalikeError` if real images would come from patients that the model was trained on, or
    from patches cut with another context, which shows more or less round the lesion."""
    training = model.training
    unknown = {"context", "key_fingerprint", "train_patients"} - training.keys()
    if unknown:
        raise LookalikeError(f"{recipe.model}: does not say its {', '.join(sorted(unknown))}; train it anew")
    if patches.about["context"] != training["context"]:
        raise LookalikeError(
            f"{patches.folder}: cut at context {patches.about['context']:g}, but {recipe.model} was trained at "
            f"{training['context']:g}, which would tell real from generated; cut patches with --context "
            f"{training['context']:g}"
        )
    if patches.about["key_fingerprint"] == training["key_fingerprint"]:
        shared = sorted(set(patches.select("study")["patient"]) & set(training["train_patients"]))
        if shared:
            raise LookalikeError(
                f"{patches.folder}: {len(shared)} study patients ({shared[0]}, ...) are among those that "
                f"{recipe.model} was trained on; cut the patches with the model's --split"
            )
    elif not recipe.disjoint_patients:
        raise LookalikeError(
            f"{patches.folder}: its patient codes were made with another key than the codes in {recipe.model}, so "
            "nobody can see whether the model was trained on these patients; cut the patches with the model's key (for "
            f"the shipped model and CBIS-DDSM: --key {CBIS_DDSM_KEY}), or vouch for it with --disjoint-patients"
        )


def _real(patches: PatchSet, seed: int) -> Iterator[Candidate]:
    """The study patients' patches, in a random order drawn from the set's seed."""
    rows = patches.select("study")
    for index in np.random.default_rng(seed).permutation(len(rows)):
        row = rows.iloc[int(index)]
        yield Candidate(patches.read(row), f"patch:{row.patch_id}", row.patient)


def _generated(model: Model, recipe: Recipe) -> Iterator[Candidate]:
    """Consecutive seeds, without end."""
    for seed, pixels in from_seeds(model.generator, itertools.count(recipe.first_seed), recipe.truncation, batch=25):
        yield Candidate(pixels, f"seed:{seed}")
