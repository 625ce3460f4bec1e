"""From a patch set and a model to a stimulus set: real and generated images together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from analysis.image_cues.cues import compare_cues, measure_cues
from data.errors import LookalikeError
from data.files import sha256
from data.shipped import VERSION
from gan.checkpoint import Model, load_model
from gan.composition.result import Composed, read_composed
from gan.generate import checked_images
from gan.leaks.check import Reference, prepare
from gan.networks.features import load_vgg16
from lookalike.flows.sets.classic import BEHIND, reserve, study_patches
from lookalike.flows.sets.patient_overlap import refuse_overlap, refuse_unchecked
from stimuli.classic.candidates import classic_candidates
from stimuli.classic.rendering import Look
from stimuli.images import Pixels, quantise
from stimuli.patches import PatchSet, read_patches
from stimuli.sets import Candidate, Layout, StimulusSet
from stimuli.sets.building import Choice, choose, in_order, matched, write_set
from stimuli.sets.matching import Match


@dataclass(frozen=True)
class Recipe:
    """Where the images of a set come from.

    Generated images are from consecutive seeds, `first_seed` upwards, at one truncation (None: the model's own); catch
    images are from `catch_model`, a generator known to be worse. `disjoint_patients` confirms that the model was
    trained on no patient of the patches, where codes made with different keys cannot show it. `safe` skips images that
    are too close to a training patch (`gan.leaks.check`, with the weights `vgg16`). With a folder of `composed` images
    those are the generated ones, and their patients' own patches are not shown beside them. With contrasts in
    `catch_classic`, catch images are classic stimuli of these contrasts in turn, on the tissue of study patients whose
    own patches are not shown. With `match`, all images get the mean histogram or spectrum of the set.
    """

    patches: Path
    model: Path
    truncation: float | None = None
    first_seed: int = 0
    catch_model: Path | None = None
    disjoint_patients: bool = False
    safe: bool = False
    vgg16: str | None = None
    composed: Path | None = None
    catch_classic: tuple[float, ...] = ()
    match: Match | None = None


def build_stimuli(out: Path, recipe: Recipe, layout: Layout) -> StimulusSet:
    """Build a stimulus set of real patches from the `study` split and images of a model.

    Raises `LookalikeError` for what is wrong with the patches, the model or the request.
    """
    _refuse_match(recipe)
    patches, model = read_patches(recipe.patches), load_model(recipe.model)
    catch_model = None if recipe.catch_model is None else load_model(recipe.catch_model)
    refuse_overlap(patches, model, recipe.model, "study", recipe.disjoint_patients)
    composed = None if recipe.composed is None else _read_composed(recipe, patches, model)
    behind = reserve(patches, layout.catch, layout.seed) if recipe.catch_classic else []
    psi, reference = model.psi(recipe.truncation), None
    if recipe.safe:
        refuse_unchecked(patches, model, recipe.model)
        reference = prepare(patches, load_vgg16(recipe.vgg16))
    provenance = {
        "lookalike_version": VERSION,
        "patches_sha256": patches.sha256,
        "model_sha256": model.sha256,
        "catch_model_sha256": None if catch_model is None else catch_model.sha256,
        **({"catch_classic": asdict(Look())} if behind else {}),
        "truncation": psi,
        "first_seed": recipe.first_seed,
        **({} if composed is None else {"composed_sha256": sha256(composed.folder / "composed.csv")}),
        "disjoint_patients_vouched_for": recipe.disjoint_patients,
        "leaks_dropped": recipe.safe,
        "crops_per_lesion": patches.about["crops_per_box"],
        "credit": sorted({text for text in (patches.about["credit"], model.training.get("credit", "")) if text}),
    }
    unseen = dict.fromkeys(() if composed is None else composed.patients, "of a patient in the composed images")
    unseen |= {one.patient: BEHIND for one in behind}
    if recipe.catch_classic:
        catch = classic_candidates(behind, Look(), recipe.catch_classic, layout.seed)
    else:
        catch = iter(()) if catch_model is None else _generated(catch_model, recipe.first_seed, psi, reference)
    generated = _generated(model, recipe.first_seed, psi, reference) if composed is None else _composed(composed)
    choice = choose(study_patches(patches, layout.seed, unseen), generated, layout, catch)
    if recipe.match is not None:
        choice = matched_with_cues(choice, recipe.match, layout)
    return write_set(out, choice, layout, provenance)


def matched_with_cues(choice: Choice, match: Match, layout: Layout) -> Choice:
    """The images matched to their mean, with the AUC of each cue before and after in `match`."""
    after = matched(choice, match)
    before_auc, after_auc = (_cue_aucs(one, layout) for one in (choice, after))
    cues = {name: {"before": auc, "after": after_auc[name]} for name, auc in before_auc.items()}
    return replace(after, match={**(after.match or {}), "cue_auc": cues})


def _cue_aucs(choice: Choice, layout: Layout) -> dict[str, float | None]:
    """How well each cue, and all together, discriminate the main images as they will be stored (None: undefined)."""
    main = [one for one in in_order(choice, layout) if one.role == "main"]  # so that 'stimuli check' finds the same
    images = [_as_read(one.pixels, layout.bits) for one in main]
    patients = np.array([one.candidate.patient or None for one in main], dtype=object)
    # The classifier's AUC is wanted, not its p, so as few permutations as it takes.
    found = compare_cues(measure_cues(images), [one.truth for one in main], patients, permutations=19)
    aucs = {one.cue: one.auc for one in found.cues} | {"all cues": found.combined.auc}
    return {name: round(float(auc), 4) if np.isfinite(auc) else None for name, auc in aucs.items()}


def _as_read(pixels: Pixels, bits: int) -> Pixels:
    """P-values as a reader of the stored image has them."""
    return (quantise(pixels, bits) / np.float32(2**bits - 1)).astype(np.float32)


def _refuse_match(recipe: Recipe) -> None:
    """Raise `LookalikeError` if matching would undo what was asked for."""
    if recipe.match and recipe.catch_classic:
        raise LookalikeError(
            "conflicting-options",
            "--match changes the contrast of every image, so the contrasts of --catch-classic would not be what they "
            "say; leave out one of the two",
        )
    if recipe.match == "spectrum" and recipe.composed is not None:
        raise LookalikeError(
            "conflicting-options",
            "--match spectrum makes textures alike, and --composed is there to vary them; match grey-levels, or leave "
            "out one of the two",
        )


def _read_composed(recipe: Recipe, patches: PatchSet, model: Model) -> Composed:
    """Composed images that may be shown beside the study patients' patches.

    Raises `LookalikeError` if they are another model's, their patients cannot be compared with those of the patches, or
    the model was trained on one of them.
    """
    composed = read_composed(recipe.composed or "")
    where = recipe.composed
    if recipe.safe:
        raise LookalikeError(
            "conflicting-options",
            "--safe compares seeds' images with training patches; composed images are made from patients' own, which "
            "they name: leave out --safe",
        )
    if composed.about["model_sha256"] != model.sha256:
        raise LookalikeError("other-model", f"{where}: composed with another model; name that one with --model")
    unknown = composed.about.get("key_fingerprint") != patches.about["key_fingerprint"] or not all(
        composed.table[["texture_patient", "shape_patient"]].ne("").all()
    )
    if unknown and not recipe.disjoint_patients:
        raise LookalikeError(
            "key-mismatch",
            f"{where}: patients of its lesions are unknown, or coded with another key than {patches.folder}; compose "
            "patches of this set, or confirm with --disjoint-patients that the model was trained on none of them",
        )
    shared = sorted(set(composed.patients) & model.patients(patches.about["key_fingerprint"]))
    if shared:
        raise LookalikeError(
            "patient-overlap",
            f"{where}: made from {len(shared)} patients ({shared[0]}, ...) that {recipe.model} was trained on; compose "
            "lesions of the study split",
        )
    return composed


def _composed(composed: Composed) -> Iterator[Candidate]:
    """Composed images in the order of their table, with their patients and parents."""
    for row in composed.table.itertuples():
        patients = dict.fromkeys(one for one in (row.texture_patient, row.shape_patient) if one)
        yield Candidate(
            composed.read(row), f"composed:{row.image}", "+".join(patients), texture=row.texture, shape=row.shape
        )


def _generated(model: Model, first_seed: int, psi: float, reference: Reference | None) -> Iterator[Candidate]:
    """Consecutive seeds, without end."""
    for image in checked_images(model.generator, first_seed, psi, reference):
        yield Candidate(image.pixels, f"seed:{image.seed}", objection=image.objection)
