"""`lookalike patches`: from mammograms, or patches that are already cut, to a patch set."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from data.errors import LookalikeError
from lookalike.console import progress, relative, say, shares, show
from lookalike.options import Json, Out, Seed

_MOST_WORKERS = 4  # processes; each holds a whole image


def patches(
    source: Annotated[
        Path, typer.Argument(help="Folder of images (DICOM, PNG, TIFF, JPEG, PGM, BMP) with their table.")
    ],
    out: Out,
    boxes: Annotated[
        Path | None,
        typer.Option(
            help="Table of lesion boxes (CSV, COCO, or a collection's own) or, with --precut, of patches. "
            "[default: SOURCE/boxes.csv, else what SOURCE holds of CBIS-DDSM, mini-MIAS, VinDr-Mammo, INbreast or "
            "COCO; SOURCE/patches.csv]",
            show_default=False,
        ),
    ] = None,
    normal: Annotated[
        bool,
        typer.Option(
            "--normal",
            help="Tissue without a lesion instead: squares of the same sizes, away from lesions, muscle and edges.",
        ),
    ] = False,
    normal_count: Annotated[
        int | None,
        typer.Option(
            help="Patches of normal tissue per lesion, and per image without one. [default: 1]", show_default=False
        ),
    ] = None,
    precut: Annotated[
        bool, typer.Option("--precut", help="Patches that are already cut instead of mammograms.")
    ] = False,
    masks: Annotated[
        Path | None,
        typer.Option(help="Folder of lesion masks named as the images. [default: the table's column mask]"),
    ] = None,
    frame: Annotated[
        int | None,
        typer.Option(
            help="Frame of multi-frame DICOM, page of TIFF, or image of MPO files, from 1. [default: the table's "
            "column frame; files that hold several are refused without]",
            show_default=False,
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(help="Side of a patch, px. [default: 64; with --precut, as they are]", show_default=False),
    ] = None,
    context: Annotated[
        float | None,
        typer.Option(
            help="Side of a patch, in units of the longer side of the lesion's box; 1 or more. [default: 2]",
            show_default=False,
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="Shares of patients in train/select/study, percent.")] = "70/10/20",
    key: Annotated[
        Path, typer.Option(help="Secret key file for the patient codes; written if there is none. Keep it.")
    ] = Path(".lookalike/patient.key"),
    crops_per_box: Annotated[
        int | None,
        typer.Option(
            help="Crops per lesion: 1 centred, or that many displaced at random. [default: 1]", show_default=False
        ),
    ] = None,
    train_crops: Annotated[
        int | None,
        typer.Option(
            help="Further crops per lesion of training patients, displaced and at other contexts. [default: 0]",
            show_default=False,
        ),
    ] = None,
    train_context: Annotated[
        str | None, typer.Option(help="Contexts of these, smallest-largest. [default: 1.8-2.5]", show_default=False)
    ] = None,
    max_white: Annotated[
        float, typer.Option(help="Largest share of film border in a patch (grey level 250 to 255 of 255), 0 to 1.")
    ] = 1.0,
    max_black: Annotated[
        float, typer.Option(help="Largest share of air in a patch (grey level 0 to 2 of 255), 0 to 1.")
    ] = 1.0,
    credit: Annotated[str, typer.Option(help="Attribution that the images' licence requires.")] = "",
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Cut square patches around lesions, split by patient.

    With --normal, patches of tissue without a lesion.

    \b
    Example:
      lookalike patches mammograms/ --out patches --context 2
      lookalike patches mammograms/ --train-crops 7 --out patches
      lookalike patches mammograms/ --normal --out tissue
      lookalike patches cut-elsewhere/ --precut --max-white 0.02 --max-black 0.2 --out patches
    """
    from stimuli.crops import Cut
    from stimuli.cutting import Limits, collect_patches, cut_patches
    from stimuli.patient_codes import read_key
    from stimuli.sources.boxes_table import read_source
    from stimuli.sources.precut import read_precut

    limits, new_key = Limits(max_white, max_black), not key.exists()
    workers = min(os.cpu_count() or 1, _MOST_WORKERS)
    asked: dict[str, Any] = {"size_px": size, "context": context, "crops_per_box": crops_per_box}
    asked |= {"train_crops": train_crops, "train_context": _contexts(train_context, train_crops)}
    given = {name: value for name, value in asked.items() if value is not None}
    _refuse_normal(
        normal, normal_count, precut, {"--crops-per-box": crops_per_box, "--train-crops": train_crops}, masks
    )
    if precut:
        _refuse_cutting(given)
        found = read_precut(source, boxes, masks, size, frame, say)
        with progress("patches", len(found)) as advance:
            made = collect_patches(found, out, read_key(key), shares(split), credit, advance, limits, workers)
    else:
        cut = Cut(**given, split=shares(split), seed=seed)
        mammograms = read_source(source, boxes, masks, frame, normal, say)
        with progress("mammograms", len(mammograms)) as advance:
            if normal:
                from stimuli.normal.tissue import cut_normal  # only here: it takes a while to import

                made = cut_normal(
                    mammograms, out, read_key(key), cut, normal_count or 1, credit, advance, limits, workers
                )
            else:
                made = cut_patches(mammograms, out, read_key(key), cut, credit, advance, limits, workers)
    if new_key:
        say(
            f"{relative(key)}: new key; keep it, because with another key these patients get other codes and other "
            "splits"
        )
    notes = made.about.get("notes", {})
    for note, count in notes.items():
        say(f"{source}: {count} image{'' if count == 1 else 's'}: {note}")
    if film := _film(made.about["film"], int(sum(made.about["patches"].values()))):
        say(f"{source}: {film}")
    if empty := _without_patients(made.about):
        say(f"{source}: {empty}")
    about = {name: made.about[name] for name in ("patches", "patients", "rejected")}
    if "without_mask" in made.about:
        about["without_mask"] = made.about["without_mask"]
    if as_json and notes:
        about["notes"] = notes
    show({"out": relative(out), **about, "key": relative(key)}, as_json)


_USES = {"train": "train learns from", "select": "evaluate ranks models on", "study": "stimulus sets show"}


def _without_patients(about: dict[str, Any]) -> str:
    """What to say of splits that were to have patients and got none; empty if there are no such."""
    shares_of = zip(about["patients"].items(), about["split"], strict=True)
    empty = [name for (name, patients), share in shares_of if share and not patients]
    if not empty:
        return ""
    count = sum(about["patients"].values())
    needed = ", ".join(f"{name} ({_USES[name]} it)" for name in empty)
    return (
        f"the key decides each patient's split, and none of {count} fell into {needed}; add patients, or change the "
        "shares (for a stimulus set without training: --split 0/0/100)"
    )


def _film(about: dict[str, Any], count: int) -> str:
    """What to say of film border and air in the patches; empty if there is none to speak of."""
    words = {"white": "film border, labels or other white", "black": "air"}
    found = [
        f"{about[f'{name}_above']} with {what} (up to {about[f'{name}_most']:.0%})"
        for name, what in words.items()
        if about[f"{name}_above"]
    ]
    if not found:
        return ""
    return (
        f"of {count} patches, {' and '.join(found)} in more than {about['share']:.0%} of the patch; film.csv has each "
        "one's share, and --max-white and --max-black keep them out"
    )


def _refuse_normal(
    normal: bool, count: int | None, precut: bool, crops: dict[str, int | None], masks: Path | None
) -> None:
    """Raise `LookalikeError` for options that --normal rules out or needs."""
    if not normal and count is not None:
        raise LookalikeError("unused-option", "--normal-count means nothing without --normal; add it, or leave it out")
    if count is not None and count < 1:
        raise LookalikeError("out-of-range", f"--normal-count is {count}; at least 1 is needed")
    if normal and precut:
        raise LookalikeError(
            "conflicting-options", "--normal cuts mammograms, and --precut patches are cut; leave one out"
        )
    for option, given in ({**crops, "--masks": masks}).items():
        if normal and given is not None:
            cure = "give --normal-count" if option in crops else "leave it out"
            raise LookalikeError("unused-option", f"{option} is for lesions, and --normal leaves them out; {cure}")


def _contexts(given: str | None, train_crops: int | None) -> tuple[float, float] | None:
    """The two contexts of --train-context; raise `LookalikeError` if it is not two numbers, or nothing asks for it."""
    if given is None:
        return None
    if not train_crops:
        raise LookalikeError("unused-option", "--train-context is of further crops; add --train-crops, or leave it out")
    try:
        low, high = (float(part) for part in given.split("-"))
    except ValueError:
        raise LookalikeError("not-a-number", f"--train-context is {given!r}; give two numbers, as in 1.8-2.5") from None
    return low, high


def _refuse_cutting(given: dict[str, Any]) -> None:
    """Raise `LookalikeError` for options that say how to cut what is cut already."""
    for name in ("context", "crops_per_box", "train_crops", "train_context"):
        if name in given:
            option = f"--{name.replace('_', '-')}"
            raise LookalikeError(
                "unused-option", f"{option} is for mammograms, and --precut patches are cut; leave it out"
            )
