"""StyleGAN v1's generator: a mapping network from z to w, and a synthesis network from w to images."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from data.errors import LookalikeError
from gan.networks.layers import SLOPE, EqualConv, EqualLinear, ImageFilter, StyledLayer, UpConv, normalise_z
from gan.networks.traces import FileTraces
from stimuli.images import Pixels

LARGEST_FILTER_PX = 15  # at 8 px its reach is still less than the image
TRUNCATED_LAYERS = 8  # Karras 2019, appendix B: coarse layers only, so that fine texture is left alone


@dataclass(frozen=True)
class Architecture:
    """The sizes of generator and discriminator.

    Layers at resolution r have min(`channel_max`, `channel_base` / r) channels. They do not depend on the final
    resolution, so a network can grow.

    Attributes
    ----------
    resolution : int, a power of two, at least 8
        Side of the images in pixels.
    z_dim, w_dim : int
        Dimensions of the codes z and w.
    mapping_layers : int
        Layers of the mapping network from z to w.
    channel_base, channel_max : int
        Widths of the layers.
    filter_px : int, 0 or an odd number from 3 to 15
        Side of the linear filter that images pass through last (not in Karras 2019); 0 leaves it out.
    source_files : int, at least 0
        Number of files that it knows of those its training patches were cut from (`gan.networks.traces`).

    Examples
    --------
    >>> import gan
    >>> gan.Architecture(128).resolutions
    [4, 8, 16, 32, 64, 128]
    """

    resolution: int = 64
    z_dim: int = 128
    w_dim: int = 128
    mapping_layers: int = 8
    channel_base: int = 1024
    channel_max: int = 128
    filter_px: int = 0
    source_files: int = 0

    def __post_init__(self) -> None:
        if self.filter_px not in (0, *range(3, LARGEST_FILTER_PX + 1, 2)):
            raise LookalikeError(
                "out-of-range",
                f"filter_px is {self.filter_px}; it must be 0 or an odd number from 3 to {LARGEST_FILTER_PX}",
            )
        if self.resolution < 8 or self.resolution & (self.resolution - 1):
            raise LookalikeError(
                "out-of-range", f"resolution is {self.resolution}; it must be a power of two, 8 or more"
            )

    @property
    def resolutions(self) -> list[int]:
        """4, 8, ... up to the image's."""
        return [2**power for power in range(2, int(math.log2(self.resolution)) + 1)]

    @property
    def num_layers(self) -> int:
        """Styled layers: two per resolution."""
        return 2 * len(self.resolutions)

    def channels(self, resolution: int) -> int:
        return max(1, min(self.channel_max, self.channel_base // resolution))


class Mapping(nn.Module):
    """z (N, z_dim) to w (N, w_dim): normalise, then dense layers at a hundredth of the learning rate."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        widths = [architecture.z_dim] + [architecture.w_dim] * architecture.mapping_layers
        self.layers = nn.ModuleList(
            EqualLinear(inputs, outputs, lr_multiplier=0.01) for inputs, outputs in itertools.pairwise(widths)
        )

    def forward(self, z: Tensor) -> Tensor:
        w = normalise_z(z)
        for layer in self.layers:
            w = F.leaky_relu(layer(w), SLOPE)
        return w


class Synthesis(nn.Module):
    """One w per layer, (N, num_layers, w_dim), and one noise image per layer, to (N, 1, R, R).

    While its last two layers are being faded in, `fading` makes the image of half the size from the
    layers before them, and `blend` in [0, 1] is the share of the new layers (`gan.training.growth`).
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        first, *rest = architecture.resolutions
        width = architecture.channels(first)
        self.constant = nn.Parameter(torch.ones(1, width, first, first))
        convolutions: list[nn.Module] = [EqualConv(width, width, bias=False)]
        styled = [StyledLayer(width, architecture.w_dim) for _ in range(2)]
        for resolution in rest:
            inputs, width = width, architecture.channels(resolution)
            convolutions += [UpConv(inputs, width), EqualConv(width, width, bias=False)]
            styled += [StyledLayer(width, architecture.w_dim) for _ in range(2)]
        self.convolutions = nn.ModuleList(convolutions)  # the first styled layer follows the constant
        self.styled = nn.ModuleList(styled)
        self.to_grey = EqualConv(width, 1, size=1, gain=1.0)
        self.filter = ImageFilter(architecture.filter_px) if architecture.filter_px else None
        self.fading: EqualConv | None = None
        self.blend = 1.0

    def forward(self, ws: Tensor, noise: list[Tensor]) -> Tensor:
        x = before = self.constant.expand(len(ws), -1, -1, -1)
        for layer, styled in enumerate(self.styled):
            if layer == len(self.styled) - 2:
                before = x
            if layer > 0:
                x = self.convolutions[layer - 1](x)
            x = styled(x, ws[:, layer], noise[layer])
        grey: Tensor = self.to_grey(x)
        if self.fading is not None:
            grey = torch.lerp(F.interpolate(self.fading(before), scale_factor=2), grey, self.blend)
        return grey if self.filter is None else self.filter(grey)


class Generator(nn.Module):
    """StyleGAN v1's generator: mapping, synthesis, and the running mean of w that truncation uses.

    Maps codes z (N, z_dim) and one noise image per layer to images (N, 1, R, R), nominally in [-1, 1].

    Attributes
    ----------
    architecture : Architecture
        Its sizes.
    mapping, synthesis : Module
        z to w, and w to images.
    w_mean : torch.Tensor, shape (layers, w_dim)
        The running mean of w, one per layer.
    traces : Module or None
        What files leave of images (`gan.networks.traces`); images of seeds pass through it, those of `forward` do not.

    References
    ----------
    Karras, Laine & Aila (2019), "A style-based generator architecture for generative adversarial networks",
    arXiv:1812.04948.

    Examples
    --------
    >>> import gan, torch
    >>> generator = gan.Generator(gan.Architecture(16))
    >>> generator(torch.randn(2, 128), generator.random_noise(2)).shape
    torch.Size([2, 1, 16, 16])
    """

    w_mean: Tensor

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.mapping = Mapping(architecture)
        self.synthesis = Synthesis(architecture)
        # One mean per layer (W+), so that codes which differ between layers are truncated correctly, too.
        self.register_buffer("w_mean", torch.zeros(architecture.num_layers, architecture.w_dim))
        self.traces = FileTraces(architecture.source_files) if architecture.source_files else None

    def forward(self, z: Tensor, noise: list[Tensor]) -> Tensor:
        images: Tensor = self.synthesis(self.per_layer(self.mapping(z)), noise)
        return images

    def per_layer(self, w: Tensor) -> Tensor:
        """The same w for every layer: (N, w_dim) to (N, num_layers, w_dim)."""
        return w.unsqueeze(1).expand(-1, self.architecture.num_layers, -1)

    def truncate(self, ws: Tensor, psi: float) -> Tensor:
        """Pull the first layers' codes towards the mean: 1 leaves them, 0 gives the mean (Karras 2019, B)."""
        layers = torch.arange(self.architecture.num_layers, device=ws.device)
        strength = torch.where(layers < TRUNCATED_LAYERS, psi, 1.0)[:, None].to(ws.dtype)
        return torch.lerp(self.w_mean.expand_as(ws), ws, strength)

    def noise_shapes(self) -> list[tuple[int, int]]:
        """Rows and columns of each layer's noise image."""
        return [(resolution, resolution) for resolution in self.architecture.resolutions for _ in range(2)]

    def random_noise(self, count: int, generator: torch.Generator | None = None) -> list[Tensor]:
        """Fresh noise for `count` images; the same generator state gives the same noise."""
        device = self.w_mean.device
        return [torch.randn(count, 1, *shape, generator=generator, device=device) for shape in self.noise_shapes()]


def from_seeds(generator: Generator, seeds: Iterable[int], psi: float, batch: int = 50) -> Iterator[tuple[int, Pixels]]:
    """Generate one image per seed, in order; yields (seed, P-values (R, R) in [0, 1]).

    A seed fixes the code and the noise of its image and the file that it passes through (`gan.networks.traces`),
    whatever the batch, so the seed and the model's hash are enough to regenerate it, up to the rounding of another
    processor.
    """
    pending: list[int] = []
    for seed in seeds:
        pending.append(seed)
        if len(pending) == batch:
            yield from zip(pending, _from_seeds(generator, pending, psi), strict=True)
            pending = []
    if pending:
        yield from zip(pending, _from_seeds(generator, pending, psi), strict=True)


def codes_from_seeds(generator: Generator, seeds: list[int]) -> Tensor:
    """The z codes of seeds, (N, z_dim); drawn on the CPU, so the device does not matter."""
    codes = [torch.randn(generator.architecture.z_dim, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    return torch.stack(codes).to(generator.w_mean.device)


def noise_from_seed(generator: Generator, seed: int) -> list[Tensor]:
    """One image's noise, fixed by a seed, from another stream than its code."""
    # Offset within 32 bits, the only ones that PyTorch's generator uses, so that a seed's code and noise differ.
    return generator.random_noise(1, torch.Generator().manual_seed((seed + 0x9E3779B9) % 2**32))


def file_draws(seeds: list[int]) -> Tensor:
    """What chooses the files of the images of seeds (`FileTraces.forward`), (N, 4), from a stream of their own."""
    streams = (torch.Generator().manual_seed((seed + 0x3C6EF372) % 2**32) for seed in seeds)
    return torch.stack([torch.rand(4, generator=stream) for stream in streams])


def to_p_values(images: Tensor) -> Pixels:
    """(N, 1, R, R) in [-1, 1] to P-values (N, R, R) in [0, 1], float32, clipped."""
    values: Pixels = (images.detach().squeeze(1).clamp(-1, 1) * 0.5 + 0.5).cpu().numpy().astype(np.float32)
    return values


@torch.inference_mode()
def _from_seeds(generator: Generator, seeds: list[int], psi: float) -> Pixels:
    ws = generator.per_layer(generator.mapping(codes_from_seeds(generator, seeds)))
    layers = zip(*(noise_from_seed(generator, seed) for seed in seeds), strict=True)
    images = generator.synthesis(generator.truncate(ws, psi), [torch.cat(layer) for layer in layers])
    if generator.traces is not None:
        images = generator.traces(images, file_draws(seeds).to(images.device))
    return to_p_values(images)
