"""A simulated participant of a matching task, with known errors.

    response = target + bias + serial dependence (previous target − target) + noise,

where serial dependence is a derivative of Gaussian (`data.circle`) and noise is normal. A lapse is a response
anywhere on the loop. Signs are those of `data.circle`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from data.circle import derivative_of_gaussian, wrap
from data.errors import LookalikeError


class Match(NamedTuple):
    """One simulated match: a position in [0, 360), how many s it took, and how sure it felt, from 0 to below 1.

    A simulated observer does not know its errors, so it feels as sure of a bad match as of a good one.
    """

    response_deg: float
    response_time: float
    sureness: float


@dataclass(frozen=True)
class Matcher:
    """Who matches: `noise_deg` is the SD of errors, `bias_deg` their mean.

    `serial_deg` and `serial_width_deg` are height and place of the peak of serial dependence; positive is
    attraction to the previous target. A `lapse` share of responses is a guess. `seed` is the observer's
    identity: the same one gives the same response to the same trial of the same session.
    """

    noise_deg: float = 12.0
    bias_deg: float = 0.0
    serial_deg: float = 0.0
    serial_width_deg: float = 30.0
    lapse: float = 0.0
    median_time_s: float = 4.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("bias_deg", "serial_deg"):
            if not np.isfinite(getattr(self, name)):
                raise LookalikeError(f"{name} is {getattr(self, name)}; a simulated observer needs a number")
        if not 0 <= self.noise_deg < np.inf:
            raise LookalikeError(f"noise_deg is {self.noise_deg}; it must be at least 0")
        for name in ("serial_width_deg", "median_time_s"):
            if not 0 < getattr(self, name) < np.inf:
                raise LookalikeError(f"{name} is {getattr(self, name)}; it must be more than 0")
        if not 0 <= self.lapse <= 1:
            raise LookalikeError(f"lapse {self.lapse}: must be a share from 0 to 1")

    def match(self, target_deg: float, previous_deg: float | None, session: int, trial: int) -> Match:
        """Match one target; `previous_deg` is the one before it, None where nothing carries over."""
        name = f"match/{self.seed}/{session}/{trial}"
        rng = np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))
        noise, guess, lapsed = self.noise_deg * rng.standard_normal(), 360 * rng.random(), rng.random() < self.lapse
        pulled = 0.0
        if previous_deg is not None:
            difference = wrap(previous_deg - target_deg)
            pulled = float(derivative_of_gaussian(difference, self.serial_deg, self.serial_width_deg))
        response = guess if lapsed else target_deg + self.bias_deg + pulled + noise
        # A remainder can round up to 360 itself, so it is taken twice.
        time_s = self.median_time_s * np.exp(0.35 * rng.standard_normal())
        return Match(float(response % 360 % 360), float(time_s), float(rng.random()))
