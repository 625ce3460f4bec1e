"""Whether a model was trained on the patients, or on all the patches, of a patch set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from data.errors import LookalikeError
from data.shipped import CBIS_DDSM_KEY
from gan.checkpoint import Model
from stimuli.patches import PatchSet

_SAME_CONTEXT = 1.1  # largest ratio of the medians of contexts that vary from patch to patch


def refuse_overlap(
    patches: PatchSet, model: Model, name: Path, split: str | None, disjoint_patients: bool = False
) -> None:
    """Raise `LookalikeError` if a split, or without one the set, holds patients that model `name` was trained on.

    The same goes for patches cut with another context, which show more or less around the lesion than generated ones.
    `disjoint_patients` confirms that the patients differ, where codes made with different keys cannot show it.
    """
    training = model.training
    unknown = {
        name for name in ("context", "key_fingerprint", "train_patients") for one in model.trainings if name not in one
    }
    if unknown:
        raise LookalikeError(
            "incomplete-model", f"{name}: does not record its {', '.join(sorted(unknown))}; retrain the model"
        )
    if ("normal" in patches.about) != ("normal" in training):
        shows, other = ("normal tissue", "lesions") if "normal" in patches.about else ("lesions", "normal tissue")
        raise LookalikeError(
            "tissue-mismatch",
            f"{patches.folder}: shows {shows}, but {name} was trained on {other}, which would distinguish real from "
            f"generated; cut patches {'without' if shows == 'normal tissue' else 'with'} --normal",
        )
    if not _same_context(patches.about, training):
        remedy = training["context"]
        raise LookalikeError(
            "context-mismatch",
            f"{patches.folder}: cut at context {_context(patches.about)}, but {name} was trained at "
            f"{_context(training)}, which would distinguish real from generated; "
            + ("give patches framed as those" if remedy is None else f"cut patches with --context {remedy:g}"),
        )
    rows = patches.table if split is None else patches.select(split)
    shared = sorted(set(rows["patient"]) & model.patients(patches.about["key_fingerprint"]))
    if shared:
        cure = "leave them out" if split is None else "cut the patches with the model's --split"
        raise LookalikeError(
            "patient-overlap",
            f"{patches.folder}: {len(shared)} {split or 'of its'} patients ({shared[0]}, ...) are among those that "
            f"{name} was trained on; {cure}",
        )
    if not disjoint_patients and not all(_same_key(patches, one) for one in model.trainings):
        raise LookalikeError(
            "key-mismatch",
            f"{patches.folder}: its patient codes were made with a different key from the codes in {name}, or in a "
            "model that it started from, so it is unknown whether the model was trained on these patients; cut the "
            "patches with the model's key (for the "
            f"shipped model and CBIS-DDSM: --key {CBIS_DDSM_KEY}), or confirm with --disjoint-patients that it was not",
        )


def refuse_unchecked(patches: PatchSet, model: Model, name: Path) -> None:
    """Raise `LookalikeError` if a leak check would miss patches that the model was trained on."""
    missing = unchecked(patches, model)
    if missing:
        raise LookalikeError(
            "missing-training-patches",
            f"{patches.folder}: {missing}, so a leak check could miss some; "
            f"give the patch set that {name} was trained on",
        )


def unchecked(patches: PatchSet, model: Model) -> str:
    """What the train split lacks of the patches that the model was trained on; empty if it has them all.

    Patches that models learned from which this one started from are of other sizes or sources: `unchecked_earlier`.
    """
    training = model.training
    if training.get("patches_sha256") == patches.sha256:
        return ""
    if not _same_key(patches, training) or "train_patients" not in training:
        return "it is unknown whether its train split holds the model's training patients"
    absent = set(training["train_patients"]) - set(patches.select("train")["patient"])
    if absent:
        return f"its train split lacks {len(absent)} of the model's {len(training['train_patients'])} training patients"
    held = len(patches.select("train"))
    if held < training.get("patches", held + 1):
        return f"its train split holds only {held} patches of the model's {training.get('patches', 'unknown')}"
    return ""


def unchecked_earlier(patches: PatchSet, model: Model) -> str:
    """What to say of patches that only a model that this one started from has seen; empty if there are none."""
    seen = {patches.sha256, model.training.get("patches_sha256")}
    others = sum("patches_sha256" not in one or one["patches_sha256"] not in seen for one in model.trainings)
    if not others:
        return ""
    return "not compared with the patches of the model that training started from, which were others"


def _same_context(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether both have one context, the same, or contexts that vary around nearly the same median (or are unknown)."""
    if None not in (one["context"], other["context"]) or one["context"] != other["context"]:
        return bool(one["context"] == other["context"])
    a, b = one.get("context_median"), other.get("context_median")
    if a is None or b is None:
        return a is b
    return bool(max(a, b) <= _SAME_CONTEXT * min(a, b))


def _context(about: dict[str, Any]) -> str:
    if about["context"] is not None:
        return f"{about['context']:g}"
    if about.get("context_median") is None:
        return "unknown"
    low, high = about["context_range"]
    return f"{about['context_median']:g} ({low:g} to {high:g})"


def _same_key(patches: PatchSet, training: dict[str, Any]) -> bool:
    return bool(patches.about["key_fingerprint"] == training.get("key_fingerprint"))
