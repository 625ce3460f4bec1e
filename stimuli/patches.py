"""Cutting square patches round lesions, and splitting them by patient into parts that never mix.

A patch is a square on the film: `context` times the larger side of the lesion's box, undoing
pixels that are not square, resampled to `size_px`. Its native rows and columns are counted before
resampling, so that nobody mistakes interpolation for detail.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data.errors import LookalikeError
from data.files import new_folder, read_json, read_table, sha256, write_bytes, write_json, write_table, write_text
from stimuli.images import KERNEL, Picture, Pixels, read_picture, resample, write_png
from stimuli.sources import Lesion, Mammogram

FORMAT = "lookalike-patches/1"
SPLITS = ("train", "select", "study")
COLUMNS = (
    "patch_id", "file", "source", "patient", "laterality", "view", "pathology",
    "lesion_x", "lesion_y", "lesion_width", "lesion_height",
    "crop_x", "crop_y", "crop_width", "crop_height",
    "native_rows", "native_columns", "source_bit_depth", "split", "sha256",
)  # fmt: skip
_TEXT = ("patch_id", "file", "source", "patient", "laterality", "view", "pathology", "split", "sha256")
_TRIES = 100


@dataclass(frozen=True)
class Cut:
    """How patches are cut.

    `split` holds the shares of patients in train, select and study. `crops_per_box` above 1 adds
    crops displaced at random so that the lesion's box stays inside; they are no new lesions.
    """

    size_px: int = 64
    context: float = 2.0
    split: tuple[float, float, float] = (0.7, 0.1, 0.2)
    crops_per_box: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.size_px < 8:
            raise LookalikeError(f"size is {self.size_px} px; at least 8 is needed")
        if not 1 <= self.context < math.inf:  # refuses NaN too
            raise LookalikeError(
                f"context is {self.context:g}; it must be 1 or more: below, the patch would cut into the box"
            )
        if min(self.split) < 0 or abs(sum(self.split) - 1) > 1e-9:
            raise LookalikeError(f"split is {self.split}; three shares of at least 0 that sum to 1 are needed")
        if self.crops_per_box < 1:
            raise LookalikeError(f"crops per box is {self.crops_per_box}; at least 1 is needed")


@dataclass(frozen=True)
class Crop:
    """A square on the film, in pixels of the source: left, top, width, height."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class PatchSet:
    """A verified patch set: its folder, its table (columns `COLUMNS`) and how it was cut."""

    folder: Path
    table: pd.DataFrame
    about: dict[str, Any]
    sha256: str = field(repr=False)

    def select(self, split: str) -> pd.DataFrame:
        """The rows of one split, in table order."""
        return self.table[self.table["split"] == split].reset_index(drop=True)

    def read(self, row: Any) -> Pixels:
        """The P-values of one patch, shape (size, size), given its table row."""
        return read_picture(self.folder / row.file).pixels


def cut_patches(
    mammograms: list[Mammogram],
    out: Path,
    key: bytes,
    cut: Cut = Cut(),
    credit: str = "",
    progress: Callable[[], None] = lambda: None,
) -> PatchSet:
    """Cut every lesion of `mammograms` into `out` (a new folder): 16-bit PNGs, `patches.csv`, `patches.json`.

    A crop that leaves the image, or has fewer native rows or columns than `cut.size_px`, is not
    cut; the reasons are counted in `patches.json`. `credit` is the attribution that the images'
    licence asks for; it travels with everything made from them. `progress` is called once per mammogram.
    Raises `LookalikeError` if `out` is occupied, an image is damaged or a box outside it, or
    nothing could be cut.
    """
    rejected: Counter[str] = Counter()
    rows: list[dict[str, Any]] = []
    with new_folder(out) as folder:
        (folder / "images").mkdir()
        for mammogram in mammograms:
            picture = mammogram.read()
            for lesion in mammogram.lesions:
                for number, crop in enumerate(_crops(mammogram, lesion, picture, cut, rejected)):
                    rows.append(_write_patch(folder, mammogram, lesion, picture, crop, number, key, cut))
            progress()
        if not rows:
            reasons = "; ".join(f"{count} {reason}" for reason, count in rejected.items())
            raise LookalikeError(f"no patch could be cut ({reasons}); try a smaller --size or --context")
        table = pd.DataFrame(rows, columns=list(COLUMNS))
        write_table(folder / "patches.csv", table)
        write_json(
            folder / "patches.json",
            {
                "format": FORMAT,
                **asdict(cut),
                "kernel": KERNEL,
                "key_fingerprint": hashlib.sha256(key).hexdigest()[:12],
                "credit": credit,
                "mammograms": len(mammograms),
                "source_formats": sorted({Path(one.file).suffix.lower().lstrip(".") for one in mammograms}),
                "patients": {name: int(table.loc[table["split"] == name, "patient"].nunique()) for name in SPLITS},
                "patches": {name: int((table["split"] == name).sum()) for name in SPLITS},
                "rejected": dict(sorted(rejected.items())),
            },
        )
    return read_patches(out, verify=False)


def read_patches(folder: Path, verify: bool = True) -> PatchSet:
    """Read a patch set; with `verify` every image is checked against its hash.

    Raises `LookalikeError` for a missing table, another format, a patient in two splits, or a
    missing or altered image.
    """
    folder = Path(folder)
    if not (folder / "patches.csv").is_file():
        raise LookalikeError(f"{folder}: no patch set here (patches.csv is missing); make one with 'lookalike patches'")
    table = read_table(folder / "patches.csv", COLUMNS, text=_TEXT)
    about = read_json(folder / "patches.json")
    if about.get("format") != FORMAT:
        raise LookalikeError(f"{folder / 'patches.json'}: format is {about.get('format')!r}, expected {FORMAT!r}")
    for row in table.index[~table["split"].isin(SPLITS)]:
        raise LookalikeError(f"{folder / 'patches.csv'}: row {row + 2}: split is none of {', '.join(SPLITS)}")
    mixed = table.groupby("patient")["split"].nunique()
    if (mixed > 1).any():
        raise LookalikeError(f"{folder / 'patches.csv'}: patient {mixed.idxmax()} is in more than one split; cut again")
    for row in table.itertuples() if verify else ():
        path = folder / row.file
        if not path.is_file():
            raise LookalikeError(f"{path}: named in patches.csv but missing; cut the patches again")
        if sha256(path) != row.sha256:
            raise LookalikeError(f"{path}: altered since it was cut; cut the patches again")
    return PatchSet(folder, table, about, sha256(folder / "patches.csv"))


def read_key(path: Path) -> bytes:
    """Read the key of the patient codes, or make one (32 random bytes) where there is none.

    A new key is added to its folder's `.gitignore`, so that it is not committed by accident.
    """
    path = Path(path)
    if path.is_dir():
        raise LookalikeError(f"{path}: is a folder; name the file of the key in it")
    if path.is_file():
        key = path.read_bytes().strip()
        if len(key) < 16:
            raise LookalikeError(f"{path}: a key has at least 16 bytes; this file has {len(key)}")
        return key
    path.parent.mkdir(parents=True, exist_ok=True)
    ignore = path.parent / ".gitignore"
    lines = ignore.read_text(encoding="utf-8").splitlines() if ignore.exists() else [".gitignore"]
    if not any(fnmatch(path.name, line.strip()) for line in lines):
        write_text(ignore, "\n".join([*lines, path.name]) + "\n")
    key = secrets.token_hex(32).encode()
    write_bytes(path, key + b"\n", private=True)
    return key


def code(key: bytes, kind: str, name: str) -> str:
    """A keyed code (HMAC-SHA-256, 40 bits as hexadecimal): the same for the same name and key."""
    return hmac.new(key, f"{kind}:{name}".encode(), hashlib.sha256).hexdigest()[:10]


def assign_split(key: bytes, patient_id: str, shares: tuple[float, float, float]) -> str:
    """The split of a patient: a keyed draw from [0, 1), so it never depends on who else is there.

    A patient keeps the split when patches are cut anew with other settings or more mammograms; the
    shares hold on average, not exactly.
    """
    digest = hmac.new(key, f"split:{patient_id}".encode(), hashlib.sha256).digest()
    draw = int.from_bytes(digest[:8], "big") / 2**64
    train, select, _ = shares
    return "train" if draw < train else "select" if draw < train + select else "study"


def _crops(mammogram: Mammogram, lesion: Lesion, picture: Picture, cut: Cut, rejected: Counter[str]) -> Iterator[Crop]:
    """The crops of one lesion that lie inside the image and are not finer than its pixels."""
    rows, columns = picture.pixels.shape
    side = cut.context * max(lesion.width, lesion.height * picture.pixel_aspect)  # in pixel widths
    width, height = side, side / picture.pixel_aspect
    if min(int(width), int(height)) < cut.size_px:
        rejected[f"fewer than {cut.size_px} native rows or columns"] += cut.crops_per_box
        return
    centred = Crop(lesion.x + (lesion.width - width) / 2, lesion.y + (lesion.height - height) / 2, width, height)
    if cut.crops_per_box == 1:
        if _inside(centred, rows, columns):
            yield centred
        else:
            rejected["reaches outside the image"] += 1
        return
    name = f"{cut.seed}/{mammogram.file}/{lesion.number}"
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))
    for _ in range(cut.crops_per_box):
        for _ in range(_TRIES):
            crop = Crop(
                rng.uniform(lesion.x + lesion.width - width, lesion.x),
                rng.uniform(lesion.y + lesion.height - height, lesion.y),
                width,
                height,
            )
            if _inside(crop, rows, columns):
                yield crop
                break
        else:
            rejected["reaches outside the image"] += 1


def _inside(crop: Crop, rows: int, columns: int) -> bool:
    return crop.x >= 0 and crop.y >= 0 and crop.x + crop.width <= columns and crop.y + crop.height <= rows


def _write_patch(
    folder: Path, mammogram: Mammogram, lesion: Lesion, picture: Picture, crop: Crop, number: int, key: bytes, cut: Cut
) -> dict[str, Any]:
    # File names often hold patient numbers, so the source is named by a keyed code as well.
    source, patient = code(key, "source", mammogram.file), code(key, "patient", mammogram.patient_id)
    patch_id = f"{source}-{lesion.number}" + (f"-{number + 1}" if cut.crops_per_box > 1 else "")
    file = f"images/{patch_id}.png"
    box = (crop.x, crop.y, crop.x + crop.width, crop.y + crop.height)
    write_png(folder / file, resample(picture.pixels, (cut.size_px, cut.size_px), box), bits=16)
    return {
        "patch_id": patch_id, "file": file, "source": source, "patient": patient,
        "laterality": mammogram.laterality, "view": mammogram.view, "pathology": lesion.pathology,
        "lesion_x": lesion.x, "lesion_y": lesion.y, "lesion_width": lesion.width, "lesion_height": lesion.height,
        "crop_x": round(crop.x, 3), "crop_y": round(crop.y, 3),
        "crop_width": round(crop.width, 3), "crop_height": round(crop.height, 3),
        "native_rows": int(crop.height), "native_columns": int(crop.width), "source_bit_depth": picture.bit_depth,
        "split": assign_split(key, mammogram.patient_id, cut.split), "sha256": sha256(folder / file),
    }  # fmt: skip
