"""A simulated observer: what tests, the demo and a lab's dry run use in place of a person.

Signal detection with images that differ: image i gives observer j the evidence

    x = d' * (generated ? +1/2 : -1/2) + s * (image_sd * u_i + own_sd * v_ij + internal noise),

where u_i (shared by all observers) and v_ij (this observer's own view of the image) are fixed
standard normal draws for as long as the image and the observer are the same, and the internal
noise is new at each presentation. Their three variances sum to 1, so `dprime` is in SDs of a real
image's evidence; s is `signal_sd` for generated images and 1 for real ones. A retest of the same image
repeats u and v: that, and the criterion, make its answers agree. Internal noise in units of external
noise is `sqrt(internal / (image + own))` (Burgess & Colborne 1988, J. Opt. Soc. Am. A 5:617).

What changes along a session: d' falls and answers slow down or speed up with the number of the trial, and
an answer is attracted to the previous one (`serial_response`), or the evidence to the previous evidence
(`serial_evidence`). Confidence may be based on the evidence plus noise of its own (`confidence_noise`).
`data.simulated.populations` draws many such observers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np

from data.errors import LookalikeError


def usual_cuts(levels: int) -> tuple[float, ...]:
    """Confidence cuts that an unbiased observer of d' 0 uses equally often, to one decimal; for 2 to 9 levels.

    They are the quantiles of a standard normal's absolute value.
    """
    quantile = NormalDist().inv_cdf
    return tuple(round(quantile(0.5 + 0.5 * level / levels), 1) for level in range(1, levels))


@dataclass(frozen=True)
class Judgement:
    """One simulated answer. Times in s; `evidence` is the image's own, without the pull of the last trial, in SDs."""

    response: str
    confidence: int
    response_time: float
    confidence_time: float
    evidence: float


@dataclass(frozen=True)
class Observer:
    """A simulated observer with known parameters, who judges single images.

    Attributes
    ----------
    dprime : float
        d', in SDs of a real image's evidence.
    criterion : float
        The answer is "generated" where the evidence exceeds it, in the same SDs; 0 is unbiased.
    image_sd, own_sd : float
        The stable parts of the evidence, shared by all observers and this one's own; at least 0, their squares sum to
        at most 1.
    lapse : float
        Share of answers that are a guess, 0 to 1.
    confidence_cuts : tuple of float
        Rising distances from the criterion at which confidence rises by one, so k levels have k − 1.
    median_time_s : float
        Median response time in s, above 0.
    seed : int
        The observer's identity; the same seed is the same observer in a retest.
    image_seed : int
        The images' identity, the same for observers who see the same images.
    signal_sd : float
        SD of generated images' evidence, above 0; that of real ones is 1.
    confidence_noise : float
        SD of what is added to the evidence for the confidence alone, at least 0; where it carries the evidence to the
        other side of the criterion, confidence is 1.
    fatigue : float
        d' at trial t is dprime · exp(−fatigue · (t − 1) / 100); at least 0.
    slowing : float
        The median response time at trial t is median_time_s · exp(slowing · (t − 1) / 100).
    serial_response : float
        How much lower the criterion is after "generated" than after "real"; above 0 is attraction.
    serial_evidence : float
        The share of the previous image's evidence that is added to this one's.
    internal_sd : float
        SD of the noise that is new at each presentation; it follows from `image_sd` and `own_sd`.

    Examples
    --------
    >>> from data import Observer
    >>> able = Observer(dprime=4.0, seed=1)
    >>> [one.response for one in able.judge_in_order([("s1", "real"), ("s2", "generated")], session=1)]
    ['real', 'generated']
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
                "out-of-range",
                f"image_sd {self.image_sd} and own_sd {self.own_sd}: both at least 0, squares summing to at most 1",
            )
        for name in ("dprime", "criterion", "slowing", "serial_response", "serial_evidence"):
            if not np.isfinite(getattr(self, name)):
                raise LookalikeError(
                    "out-of-range", f"{name} is {getattr(self, name)}; a simulated observer needs a number"
                )
        for name in ("signal_sd", "median_time_s"):
            if not 0 < getattr(self, name) < np.inf:
                raise LookalikeError("out-of-range", f"{name} is {getattr(self, name)}; it must be above 0")
        for name in ("confidence_noise", "fatigue"):
            if not 0 <= getattr(self, name) < np.inf:
                raise LookalikeError("out-of-range", f"{name} is {getattr(self, name)}; it must be at least 0")
        if not 0 <= self.lapse <= 1:
            raise LookalikeError("out-of-range", f"lapse {self.lapse}: must be a share from 0 to 1")
        if not all(b > a for a, b in zip((0.0, *self.confidence_cuts), self.confidence_cuts, strict=False)):
            raise LookalikeError("out-of-range", f"confidence_cuts {self.confidence_cuts}: must be positive and rising")
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
        distance = evidence - self.criterion + self._pull(previous)
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

        So a session that was cut short resumes as if it had not been.
        """
        judged: list[Judgement] = []
        for trial, (stimulus_id, truth) in enumerate(images, start=1):
            judged.append(self.judge(stimulus_id, truth, session, trial, judged[-1] if judged else None))
        return judged

    def _pull(self, previous: Judgement | None) -> float:
        """By how much the previous trial moves the evidence, relative to the criterion."""
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
    from scipy.special import ndtri  # half a second to import, which a person's session does not need

    return float(ndtri((_seed(*parts) + 0.5) / 2**64))
