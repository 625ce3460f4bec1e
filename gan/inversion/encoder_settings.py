"""The settings of an encoder's training."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from data.errors import LookalikeError, check_choice
from gan.inversion.encoder import EncoderSize
from gan.networks.generator import Architecture
from gan.networks.layers import GROUP
from gan.training.settings import SYMMETRIES

ADVERSARIES = ("none", "stylegan", "frozen")
MAY_CHANGE = ("snapshot_kimg",)  # when a run is resumed; its length sets the learning rate, so it stays


@dataclass(frozen=True)
class EncoderSettings:
    """The settings of an encoder's training.

    Attributes
    ----------
    architecture : Architecture
        Sizes of the generator.
    generator_sha256 : str
        The hash of the generator's weights.
    size : EncoderSize
        Blocks and channels of the encoder.
    kimg : float
        Length of the run, in thousands of images.
    pair_kimg : float, at least 0
        How much of it, at the start, is on generated images whose codes are known.
    batch : int, a multiple of 4
        Images per step.
    learning_rate : float
        Of Adam; it falls to 0 along a cosine over the run.
    perceptual_weight : float, at least 0
        The paper's lambda_1, for mean squared differences of VGG16's conv4_3.
    perceptual_every : int
        Steps between those with the perceptual term, which then counts that many times.
    prior_weight : float, at least 0
        Of the mean squared whitened code.
    adversary : {"none", "stylegan", "frozen"}
        None, the paper's discriminator, or one on pretrained features.
    adversarial_weight : float, at least 0
        The paper's lambda_2, reached linearly over `warm_up_kimg` after the pairs.
    gamma, r1_every : float, int
        Weight of the `stylegan` gradient penalty, the paper's gamma, and the number of steps between penalties.
    discriminator_rate : float
        Adam's learning rate of the discriminator.
    symmetry : {"none", "mirror", "dihedral"}
        Under which training images are randomly transformed.
    snapshot_kimg : float
        The interval between snapshots.
    seed : int
        Of everything random.

    Examples
    --------
    >>> import gan
    >>> gan.EncoderSettings(gan.Architecture(16)).adversary
    'none'
    """

    architecture: Architecture = field(default_factory=Architecture)
    generator_sha256: str = ""
    size: EncoderSize = field(default_factory=EncoderSize)
    kimg: float = 20.0
    pair_kimg: float = 3.0
    batch: int = 16
    learning_rate: float = 2e-3
    perceptual_weight: float = 0.0
    perceptual_every: int = 2
    prior_weight: float = 1e-4
    adversary: str = "none"
    adversarial_weight: float = 0.001
    warm_up_kimg: float = 2.0
    gamma: float = 10.0
    r1_every: int = 16
    discriminator_rate: float = 2e-3
    symmetry: str = "mirror"
    snapshot_kimg: float = 2.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_choice(self.adversary, ADVERSARIES, "adversary")
        check_choice(self.symmetry, SYMMETRIES, "symmetry")
        above = ("kimg", "batch", "learning_rate", "perceptual_every", "r1_every", "discriminator_rate")
        for name in (*above, "snapshot_kimg"):
            if not 0 < getattr(self, name) < math.inf:  # refuses NaN too
                raise LookalikeError("out-of-range", f"{name} is {getattr(self, name)}; it must be above 0")
        for name in ("pair_kimg", "perceptual_weight", "prior_weight", "adversarial_weight", "warm_up_kimg", "gamma"):
            if not 0 <= getattr(self, name) < math.inf:
                raise LookalikeError("out-of-range", f"{name} is {getattr(self, name)}; it must be at least 0")
        if self.batch % GROUP:
            raise LookalikeError("out-of-range", f"batch is {self.batch}; it must be a multiple of {GROUP}")
        if self.pair_kimg > self.kimg:
            raise LookalikeError(
                "out-of-range", f"pair_kimg is {self.pair_kimg:g}, more than the whole run of {self.kimg:g} kimg"
            )
        if self.size.blocks < 1 or self.size.base < 1:
            raise LookalikeError("out-of-range", f"size is {self.size}; blocks and channels must be at least 1")

    @property
    def steps(self) -> int:
        """Of the whole run."""
        return self.steps_in(self.kimg)

    def steps_in(self, kimg: float) -> int:
        """Steps in so many thousand images, at least one."""
        return max(1, round(kimg * 1000 / self.batch))

    @property
    def pair_steps(self) -> int:
        return round(self.pair_kimg * 1000 / self.batch)

    def rate_at(self, step: int) -> float:
        """Adam's learning rate at a step."""
        return self.learning_rate * (1 + math.cos(math.pi * step / self.steps)) / 2

    def adversarial_at(self, step: int) -> float:
        """The weight of the adversarial term at a step: 0 while there are pairs, then rising."""
        since = (step - self.pair_steps) * self.batch / 1000
        if self.adversary == "none" or since < 0:
            return 0.0
        return self.adversarial_weight * (min(1.0, since / self.warm_up_kimg) if self.warm_up_kimg else 1.0)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> EncoderSettings:
        """From `to_dict`; other entries are ignored. Raises `LookalikeError` if these are not an encoder's settings."""
        known = {one.name: stored[one.name] for one in fields(cls) if one.name in stored}
        try:
            nested = {"architecture": Architecture(**stored["architecture"]), "size": EncoderSize(**stored["size"])}
            return cls(**(known | nested))
        except (KeyError, TypeError) as error:
            raise LookalikeError(
                "not-a-run", f"not the settings of an encoder's training ({error}); name a run's folder"
            ) from None
