"""Directions in W, and images moved along them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from data.arrays import Floats
from gan.codes import ImageCode
from gan.networks.code_space import CodeSpace
from gan.networks.layers import SLOPE


@dataclass(frozen=True)
class Direction:
    """A direction in W, the same for all layers.

    Attributes
    ----------
    name : str
        What it is called, such as `density`.
    shift : torch.Tensor, shape (w_dim,)
        What an edit by 1 adds to codes before the mapping's last leaky ReLU: one SD of the codes that the mapping
        makes.
    about : dict
        Its label, how it was fitted, and its measured effect.

    Examples
    --------
    >>> import gan, torch
    >>> gan.Direction("density", torch.zeros(128)).about
    {}
    """

    name: str
    shift: Tensor
    about: dict[str, Any] = field(default_factory=dict)


def direction_along(name: str, way: Floats, space: CodeSpace) -> Direction:
    """The direction of a unit vector (w_dim,) among whitened codes."""
    whitened = torch.from_numpy(way).to(space.scale)
    return Direction(name, (whitened * space.scale) @ space.axes.T)


def moved(codes: Tensor, direction: Direction, amount: float) -> Tensor:
    """Codes (N, layers, w_dim) moved along a direction by an amount in SD; 0 leaves them as they are."""
    if amount == 0:
        return codes
    before = torch.where(codes < 0, codes / SLOPE, codes) + amount * direction.shift
    return torch.where(before < 0, before * SLOPE, before)


def edit(codes: Sequence[ImageCode], direction: Direction, amounts: Sequence[float]) -> list[ImageCode]:
    """Images moved along a direction.

    Parameters
    ----------
    codes : sequence of ImageCode
        Of seeds, inverted or composed images.
    direction : Direction
        Of the same model.
    amounts : sequence of float
        How far, in SD of the codes that seeds make; negative ones go the other way, 0 is the image itself.

    Returns
    -------
    list of ImageCode
        All amounts of the first image, then of the next, each with its image's noise and patients.

    Examples
    --------
    >>> import gan, torch
    >>> from data.shipped import DEFAULT_MODEL
    >>> seeds = gan.codes_of_seeds(gan.load_model(DEFAULT_MODEL), [4])
    >>> [one.name for one in gan.edit(seeds, gan.Direction("density", torch.ones(128)), [-1.5, 0, 1.5])]
    ['seed-4-density-1.5', 'seed-4-density+0', 'seed-4-density+1.5']
    """
    return [
        replace(
            one,
            name=f"{one.name}-{direction.name}{amount:+g}",
            code=moved(one.code[None], direction, amount)[0],
            source=f"{one.source}, {direction.name} {amount:+g} SD",
        )
        for one in codes
        for amount in amounts
    ]
