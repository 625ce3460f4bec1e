"""Uncertainty of a measure: bootstrap samples of whole groups (patients), random splits, and intervals from both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from data.arrays import Floats, Ints
from data.results.result import Estimate

Groups = Ints  # (N,): which group each image belongs to
Indices = Ints


def group_numbers(names: Sequence[str]) -> Groups:
    """Names to numbers; equal names share a number."""
    numbers: Groups = np.unique(np.asarray(names, dtype=str), return_inverse=True)[1].reshape(-1).astype(np.int64)
    return numbers


def bootstrap_weights(groups: Groups, rng: np.random.Generator) -> Tensor:
    """One bootstrap sample of whole groups, as the number of times that each image is in it: (N,) float64."""
    names, members = np.unique(groups, return_inverse=True)
    counts = np.bincount(rng.integers(len(names), size=len(names)), minlength=len(names))
    return torch.from_numpy(counts[members.reshape(-1)].astype(np.float64))


def estimate(value: float, draws: Sequence[float], bounds: tuple[float, float] = (-np.inf, np.inf)) -> Estimate:
    """The value with the middle 95% of the bootstrap's spread around it, kept inside `bounds`.

    The bootstrap values `draws` are centred on the value. A sample with repeats holds fewer different images, which
    shifts FID, precision and recall (they depend on the number of images) but not their spread; so the interval is
    that of the measure at these numbers of images.
    """
    low, high = np.quantile(np.asarray(draws) - np.mean(draws), [0.025, 0.975]) + value
    return Estimate(value, low=float(np.clip(low, *bounds)), high=float(np.clip(high, *bounds)))


def mean_over_groups(values: Floats, groups: Groups, resamples: int = 2000, seed: int = 0) -> Estimate:
    """The mean of values (N,), one an image, with its interval over groups; without bounds if there is one group."""
    mean, rng, each = float(np.mean(values)), np.random.default_rng(seed), torch.tensor(values, dtype=torch.float64)
    if len(np.unique(groups)) < 2:
        return Estimate(mean)
    weights = torch.stack([bootstrap_weights(groups, rng) for _ in range(resamples)])
    return estimate(mean, (weights @ each / weights.sum(dim=1)).tolist())


def random_split(groups: Groups, count: int, rng: np.random.Generator) -> tuple[Indices, Indices]:
    """Two random sets of `count` images each, of whole groups, so that no group is in both.

    Returns the indices of the images. A set's last group is cut short where `count` is reached. Raises
    `ValueError` if there are too few groups.
    """
    names, members = np.unique(groups, return_inverse=True)
    order = np.argsort(rng.permutation(len(names))[members.reshape(-1)], kind="stable")
    first, rest = order[:count], order[count:]
    second = rest[groups[rest] != groups[first[-1]]][:count]
    if len(second) < count:
        raise ValueError(f"{len(groups)} images of {len(names)} groups cannot make two sets of {count}")
    return first, second


def spread(draws: Sequence[float]) -> Estimate:
    """The mean of independent values of a measure, and the range of their middle 95%."""
    low, high = np.quantile(draws, [0.025, 0.975])
    return Estimate(float(np.mean(draws)), low=float(low), high=float(high))


def with_interval(found: Estimate) -> dict[str, float]:
    """The value and its interval, as an evaluation stores them."""
    return {"value": found.value, "low": found.low, "high": found.high}


@contextmanager
def one_thread() -> Iterator[None]:
    """For many small matrices: on a busy machine, waiting for other threads takes far longer than the arithmetic.

    Limits torch, and the libraries that NumPy, SciPy and scikit-learn compute with.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(threads)
