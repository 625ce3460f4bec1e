"""The interface of everything that a generator is trained against."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from gan.adversaries.step_rng import StepRng


@dataclass(frozen=True)
class Part:
    """A network that learns. `rate` is its learning rate relative to the generator's; `lazy` is the factor by which
    Adam is slowed to allow for a penalty that is applied only every few steps."""

    network: nn.Module
    rate: float = 1.0
    lazy: float = 1.0


class Adversary(Protocol):
    """A discriminator with its losses.

    `view` does what both losses of the same images share, and keeps the graph back to them. `parts` are the networks
    that learn, `trained` holds them all, and `state` everything that a run resumes from. `period` is the number of
    steps after which their cost repeats.
    """

    period: int

    @property
    def parts(self) -> list[Part]: ...

    @property
    def trained(self) -> nn.Module: ...

    @property
    def state(self) -> nn.Module: ...

    def view(self, images: Tensor, rng: StepRng, single: Tensor | None) -> list[Tensor]:
        """Images (N, 1, R, R) in [-1, 1] as the trained parts see them.

        `single` (N,) says which generated images are made from a single code, as they are used; None for real images.
        """
        ...

    def discriminator_loss(self, real: list[Tensor], fake: list[Tensor], step: int) -> tuple[Tensor, Tensor]:
        """The loss that the trained parts minimise, and the same without penalties, for the log."""
        ...

    def generator_loss(self, fake: list[Tensor], real: list[Tensor]) -> Tensor:
        """The loss that the generator minimises."""
        ...

    def adapt(self, batch: int, mean: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
        """Called once per step after the loss, with the size of the whole batch and an average over processes.

        Returns what to log about the adversary.
        """
        ...

    def prepare(self, real: Callable[[], Iterable[Tensor]]) -> None:
        """Called before every step with the way to all training images at their present size, in batches.

        For what has to be learned from them once; it must cost nothing when there is nothing to learn.
        """
        ...

    def grow(self, seed: int) -> None:
        """Images double in size: new layers are drawn from the seed."""
        ...

    def fade(self, blend: float) -> None:
        """The weight of the newest layers, in [0, 1] (`gan.training.growth`)."""
        ...
