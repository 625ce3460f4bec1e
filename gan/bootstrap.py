"""How sure a measured number is: resampling whole groups (patients), dealing them anew, and what follows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

Groups = npt.NDArray[np.int64]  # (N,): which group each image belongs to
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval; without one, None and the reason."""

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "reason" or value}


def group_numbers(names: Sequence[str]) -> Groups:
    """Names to numbers: equal names share one."""
    numbers: Groups = np.unique(np.asarray(names, dtype=str), return_inverse=True)[1].reshape(-1).astype(np.int64)
    return numbers


def draw_weights(groups: Groups, rng: np.random.Generator) -> Tensor:
    """One bootstrap sample of whole groups, as how often each image is in it: (N,) float64."""
    names, members = np.unique(groups, return_inverse=True)
    counts = np.bincount(rng.integers(len(names), size=len(names)), minlength=len(names))
    return torch.from_numpy(counts[members.reshape(-1)].astype(np.float64))


def estimate(value: float, draws: Sequence[float], bounds: tuple[float, float] = (-np.inf, np.inf)) -> Estimate:
    """The value with the middle 95 % of the bootstrap's spread round it, kept inside `bounds`.

    The draws are centred on the value. A sample with repeats holds fewer different images, which
    shifts FID, precision and recall (they depend on the number of images) but says nothing about
    their spread; so the interval is for the measure at these numbers of images.
    """
    low, high = np.quantile(np.asarray(draws) - np.mean(draws), [0.025, 0.975]) + value
    return Estimate(value, float(np.clip(low, *bounds)), float(np.clip(high, *bounds)))


def deal(groups: Groups, count: int, rng: np.random.Generator) -> tuple[Places, Places]:
    """Two sets of `count` images each, of whole groups in random order, so that no group is in both.

    Returns the places of the images. A set's last group is cut short where `count` is reached. Raises
    `ValueError` if the groups do not suffice.
    """
    names, members = np.unique(groups, return_inverse=True)
    order = np.argsort(rng.permutation(len(names))[members.reshape(-1)], kind="stable")
    first, rest = order[:count], order[count:]
    second = rest[groups[rest] != groups[first[-1]]][:count]
    if len(second) < count:
        raise ValueError(f"{len(groups)} images of {len(names)} groups do not make two sets of {count}")
    return first, second


def spread(draws: Sequence[float]) -> Estimate:
    """The mean of independent draws of a measure, and where the middle 95 % of them lie."""
    low, high = np.quantile(draws, [0.025, 0.975])
    return Estimate(float(np.mean(draws)), float(low), float(high))


@contextmanager
def one_thread() -> Iterator[None]:
    """Small matrices many times over: on a busy machine, waiting for other threads takes far longer than the sums.

    Holds for torch, and for what NumPy, SciPy and scikit-learn compute with.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(threads)
