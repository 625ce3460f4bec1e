"""Perceptual path length: how evenly images change along straight paths in W (Karras et al. 2019, section 4.1)."""

from __future__ import annotations

import copy

import torch
from torch import Tensor
from torch.nn import functional as F

from gan.networks.features import Vgg16
from gan.networks.generator import Generator, codes_from_seeds, noise_from_seed

EPSILON = 1e-4


@torch.inference_mode()
def path_lengths(
    generator: Generator, network: Vgg16, seeds: list[int], psi: float = 1.0, epsilon: float = EPSILON, batch: int = 10
) -> Tensor:
    """One length per pair of seeds (the 1st and 2nd, the 3rd and 4th ...), float64.

    A point t is drawn on the line in W between a pair's codes; the length is the distance between the images at t and
    t + `epsilon`, over `epsilon`². The distance is the squared difference of conv4_3 scaled to unit length per
    position, averaged over positions: LPIPS (Zhang et al. 2018) with one layer and no learned weights, so values can
    be compared with one another but not with published ones. Both images share their noise. Everything is in float64:
    the images differ by about 1e-4 of their difference along the whole path, and the distance is that squared.
    """
    firsts, seconds = seeds[0::2], seeds[1::2]
    generator, network = copy.deepcopy(generator).double(), copy.deepcopy(network).double()
    positions = torch.stack([torch.rand((), generator=_stream(seed), dtype=torch.float64) for seed in firsts])
    start, end = (generator.mapping(codes_from_seeds(generator, half).double()) for half in (firsts, seconds))
    lengths = []
    for part in torch.arange(len(firsts)).split(batch):
        layers = zip(*(noise_from_seed(generator, firsts[int(index)]) for index in part), strict=True)
        noise = [torch.cat(layer).double() for layer in layers]
        maps = []
        for step in (0.0, epsilon):
            w = torch.lerp(start[part], end[part], (positions[part] + step)[:, None])
            images = generator.synthesis(generator.truncate(generator.per_layer(w), psi), noise)
            maps.append(F.normalize(network(images), dim=1))
        lengths.append((maps[1] - maps[0]).square().sum(dim=1).mean(dim=(1, 2)) / epsilon**2)
    return torch.cat(lengths)


def _stream(seed: int) -> torch.Generator:
    """A stream other than those of a seed's code and noise."""
    return torch.Generator().manual_seed((seed + 0x85EBCA6B) % 2**32)
