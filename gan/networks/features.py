"""VGG16 up to conv4_3 (Simonyan & Zisserman 2015): the network behind perceptual loss and evaluation.

Published ImageNet weights, ten convolutions written in plain PyTorch, read from safetensors with
the keys of torchvision's `IMAGENET1K_V1` (`features.N.weight`, `features.N.bias`).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from data.errors import LookalikeError
from gan.networks.vgg16_weights import fetch_vgg16
from stimuli.images import Pixels

VARIABLE = "LOOKALIKE_VGG16"
DOWNLOAD = "download"  # asks for the published weights, in place of a file
WIDTH = 512
# Index in torchvision's `features` -> channels in and out; the rest are ReLUs and the pools below.
_CONVOLUTIONS = {
    0: (3, 64),
    2: (64, 64),
    5: (64, 128),
    7: (128, 128),
    10: (128, 256),
    12: (256, 256),
    14: (256, 256),
    17: (256, 512),
    19: (512, 512),
    21: (512, 512),
}
_POOLED_BEFORE = (5, 10, 17)
_MEAN, _SD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, in [0, 1]


class Vgg16(nn.Module):
    """Grey images (N, 1, H, W) in [-1, 1] to conv4_3 after its ReLU, (N, 512, H / 8, W / 8). Frozen."""

    mean: Tensor
    sd: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.ModuleDict(
            {str(index): nn.Conv2d(inputs, outputs, 3, padding=1) for index, (inputs, outputs) in _CONVOLUTIONS.items()}
        )
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("sd", torch.tensor(_SD).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False).eval()

    def forward(self, images: Tensor) -> Tensor:
        x = ((images + 1) / 2 - self.mean) / self.sd
        for index in _CONVOLUTIONS:
            if index in _POOLED_BEFORE:
                x = F.max_pool2d(x, 2)
            x = F.relu(self.features[str(index)](x))
        return x


def load_vgg16(path: Path | str | None = None, progress: Callable[[str], None] = lambda _: None) -> Vgg16:
    """The network with its weights from `path`, or from the file that `$LOOKALIKE_VGG16` names.

    `path` may be the word `download`: the published weights, fetched if they are not in the user's
    cache (`gan.networks.vgg16_weights`); `progress` is told. Raises `LookalikeError` if there is no such file, it holds
    other weights, or it cannot be fetched.
    """
    network = Vgg16()
    named = path or os.environ.get(VARIABLE)
    if not named:
        raise LookalikeError(
            f"VGG16's weights are needed: set {VARIABLE} to a safetensors file, give --vgg16 one, or fetch the "
            "published ones (528 MB, once) with --vgg16 download"
        )
    if str(path) == DOWNLOAD:
        named = fetch_vgg16(list(network.state_dict()), progress)
    if not Path(named).is_file():
        raise LookalikeError(f"{named}: no such file of VGG16 weights; check {VARIABLE} or --vgg16")
    try:
        weights = {name: value.float() for name, value in load_file(named).items()}
        network.load_state_dict(weights)
    except (SafetensorError, RuntimeError) as error:
        raise LookalikeError(
            f"{named}: not the weights of VGG16 up to conv4_3 ({str(error).splitlines()[0]})"
        ) from None
    return network


@torch.inference_mode()
def pooled_features(network: Vgg16, images: Pixels, batch: int = 64) -> Tensor:
    """Spatial means of conv4_3: P-values (N, H, W) in [0, 1] to (N, 512) float64."""
    x = torch.from_numpy(images).unsqueeze(1) * 2 - 1
    return torch.cat([network(part).mean(dim=(2, 3)).double() for part in x.split(batch)])
