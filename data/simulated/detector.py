"""A simulated participant who tells known fakes of graded visibility from real images beside them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from data.errors import LookalikeError
from data.simulated.psychometric import probability_correct


@dataclass(frozen=True)
class SimulatedDetector:
    """A simulated observer with a known psychometric function (`data.simulated.psychometric`).

    Attributes
    ----------
    threshold : float or None
        The level at which 75% of choices are correct, lapses apart, above 0; None is the middle of a session's levels.
    spread : float
        SD of the cumulative normal in log10 units of level, above 0.
    lapse : float
        Share of answers that are wrong whatever the level, 0 to below .5.
    seed : int
        The observer's identity: the same one gives the same answer to the same trial of the same session.

    Examples
    --------
    >>> from data import SimulatedDetector
    >>> sharp = SimulatedDetector(threshold=0.05, spread=0.01, lapse=0)
    >>> sharp.is_correct(0.1, threshold=0.05, session=1, trial=1)
    True
    """

    threshold: float | None = None
    spread: float = 0.2
    lapse: float = 0.02
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("threshold", "spread"):
            value = getattr(self, name)
            if value is not None and not 0 < value < np.inf:
                raise LookalikeError("out-of-range", f"{name} is {value}; it must be above 0")
        if not 0 <= self.lapse < 0.5:
            raise LookalikeError("out-of-range", f"lapse {self.lapse}: must be a share from 0 to below .5")

    def is_correct(self, level: float, threshold: float, session: int, trial: int) -> bool:
        """Whether a trial at this level is answered correctly; `threshold` stands in for one that is None."""
        wanted = probability_correct(level, self.threshold or threshold, self.spread, self.lapse)
        return bool(self._draw("answer", session, trial).random() < wanted)

    def response_time(self, session: int, trial: int) -> float:
        """How long the answer takes, in s."""
        return float(1.2 * np.exp(0.35 * self._draw("time", session, trial).standard_normal()))

    def _draw(self, what: str, session: int, trial: int) -> np.random.Generator:
        name = f"detect/{what}/{self.seed}/{session}/{trial}"
        return np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))
