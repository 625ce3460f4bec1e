"""A small discriminator of pixels, for what frozen features cannot see.

Pretrained networks reduce images in their first layer, so that detail of one or two pixels hardly reaches their
features: a generator trained on them alone has the wrong power at the highest frequencies (docs/training-notes.md).
This network learns from the pixels themselves, and its first layers keep every one of them. Beside frozen features it
is one more member of an ensemble (Kumari et al. 2022, arXiv:2112.09130).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan.networks.layers import SLOPE, DownConv, EqualConv, EqualLinear, blur, minibatch_deviation

_WIDTHS = (24, 48, 64)  # channels at full, half and quarter size
_GAIN = 8.0  # of the high-pass: it has about an eighth of the SD of the image (.014 of .11 in mammogram patches)
_FLOOR = (0.1 / 255) ** 2  # of local energy, well below that of any detail in 8 bits
_QUIET = 1e-4  # of a channel's energy
# Differences of neighbours: of both axes (the corner of the spectrum), down, and across; scaled to about equal power.
_NEIGHBOURS = (((1.0, -1.0), (-1.0, 1.0)), ((0.25, 0.25), (-0.25, -0.25)), ((0.25, -0.25), (0.25, -0.25)))


class PixelDiscriminator(nn.Module):
    """Images (N, 1, R, R) in [-1, 1], of any size, to one logit each, (N,); larger means more real.

    It sees each image, its high-pass (the image minus its binomial blur), and that and differences of neighbours
    divided by the local contrast, so that the kind of texture shows however strong it is. The logit is judged from the
    energy of each channel of each layer over the whole image, on a logarithmic scale, where ratios are differences: a
    texture is told by the ratios of its energies.
    """

    differences: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("differences", torch.tensor(_NEIGHBOURS).unsqueeze(1), persistent=False)
        full, half, quarter = _WIDTHS
        self.blocks = nn.ModuleList(
            [
                EqualConv(3 + len(_NEIGHBOURS), full),
                EqualConv(full, full),
                DownConv(full, half),
                EqualConv(half, half),
                DownConv(half, quarter),
                EqualConv(quarter, quarter),
            ]
        )
        energies = 2 * sum(_WIDTHS)
        self.dense = EqualLinear(energies + 1, quarter)
        self.logit = EqualLinear(quarter, 1, gain=1.0)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a third less time on a processor

    def forward(self, images: Tensor) -> Tensor:
        x, energies = self._inputs(images), []
        for block in self.blocks:
            x = block(x)
            energies.append(((x.square().mean(dim=(2, 3)) + _QUIET).log() + 1) / 2)
            x = F.leaky_relu(x, SLOPE)
        together = minibatch_deviation(torch.cat(energies, dim=1)[..., None, None]).flatten(1)
        logits: Tensor = self.logit(F.leaky_relu(self.dense(together), SLOPE)).squeeze(1)
        return logits.to(self.logit.weight.dtype)  # losses in full precision

    def _inputs(self, images: Tensor) -> Tensor:
        detail = images - blur(images)
        contrast = detail.square()
        for _ in range(3):
            contrast = blur(contrast)
        contrast = (contrast + _FLOOR).sqrt()
        differences = F.conv2d(F.pad(images, (0, 1, 0, 1), mode="reflect"), self.differences.to(images.dtype))
        seen = torch.cat([images, detail * _GAIN, detail / contrast, differences / contrast], dim=1)
        return seen.contiguous(memory_format=torch.channels_last)

    def grown(self, seed: int) -> PixelDiscriminator:  # noqa: ARG002 - the interface's
        """It takes images of any size, and finer detail is a new task for the same layers."""
        return self

    def fade(self, blend: float) -> None:
        """There are no layers to fade in."""
