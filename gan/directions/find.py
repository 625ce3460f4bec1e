"""From inverted patches and what is known of them to directions that hold, and to a report of all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from data.errors import LookalikeError
from data.files import new_folder, write_table, write_text
from data.results.result import Estimate
from gan.checkpoint import Model
from gan.codes import codes_of_seeds, images_of
from gan.directions.directions_file import FILE, save_directions
from gan.directions.edit import Direction, direction_along, edit
from gan.directions.effect import AMOUNT, Effect, RealPatches, measure_effects
from gan.directions.fit import FittedDirection, appearance, fit_to_codes, fit_to_images
from gan.directions.labels import Label, check_counts
from gan.directions.sample import sample_of
from gan.inversion.result import Inverted
from gan.networks.code_space import CodeSpace
from stimuli.export import write_sheet
from stimuli.patches import PatchSet

_STRIP_SEEDS, _STRIP_STEPS = range(1, 5), 7
_MEASURE = {"value": float("nan"), "low": None, "high": None}


@dataclass(frozen=True)
class FoundDirection:
    """A label's direction, and what was found of it.

    Attributes
    ----------
    label : Label
        What it stands for.
    fitted : FittedDirection
        How, and how well the label could be learned.
    effect : Effect or None
        What edits do; None where the label could not be learned.
    direction : Direction
        For edits.

    Examples
    --------
    >>> import gan
    >>> gan.FoundDirection.fault.fget.__name__
    'fault'
    """

    label: Label
    fitted: FittedDirection
    effect: Effect | None
    direction: Direction

    @property
    def fault(self) -> str:
        """Why it does not hold; empty if it does."""
        return self.effect.fault if self.effect is not None else "the label could not be learned from train patients"


def find_directions(
    model: Model,
    patches: PatchSet,
    labels: Sequence[Label],
    known: pd.DataFrame,
    inverted: Inverted | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> list[FoundDirection]:
    """Fit a direction for each label on training patients, and measure what each does.

    Judges of the effect learn from real patches of all patients outside the train split.

    Parameters
    ----------
    model : Model
        Whose images are to be edited.
    patches : PatchSet
        Real patches.
    labels : sequence of Label
        What to look for.
    known : DataFrame
        Which labels are true of which patches (`gan.read_labels`).
    inverted : Inverted, optional
        Patches of the train split, as `lookalike invert --split train` stores them: directions are then fitted to their
        codes, not by way of what a classifier says of generated images.
    progress : function of str
        Called with what is done next.

    Returns
    -------
    list of FoundDirection
        In the order of the labels; those without a `fault` hold.

    Raises
    ------
    LookalikeError
        If patches are of another size than the model's images, the inverted images of another patch set or of other
        splits, or too few patients have a label or lack it.

    References
    ----------
    Shen, Gu, Tang & Zhou (2020), "Interpreting the latent space of GANs for semantic face editing", arXiv:1907.10786.

    Examples
    --------
    Patches must be of the model's size:

    >>> import gan, stimuli
    >>> from data import LookalikeError
    >>> stimuli.write_phantoms("film", 100, lesion_px=16)
    >>> patches = stimuli.cut_patches(stimuli.read_source("film"), "patches", b"a secret of 16 bytes", stimuli.Cut(16))
    >>> labels = [gan.Label("seen", "split", ("train",))]
    >>> model = gan.Model(gan.Generator(gan.Architecture(32)), "", {})
    >>> try:
    ...     gan.find_directions(model, patches, labels, gan.read_labels(labels, patches))
    ... except LookalikeError as error:
    ...     print(error.code)
    wrong-size
    """
    _refuse_other_size(patches, model)
    held_out = (patches.table["split"] != "train").to_numpy()
    rows = np.flatnonzero(~held_out) if inverted is None else _rows_of(inverted, patches)
    patients = patches.table["patient"].to_numpy(str)
    for where, part in (("train patches", rows), ("patches of the other splits", np.flatnonzero(held_out))):
        check_counts(labels, known.iloc[part], patients[part], f"{patches.folder}: {where}")
    space = CodeSpace(model.generator.architecture)
    progress("generated images with their codes")
    space.fit(model.generator)
    sample = sample_of(model, space)
    progress(f"{len(labels)} labels of {len(rows)} train patches")
    mine = known.iloc[rows].reset_index(drop=True)
    if inverted is None:
        fitted = fit_to_images(patches.read_all(patches.table.iloc[rows]), mine, patients[rows], sample)
    else:
        codes = space.whiten(torch.stack([one.code for one in inverted.codes])).mean(dim=1)
        fitted = fit_to_codes(codes.double().numpy(), mine, patients[rows], sample)
    learned, effects = [one for one in fitted if one.learned], dict[str, Effect]()
    if learned:
        real, unseen = (_real(patches, known, chosen) for chosen in (held_out, ~held_out))
        measured = measure_effects(model, space, learned, appearance(sample), real, unseen, progress)
        effects = {one.name: one for one in measured}
    return [_found(label, one, effects.get(one.name), space) for label, one in zip(labels, fitted, strict=True)]


def _found(label: Label, fitted: FittedDirection, effect: Effect | None, space: CodeSpace) -> FoundDirection:
    about = {"label": str(label), "effect": None if effect is None else _numbers(effect.own)}
    shift = direction_along(label.name, fitted.way, space).shift
    return FoundDirection(label, fitted, effect, Direction(label.name, shift, about))


def _refuse_other_size(patches: PatchSet, model: Model) -> None:
    size, needed = patches.about["size_px"], model.generator.architecture.resolution
    if size != needed:
        raise LookalikeError(
            "wrong-size", f"{patches.folder}: patches are {size} px but the model makes {needed} px; cut them again"
        )


def _rows_of(inverted: Inverted, patches: PatchSet) -> npt.NDArray[np.intp]:
    """Where the inverted patches are in the set's table."""
    if inverted.about.get("patches_sha256") != patches.sha256:
        raise LookalikeError(
            "other-patches",
            f"{inverted.folder}: its images are of another patch set than {patches.folder}; give the one they are of",
        )
    others = sorted(set(inverted.table["split"]) - {"train"})
    if others:
        raise LookalikeError(
            "wrong-split",
            f"{inverted.folder}: holds patches of the {others[0]} split; directions are fitted on train alone, the "
            "others are to judge them: invert with --split train",
        )
    place = pd.Series(np.arange(len(patches.table)), index=patches.table["patch_id"])
    found: npt.NDArray[np.intp] = place[inverted.table["patch_id"]].to_numpy()
    return found


def _real(patches: PatchSet, known: pd.DataFrame, chosen: npt.NDArray[np.bool_]) -> RealPatches:
    rows = patches.table[chosen].reset_index(drop=True)
    size = rows["lesion_width"] * rows["lesion_height"] / (rows["crop_width"] * rows["crop_height"])
    labels = known[chosen].reset_index(drop=True)
    return RealPatches(patches.read_all(rows), rows["patient"].to_numpy(str), labels, size.to_numpy(float))


def save_found(out: Path | str, found: Sequence[FoundDirection], model: Model) -> pd.DataFrame:
    """Write directions that hold, and a report of all, into a new folder.

    `directions.safetensors` has those that hold, if any; `directions.csv` a row for each; `moves.csv` how far each
    moves what; `strips/` pictures of four seeds along each; `DIRECTIONS.md` a section for the model's card.

    Parameters
    ----------
    out : path
        A folder that does not exist yet, or is empty.
    found : sequence of FoundDirection
        From `find_directions`.
    model : Model
        Whose directions they are.

    Returns
    -------
    DataFrame
        The content of `directions.csv`.

    Raises
    ------
    LookalikeError
        If `out` is occupied.

    Examples
    --------
    A label that could not be learned:

    >>> import gan, numpy as np, torch
    >>> from data.shipped import DEFAULT_MODEL
    >>> from gan.bootstrap import estimate
    >>> from gan.directions.fit import FittedDirection
    >>> model = gan.load_model(DEFAULT_MODEL)
    >>> fitted = FittedDirection("density", np.ones(128), estimate(0.5, [0.4, 0.6]), 0.1, 300, 380)
    >>> label, direction = gan.Label("density", "breast_density", ("3", "4")), gan.Direction("density", torch.ones(128))
    >>> gan.save_found("found", [gan.FoundDirection(label, fitted, None, direction)], model)["holds"].tolist()
    [False]
    """
    with new_folder(Path(out)) as folder:
        (folder / "strips").mkdir()
        table = pd.DataFrame([_row(one) for one in found])
        write_table(folder / "directions.csv", table)
        moves = [
            {"direction": one.label.name, "measure": name, **_numbers(move)}
            for one in found
            if one.effect is not None
            for name, move in one.effect.moves.items()
        ]
        write_table(folder / "moves.csv", pd.DataFrame(moves, columns=["direction", "measure", *_MEASURE]))
        base = codes_of_seeds(model, list(_STRIP_SEEDS))
        for one in found:
            shown = edit(base, one.direction, list(np.linspace(-AMOUNT, AMOUNT, _STRIP_STEPS)))
            images = images_of(model.generator, shown)
            write_sheet(folder / "strips" / f"{one.label.name}.png", list(images), _STRIP_STEPS, readable_px=128)
        holding = [one.direction for one in found if not one.fault]
        if holding:
            save_directions(folder / FILE, holding, model)
        write_text(folder / "DIRECTIONS.md", _card(found))
    return table


def _numbers(found: Estimate) -> dict[str, float | None]:
    return {"value": found.value, "low": found.low, "high": found.high}


def _row(one: FoundDirection) -> dict[str, Any]:
    judge, own = (one.effect.judge_auc, one.effect.own) if one.effect else (None, None)
    return {
        "direction": one.label.name,
        "label": str(one.label),
        "with_label": one.fitted.with_label,
        "without_label": one.fitted.without_label,
        "explained": one.fitted.explained,
        **{f"fit_auc_{name}": value for name, value in _numbers(one.fitted.auc).items()},
        **{f"judge_auc_{name}": value for name, value in (_MEASURE if judge is None else _numbers(judge)).items()},
        **{f"effect_{name}": value for name, value in (_MEASURE if own is None else _numbers(own)).items()},
        "random_sd": one.effect.random_sd if one.effect else float("nan"),
        "holds": not one.fault,
        "fault": one.fault,
    }


def _said(found: Estimate, sign: str = "") -> str:
    return f"{found.value:{sign}.2f} [{found.low:{sign}.2f}, {found.high:{sign}.2f}]"


def _card(found: Sequence[FoundDirection]) -> str:
    """A section for the model's card."""
    head = f"""## Directions

Linear directions among whitened codes, the same for all layers (`lookalike directions`), fitted on the training
patients and made orthogonal to mean grey, contrast, fine detail and one another. *Fit*: AUC of the label on patients
left out. *Judge*: AUC, on the training patients, of a classifier of other pixel features that learned from real patches
of the other patients. *Moves*: how far that judge's answer moves from {-AMOUNT:+g} to {AMOUNT:+g} SD of an edit, in its
SD over real patches; 95 % intervals over patients and images.

| direction | fit | judge | moves | what else moves most | holds |
|---|---|---|---|---|---|
"""
    return head + "".join(f"| {' | '.join(_cells(one))} |\n" for one in found)


def _cells(one: FoundDirection) -> list[str]:
    holds = f"no: {one.fault}" if one.fault else "yes"
    if one.effect is None:
        return [str(one.label).replace("|", " or "), _said(one.fitted.auc), "", "", "", holds]
    others = {name: move.value for name, move in one.effect.moves.items() if name != one.label.name}
    most = sorted(others, key=lambda name: -abs(others[name]))[:3]
    return [
        str(one.label).replace("|", " or "),
        _said(one.fitted.auc),
        _said(one.effect.judge_auc),
        _said(one.effect.own, "+"),
        ", ".join(f"{name} {others[name]:+.2f}" for name in most),
        holds,
    ]
