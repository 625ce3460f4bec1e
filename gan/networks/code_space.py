"""Codes in the coordinates in which the mapping's codes are spread alike in every direction."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gan.networks.generator import Architecture, Generator
from gan.networks.layers import SLOPE

_CODES = 100_000
_LEAST_SCALE = 0.01  # of the RMS of all: directions that the mapping hardly uses would be stretched without limit


class CodeSpace(nn.Module):
    """Whitened codes v of codes w, each (N, layers, w_dim); as a module, so that it is stored with an encoder.

    The mapping's last leaky ReLU is undone, and the result is expressed in its principal components, in units of their
    standard deviations. Codes that the mapping makes have a mean square of about 1 (`code_distance`); a code far above
    is one that no seed gives. `mean` and `scale` are (w_dim,), `axes` (w_dim, w_dim), one component per column.
    """

    mean: Tensor
    axes: Tensor
    scale: Tensor

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(architecture.w_dim))
        self.register_buffer("axes", torch.eye(architecture.w_dim))
        self.register_buffer("scale", torch.ones(architecture.w_dim))

    def whiten(self, w: Tensor) -> Tensor:
        return (torch.where(w < 0, w / SLOPE, w) - self.mean) @ self.axes / self.scale

    def restore(self, v: Tensor) -> Tensor:
        before = (v * self.scale) @ self.axes.T + self.mean
        return torch.where(before < 0, before * SLOPE, before)

    @torch.no_grad()
    def fit(self, generator: Generator) -> None:
        """Take the space of a generator, from 100,000 mapped codes; the same at every call."""
        mean, axes, scale = _principal_components(generator)
        self.mean.copy_(mean)
        self.axes.copy_(axes)
        self.scale.copy_(scale)


def _principal_components(generator: Generator) -> tuple[Tensor, Tensor, Tensor]:
    device = generator.w_mean.device
    rng = torch.Generator(device).manual_seed(0)
    z = torch.randn(_CODES, generator.architecture.z_dim, generator=rng, device=device)
    w = generator.mapping(z).double()
    before = torch.where(w < 0, w / SLOPE, w)
    mean = before.mean(dim=0)
    variances, axes = torch.linalg.eigh(torch.cov((before - mean).T))
    scale = variances.clamp_min(0).sqrt()
    scale = scale.clamp_min(_LEAST_SCALE * float(scale.square().mean().sqrt()))
    return mean, axes, scale


def code_distance(v: Tensor) -> Tensor:
    """Mean square of whitened codes (N, layers, w_dim), (N,); about 1 for codes that the mapping makes."""
    return v.square().mean(dim=(1, 2))
