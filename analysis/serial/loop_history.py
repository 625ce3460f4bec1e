"""Matches on a loop: the previous target and the previous response apart, and the target two trials back.

Attraction to the previous image and to what was made of it look alike, because responses are near their targets. A
regression of errors on both, each through the derivative of Gaussian that fits best (`analysis.serial.loop`), tells
them apart where matches were imprecise enough: its intervals say whether these were.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import ttest_1samp

from analysis.intervals import bootstrap_mean
from analysis.serial.loop import prepared
from analysis.serial.neighbours import unbroken
from data.arrays import Floats
from data.circle import derivative_of_gaussian, wrap
from data.results.result import Result

NAMES = ("target 1 back", "response 1 back", "target 2 back")
_FEWEST = 12  # trials with both neighbours, for three amplitudes


@dataclass(frozen=True, eq=False)
class HistoryEffect(Result):
    """Mean amplitude over `n` participants in degrees, bounds from resampling them; `p` of a t test against 0."""

    name: str
    n: int
    amplitude_deg: float
    low: float
    high: float
    p: float
    reason: str | None


@dataclass(frozen=True, eq=False)
class LoopHistory(Result):
    """Amplitudes of everyone (participants, 3), in the order of `NAMES`, and the group's; `width_deg` was given."""

    effects: tuple[HistoryEffect, ...]
    participants: tuple[str, ...]
    amplitudes_deg: Floats
    width_deg: float
    level: float

    def table(self) -> pd.DataFrame:
        """One row per effect."""
        return pd.concat([one.to_frame() for one in self.effects], ignore_index=True)


def loop_history(
    matches: pd.DataFrame, width_deg: float, *, harmonics: int = 2, level: float = 0.95, seed: int = 0
) -> LoopHistory:
    """Attraction to the previous target, the previous response, and the target two back, in one regression.

    Parameters
    ----------
    matches : pandas.DataFrame
        As in `analysis.loop_serial_dependence`.
    width_deg : float
        Where the derivative of Gaussian peaks, in degrees, above 0: the group's, from that function.
    harmonics : int
        Harmonics of the target's position that are removed first.
    level : float
        Confidence level of the bounds, in (0, 1).
    seed : int
        Seed of the resampling.

    Returns
    -------
    LoopHistory
        Amplitudes in degrees; positive is attraction. What is undefined is NaN with a reason.

    Raises
    ------
    LookalikeError
        As `analysis.loop_serial_dependence` does.

    References
    ----------
    Moon, J., & Kwon, O.-S. (2022). Attractive and repulsive effects of sensory history concurrently shape visual
    perception. BMC Biology, 20, 247.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from analysis import loop_history
    >>> from data import derivative_of_gaussian, wrap
    >>> rng = np.random.default_rng(1)
    >>> tables = []
    >>> for name in "abcd":
    ...     target = rng.uniform(0, 360, 300)
    ...     pull = derivative_of_gaussian(wrap(np.roll(target, 2) - target), 5, 30)
    ...     response = target + pull + 8 * rng.standard_normal(300)
    ...     one = {"participant": name, "trial": range(1, 301), "target_deg": target, "response_deg": response}
    ...     tables.append(pd.DataFrame(one))
    >>> found = loop_history(pd.concat(tables), width_deg=30)
    >>> print([round(one.amplitude_deg) for one in found.effects])
    [1, -1, 6]
    """
    names, rows = [], []
    for name, table in prepared(matches, harmonics):
        names.append(name)
        rows.append(_amplitudes(table, width_deg))
    amplitudes = np.array(rows, dtype=np.float64).reshape(len(rows), len(NAMES))
    rng = np.random.default_rng(seed)
    effects = tuple(_mean(name, amplitudes[:, place], level, rng) for place, name in enumerate(NAMES))
    return LoopHistory(effects, tuple(names), amplitudes, float(width_deg), level)


def _amplitudes(table: pd.DataFrame, width_deg: float) -> Floats:
    """By least squares; NaN if there are too few trials, or they do not tell the three apart."""
    target, response, error = (
        table[name].to_numpy(dtype=np.float64) for name in ("target_deg", "response_deg", "error_deg")
    )
    if target.size < 3 or not np.isfinite(width_deg):
        return np.full(len(NAMES), np.nan)
    now, one, two = slice(2, None), slice(1, -1), slice(None, -2)
    kept = unbroken(table["linked"].to_numpy(dtype=np.bool_), 2) & ~np.isnan(error[now]) & ~np.isnan(response[one])
    others = (target[one], response[one], target[two])
    shapes = np.column_stack([derivative_of_gaussian(wrap(other - target[now]), 1.0, width_deg) for other in others])
    shapes, y = shapes[kept], error[now][kept]
    if len(y) < _FEWEST or np.linalg.matrix_rank(shapes, tol=1e-6) < len(NAMES):
        return np.full(len(NAMES), np.nan)
    return np.asarray(np.linalg.lstsq(shapes, y, rcond=None)[0], dtype=np.float64)


def _mean(name: str, values: Floats, level: float, rng: np.random.Generator) -> HistoryEffect:
    kept = values[np.isfinite(values)]
    if not kept.size:
        return HistoryEffect(name, 0, np.nan, np.nan, np.nan, np.nan, "nobody has enough trials that tell them apart")
    low, high, reason = bootstrap_mean(kept, level, rng)
    p = float(ttest_1samp(kept, 0).pvalue) if kept.size > 1 and np.ptp(kept) > 0 else np.nan
    return HistoryEffect(name, kept.size, float(kept.mean()), low, high, p, reason)
