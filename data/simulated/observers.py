"""A simulated observer: what tests, the demo and a lab's dry run use in place of a person.

Signal detection with images that differ: image i gives observer j the evidence

    x = d' * (generated ? +1/2 : -1/2) + s * (image_sd * u_i + own_sd * v_ij + internal noise),

where u_i (shared by all observers) and v_ij (this observer's own view of the image) are fixed
standard normal draws for as long as the image and the observer are the same, and the internal
noise is drawn anew at each look. Their three variances sum to 1, so `dprime` is in SDs of a real
image's evidence; s is `signal_sd` for generated images and 1 for real ones. A retest of the same image
repeats u and v: that, and the criterion, make its answers agree. Internal noise in units of external
noise is `sqrt(internal / (image + own))` (Burgess & Colborne 1988, J. Opt. Soc. Am. A 5:617).

What changes along a session: d' falls and answers slow down or speed up with the number of the trial, and
an answer is drawn towards the one before (`serial_response`), or the evidence towards the evidence before
(`serial_evidence`). Confidence may see the evidence through noise of its own (`confidence_noise`).
`data.simulated.populations` draws many such observers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
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
    """One simulated answer. Times in s; `evidence` is the image's own, before the last trial drew it, in SDs."""

    response: str
    confidence: int
    response_time: float
    confidence_time: float
    evidence: float


@dataclass(frozen=True)
class Observer:
    """A simulated observer with known parameters.

    `dprime` and `criterion` are in SDs of a real image's evidence; the answer is "generated" where the
    evidence exceeds `criterion` (0 is unbiased). `image_sd` and `own_sd` are the stable parts
    (their squares sum to at most 1). `confidence_cuts` are the distances from the criterion at
    which confidence rises by one, so k levels have k - 1 cuts. A `lapse` share of answers is a
    guess. `seed` is the observer's identity; the same seed is the same observer in a retest.

    - `signal_sd`: SD of generated images' evidence; that of real ones is 1.
    - `confidence_noise`: SD of what is added to the evidence for the confidence alone; where it carries the
      evidence to the other side of the criterion, confidence is 1.
    - `fatigue`: d' at trial t is dprime * exp(-fatigue * (t - 1) / 100).
    - `slowing`: the median response time at trial t is median_time_s * exp(slowing * (t - 1) / 100).
    - `serial_response`: how much lower the criterion is after "generated" than after "real". Positive is
      attraction.
    - `serial_evidence`: the share of the last image's evidence that is added to this one's.
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
    signal_sd: float = 1.0
    confidence_noise: float = 0.0
    fatigue: float = 0.0
    slowing: float = 0.0
    serial_response: float = 0.0
    serial_evidence: float = 0.0
    internal_sd: float = field(init=False)

    def __post_init__(self) -> None:
        stable = self.image_sd**2 + self.own_sd**2
        if not stable <= 1 or min(self.image_sd, self.own_sd) < 0:  # "not <=" refuses NaN too
            raise LookalikeError(
                "bad-parameter",
                f"image_sd {self.image_sd} and own_sd {self.own_sd}: both at least 0, squares summing to at most 1",
            )
        for name in ("dprime", "criterion", "slowing", "serial_response", "serial_evidence"):
            if not np.isfinite(getattr(self, name)):
                raise LookalikeError(
                    "bad-parameter", f"{name} is {getattr(self, name)}; a simulated observer needs a number"
                )
        for name in ("signal_sd", "median_time_s"):
            if not 0 < getattr(self, name) < np.inf:
                raise LookalikeError("bad-parameter", f"{name} is {getattr(self, name)}; it must be above 0")
        for name in ("confidence_noise", "fatigue"):
            if not 0 <= getattr(self, name) < np.inf:
                raise LookalikeError("bad-parameter", f"{name} is {getattr(self, name)}; it must be at least 0")
        if not 0 <= self.lapse <= 1:
            raise LookalikeError("bad-parameter", f"lapse {self.lapse}: must be a share from 0 to 1")
        if not all(b > a for a, b in zip((0.0, *self.confidence_cuts), self.confidence_cuts, strict=False)):
            raise LookalikeError(
                "bad-parameter", f"confidence_cuts {self.confidence_cuts}: must be positive and rising"
            )
        object.__setattr__(self, "internal_sd", float(np.sqrt(1 - stable)))

    def judge(
        self, stimulus_id: str, truth: str, session: int, trial: int = 1, previous: Judgement | None = None
    ) -> Judgement:
        """Judge one image, the `trial`-th of the session (from 1), after `previous` (None: nothing before it).

        The same observer and arguments give the same answer; see `judge_in_order` for a whole session.
        """
        rng = np.random.default_rng(_seed("trial", self.seed, session, stimulus_id))
        elapsed = (trial - 1) / 100
        generated = truth == "generated"
        noise = (
            self.image_sd * standard_normal("image", self.image_seed, stimulus_id)
            + self.own_sd * standard_normal("own", self.seed, stimulus_id)
            + self.internal_sd * rng.standard_normal()
        )
        mean = self.dprime * np.exp(-self.fatigue * elapsed) * (0.5 if generated else -0.5)
        evidence = float(mean + (self.signal_sd if generated else 1.0) * noise)
        distance = evidence - self.criterion + self._drawn(previous)
        said_generated = distance > 0
        confidence = self._confidence(distance, session, stimulus_id)
        if rng.random() < self.lapse:
            levels = len(self.confidence_cuts) + 1
            said_generated, confidence = rng.random() < 0.5, int(rng.integers(1, levels + 1))
        # Surer answers come sooner; log-normal, as response times are.
        pace = 0.35 * rng.standard_normal() - 0.15 * (confidence - 1) + self.slowing * elapsed
        response = "generated" if said_generated else "real"
        time, confidence_time = self.median_time_s * np.exp(pace), 0.6 * np.exp(0.3 * rng.standard_normal())
        return Judgement(response, confidence, float(time), float(confidence_time), evidence)

    def judge_in_order(self, images: Iterable[tuple[str, str]], session: int) -> list[Judgement]:
        """Judge a session's images, pairs (stimulus_id, truth) in the order shown; the same order, the same answers.

        So a session that was cut short is taken up again as if it had not been.
        """
        judged: list[Judgement] = []
        for trial, (stimulus_id, truth) in enumerate(images, start=1):
            judged.append(self.judge(stimulus_id, truth, session, trial, judged[-1] if judged else None))
        return judged

    def _drawn(self, previous: Judgement | None) -> float:
        """By how much the trial before moves the evidence, relative to the criterion."""
        if previous is None:
            return 0.0
        answer = 0.5 if previous.response == "generated" else -0.5
        return self.serial_response * answer + self.serial_evidence * previous.evidence

    def _confidence(self, distance: float, session: int, stimulus_id: str) -> int:
        seen = distance
        if self.confidence_noise > 0:  # a draw of its own, so that the answers stay what they are without it
            seen += self.confidence_noise * standard_normal("confidence", self.seed, session, stimulus_id)
        return 1 + int(np.searchsorted(self.confidence_cuts, seen if distance > 0 else -seen))


def _seed(*parts: object) -> int:
    """A seed from words and numbers, the same on every machine (Python's own hash is salted)."""
    return int.from_bytes(hashlib.sha256("/".join(map(str, parts)).encode()).digest()[:8], "big")


def standard_normal(*parts: object) -> float:
    """A standard normal draw fixed by its name, by the inverse of the normal distribution."""
    return float(ndtri((_seed(*parts) + 0.5) / 2**64))
