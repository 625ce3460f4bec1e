"""What storing images in files does to them, done to generated images as it was done to real ones.

A patch is cut out of a mammogram, and if that came as a JPEG, its fine detail is what the JPEG left of it: blocks of
8 x 8 pixels of the mammogram, enlarged or reduced with the patch, in which weak detail has become a few waves along
rows and columns. No layer of a generator has such blocks, whose place and size differ from patch to patch, and who
learns to tell real from generated images learns to tell JPEGs from others (Grommelt et al. 2024, arXiv:2403.17608). So
a generator may know the files that its training patches were cut from, and its images pass through one like them:
enlarged to the native size of a patch of about the same contrast, compressed, and reduced again. (The larger a lesion,
the larger its patch in native pixels, and the more contrast it has: their correlation is .6 in CBIS-DDSM.)

Grain matters although a patch shows little of it: it decides which way a JPEG rounds what the patch does show, and some
of what is rounded away at one frequency returns at others. So noise is added before compression: white noise as strong
as the grain of the files, less what of it a patch would show. (Black and white clip it, and are up to a grey level off
where it is strong.)

Rounding has no gradient; in training it is taken for the identity (Bengio, Léonard & Courville 2013, arXiv:1308.3432).
"""

from __future__ import annotations

import functools
import math

import numpy as np
import torch
from PIL import Image as Pillow
from torch import Tensor, nn
from torch.nn import functional as F

from gan.networks.layers import blur
from stimuli.readers.jpeg_quality import table_of

BLOCK_PX = 8
_LEVELS = 255
_SEEDS = 2**24  # as many as there are numbers in [0, 1) that a draw may be
_ALIKE = 0.15  # SD of the log contrast within which patches are alike; it keeps the correlation with native size
_FLAT = 1e-8  # the variance of an image without contrast
_KEPT = torch.inference_mode(False)  # what is kept by a call that only makes images serves training, too
_KERNEL = Pillow.Resampling.BICUBIC


class FileTraces(nn.Module):
    """Images (N, 1, R, R) in [-1, 1] to what 8-bit files would have left of them, of the same shape.

    Attributes
    ----------
    files : torch.Tensor, shape (F, 4)
        One row per training patch: its rows and columns before it was resampled; the JPEG quality of its source (0 if
        that was none, so that grey levels are rounded, and that is all); and whether it is the whole file (1) or a part
        of one (0), which need not begin where a block does.
    contrasts : torch.Tensor, shape (F,)
        `log_contrast` of the same patches.
    grain : torch.Tensor, shape ()
        SD, in grey levels of 8 bits, of the white noise in JPEGs before compression; what a patch would show of it is
        taken away again.

    References
    ----------
    ITU-T T.81 (JPEG). At quality 75, patches of 64 px differ by .23 grey levels (RMS) from libjpeg's, computed with
    whole numbers.
    """

    files: Tensor
    contrasts: Tensor
    grain: Tensor

    def __init__(self, count: int) -> None:
        super().__init__()
        self.register_buffer("contrasts", torch.zeros(count))
        self.register_buffer("grain", torch.zeros(()))
        self.register_buffer("files", torch.tensor([[BLOCK_PX, BLOCK_PX, 0, 1]], dtype=torch.int32).repeat(count, 1))

    def forward(self, images: Tensor, draws: Tensor) -> Tensor:
        """`draws` (N, 4) in [0, 1): each image's file, where blocks begin in it, down and across, and its grain."""
        with torch.autocast(images.device.type, enabled=False):  # whose rounding is coarser than that of grey levels
            chosen = self.files[self._alike(images.detach().float(), draws[:, 0])].tolist()
            starts = (draws[:, 1:3] * BLOCK_PX).long().clamp_max(BLOCK_PX - 1).tolist()
            grey = (images.float() + 1) * (_LEVELS / 2)
            seeds, sd = (draws[:, 3] * _SEEDS).long().tolist(), float(self.grain)
            stored = [_stored(*one, sd) for one in zip(grey[:, 0], chosen, starts, seeds, strict=True)]
        return torch.stack(stored).unsqueeze(1) * (2 / _LEVELS) - 1

    def know(self, files: Tensor, contrasts: Tensor, grain: Tensor) -> None:
        """Replace what it knows; files and contrasts in the order of one another."""
        self.files.copy_(files)
        self.contrasts.copy_(contrasts)
        self.grain.copy_(grain)

    def _alike(self, images: Tensor, draws: Tensor) -> Tensor:
        """The places (N,) of patches drawn with weights that fall with the difference of their contrast."""
        apart = (log_contrast(images)[:, None] - self.contrasts) / _ALIKE
        reached = (-apart.square() / 2).softmax(dim=1).cumsum(dim=1)
        return (reached <= draws[:, None]).sum(dim=1).clamp_max(len(self.files) - 1)


def with_grain(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """A model's stored weights; those of an earlier version, whose files had no grain, with a grain of 0."""
    end = "traces.files"
    missing = [name.removesuffix(end) + "traces.grain" for name in weights if name.endswith(end)]
    return {name: torch.zeros(()) for name in missing} | weights


def log_contrast(images: Tensor) -> Tensor:
    """Log of the SD between neighbouring blocks of images (N, 1, R, R): (N,). Compression hardly changes it."""
    level = F.avg_pool2d(images, BLOCK_PX // 2)
    return ((level - blur(level)).square().mean(dim=(1, 2, 3)) + _FLAT).log() / 2


def _stored(grey: Tensor, file: list[int], start: list[int], seed: int, grain_sd: float) -> Tensor:
    """A grey image (R, R), 0 to 255, as it comes back from a file (`FileTraces.files`)."""
    rows, columns, quality, whole = file
    axes = [
        _axis(grey.shape[0], native, 0 if whole else BLOCK_PX + first, str(grey.device))
        for native, first in zip((rows, columns), start, strict=True)
    ]
    (down, up_again), (across, back_again) = axes
    if quality and grain_sd:
        # Drawn on the processor, so that the device does not matter.
        drawn = torch.randn(len(down), len(across), generator=torch.Generator().manual_seed(seed))
        noise = grain_sd * drawn.to(grey.device)
        native = down @ (grey - up_again @ noise @ back_again.T) @ across.T + noise
    else:
        native = down @ grey @ across.T
    native = _rounded(native.clamp(0, _LEVELS))
    if quality:
        native = _rounded(_compressed(native, quality)).clamp(0, _LEVELS)
    return up_again @ native @ back_again.T


def _compressed(grey: Tensor, quality: int) -> Tensor:
    """A grey image of whole blocks, 0 to 255, whose waves in each block are rounded to a JPEG's steps."""
    waves, steps = _waves(str(grey.device)), _steps(quality, str(grey.device))
    blocks = (grey - 128).unflatten(1, (-1, BLOCK_PX)).unflatten(0, (-1, BLOCK_PX)).transpose(1, 2)
    coefficients = waves @ blocks @ waves.T
    kept = _rounded(coefficients / steps) * steps
    return (waves.T @ kept @ waves).transpose(1, 2).flatten(2).flatten(0, 1) + 128


def _rounded(x: Tensor) -> Tensor:
    """Rounded, with the gradient of x itself."""
    return x + (x.round() - x).detach()


@functools.cache
@_KEPT
def _steps(quality: int, device: str) -> Tensor:
    return torch.tensor(table_of(quality), dtype=torch.float32, device=device).view(BLOCK_PX, BLOCK_PX)


@functools.cache
@_KEPT
def _waves(device: str) -> Tensor:
    """The discrete cosine transform of a block's rows (T.81, A.3.3), (frequency, place); orthonormal."""
    k, n = np.arange(BLOCK_PX)[:, None], np.arange(BLOCK_PX)
    waves = np.cos((2 * n + 1) * k * math.pi / (2 * BLOCK_PX)) * np.where(k, 0.5, math.sqrt(1 / 8))
    return torch.tensor(waves, dtype=torch.float32, device=device)


@functools.lru_cache(2**13)
@_KEPT
def _axis(size: int, native: int, before: int, device: str) -> tuple[Tensor, Tensor]:
    """What enlarges an axis of `size` pixels to `native` and more around them, (P, size); and reduces it, (size, P).

    P is a number of whole blocks: `before` pixels come first, and where there are some, at least a block follows, so
    that patches are reduced as parts of an image are, by the kernel of `stimuli.images.resample`. What lies around is
    the image, mirrored. Enlarged is the least image that is reduced to the given one: a kernel would blur it, and all
    that a file does to an image is to be rounding.
    """
    padded = math.ceil((before + native + (BLOCK_PX if before else 0)) / BLOCK_PX) * BLOCK_PX
    part = (0, before, padded, before + native)
    reduce = np.asarray(Pillow.fromarray(np.eye(padded, dtype=np.float32)).resize((padded, size), _KERNEL, box=part))
    place = (np.arange(padded) - before) % (2 * native)
    around = np.eye(native)[np.where(place < native, place, 2 * native - 1 - place)]
    enlarge = around @ np.linalg.pinv(reduce @ around)
    return torch.tensor(enlarge, dtype=torch.float32, device=device), torch.tensor(reduce, device=device)
