"""What fixed random filters find in an image: how strong its fine detail is, of every kind and in every place.

Energies are mean squares of what a filter without a mean responds. They are quadratic forms of the covariance of
neighbouring pixels, which is found once for all filters of a shape, at a fraction of the cost of their responses.

A photograph's fine detail is the same on even and odd rows and columns; up-sampling by two leaves a trace that repeats
every second pixel, which means over all positions cannot show. So energies are also compared between the four phases.
Nor do means show where detail is: film has little grain where it is clear or black, and more where there is structure.
So energies are compared between darker and brighter places, and with the strength of coarser structure.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan.networks.layers import blur

_KINDS = ((3, 1), (3, 2), (5, 1))  # side of the filters in taps, and the distance of these in pixels
_EACH, _FEW = 48, 16  # filters of a kind, and those whose responses are looked at one by one
_BLOCK_PX = 4  # side of a place
_BANDS = (-0.8, -0.4, 0.0, 0.4, 0.8)  # the brightness of places, in images from -1 to 1
_SHARE = 0.02  # weight of the whole image in each band, which may be empty
_BATCH = 8  # images at once, so that what is found of them stays in the processor's cache
_FLOOR = (0.1 / 255) ** 2  # of energy, well below that of any detail in 8 bits


class LogEnergies(nn.Module):
    """Images (N, 1, R, R) in [-1, 1] to three tables (N, `counts[i]`) of log energies; the filters are always the same.

    - *How strong:* half the log of each filter's energy; and of some, by how much the log of the mean magnitude
      differs, which shows whether detail is spread evenly or gathered in few places.
    - *Phases:* by how much half the log of the energy of each compact filter differs between even and odd rows, between
      even and odd columns, and between the two colours of the chequerboard.
    - *Where:* by how much half the log of the energy of some compact filters differs from that of the whole image in
      places of five degrees of brightness, and where there is coarser structure.
    """

    def __init__(self) -> None:
        super().__init__()
        drawn = torch.Generator().manual_seed(0)
        for kind, (side, _) in enumerate(_KINDS):
            taps = torch.randn(_EACH, side * side, generator=drawn)
            taps = taps - taps.mean(dim=1, keepdim=True)
            self.register_buffer(f"filters_{kind}", taps / taps.norm(dim=1, keepdim=True), persistent=False)
        compact = sum(spacing == 1 for _, spacing in _KINDS)
        self.counts = ((_EACH + _FEW) * len(_KINDS), 3 * _EACH * compact, (len(_BANDS) + 1) * _FEW * compact)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        batches = [self._tables(batch) for batch in images.split(_BATCH)]
        return tuple(torch.cat(parts) for parts in zip(*batches, strict=True))

    def _tables(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        strength, phases, where = [], [], []
        weights = _places(images)
        for kind, (side, spacing) in enumerate(_KINDS):
            filters: Tensor = self.get_buffer(f"filters_{kind}")
            near = _neighbours(images, side, spacing)
            energy = _energies(near, filters)
            log = (energy.mean(dim=(1, 2)) + _FLOOR).log() / 2
            response = (filters[:_FEW] @ near.flatten(2)).unflatten(2, near.shape[2:])
            magnitude = (response.abs().mean(dim=(2, 3)) + _FLOOR**0.5).log()
            strength += [log, magnitude - log[:, :_FEW]]
            if spacing == 1:
                phases.append(_phase_contrasts(energy))
                # Not known at the border, where the nearest stand for it.
                energies = F.pad(response.square(), [side // 2] * 4, mode="replicate")
                where.append(_place_contrasts(energies, weights))
        return torch.cat(strength, dim=1), torch.cat(phases, dim=1), torch.cat(where, dim=1)


def _neighbours(images: Tensor, side: int, spacing: int) -> Tensor:
    """The pixels under each tap minus the one in the middle, (N, side², H, W), wherever the whole filter fits.

    Filters without a mean respond to these as to the pixels, and the squares of small numbers keep their precision.
    """
    height, width = (size - (side - 1) * spacing for size in images.shape[2:])
    shifts = [(down * spacing, across * spacing) for down in range(side) for across in range(side)]
    taps = [images[:, 0, down : down + height, across : across + width] for down, across in shifts]
    middle = taps[len(taps) // 2]
    return torch.stack([tap - middle for tap in taps], dim=1)


def _energies(near: Tensor, filters: Tensor) -> Tensor:
    """Each filter's energy at even and odd rows and columns: (N, 2, 2, filters)."""
    rows, columns = (side // 2 for side in near.shape[2:])
    even = near[:, :, : 2 * rows, : 2 * columns]
    apart = even.unflatten(3, (columns, 2)).unflatten(2, (rows, 2)).permute(0, 3, 5, 1, 2, 4).flatten(4)
    covariance = apart @ apart.mT / (rows * columns)  # (N, 2, 2, taps, taps)
    energies: Tensor = (covariance @ filters.T * filters.T).sum(dim=3)
    return energies.clamp_min(0)


def _phase_contrasts(energy: Tensor) -> Tensor:
    """Differences (N, 3 C) between phases of half the log of `energy` (N, 2, 2, C): row and column even or odd."""
    even, odd = ((energy + _FLOOR).log() / 4).unbind(dim=1)
    rows = (even - odd).sum(dim=1)
    columns = (even + odd)[:, 0] - (even + odd)[:, 1]
    chequer = (even[:, 0] + odd[:, 1]) - (even[:, 1] + odd[:, 0])
    return torch.cat([rows, columns, chequer], dim=1)


def _places(images: Tensor) -> Tensor:
    """The weight of each block of pixels in each kind of place, (N, K, blocks), with a sum of 1.

    Bands of brightness overlap; the last kind is weighted by how much a block differs from those around it.
    """
    level = F.avg_pool2d(images, _BLOCK_PX)
    bands = torch.tensor(_BANDS, device=images.device, dtype=images.dtype)[:, None, None]
    near = (1 - (level - bands).abs() / (_BANDS[1] - _BANDS[0])).clamp_min(0)
    structure = (level - blur(level)).square()
    structure = structure / (structure.mean(dim=(2, 3), keepdim=True) + _FLOOR)
    weights = torch.cat([near, structure], dim=1).flatten(2) + _SHARE
    return weights / weights.sum(dim=2, keepdim=True)


def _place_contrasts(energy: Tensor, weights: Tensor) -> Tensor:
    """By how much half the log of `energy` (N, C, H, W) in each kind of place differs from the mean's: (N, C K)."""
    of_blocks = F.avg_pool2d(energy, _BLOCK_PX).flatten(2)
    mean = of_blocks.mean(dim=2, keepdim=True)
    return (((of_blocks @ weights.mT + _FLOOR) / (mean + _FLOOR)).log() / 2).flatten(1)
