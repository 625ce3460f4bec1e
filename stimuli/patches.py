"""The patch set: square patches around lesions, split by patient into parts that never mix.

Patches are 16-bit PNGs in `images/`; where a lesion's outline is known, `masks/` holds an 8-bit PNG of the same size.
`stimuli.cutting` makes them.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from data.errors import LookalikeError
from data.files import inside, new_folder, read_json, read_table, sha256, write_json, write_table
from stimuli.copies import UNLIKE_ANY, Likeness, alike, under_two_names
from stimuli.grey_levels import black_share, white_share
from stimuli.images import Pixels, read_image, write_png
from stimuli.masks import Box
from stimuli.patient_codes import assign_split, code, patient_code

FORMAT = "lookalike-patches/1"
SPLITS = ("train", "select", "study")
COLUMNS = (
    "patch_id", "file", "source", "patient", "laterality", "view", "pathology",
    "lesion_x", "lesion_y", "lesion_width", "lesion_height",
    "crop_x", "crop_y", "crop_width", "crop_height",
    "native_rows", "native_columns", "source_bit_depth", "split", "sha256",
)  # fmt: skip
MASK_COLUMNS = ("mask_file", "mask_sha256")  # only in sets that have masks, so that others stay as they were
_JPEG_COLUMNS = ("jpeg_quality", "jpeg_grain")  # likewise only where known
FILM_COLUMNS = ("patch_id", "white_share", "black_share")  # of film.csv
FILM_SHARE = 0.02  # of a patch; film border, or air, beyond it is counted
NO_MASK = "no mask file"
_FEWEST = 100  # sources for which a further process is worth its start
_TEXT = ("patch_id", "file", "source", "patient", "laterality", "view", "pathology", "split", "sha256")


@dataclass(frozen=True)
class Patch:
    """A patch before it is stored.

    Attributes
    ----------
    pixels : array of float32, shape (size, size)
        P-values in [0, 1].
    file, number : str
        The source's name in its table, and the patch's number in that source; the name is stored as a keyed code.
    patient_id : str
        Stored as a keyed code.
    laterality, view, pathology : str
        Empty where unknown.
    lesion, crop : (float, float, float, float)
        The lesion's box (None where unknown) and the patch, in pixels of the source: left, top, width, height.
    native_px : (int, int), optional
        Rows and columns before resampling.
    bit_depth : int
        Bits per pixel of the source.
    context : float, optional
        Side of the patch over the larger side of the lesion's box; None where there is no box.
    mask : array of float32, shape (size, size), optional
        The share of each pixel that is inside the lesion.
    likeness : Likeness
        By what the source is found under two names; not stored.
    jpeg_quality : int, optional
        Of the source, if it is a JPEG with a standard table.
    jpeg_grain : float, optional
        How grainy this part of such a source was (`stimuli.jpeg_grain`), in grey levels of 8 bits.
    """

    pixels: Pixels
    file: str
    number: str
    patient_id: str
    laterality: str
    view: str
    pathology: str
    lesion: Box | None
    crop: Box
    native_px: tuple[int, int] | None
    bit_depth: int
    context: float | None
    mask: Pixels | None = None
    likeness: Likeness = UNLIKE_ANY
    jpeg_quality: int | None = None
    jpeg_grain: float | None = None


@dataclass(frozen=True)
class PatchSet:
    """A verified patch set.

    Attributes
    ----------
    folder : path
        Where it is.
    table : DataFrame
        One row per patch, with the columns `stimuli.patches.COLUMNS`; where they vary or exist, also `context` (side
        of the patch over the larger side of the lesion's box), `jpeg_quality` (of the source), `jpeg_grain` (of its
        part), `mask_file` and `mask_sha256`.
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

    def read_all(self, rows: pd.DataFrame) -> Pixels:
        """The P-values of the patches of some rows, shape (N, size, size)."""
        if rows.empty:
            return np.empty((0, self.about["size_px"], self.about["size_px"]), np.float32)
        return np.stack([self.read(row) for row in rows.itertuples()])

    def read(self, row: Any) -> Pixels:
        """The P-values of one patch, shape (size, size), given its table row.

        Raises `LookalikeError` if it is missing, damaged, or of another size than the set's.
        """
        pixels, size = read_image(self.folder / row.file).pixels, self.about["size_px"]
        if pixels.shape != (size, size):
            raise LookalikeError(
                "wrong-size",
                f"{self.folder / str(row.file)}: is {pixels.shape[1]} x {pixels.shape[0]} px, the others {size} x "
                f"{size}; cut the patches again",
            )
        return pixels

    def mask(self, row: Any) -> Pixels | None:
        """The lesion's mask of one patch, given its table row; None where there is none.

        Shape (size, size): the share of each pixel that is inside, from 0 to 1; half or more counts as inside.
        """
        file = getattr(row, "mask_file", None)
        return read_image(self.folder / file).pixels if isinstance(file, str) else None


Source = TypeVar("Source")
# Patches; rejected ones and missing masks, by reason; remarks on the source, such as that it is FOR PROCESSING.
Tally = tuple[list[Patch], Counter[str], Counter[str], Counter[str]]


def write_patches(
    out: Path | str,
    sources: Sequence[Source],
    take: Callable[[Source], Tally],
    key: bytes,
    split: tuple[float, float, float],
    about: dict[str, Any],
    progress: Callable[[], None],
    workers: int = 1,
) -> PatchSet:
    """Store the patches that `take` finds in each source as a new set; the same bytes whatever the number of `workers`.

    `take` runs in several processes if there are several workers, so it must be a function of a module, or a `partial`
    of one. `about` is added to `patches.json`; `progress` is called once per source.

    Raises `LookalikeError` if `out` is occupied, no patch was found, or an image is there under two patients.
    """
    rejected: Counter[str] = Counter()
    maskless: Counter[str] = Counter()
    notes: Counter[str] = Counter()
    rows: list[dict[str, Any]] = []
    with new_folder(Path(out)) as folder:
        for name in ("images", "masks"):
            (folder / name).mkdir()
        with _mapping(min(workers, 1 + len(sources) // _FEWEST)) as mapped:
            for found, reasons, missing, remarks in mapped(partial(_store, folder, take, key, split), sources):
                rows += found
                rejected += reasons
                maskless += missing
                notes += remarks
                progress()
        if not rows:
            reasons = "; ".join(f"{count} {reason}" for reason, count in rejected.items())
            raise LookalikeError(
                "nothing-cut",
                f"no patch is left of {len(sources)} images ({reasons}); try a smaller --size or --context, or larger "
                "--max-white and --max-black",
            )
        table = pd.DataFrame(rows)
        if twice := under_two_names(table):
            notes["the same image as another, under another name"] = twice
        if pairs := alike(table):
            one, other = table.loc[list(pairs[0]), "file"]
            said = (
                f"the same to the eye as one of another patient, perhaps one person in two splits ({one} and {other})"
            )
            notes[said] = len({row for pair in pairs for row in pair})
        write_table(folder / "film.csv", table[list(FILM_COLUMNS)])
        film = _describe_film(table)
        table = table.drop(columns=[*FILM_COLUMNS[1:], *Likeness._fields, "origin", "person"])
        if table["mask_file"].isna().all():
            table = table.drop(columns=list(MASK_COLUMNS))
            (folder / "masks").rmdir()
        table["jpeg_quality"] = table["jpeg_quality"].astype("Int64")
        table = table.drop(columns=[name for name in _JPEG_COLUMNS if table[name].isna().all()])
        masked = "mask_file" in table or set(maskless) - {NO_MASK}
        fixed = about.get("context") is not None
        several = not fixed or bool(about.get("train_crops"))
        write_table(folder / "patches.csv", table if several else table.drop(columns="context"))
        write_json(
            folder / "patches.json",
            {
                "format": FORMAT,
                **about,
                **({} if fixed else _describe_context(table["context"])),
                "key_fingerprint": hashlib.sha256(key).hexdigest()[:12],
                "patients": {name: int(table.loc[table["split"] == name, "patient"].nunique()) for name in SPLITS},
                "patches": {name: int((table["split"] == name).sum()) for name in SPLITS},
                "rejected": dict(sorted(rejected.items())),
                "film": film,
                **({"without_mask": dict(sorted(maskless.items()))} if masked else {}),
                **({"notes": dict(sorted(notes.items()))} if notes else {}),
            },
        )
    return read_patches(out, verify=False)


def read_patches(folder: Path | str, verify: bool = True) -> PatchSet:
    """Read a patch set that `cut_patches` or `collect_patches` wrote.

    Parameters
    ----------
    folder : path
        The set's folder.
    verify : bool
        Whether to check every image against its hash.

    Returns
    -------
    PatchSet
        `select(split)` gives the rows of a split, `read(row)` the P-values of a patch,
        `mask(row)` its lesion's mask.

    Raises
    ------
    LookalikeError
        For a missing table, another format, a patient in two splits, or a missing or altered image or mask.

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
    table = read_table(folder / "patches.csv", COLUMNS, text=(*_TEXT, *MASK_COLUMNS))
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
    if verify:
        _verify(folder, table["file"], table["sha256"])
        if "mask_file" in table:
            masked = table[table["mask_file"].notna()]
            _verify(folder, masked["mask_file"], masked["mask_sha256"])
    return PatchSet(folder, table, about, sha256(folder / "patches.csv"))


def _verify(folder: Path, files: pd.Series[str], hashes: pd.Series[str]) -> None:
    """Raise `LookalikeError` if a file is missing or does not have its hash."""
    for (row, file), expected in zip(files.items(), hashes, strict=True):
        path = inside(folder, file, f"{folder / 'patches.csv'}: row {int(str(row)) + 2}")
        if not path.is_file():
            raise LookalikeError("missing-file", f"{path}: named in patches.csv but missing; cut the patches again")
        if sha256(path) != expected:
            raise LookalikeError("altered-file", f"{path}: altered since it was cut; cut the patches again")


def _describe_context(context: pd.Series[float]) -> dict[str, Any]:
    """The context of a set where it is known patch by patch: one number if it is one, else its median and range."""
    known = context.dropna()
    if known.empty:
        return {"context": None, "context_median": None, "context_range": None}
    low, median, high = (round(float(value), 3) for value in (known.min(), known.median(), known.max()))
    fixed = low == high and len(known) == len(context)
    return {"context": low if fixed else None, "context_median": median, "context_range": [low, high]}


@contextmanager
def _mapping(workers: int) -> Iterator[Callable[..., Iterator[Any]]]:
    """`map`, in order, in this process or in several."""
    if workers == 1:
        yield map
        return
    # Not forked: a process that runs threads, as torch does, must not be.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        try:
            yield pool.map
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _store(
    folder: Path, take: Callable[[Source], Tally], key: bytes, split: tuple[float, float, float], source: Source
) -> tuple[list[dict[str, Any]], Counter[str], Counter[str], Counter[str]]:
    patches, rejected, maskless, notes = take(source)
    return [_write(folder, patch, key, split) for patch in patches], rejected, maskless, notes


def _write(folder: Path, patch: Patch, key: bytes, split: tuple[float, float, float]) -> dict[str, Any]:
    # File names often hold patient numbers, so the source is named by a keyed code as well.
    source, patient = code(key, "source", patch.file), patient_code(key, patch.patient_id)
    patch_id = f"{source}-{patch.number}"
    file, mask_file = f"images/{patch_id}.png", f"masks/{patch_id}.png"
    write_png(folder / file, patch.pixels, bits=16)
    if patch.mask is not None:
        write_png(folder / mask_file, patch.mask, bits=8)
    lesion, native = patch.lesion or (None,) * 4, patch.native_px or (None, None)
    values = (
        patch_id, file, source, patient, patch.laterality, patch.view, patch.pathology,
        *lesion, *(round(value, 3) for value in patch.crop), *native, patch.bit_depth,
        assign_split(key, patch.patient_id, split), sha256(folder / file),
    )  # fmt: skip
    return {
        **dict(zip(COLUMNS, values, strict=True)),
        "context": None if patch.context is None else round(patch.context, 3),
        "jpeg_quality": patch.jpeg_quality,
        "jpeg_grain": None if patch.jpeg_grain is None else round(patch.jpeg_grain, 2),
        "mask_file": None if patch.mask is None else mask_file,
        "mask_sha256": None if patch.mask is None else sha256(folder / mask_file),
        "white_share": round(white_share(patch.pixels), 4),
        "black_share": round(black_share(patch.pixels), 4),
        **patch.likeness._asdict(),
        "origin": patch.file,
        "person": patch.patient_id,
    }


def _describe_film(table: pd.DataFrame) -> dict[str, Any]:
    """How many patches show more film border, and air, than a little, and how much is the most."""
    about: dict[str, Any] = {"share": FILM_SHARE}
    for name in ("white", "black"):
        shares = table[f"{name}_share"]
        about |= {f"{name}_above": int((shares > FILM_SHARE).sum()), f"{name}_most": float(shares.max())}
    return about
