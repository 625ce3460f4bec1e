"""A simulated participant in a task of adjustment: one who turns an image until it matches another.

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


class Adjustment(NamedTuple):
    """One simulated match: a position in [0, 360), the time it took in s, and how sure it felt, from 0 to below 1.

    A simulated observer does not know its errors, so it feels as sure of a bad match as of a good one.
    """

    response_deg: float
    response_time: float
    sureness: float


@dataclass(frozen=True)
class SimulatedAdjuster:
    """A simulated observer who matches positions on a loop, with known errors.

    Attributes
    ----------
    noise_deg : float
        SD of errors, in degrees, at least 0.
    bias_deg : float
        Mean error, in degrees.
    serial_deg, serial_width_deg : float
        Height and place of the peak of serial dependence, in degrees; a positive height is attraction to the previous
        target. The width is above 0.
    lapse : float
        Share of responses that are a guess, 0 to 1.
    median_time_s : float
        Median time of a match, in s, above 0.
    seed : int
        The observer's identity: the same one gives the same response to the same trial of the same session.

    Examples
    --------
    >>> from data import SimulatedAdjuster
    >>> exact = SimulatedAdjuster(noise_deg=0, serial_deg=6, serial_width_deg=30)
    >>> round(exact.adjust(target_deg=100, previous_deg=130, session=1, trial=2).response_deg, 3)
    106.0
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
                raise LookalikeError(
                    "out-of-range", f"{name} is {getattr(self, name)}; a simulated observer needs a number"
                )
        if not 0 <= self.noise_deg < np.inf:
            raise LookalikeError("out-of-range", f"noise_deg is {self.noise_deg}; it must be at least 0")
        for name in ("serial_width_deg", "median_time_s"):
            if not 0 < getattr(self, name) < np.inf:
                raise LookalikeError("out-of-range", f"{name} is {getattr(self, name)}; it must be above 0")
        if not 0 <= self.lapse <= 1:
            raise LookalikeError("out-of-range", f"lapse {self.lapse}: must be a share from 0 to 1")

    def adjust(self, target_deg: float, previous_deg: float | None, session: int, trial: int) -> Adjustment:
        """Match one target; `previous_deg` is the one before it, None where nothing carries over."""
        name = f"match/{self.seed}/{session}/{trial}"
        rng = np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))
        noise, guess, lapsed = self.noise_deg * rng.standard_normal(), 360 * rng.random(), rng.random() < self.lapse
        pull = 0.0
        if previous_deg is not None:
            difference = wrap(previous_deg - target_deg)
            pull = float(derivative_of_gaussian(difference, self.serial_deg, self.serial_width_deg))
        response = guess if lapsed else target_deg + self.bias_deg + pull + noise
        time_s = self.median_time_s * np.exp(0.35 * rng.standard_normal())
        # A remainder can round up to 360 itself, so it is taken twice.
        return Adjustment(float(response % 360 % 360), float(time_s), float(rng.random()))
