"""Start a run from the generator of a stored model, of the same sizes or smaller."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from data.errors import LookalikeError
from gan.networks.generator import Architecture, Generator

_AT_FULL_SIZE = ("synthesis.to_grey.", "synthesis.filter.")


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
    Layers for larger images stay as they were drawn.

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
