"""Images of consecutive seeds in a new folder, with a manifest from which each can be made again."""

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
from data.version import VERSION
from gan.checkpoint import Model
from gan.leaks.check import Reference, check_against
from gan.networks.generator import Generator, from_seeds
from stimuli.export import write_sheet
from stimuli.images import Pixels, as_stored, write_png

FORMAT = "lookalike-generated/1"
COLUMNS = ("seed", "file", "sha256")
_BATCH = 50
_SHEET = 64  # images on the contact sheet
_TRIES = (10, 100)  # with the leak check: at most so many seeds per image asked for, but always so many
_QUANTISING = "P-values rounded to 16 bits, as real patches are kept"


@dataclass(frozen=True)
class Request:
    """`count` images of consecutive seeds from `first_seed`, at truncation `psi`, in PNGs of `bits` 8 or 16."""

    count: int
    first_seed: int = 0
    psi: float = 0.7
    bits: int = 16

    def __post_init__(self) -> None:
        if self.count < 1:
            raise LookalikeError(f"count is {self.count}; at least 1 image is needed")
        if self.bits not in (8, 16):
            raise LookalikeError(f"bits is {self.bits}; PNG holds 8 or 16")


@dataclass(frozen=True)
class Offer:
    """The image of one seed, and why it must not be shown (empty: it may)."""

    seed: int
    pixels: Pixels
    objection: str


def make_images(model: Model, out: Path, request: Request, reference: Reference | None = None) -> dict[str, Any]:
    """Fill a new folder with `images/seed-*.png`, `generated.csv`, `generated.json` and `sheet.png` (the first 64).

    With a `reference` (see `gan.leaks.check`) each image is compared with the training patches; one that is
    suspiciously near is dropped, its seed recorded under the reason, and the next seed takes its place.
    Returns the content of `generated.json`. Raises `LookalikeError` if `out` is occupied, an image is
    not finite, or so many are dropped that ten times as many seeds (at least 100) do not suffice.
    """
    rows: list[dict[str, Any]] = []
    shown: list[Pixels] = []
    dropped: dict[str, list[int]] = {}
    found = offers(model.generator, request.first_seed, request.psi, reference)
    with new_folder(out) as folder:
        (folder / "images").mkdir()
        for offer in itertools.islice(found, _most_seeds(request, reference)):
            if offer.objection:
                dropped.setdefault(offer.objection, []).append(offer.seed)
                continue
            file = f"images/seed-{offer.seed:010d}.png"
            write_png(folder / file, offer.pixels, request.bits)
            rows.append({"seed": offer.seed, "file": file, "sha256": sha256(folder / file)})
            shown += [offer.pixels][: _SHEET - len(shown)]
            if len(rows) == request.count:
                break
        if len(rows) < request.count:
            raise LookalikeError(
                f"only {len(rows)} of the first {len(rows) + sum(map(len, dropped.values()))} seeds may be shown, "
                f"{request.count} are needed; this model copies what it was trained on: use another, or ask for fewer"
            )
        about = _about(model, request, reference, dropped)
        write_table(folder / "generated.csv", pd.DataFrame(rows, columns=list(COLUMNS)))
        write_json(folder / "generated.json", about)
        write_sheet(folder / "sheet.png", shown, columns=8)
    return about


def offers(generator: Generator, first_seed: int, psi: float, reference: Reference | None = None) -> Iterator[Offer]:
    """Images of consecutive seeds, without end, rounded to 16 bits as patches are; what is too near a training
    patch comes with an objection. Raises `LookalikeError` for an image that is not finite."""
    made = _stored(generator, itertools.count(first_seed), psi)
    if reference is None:
        yield from (Offer(seed, pixels, "") for seed, pixels in made)
        return
    while batch := list(itertools.islice(made, _BATCH)):
        seeds = [seed for seed, _ in batch]
        suspects = set(check_against(reference, np.stack([pixels for _, pixels in batch]), seeds).suspects)
        for seed, pixels in batch:
            yield Offer(seed, pixels, "too near a training patch" if seed in suspects else "")


def stored_images(generator: Generator, seeds: Iterable[int], psi: float) -> Pixels:
    """Images of seeds as they come back from a 16-bit PNG: P-values (N, R, R).

    Raises `LookalikeError` if one is not finite.
    """
    return np.stack([pixels for _, pixels in _stored(generator, seeds, psi)])


def _stored(generator: Generator, seeds: Iterable[int], psi: float) -> Iterator[tuple[int, Pixels]]:
    for seed, image in from_seeds(generator, seeds, psi, batch=_BATCH):
        if not np.isfinite(image).all():
            raise LookalikeError(
                f"the image of seed {seed} is not finite; the model is broken: use an earlier snapshot"
            )
        yield seed, as_stored(image)


def _most_seeds(request: Request, reference: Reference | None) -> int:
    each, least = _TRIES
    return request.count if reference is None else max(each * request.count, least)


def _about(
    model: Model, request: Request, reference: Reference | None, dropped: dict[str, list[int]]
) -> dict[str, Any]:
    last = f", then to {request.bits}" if request.bits < 16 else ""
    return {
        "format": FORMAT,
        "lookalike_version": VERSION,
        "model_sha256": model.sha256,
        "count": request.count,
        "first_seed": request.first_seed,
        "truncation": request.psi,
        "bits": request.bits,
        "quantising": _QUANTISING + last,
        "source_bit_depths": model.training.get("source_bit_depths"),
        "credit": model.training.get("credit", ""),
        "leak_check": None
        if reference is None
        else {
            "patches_sha256": reference.patches_sha256,
            "training_patches": len(reference.images),
            "measures": list(reference.floors),
        },
        "dropped": dropped,
    }
