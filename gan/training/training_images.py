"""The training images of a run: one memory-mapped file of all its patches, read a batch at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F

from data.arrays import Ints
from data.errors import LookalikeError
from gan.adversaries.step_rng import StepRng
from gan.networks.generator import Architecture
from gan.networks.traces import log_contrast
from stimuli.images import quantise
from stimuli.patches import PatchSet

LEVELS = 65535
_GRAIN_SHARE = 0.75  # of what JPEGs show as grain; the rest is structure (docs/training-notes.md)


class ImageSettings(Protocol):
    """What a run's settings say about its images."""

    @property
    def architecture(self) -> Architecture: ...

    @property
    def batch(self) -> int: ...

    @property
    def symmetry(self) -> str: ...

    @property
    def seed(self) -> int: ...


class TrainingImages:
    """The `train` split of a patch set as 16-bit grey levels on disk, (N, R, R); only what is in use is in memory."""

    def __init__(self, levels: npt.NDArray[np.uint16], settings: ImageSettings) -> None:
        self.levels, self.settings = levels, settings
        self._order: tuple[int, Ints] = (-1, np.empty(0, np.int64))

    def batch(self, step: int, rng: StepRng) -> Tensor:
        """This process's images of a step: (rows of `rng`, 1, R, R) in [-1, 1] on its device.

        Epochs are permutations drawn from the seed, read one after another.
        """
        first = step * self.settings.batch
        positions = range(first, first + self.settings.batch)[rng.rows]
        images = self._read([self._place(position) for position in positions], rng.device)
        return random_symmetry(images, self.settings.symmetry, rng)

    def every_form(self, device: torch.device | str, batch: int = 32) -> Iterator[Tensor]:
        """All images in [-1, 1], (N, 1, R, R) at a time, each in every form that its symmetry gives it."""
        for first in range(0, len(self.levels), batch):
            images = self._read(slice(first, first + batch), device)
            yield from symmetric_forms(images, self.settings.symmetry)

    def _read(self, rows: list[int] | slice, device: torch.device | str) -> Tensor:
        levels = torch.from_numpy(self.levels[rows].astype(np.float32)).to(torch.get_default_dtype())
        return levels.unsqueeze(1).to(device) * (2 / LEVELS) - 1

    def _place(self, position: int) -> int:
        epoch, within = divmod(position, len(self.levels))
        if self._order[0] != epoch:
            self._order = (epoch, np.random.default_rng([self.settings.seed, epoch]).permutation(len(self.levels)))
        return int(self._order[1][within])


def random_symmetry(images: Tensor, symmetry: str, rng: StepRng) -> Tensor:
    """Images (N, 1, R, R), each transformed by a random element of its symmetry (`ImageSettings.symmetry`)."""
    if symmetry != "none":
        images = torch.where(rng.uniform(1, 1, 1) < 0.5, images.flip(3), images)
    if symmetry == "dihedral":
        images = torch.where(rng.uniform(1, 1, 1) < 0.5, images.flip(2), images)
        images = torch.where(rng.uniform(1, 1, 1) < 0.5, images.transpose(2, 3), images)
    return images


def symmetric_forms(images: Tensor, symmetry: str) -> Iterator[Tensor]:
    """Images (N, 1, R, R) in each form that `random_symmetry` can give them."""
    for turns in range(4 if symmetry == "dihedral" else 1):
        turned = images.rot90(turns, (2, 3))
        yield turned
        if symmetry != "none":
            yield turned.flip(3)


def at_stage(images: Tensor, resolution: int, blend: float) -> Tensor:
    """Images averaged down to `resolution`; while new layers are faded in, so is the finest detail."""
    if images.shape[-1] > resolution:
        images = F.avg_pool2d(images, images.shape[-1] // resolution)
    if blend < 1:
        images = torch.lerp(F.interpolate(F.avg_pool2d(images, 2), scale_factor=2), images, blend)
    return images


def check_patches(patches: PatchSet, settings: ImageSettings) -> None:
    """Raise `LookalikeError` if a run cannot be trained on these patches."""
    count, size = len(patches.select("train")), settings.architecture.resolution
    if count < settings.batch:
        raise LookalikeError(
            "set-too-small",
            f"{patches.folder}: {count} patches in the train split, fewer than a batch of {settings.batch}; "
            "cut more patches or lower --batch",
        )
    if patches.about["size_px"] != size:
        raise LookalikeError(
            "wrong-size",
            f"{patches.folder}: patches are {patches.about['size_px']} px but the network makes {size} px; "
            f"cut them with --size {size}, or give --resolution {patches.about['size_px']}",
        )


def source_files(patches: PatchSet) -> tuple[Tensor, Tensor, Tensor]:
    """The files that training patches were cut from, the patches' contrasts, and grain (`gan.networks.traces`).

    The first two are sorted by contrast, and empty as far as files left no traces. Patches that came cut are whole
    files, and those of 8 bits show it. Of others, resampling leaves only what a JPEG did, and only a JPEG of a standard
    quality is known well enough.
    """
    rows = patches.select("train")
    quality = rows["jpeg_quality"].fillna(0).astype(int) if "jpeg_quality" in rows else pd.Series(0, rows.index)
    whole, size = bool(patches.about.get("precut")), patches.about["size_px"]
    rows, quality = (one[(rows["source_bit_depth"] == 8) if whole else quality > 0] for one in (rows, quality))
    native = ([size] * len(rows),) * 2 if whole else (rows["native_rows"], rows["native_columns"])
    files = torch.tensor(np.array([*native, quality, [int(whole)] * len(rows)], dtype=np.int32).T)
    contrasts = [log_contrast(torch.from_numpy(patches.read(row))[None, None] * 2 - 1) for row in rows.itertuples()]
    contrast, order = torch.cat([torch.empty(0), *contrasts]).sort()
    grain = rows["jpeg_grain"].median() if "jpeg_grain" in rows else math.nan
    return files[order], contrast, torch.tensor(0.0 if math.isnan(grain) else _GRAIN_SHARE * grain, dtype=torch.float32)


def open_training_images(
    patches: PatchSet,
    settings: ImageSettings,
    folder: Path,
    first: bool = True,
    wait: Callable[[], None] = lambda: None,
) -> TrainingImages:
    """Map the training patches, gathered into one file in `folder` by the `first` process while the others `wait`.

    The file's name holds the patch set's hash, so it is made once per set. It holds patients' images,
    as the patch set does. Raises `LookalikeError` for patches of mixed sizes.
    """
    path = folder / f"train-{patches.sha256[:16]}.npy"
    if first and not path.is_file():
        _gather(patches, settings.architecture.resolution, path)
    wait()
    return TrainingImages(np.load(path, mmap_mode="r"), settings)


def _gather(patches: PatchSet, size: int, path: Path) -> None:
    rows = patches.select("train")
    partial = path.with_suffix(".partial")
    header = {"descr": "<u2", "fortran_order": False, "shape": (len(rows), size, size)}
    # Written, not mapped: on a full disk a write raises an error, but a page of a map kills the process.
    with open(partial, "wb") as file:
        np.lib.format.write_array_header_1_0(file, header)  # type: ignore[no-untyped-call]
        for row in rows.itertuples():
            file.write(quantise(patches.read(row), 16).astype("<u2").tobytes())
    partial.replace(path)
