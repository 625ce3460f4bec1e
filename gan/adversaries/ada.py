"""Adaptive discriminator augmentation for grey images (Karras et al. 2020, arXiv:2006.06676).

Each transformation is applied with probability p, to real and generated images alike, and p is adjusted
so that the discriminator stays just unsure of the real images: with few images it would otherwise memorise
them. These are the paper's blitting, geometric and colour transformations, as far as they apply to grey
images; all geometric ones of an image are done in one resampling, between low-pass filters as in the paper, so that
fine detail is lost where it cannot be kept but never turns into coarse patterns.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan.adversaries.step_rng import StepRng

ADAPT_EVERY = 4  # steps
_TAPS = 12  # of the low-pass, as many as the paper's wavelet has
_EXACT = 1e-5  # of a whole number
_SCALE_LOG2, _SHIFT, _CONTRAST_LOG2, _BRIGHTNESS = 0.2, 0.125, 0.5, 0.2  # Karras 2020, appendix B


class AdaptiveAugmentation(nn.Module):
    """Augmentation and its strength p, which is part of the state that a run resumes from.

    `target` is the mean sign of real logits to aim for, `kimg` the number of kimg in which p can go from 0 to 1.
    """

    p: Tensor
    signs: Tensor
    steps: Tensor

    def __init__(self, target: float, kimg: float) -> None:
        super().__init__()
        self.target, self.kimg = target, kimg
        for name in ("p", "signs", "steps"):
            self.register_buffer(name, torch.zeros(()))

    def forward(self, images: Tensor, rng: StepRng) -> Tensor:
        """Augmented copies of images (N, 1, R, R) in [-1, 1]; differentiable."""
        if self.target == 0:
            return images
        return _shade(_move(images, self.p, rng), self.p, rng)

    def adapt(self, real_sign: Tensor, batch: int, mean: Callable[[Tensor], Tensor]) -> None:
        """Record the mean sign of a step's real logits; every few steps, move p by a fixed amount.

        `mean` averages over processes.
        """
        self.signs += mean(real_sign)
        self.steps += 1
        if self.steps >= ADAPT_EVERY:
            direction = torch.sign(self.signs / self.steps - self.target)
            self.p.add_(direction * batch * ADAPT_EVERY / (self.kimg * 1000)).clamp_(0, 1)
            self.signs.zero_()
            self.steps.zero_()


def _move(images: Tensor, p: Tensor, rng: StepRng) -> Tensor:
    """Each image transformed by its matrix from `transforms`, in one resampling; edges are filled by reflection.

    Images that only move by whole pixels, mirrored or turned by quarters, keep every grey level; the others are
    resampled at twice their size, with a low-pass before and after.
    """
    side = images.shape[-1]
    matrices = transforms(len(images), side, p, rng)
    if p == 0:
        return images  # numbers were drawn above nevertheless, so that the stream does not depend on p
    exact = _whole_pixels(matrices, side).view(-1, 1, 1, 1)
    return torch.where(exact, _sample(images, matrices), _halve(_sample(_double(images), matrices)))


def _sample(images: Tensor, matrices: Tensor) -> Tensor:
    positions = F.affine_grid(matrices[:, :2].to(images.dtype), list(images.shape), align_corners=False)
    return F.grid_sample(images, positions, mode="bicubic", padding_mode="reflection", align_corners=False)


def _whole_pixels(matrices: Tensor, side: int) -> Tensor:
    """Whether each of (N, 3, 3) only mirrors, turns by quarters and shifts by whole pixels of a `side`."""
    linear, shift = matrices[:, :2, :2], matrices[:, :2, 2] * (side / 2)
    upright = (linear - linear.round()).abs().amax(dim=(1, 2)) < _EXACT
    unscaled = (torch.linalg.det(linear).abs() - 1).abs() < _EXACT
    whole: Tensor = upright & unscaled & ((shift - shift.round()).abs().amax(dim=1) < _EXACT * side)
    return whole


def _double(images: Tensor) -> Tensor:
    """Images (N, 1, R, R) at twice the sampling rate, (N, 1, 2 R, 2 R)."""
    taps = 2 * _low_pass(images)
    edge = _TAPS // 4 + 1
    padded = F.pad(images, (edge,) * 4, mode="reflect")
    cut = 2 * edge + _TAPS // 2 - 1
    along = F.conv_transpose2d(padded, taps.view(1, 1, -1, 1), stride=(2, 1))
    both = F.conv_transpose2d(along, taps.view(1, 1, 1, -1), stride=(1, 2))
    side = 2 * images.shape[-1]
    return both[..., cut : cut + side, cut : cut + side]


def _halve(images: Tensor) -> Tensor:
    """Images (N, 1, 2 R, 2 R) at half the sampling rate, without aliasing."""
    taps = _low_pass(images)
    padded = F.pad(images, (_TAPS // 2 - 1,) * 4, mode="reflect")
    along = F.conv2d(padded, taps.view(1, 1, -1, 1), stride=(2, 1))
    return F.conv2d(along, taps.view(1, 1, 1, -1), stride=(1, 2))


def _low_pass(like: Tensor) -> Tensor:
    """Taps of a windowed sinc that passes the lower half of the frequencies; they sum to 1."""
    places = torch.arange(_TAPS, dtype=torch.float64) - (_TAPS - 1) / 2
    taps = torch.sinc(places / 2) * torch.kaiser_window(_TAPS, periodic=False, beta=4.0, dtype=torch.float64)
    return (taps / taps.sum()).to(like)


def transforms(count: int, side: int, p: Tensor, rng: StepRng) -> Tensor:
    """Reflections, quarter turns, whole-pixel and fractional shifts, scalings and rotations: (count, 3, 3).

    Each matrix maps positions in the result to positions in the image, both from -1 to 1 across its `side` pixels.
    Sizes, angles and probabilities are the paper's.
    """
    grid = torch.eye(3, device=p.device).expand(count, 3, 3)
    # Transformations of whole pixels first: these leave every grey level as it was.
    mirrored = _chosen(p, rng, 1 - 2.0 * rng.integers(0, 2), 1.0)
    grid = grid @ _scaling(mirrored, torch.ones_like(mirrored))
    quarters = _chosen(p, rng, rng.integers(0, 4).to(p.dtype), 0.0)
    grid = grid @ _rotation(quarters * (math.pi / 2))
    shifts = rng.uniform_between(-_SHIFT, _SHIFT, 2)
    pixels = (shifts * side).round() * (2 / side)
    grid = grid @ _translation(_chosen(p, rng, pixels, 0.0))

    scale = _chosen(p, rng, torch.exp2(rng.normal() * _SCALE_LOG2), 1.0)
    grid = grid @ _scaling(scale, scale)
    # One rotation before the stretch and one after it: at least one of them happens with probability p.
    once = 1 - torch.sqrt(torch.clamp(1 - p, min=0))
    grid = grid @ _rotation(_chosen(once, rng, rng.uniform_between(-math.pi, math.pi), 0.0))
    stretch = _chosen(p, rng, torch.exp2(rng.normal() * _SCALE_LOG2), 1.0)
    grid = grid @ _scaling(stretch, 1 / stretch)
    grid = grid @ _rotation(_chosen(once, rng, rng.uniform_between(-math.pi, math.pi), 0.0))
    return grid @ _translation(_chosen(p, rng, rng.normal(2) * (2 * _SHIFT), 0.0))


def _shade(images: Tensor, p: Tensor, rng: StepRng) -> Tensor:
    """Brightness, contrast and inversion about mid-grey."""
    shift = _chosen(p, rng, rng.normal() * _BRIGHTNESS, 0.0)
    contrast = _chosen(p, rng, torch.exp2(rng.normal() * _CONTRAST_LOG2), 1.0)
    inverted = _chosen(p, rng, 1 - 2.0 * rng.integers(0, 2), 1.0)
    shift, factor = (value.view(-1, 1, 1, 1).to(images.dtype) for value in (shift, contrast * inverted))
    return (images + shift) * factor


def _chosen(p: Tensor, rng: StepRng, changed: Tensor, unchanged: float) -> Tensor:
    """`changed` for each image with probability p, else `unchanged`."""
    uniform = rng.uniform(*([1] * (changed.dim() - 1)))
    return torch.where(uniform < p, changed, unchanged)


def _scaling(x: Tensor, y: Tensor) -> Tensor:
    return torch.diag_embed(torch.stack([x, y, torch.ones_like(x)], dim=1))


def _rotation(angle: Tensor) -> Tensor:
    cos, sin, zero, one = angle.cos(), angle.sin(), torch.zeros_like(angle), torch.ones_like(angle)
    rows = [torch.stack(row, dim=1) for row in ((cos, -sin, zero), (sin, cos, zero), (zero, zero, one))]
    return torch.stack(rows, dim=1)


def _translation(shift: Tensor) -> Tensor:
    """`shift` (N, 2), x and y, in units of half the image."""
    x, y = shift.unbind(dim=1)
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    rows = [torch.stack(row, dim=1) for row in ((one, zero, x), (zero, one, y), (zero, zero, one))]
    return torch.stack(rows, dim=1)
