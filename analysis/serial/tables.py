"""A session's neighbouring answers as tables of counts, in the order shown and in re-drawn orders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits

from analysis.serial.neighbours import by_participant, linked, places, slices_by_participant, unbroken
from analysis.side_by_side import cores, in_parts, side_by_side
from data.arrays import Flags, Floats, Ints
from data.errors import LookalikeError
from data.trial_order import draw_orders
from data.trials import TRUTHS, refuse_rows

Orders = Ints

_AT_ONCE, _WORTH_A_PROCESS = 5000, 400  # orders: so many fit in memory with their tables; fewer are done sooner here
_TENTHS = 10  # drift is modelled in tenths of the session, so that every order reduces to a table of counts


@dataclass(frozen=True)
class Session:
    """One participant's trials in the order shown; every array has shape (trials,)."""

    participant: str
    generated: Flags
    said: Flags  # "generated"; meaningless where not answered
    answered: Flags
    confidence: Floats  # centred on its mean; 0 where there is none
    main: Flags
    linked: Flags
    max_run: int | None = None  # the longest run of one truth that its order could have
    images: npt.NDArray[np.object_] | None = None  # ids, where they are known

    @property
    def varied(self) -> bool:
        """Whether both answers were given; one alone depends on nothing, and its effects are the penalty's."""
        said = self.said[self.answered]
        return bool(said.any() and not said.all())

    @property
    def alternates(self) -> bool:
        """Whether every truth differs from the one before."""
        return bool((self.generated[1:] != self.generated[:-1]).all())


def sessions(frame: pd.DataFrame, confidence: bool, max_run: int | None = None) -> list[Session]:
    """Each participant's session, sorted by participant; see `serial.serial_dependence` for what is refused.

    `max_run` is every session's; without it, each has what the column `max_run` says, if there is one.
    """
    shown = by_participant(frame, ["truth", "response", *(["confidence"] if confidence else [])])
    other = ~frame["truth"].isin(TRUTHS)
    refuse_rows(other, "the trials", "truth is neither 'real' nor 'generated'", code="unknown-word")
    unknown = ~(frame["response"].isin(TRUTHS) | frame["response"].isna())
    refuse_rows(unknown, "the trials", "response is neither 'real' nor 'generated'", code="unknown-word")
    if "max_run" in frame.columns:
        several = frame.groupby("participant")["max_run"].transform("nunique", dropna=False) > 1
        cure = "give one session of each participant"
        refuse_rows(several, "the trials", "max_run is not the same throughout", cure, code="contradictory-facts")
    if "role" in frame.columns:
        practice = frame["role"] == "practice"
        cure = "leave practice out: its order is drawn separately"
        refuse_rows(practice, "the trials", "role is practice", cure, code="not-a-main-trial")
    return _sessions(shown, confidence, max_run)


def orders(session: Session, count: int, rng: np.random.Generator) -> Orders:
    """The order shown and `count` re-drawn ones, as places in the session: shape (1 + count, trials).

    Orders are drawn as a plan's are (`data.trial_order.draw_orders`), without a catch
    trial in front unless the session itself began with one. Shape (1, trials) if no order of these trials
    keeps runs of one truth to the session's `max_run`. Raises `LookalikeError` if `count` or that is below 1.
    """
    for name, value in (("redraws", count), ("max_run", session.max_run)):
        if value is not None and value < 1:
            raise LookalikeError("out-of-range", f"{name} is {value}; it must be at least 1")
    shown = np.arange(session.generated.size)
    catch = None if session.main.all() or not session.main[0] else (~session.main).tolist()
    try:
        return np.vstack([shown, draw_orders(session.generated.tolist(), session.max_run, count, rng, catch)])
    except LookalikeError:  # too many trials of one truth are left, as where most of the other were unanswered
        return shown[None]


Drawn = tuple[Session, Orders]
_Found = TypeVar("_Found")


def with_orders(
    call: Callable[[Sequence[Drawn]], list[_Found]], found: Sequence[Session], count: int, rng: np.random.Generator
) -> list[_Found]:
    """What `call` finds of each session with its orders, given some sessions at a time, in several processes.

    Every session has a generator of its own, so that its orders do not depend on how the work is shared.
    """
    alone = zip(found, rng.spawn(len(found)), strict=True)
    each = len(found) * (count + 1)
    parts = max(-(-each // _AT_ONCE), min(len(found), cores()) if each > _WORTH_A_PROCESS else 1)
    batches = in_parts(list(alone), parts)
    with threadpool_limits(1, "blas"):
        done = side_by_side(lambda some: call([(one, orders(one, count, own)) for one, own in some]), batches)
    return [one for part in done for one in part]


def usable(session: Session, order: Orders, lag: int) -> Flags:
    """Which pairs of places `lag` apart are used in each order: shape (orders, trials − |lag|)."""
    now, other = places(session.linked.size, lag)
    answered, main = session.answered[order], session.main[order]
    return np.asarray(
        answered[:, now] & answered[:, other] & main[:, now] & unbroken(session.linked, lag), dtype=np.bool_
    )


def tables(session: Session, order: Orders, lag: int, terms: list[str], drift: int) -> tuple[Floats, Floats]:
    """Predictors (cells, predictors), and each order as counts of (real, generated) answers, (orders, cells, 2).

    A cell is what pairs have in common: tenth of the session, present truth, and those of the other trial's
    response, truth and confidence that the `terms` need. Predictors: 1; the `terms` of the other trial
    (response, truth, confidence); present truth; a polynomial of degree `drift`.
    """
    trials = session.linked.size
    now, other = places(trials, lag)
    sure, grade = np.unique(session.confidence, return_inverse=True)
    said, truth = session.said[order].astype(np.int64), session.generated[order].astype(np.int64)
    graded = "confidence" in terms
    heard = graded or "response" in terms
    shape = (_TENTHS, 2, 2 if heard else 1, 2 if "truth" in terms else 1, sure.size if graded else 1)
    place = np.arange(trials)[now] * _TENTHS // max(trials, 1)
    cell = place * shape[1] + truth[:, now]
    for size, value in zip(shape[2:], (said, truth, grade[order]), strict=True):
        cell = cell * size + value[:, other] if size > 1 else cell
    cells = int(np.prod(shape))
    index = (np.arange(len(order))[:, None] * cells + cell) * 2 + said[:, now]
    counts = np.bincount(index[usable(session, order, lag)], minlength=len(order) * cells * 2)

    tenth, present, response, before, rank = np.unravel_index(np.arange(cells), shape)
    term = {"response": response - 0.5, "truth": before - 0.5, "confidence": (response - 0.5) * sure[rank]}
    moved = np.polynomial.legendre.legvander((2 * tenth + 1) / _TENTHS - 1, drift)
    design = np.column_stack([np.ones(cells), *(term[name] for name in terms), present - 0.5, moved[:, 1:]])
    return design, counts.reshape(len(order), cells, 2).astype(np.float64)


def _sessions(shown: pd.DataFrame, confidence: bool, max_run: int | None) -> list[Session]:
    """From the trials of all participants, in the order shown."""
    columns = {
        "generated": (shown["truth"] == "generated").to_numpy(dtype=np.bool_),
        "said": (shown["response"] == "generated").fillna(False).to_numpy(dtype=np.bool_),
        "answered": shown["response"].notna().to_numpy(dtype=np.bool_),
        "confidence": shown["confidence"].to_numpy(dtype=np.float64) if confidence else np.zeros(len(shown)),
        "main": (shown["role"] == "main").to_numpy(dtype=np.bool_)
        if "role" in shown
        else np.ones(len(shown), dtype=np.bool_),
        "linked": linked(shown),
    }
    own = shown["max_run"].to_numpy(dtype=np.float64, na_value=np.nan) if "max_run" in shown else None
    images = shown["stimulus_id"].to_numpy(dtype=object) if "stimulus_id" in shown else None
    found = []
    for name, rows in slices_by_participant(shown):
        session = Session(
            participant=name,
            max_run=max_run if max_run is not None or own is None or np.isnan(own[rows][0]) else int(own[rows][0]),
            images=None if images is None else images[rows],
            **{column: values[rows] for column, values in columns.items()},
        )
        found.append(_centred(session) if confidence else session)
    return found


def _centred(session: Session) -> Session:
    """With confidences about their mean; a trial without one counts as not answered."""
    answered = session.answered & ~np.isnan(session.confidence)
    middle = session.confidence[answered].mean() if answered.any() else 0
    return replace(session, answered=answered, confidence=np.where(answered, session.confidence - middle, 0))
