"""The encoder: from an image to one code per layer of the generator (Ren, Yu & Whitney, "Implementation details")."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

from gan.networks.code_space import CodeSpace
from gan.networks.generator import Architecture
from gan.networks.layers import SLOPE

_SMALLEST_PX = 4  # of the last maps, as in the generator's first layer
_SPREAD = 0.5  # of whitened codes at the start: a careful guess is nearer to the mean than what it stands for
_WIDEST = 8  # channels of the last blocks, in units of the first convolution's


@dataclass(frozen=True)
class EncoderSize:
    """Residual blocks, and channels of the first convolution; they double with each halving, up to eightfold."""

    blocks: int = 8
    base: int = 16


class Encoder(nn.Module):
    """One convolution, residual blocks and one dense layer, with batch norm after each.

    Maps images (N, 1, R, R) in [-1, 1] to codes (N, layers, w_dim). The maps are halved in as many of the blocks as it
    takes to reach 4 px, evenly spread. As in Zhu et al.'s code, which the paper follows, batch norm comes after the
    leaky ReLU. The dense layer gives whitened codes, which `space` turns into codes: there all directions are spread
    alike, and what an image does not show stays at the mean.

    Attributes
    ----------
    architecture : Architecture
        Sizes of the generator whose codes it gives.
    size : EncoderSize
        Its own size.
    space : CodeSpace
        Of the generator's codes; `space.fit` takes it from a generator.

    References
    ----------
    Ren, Yu & Whitney, "Controllable medical image generation via generative adversarial networks". Zhu, Shen, Zhao &
    Zhou (2020), "In-domain GAN inversion for real image editing", arXiv:2004.00049.

    Examples
    --------
    >>> import gan, torch
    >>> gan.Encoder(gan.Architecture(16))(torch.zeros(2, 1, 16, 16)).shape
    torch.Size([2, 6, 128])
    """

    def __init__(self, architecture: Architecture, size: EncoderSize = EncoderSize()) -> None:
        super().__init__()
        self.architecture, self.size = architecture, size
        side, width = architecture.resolution, size.base
        halvings = min(size.blocks, int(math.log2(side // _SMALLEST_PX)))
        self.first = nn.Conv2d(1, width, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(width)
        blocks = []
        for block in range(size.blocks):
            halves = block * halvings // size.blocks != (block - 1) * halvings // size.blocks
            wider = min(2 * width, _WIDEST * size.base) if halves else width
            blocks.append(_Residual(width, wider, stride=2 if halves else 1))
            width, side = wider, side // 2 if halves else side
        self.blocks = nn.Sequential(*blocks)
        codes = architecture.num_layers * architecture.w_dim
        self.dense = nn.Linear(width * side * side, codes, bias=False)
        self.code_norm = nn.BatchNorm1d(codes)
        nn.init.constant_(self.code_norm.weight, _SPREAD)
        self.space = CodeSpace(architecture)

    def forward(self, images: Tensor) -> Tensor:
        return self.space.restore(self.whitened(images))

    def whitened(self, images: Tensor) -> Tensor:
        """Whitened codes (N, layers, w_dim) of images."""
        x = self.first_norm(F.leaky_relu(self.first(images), SLOPE))
        codes: Tensor = self.code_norm(self.dense(self.blocks(x).flatten(1)))
        return codes.view(len(images), self.architecture.num_layers, self.architecture.w_dim)


class _Residual(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut, which is a 1 x 1 convolution where the size or width changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = self.first_norm(F.leaky_relu(self.first(x), SLOPE))
        y = self.second_norm(F.leaky_relu(self.second(y), SLOPE))
        out: Tensor = self.shortcut(x) + y
        return out
