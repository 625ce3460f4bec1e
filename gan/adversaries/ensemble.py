"""Several adversaries at once (Kumari et al. 2022, arXiv:2112.09130): their losses are added."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor, nn

from gan.adversaries.adversary import Adversary, Part
from gan.adversaries.step_rng import StepRng


class Ensemble:
    """Named adversaries, each of which sees all images in its own way. Satisfies `gan.adversaries.adversary.Adversary`.

    The generator's loss is the weighted sum of theirs; `weights` are 1 unless given. A view is the views of the members
    one after another.
    """

    def __init__(self, members: dict[str, Adversary], weights: dict[str, float] | None = None) -> None:
        self.members = members
        self.weights = dict.fromkeys(members, 1.0) | (weights or {})
        self.period = max(member.period for member in members.values())
        self._lengths: dict[bool, list[int]] = {}

    @property
    def parts(self) -> list[Part]:
        return [part for member in self.members.values() for part in member.parts]

    @property
    def trained(self) -> nn.Module:
        return nn.ModuleDict({name: member.trained for name, member in self.members.items()})

    @property
    def state(self) -> nn.Module:
        return nn.ModuleDict({name: member.state for name, member in self.members.items()})

    def view(self, images: Tensor, rng: StepRng, single: Tensor | None) -> list[Tensor]:
        views = [member.view(images, rng, single) for member in self.members.values()]
        self._lengths[single is not None] = [len(one) for one in views]
        return [*itertools.chain(*views)]

    def discriminator_loss(self, real: list[Tensor], fake: list[Tensor], step: int) -> tuple[Tensor, Tensor]:
        losses = [member.discriminator_loss(r, f, step) for member, r, f in zip(*self._apart(real, fake), strict=True)]
        whole, plain = (torch.stack(each).sum() for each in zip(*losses, strict=True))
        return whole, plain

    def generator_loss(self, fake: list[Tensor], real: list[Tensor]) -> Tensor:
        members = zip(self.weights.values(), *self._apart(real, fake), strict=True)
        return torch.stack([weight * member.generator_loss(f, r) for weight, member, r, f in members]).sum()

    def _apart(self, real: list[Tensor], fake: list[Tensor]) -> tuple[Iterable[Adversary], ...]:
        """The members, and each one's own views of real and of generated images."""
        return self.members.values(), self._split(real, False), self._split(fake, True)  # type: ignore[return-value]

    def _split(self, seen: list[Tensor], generated: bool) -> Iterator[list[Tensor]]:
        views = iter(seen)
        return (list(itertools.islice(views, length)) for length in self._lengths[generated])

    def adapt(self, batch: int, mean: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
        logged: dict[str, Tensor] = {}
        for member in self.members.values():
            logged |= member.adapt(batch, mean)
        return logged

    def prepare(self, real: Callable[[], Iterable[Tensor]]) -> None:
        for member in self.members.values():
            member.prepare(real)

    def grow(self, seed: int) -> None:
        for member in self.members.values():
            member.grow(seed)

    def fade(self, blend: float) -> None:
        for member in self.members.values():
            member.fade(blend)
