"""Whether a set is what its provenance says: its patches, its model, and the patients of both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from data.errors import LookalikeError
from stimuli.images import quantise
from stimuli.patches import PatchSet
from stimuli.sets import Layout, StimulusSet
from stimuli.sets.building import finish
from stimuli.sets.traces import Finding

if TYPE_CHECKING:
    from gan.checkpoint import Model

_KINDS = {"real": ("patch",), "generated": ("seed", "composed", "classic")}
_EXACT = 1e-6  # of P-values that were stored with the same number of bits


def origin_findings(
    stimuli: StimulusSet, patches: PatchSet | None, model: tuple[Path, Model] | None
) -> Iterator[Finding]:
    """What the manifest says of where the images are from, and whether that is so, as far as it can be checked."""
    yield _stated(stimuli)
    if patches is not None:
        yield _real_patches(stimuli, patches)
    else:
        yield Finding("real images", "note", "not compared with their patches: give the patch set (--patches)")
    yield _of_model(stimuli, model)
    if model is not None:
        yield _trained_on(stimuli, patches, model)


def _stated(stimuli: StimulusSet) -> Finding:
    about, table = stimuli.about, stimuli.table
    for row in table.itertuples():
        kind = str(row.source).partition(":")[0] if isinstance(row.source, str) else "none"
        if kind not in _KINDS[row.truth]:
            words = f"{row.stimulus_id}: a {row.truth} image whose source is {row.source!r}"
            words += f", not {' or '.join(f'{one}:' for one in _KINDS[row.truth])}"
            return Finding("provenance", "wrong", words)
    missing = [name for name in ("patches_sha256", "lookalike_version") if not about.get(name)]
    if (table["source"].str.startswith("seed:")).any() and not _model_hashes(about):
        missing.append("model_sha256")
    if missing:
        return Finding("provenance", "wrong", f"stimuli.json does not state {', '.join(missing)}")
    match = about.get("match")
    count = len(_model_hashes(about))
    hashes = "hash of the patches" if not count else f"hashes of patches and {'model' if count == 1 else 'models'}"
    words = f"every image has a source, and stimuli.json the {hashes}"
    return Finding("provenance", "ok", words + (f"; matched: {match['kind']}" if match else ""))


def _real_patches(stimuli: StimulusSet, patches: PatchSet) -> Finding:
    """Real images are patches of the set named, of its study split, with its patients and pixels."""
    if stimuli.about.get("patches_sha256") != patches.sha256:
        words = f"{patches.folder} is not the patch set that this set was built from (its hash is another)"
        return Finding("real images", "wrong", words)
    known = patches.table.set_index("patch_id", drop=False)
    real = stimuli.table[stimuli.table["truth"] == "real"]
    for row in real.itertuples():
        patch_id = str(row.source).removeprefix("patch:")
        if patch_id not in known.index:
            return Finding("real images", "wrong", f"{row.stimulus_id}: the patch set has no patch {patch_id}")
        patch = known.loc[patch_id]
        if patch["split"] != "study":
            return Finding("real images", "wrong", f"{row.stimulus_id}: its patch is of the {patch['split']} split")
        if patch["patient"] != row.patient:
            return Finding("real images", "wrong", f"{row.stimulus_id}: its patch is of another patient")
    if stimuli.about.get("match"):
        return Finding("real images", "ok", f"all {len(real)} are of study patients; pixels not compared, as matched")
    return _same_pixels(stimuli, patches, real, known)


def _same_pixels(stimuli: StimulusSet, patches: PatchSet, real: pd.DataFrame, known: pd.DataFrame) -> Finding:
    try:
        layout = Layout(**stimuli.about["layout"])
    except (KeyError, TypeError, LookalikeError):
        return Finding("real images", "wrong", "stimuli.json does not state how the images were made (layout)")
    for row in real.itertuples():
        patch: Any = known.loc[str(row.source).removeprefix("patch:")]
        wanted = quantise(finish(patches.read(patch), layout), layout.bits) / (2.0**layout.bits - 1)
        shown = stimuli.read(row.stimulus_id)
        if shown.shape != wanted.shape or np.abs(shown - wanted).max() > _EXACT:
            return Finding("real images", "wrong", f"{row.stimulus_id}: its pixels are not those of its patch")
    return Finding("real images", "ok", f"all {len(real)} are their patches, pixel by pixel, of study patients")


def _of_model(stimuli: StimulusSet, model: tuple[Path, Model] | None) -> Finding:
    wanted = _model_hashes(stimuli.about)
    if not wanted:
        return Finding("model", "ok", "no generated image is from a model")
    if model is None:
        return Finding("model", "note", "not compared: no shipped model has this hash; name the model (--model)")
    if model[1].sha256 not in wanted:
        return Finding("model", "wrong", f"{model[0]} is not the model that this set was built with (another hash)")
    others = f"; one of {len(wanted)} snapshots" if len(wanted) > 1 else ""
    return Finding("model", "ok", f"{model[0].name}, by its hash{others}")


def _model_hashes(about: dict[str, Any]) -> list[str]:
    """The hash of the model that made the generated images, or those of the snapshots that made known fakes."""
    single = about.get("model_sha256")
    return [single] if single else [one["model_sha256"] for one in about.get("snapshots", ())]


def _trained_on(stimuli: StimulusSet, patches: PatchSet | None, model: tuple[Path, Model]) -> Finding:
    """No real image is of a patient that the model was trained on."""
    training = model[1].training
    trained = {patient for one in model[1].trainings for patient in one.get("train_patients", ())}
    shown = set(stimuli.table.loc[stimuli.table["truth"] == "real", "patient"].dropna())
    both = sorted(shown & trained)
    if both:
        words = f"the model was trained on {len(both)} of {len(shown)} patients, first {both[0]}"
        return Finding("training patients", "wrong", words)
    if stimuli.about.get("disjoint_patients_vouched_for"):
        words = (
            "codes made with another key cannot show it; whoever built the set confirmed that it was trained on none"
        )
        return Finding("training patients", "note", words)
    if patches is None or patches.about["key_fingerprint"] != training.get("key_fingerprint"):
        words = "no code is among the model's; whether the key was the same, the patch set shows (--patches)"
        return Finding("training patients", "note" if patches is None else "wrong", words)
    return Finding("training patients", "ok", f"the model was trained on none of {len(shown)} patients")
