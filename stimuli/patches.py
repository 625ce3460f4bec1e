"""Cutting square patches around lesions, and splitting them by patient into parts that never mix.

A patch is a square on the film: `context` times the larger side of the lesion's box, corrected for pixels that are
not square, resampled to `size_px`. Its native rows and columns are those before resampling, so that interpolation
is not mistaken for detail.
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
from stimuli.images import KERNEL, Image, Pixels, read_image, resample, write_png
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

    Attributes
    ----------
    size_px : int, at least 8
        Side of a patch in pixels.
    context : float, at least 1
        Side of the patch on the film over the larger side of the lesion's box.
    split : (float, float, float)
        Shares of patients in train, select and study; they sum to 1.
    crops_per_box : int, at least 1
        Above 1, crops displaced at random so that the box stays inside; they are not new lesions.
    seed : int
        Of these displacements.

    Examples
    --------
    >>> import stimuli
    >>> stimuli.Cut(size_px=128, split=(0.8, 0.1, 0.1)).context
    2.0
    """

    size_px: int = 64
    context: float = 2.0
    split: tuple[float, float, float] = (0.7, 0.1, 0.2)
    crops_per_box: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.size_px < 8:
            raise LookalikeError("out-of-range", f"size is {self.size_px} px; at least 8 is needed")
        if not 1 <= self.context < math.inf:  # refuses NaN too
            raise LookalikeError(
                "out-of-range",
                f"context is {self.context:g}; it must be 1 or more, or the patch would cut into the lesion's box",
            )
        if min(self.split) < 0 or abs(sum(self.split) - 1) > 1e-9:
            raise LookalikeError(
                "out-of-range", f"split is {self.split}; three shares of at least 0 that sum to 1 are needed"
            )
        if self.crops_per_box < 1:
            raise LookalikeError("out-of-range", f"crops per box is {self.crops_per_box}; at least 1 is needed")


@dataclass(frozen=True)
class Crop:
    """A square on the film, in pixels of the source: left, top, width, height."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class PatchSet:
    """A verified patch set.

    Attributes
    ----------
    folder : path
        Where it is.
    table : DataFrame
        One row per patch, with the columns `stimuli.patches.COLUMNS`.
    about : dict
        How it was cut (`patches.json`).
    sha256 : str
        The hash of its table.

    Examples
    --------
    >>> import stimuli
    >>> stimuli.write_phantoms("film", 20, lesion_px=16)
    >>> patches = stimuli.cut_patches(stimuli.read_source("film"), "patches", b"a secret of 16 bytes", stimuli.Cut(16))
    >>> study = patches.select("study")
    >>> patches.read(study.iloc[0]).shape
    (16, 16)
    """

    folder: Path
    table: pd.DataFrame
    about: dict[str, Any]
    sha256: str = field(repr=False)

    def select(self, split: str) -> pd.DataFrame:
        """The rows of one split, in table order."""
        return self.table[self.table["split"] == split].reset_index(drop=True)

    def read(self, row: Any) -> Pixels:
        """The P-values of one patch, shape (size, size), given its table row."""
        return read_image(self.folder / row.file).pixels


def cut_patches(
    mammograms: list[Mammogram],
    out: Path | str,
    key: bytes,
    cut: Cut = Cut(),
    credit: str = "",
    progress: Callable[[], None] = lambda: None,
) -> PatchSet:
    """Cut a patch around every lesion into a new folder: 16-bit PNGs, `patches.csv`, `patches.json`.

    Patients are split into train, select and study, which never mix. A crop that extends beyond the image, or has
    fewer native rows or columns than the patch, is rejected; `patches.json` counts the reasons.

    Parameters
    ----------
    mammograms : list of Mammogram
        From `read_source`.
    out : path
        A folder that does not exist yet, or is empty.
    key : bytes, at least 16
        The secret from which patient codes and the split are derived (`read_key`).
    cut : Cut
        Size, context and shares.
    credit : str
        The attribution that the images' licence requires; it is copied to everything made from them.
    progress : function
        Called once per mammogram.

    Returns
    -------
    PatchSet
        The patches on disk.

    Raises
    ------
    LookalikeError
        If `out` is occupied, an image is damaged or a box outside it, or nothing could be cut.

    Examples
    --------
    >>> import stimuli
    >>> stimuli.write_phantoms("film", 20, lesion_px=16)
    >>> patches = stimuli.cut_patches(stimuli.read_source("film"), "patches", b"a secret of 16 bytes", stimuli.Cut(16))
    >>> len(patches.table), patches.about["rejected"]
    (20, {})
    """
    rejected: Counter[str] = Counter()
    rows: list[dict[str, Any]] = []
    with new_folder(Path(out)) as folder:
        (folder / "images").mkdir()
        for mammogram in mammograms:
            picture = mammogram.read()
            for lesion in mammogram.lesions:
                for number, crop in enumerate(_crops(mammogram, lesion, picture, cut, rejected)):
                    rows.append(_write_patch(folder, mammogram, lesion, picture, crop, number, key, cut))
            progress()
        if not rows:
            reasons = "; ".join(f"{count} {reason}" for reason, count in rejected.items())
            raise LookalikeError("nothing-cut", f"no patch could be cut ({reasons}); try a smaller --size or --context")
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


def read_patches(folder: Path | str, verify: bool = True) -> PatchSet:
    """Read a patch set that `cut_patches` wrote.

    Parameters
    ----------
    folder : path
        The set's folder.
    verify : bool
        Whether to check every image against its hash.

    Returns
    -------
    PatchSet
        `select(split)` gives the rows of a split, `read(row)` the P-values of a patch.

    Raises
    ------
    LookalikeError
        For a missing table, another format, a patient in two splits, or a missing or altered image.

    Examples
    --------
    >>> import stimuli
    >>> stimuli.write_phantoms("film", 20, lesion_px=16)
    >>> _ = stimuli.cut_patches(stimuli.read_source("film"), "patches", b"a secret of 16 bytes", stimuli.Cut(16))
    >>> stimuli.read_patches("patches").about["size_px"]
    16
    """
    folder = Path(folder)
    if not (folder / "patches.csv").is_file():
        raise LookalikeError(
            "not-a-patch-set",
            f"{folder}: no patch set here (patches.csv is missing); make one with 'lookalike patches'",
        )
    table = read_table(folder / "patches.csv", COLUMNS, text=_TEXT)
    about = read_json(folder / "patches.json")
    if about.get("format") != FORMAT:
        raise LookalikeError(
            "wrong-format", f"{folder / 'patches.json'}: format is {about.get('format')!r}, expected {FORMAT!r}"
        )
    for row in table.index[~table["split"].isin(SPLITS)]:
        raise LookalikeError(
            "unknown-word", f"{folder / 'patches.csv'}: row {row + 2}: split is none of {', '.join(SPLITS)}"
        )
    mixed = table.groupby("patient")["split"].nunique()
    if (mixed > 1).any():
        raise LookalikeError(
            "patient-in-two-splits",
            f"{folder / 'patches.csv'}: patient {mixed.idxmax()} is in more than one split; cut the patches again",
        )
    for row in table.itertuples() if verify else ():
        path = folder / row.file
        if not path.is_file():
            raise LookalikeError("missing-file", f"{path}: named in patches.csv but missing; cut the patches again")
        if sha256(path) != row.sha256:
            raise LookalikeError("altered-file", f"{path}: altered since it was cut; cut the patches again")
    return PatchSet(folder, table, about, sha256(folder / "patches.csv"))


def read_key(path: Path | str) -> bytes:
    """Read the key of the patient codes; where there is none, make one of 32 random bytes.

    A new key is added to its folder's `.gitignore`, so that it is not committed by accident. Keep it: the same key
    gives a patient the same code and split, and without it nobody can link codes to patients.

    Parameters
    ----------
    path : path
        The key's file.

    Returns
    -------
    bytes
        The key, at least 16 bytes.

    Raises
    ------
    LookalikeError
        If the path is a folder, or the key is too short.

    Examples
    --------
    >>> import stimuli
    >>> key = stimuli.read_key("patients.key")
    >>> stimuli.read_key("patients.key") == key
    True
    """
    path = Path(path)
    if path.is_dir():
        raise LookalikeError("not-a-file", f"{path}: is a folder; give the path of the key file")
    if path.is_file():
        key = path.read_bytes().strip()
        if len(key) < 16:
            raise LookalikeError("key-too-short", f"{path}: a key has at least 16 bytes; this file has {len(key)}")
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
    """The split of a patient: a keyed draw from [0, 1), so that it never depends on the other patients.

    A patient stays in the same split when patches are cut again with other settings or more mammograms; the
    shares hold on average, not exactly.
    """
    digest = hmac.new(key, f"split:{patient_id}".encode(), hashlib.sha256).digest()
    draw = int.from_bytes(digest[:8], "big") / 2**64
    train, select, _ = shares
    return "train" if draw < train else "select" if draw < train + select else "study"


def _crops(mammogram: Mammogram, lesion: Lesion, picture: Image, cut: Cut, rejected: Counter[str]) -> Iterator[Crop]:
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
    folder: Path, mammogram: Mammogram, lesion: Lesion, picture: Image, crop: Crop, number: int, key: bytes, cut: Cut
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
