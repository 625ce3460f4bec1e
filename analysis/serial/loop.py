"""Serial dependence when images are matched on a loop: are matches attracted to the previous target?

Signs, stated once. Error = response − target; difference = previous target − present target; both are
wrapped to [−180, 180) degrees. A positive error at a positive difference is *attraction*: positive
amplitude. Negative amplitude is repulsion.

Errors that depend on where the target lies on the loop (some parts of it look alike) would pass for serial
dependence or hide it, so each participant's position bias is removed first. What is left is described by a derivative
of Gaussian (Fischer & Whitney 2014, Nat. Neurosci. 17:738), here parameterised by its peak,

    y(x) = amplitude · (x / width) · exp((1 − (x / width)²) / 2),

so that the largest error is `amplitude_deg`, at the difference `width_deg`. The control puts the next target in place
of the previous one (lag −1): it cannot have had an effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.intervals import RESAMPLES, expanded_percentile
from analysis.serial.neighbours import by_participant, linked, places, slices_by_participant, unbroken
from data.arrays import Floats
from data.circle import derivative_of_gaussian, wrap
from data.results.result import Result, frame_of
from data.trials import refuse_rows

# Narrower curves would rest on a handful of trials, wider ones would not come back to 0 across the loop.
_WIDTHS = np.geomspace(10, 90, 100)


@dataclass(frozen=True, eq=False)
class Curve(Result):
    """The curve that fits one participant's errors best.

    `p` is the share of shuffles (differences assigned to errors at random, fitted alike) that explain at least
    as large a sum of squares, of either sign and any width. What is undefined is NaN, and `reason` says why.
    """

    trials: int
    amplitude_deg: float
    width_deg: float
    p: float
    reason: str | None


@dataclass(frozen=True, eq=False)
class GroupCurve(Result):
    """The curve that fits all participants' errors together, with bounds from resampling `n` participants.

    `p` is as in `Curve`, with differences shuffled within each participant.
    """

    n: int
    undefined: int
    amplitude_deg: float
    amplitude_low: float
    amplitude_high: float
    width_deg: float
    width_low: float
    width_high: float
    p: float
    reason: str | None


@dataclass(frozen=True, eq=False)
class LoopDependence(Result):
    """One participant: `previous` target, and the `next` one as control.

    `unlinked` trials have no neighbour before them (the first, one after a break or resume, one after a missing trial
    number), `unanswered` trials no response. `constant_deg` is the circular mean error, which is removed with the
    position bias; `spread_deg` is the SD of what is left.
    """

    participant: str
    unlinked: int
    unanswered: int
    constant_deg: float
    spread_deg: float
    previous: Curve
    next: Curve


@dataclass(frozen=True, eq=False)
class LoopSerial(Result):
    """Serial dependence of a group on a loop; `harmonics` were removed as position bias."""

    participants: tuple[LoopDependence, ...]
    previous: GroupCurve
    next: GroupCurve
    harmonics: int
    level: float

    def by_participant(self) -> pd.DataFrame:
        """One row per participant."""
        return frame_of(self.participants)


def loop_serial_dependence(
    matches: pd.DataFrame, *, harmonics: int = 2, permutations: int = 2000, level: float = 0.95, seed: int = 0
) -> LoopSerial:
    """Serial dependence of matches on a loop, in one session of each participant.

    Each participant's circular mean error and position bias are removed first (`errors`). A derivative of Gaussian is
    fitted to what is left by least squares, over widths from 10° to 90°. Bounds are expanded percentiles of resampled
    participants.

    Parameters
    ----------
    matches : pandas.DataFrame
        Columns `participant`, `trial` (1, 2, ...), `target_deg` and `response_deg` (positions on the loop in degrees,
        360° around; a missing response is left out and counted). Optional: `after_gap` (True where a break or resume
        came just before the trial) and `loop`, if there was more than one: each loop has a position bias of its own,
        and nothing is compared across loops.
    harmonics : int
        Harmonics of the target's position that are removed as position bias; 0 for none.
    permutations : int
        Shuffles behind each p, at least 1.
    level : float
        Confidence level of the intervals, in (0, 1).
    seed : int
        Seed of all random draws, 0 or larger.

    Returns
    -------
    LoopSerial
        Amplitudes and widths in degrees, for the group and for each participant; what is undefined is NaN with a
        reason. A positive amplitude is attraction to the previous target.

    Raises
    ------
    LookalikeError
        If a column is missing, a trial number repeats, or a target is missing or infinite.

    References
    ----------
    Fischer, J., & Whitney, D. (2014). Serial dependence in visual perception. Nature Neuroscience, 17, 738-743.

    Examples
    --------
    Matches that are attracted to the previous target by up to 5°:

    >>> import numpy as np, pandas as pd
    >>> from analysis.serial.loop import loop_serial_dependence
    >>> from data.circle import derivative_of_gaussian, wrap
    >>> rng = np.random.default_rng(1)
    >>> target = rng.uniform(0, 360, 400)
    >>> pull = derivative_of_gaussian(wrap(np.roll(target, 1) - target), 5, 30)
    >>> matches = pd.DataFrame({"participant": "p1", "trial": range(1, 401), "target_deg": target})
    >>> matches["response_deg"] = target + pull + 3 * rng.standard_normal(400)
    >>> one = loop_serial_dependence(matches, permutations=99).participants[0].previous
    >>> print(f"amplitude {one.amplitude_deg:.0f}°, p = {one.p:.2f}")
    amplitude 6°, p = 0.01
    """
    rng = np.random.default_rng(seed)
    tables = prepared(matches, harmonics)
    previous, following = ([_sums(_pairs(table, lag), permutations, rng) for _, table in tables] for lag in (1, -1))
    participants = [
        LoopDependence(
            participant=name,
            unlinked=int(np.sum(~table["linked"])),
            unanswered=int(table["response_deg"].isna().sum()),
            constant_deg=_mean_deg(table.loc[table["error_deg"].notna(), "constant_deg"]),
            spread_deg=float(table["error_deg"].std(ddof=1)),
            previous=_curve(before),
            next=_curve(after),
        )
        for (name, table), before, after in zip(tables, previous, following, strict=True)
    ]
    return LoopSerial(
        participants=tuple(participants),
        previous=_group(previous, level, rng),
        next=_group(following, level, rng),
        harmonics=harmonics,
        level=level,
    )


def errors(frame: pd.DataFrame, *, harmonics: int = 2, lag: int = 1) -> pd.DataFrame:
    """The pairs that are fitted, for a figure: participant, trial, difference_deg, error_deg.

    Of each participant's errors the circular mean is removed, then least squares on sine and cosine of 1 to
    `harmonics` times the target's position; what is left is wrapped again. `lag` −1 takes the next target.
    Raises `LookalikeError` as `loop_serial_dependence` does.
    """
    rows = [_pairs(table, lag).assign(participant=name) for name, table in prepared(frame, harmonics)]
    columns = ["participant", "trial", "difference_deg", "error_deg"]
    return pd.concat(rows, ignore_index=True)[columns] if rows else pd.DataFrame(columns=columns)


@dataclass(frozen=True)
class _Sums:
    """What a fit needs of one participant's pairs, at every width: Σ error · shape and Σ shape² (widths,).

    `shuffled` (permutations, widths) is the first sum with the errors in random order.
    """

    trials: int
    products: Floats
    squares: Floats
    shuffled: Floats
    reason: str | None


def prepared(frame: pd.DataFrame, harmonics: int) -> list[tuple[str, pd.DataFrame]]:
    """Each participant's trials in order, with `linked`, `constant_deg`, and `error_deg` without position bias."""
    shown = by_participant(frame, ["target_deg", "response_deg"])
    shown = shown.assign(linked=linked(shown))
    target, response = (frame[name].to_numpy(dtype=np.float64) for name in ("target_deg", "response_deg"))
    refuse_rows(pd.Series(~np.isfinite(target)), "the trials", "target_deg is not an angle", code="not-a-number")
    refuse_rows(pd.Series(np.isinf(response)), "the trials", "response_deg is infinite", code="not-a-number")
    return [(name, _by_loop(shown.iloc[rows], harmonics)) for name, rows in slices_by_participant(shown)]


def _by_loop(table: pd.DataFrame, harmonics: int) -> pd.DataFrame:
    if "loop" not in table.columns:
        return _without_bias(table, harmonics)
    refuse_rows(table["loop"].isna(), "the trials", "loop is missing", code="missing-value")
    table = table.assign(linked=table["linked"] & (table["loop"] == table["loop"].shift()))
    parts = [_without_bias(part, harmonics) for _, part in table.groupby("loop")]
    return pd.concat(parts).sort_values("trial")


def _mean_deg(angles: pd.Series) -> float:
    """The circular mean; NaN if there are no angles."""
    return float(np.degrees(np.angle(np.mean(np.exp(1j * np.radians(angles)))))) if len(angles) else np.nan


def _without_bias(table: pd.DataFrame, harmonics: int) -> pd.DataFrame:
    target, response = (table[name].to_numpy(dtype=np.float64) for name in ("target_deg", "response_deg"))
    answered = ~np.isnan(response)
    error = np.full(len(table), np.nan)
    constant = np.nan
    # Fewer than two trials per coefficient would leave next to nothing of the errors.
    if answered.sum() >= 2 * (2 * harmonics + 1):
        raw = np.radians(response - target)[answered]
        constant = float(np.degrees(np.angle(np.mean(np.exp(1j * raw)))))
        # Centred on their mean, so that they wrap where errors are fewest.
        centred = wrap(np.degrees(raw) - constant)
        around = np.radians(target[answered])[:, None] * np.arange(1, harmonics + 1)
        smooth = np.hstack([np.ones((centred.size, 1)), np.cos(around), np.sin(around)])
        error[answered] = wrap(centred - smooth @ np.linalg.lstsq(smooth, centred, rcond=None)[0])
    return table.assign(error_deg=error, constant_deg=constant)


def _pairs(table: pd.DataFrame, lag: int) -> pd.DataFrame:
    """trial, difference_deg and error_deg of the trials that have an error and a neighbour `lag` before."""
    now, other = places(len(table), lag)
    target, error = table["target_deg"].to_numpy(dtype=np.float64), table["error_deg"].to_numpy(dtype=np.float64)
    kept = unbroken(table["linked"].to_numpy(dtype=np.bool_), lag) & ~np.isnan(error[now])
    pairs = pd.DataFrame(
        {
            "trial": table["trial"].to_numpy()[now],
            "difference_deg": wrap(target[other] - target[now]),
            "error_deg": error[now],
        }
    )
    return pairs[kept]


def _sums(pairs: pd.DataFrame, permutations: int, rng: np.random.Generator) -> _Sums:
    difference, error = pairs["difference_deg"].to_numpy(), pairs["error_deg"].to_numpy()
    shapes = np.column_stack([derivative_of_gaussian(difference, 1.0, float(width)) for width in _WIDTHS])
    reason = None
    if len(pairs) < 3:
        reason = "fewer than three trials with an error and a neighbour"
    elif np.abs(difference).max() < 1e-9:
        reason = "the target never changes from trial to trial"
    elif np.ptp(error) < 1e-9:
        reason = "the errors do not vary"
    shuffled = np.empty((permutations, _WIDTHS.size))
    for start in range(0, permutations, 200):  # in parts: all shuffles of a long session would not fit in memory
        part = shuffled[start : start + 200]
        part[:] = rng.permuted(np.tile(error, (len(part), 1)), axis=1) @ shapes
    return _Sums(len(pairs), error @ shapes, np.sum(shapes**2, axis=0), shuffled, reason)


def _curve(sums: _Sums) -> Curve:
    if sums.reason is not None:
        return Curve(sums.trials, np.nan, np.nan, np.nan, sums.reason)
    amplitude, width = _best(sums.products, sums.squares)
    p = _permutation_p(sums.products, sums.shuffled, sums.squares)
    return Curve(sums.trials, amplitude, width, p, _at_edge(width))


def _group(participants: Sequence[_Sums], level: float, rng: np.random.Generator) -> GroupCurve:
    kept = [one for one in participants if one.reason is None]
    n, undefined = len(kept), len(participants) - len(kept)
    amplitude = width = p = np.nan
    amplitudes, widths = np.empty(0), np.empty(0)
    reasons = ["no participant has a curve" if not n else None, "one participant: no interval" if n == 1 else None]
    if n:
        products, squares = (np.stack([getattr(one, name) for one in kept]) for name in ("products", "squares"))
        amplitude, width = _best(products.sum(axis=0), squares.sum(axis=0))
        reasons.append(_at_edge(width))
        p = _permutation_p(products.sum(axis=0), np.sum([one.shuffled for one in kept], axis=0), squares.sum(axis=0))
        weights = rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
        drawn, weighed = weights @ products, weights @ squares
        best = _gain(drawn, weighed).argmax(axis=1)
        amplitudes, widths = (drawn / weighed)[np.arange(RESAMPLES), best], _WIDTHS[best]
    amplitude_low, amplitude_high = expanded_percentile(amplitudes, n, level)
    width_low, width_high = expanded_percentile(widths, n, level)
    return GroupCurve(
        n=n,
        undefined=undefined,
        amplitude_deg=amplitude,
        amplitude_low=amplitude_low,
        amplitude_high=amplitude_high,
        width_deg=width,
        width_low=width_low,
        width_high=width_high,
        p=p,
        reason="; ".join(why for why in reasons if why) or None,
    )


def _gain(products: Floats, squares: Floats) -> Floats:
    """The sum of squares explained at every width."""
    return np.asarray(products**2 / squares, dtype=np.float64)


def _best(products: Floats, squares: Floats) -> tuple[float, float]:
    """Amplitude and width where the gain is largest, interpolated between grid points by a parabola in log width."""
    gain, amplitude = _gain(products, squares), products / squares
    peak = int(gain.argmax())
    if peak in (0, _WIDTHS.size - 1):
        return float(amplitude[peak]), float(_WIDTHS[peak])
    around = slice(peak - 1, peak + 2)
    before, top, after = gain[around]
    bend = before - 2 * top + after
    shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    low, middle, high = amplitude[around]
    interpolated = middle + shift * (high - low) / 2 + shift**2 * (high - 2 * middle + low) / 2
    return float(interpolated), float(_WIDTHS[peak] * (_WIDTHS[1] / _WIDTHS[0]) ** shift)


def _permutation_p(products: Floats, shuffled: Floats, squares: Floats) -> float:
    observed = _gain(products, squares).max()
    as_large = np.sum(_gain(shuffled, squares).max(axis=1) >= observed * (1 - 1e-9))
    return float((as_large + 1) / (len(shuffled) + 1))


def _at_edge(width: float) -> str | None:
    at_edge = width in (_WIDTHS[0], _WIDTHS[-1])
    return f"the width is at the edge of the range searched ({width:.0f}°)" if at_edge else None
