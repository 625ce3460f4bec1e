"""The real patches that a model is measured against: never those that it was trained on."""

from __future__ import annotations

import pandas as pd

from data.errors import LookalikeError
from stimuli.images import Pixels
from stimuli.patches import PatchSet

FEWEST_PATCHES, FEWEST_PATIENTS = 20, 10
FIRST_SEED = 100_000  # of generated images: far from the seeds that people look at while they choose a model


def real_rows(patches: PatchSet, split: str | None, size_px: int) -> pd.DataFrame:
    """The rows of a split, or without one of all patients, if a model of this image size can be measured against them.

    Raises `LookalikeError`.
    """
    if split not in ("select", "study", None):
        raise LookalikeError(
            "unknown-choice", f"split is {split!r}; a model is measured on study (or select), which it has not seen"
        )
    if patches.about["size_px"] != size_px:
        raise LookalikeError(
            "wrong-size",
            f"{patches.folder}: patches are {patches.about['size_px']} px but the model makes {size_px} px; "
            f"cut them with --size {size_px}",
        )
    rows = patches.table if split is None else patches.select(split)
    patients = rows["patient"].nunique()
    if len(rows) < FEWEST_PATCHES or patients < FEWEST_PATIENTS:
        where, cure = (
            ("", "") if split is None else (f" in the {split} split", f", or cut with a larger share for {split}")
        )
        raise LookalikeError(
            "set-too-small",
            f"{patches.folder}: {len(rows)} patches of {patients} patients{where}; an evaluation needs "
            f"{FEWEST_PATCHES} of {FEWEST_PATIENTS} or more: add mammograms{cure}",
        )
    return rows


def training_images(patches: PatchSet) -> Pixels:
    """The patches of the `train` split, (N, R, R). Raises `LookalikeError` for fewer than 20."""
    rows = patches.select("train")
    if len(rows) < FEWEST_PATCHES:
        raise LookalikeError(
            "set-too-small",
            f"{patches.folder}: {len(rows)} patches in the train split; an evaluation needs {FEWEST_PATCHES} to learn "
            "how features of real patches vary",
        )
    return patches.read_all(rows)
