"""Psychometric functions along a morph: threshold, width, slope and lapses, by maximum likelihood with a bootstrap.

P(yes at x) = γ + (1 − γ − λ) Φ(2 z(.95) (x − threshold) / width)

with guesses γ and lapses λ: the parameters of psignifit (Schütt et al. 2016), for comparison. The width is the distance
between the levels at which Φ is .05 and .95; it is negative where "yes" becomes rarer as x rises.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from analysis.intervals import bca, critical, median_bias
from analysis.scaling.scoring import Maximum, deviance, maximise
from data.arrays import Flags, Floats
from data.errors import LookalikeError
from data.results.result import UNDEFINED, Estimate, Result, frame_of
from data.trials import refuse_rows

MOST_LAPSES = 0.1
YES, NO = ("yes", "right", "correct", "generated", "1"), ("no", "left", "wrong", "real", "0")
_WIDE = 2 * float(ndtri(0.95))
_STEEPEST = 200.0  # z from the lowest to the highest level
_SURE = 4.0  # z beyond which a level is at an asymptote; if all are, the place of the step between two is unknown
_ROUGH = 1e-5


@dataclass(frozen=True, eq=False)
class PsychometricFunction(Result):
    """One participant's function.

    `threshold` and `width` are in the unit of the levels, `slope` is the change of probability per unit at the
    threshold. `levels`, `trials` and `yes` are what was observed. `deviance_p` is the share of bootstrap samples that
    fit as badly. What is undefined is NaN, and `reason` says why.
    """

    participant: str
    threshold: Estimate
    width: Estimate
    slope: Estimate
    lapse: float
    guess: float
    deviance: float
    deviance_p: float
    log_likelihood: float
    levels: Floats
    trials: Floats
    yes: Floats
    reason: str | None

    def probability(self, level: Floats) -> Floats:
        """The fitted probability of "yes" at some levels; same shape."""
        z = _WIDE * (np.asarray(level, dtype=np.float64) - self.threshold.value) / self.width.value
        return np.asarray(self.guess + (1 - self.guess - self.lapse) * ndtr(z), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class PsychometricFunctions(Result):
    """Everyone's functions, sorted by participant."""

    participants: tuple[PsychometricFunction, ...]
    level: float

    def by_participant(self) -> pd.DataFrame:
        """One row per participant."""
        return frame_of(self.participants)


def psychometric_functions(
    table: pd.DataFrame,
    *,
    guess: float | None = None,
    lapse: float | None = None,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    source: str = "the answers",
) -> PsychometricFunctions:
    """A psychometric function for every participant.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per trial: `level` or `position_deg` (a number), and `response`: yes | no, right | left,
        correct | wrong, generated | real or 1 | 0, the first of each being what is counted. Optional: participant, role
        (only main trials count). A missing response is left out.
    guess : float, optional
        Probability of "yes" where nothing is seen, 0 to below 1: .5 of correct answers in a forced choice. By default
        it equals the lapses, so that both ends are as far from certainty (a choice between the morph's two ends).
    lapse : float, optional
        Share of lapses, 0 to .1; by default estimated, up to .1.
    resamples : int
        Parametric bootstrap samples, 20 or more.
    level : float
        Confidence level of the bounds (bias-corrected percentiles), in (0, 1).
    seed : int
        Seed of all random draws.
    source : str
        Name of the table, for errors.

    Returns
    -------
    PsychometricFunctions
        Threshold, width, slope and lapses of each participant, with bounds.

    Raises
    ------
    LookalikeError
        If a column is missing, a level is not a number, answers are other words, or an option is out of range.

    References
    ----------
    Wichmann, F. A., & Hill, N. J. (2001). The psychometric function: I and II. Perception & Psychophysics, 63,
    1293-1329.
    Schütt, H. H., Harmeling, S., Macke, J. H., & Wichmann, F. A. (2016). Painfree and accurate Bayesian estimation of
    psychometric functions for (potentially) overdispersed data. Vision Research, 122, 105-123.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from analysis import psychometric_functions
    >>> rng = np.random.default_rng(1)
    >>> table = pd.DataFrame({"position_deg": np.repeat([30, 60, 90, 120, 150], 60)})
    >>> table["response"] = np.where(table["position_deg"] + 20 * rng.standard_normal(300) > 100, "yes", "no")
    >>> one = psychometric_functions(table, resamples=100).participants[0]
    >>> print(f"threshold {one.threshold.value:.0f} ({one.threshold.low:.0f} to {one.threshold.high:.0f})")
    threshold 104 (99 to 108)
    """
    critical(level)
    if guess is not None and not 0 <= guess < 1:
        raise LookalikeError("out-of-range", f"guess is {guess}; it must be at least 0 and below 1")
    if lapse is not None and not 0 <= lapse <= MOST_LAPSES:
        raise LookalikeError("out-of-range", f"lapse is {lapse}; it must lie between 0 and {MOST_LAPSES}")
    if resamples < 20:
        raise LookalikeError("out-of-range", f"resamples is {resamples}; bounds need at least 20")
    counted = _counted(table, source)
    rngs = np.random.default_rng(seed).spawn(len(counted))
    functions = [
        _function(name, counts, guess, lapse, resamples, level, rng)
        for (name, counts), rng in zip(counted, rngs, strict=True)
    ]
    return PsychometricFunctions(tuple(functions), level)


@dataclass(frozen=True, eq=False)
class _Model:
    """Parameters: height of z at the middle of the levels, its rise over their range, and lapses if they are free."""

    scaled: Floats  # levels, from −1/2 to 1/2
    guess: float | None
    lapse: float | None

    def __call__(self, parameters: Floats) -> tuple[Floats, Floats]:
        z = parameters[0] + parameters[1] * self.scaled
        lapse, guess = self.asymptotes(parameters)
        normal, density = ndtr(z), np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
        span = 1 - guess - lapse
        columns = [span * density, span * density * self.scaled]
        if self.lapse is None:
            columns.append(1 - 2 * normal if self.guess is None else -normal)
        return guess + span * normal, np.column_stack(columns)

    def asymptotes(self, parameters: Floats) -> tuple[float, float]:
        lapse = float(parameters[2]) if self.lapse is None else self.lapse
        return lapse, lapse if self.guess is None else self.guess

    def fit(self, counts: tuple[Floats, Floats], start: Floats | None = None) -> Maximum:
        size = 3 if self.lapse is None else 2
        low, high = np.array([-1e3, -_STEEPEST, 0.0])[:size], np.array([1e3, _STEEPEST, MOST_LAPSES])[:size]
        if start is not None:
            return maximise(self, counts, start, (low, high), rise=_ROUGH)
        # The likelihood may have several maxima where lapses are free: steep ones with lapses, flat ones without.
        starts = [np.array([-rise * middle, rise, 0.02])[:size] for rise in _RISES for middle in _MIDDLES]
        found = [maximise(self, counts, one, (low, high)) for one in starts]
        return max(found, key=lambda one: one.log_likelihood)


_RISES, _MIDDLES = (-12.0, -4.0, 4.0, 12.0), (-0.25, 0.0, 0.25)


def _function(
    name: str,
    counts: tuple[Floats, Floats, Floats],
    guess: float | None,
    lapse: float | None,
    resamples: int,
    confidence: float,
    rng: np.random.Generator,
) -> PsychometricFunction:
    levels, trials, yes = counts
    middle, span = (levels[0] + levels[-1]) / 2, np.ptp(levels)
    reason = "fewer than three levels" if levels.size < 3 else None
    reason = reason or ("only one answer was given" if yes.sum() in (0, trials.sum()) else None)
    if reason:
        return PsychometricFunction(
            name, UNDEFINED, UNDEFINED, UNDEFINED, *(np.nan,) * 5, levels=levels, trials=trials, yes=yes, reason=reason
        )
    model = _Model((levels - middle) / span, guess, lapse)
    found = model.fit((yes, trials))
    drawn = [rng.binomial(trials.astype(np.int64), found.probability).astype(np.float64) for _ in range(resamples)]
    again = [model.fit((one, trials), found.parameters) for one in drawn]
    misfit = deviance(found, (yes, trials))
    null = np.array([deviance(one, (said, trials)) for one, said in zip(again, drawn, strict=True)])
    replicates = np.array([one.parameters for one in again])
    values = _measures(model, found.parameters[None], middle, span)[:, 0]
    if np.abs(found.parameters[0] + found.parameters[1] * model.scaled).min() > _SURE:
        reason = "answers change from one level to the next at once: the width is unknown, and so are the bounds"
    elif not _all_one_way(replicates[:, 1]):
        reason = "the answers hardly depend on the level: there is no threshold"
    estimates = [UNDEFINED] * 3
    if reason is None:
        measured = _measures(model, replicates, middle, span)
        estimates = [_estimate(value, one, confidence) for value, one in zip(values, measured, strict=True)]
    lapses, guesses = model.asymptotes(found.parameters)
    return PsychometricFunction(
        participant=name,
        threshold=estimates[0],
        width=estimates[1],
        slope=estimates[2],
        lapse=lapses,
        guess=guesses,
        deviance=misfit,
        deviance_p=float((1 + np.sum(null >= misfit - 1e-9)) / (1 + null.size)),
        log_likelihood=found.log_likelihood,
        levels=levels,
        trials=trials,
        yes=yes,
        reason=reason,
    )


def _measures(model: _Model, parameters: Floats, middle: float, span: float) -> Floats:
    """Threshold, width and slope (3, fits) from parameters (fits, P)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        threshold = middle - span * parameters[:, 0] / parameters[:, 1]
        width = _WIDE * span / parameters[:, 1]
    ends = np.array([sum(model.asymptotes(one)) for one in parameters])
    slope = (1 - ends) * parameters[:, 1] / (span * np.sqrt(2 * np.pi))
    return np.array([threshold, width, slope])


def _all_one_way(rises: Floats) -> bool:
    """Whether nearly all bootstrap samples rise, or nearly all fall."""
    return bool(min(np.mean(rises > 0), np.mean(rises < 0)) < 0.005)


def _estimate(value: float, replicates: Floats, level: float) -> Estimate:
    kept = replicates[np.isfinite(replicates)]
    bias = median_bias(kept, value)
    low, high = bca(kept, bias, 0.0, level) if np.isfinite(bias) else (np.nan, np.nan)
    return Estimate(float(value), float(kept.std(ddof=1)), low, high)


def _counted(table: pd.DataFrame, source: str) -> list[tuple[str, tuple[Floats, Floats, Floats]]]:
    """For every participant the levels, trials and answers of "yes" at each."""
    frame = table[table["role"] == "main"] if "role" in table.columns else table
    column = next((name for name in ("level", "position_deg") if name in frame.columns), None)
    if column is None or "response" not in frame.columns:
        raise LookalikeError(
            "missing-column",
            f"{source}: needs response and level (or position_deg); it has {', '.join(map(str, frame.columns))}",
        )
    levels = pd.to_numeric(frame[column], errors="coerce")
    refuse_rows(~np.isfinite(levels), source, f"{column} is not a number", code="not-a-number")
    said, known = _yes(frame["response"])
    refuse_rows(~(known | frame["response"].isna()), source, "response is none of yes, no, 1, 0", code="unknown-word")
    names = frame["participant"] if "participant" in frame.columns else pd.Series("all", index=frame.index)
    kept = pd.DataFrame({"who": names.astype(str), "x": levels, "yes": said})[known]
    if kept.empty:
        raise LookalikeError("nothing-to-analyse", f"{source}: has no answer in a main trial")
    found = []
    for name, own in kept.groupby("who", sort=True):
        at = own.groupby("x")["yes"].agg(["size", "sum"])
        found.append(
            (
                str(name),
                (at.index.to_numpy(np.float64), at["size"].to_numpy(np.float64), at["sum"].to_numpy(np.float64)),
            )
        )
    return found


def _yes(response: pd.Series) -> tuple[pd.Series, Flags]:
    """Whether each answer is "yes", and whether it is one of the known words."""
    words = response.map(lambda one: f"{one:g}" if isinstance(one, int | float) else str(one).strip().lower())
    return words.isin(YES), words.isin((*YES, *NO)).to_numpy()
