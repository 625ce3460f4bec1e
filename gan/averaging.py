"""The average of models that are variants of one another: each of its weights is the mean of theirs.

Generators that went on from one model, with different settings or for different times, lie in one valley of the loss,
where the mean of their weights is often as good as the best of them or better (Wortsman et al. 2022, Model soups,
arXiv:2203.05482), and lies between them in what they differ by. Models of separate trainings have nothing to average:
their channels mean different things.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from data.errors import LookalikeError
from gan.checkpoint import Model, remembered
from gan.networks.generator import Generator

_CODES = 10_000  # of which the mean is the centre that truncation draws to


def average_models(models: Sequence[Model], weights: Sequence[float] | None = None) -> Model:
    """The model whose weights are the weighted mean of those of others.

    Parameters
    ----------
    models : sequence of Model
        Two or more of one architecture, of which each was trained on from one of the others, or all from one model.
    weights : sequence of float, optional
        One number above 0 per model, by which it counts; equal by default.

    Returns
    -------
    Model
        Its `training` and truncation are those of the model that counts most (the first of several), with `averaged`,
        the hashes and shares of all, everyone's credit, and the trainings of all among `earlier`. Its `sha256` is empty
        until it is saved.

    Raises
    ------
    LookalikeError
        Fewer than two models, weights that do not fit them, models of different architectures, or models that know
        different files.

    References
    ----------
    Wortsman et al. (2022), Model soups: averaging weights of multiple fine-tuned models improves accuracy without
    increasing inference time, ICML; arXiv:2203.05482.

    Examples
    --------
    >>> import gan
    >>> one, other = (gan.Generator(gan.Architecture(16, channel_max=16)).requires_grad_(False) for _ in range(2))
    >>> mean = gan.average_models([gan.Model(one, "a", {}), gan.Model(other, "b", {})], [3, 1])
    >>> mean.training["averaged"]
    [{'sha256': 'a', 'share': 0.75}, {'sha256': 'b', 'share': 0.25}]
    """
    shares = _shares(models, weights)
    first = models[0].generator
    for number, model in enumerate(models[1:], start=2):
        _refuse_unlike(first, model.generator, number)
    mean = copy.deepcopy(first)
    states = [model.generator.state_dict() for model in models]
    with torch.no_grad():
        for name, value in mean.state_dict().items():
            if value.is_floating_point():
                each = torch.stack([state[name].double() for state in states])
                value.copy_(torch.tensordot(torch.tensor(shares, dtype=torch.float64), each, dims=1))
        # The mean of codes is not the mean of the models' means.
        z = torch.randn(_CODES, mean.architecture.z_dim, generator=torch.Generator().manual_seed(0))
        mean.w_mean.copy_(mean.mapping(z).mean(dim=0).expand_as(mean.w_mean))
    main = models[int(np.argmax(shares))]
    others = [one for model in models if model is not main for one in remembered(model)]
    earlier = _once([*remembered(main)[1:], *others])
    averaged = [{"sha256": model.sha256, "share": share} for model, share in zip(models, shares, strict=True)]
    credit = "; ".join(dict.fromkeys(one["credit"] for one in [main.training, *earlier] if one.get("credit")))
    training = main.training | {"credit": credit, "averaged": averaged, "earlier": earlier}
    return Model(mean, "", training, main.truncation)


def _shares(models: Sequence[Model], weights: Sequence[float] | None) -> list[float]:
    """What each model counts, adding up to 1."""
    if len(models) < 2:
        raise LookalikeError("missing-argument", "an average is of two or more models; name another")
    given = [1.0] * len(models) if weights is None else [float(one) for one in weights]
    if len(given) != len(models):
        raise LookalikeError(
            "out-of-range", f"there are {len(given)} weights for {len(models)} models; give one for each"
        )
    if not all(0 < one < float("inf") for one in given):
        raise LookalikeError("out-of-range", f"weights are {given}; each must be a number above 0")
    return [one / sum(given) for one in given]


def _refuse_unlike(first: Generator, other: Generator, number: int) -> None:
    """Models whose weights do not stand for the same things."""
    if first.architecture != other.architecture:
        raise LookalikeError(
            "wrong-architecture",
            f"model {number} has another architecture than the first ({other.architecture}; {first.architecture}); "
            "only models that were trained on from the same one can be averaged",
        )
    known, here = first.state_dict(), other.state_dict()
    if any(not torch.equal(value, here[name]) for name, value in known.items() if not value.is_floating_point()):
        raise LookalikeError(
            "wrong-architecture",
            f"model {number} was trained on patches of other files than the first; train both on the same patch set",
        )


def _once(trainings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each training once, in their order."""
    return [one for number, one in enumerate(trainings) if one not in trainings[:number]]
