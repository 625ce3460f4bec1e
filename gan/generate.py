"""Images of consecutive seeds in a new folder, with a manifest from which each can be regenerated."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data.errors import LookalikeError
from data.files import new_folder, sha256, write_json, write_table
from data.shipped import VERSION
from gan.checkpoint import Model
from gan.leaks.check import Reference, check_against
from gan.networks.generator import Generator, from_seeds
from stimuli.export import write_sheet
from stimuli.images import Pixels, as_stored, write_png

FORMAT = "lookalike-generated/1"
COLUMNS = ("seed", "file", "sha256")
_BATCH = 50
_SHEET = 64  # images on the contact sheet
_TRIES = (10, 100)  # with the leak check: the most seeds tried per image wanted, and the least tried in all
_QUANTISING = "P-values rounded to 16 bits, as real patches are kept"


@dataclass(frozen=True)
class ImageRequest:
    """Which images to generate.

    Attributes
    ----------
    count : int, at least 1
        Number of images.
    first_seed : int
        The first of the consecutive seeds.
    psi : float, optional
        Truncation: 1 leaves the variety of the images alone, 0 gives the mean image; by default the model's own.
    bits : {8, 16}
        Bits per pixel of the PNGs.

    Examples
    --------
    >>> import gan
    >>> gan.ImageRequest(100, first_seed=1000).bits
    16
    """

    count: int
    first_seed: int = 0
    psi: float | None = None
    bits: int = 16

    def __post_init__(self) -> None:
        if self.count < 1:
            raise LookalikeError("out-of-range", f"count is {self.count}; at least 1 image is needed")
        if self.bits not in (8, 16):
            raise LookalikeError("unknown-choice", f"bits is {self.bits}; a PNG holds 8 or 16")


@dataclass(frozen=True)
class CheckedImage:
    """The image of one seed, and why it must not be shown (empty if it may be)."""

    seed: int
    pixels: Pixels
    objection: str


def generate_images(
    model: Model, out: Path | str, request: ImageRequest, reference: Reference | None = None
) -> dict[str, Any]:
    """Fill a new folder with images of consecutive seeds: PNGs, `generated.csv`, `generated.json` and `sheet.png`.

    Parameters
    ----------
    model : Model
        A loaded model.
    out : path
        A folder that does not exist yet, or is empty.
    request : ImageRequest
        How many images, from which seed.
    reference : Reference, optional
        Training patches (`gan.leaks.check.prepare`). Each image is then compared with them; one that is suspiciously
        close is dropped, its seed recorded with the reason, and the next seed takes its place.

    Returns
    -------
    dict
        The content of `generated.json`, by which each image can be regenerated.

    Raises
    ------
    LookalikeError
        If `out` is occupied, an image is not finite, or so many images are dropped that ten times as many seeds
        (at least 100) are not enough.

    Examples
    --------
    >>> import gan
    >>> from data.shipped import DEFAULT_MODEL
    >>> about = gan.generate_images(gan.load_model(DEFAULT_MODEL), "images", gan.ImageRequest(3))
    >>> about["count"], about["truncation"]
    (3, 1.0)
    """
    rows: list[dict[str, Any]] = []
    shown: list[Pixels] = []
    dropped: dict[str, list[int]] = {}
    found = checked_images(model.generator, request.first_seed, model.psi(request.psi), reference)
    with new_folder(Path(out)) as folder:
        (folder / "images").mkdir()
        for image in itertools.islice(found, _most_seeds(request, reference)):
            if image.objection:
                dropped.setdefault(image.objection, []).append(image.seed)
                continue
            file = f"images/seed-{image.seed:010d}.png"
            write_png(folder / file, image.pixels, request.bits)
            rows.append({"seed": image.seed, "file": file, "sha256": sha256(folder / file)})
            shown += [image.pixels][: _SHEET - len(shown)]
            if len(rows) == request.count:
                break
        if len(rows) < request.count:
            raise LookalikeError(
                "model-copies",
                f"only {len(rows)} of the first {len(rows) + sum(map(len, dropped.values()))} seeds may be shown, but "
                f"{request.count} are needed; this model copies its training patches: use another, or ask for fewer",
            )
        about = _about(model, request, reference, dropped)
        write_table(folder / "generated.csv", pd.DataFrame(rows, columns=list(COLUMNS)))
        write_json(folder / "generated.json", about)
        write_sheet(folder / "sheet.png", shown, columns=8)
    return about


def checked_images(
    generator: Generator,
    first_seed: int,
    psi: float,
    reference: Reference | None = None,
    step: int = 1,
    batch: int = _BATCH,
) -> Iterator[CheckedImage]:
    """Images of consecutive seeds, or of every so-manieth, without end, rounded to 16 bits as patches are.

    They are made `batch` at a time. With a `reference`, an image that is too near a training patch has an objection.
    Raises `LookalikeError` for an image that is not finite.
    """
    made = _stored(generator, itertools.count(first_seed, step), psi, batch)
    if reference is None:
        yield from (CheckedImage(seed, pixels, "") for seed, pixels in made)
        return
    while several := list(itertools.islice(made, batch)):
        seeds = [seed for seed, _ in several]
        suspects = set(check_against(reference, np.stack([pixels for _, pixels in several]), seeds).suspects)
        for seed, pixels in several:
            yield CheckedImage(seed, pixels, "too near a training patch" if seed in suspects else "")


def images_from_seeds(generator: Generator, seeds: Iterable[int], psi: float) -> Pixels:
    """Generate images, as they come back from a 16-bit PNG.

    Parameters
    ----------
    generator : Generator
        The network of a loaded model.
    seeds : iterable of int
        One seed per image; it fixes the image's code and noise.
    psi : float
        Truncation: 1 leaves the variety of the images alone, 0 gives the mean image.

    Returns
    -------
    array of float32, shape (N, R, R)
        P-values in [0, 1].

    Raises
    ------
    LookalikeError
        If `psi` is not between 0 and 1, or an image is not finite.

    Examples
    --------
    >>> import gan
    >>> from data.shipped import DEFAULT_MODEL
    >>> gan.images_from_seeds(gan.load_model(DEFAULT_MODEL).generator, range(3), psi=0.7).shape
    (3, 64, 64)
    """
    if not 0 <= psi <= 1:
        raise LookalikeError("out-of-range", f"psi is {psi}; it must lie between 0 and 1")
    return np.stack([pixels for _, pixels in _stored(generator, seeds, psi)])


def _stored(
    generator: Generator, seeds: Iterable[int], psi: float, batch: int = _BATCH
) -> Iterator[tuple[int, Pixels]]:
    for seed, image in from_seeds(generator, seeds, psi, batch=batch):
        if not np.isfinite(image).all():
            raise LookalikeError(
                "not-finite", f"the image of seed {seed} is not finite; the model is broken: use an earlier snapshot"
            )
        yield seed, as_stored(image)


def _most_seeds(request: ImageRequest, reference: Reference | None) -> int:
    each, least = _TRIES
    return request.count if reference is None else max(each * request.count, least)


def _about(
    model: Model, request: ImageRequest, reference: Reference | None, dropped: dict[str, list[int]]
) -> dict[str, Any]:
    last = f", then to {request.bits}" if request.bits < 16 else ""
    return {
        "format": FORMAT,
        "lookalike_version": VERSION,
        "model_sha256": model.sha256,
        "count": request.count,
        "first_seed": request.first_seed,
        "truncation": model.psi(request.psi),
        "bits": request.bits,
        "quantising": _QUANTISING + last,
        "source_bit_depths": model.training.get("source_bit_depths"),
        "credit": model.training.get("credit", ""),
        "leak_check": None
        if reference is None
        else {
            "patches_sha256": reference.patches_sha256,
            "training_patches": len(reference.images),
            "measures": list(reference.null),
        },
        "dropped": dropped,
    }
