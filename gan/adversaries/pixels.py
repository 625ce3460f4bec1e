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


class PixelDiscriminator(nn.Module):
    """Images (N, 1, R, R) in [-1, 1], of any size, to one logit each, (N,); larger means more real.

    It sees each image and its high-pass (the image minus its binomial blur). The logit is the mean over positions of a
    local judgement, plus a judgement of the mean features, which knows how much texture an image has.
    """

    def __init__(self) -> None:
        super().__init__()
        full, half, quarter = _WIDTHS
        self.blocks = nn.ModuleList(
            [
                EqualConv(2, full),
                EqualConv(full, full),
                DownConv(full, half),
                EqualConv(half, half),
                DownConv(half, quarter),
            ]
        )
        self.final = EqualConv(quarter + 1, quarter)
        self.local = EqualConv(quarter, 1, size=1, gain=1.0)
        self.dense = EqualLinear(quarter, quarter)
        self.overall = EqualLinear(quarter, 1, gain=1.0)

    def forward(self, images: Tensor) -> Tensor:
        x = torch.cat([images, (images - blur(images)) * _GAIN], dim=1)
        for block in self.blocks:
            x = F.leaky_relu(block(x), SLOPE)
        x = F.leaky_relu(self.final(minibatch_deviation(x)), SLOPE)
        local = self.local(x).mean(dim=(1, 2, 3))
        overall = self.overall(F.leaky_relu(self.dense(x.mean(dim=(2, 3))), SLOPE)).squeeze(1)
        logits: Tensor = local + overall
        return logits.to(self.overall.weight.dtype)  # losses in full precision

    def grown(self, seed: int) -> PixelDiscriminator:  # noqa: ARG002 - the interface's
        """It takes images of any size, and finer detail is a new task for the same layers."""
        return self

    def fade(self, blend: float) -> None:
        """There are no layers to fade in."""
