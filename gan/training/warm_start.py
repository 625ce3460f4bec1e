"""Start a run from the generator of a stored model, of the same sizes or smaller."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional as F

from data.errors import LookalikeError
from gan.networks.generator import Architecture, Generator
from gan.networks.layers import EqualConv, StyledLayer

_AT_FULL_SIZE = ("synthesis.to_grey.", "synthesis.filter.")
_ABOVE_KINK = 8.0  # SDs of an image
_LEAST_CONTRAST = 0.1  # of the mean one
_SAMPLES, _BATCH = 2048, 32  # images of which contrast and mean are known


def check_start(old: Architecture, new: Architecture) -> None:
    """Raise `LookalikeError` if `new` is smaller than `old` in any way, or has codes of another size."""
    for name in ("z_dim", "w_dim", "mapping_layers"):
        before, now = getattr(old, name), getattr(new, name)
        if before != now:
            raise LookalikeError(
                "wrong-architecture",
                f"the stored model has {name} {before}, but the run's is {now}; start with the same (--latent)",
            )
    if new.filter_px < old.filter_px:
        raise LookalikeError(
            "wrong-architecture",
            f"the stored model ends in a filter of {old.filter_px} px, but the run's has {new.filter_px}; give "
            f"--filter {old.filter_px} or more",
        )
    if new.resolution < old.resolution or any(new.channels(r) < old.channels(r) for r in old.resolutions):
        raise LookalikeError(
            "wrong-architecture",
            f"the stored model makes {old.resolution} px with up to {old.channels(4)} channels, more than the run's "
            "networks have; give --resolution, --channel-base and --channel-max of at least the model's",
        )


@torch.no_grad()
def copy_weights(old: Generator, new: Generator) -> None:
    """Let `new` make the images of `old`, as far as its sizes allow.

    Layers that both have are copied; for larger images, the last filter is not. Where `new` is wider, the further
    channels keep the weights that they were drawn with, but nothing listens to them yet, so the layers do as before.
    Layers for larger images pass the old ones on, enlarged (`_pass_on`).

    Raises `LookalikeError` as `check_start` does.
    """
    check_start(old.architecture, new.architecture)
    grown = new.architecture.resolution > old.architecture.resolution
    stored = dict(old.named_parameters())
    for name, weights in new.named_parameters():
        if name in stored and not (grown and name.startswith(_AT_FULL_SIZE)):
            _copy(name, stored[name], weights)
    more = len(new.w_mean) - len(old.w_mean)
    new.w_mean.copy_(torch.cat([old.w_mean, old.w_mean[-1:].expand(more, -1)]))
    if grown:
        _pass_on(old, new)


def _pass_on(old: Generator, new: Generator) -> None:
    """Let the layers for larger images enlarge what `old` makes; all but one channel of each are as they were drawn.

    The first channel of each layer carries the image: one tap of the convolution, a bias that keeps it above the kink
    of leaky ReLU, and last a style that gives it back the mean and the contrast that instance norm takes away. Both
    are found by regression on w: the mean is linear in w, since a style's shifts are; the contrast is nearly so.
    Nothing listens to the other channels yet.
    """
    synthesis, first = new.synthesis, len(old.synthesis.styled)
    heard = old.synthesis.to_grey.weight[0, :, 0, 0] * old.synthesis.to_grey.scale
    convolutions = cast(list[EqualConv], [*synthesis.convolutions][first - 1 :])
    layers = cast(list[StyledLayer], [*synthesis.styled][first:])
    for convolution, styled in zip(convolutions, layers, strict=True):
        convolution.weight[0] = 0
        convolution.weight[0, : len(heard), 1, 1] = heard / (heard.norm() * convolution.scale)
        styled.bias[0] = _ABOVE_KINK
        _style_first_channel(styled, torch.zeros(2, old.architecture.w_dim), torch.tensor([1.0, 0.0]))
        heard = torch.ones(1)
    _style_first_channel(layers[-1], *_contrast_and_mean(old))
    synthesis.to_grey.weight.zero_()
    synthesis.to_grey.weight[0, 0] = 1 / synthesis.to_grey.scale
    cast(Tensor, synthesis.to_grey.bias).zero_()


def _style_first_channel(styled: StyledLayer, slopes: Tensor, constants: Tensor) -> None:
    """Let a layer's first channel have a scale and a shift, in this order, that are linear in w: (2, w_dim), (2,)."""
    # Row by row: the stored model may be on another device, which indexing by a tensor does not allow.
    for row, slope, constant in zip((0, len(styled.bias)), slopes, constants - torch.tensor([1.0, 0.0]), strict=True):
        styled.style.weight[row] = slope / styled.style.scale  # 1 is added to scales, hence less in their constant
        styled.style.bias[row] = constant


def _contrast_and_mean(old: Generator) -> tuple[Tensor, Tensor]:
    """Slopes (2, w_dim) and constants (2,) of the SD and the mean of images as linear functions of w."""
    drawn = torch.Generator().manual_seed(0)
    codes, found = [], []
    for _ in range(_SAMPLES // _BATCH):
        z = torch.randn(_BATCH, old.architecture.z_dim, generator=drawn)
        w = old.mapping(z)
        images = old.synthesis(old.per_layer(w), old.random_noise(_BATCH, drawn))
        codes.append(w)
        found.append(torch.stack([images.std(dim=(1, 2, 3)), images.mean(dim=(1, 2, 3))], dim=1))
    x = torch.cat([torch.cat(codes), torch.ones(len(codes) * _BATCH, 1)], dim=1).double()
    y = torch.cat(found).double()
    # Relative errors of contrast count, so that images of little contrast are about right.
    by = torch.stack([y[:, 0].clamp_min(1e-3), torch.ones(len(y))], dim=1).T[..., None]
    solved = torch.linalg.lstsq(x / by, y.T[..., None] / by, driver="gelsd").solution.squeeze(2)
    contrasts = x @ solved[0]
    usual, least = contrasts.mean(), contrasts.min()
    if least < _LEAST_CONTRAST * usual:  # below 0 the image would be its negative: draw all towards the mean
        share = (1 - _LEAST_CONTRAST) * usual / (usual - least)
        solved[0] *= share
        solved[0, -1] += (1 - share) * usual
    return solved[:, :-1].float(), solved[:, -1].float()


def _copy(name: str, old: Tensor, new: Tensor) -> None:
    """Copy weights into the first channels of a wider layer; what comes from its other channels starts at zero."""
    if old.shape == new.shape:
        new.copy_(old)
    elif (
        name == "synthesis.filter.weight"
    ):  # the larger filter, padded with zeros; its weights are `side` times the taps
        margin = (new.shape[-1] - old.shape[-1]) // 2
        new.copy_(F.pad(old * (new.shape[-1] / old.shape[-1]), [margin] * 4))
    elif ".style." in name:  # one row for each channel's scale, then one for each channel's shift
        rows, width = len(old) // 2, len(new) // 2
        for half in (0, 1):
            new[half * width : half * width + rows] = old[half * rows : (half + 1) * rows]
    elif name.endswith(".weight"):
        inputs, wider = old.shape[1], new.shape[1]
        new[: len(old), inputs:] = 0
        # The weights of an equalised layer are divided by the root of the number of its inputs.
        new[: len(old), :inputs] = old * math.sqrt(wider / inputs)
    else:
        new[tuple(slice(size) for size in old.shape)] = old
