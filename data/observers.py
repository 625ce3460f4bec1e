"""Simulated observers: what tests, the demo and a lab's dry run use in place of people.

Signal detection with images that differ: image i gives observer j the evidence

    x = d' * (generated ? +1/2 : -1/2) + image_sd * u_i + own_sd * v_ij + internal noise,

where u_i (shared by all observers) and v_ij (this observer's own view of the image) are fixed
standard normal draws for as long as the image and the observer are the same, and the internal
noise is drawn anew at each look. The three variances sum to 1, so `dprime` is in the usual units.
A retest of the same image repeats u and v: that, and the criterion, make its answers agree.
Internal noise in units of external noise is `sqrt(internal / (image + own))` (Burgess & Colborne
1988, J. Opt. Soc. Am. A 5:617).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
from scipy.special import ndtri

from data.errors import LookalikeError


def usual_cuts(levels: int) -> tuple[float, ...]:
    """Confidence cuts that an unbiased observer of d' 0 uses equally often, to one decimal; for 2 to 9 levels.

    They are the quantiles of a standard normal's absolute value.
    """
    return tuple(round(float(ndtri(0.5 + 0.5 * level / levels)), 1) for level in range(1, levels))


@dataclass(frozen=True)
class Judgement:
    """One simulated answer. Times in s."""

    response: str
    confidence: int
    response_time: float
    confidence_time: float


@dataclass(frozen=True)
class Observer:
    """A simulated observer with known parameters.

    `dprime` and `criterion` are in SDs of the evidence; the answer is "generated" where the
    evidence exceeds `criterion` (0 is unbiased). `image_sd` and `own_sd` are the stable parts
    (their squares sum to at most 1). `confidence_cuts` are the distances from the criterion at
    which confidence rises by one, so k levels have k - 1 cuts. A `lapse` share of answers is a
    guess. `seed` is the observer's identity; the same seed is the same observer in a retest.
    """

    dprime: float = 0.0
    criterion: float = 0.0
    image_sd: float = 0.0
    own_sd: float = 0.0
    lapse: float = 0.0
    confidence_cuts: tuple[float, ...] = usual_cuts(4)
    median_time_s: float = 1.6
    seed: int = 0
    image_seed: int = 0
    internal_sd: float = field(init=False)

    def __post_init__(self) -> None:
        stable = self.image_sd**2 + self.own_sd**2
        if not stable <= 1 or min(self.image_sd, self.own_sd) < 0:  # "not <=" refuses NaN too
            raise LookalikeError(
                f"image_sd {self.image_sd} and own_sd {self.own_sd}: both at least 0, squares summing to at most 1"
            )
        for name in ("dprime", "criterion", "median_time_s"):
            if not np.isfinite(getattr(self, name)):
                raise LookalikeError(f"{name} is {getattr(self, name)}; a simulated observer needs a number")
        if not 0 <= self.lapse <= 1:
            raise LookalikeError(f"lapse {self.lapse}: must be a share from 0 to 1")
        if any(b <= a for a, b in zip((0.0, *self.confidence_cuts), self.confidence_cuts, strict=False)):
            raise LookalikeError(f"confidence_cuts {self.confidence_cuts}: must be positive and rising")
        object.__setattr__(self, "internal_sd", float(np.sqrt(1 - stable)))

    def judge(self, stimulus_id: str, truth: str, session: int) -> Judgement:
        """Judge one image. The same observer, image and session give the same answer."""
        rng = np.random.default_rng(_seed("trial", self.seed, session, stimulus_id))
        evidence = (
            self.dprime * (0.5 if truth == "generated" else -0.5)
            + self.image_sd * _normal("image", self.image_seed, stimulus_id)
            + self.own_sd * _normal("own", self.seed, stimulus_id)
            + self.internal_sd * rng.standard_normal()
        )
        levels = len(self.confidence_cuts) + 1
        distance = evidence - self.criterion
        said_generated, confidence = distance > 0, 1 + int(np.searchsorted(self.confidence_cuts, abs(distance)))
        if rng.random() < self.lapse:
            said_generated, confidence = rng.random() < 0.5, int(rng.integers(1, levels + 1))
        # Surer answers come sooner; log-normal, as response times are.
        time = self.median_time_s * np.exp(0.35 * rng.standard_normal() - 0.15 * (confidence - 1))
        response = "generated" if said_generated else "real"
        return Judgement(response, confidence, float(time), float(0.6 * np.exp(0.3 * rng.standard_normal())))


def draw_group(
    count: int,
    seed: int,
    *,
    dprime: float = 0.0,
    between_sd: float = 0.2,
    criterion_sd: float = 0.3,
    image_sd: float = 0.5,
    own_sd: float = 0.6,
    lapse: float = 0.01,
) -> list[Observer]:
    """Draw `count` observers whose d' has the given mean and between-observer SD.

    All share one image effect (`image_sd`): some images look generated to everyone.
    """
    rng = np.random.default_rng(seed)
    return [
        Observer(
            dprime=float(dprime + between_sd * rng.standard_normal()),
            criterion=float(criterion_sd * rng.standard_normal()),
            image_sd=image_sd,
            own_sd=own_sd,
            lapse=lapse,
            median_time_s=float(1.6 * np.exp(0.2 * rng.standard_normal())),
            seed=int(rng.integers(2**31)),
            image_seed=seed,
        )
        for _ in range(count)
    ]


def _seed(*parts: object) -> int:
    """A seed from words and numbers, the same on every machine (Python's own hash is salted)."""
    return int.from_bytes(hashlib.sha256("/".join(map(str, parts)).encode()).digest()[:8], "big")


def _normal(*parts: object) -> float:
    """A standard normal draw fixed by its name, by the inverse of the normal distribution."""
    return float(ndtri((_seed(*parts) + 0.5) / 2**64))
