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
from typing import Any

import numpy as np
import numpy.typing as npt
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


@dataclass(frozen=True)
class Population:
    """Whom and what a study samples: observers whose d' and criterion vary, and images that vary.

    `dprime` is the mean d' and `between_sd` its SD between observers; `criterion_sd` that of the criterion.
    `image_sd`, `own_sd`, `lapse` and `confidence_cuts` are those of every `Observer`.
    """

    dprime: float = 0.0
    between_sd: float = 0.2
    criterion_sd: float = 0.3
    image_sd: float = 0.5
    own_sd: float = 0.6
    lapse: float = 0.01
    confidence_cuts: tuple[float, ...] = usual_cuts(4)

    def __post_init__(self) -> None:
        for name in ("between_sd", "criterion_sd"):
            if not 0 <= getattr(self, name) < np.inf:
                raise LookalikeError(f"{name} is {getattr(self, name)}; it must be at least 0")
        self.observer(self.dprime, 0.0)  # the rest is an observer's

    def observer(self, dprime: float, criterion: float, **others: Any) -> Observer:
        """One member, with a d' and a criterion of his own."""
        shared = ("image_sd", "own_sd", "lapse", "confidence_cuts")
        return Observer(dprime, criterion, **{name: getattr(self, name) for name in shared}, **others)


def draw_group(count: int, seed: int, population: Population = Population()) -> list[Observer]:
    """Draw `count` observers of a population; all share the same images' effects.

    A larger group of the same seed keeps its first members.
    """
    rng = np.random.default_rng(seed)
    return [
        population.observer(
            dprime=float(population.dprime + population.between_sd * rng.standard_normal()),
            criterion=float(population.criterion_sd * rng.standard_normal()),
            median_time_s=float(1.6 * np.exp(0.2 * rng.standard_normal())),
            seed=int(rng.integers(2**31)),
            image_seed=seed,
        )
        for _ in range(count)
    ]


def draw_ratings(
    population: Population,
    participants: int,
    generated: npt.NDArray[np.bool_],
    rng: np.random.Generator,
    *,
    studies: int = 1,
    own_images: bool = False,
) -> npt.NDArray[np.int8]:
    """Session 1 of whole studies at once: signed ratings (studies, participants, images), -k .. -1, 1 .. k.

    The same model as `Observer.judge`, without times and names, for simulations that need thousands of
    studies. `generated` (images,) says which images are. Every study draws new observers and new images,
    which all its participants share, or with `own_images` each participant has to himself.
    """
    shape = (studies, participants, generated.size)
    dprime = population.dprime + population.between_sd * rng.standard_normal(shape[:2], dtype=np.float32)
    criterion = population.criterion_sd * rng.standard_normal(shape[:2], dtype=np.float32)
    images = rng.standard_normal(shape if own_images else (studies, 1, generated.size), dtype=np.float32)
    # One draw for what is the observer's own and for internal noise: within one session they are alike.
    rest = np.float32(np.sqrt(1 - population.image_sd**2))
    evidence = rng.standard_normal(shape, dtype=np.float32)
    evidence *= rest
    evidence += np.float32(population.image_sd) * images
    evidence += dprime[..., None] * np.where(generated, 0.5, -0.5).astype(np.float32) - criterion[..., None]
    levels = len(population.confidence_cuts) + 1
    ratings = _signed(evidence, population.confidence_cuts)
    if population.lapse > 0:
        lapsed = rng.random(shape, dtype=np.float32) < population.lapse
        guesses = rng.integers(1, levels + 1, int(lapsed.sum())) * rng.choice([-1, 1], int(lapsed.sum()))
        ratings[lapsed] = guesses.astype(np.int8)
    return ratings


def _signed(distance: npt.NDArray[np.float32], cuts: tuple[float, ...]) -> npt.NDArray[np.int8]:
    """Distances from the criterion to signed ratings."""
    size = np.abs(distance)
    confidence = np.ones(distance.shape, np.int8)
    for cut in cuts:
        confidence += size > cut
    return np.where(distance > 0, confidence, -confidence).astype(np.int8)


def _seed(*parts: object) -> int:
    """A seed from words and numbers, the same on every machine (Python's own hash is salted)."""
    return int.from_bytes(hashlib.sha256("/".join(map(str, parts)).encode()).digest()[:8], "big")


def _normal(*parts: object) -> float:
    """A standard normal draw fixed by its name, by the inverse of the normal distribution."""
    return float(ndtri((_seed(*parts) + 0.5) / 2**64))
