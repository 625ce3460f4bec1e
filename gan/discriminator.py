"""StyleGAN v1's discriminator (that of progressive GANs, with blurred down-sampling)."""

from __future__ import annotations

import itertools

from torch import Tensor, nn
from torch.nn import functional as F

from gan.generator import Architecture
from gan.layers import SLOPE, DownConv, EqualConv, EqualLinear, minibatch_deviation


class Discriminator(nn.Module):
    """Images (N, 1, R, R) in [-1, 1] to one logit each, (N,); larger means more real."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        widths = [architecture.channels(resolution) for resolution in reversed(architecture.resolutions)]
        self.from_grey = EqualConv(1, widths[0], size=1)
        self.blocks = nn.ModuleList(
            layer
            for inputs, outputs in itertools.pairwise(widths)
            for layer in (EqualConv(inputs, inputs), DownConv(inputs, outputs))
        )
        last = widths[-1]
        self.final = EqualConv(last + 1, last)
        self.dense = EqualLinear(last * 4 * 4, last)
        self.logit = EqualLinear(last, 1, gain=1.0)

    def forward(self, images: Tensor) -> Tensor:
        x = F.leaky_relu(self.from_grey(images), SLOPE)
        for block in self.blocks:
            x = F.leaky_relu(block(x), SLOPE)
        x = F.leaky_relu(self.final(minibatch_deviation(x)), SLOPE)
        x = F.leaky_relu(self.dense(x.flatten(1)), SLOPE)
        logits: Tensor = self.logit(x).squeeze(1)
        return logits
