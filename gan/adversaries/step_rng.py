"""The random numbers of a training step, which depend neither on the number of processes nor on a resume."""

from __future__ import annotations

import torch
from torch import Tensor


class StepRng:
    """One stream per step, from which every number of the whole batch is drawn in order.

    Each process draws for all images and keeps its own rows, so images do not depend on which process makes
    them. Everything follows from `seed` and `step`, so there is no random state to save.
    """

    def __init__(
        self, seed: int, step: int, batch: int, rank: int = 0, processes: int = 1, device: torch.device | str = "cpu"
    ) -> None:
        self.generator = torch.Generator(device).manual_seed((seed * 1_000_003 + step + 1) % 2**63)
        self.batch, self.device = batch, device
        local = batch // processes
        self.rows = slice(rank * local, (rank + 1) * local)

    def uniform(self, *shape: int) -> Tensor:
        """From [0, 1), (own rows, *shape)."""
        return torch.rand(self.batch, *shape, generator=self.generator, device=self.device)[self.rows]

    def uniform_between(self, low: float, high: float, *shape: int) -> Tensor:
        """From [`low`, `high`), (own rows, *shape)."""
        return self.uniform(*shape) * (high - low) + low

    def normal(self, *shape: int) -> Tensor:
        """Standard normal, (own rows, *shape)."""
        return torch.randn(self.batch, *shape, generator=self.generator, device=self.device)[self.rows]

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        """Whole numbers from `low` up to but not including `high`, (own rows, *shape)."""
        drawn = torch.randint(low, high, (self.batch, *shape), generator=self.generator, device=self.device)
        return drawn[self.rows]
