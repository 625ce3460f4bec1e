"""One measure over several blocks of seeds, beside deals of real patches: values, intervals and chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from data.results.result import Estimate
from gan.bootstrap import Groups, bootstrap_weights, estimate, spread, with_interval

Measure = Callable[[Tensor, Tensor], tuple[float, ...]]  # of the weights of real and of generated images
Bounds = tuple[float, float]
FEWEST_DEALS = 20  # for a range and a share of deals


@dataclass(frozen=True)
class Score:
    """One measure of the generated images against the real patches, beside what real patches get.

    `generated`: the mean of the blocks of seeds and its 95% bootstrap interval. `blocks`: each block's value. `real`:
    two sets of as many patches of different real patients against each other, as the mean over random deals and the
    range of their middle 95% (of all, if they are fewer than 20); None if there are too few patients. `deals`: how
    many there were. `chance`: the share of deals with a value as bad as that of the generated images, or worse,
    (worse + 1) / (deals + 1), so never 0; None for fewer than 20 deals. `training`: what as many training patches get
    in the place of generated images, where the real patches are from elsewhere; else None.
    """

    generated: Estimate
    blocks: tuple[float, ...]
    real: Estimate | None
    deals: int
    chance: float | None
    training: float | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "generated": with_interval(self.generated),
            "blocks": list(self.blocks),
            "real": with_interval(self.real) if self.real else None,
            "deals": self.deals,
            "chance": self.chance,
            "training": self.training,
        }


def score_blocks(
    metrics: Mapping[str, tuple[Bounds, int]],
    blocks: Sequence[Measure],
    deals: Sequence[tuple[float, ...]],
    patients: Groups,
    rng: np.random.Generator,
    resamples: int,
    training: Measure | None = None,
) -> dict[str, Score]:
    """Scores by metric, in the order in which each block's measure and each deal gives them.

    `metrics` has the bounds of each and which way is worse (+1 up, −1 down). A bootstrap sample has the same patients
    in every block, and seeds of each block; each block has as many images as there are `patients`. `training` is the
    measure of as many training patches.
    """
    ones, seeds = torch.ones(len(patients), dtype=torch.float64), np.arange(len(patients))
    values = np.array([block(ones, ones) for block in blocks])
    draws = np.empty((resamples, len(metrics)))
    for place in range(resamples):
        weights = bootstrap_weights(patients, rng)
        draws[place] = np.mean([block(weights, bootstrap_weights(seeds, rng)) for block in blocks], axis=0)
    instead = training(ones, ones) if training else [None] * len(metrics)
    scores = {}
    for place, (name, (bounds, worse)) in enumerate(metrics.items()):
        found = estimate(float(values[:, place].mean()), draws[:, place].tolist(), bounds)
        against = [deal[place] for deal in deals]
        scores[name] = Score(
            generated=found,
            blocks=tuple(values[:, place].tolist()),
            real=_range(against),
            deals=len(against),
            chance=_chance(found.value, against, worse),
            training=instead[place],
        )
    return scores


def _range(values: Sequence[float]) -> Estimate | None:
    if not values:
        return None
    if len(values) < FEWEST_DEALS:
        return Estimate(float(np.mean(values)), low=min(values), high=max(values))
    return spread(values)


def _chance(value: float, deals: Sequence[float], worse: int) -> float | None:
    """Bad is a value as far as, or further than, the generated images' on the side that is worse."""
    if len(deals) < FEWEST_DEALS:
        return None
    return (sum(worse * (deal - value) >= 0 for deal in deals) + 1) / (len(deals) + 1)
