"""How images are inverted."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

from data.errors import LookalikeError, check_choice
from gan.inversion.objective import PRINTED_WEIGHT

SPACES = ("w", "w+")
NOISES = ("fixed", "fitted")
OBJECTIVES = ("default", "paper")


@dataclass(frozen=True)
class InversionSettings:
    """How images are inverted.

    Attributes
    ----------
    objective : {"default", "paper"}
        Whether to optimise whitened codes, or the codes themselves as the paper does; see `paper`.
    space : {"w", "w+"}
        One code for all layers, or one for each.
    noise : {"fixed", "fitted"}
        Whether only the code is found, or the noise images too.
    steps : int, at least 0
        Of Adam, at most; 0 leaves the encoder's codes.
    batch : int
        Images at a time.
    perceptual_weight : float or None
        The paper's lambda_3; by default that of the encoder's training.
    perceptual_every : int
        Steps between those with the perceptual and code terms, which then count that many times.
    code_weight : float
        The paper's lambda_4, of the mean squared difference between the code and the encoder's code of its image.
    prior_weight : float
        Of the mean squared whitened code, which keeps codes where the mapping's are.
    noise_weight : float
        Of the noise's irregularity (`gan.inversion.objective.noise_irregularity`).
    detail_weight : float
        Of the difference in local fine detail (`gan.inversion.objective.detail_difference`).
    learning_rate, noise_rate : float
        Of codes and noise.
    scheduled : bool
        Whether learning rates rise over the first steps and fall to 0 along a cosine.
    patience : int
        An image is left as it is after so many readings of its whole loss without an improvement of `tolerance`.
    tolerance : float
        Relative.

    Examples
    --------
    >>> import gan
    >>> gan.InversionSettings(steps=50, noise="fixed").space
    'w+'
    """

    objective: str = "default"
    space: str = "w+"
    noise: str = "fitted"
    steps: int = 24
    batch: int = 8
    perceptual_weight: float | None = None
    perceptual_every: int = 2
    code_weight: float = 0.02
    prior_weight: float = 1e-4
    noise_weight: float = 2e-4
    detail_weight: float = 50.0
    learning_rate: float = 0.15
    noise_rate: float = 0.2
    scheduled: bool = True
    patience: int = 10
    tolerance: float = 1e-3

    def __post_init__(self) -> None:
        check_choice(self.objective, OBJECTIVES, "objective")
        check_choice(self.space, SPACES, "space")
        check_choice(self.noise, NOISES, "noise")
        for name, least in (("steps", 0), ("batch", 1), ("perceptual_every", 1), ("patience", 1)):
            if getattr(self, name) < least:
                raise LookalikeError("out-of-range", f"{name} is {getattr(self, name)}; it must be at least {least}")
        weights = ("code_weight", "prior_weight", "noise_weight", "detail_weight", "tolerance")
        for name in (*weights, "learning_rate", "noise_rate", "perceptual_weight"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < math.inf:  # refuses NaN too
                raise LookalikeError("out-of-range", f"{name} is {value}; it must be at least 0")

    def rate_at(self, step: int) -> float:
        """The share of the learning rates in a step."""
        if not self.scheduled:
            return 1.0
        return min(1.0, (step + 1) / _WARM_UP) * (1 + math.cos(math.pi * step / self.steps)) / 2

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


_WARM_UP = 5

DEFAULT = InversionSettings()
# Equation 4 with the printed weights, and Zhu et al.'s optimiser: the code itself, from the encoder's, noise fixed. As
# printed its pixel term is |x - G(E(x))|, which z does not change; |x - G(z)| is meant, as in their code.
PAPER = InversionSettings(
    objective="paper",
    noise="fixed",
    steps=100,
    perceptual_weight=PRINTED_WEIGHT,
    perceptual_every=1,
    code_weight=2.0,
    prior_weight=0.0,
    noise_weight=0.0,
    detail_weight=0.0,
    learning_rate=0.01,
    scheduled=False,
)


def chosen(objective: str, default: InversionSettings = DEFAULT, /, **options: Any) -> InversionSettings:
    """The settings of an objective, the paper's or `default`, replaced by the options that are not None."""
    check_choice(objective, OBJECTIVES, "objective")
    base = PAPER if objective == "paper" else default
    return replace(base, **{name: value for name, value in options.items() if value is not None})
