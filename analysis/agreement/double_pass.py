"""Two passes through the same images: internal noise, and how d′ and the criterion changed.

An answer given again to the same image depends on what is the same (the image, and the observer's own
lasting impression of it) and on what differs from one view to the next (internal noise). How often the two answers
agree, beyond what d′ and the criteria give, says how large the second is beside the first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtr, ndtri, owens_t
from scipy.stats import chi2

from analysis import intervals
from analysis.trials import is_generated
from data.arrays import Floats
from data.errors import LookalikeError
from data.results.result import Result

# The share of repeated variance is sin(angle): an angle because, with unbiased criteria, agreement is
# linear in it. A quarter of a degree per step; the maximum and the bounds are interpolated.
_ANGLES = np.linspace(0, np.pi / 2, 361)


@dataclass(frozen=True, eq=False)
class InternalNoise(Result):
    """Internal noise of one observer, from answers to the same images twice.

    `real` and `generated` count images answered twice. `repeated` [0, 1] is the share of the evidence's
    variance that both passes have in common, the correlation of two views of images of one truth;
    `ratio` = √((1 − repeated) / repeated) is internal noise in units of external noise, infinite where
    nothing is repeated. Bounds are at `level`. What is undefined is NaN; `reason` says why, or that the
    estimate is at the edge of its range.
    """

    real: int
    generated: int
    repeated: float
    repeated_low: float
    repeated_high: float
    ratio: float
    ratio_low: float
    ratio_high: float
    level: float
    reason: str | None


@dataclass(frozen=True, eq=False)
class Change(Result):
    """d′ and c of two passes over the same images, and their change (second minus first).

    `se` is the standard error of `dprime_change`, that of `criterion_change` is half of it: both rest
    on the same four z values. Bounds are at `level`. What is undefined is NaN and `reason` says why.
    """

    real: int
    generated: int
    dprime_first: float
    dprime_second: float
    dprime_change: float
    se: float
    dprime_low: float
    dprime_high: float
    criterion_first: float
    criterion_second: float
    criterion_change: float
    criterion_low: float
    criterion_high: float
    level: float
    reason: str | None


def internal_noise(
    truth: npt.ArrayLike, first: npt.ArrayLike, second: npt.ArrayLike, level: float = 0.95
) -> InternalNoise:
    """Internal noise in units of external noise, from answers to the same images twice (a double pass).

    Parameters
    ----------
    truth : array_like of str, shape (images,)
        "real" or "generated".
    first, second : array_like of str, shape (images,)
        The answers of the two passes; images without both are left out.
    level : float, optional
        Level of the intervals, in (0, 1).

    Returns
    -------
    InternalNoise
        `repeated` [0, 1], the share of the evidence's variance that both passes have in common, and `ratio` =
        √((1 − repeated) / repeated), with profile-likelihood bounds. What is undefined is NaN and `reason` says why.

    Raises
    ------
    LookalikeError
        For another word, or unequal lengths.

    Notes
    -----
    On an image of truth t, pass s answers "generated" if t's mean + external + internal noise exceeds the criterion of
    s; both noises are normal. The answers to images of one truth are then two cuts through a bivariate normal whose
    correlation is the repeated share of the variance. It is found by maximum likelihood from the two 2 × 2 tables
    (first × second answer, real and generated images), with the cuts where the observed rates put them, so each pass
    keeps a d′ and a criterion of its own. Every cell is given a quarter of an image more, which makes the rates
    log-linear (x + ½) / (n + 1), unless there is no disagreement at all.

    External is everything that is the same in both passes: the image, the observer's lasting view of it, and remembered
    answers too. So where images are remembered, internal noise is larger than this says.

    For 50 + 50 images and d′ from 0 to 2, the mean of `repeated` is within .03 of .2, .5 and .8, and the interval
    covers .94–.97 (1,500 observers each; test_double_pass uses fewer).

    References
    ----------
    Burgess & Colborne 1988, J. Opt. Soc. Am. A 5:617.

    Examples
    --------
    >>> import numpy as np
    >>> from analysis import internal_noise
    >>> rng = np.random.default_rng(1)
    >>> truth, shared = np.repeat(["real", "generated"], 100), rng.normal(np.repeat([-0.5, 0.5], 100))
    >>> first, second = (np.where(shared + rng.normal(size=200) > 0, "generated", "real") for _ in range(2))
    >>> found = internal_noise(truth, first, second)
    >>> round(found.ratio, 2), round(found.ratio_low, 2), round(found.ratio_high, 2)
    (1.28, 0.87, 2.32)
    """
    tables = paired_tables(truth, first, second)
    real, generated = (int(table.sum()) for table in tables)
    reason = _no_information(tables)
    repeated = low = high = np.nan
    if reason is None:
        agreed = tables[:, [0, 1], [1, 0]].sum() == 0
        repeated, low, high = _profile(tables if agreed else tables + 0.25, level)
        if agreed:
            reason = "the two passes agree on every image: internal noise is too small to measure"
        elif repeated == 0:
            reason = "the two passes agree no more than their rates alone would give: nothing is repeated"
    return InternalNoise(
        real=real,
        generated=generated,
        repeated=repeated,
        repeated_low=low,
        repeated_high=high,
        ratio=_ratio(repeated),
        ratio_low=_ratio(high),
        ratio_high=_ratio(low),
        level=level,
        reason=reason,
    )


def dprime_change(truth: npt.ArrayLike, first: npt.ArrayLike, second: npt.ArrayLike, level: float = 0.95) -> Change:
    """How d′ and the criterion changed from one pass through the same images to the next.

    Parameters
    ----------
    truth : array_like of str, shape (images,)
        "real" or "generated".
    first, second : array_like of str, shape (images,)
        The answers of the two passes; images without both are left out.
    level : float, optional
        Level of the intervals, in (0, 1).

    Returns
    -------
    Change
        d′ and c of both passes and their change, second less first, with standard error and bounds.

    Raises
    ------
    LookalikeError
        For another word, or unequal lengths.

    Notes
    -----
    Rates are log-linear, by a quarter of an image more in each cell of a truth's table of first × second answer. With p
    and q its rates of "generated", p₂ its share of "generated" twice and φ the normal density at z,

        Var(z(q) − z(p)) = [p(1−p)/φ(zp)² + q(1−q)/φ(zq)² − 2 (p₂ − pq)/(φ(zp) φ(zq))] / n

    by the delta method; SE² sums it over the two truths. The last term is the pairing: answers to the same image go
    together, so the change is surer than that between two sets of images. Bounds are ± z·SE.

    References
    ----------
    Gourevitch, V. & Galanter, E. (1967). A significance test for one parameter isosensitivity functions.
    Psychometrika, 32, 25-33.

    Examples
    --------
    >>> from analysis import dprime_change
    >>> truth = ["generated"] * 10 + ["real"] * 10
    >>> first = ["generated"] * 6 + ["real"] * 4 + ["generated"] * 4 + ["real"] * 6
    >>> second = ["generated"] * 8 + ["real"] * 2 + ["generated"] * 3 + ["real"] * 7
    >>> found = dprime_change(truth, first, second)
    >>> round(found.dprime_first, 2), round(found.dprime_second, 2), round(found.se, 2)
    (0.46, 1.22, 0.48)
    """
    tables = paired_tables(truth, first, second)
    real, generated = (int(table.sum()) for table in tables)
    z, se, reason = np.full((2, 2), np.nan), np.nan, None
    if real and generated:
        z, variance = _paired_z(tables + 0.25)
        se = float(np.sqrt(variance.sum()))
    else:
        missing = " and no ".join(name for name, n in (("real", real), ("generated", generated)) if not n)
        reason = f"no {missing} image was answered in both sessions"
    dprime, criterion = z[1] - z[0], -(z[1] + z[0]) / 2
    by_dprime, by_criterion = (float(pair[1] - pair[0]) for pair in (dprime, criterion))
    margin = intervals.critical(level) * se
    return Change(
        real=real,
        generated=generated,
        dprime_first=float(dprime[0]),
        dprime_second=float(dprime[1]),
        dprime_change=by_dprime,
        se=se,
        dprime_low=by_dprime - margin,
        dprime_high=by_dprime + margin,
        criterion_first=float(criterion[0]),
        criterion_second=float(criterion[1]),
        criterion_change=by_criterion,
        criterion_low=by_criterion - margin / 2,
        criterion_high=by_criterion + margin / 2,
        level=level,
        reason=reason,
    )


def paired_tables(truth: npt.ArrayLike, first: npt.ArrayLike, second: npt.ArrayLike) -> Floats:
    """How often each pair of answers was given: shape (2, 2, 2) by truth, first and second answer.

    Each axis is real, generated. Images without both answers are left out. Raises `LookalikeError` for
    another word or unequal lengths.
    """
    generated, a, b = is_generated(truth), np.asarray(first, dtype=object), np.asarray(second, dtype=object)
    if not generated.shape == a.shape == b.shape:
        raise LookalikeError(
            "unequal-lengths",
            f"{generated.size} truths, {a.size} first and {b.size} second answers: there must be one of each per image",
        )
    both = ~np.asarray(pd.isna(a) | pd.isna(b), dtype=np.bool_)
    cell = 4 * generated[both] + 2 * is_generated(a[both]) + is_generated(b[both])
    return np.bincount(cell, minlength=8).reshape(2, 2, 2).astype(np.float64)


def _no_information(tables: Floats) -> str | None:
    if not tables.sum():
        return "no image was answered in both sessions"
    first, second = tables.sum(axis=2), tables.sum(axis=1)
    varies = (first.min(axis=1) > 0) & (second.min(axis=1) > 0)
    return (
        None if varies.any() else "a session gave one answer only to the images of a truth: agreement is uninformative"
    )


def _profile(tables: Floats, level: float) -> tuple[float, float, float]:
    """The repeated share and its bounds, from the log-likelihood at every angle."""
    likelihood = _log_likelihood(tables)
    peak = int(likelihood.argmax())
    angle, top = _ANGLES[peak], likelihood[peak]
    if 0 < peak < _ANGLES.size - 1 and np.isfinite(likelihood[peak - 1 : peak + 2]).all():
        before, top, after = likelihood[peak - 1 : peak + 2]
        bend = before - 2 * top + after
        # A parabola through three neighbours; a flat top has no bend.
        shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
        angle, top = angle + shift * (_ANGLES[1] - _ANGLES[0]), top - 0.25 * (before - after) * shift
    # -inf (impossible at the end of the range) would make interpolation NaN.
    drop = np.minimum(2 * (top - likelihood), 1e6) - chi2.ppf(level, 1)
    bounds = [_crossing(drop[: peak + 1][::-1], _ANGLES[: peak + 1][::-1]), _crossing(drop[peak:], _ANGLES[peak:])]
    repeated, low, high = (float(np.sin(one)) for one in (angle, *bounds))
    return repeated, low, high


def _crossing(drop: Floats, angles: Floats) -> float:
    """Where `drop` first rises above 0 on the way from the peak; the end of the range if it never does."""
    above = np.flatnonzero(drop > 0)
    if not above.size or above[0] == 0:
        return float(angles[-1] if not above.size else angles[0])
    here = above[0]
    return float(np.interp(0, drop[here - 1 : here + 1], angles[here - 1 : here + 1]))


def _log_likelihood(tables: Floats) -> Floats:
    """Of both tables together, at every angle: shape (angles,)."""
    total = np.zeros(_ANGLES.size)
    for table in tables:
        share = table / max(table.sum(), 1)
        p, q = float(share[1].sum()), float(share[:, 1].sum())
        if not (0 < p < 1 and 0 < q < 1):
            continue  # its cut is at infinity: every correlation gives these rates
        twice = _both_above(float(ndtri(p)), float(ndtri(q)))
        cells = np.stack([1 - p - q + twice, q - twice, p - twice, twice])
        counts = table.reshape(4, 1)
        with np.errstate(divide="ignore"):
            # Rounding can leave an impossible cell just below 0.
            terms = counts * np.log(np.maximum(cells, 0), where=counts > 0, out=np.zeros_like(cells))
        total += terms.sum(axis=0)
    return total


def _both_above(h: float, k: float) -> Floats:
    """P(X < h, Y < k) of standard normals with correlation sin(angle), for every angle.

    By Owen's T function (Owen 1956, Ann. Math. Stat. 27:1075, equation 2.1).
    """
    correlation = np.sin(_ANGLES[1:-1])
    spread = np.cos(_ANGLES[1:-1])
    # A cut of exactly 0 is approached from above: the formula divides by it.
    h, k = h or 1e-300, k or 1e-300
    inside = (
        0.5 * (ndtr(h) + ndtr(k))
        - owens_t(h, (k / h - correlation) / spread)
        - owens_t(k, (h / k - correlation) / spread)
        - (0.5 if (h < 0) != (k < 0) else 0.0)
    )
    return np.concatenate([[ndtr(h) * ndtr(k)], inside, [ndtr(min(h, k))]])


def _ratio(repeated: float) -> float:
    return np.inf if repeated == 0 else float(np.sqrt((1 - repeated) / repeated))


def _paired_z(tables: Floats) -> tuple[Floats, Floats]:
    """z of the rates of "generated", shape (truth, pass), and the variance of each truth's change in z."""
    n = tables.sum(axis=(1, 2))
    p, q, twice = tables[:, 1].sum(axis=1) / n, tables[:, :, 1].sum(axis=1) / n, tables[:, 1, 1] / n
    z = np.stack([ndtri(p), ndtri(q)], axis=1)
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    each = p * (1 - p) / density[:, 0] ** 2 + q * (1 - q) / density[:, 1] ** 2
    return z, (each - 2 * (twice - p * q) / density.prod(axis=1)) / n
