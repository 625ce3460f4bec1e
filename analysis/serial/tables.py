"""A session's neighbouring answers as tables of counts, in the order shown and in re-drawn ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.serial.neighbours import by_participant, linked, places, unbroken
from data.errors import LookalikeError
from data.trials import TRUTHS, refuse_rows

Array = npt.NDArray[np.float64]
Orders = npt.NDArray[np.int64]
# Given which images were generated, in the order shown, and a generator: a new order, places from 0, or None if the
# plan could have had none of these trials.
Redraw = Callable[[npt.NDArray[np.bool_], np.random.Generator], npt.ArrayLike | None]

_TENTHS = 10  # drift is told by tenths of the session, so that every order comes down to a table of counts


@dataclass(frozen=True)
class Session:
    """One participant's trials in the order shown; every array has shape (trials,)."""

    participant: str
    generated: npt.NDArray[np.bool_]
    said: npt.NDArray[np.bool_]  # "generated"; of no meaning where not answered
    answered: npt.NDArray[np.bool_]
    confidence: Array  # about its mean; 0 where there is none
    main: npt.NDArray[np.bool_]
    linked: npt.NDArray[np.bool_]


def sessions(frame: pd.DataFrame, confidence: bool) -> list[Session]:
    """Each participant's session, by name; see `serial.from_trials` for the frame and what is refused."""
    tables = by_participant(frame, ["truth", "response", *(["confidence"] if confidence else [])])
    refuse_rows(~frame["truth"].isin(TRUTHS), "the trials", "truth is neither 'real' nor 'generated'")
    unknown = ~(frame["response"].isin(TRUTHS) | frame["response"].isna())
    refuse_rows(unknown, "the trials", "response is neither 'real' nor 'generated'")
    if "role" in frame.columns:
        practice = frame["role"] == "practice"
        refuse_rows(practice, "the trials", "role is practice", "practice has an order of its own: leave it out")
    return [_session(name, table, confidence) for name, table in tables]


def orders(session: Session, redraw: Redraw | None, count: int, rng: np.random.Generator) -> Orders:
    """The order shown and `count` re-drawn ones: shape (1 + count, trials), or (1, trials) where `redraw` finds none.

    Raises `LookalikeError` if `count` is below 1 or `redraw` returns no order of the session's trials.
    """
    if count < 1:
        raise LookalikeError(f"{count} redraws: at least one order must be re-drawn; 1000 is usual")
    trials = session.generated.size
    shown = np.arange(trials)
    if redraw is None:
        return np.vstack([shown, rng.permuted(np.tile(shown, (count, 1)), axis=1)])
    found = [redraw(session.generated, rng) for _ in range(count)]
    drawn = [np.asarray(one, dtype=np.int64) for one in found if one is not None]
    if any(one.shape != (trials,) or (np.sort(one) != shown).any() for one in drawn):
        raise LookalikeError(f"redraw returned no order of {trials} trials: it must hold 0 to {trials - 1} once each")
    return np.vstack([shown, *drawn])


def usable(session: Session, order: Orders, lag: int) -> npt.NDArray[np.bool_]:
    """Which pairs of places `lag` apart are used in each order: shape (orders, trials − |lag|)."""
    now, other = places(session.linked.size, lag)
    answered, main = session.answered[order], session.main[order]
    return np.asarray(
        answered[:, now] & answered[:, other] & main[:, now] & unbroken(session.linked, lag), dtype=np.bool_
    )


def tables(session: Session, order: Orders, lag: int, terms: list[str], drift: int) -> tuple[Array, Array]:
    """Each order as counts of (real, generated) answers, (orders, cells, 2), and predictors (cells, predictors).

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
    return counts.reshape(len(order), cells, 2).astype(np.float64), design


def _session(name: str, table: pd.DataFrame, confidence: bool) -> Session:
    answered = table["response"].notna().to_numpy(dtype=np.bool_)
    sure = np.zeros(len(table))
    if confidence:
        sure = table["confidence"].to_numpy(dtype=np.float64)
        answered = answered & ~np.isnan(sure)
        sure = np.where(answered, sure - (sure[answered].mean() if answered.any() else 0), 0)
    role = table["role"] if "role" in table.columns else pd.Series("main", index=table.index)
    return Session(
        participant=name,
        generated=(table["truth"] == "generated").to_numpy(dtype=np.bool_),
        said=(table["response"] == "generated").to_numpy(dtype=np.bool_),
        answered=answered,
        confidence=sure,
        main=(role == "main").to_numpy(dtype=np.bool_),
        linked=linked(table),
    )
