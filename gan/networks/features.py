"""VGG16 up to conv4_3 (Simonyan & Zisserman 2015): the features that evaluation and the leak check use.

Published ImageNet weights, ten convolutions written in plain PyTorch, read from safetensors with
the keys of torchvision's `IMAGENET1K_V1` (`features.N.weight`, `features.N.bias`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
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
DOWNLOAD = "download"  # in place of a file, asks for the published weights
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
    """VGG16 up to conv4_3 after its ReLU, for grey images; frozen.

    Maps images (N, 1, H, W) in [-1, 1] to features (N, 512, H / 8, W / 8). A new network has random weights;
    `load_vgg16` loads the published ones.

    Attributes
    ----------
    features : ModuleDict
        The ten convolutions, by their number in torchvision's network.

    References
    ----------
    Simonyan & Zisserman (2015), "Very deep convolutional networks for large-scale image recognition",
    arXiv:1409.1556.

    Examples
    --------
    >>> import gan, torch
    >>> gan.Vgg16()(torch.zeros(2, 1, 32, 32)).shape
    torch.Size([2, 512, 4, 4])
    """

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
        last = images
        for last in self.layers(images):  # noqa: B007  (the last one counts)
            pass
        return last

    def layers(self, images: Tensor) -> Iterator[Tensor]:
        """The features after each convolution's ReLU, conv1_1 first, one at a time: (N, C, h, w)."""
        x = ((images + 1) / 2 - self.mean) / self.sd
        for index in _CONVOLUTIONS:
            if index in _POOLED_BEFORE:
                x = F.max_pool2d(x, 2)
            x = F.relu(self.features[str(index)](x))
            yield x


def load_vgg16(path: Path | str | None = None, progress: Callable[[str], None] = lambda _: None) -> Vgg16:
    """VGG16 with the published ImageNet weights.

    Parameters
    ----------
    path : path, optional
        A safetensors file with the keys of torchvision's `IMAGENET1K_V1`, or the word `download` for the published
        weights (528 MB, downloaded unless they are in the user's cache); by default the file that the environment
        variable `LOOKALIKE_VGG16` names.
    progress : function of str
        Called with a line of text before a download.

    Returns
    -------
    Vgg16
        The network up to conv4_3, frozen.

    Raises
    ------
    LookalikeError
        If no weights are named, the file is missing or holds other weights, or the download fails.

    Examples
    --------
    >>> import gan
    >>> from safetensors.torch import save_file
    >>> save_file(gan.Vgg16().state_dict(), "vgg16.safetensors")  # in place of the published file
    >>> sum(weights.numel() for weights in gan.load_vgg16("vgg16.safetensors").parameters())
    7635264
    """
    network = Vgg16()
    named = path or os.environ.get(VARIABLE)
    if not named:
        raise LookalikeError(
            "weights-needed",
            f"VGG16's weights are needed: set {VARIABLE} to a safetensors file, give one with --vgg16, or download the "
            "published ones (528 MB, once) with --vgg16 download",
        )
    if str(path) == DOWNLOAD:
        named = fetch_vgg16(list(network.state_dict()), progress)
    if not Path(named).is_file():
        raise LookalikeError("no-such-file", f"{named}: no such file of VGG16 weights; check {VARIABLE} or --vgg16")
    try:
        weights = {name: value.float() for name, value in load_file(named).items()}
        network.load_state_dict(weights)
    except (SafetensorError, RuntimeError) as error:
        raise LookalikeError(
            "wrong-weights", f"{named}: not the weights of VGG16 up to conv4_3 ({str(error).splitlines()[0]})"
        ) from None
    return network


@torch.inference_mode()
def pooled_features(network: Vgg16, images: Pixels, batch: int = 64) -> Tensor:
    """Features of images: conv4_3 averaged over positions.

    Parameters
    ----------
    network : Vgg16
        The feature network (`load_vgg16`).
    images : array of float32, shape (N, H, W)
        P-values in [0, 1].
    batch : int
        Images per pass.

    Returns
    -------
    torch.Tensor, float64, shape (N, 512)
        For `kid`, `fid` and `precision_recall`.

    Examples
    --------
    >>> import gan, numpy as np
    >>> gan.pooled_features(gan.Vgg16(), np.zeros((3, 32, 32), np.float32)).shape
    torch.Size([3, 512])
    """
    x = torch.from_numpy(images).unsqueeze(1) * 2 - 1
    return torch.cat([network(part).mean(dim=(2, 3)).double() for part in x.split(batch)])
