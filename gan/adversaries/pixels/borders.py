"""How images change towards their borders, and whether they have stripes: what means over all positions cannot show.

A generator's convolutions see zeros beyond the border and learn to make up for them, but not quite: thin lines run
along its images' sides that no patch cut out of a larger picture has. And a film scanner's rows or columns
may differ a little, which no filter of a few pixels tells from grain.
"""

from __future__ import annotations

import torch
from torch import Tensor

_DEEP = 8  # pixels from a border
_STEP = 4 / 127.5  # between neighbours, in images from -1 to 1; larger ones, such as at the edge of film, count as one
_APART = (1, 2, 4, 8)  # pixels between the rows or columns whose means are compared
_FLOOR = (0.1 / 255) ** 2  # of energy, well below that of any detail in 8 bits
COUNT = 4 * 3 * _DEEP + 2 * len(_APART)


def border_statistics(images: Tensor) -> Tensor:
    """Of images (N, 1, R, R) in [-1, 1], R at least 8: what lies along their borders, and stripes; (N, `COUNT`).

    - *Borders:* of each of the first rows at each side, the mean step to the next row, up to a limit; and by how much
      half the log of the energy of these steps, and of steps along the row, differs from the whole image's.
    - *Stripes:* half the log of the energy of differences between the means of rows, against that between their pixels;
      and of columns.
    """
    x = images[:, 0]
    sides = [_border(side) for side in (x, x.flip(1), x.mT, x.mT.flip(1))]
    return torch.cat([*sides, _stripes(x), _stripes(x.mT)], dim=1)


def _border(x: Tensor) -> Tensor:
    """Statistics (N, 3 `_DEEP`) of the first rows of images (N, R, R); of small ones some rows come twice."""
    across, along = x[:, 1:] - x[:, :-1], x[:, :, 1:] - x[:, :, :-1]
    rows = torch.arange(_DEEP, device=x.device).clamp_max(across.shape[1] - 1)
    steps = (across[:, rows] / _STEP).tanh().mean(dim=2)
    energies = [
        _half_log(change[:, rows].square().mean(dim=2)) - _half_log(change.square().mean(dim=(1, 2)))[:, None]
        for change in (across, along)
    ]
    return torch.cat([steps, *energies], dim=1)


def _stripes(x: Tensor) -> Tensor:
    """Of images (N, R, R), by distance of rows, how much their means differ for how much their pixels do."""
    means = x.mean(dim=2)
    found = [
        _half_log((means[:, apart:] - means[:, :-apart]).square().mean(dim=1))
        - _half_log((x[:, apart:] - x[:, :-apart]).square().mean(dim=(1, 2)))
        for apart in (min(most, x.shape[1] // 2) for most in _APART)
    ]
    return torch.stack(found, dim=1)


def _half_log(energy: Tensor) -> Tensor:
    return (energy + _FLOOR).log() / 2
