"""A discriminator on frozen pretrained features (Sauer et al. 2021, "Projected GANs", arXiv:2111.01007).

Images pass through EfficientNet-lite0 (ImageNet), whose weights never change; fixed random convolutions mix
its channels and scales, so that the generator cannot satisfy a few channels only; and one small head classifies
each scale. On a thousand patches and two cores this is about four times ahead of StyleGAN's own discriminator
after equal time (docs/training-notes.md).

It differs from Sauer 2021 in three ways: images are viewed at two sizes, the heads see how much the images of a group
differ, and the generator may also match moments of features (`gan.adversaries.moments`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from gan.adversaries.adversary import Part
from gan.adversaries.augment import translation_cutout
from gan.adversaries.moments import Moments, Summaries
from gan.adversaries.step_rng import StepRng
from gan.networks.efficientnet import EfficientNetLite
from gan.networks.layers import SLOPE, minibatch_deviation

# The sides to which images are resized before the features. Enlarging an image of 64 px smooths its finest detail,
# which the first view then hardly shows; the second shows it unsmoothed.
INPUTS_PX = (128, 64)
_LEAST_PX = 4  # a head's last convolution; coarser maps of the second view have no head
_BLOCKS = (2, 4, 10, 15)  # the last ones at a quarter to a thirty-second of the view's side
_MIXED = (32, 64, 128, 256)  # channels after mixing, fine to coarse
_HEAD = 64
_RATE = 0.1  # of learning: plain convolutions learn faster than equalised ones at the same rate


class FrozenAdversary:
    """Classifies images (N, 1, R, R) in [-1, 1] at seven scales; only the heads are trained, with a hinge loss.

    `moments` is the weight with which the generator also matches moments of features; 0 leaves that out.
    Satisfies `gan.adversaries.adversary.Adversary`. `view` is everything that is frozen, and the
    costly part, so the two losses of the same generated images share it.
    """

    period = 1  # no penalty

    def __init__(self, device: torch.device | str = "cpu", moments: float = 0.0) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(0)  # the mixing is part of the method, the same in every run
            self.frozen = _Views().requires_grad_(False).eval()
            self.summaries = Summaries().to(device)
        self.frozen.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        maps = [pair for view in INPUTS_PX for pair in zip(_MIXED, _sides(view), strict=False)]
        self.trained = nn.ModuleList(_head(width, side) for width, side in maps)
        self.trained.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.weight = moments
        self.moments = Moments(self.summaries.count)
        self._batch_mean = torch.zeros(())

    @property
    def parts(self) -> list[Part]:
        return [Part(self.trained, _RATE)]

    @property
    def state(self) -> nn.Module:
        return nn.ModuleDict({"heads": self.trained, "moments": self.moments})

    def view(self, images: Tensor, rng: StepRng, single: Tensor | None) -> list[Tensor]:
        """Augmented, mixed features: four scales of the larger view, three of the smaller, each fine to coarse.

        Where moments are matched, the summaries (n, count) of the generated images themselves come last: of those from
        a single code, since pulling on mixtures would misdirect them (docs/training-notes.md).
        """
        seen: list[Tensor] = self.frozen(translation_cutout(images, rng))
        if not self.weight or single is None:
            return seen
        images = images[single] if single.any() else images
        # The rounding of bfloat16 would exceed what is left to match.
        with torch.autocast(images.device.type, enabled=False):
            return [*seen, self.summaries(images.to(self.moments.real.dtype))]

    def discriminator_loss(self, real: list[Tensor], fake: list[Tensor], step: int) -> tuple[Tensor, Tensor]:  # noqa: ARG002 - the interface's
        """Hinge loss, summed over heads."""
        if self.weight:
            self._batch_mean = fake[-1].detach().mean(dim=0)
        loss = torch.zeros((), device=real[0].device)
        for head, r, f in self._with_heads(real, fake):
            real_logits, fake_logits = head(torch.cat([r, f])).float().chunk(2)
            loss = loss + F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()
        return loss, loss.detach()

    def generator_loss(self, fake: list[Tensor], real: list[Tensor]) -> Tensor:  # noqa: ARG002 - the interface's
        """Minus the mean logit, summed over heads; the gradient includes that of the moment loss, weighted."""
        means = [-head(seen).float().mean() for head, seen in self._with_heads(fake)]
        loss = torch.stack(means).sum()
        if self.weight:
            matching = self.weight * self.moments.loss(fake[-1])
            loss = loss + matching - matching.detach()  # its value is not a distance, and would swamp the logged loss
        return loss

    def _with_heads(self, *seen: list[Tensor]) -> Iterator[tuple[Any, ...]]:
        """Each head with its maps; summaries have no head."""
        return zip(self.trained, *(maps[: len(self.trained)] for maps in seen), strict=True)

    def adapt(self, batch: int, mean: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:  # noqa: ARG002 - the interface's
        if not self.weight:
            self.moments.reset()  # if matching is switched on later, these means would be of an earlier generator
            return {}
        self.moments.update(mean(self._batch_mean))
        return {"feature_distance": self.moments.distance()}

    @torch.no_grad()
    def prepare(self, real: Callable[[], Iterable[Tensor]]) -> None:
        """Summarise all training images, once for each size: they do not change."""
        if self.weight and not self.moments.batches:
            dtype = self.moments.real.dtype
            self.moments.set_real(self.summaries(images.to(dtype)) for images in real())

    def grow(self, seed: int) -> None:  # noqa: ARG002 - the interface's
        self.moments.reset()

    def fade(self, blend: float) -> None:
        """The heads do not depend on the size of the images."""


class _Views(nn.Module):
    """What the heads classify: the mixed maps of every view, without those that are too small for a head."""

    def __init__(self) -> None:
        super().__init__()
        self.features = EfficientNetLite(0)
        self.mixing = _Mixing([self.features.channels[block] for block in _BLOCKS])

    def forward(self, images: Tensor) -> list[Tensor]:
        seen: list[Tensor] = []
        for side in INPUTS_PX:
            blocks = self.features(images, side)
            maps = self.mixing([blocks[block] for block in _BLOCKS])
            seen += maps[: len(_sides(side))]
        return seen


def _sides(view: int) -> list[int]:
    """The sides, in px, of a view's maps that have a head, fine to coarse."""
    return [view // stride for stride in (4, 8, 16, 32) if view // stride >= _LEAST_PX]


class _Mixing(nn.Module):
    """Fixed random convolutions across channels (1 x 1), then across scales (3 x 3, coarse to fine)."""

    def __init__(self, channels: list[int]) -> None:
        super().__init__()
        self.across_channels = nn.ModuleList(
            nn.Conv2d(inputs, outputs, 1, bias=False) for inputs, outputs in zip(channels, _MIXED, strict=True)
        )
        self.down_in_width = nn.ModuleList(
            nn.Conv2d(coarse, fine, 1, bias=False) for fine, coarse in itertools.pairwise(_MIXED)
        )
        self.across_scales = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1, bias=False) for width in _MIXED)
        for convolution in self.modules():
            if isinstance(convolution, nn.Conv2d):
                nn.init.kaiming_normal_(convolution.weight, nonlinearity="linear")

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        mixed = [mix(x) for mix, x in zip(self.across_channels, maps, strict=True)]
        out = [self.across_scales[-1](mixed[-1])]
        for scale in reversed(range(len(mixed) - 1)):
            coarse = F.interpolate(self.down_in_width[scale](out[0]), scale_factor=2, mode="bilinear")
            out.insert(0, self.across_scales[scale](mixed[scale] + coarse))
        return out


class _Deviation(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return minibatch_deviation(x)


def _head(width: int, side: int) -> nn.Sequential:
    """A classifier of maps of `side` x `side`: halve down to 4 x 4, then one logit per image.

    The last convolution also sees how much the images of a group differ, as in StyleGAN's own discriminator
    but not in Sauer 2021: without it, generated mammograms had two thirds of the variance of real ones.
    """
    layers: list[nn.Module] = [spectral_norm(nn.Conv2d(width, _HEAD, 3, padding=1)), nn.LeakyReLU(SLOPE)]
    for _ in range(side.bit_length() - _LEAST_PX.bit_length()):
        layers += [spectral_norm(nn.Conv2d(_HEAD, _HEAD, 4, stride=2, padding=1)), nn.LeakyReLU(SLOPE)]
    layers += [_Deviation(), spectral_norm(nn.Conv2d(_HEAD + 1, 1, 4)), nn.Flatten()]
    return nn.Sequential(*layers)
