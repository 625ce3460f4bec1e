"""Serial dependence of real/generated answers: does an answer depend on the trial before?

One sign throughout: positive is attraction, leaning towards repeating the previous answer (or towards
the previous image's truth); negative is repulsion. Effects are log-odds of answering "generated".

A positive value alone is no evidence. A cap on runs of one truth makes truths alternate; a lagged
regression on few trials is biased downwards; a criterion that drifts makes neighbours alike. So the
model holds present and previous truth and a slow drift, and is fitted again to orders re-drawn as the
plan's were, which shows what no dependence looks like in this very design.

Two controls stand beside it. The *next truth* (lag −1) cannot have acted: an effect of it is an artefact.
The *earlier response* (lag 5) shows drift that the model left over: a drift makes answers alike five
trials apart as well, a dependence on the last answer has died out by then. The next response is no
control: that of two neighbouring answers the later depends on the earlier one is the same table of pairs.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri
from threadpoolctl import threadpool_limits

from analysis.firth import firth
from analysis.intervals import bootstrap_mean
from analysis.result import Result, frame_of
from analysis.serial.tables import Array, Orders, Redraw, Session, orders, sessions, tables, usable

MANY, GROUP_DRAWS = 100, 1000
EARLIER = 5  # trials back, the control for drift


@dataclass(frozen=True, eq=False)
class Effect(Result):
    """One effect on one participant's answers, in log-odds.

    `raw` is the regression's with standard error `se`; `expected` is its mean over re-drawn orders, the
    bias of the method; `effect` = raw − expected, with bounds ± z·SE at the result's level; `p` is
    two-sided: twice the smaller share of re-drawn orders with a raw effect as low, or as high.
    """

    raw: float
    se: float
    expected: float
    effect: float
    low: float
    high: float
    p: float


@dataclass(frozen=True, eq=False)
class SerialDependence(Result):
    """One participant's dependence on the trial before, with the controls.

    `pairs` of neighbouring trials were used; `unlinked` trials follow none (the first of the session, after
    a break or resume, after a number that is missing) and `unanswered` pairs lack an answer (or a needed
    confidence). `confidence` is how much one step of confidence in the previous answer adds to its effect.
    `redraws` counts the re-drawn orders that could be fitted. What is undefined is NaN for a `reason`.
    """

    participant: str
    pairs: int
    unlinked: int
    unanswered: int
    previous_response: Effect
    previous_truth: Effect
    confidence: Effect | None
    next_truth: Effect
    earlier_response: Effect
    redraws: int
    reason: str | None


@dataclass(frozen=True, eq=False)
class GroupEffect(Result):
    """Mean effect of `n` participants (`undefined` have none), with bounds from resampling participants.

    `p` is two-sided against no dependence in anyone, from the re-drawn orders of all participants.
    """

    n: int
    undefined: int
    mean: float
    low: float
    high: float
    p: float
    reason: str | None


@dataclass(frozen=True, eq=False)
class Serial(Result):
    """Serial dependence of a group. `order` says how orders were re-drawn: as given, or a plain shuffle."""

    participants: tuple[SerialDependence, ...]
    previous_response: GroupEffect
    previous_truth: GroupEffect
    confidence: GroupEffect | None
    next_truth: GroupEffect
    earlier_response: GroupEffect
    order: str
    drift: int
    level: float

    def by_participant(self) -> pd.DataFrame:
        """One row per participant."""
        return frame_of(self.participants)


def from_trials(
    frame: pd.DataFrame,
    redraw: Redraw | None = None,
    *,
    redraws: int = 1000,
    drift: int = 3,
    confidence: bool = False,
    level: float = 0.95,
    seed: int = 0,
) -> Serial:
    """Dependence on the previous trial in one session of each participant.

    `frame` has the columns participant, trial, truth and response of `data.trials`; `confidence` if that
    is asked for; `after_gap` (True where a break or resume came just before the trial) and `role` if there
    are such. A pair is used if its trial numbers follow one another, no gap lies between them and both are
    answered. Catch trials may precede, but what is explained are main trials only.

    Per participant, logistic regression of "generated" on present truth, previous response and previous
    truth (each ±½), the previous response × its centred confidence if asked for, and a polynomial of
    degree `drift` in the tenths of the session. It is fitted by Firth's penalised likelihood (Firth 1993, Biometrika
    80:27; Heinze & Schemper 2002, Stat. Med. 21:2409), which stays finite where an answer never varies
    with a predictor. Under the null, answers belong to images, so answers and images move together in
    `redraws` orders by `redraw` (the plan's own sampler; without it a plain shuffle, right only if
    the plan was one). Breaks stay where they were.

    The controls are fitted alike: the next truth in place of the previous trial (without the next response,
    which itself depends on the present one), and the response and truth `EARLIER` trials back.

    In 100 trials the SE of one participant's effect is about .45: only groups decide. Without dependence,
    under runs capped at 3, p was ≤ .05 in 5 % of 2,700 simulated participants and 6 % of their 450
    groups of six, and the group's interval covered 0 in .94; a true .8 came out as .75. A drift as fast as 30
    trials is not wholly taken out (.09 of .27 was left); the earlier response then shows as much.

    Raises `LookalikeError` for a missing column or number, unknown words, trial numbers that repeat, practice
    trials, fewer than one redraw, or a `redraw` that returns no order.
    """
    rng = np.random.default_rng(seed)
    found = sessions(frame, confidence)

    def measure(one: Session, own: np.random.Generator) -> tuple[SerialDependence, dict[str, Array]]:
        return _measure(one, orders(one, redraw, redraws, own), drift, confidence, level)

    # Nearly all of the time goes by in NumPy, outside Python's lock, so threads share it; with a generator of his
    # own each participant has the same orders however they are shared out.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        fits = list(pool.map(measure, found, rng.spawn(len(found))))

    def group(name: str) -> GroupEffect:
        return _group([getattr(one, name) for one, _ in fits], [null[name] for _, null in fits], level, rng)

    return Serial(
        participants=tuple(one for one, _ in fits),
        previous_response=group("previous_response"),
        previous_truth=group("previous_truth"),
        confidence=group("confidence") if confidence else None,
        next_truth=group("next_truth"),
        earlier_response=group("earlier_response"),
        order="plain shuffle" if redraw is None else "re-drawn with the sampler given",
        drift=drift,
        level=level,
    )


def _measure(
    session: Session, order: Orders, drift: int, confidence: bool, level: float
) -> tuple[SerialDependence, dict[str, Array]]:
    """One participant's effects, and each one's values over re-drawn orders (shape (redraws,))."""
    effects: dict[str, Effect] = {}
    nulls: dict[str, Array] = {}
    fitted = len(order) - 1
    for lag, terms in _models(confidence):
        counts, design = tables(session, order, lag, list(terms.values()), drift)
        estimates, errors = firth(design, counts)
        fitted = min(fitted, int(np.sum(np.isfinite(estimates[1:, 1]))))
        for column, name in enumerate(terms, start=1):
            nulls[name] = estimates[1:, column]
            effects[name] = _effect(estimates[:, column], float(errors[0, column]), level)
    links = int(np.sum(session.linked & session.main))
    pairs = int(usable(session, order[:1], 1).sum())
    result = SerialDependence(
        participant=session.participant,
        pairs=pairs,
        unlinked=int(np.sum(session.main & ~session.linked)),
        unanswered=links - pairs,
        previous_response=effects["previous_response"],
        previous_truth=effects["previous_truth"],
        confidence=effects.get("confidence"),
        next_truth=effects["next_truth"],
        earlier_response=effects["earlier_response"],
        redraws=fitted,
        reason=_undefined(session, pairs, confidence, effects["previous_response"])
        or ("the plan's sampler has no order of these trials" if len(order) == 1 else None),
    )
    return result, nulls


def _models(confidence: bool) -> list[tuple[int, dict[str, str]]]:
    """The regressions: lag of the other trial, and what of it is a predictor (name of the effect: term)."""
    previous = {"previous_response": "response", "previous_truth": "truth"}
    return [
        (1, previous | ({"confidence": "confidence"} if confidence else {})),
        (-1, {"next_truth": "truth"}),
        (EARLIER, {"earlier_response": "response", "earlier_truth": "truth"}),
    ]


def _undefined(session: Session, pairs: int, confidence: bool, effect: Effect) -> str | None:
    said = session.said[session.answered]
    if not pairs:
        return "no two neighbouring trials were answered"
    if said.all() or not said.any():
        return "one answer only: nothing can depend on the one before"
    if (session.said == session.generated)[session.answered].all():
        return "every answer was right: the previous answer and the previous truth are one"
    if confidence and not session.confidence.any():
        return "confidence never varies: leave it out"
    if not np.isnan(effect.raw):
        return None
    truth = session.generated
    if truth.all() or not truth.any():
        return "one truth only: its effect cannot be told from a leaning"
    if (truth[1:] != truth[:-1]).all():
        return "truths always alternate: the previous truth cannot be told from the present one"
    return "too few pairs of trials for the regression"


def _effect(values: Array, se: float, level: float) -> Effect:
    """From the observed value and, after it, those of re-drawn orders."""
    raw, null = float(values[0]), values[1:][np.isfinite(values[1:])]
    if np.isnan(raw) or not null.size:
        return Effect(raw, se, np.nan, np.nan, np.nan, np.nan, np.nan)
    expected, margin = float(null.mean()), float(ndtri((1 + level) / 2)) * se
    effect = raw - expected
    return Effect(raw, se, expected, effect, effect - margin, effect + margin, _two_sided(raw, null))


def _two_sided(value: float, null: Array) -> float:
    # The observed order is one of those that could have been, so it counts itself.
    rounding = 1e-9
    tails = (np.sum(null <= value + rounding) + 1, np.sum(null >= value - rounding) + 1)
    return min(1.0, 2 * float(min(tails)) / (null.size + 1))


def _means(each: Array, rng: np.random.Generator) -> Array:
    """Group means under the null, from values of shape (participants, redraws).

    Participants' orders are drawn independently, so any order of one may meet any of another: of `MANY` participants
    a few redraws each make `GROUP_DRAWS` groups. Fewer participants would only meet in the same groups again.
    """
    if len(each) >= MANY and each.shape[1] < GROUP_DRAWS:
        each = np.take_along_axis(each, rng.integers(each.shape[1], size=(len(each), GROUP_DRAWS)), axis=1)
    means: Array = each.mean(axis=0)
    return means


def _group(effects: Sequence[Effect], nulls: Sequence[Array], level: float, rng: np.random.Generator) -> GroupEffect:
    kept = [place for place, one in enumerate(effects) if np.isfinite(one.effect)]
    n, undefined = len(kept), len(effects) - len(kept)
    if not n:
        return GroupEffect(0, undefined, np.nan, np.nan, np.nan, np.nan, "no participant has a value")
    values = np.array([effects[place].effect for place in kept])
    centred = np.stack([nulls[place] - effects[place].expected for place in kept])
    # An order that cannot be fitted for someone says nothing either way, so it stands at the centre.
    null = _means(np.nan_to_num(centred), rng)
    low, high, reason = bootstrap_mean(values, level, rng)
    return GroupEffect(n, undefined, float(values.mean()), low, high, _two_sided(float(values.mean()), null), reason)
