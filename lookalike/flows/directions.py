"""From the words of `lookalike directions` and `lookalike edit` to folders of directions and of edited images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from data.errors import LookalikeError
from data.files import refuse_occupied
from gan.checkpoint import load_model
from gan.directions.directions_file import direction_named, load_directions
from gan.directions.edited import save_edited
from gan.directions.find import find_directions, save_found
from gan.directions.labels import label_of, read_labels
from gan.inversion.result import read_inverted
from lookalike.console import say
from lookalike.flows.morph import read_anchors
from lookalike.flows.sets.patient_overlap import refuse_overlap
from stimuli.patches import read_patches
from stimuli.patient_codes import read_key


@dataclass(frozen=True)
class Request:
    """What is fitted to what: see the options of `lookalike directions`."""

    patches: Path
    model: Path
    labels: Sequence[str]
    table: Path | None = None
    key: Path | None = None
    inverted: Path | None = None
    disjoint_patients: bool = False


def fit_and_measure(request: Request, out: Path) -> pd.DataFrame:
    """Fit and measure directions, and write them into the new folder `out`; returns the table of `directions.csv`.

    Raises `LookalikeError` for what is wrong with labels, tables, patches or the model.
    """
    refuse_occupied(out)  # before the long work
    if not request.labels:
        raise LookalikeError("missing-option", "give one or more --label, such as density=breast_density:3|4")
    labels = [label_of(text) for text in request.labels]
    model, patches = load_model(request.model), read_patches(request.patches)
    for split in ("select", "study"):  # whose patients judge
        refuse_overlap(patches, model, request.model, split, request.disjoint_patients)
    if request.key is not None and not request.key.is_file():
        raise LookalikeError("no-such-file", f"{request.key}: no such key; give the one that the patches were cut with")
    key = None if request.key is None else read_key(request.key)
    known = read_labels(labels, patches, request.table, key)
    inverted = None if request.inverted is None else read_inverted(request.inverted, model)
    found = find_directions(model, patches, labels, known, inverted, say)
    return save_found(out, found, model)


def amounts_of(steps: int, amount: float) -> list[float]:
    """Evenly spaced amounts from one end to the other; with an odd number the middle one is 0.

    Raises `LookalikeError` for fewer than two steps, or an amount that is not positive.
    """
    if steps < 2:
        raise LookalikeError("out-of-range", f"--steps is {steps}; it must be at least 2")
    if not 0 < amount < math.inf:
        raise LookalikeError("out-of-range", f"--amount is {amount:g}; it must be above 0")
    return [round(float(one), 4) + 0.0 for one in np.linspace(-amount, amount, steps)]


def edit_images(
    model: Path,
    directions: Path | None,
    name: str,
    words: str,
    truncation: float | None,
    amounts: Sequence[float],
    out: Path,
    bits: int,
) -> pd.DataFrame:
    """Edit the images of seeds and codes files into the new folder `out`; returns the table of `edited.csv`.

    Raises `LookalikeError` for an unknown direction, what is no image's code, or a file of another model.
    """
    refuse_occupied(out)
    loaded = load_model(model)
    direction = direction_named(name, load_directions(directions or model, loaded))
    codes = read_anchors(loaded, words, truncation, None)
    return save_edited(out, loaded, codes, direction, amounts, bits)
