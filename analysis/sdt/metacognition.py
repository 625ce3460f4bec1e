"""meta-d′: how much an observer's confidence knows, in the units of d′.

meta-d′ is the d′ of an ideal observer whose confidence would discriminate right from wrong answers as well as
the data's does (Maniscalco & Lau 2012, Conscious. Cogn. 21:422; 2014, in Fleming & Frith, The Cognitive
Neuroscience of Metacognition, ch. 3). Real images give evidence N(−d′/2, 1), generated ones N(d′/2, 1), both
variances equal; the criterion c and the confidence criteria cut it. For the confidences alone, given truth and
response, d′ is replaced by meta-d′ and c by meta-c. The models differ in meta-c:

- "fleming": meta-c = c, the criterion stays where it is, as in the single-subject model of HMeta-d (Fleming
  2017, Neurosci. Conscious. nix007). Nothing is divided by d′, so that it holds at and below d′ = 0.
- "maniscalco-lau": meta-c = meta-d′ · c / d′, the criterion keeps its place relative to d′. It is undefined at
  d′ = 0 and unstable near it: there any meta-d′ that differs from d′ moves the criterion out of the data.

With c = 0 they are the same. M-diff = meta-d′ − d′ and M-ratio = meta-d′ / d′.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy.special import log_ndtr, ndtr, ndtri_exp

from analysis import intervals
from analysis.likelihood import Maximum, delta, density, maximise_each
from analysis.sdt import yesno
from analysis.sdt.confidence import ConfidenceCounts, count_confidence
from data.arrays import Floats, Ints
from data.errors import check_choice
from data.results.result import UNDEFINED, Estimate, Result

Model = Literal["fleming", "maniscalco-lau"]

# No experiment measures a d′ of this size; an estimate beyond it is on its way to infinity.
LARGEST = 8.0
_RUNAWAY: dict[Model, str] = {
    "fleming": "the likelihood has no maximum at a finite meta-d′",
    # With |c / d′| > 1/2 both means lie on one side of the criterion, and more meta-d′ changes less and less there.
    "maniscalco-lau": "the likelihood has no maximum at a finite meta-d′, for c / d′ is large; use the model fleming",
}


@dataclass(frozen=True, eq=False)
class Metacognition(Result):
    """One observer's meta-d′.

    `dprime`, `meta_dprime`, `m_diff` (in SDs of the evidence) and `m_ratio` hold value, standard error and bounds
    at `level`; `criterion` is c and `meta_criterion` meta-c. `criteria_real` and `criteria_generated` (levels − 1,)
    are the confidence criteria of the two responses, ascending on the axis of the evidence. `m_ratio` is withheld
    where the interval of d′ includes 0; `m_ratio_reason` says so. `log_likelihood` is that of the confidences
    given truth and response, padding included. `trials` have a response and a confidence, `unrated` have not. What
    is undefined is NaN and `reason` says why.
    """

    model: Model
    dprime: Estimate
    criterion: float
    meta_dprime: Estimate
    m_diff: Estimate
    m_ratio: Estimate
    m_ratio_reason: str | None
    meta_criterion: float
    criteria_real: Floats
    criteria_generated: Floats
    log_likelihood: float
    padding: bool
    level: float
    trials: int
    unrated: int
    reason: str | None


def meta_dprime(
    truth: npt.ArrayLike,
    response: npt.ArrayLike,
    confidence: npt.ArrayLike,
    model: Model = "fleming",
    *,
    padding: bool = True,
    level: float = 0.95,
) -> Metacognition:
    """meta-d′: how much an observer's confidence knows about being right, in the units of d′.

    Parameters
    ----------
    truth : array_like of str, shape (trials,)
        "real" or "generated".
    response : array_like of str, shape (trials,)
        "real" or "generated", None or NaN where there is none.
    confidence : array_like of float, shape (trials,)
        1, 2, 3, ... from unsure to sure, NaN where there is none.
    model : {"fleming", "maniscalco-lau"}, optional
        Where the criterion is for the confidences: where it is (holds at and below d′ = 0), or at the same place
        relative to meta-d′ (undefined at d′ = 0).
    padding : bool, optional
        Whether half a trial is added to each pair of truth and response (see `meta_dprime_from_counts`).
    level : float, optional
        Level of the intervals, in (0, 1).

    Returns
    -------
    Metacognition
        `dprime`, `meta_dprime`, `m_diff` = meta-d′ − d′ (in SDs of the evidence) and `m_ratio` = meta-d′ / d′, each
        with standard error and bounds. `m_ratio` is withheld where the interval of d′ includes 0.

    Raises
    ------
    LookalikeError
        For another word, unequal lengths, or a confidence that is not a positive whole number.

    References
    ----------
    Maniscalco & Lau 2012, Conscious. Cogn. 21:422; Fleming 2017, Neurosci. Conscious. nix007.

    Examples
    --------
    >>> import numpy as np
    >>> from analysis import meta_dprime
    >>> rng = np.random.default_rng(1)
    >>> truth = np.repeat(["real", "generated"], 100)
    >>> evidence = rng.normal(np.repeat([-0.5, 0.5], 100))
    >>> response = np.where(evidence > 0, "generated", "real")
    >>> found = meta_dprime(truth, response, 1 + np.digitize(abs(evidence), [0.5, 1, 1.5]))
    >>> round(found.dprime.value, 2), round(found.meta_dprime.value, 2), round(found.m_diff.se, 2)
    (1.07, 0.95, 0.33)
    """
    return meta_dprime_from_counts(count_confidence(truth, response, confidence), model, padding=padding, level=level)


def meta_dprime_from_counts(
    counts: ConfidenceCounts, model: Model = "fleming", *, padding: bool = True, level: float = 0.95
) -> Metacognition:
    """meta-d′ by maximum likelihood of the confidences given truth and response.

    `padding` gives half a trial to each of the four pairs of truth and response, spread evenly over the levels
    used with that response: once, for d′ and meta-d′ alike. d′ and c are then those of the log-linear correction
    (Hautus 1995), and with all levels used it is the 1 / (2 levels) per cell that Maniscalco & Lau advise.
    A level never used with a response is dropped there, for it says nothing.

    d′ and c are estimated first, from truth and response alone, and stay fixed. The standard error of meta-d′
    counts their uncertainty in (Murphy & Topel 1985, J. Bus. Econ. Stat. 3:370), on the number of trials without
    padding. Intervals are value ± z·SE; that of the M-ratio is Fieller's (1954, J. R. Stat. Soc. B 16:175), which is
    finite exactly where the interval of d′ excludes 0. For ideal observers of 50 + 50 or 100 + 100 images, d′ from 0
    to 2 and c from 0 to .4, the 95% intervals of meta-d′ and M-diff cover in 94 to 96% under "fleming", and M-diff is
    centred on 0 within .02. Under "maniscalco-lau" meta-d′ covers in about 90% at d′ = 0, c = .4.
    """
    return meta_dprimes([counts], model, padding=padding, level=level)[0]


def meta_dprimes(
    many: Sequence[ConfidenceCounts], model: Model = "fleming", *, padding: bool = True, level: float = 0.95
) -> list[Metacognition]:
    """`meta_dprime_from_counts` of each observer; many together take far less time than one by one."""
    check_choice(model, get_args(Model), "model")
    asked = [_Asked.of(counts, model, padding, level) for counts in many]
    fits: list[Maximum | None] = [None] * len(asked)
    for sizes in {one.task.sizes for one in asked}:
        places = [place for place, one in enumerate(asked) if one.task.sizes == sizes and one.reason is None]
        for place, found in zip(places, _fits([asked[place] for place in places], model), strict=True):
            fits[place] = found
    return [_read(counts, one, fit, padding, level) for counts, one, fit in zip(many, asked, fits, strict=True)]


@dataclass(frozen=True, eq=False)
class _Asked:
    """One observer's rates, d′ and confidences, and why there is no meta-d′, if there is none."""

    rates: yesno.YesNo
    bare: _Confidences
    task: _Confidences
    type1: _Type1
    reason: str | None

    @classmethod
    def of(cls, counts: ConfidenceCounts, model: Model, padding: bool, level: float) -> _Asked:
        answers = counts.table.sum(axis=2)
        rates = yesno.dprime(
            hits=int(answers[1, 1]),
            misses=int(answers[1, 0]),
            false_alarms=int(answers[0, 1]),
            correct_rejections=int(answers[0, 0]),
            correction="log-linear" if padding else "none",
            level=level,
        )
        bare, task = _Confidences.of(counts, 0.0), _Confidences.of(counts, 0.5 if padding else 0.0)
        type1 = _Type1.of(rates, model)
        return cls(rates, bare, task, type1, rates.reason or _no_maximum(bare, task, type1))


def _read(counts: ConfidenceCounts, asked: _Asked, best: Maximum | None, padding: bool, level: float) -> Metacognition:
    reason, rates, model = asked.reason, asked.rates, asked.type1.model
    if best is not None and not (best.converged and abs(best.parameters[0]) < LARGEST):
        reason, best = _RUNAWAY[model], None
    return Metacognition(
        model=model,
        dprime=Estimate(rates.dprime, rates.se, rates.low, rates.high),
        criterion=rates.criterion,
        padding=padding,
        level=level,
        trials=int(counts.table.sum()),
        unrated=counts.unrated,
        reason=reason,
        **(_undefined(reason) if best is None else _defined(best, asked.bare, asked.task, asked.type1, level)),
    )


@dataclass(frozen=True, eq=False)
class _Type1:
    """d′ and c, their covariance (2, 2), and the model that says how meta-c follows from them."""

    dprime: float
    criterion: float
    covariance: Floats
    model: Model

    @classmethod
    def of(cls, rates: yesno.YesNo, model: Model) -> _Type1:
        z = np.array([rates.dprime / 2 - rates.criterion, -rates.dprime / 2 - rates.criterion])
        trials = np.array([rates.hits + rates.misses, rates.false_alarms + rates.correct_rejections])
        with np.errstate(divide="ignore", invalid="ignore"):  # without rates there will be no fit
            variance = ndtr(z) * ndtr(-z) / (trials * density(z) ** 2)
        turn = np.array([[1.0, -1.0], [-0.5, -0.5]])  # from z(hit), z(false alarm) to d′, c
        return cls(rates.dprime, rates.criterion, turn @ np.diag(variance) @ turn.T, model)

    def meta_criterion(self, meta: float) -> tuple[float, float, Floats]:
        """meta-c, and its derivatives by meta-d′ and by (d′, c)."""
        place, by_meta, by_type1 = _meta_criterion(self.model, np.array([self.dprime, self.criterion]), np.array(meta))
        return float(place), float(by_meta), by_type1


def _meta_criterion(model: Model, type1: Floats, meta: Floats) -> tuple[Floats, Floats, Floats]:
    """meta-c (...) at each meta-d′ (...) and (d′, c) (..., 2), and its derivatives by these two."""
    dprime, criterion = type1[..., 0], type1[..., 1]
    none = np.zeros_like(meta)
    if model == "fleming":
        return criterion + none, none, np.stack([none, none + 1], axis=-1)
    share = criterion / dprime
    return meta * share, share + none, np.stack([-meta * share, meta], axis=-1) / dprime[..., None]


@dataclass(frozen=True, eq=False)
class _Confidences:
    """Right and wrong answers by level used, lowest first, for the two responses: generated, then real."""

    right: tuple[Floats, Floats]
    wrong: tuple[Floats, Floats]

    @classmethod
    def of(cls, counts: ConfidenceCounts, padding: float) -> _Confidences:
        parts: tuple[list[Floats], list[Floats]] = ([], [])
        for said in ("generated", "real"):
            right, wrong = counts.correct(said), counts.incorrect(said)
            used = right + wrong > 0
            extra = padding / max(1, int(used.sum()))
            for kept, part in zip(parts, (right, wrong), strict=True):
                kept.append(np.asarray(part[used] + extra, dtype=np.float64))
        return cls((parts[0][0], parts[0][1]), (parts[1][0], parts[1][1]))

    @property
    def sizes(self) -> tuple[int, int]:
        """How many levels are used with the two responses."""
        return self.right[0].size, self.right[1].size

    def flat(self) -> tuple[Floats, Floats]:
        """All counts in the order of `_cells`, and for each the size of its multinomial."""
        groups = (self.right[0], self.wrong[0], self.right[1], self.wrong[1])
        return np.concatenate(groups), np.concatenate([np.full(one.size, one.sum()) for one in groups])


def _no_maximum(bare: _Confidences, task: _Confidences, type1: _Type1) -> str | None:
    """Why meta-d′ cannot be estimated from these confidences, or None."""
    telling = [
        side
        for side, (right, wrong) in enumerate(zip(bare.right, bare.wrong, strict=True))
        if right.size > 1 and right.sum() > 0 and wrong.sum() > 0
    ]
    if not telling:
        return "no response has right and wrong answers at two or more levels of confidence"
    if type1.model == "maniscalco-lau" and abs(type1.dprime) < 1e-9:
        return "d′ is 0, so c / d′ is undefined; use the model fleming"
    # Above each criterion from the highest down: all right answers, or no wrong one (and the other way round).
    over = [(_above(task.right[side]), _above(task.wrong[side])) for side in telling]
    if all(((right == 1) | (wrong == 0)).all() for right, wrong in over):
        return "confidence separates right and wrong answers completely: meta-d′ is unbounded"
    if all(((right == 0) | (wrong == 1)).all() for right, wrong in over):
        return "confidence separates right and wrong answers in the wrong direction: meta-d′ is unbounded below"
    return None


def _above(counts: Floats) -> Floats:
    """The share of answers above each confidence criterion (levels − 1,)."""
    return np.asarray(np.cumsum(counts[::-1])[-2::-1] / counts.sum(), dtype=np.float64)


def confidence_profile(counts: ConfidenceCounts, criterion: float, metas: Floats) -> Floats | None:
    """The log-likelihood of the confidences given truth and response at each meta-d′ (N,), with the best criteria.

    The response criterion stays in place ("fleming"); nothing is padded. None where the confidences tell nothing.
    """
    task = _Confidences.of(counts, 0.0)
    total, told = np.zeros(metas.size), False
    for right, wrong, sign in zip(task.right, task.wrong, (1, -1), strict=True):
        if right.size < 2 or not (right.sum() > 0 and wrong.sum() > 0):
            continue
        told = True
        heights = sign * criterion + np.array([-0.5, 0.5]) * metas[:, None]
        share = _above(right + wrong)
        start = -ndtri_exp(np.log(share) + log_ndtr(-heights[:, :1])) - heights[:, :1]
        trials = np.repeat([right.sum(), wrong.sum()], right.size)
        counts_each = np.tile(np.concatenate([right, wrong]), (metas.size, 1))

        def cells(steps: Floats, of: Ints, at: Floats = heights) -> tuple[Floats, Floats]:
            return _side_cells(at[of], steps)

        found = maximise_each(counts_each, np.tile(trials, (metas.size, 1)), cells, start)
        total += [one.log_likelihood for one in found]
    return total if told else None


def _side_cells(heights: Floats, steps: Floats) -> tuple[Floats, Floats]:
    """Right and wrong answers of one response at fixed heights (..., 2), by the steps to the confidence criteria."""
    parts = [_tail(heights[..., side], steps) for side in (0, 1)]
    return np.concatenate([part[0] for part in parts], axis=-1), np.concatenate([part[2] for part in parts], axis=-2)


def _fits(asked: Sequence[_Asked], model: Model) -> list[Maximum]:
    """Of observers who use equally many levels with each response."""
    if not asked:
        return []
    counts, trials = (np.array(part) for part in zip(*(one.task.flat() for one in asked), strict=True))
    sizes, type1 = asked[0].task.sizes, np.array([[one.type1.dprime, one.type1.criterion] for one in asked])
    # Near d′ = 0 the criterion of Maniscalco & Lau moves so fast that there may be more than one maximum.
    starts = (None,) if model == "fleming" else (None, -1.0, 1.0)

    def cells(parameters: Floats, of: Ints) -> tuple[Floats, Floats]:
        return _cells(parameters, sizes, model, type1[of])[:2]

    found = [
        maximise_each(
            counts,
            trials,
            cells,
            np.array([_start(one.task, one.type1, one.type1.dprime if meta is None else meta) for one in asked]),
        )
        for meta in starts
    ]
    return [max(each, key=lambda one: (one.converged, one.log_likelihood)) for each in zip(*found, strict=True)]


def _start(task: _Confidences, type1: _Type1, meta: float) -> Floats:
    """Confidence criteria as if all answers had the evidence of right ones, for a given meta-d′."""
    place, _, _ = type1.meta_criterion(meta)
    steps = []
    for right, wrong, sign in zip(task.right, task.wrong, (1, -1), strict=True):
        height = sign * place - meta / 2
        above = _above(right + wrong) if right.size else right
        steps.append(-ndtri_exp(np.log(above) + log_ndtr(-height)) - height)
    return np.concatenate([[meta], *steps])


def _cells(parameters: Floats, sizes: tuple[int, int], model: Model, type1: Floats) -> tuple[Floats, Floats, Floats]:
    """Probabilities of all cells, their derivatives by the parameters (..., P), and by (d′, c) (..., 2).

    Parameters are meta-d′ and, for each response, the distances of its confidence criteria from meta-c.
    """
    meta = parameters[..., 0]
    place, by_meta, by_type1 = _meta_criterion(model, type1, meta)
    whole, total = parameters.shape[:-1], 2 * sum(sizes)
    probability = np.zeros((*whole, total))
    slope, outer = np.zeros((*whole, total, parameters.shape[-1])), np.zeros((*whole, total, 2))
    row, column = 0, 1
    # Mirrored, the answers "real" are another set of answers "generated".
    for size, sign in zip(sizes, (1, -1), strict=True):
        columns = slice(column, column + max(0, size - 1))
        # The evidence of right answers has its mean half a meta-d′ towards the answer, of wrong ones away.
        for half in (-0.5, 0.5) if size else ():
            rows = slice(row, row + size)
            probability[..., rows], by_height, slope[..., rows, columns] = _tail(
                sign * place + half * meta, parameters[..., columns]
            )
            slope[..., rows, 0] = by_height * (sign * by_meta + half)[..., None]
            outer[..., rows, :] = by_height[..., None] * sign * by_type1[..., None, :]
            row += size
        column = columns.stop
    return probability, slope, outer


def _tail(height: Floats, steps: Floats) -> tuple[Floats, Floats, Floats]:
    """The part of a standard normal above `height` (...), cut at `height` + `steps` (..., K − 1).

    Returns the shares of the K slices, lowest first, and their derivatives by `height` (..., K) and `steps`
    (..., K, K − 1).
    """
    whole, size = height.shape, steps.shape[-1]
    none = np.zeros((*whole, 1))
    x = height[..., None] + np.concatenate([none, steps], axis=-1)
    beyond = log_ndtr(-height)[..., None]  # in logarithms, so that a far tail keeps its digits
    above = np.exp(log_ndtr(-x) - beyond)
    hazard = np.exp(-(x**2) / 2 - math.log(2 * math.pi) / 2 - beyond)
    by_step = np.zeros((*whole, size + 1, size))
    place = np.arange(size)
    by_step[..., place, place], by_step[..., place + 1, place] = hazard[..., 1:], -hazard[..., 1:]
    share, by_height = (
        -np.diff(np.concatenate([part, none], axis=-1), axis=-1) for part in (above, above * hazard[..., :1] - hazard)
    )
    return share, by_height, by_step


def _defined(best: Maximum, bare: _Confidences, task: _Confidences, type1: _Type1, level: float) -> dict[str, Any]:
    meta = float(best.parameters[0])
    place, _, _ = type1.meta_criterion(meta)
    generated, real = np.split(best.parameters[1:], [max(0, task.right[0].size - 1)])
    covariance = _covariance(best.parameters, bare, type1)
    ratio, ratio_reason = _ratio(meta, type1.dprime, covariance, level)
    return {
        "meta_dprime": delta(meta, np.array([1.0, 0.0]), covariance, level),
        "m_diff": delta(meta - type1.dprime, np.array([1.0, -1.0]), covariance, level),
        "m_ratio": ratio,
        "m_ratio_reason": ratio_reason,
        "meta_criterion": place,
        "criteria_real": place - real[::-1],
        "criteria_generated": place + generated,
        "log_likelihood": best.log_likelihood,
    }


def _covariance(parameters: Floats, bare: _Confidences, type1: _Type1) -> Floats:
    """Covariance (2, 2) of meta-d′ and d′, from the trials without padding."""
    at = np.array([type1.dprime, type1.criterion])
    probability, slope, outer = _cells(parameters, bare.sizes, type1.model, at)
    weighted = slope * (bare.flat()[1] / np.maximum(probability, 1e-300))[:, None]
    inverse = np.linalg.inv(slope.T @ weighted)
    # How meta-d′ moves with (d′, c): the confidences are independent of the errors of these.
    moves = -(inverse @ weighted.T @ outer)[0]
    with_dprime = float((moves @ type1.covariance)[0])
    variance = inverse[0, 0] + moves @ type1.covariance @ moves
    return np.array([[variance, with_dprime], [with_dprime, type1.covariance[0, 0]]])


def _ratio(meta: float, dprime: float, covariance: Floats, level: float) -> tuple[Estimate, str | None]:
    z = intervals.critical(level)
    # Fieller: the ratios r at which meta-d′ − r d′ does not differ from 0.
    square = dprime**2 - z**2 * covariance[1, 1]
    if not square > 0:
        return UNDEFINED, "the interval of d′ includes 0: the M-ratio has no meaning; see M-diff"
    middle, rest = meta * dprime - z**2 * covariance[0, 1], meta**2 - z**2 * covariance[0, 0]
    root = math.sqrt(max(0.0, middle**2 - square * rest))
    share = meta / dprime
    se = delta(share, np.array([1.0, -share]) / dprime, covariance, level).se
    return Estimate(share, se, (middle - root) / square, (middle + root) / square), None


def _undefined(reason: str | None) -> dict[str, Any]:
    return {
        **dict.fromkeys(("meta_dprime", "m_diff", "m_ratio"), UNDEFINED),
        "m_ratio_reason": reason,
        "meta_criterion": np.nan,
        "criteria_real": np.empty(0),
        "criteria_generated": np.empty(0),
        "log_likelihood": np.nan,
    }
