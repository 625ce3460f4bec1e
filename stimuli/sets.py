"""The stimulus set: what participants see, and the manifest that says what each image is.

Real and generated images go through one and the same function (`_finish`): resampling, quantising,
encoding. Ids are dealt out after shuffling, so neither a file's name nor its place gives it away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256 as hash_bytes
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data.errors import LookalikeError
from data.files import new_folder, read_json, read_table, sha256, write_json, write_table
from data.trials import ROLES, TRUTHS
from stimuli.grey_levels import grey_levels
from stimuli.images import KERNEL, Pixels, as_stored, decode, quantise, read_picture, resample, size_px, write_png

FORMAT = "lookalike-stimuli/1"
COLUMNS = (
    "stimulus_id",
    "file",
    "truth",
    "role",
    "source",
    "patient",
    "loop_position_deg",
    "mean",
    "sd",
    "p01",
    "p99",
    "sha256",
)
_TEXT = ("stimulus_id", "file", "truth", "role", "source", "patient", "sha256")
_CURES = {"real": "cut more patches", "generated": "use another model"}
_PATIENCE = 1000  # candidates passed over in a row before a source is given up on
_MAX_PX = 4096
_FLAT_SD = 0.005  # in P-values; an image that varies less shows nothing


@dataclass(frozen=True)
class Candidate:
    """An image offered to a set: `pixels` in [0, 1], and where it came from.

    `source` traces it (`patch:<patch_id>` or `seed:<n>`); `patient` is the keyed code of a real
    image's patient, empty for generated ones; `loop_position_deg` where it stands on a morph loop.
    `objection` is why it must not be shown, if whoever offers it knows a reason; it is then counted, not taken.
    """

    pixels: Pixels
    source: str
    patient: str = ""
    loop_position_deg: float | None = None
    objection: str = ""


@dataclass(frozen=True)
class Layout:
    """What a set holds. Counts are of images, half real and half generated; catch images are known
    fakes. `size_px` is the side on disk (None: as cut), `bits` the PNG's depth."""

    main: int = 100
    practice: int = 0
    catch: int = 0
    size_px: int | None = None
    bits: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("main", "practice"):
            if getattr(self, name) % 2 or getattr(self, name) < 0:
                raise LookalikeError(
                    f"{name} is {getattr(self, name)}; half are real, so it must be even and at least 0"
                )
        if self.catch < 0:
            raise LookalikeError(f"catch is {self.catch}; it must be at least 0")
        if self.bits not in (8, 16):
            raise LookalikeError(f"bits is {self.bits}; PNG holds 8 or 16")
        if self.size_px is not None and not 1 <= self.size_px <= _MAX_PX:
            raise LookalikeError(f"size is {self.size_px} px; it must be from 1 to {_MAX_PX}")
        if self.main == 0:
            raise LookalikeError("main is 0; a set needs at least 2 images to judge")


@dataclass(frozen=True)
class StimulusSet:
    """A verified set: folder, table (columns `COLUMNS`), provenance, and the SHA-256 of its table.

    `largest_px` is the (rows, columns) of its largest image.
    """

    folder: Path
    table: pd.DataFrame
    about: dict[str, Any]
    sha256: str
    largest_px: tuple[int, int] = (1, 1)

    def select(self, role: str) -> pd.DataFrame:
        """The rows of one role, in table order."""
        return self.table[self.table["role"] == role].reset_index(drop=True)

    @property
    def mean(self) -> float:
        """The mean P-value of all images."""
        return float(self.table["mean"].mean())

    def read(self, stimulus_id: str) -> Pixels:
        """The P-values of one image, shape (rows, columns); its hash is checked again.

        Raises `LookalikeError` if the id is unknown or the file is missing or altered.
        """
        if stimulus_id not in self.by_id:
            raise LookalikeError(f"{self.folder}: has no stimulus {stimulus_id!r}")
        row = self.by_id[stimulus_id]
        return decode(self.folder / row["file"], _verified(self.folder, row)).pixels

    @cached_property
    def by_id(self) -> dict[str, dict[str, Any]]:
        """The rows of the table by stimulus id, in table order."""
        return {row["stimulus_id"]: row for row in self.table.to_dict("records")}


def build_set(
    out: Path,
    real: Iterable[Candidate],
    generated: Iterable[Candidate],
    layout: Layout,
    provenance: dict[str, Any],
    catch: Iterable[Candidate] = (),
) -> StimulusSet:
    """Fill a new folder with a stimulus set and its manifest.

    Candidates are taken in the order offered, without choosing; one that is flat, identical to an
    earlier one, not a number somewhere or offered with an objection is passed over, and the reasons
    are counted per truth in `stimuli.json`.
    Raises `LookalikeError` if `out` is occupied, there are too few candidates, or their sizes differ.
    """
    chosen, rejected = _choose(real, generated, catch, layout)
    order = np.random.default_rng(layout.seed).permutation(len(chosen))
    with new_folder(out) as folder:
        (folder / "images").mkdir()
        rows = [_write(folder, f"s{n:04d}", chosen[int(index)], layout.bits) for n, index in enumerate(order, start=1)]
        write_table(folder / "stimuli.csv", pd.DataFrame(rows, columns=list(COLUMNS)))
        write_json(
            folder / "stimuli.json",
            {
                "format": FORMAT,
                "layout": asdict(layout),
                "kernel": KERNEL,
                "rejected": {truth: dict(sorted(reasons.items())) for truth, reasons in rejected.items()},
                **provenance,
            },
        )
    return read_set(out)


def read_set(folder: Path) -> StimulusSet:
    """Read a stimulus set and verify every image against its hash.

    Raises `LookalikeError` for a missing manifest, another format, words outside the contract, or
    a missing or altered image.
    """
    folder = Path(folder)
    path = folder / "stimuli.csv"
    if not path.is_file():
        raise LookalikeError(
            f"{folder}: no stimulus set here (stimuli.csv is missing); is this the study's folder? If there is no set "
            "yet, 'lookalike stimuli build' makes one"
        )
    table = read_table(path, COLUMNS, text=_TEXT)
    about = read_json(folder / "stimuli.json")
    if about.get("format") != FORMAT:
        raise LookalikeError(f"{folder / 'stimuli.json'}: format is {about.get('format')!r}, expected {FORMAT!r}")
    for column, words in (("truth", TRUTHS), ("role", ROLES)):
        for row in table.index[~table[column].isin(words)]:
            raise LookalikeError(f"{path}: row {row + 2}: {column} is none of {', '.join(words)}")
    for row in table.index[table["stimulus_id"].duplicated() | table["stimulus_id"].isna()]:
        raise LookalikeError(f"{path}: row {row + 2}: stimulus_id is missing or used twice")
    sizes = [size_px(folder / row["file"], _verified(folder, row)) for row in table.to_dict("records")]
    largest_px = (max((rows for rows, _ in sizes), default=1), max((columns for _, columns in sizes), default=1))
    return StimulusSet(folder, table, about, sha256(path), largest_px)


@dataclass(frozen=True)
class _Chosen:
    """A candidate that is in: its finished pixels, and what it is for."""

    candidate: Candidate
    pixels: Pixels
    truth: str
    role: str


def _choose(
    real: Iterable[Candidate], generated: Iterable[Candidate], catch: Iterable[Candidate], layout: Layout
) -> tuple[list[_Chosen], dict[str, Counter[str]]]:
    """The images of the set, and per truth how many were passed over and why."""
    rejected: dict[str, Counter[str]] = {truth: Counter() for truth in TRUTHS}
    seen: set[str] = set()
    sizes: set[tuple[int, ...]] = set()
    chosen: list[_Chosen] = []
    offers: list[tuple[str, Iterable[Candidate], list[str]]] = [
        ("real", real, _roles(layout)),
        ("generated", generated, _roles(layout)),
        ("generated", catch, ["catch"] * layout.catch),
    ]
    for truth, candidates, roles in offers:
        counter = rejected[truth]
        taken = list(_take(candidates, len(roles), layout, seen, counter, sizes))
        if len(taken) < len(roles):
            passed = f" ({sum(counter.values())} passed over)" if counter else ""
            raise LookalikeError(
                f"{len(roles)} {truth} images are needed for {' and '.join(sorted(set(roles)))} trials but only "
                f"{len(taken)} are there{passed}; {_CURES[truth]}, or ask for fewer with --main and --practice"
            )
        chosen += [_Chosen(*pair, truth, role) for pair, role in zip(taken, roles, strict=True)]
    if len(sizes) > 1:
        found = ", ".join(f"{columns} x {rows}" for rows, columns in sorted(sizes))
        raise LookalikeError(
            f"real and generated images come in different sizes ({found}), so their detail would give the truth "
            "away; cut patches of the model's size"
        )
    return chosen, rejected


def _roles(layout: Layout) -> list[str]:
    return ["main"] * (layout.main // 2) + ["practice"] * (layout.practice // 2)


def _verified(folder: Path, row: dict[str, Any]) -> bytes:
    """The content of an image's file, read once and compared with its hash."""
    path = folder / str(row["file"])
    if not path.is_file():
        raise LookalikeError(f"{path}: named in stimuli.csv but missing; restore it or build the set again")
    content = path.read_bytes()
    if hash_bytes(content).hexdigest() != row["sha256"]:
        raise LookalikeError(f"{path}: altered since the set was built; restore it or build the set again")
    return content


def _take(
    candidates: Iterable[Candidate],
    wanted: int,
    layout: Layout,
    seen: set[str],
    rejected: Counter[str],
    sizes: set[tuple[int, ...]],
) -> Iterator[tuple[Candidate, Pixels]]:
    """The first `wanted` candidates that will do; a source that offers nothing else is given up on."""
    count = in_vain = 0
    for candidate in candidates if wanted else ():
        pixels = _finish(candidate.pixels, layout)
        reason, fingerprint = _objection(pixels, layout, seen)
        reason = candidate.objection or reason
        if reason:
            rejected[reason] += 1
            in_vain += 1
            if in_vain == _PATIENCE:
                return
            continue
        seen.add(fingerprint)
        sizes.add(candidate.pixels.shape)
        yield candidate, pixels
        in_vain = 0
        count += 1
        if count == wanted:
            return


def _objection(pixels: Pixels, layout: Layout, seen: set[str]) -> tuple[str, str]:
    """Why a finished image is passed over (empty if it is not), and its fingerprint."""
    if not np.isfinite(pixels).all():
        return "not a number in some pixels", ""
    fingerprint = hash_bytes(quantise(pixels, layout.bits).tobytes()).hexdigest()
    if grey_levels(pixels).sd < _FLAT_SD:
        return f"flat (SD of P-values below {_FLAT_SD:g})", fingerprint
    return ("identical to an earlier image" if fingerprint in seen else ""), fingerprint


def _finish(pixels: Pixels, layout: Layout) -> Pixels:
    """The one path from pixels to stimulus, the same for real and generated."""
    stored = as_stored(pixels)
    return stored if layout.size_px is None else resample(stored, (layout.size_px, layout.size_px))


def _write(folder: Path, stimulus_id: str, chosen: _Chosen, bits: int) -> dict[str, Any]:
    file = f"images/{stimulus_id}.png"
    write_png(folder / file, chosen.pixels, bits)
    # Statistics are of the image as it will be shown, after quantising.
    levels = {name: round(value, 6) for name, value in asdict(grey_levels(read_picture(folder / file).pixels)).items()}
    return {
        "stimulus_id": stimulus_id,
        "file": file,
        "truth": chosen.truth,
        "role": chosen.role,
        "source": chosen.candidate.source,
        "patient": chosen.candidate.patient or None,
        "loop_position_deg": chosen.candidate.loop_position_deg,
        **levels,
        "sha256": sha256(folder / file),
    }
