"""StyleGAN v1's own discriminator."""

from __future__ import annotations

import itertools
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan.networks.generator import Architecture
from gan.networks.layers import SLOPE, DownConv, EqualConv, EqualLinear, minibatch_deviation


class Discriminator(nn.Module):
    """StyleGAN v1's discriminator (that of progressive GANs, with blurred down-sampling).

    Images (N, 1, R, R) in [-1, 1] to one logit each, (N,); larger means more real. While its first two
    layers are being faded in, `fading` reads the image of half the size for the layers after them, and
    `blend` in [0, 1] is the share of the new layers (`gan.training.growth`).
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
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
        self.fading: EqualConv | None = None
        self.blend = 1.0

    def forward(self, images: Tensor) -> Tensor:
        x = F.leaky_relu(self.from_grey(images), SLOPE)
        for index, block in enumerate(self.blocks):
            x = F.leaky_relu(block(x), SLOPE)
            if index == 1 and self.fading is not None:
                x = torch.lerp(F.leaky_relu(self.fading(F.avg_pool2d(images, 2)), SLOPE), x, self.blend)
        x = F.leaky_relu(self.final(minibatch_deviation(x)), SLOPE)
        x = F.leaky_relu(self.dense(x.flatten(1)), SLOPE)
        logits: Tensor = self.logit(x).squeeze(1)
        return logits.to(self.logit.weight.dtype)  # losses in full precision

    def grown(self, seed: int) -> Discriminator:
        """A discriminator for images of twice the size; new layers are drawn from `seed`."""
        architecture = replace(self.architecture, resolution=2 * self.architecture.resolution)
        with torch.random.fork_rng():
            torch.manual_seed(seed + architecture.resolution)
            grown = Discriminator(architecture)
        grown.to(self.logit.weight.device)
        for name in ("final", "dense", "logit"):
            getattr(grown, name).load_state_dict(getattr(self, name).state_dict())
        for new, former in zip(grown.blocks[2:], self.blocks, strict=True):
            new.load_state_dict(former.state_dict())
        grown.fading, grown.blend = self.from_grey, 0.0
        return grown

    def fade(self, blend: float) -> None:
        """The weight of the newest layers; at 1, what they replace is dropped."""
        self.blend = blend
        if blend == 1:
            self.fading = None
