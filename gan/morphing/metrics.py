"""Distances in which the steps of a loop are measured; each describes images one by one, then compares descriptions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from data.arrays import Floats
from data.errors import LookalikeError
from gan.networks.features import Vgg16, load_vgg16
from gan.perceptual import nlpd, ssim
from stimuli.images import Pixels

NAMES = ("nlpd", "vgg", "ssim", "pixel")
BOTH = "nlpd+vgg"
CHOICES = (*NAMES, BOTH)
DEFAULT = "nlpd"
_VGG_OVER_NLPD = 2.3  # of small steps along eight loops of the shipped model, on average
TITLES = {
    "nlpd": "normalised Laplacian pyramid distance",
    "vgg": "RMS difference of VGG16 conv4_3",
    "ssim": "square root of 1 - SSIM",
    "pixel": "RMS difference of grey levels 0 to 1",
    BOTH: "RMS of normalised Laplacian pyramid distance and VGG16 conv4_3",
}
Description: TypeAlias = list[Tensor]  # each (N, ...)


@dataclass(frozen=True)
class Metric:
    """A distance between images (N, 1, R, R) in [0, 1].

    `describe` gives what is compared, image by image, so that each image is passed through a network once;
    `distance` is that of two descriptions of N images each, (N,). Halving a small change halves the distance.
    Of a slow metric, `quick` is a quick one in which steps are nearly even where they are even in this one.
    """

    name: str
    title: str
    describe: Callable[[Tensor], Description]
    distance: Callable[[Description, Description], Tensor]
    quick: Metric | None = None


def metric_of(name: str, vgg16: Vgg16 | None = None) -> Metric:
    """The metric of a name; `vgg` and `nlpd+vgg` load the published weights unless they are given the network.

    Raises `LookalikeError` for another name, and for missing weights.
    """
    if name == "nlpd":
        return Metric(name, TITLES[name], nlpd.normalised_pyramid, nlpd.band_distance)
    if name == "vgg":
        network = vgg16 or load_vgg16()
        return Metric(name, TITLES[name], lambda x: [network(x * 2 - 1)], nlpd.band_distance, quick=metric_of("nlpd"))
    if name == BOTH:
        return _both(metric_of("nlpd"), metric_of("vgg", vgg16))
    if name == "ssim":
        # The root, because SSIM falls with the square of a small change (Brunet, Vrscay & Wang 2012).
        return Metric(name, TITLES[name], ssim.local_moments, _root_of_dissimilarity)
    if name == "pixel":
        return Metric(name, TITLES[name], lambda x: [x], nlpd.band_distance)
    raise LookalikeError("unknown-choice", f"metric is {name!r}; choose one of {', '.join(CHOICES)}")


def _both(first: Metric, second: Metric) -> Metric:
    """The RMS of NLPD and of VGG's distance, the latter in units in which small steps are as large as in NLPD."""

    def distance(one: Description, other: Description) -> Tensor:
        near = first.distance(one[:-1], other[:-1])
        far = second.distance(one[-1:], other[-1:]) / _VGG_OVER_NLPD
        return ((near.square() + far.square()) / 2).sqrt()

    return Metric(BOTH, TITLES[BOTH], lambda x: [*first.describe(x), *second.describe(x)], distance, quick=first)


def _root_of_dissimilarity(first: Description, second: Description) -> Tensor:
    return (1 - ssim.from_moments(first, second)).clamp_min(0).sqrt()


@torch.inference_mode()
def describe(metric: Metric, images: Pixels, batch: int = 10) -> Description:
    """The descriptions of P-values (N, R, R)."""
    parts = [metric.describe(part) for part in torch.from_numpy(images).unsqueeze(1).split(batch)]
    return [torch.cat(band) for band in zip(*parts, strict=True)]


@torch.inference_mode()
def between(metric: Metric, described: Description, first: Tensor, second: Tensor, batch: int = 50) -> Floats:
    """Distances of pairs of described images, given by their indices: (N,), float64."""
    parts = [
        metric.distance([band[one] for band in described], [band[other] for band in described])
        for one, other in zip(first.split(batch), second.split(batch), strict=True)
    ]
    distances: Floats = torch.cat(parts).double().numpy()
    return distances


def steps(metric: Metric, described: Description, closed: bool) -> Floats:
    """Distances from each image to the next: (N,) around a loop, (N - 1,) along an open path."""
    here = torch.arange(len(described[0]) - (not closed))
    return between(metric, described, here, (here + 1) % len(described[0]))


def all_pairs(metric: Metric, described: Description) -> Floats:
    """Distances of all images to all, (N, N), symmetric."""
    count = len(described[0])
    first, second = torch.triu_indices(count, count, offset=1)
    matrix: Floats = np.zeros((count, count))
    matrix[first, second] = between(metric, described, first, second)
    return matrix + matrix.T


def variation(distances: Floats) -> float:
    """Coefficient of variation: 0 is perfectly even."""
    return float(distances.std() / distances.mean()) if distances.mean() > 0 else float("nan")
