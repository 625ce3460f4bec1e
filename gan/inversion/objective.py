"""What inversion minimises: pixel and perceptual differences, over a whole image or under a soft mask."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from gan.networks.features import Vgg16
from gan.networks.generator import Generator
from gan.networks.layers import blur

PRINTED_WEIGHT = 5e-5  # the paper's lambda_1 and lambda_3, for features of another scale (see `calibrated_weight`)
_PAIRS = 64
_BATCH = 16
_WINDOW_PX = 9


def squared_difference(first: Tensor, second: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean squared difference of each image's values, (N, C, H, W) twice to (N,).

    With a `weight` (N or 1, 1, H, W) of positions it is the weighted mean, so that a small region counts as much as a
    large one.
    """
    squares = (first - second).square()
    if weight is None:
        return squares.mean(dim=(1, 2, 3))
    return (squares.mean(dim=1, keepdim=True) * weight).sum(dim=(1, 2, 3)) / weight.sum(dim=(1, 2, 3))


def at_features(mask: Tensor, features: Tensor) -> Tensor:
    """A soft mask (N, 1, R, R) at the positions of features (N, C, H, W): the share of each that it covers."""
    return F.adaptive_avg_pool2d(mask, (features.shape[-2], features.shape[-1]))


@torch.inference_mode()
def calibrated_weight(generator: Generator, features: Vgg16) -> float:
    """The weight at which the perceptual term of the loss is as large as the pixel term for two draws of the noise.

    The paper's 5e-5 belongs to features of other weights and inputs; with ours the term would be nothing. Images of
    one code that differ in their noise differ as much as a code can never repair: there, neither term should rule.
    It is the ratio of the two mean squared differences over 64 codes, and follows from the model and the weights alone;
    1 where noise changes nothing, as in an untrained generator.
    """
    rng = torch.Generator(generator.w_mean.device).manual_seed(0)
    pixel, perceptual = [], []
    for _ in range(0, _PAIRS, _BATCH):
        z = torch.randn(_BATCH, generator.architecture.z_dim, generator=rng, device=generator.w_mean.device)
        one, other = (generator(z, generator.random_noise(_BATCH, rng)) for _ in range(2))
        pixel.append(squared_difference(one, other))
        perceptual.append(squared_difference(features(one), features(other)))
    if not torch.cat(perceptual).any():
        return 1.0
    return float(torch.cat(pixel).mean() / torch.cat(perceptual).mean())


def noise_irregularity(noise: list[Tensor]) -> Tensor:
    """How far noise images (N, 1, H, W) are from white noise of unit variance, (N,); about 0 if they are.

    Squared mean products of neighbours (along rows and columns, around the edge), and squared excess of the variance,
    at each size down to 8 px (Karras 2020, arXiv:1912.04958, appendix D). Left free, noise paints anything.
    """
    total = torch.zeros(len(noise[0]), device=noise[0].device)
    for one in noise:
        x = one
        while True:
            total = total + (x.square().mean(dim=(1, 2, 3)) - 1).square()
            for axis in (2, 3):
                total = total + (x * x.roll(1, axis)).mean(dim=(1, 2, 3)).square()
            if x.shape[-1] <= 8:
                break
            x = F.avg_pool2d(x, 2) * 2  # keeps the variance of white noise
    return total


def detail_difference(first: Tensor, second: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean squared difference of the local amplitude of fine detail, (N, 1, R, R) twice to (N,).

    The amplitude is the RMS, within windows of about 9 px, of what a binomial low-pass takes away. Where detail cannot
    be matched pixel by pixel, squared error alone prefers none; this term prefers as much as there is.
    """
    return squared_difference(_amplitude(first), _amplitude(second), weight)


def _amplitude(images: Tensor) -> Tensor:
    energy = (images - blur(images)).square()
    return (F.avg_pool2d(energy, _WINDOW_PX, 1, _WINDOW_PX // 2, count_include_pad=False) + 1e-6).sqrt()
