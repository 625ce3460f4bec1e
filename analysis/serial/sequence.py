"""What a sequence of images does to answers: two trials back, similar images, time on task.

Three regressions of "generated" (logistic, Firth's penalty), each with the present truth:

- *history*: previous response and previous truth apart, one and two trials back together, and a slow drift;
- *similarity*: whether dependence on the previous response (and truth) is stronger between images that are alike;
- *time*: whether the criterion and the sensitivity change from the first to the last trial of the session, and within
  the batches between its breaks.

As in `analysis.serial.serial`, positive is attraction, effects are log-odds, and each is compared with the same
regression of orders re-drawn as the plan's were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.firth import Regression, firth_each
from analysis.serial.effects import Effect, GroupEffect, effect, group_effect
from analysis.serial.neighbours import places, unbroken
from analysis.serial.tables import Drawn, Orders, Session, sessions, with_orders
from data.arrays import Flags, Floats, Ints
from data.errors import LookalikeError
from data.results.result import Result

_TENTHS, _THIRDS = 10, 3
_DRIFT = 3
_FEWEST_IN_BATCH = 10


@dataclass(frozen=True, eq=False)
class ImageSimilarity:
    """How alike images are: ids, and a matrix (images, images); larger is more alike, NaN is not known."""

    name: str
    images: tuple[str, ...]
    matrix: Floats


@dataclass(frozen=True, eq=False)
class SequenceEffect(Result):
    """One effect: the group's mean, and each participant's."""

    name: str
    group: GroupEffect
    participants: dict[str, Effect]


@dataclass(frozen=True, eq=False)
class SequenceEffects(Result):
    """Effects by name, and how orders were re-drawn; `reason` says which are missing and why."""

    effects: tuple[SequenceEffect, ...]
    redraws: int
    level: float
    reason: str | None

    def table(self) -> pd.DataFrame:
        """One row per effect: effect, mean, low, high, p, n, undefined, reason."""
        rows = [
            {"effect": one.name, "mean": one.group.mean, "low": one.group.low, "high": one.group.high, "p": one.group.p}
            | {"n": one.group.n, "undefined": one.group.undefined, "reason": one.group.reason}
            for one in self.effects
        ]
        return pd.DataFrame(rows)


def sequence_effects(
    trials: pd.DataFrame,
    similarities: Sequence[ImageSimilarity] = (),
    max_run: int | None = None,
    *,
    redraws: int = 500,
    level: float = 0.95,
    seed: int = 0,
) -> SequenceEffects:
    """Effects of a sequence on real/generated answers, in one session of each participant.

    Parameters
    ----------
    trials : pandas.DataFrame
        As in `analysis.serial_dependence`; with `stimulus_id` where there are `similarities`.
    similarities : sequence of ImageSimilarity, optional
        How alike images are, in one or several respects (`analysis.serial.similarity.similarities_of_set`).
    max_run : int, optional
        Longest run of one truth, in place of the column `max_run`.
    redraws : int
        Orders re-drawn for each participant, at least 1.
    level : float
        Confidence level of the bounds, in (0, 1).
    seed : int
        Seed of all random draws.

    Returns
    -------
    SequenceEffects
        Effects in log-odds, named: `response 1 back`, `truth 1 back`, `response 2 back`, `truth 2 back`; `response 1
        back x similarity (NAME)`, from the least to the most similar third of pairs, likewise for truth; `criterion
        over time` (positive: more "generated" at the end), `sensitivity over time`, and both `within a batch`.

    Raises
    ------
    LookalikeError
        As `analysis.serial_dependence`, and if a similarity lacks an image.

    Notes
    -----
    Similarities are cut at each participant's thirds of all pairs of different images, so that every order reduces to
    counts.

    References
    ----------
    Previous stimulus and response apart: Moon, J., & Kwon, O.-S. (2022). Attractive and repulsive effects of sensory
    history concurrently shape visual perception. BMC Biology, 20, 247. Tuned to similarity: Manassi, M., Ghirardo, C.,
    Canas-Bajo, T., Ren, Z., Prinzmetal, W., & Whitney, D. (2021). Serial dependence in the perceptual judgments of
    radiologists. Cognitive Research, 6, 65.

    Examples
    --------
    An observer at chance who repeats the answer of two trials before in three of four trials:

    >>> import numpy as np, pandas as pd
    >>> from analysis import sequence_effects
    >>> rng = np.random.default_rng(1)
    >>> said = [0, 1]
    >>> for _ in range(298):
    ...     said.append(said[-2] if rng.random() < 0.75 else 1 - said[-2])
    >>> words = np.array(["real", "generated"])
    >>> trials = pd.DataFrame({"participant": "p1", "trial": range(1, 301), "response": words[said]})
    >>> trials["truth"] = rng.permutation(words.repeat(150))
    >>> found = sequence_effects(trials, redraws=99)
    >>> print(found.table().set_index("effect")["mean"].round(1)["response 2 back"])
    2.0
    """
    found = sessions(trials, False, max_run)
    lookups = {one.name: _lookup(one, found) for one in similarities}
    rng = np.random.default_rng(seed)

    def measure(drawn: Sequence[Drawn]) -> list[_Effects]:
        asked = [
            _asked(session, order, {name: tables[session.participant] for name, tables in lookups.items()})
            for session, order in drawn
        ]
        fitted = iter(firth_each([one.regression for each in asked for one in each]))
        return [
            {name: found for one in each for name, found in _read(one, next(fitted), level, session.varied)}
            for (session, _), each in zip(drawn, asked, strict=True)
        ]

    measured = with_orders(measure, found, redraws, rng)
    names = list(dict.fromkeys(name for one in measured for name in one))
    effects = tuple(_gathered(name, found, measured, level, rng) for name in names)
    return SequenceEffects(effects, redraws, level, _why_missing(found, [one for one in effects if not one.group.n]))


def _why_missing(found: list[Session], effects: list[SequenceEffect]) -> str | None:
    """Why nobody has a value of some effects, if so."""
    if not effects:
        return None
    why = "no participant has a value"
    if not any(one.varied for one in found):
        why = "every participant gave one answer only"
    elif all(one.alternates for one in found):
        why = "truths always alternate, so that the previous truth cannot be separated from the present one"
    return f"{', '.join(one.name for one in effects)}: {why}"


def _gathered(
    name: str,
    found: list[Session],
    measured: list[_Effects],
    level: float,
    rng: np.random.Generator,
) -> SequenceEffect:
    there = [(one.participant, effects[name]) for one, effects in zip(found, measured, strict=True) if name in effects]
    group = group_effect([own for _, (own, _) in there], [null for _, (_, null) in there], level, rng)
    return SequenceEffect(name, group, {participant: own for participant, (own, _) in there})


# A factor: its level in each pair of each order (orders, pairs), and how many levels it has.
_Factors = Mapping[str, tuple[Ints, int]]
_Terms = Callable[[Mapping[str, Floats]], Mapping[str, Floats]]
# By name: an effect in the order shown, and its values in re-drawn orders.
_Effects = dict[str, tuple[Effect, Floats]]


class _Asked(NamedTuple):
    """A regression of one session in every order, and in which column each effect is that is asked for."""

    regression: Regression
    columns: dict[str, int]


def _asked(session: Session, order: Orders, thirds: Mapping[str, Ints]) -> list[_Asked]:
    """All regressions of one session; `thirds` by name of the similarity."""
    alike = [_similarity(session, order, name, table) for name, table in thirds.items()]
    return [_history(session, order), *_time(session, order), *alike]


def _read(asked: _Asked, fitted: Regression, level: float, varied: bool) -> Iterator[tuple[str, tuple[Effect, Floats]]]:
    estimates, errors = fitted
    if not varied:
        estimates = np.full_like(estimates, np.nan)
    for name, column in asked.columns.items():
        yield name, (effect(estimates[:, column], float(errors[0, column]), level), estimates[1:, column])


def _regression(said: Ints, used: Flags, factors: _Factors, terms: _Terms, wanted: tuple[str, ...]) -> _Asked:
    """The regression of what was said on some terms, and where those are that are wanted."""
    shape = tuple(size for _, size in factors.values())
    cell = np.ravel_multi_index([values for values, _ in factors.values()], shape)
    cells = int(np.prod(shape))
    index = (np.arange(len(said))[:, None] * cells + cell) * 2 + said
    counts = np.bincount(index[used], minlength=len(said) * cells * 2).reshape(len(said), cells, 2)
    unravelled = np.unravel_index(np.arange(cells), shape)
    levels = {name: np.asarray(at, dtype=np.float64) for name, at in zip(factors, unravelled, strict=True)}
    columns = terms(levels)
    design = np.column_stack([np.ones(cells), *columns.values()])
    return _Asked((design, counts.astype(np.float64)), {name: 1 + list(columns).index(name) for name in wanted})


def _history(session: Session, order: Orders) -> _Asked:
    said, truth = session.said[order].astype(np.int64), session.generated[order].astype(np.int64)
    now, one, two = slice(2, None), slice(1, -1), slice(None, -2)
    answered, main = session.answered[order], session.main[order]
    used = answered[:, now] & answered[:, one] & answered[:, two] & main[:, now] & unbroken(session.linked, 2)
    place = np.broadcast_to(np.arange(session.linked.size)[now] * _TENTHS // session.linked.size, used.shape)
    factors = {"tenth": (place, _TENTHS), "truth": (truth[:, now], 2)}
    factors |= {"r1": (said[:, one], 2), "t1": (truth[:, one], 2), "r2": (said[:, two], 2), "t2": (truth[:, two], 2)}
    names = {"r1": "response 1 back", "t1": "truth 1 back", "r2": "response 2 back", "t2": "truth 2 back"}

    def terms(at: Mapping[str, Floats]) -> dict[str, Floats]:
        columns: dict[str, Floats] = {name: at[short] - 0.5 for short, name in names.items()}
        columns["truth"] = at["truth"] - 0.5
        return columns | _drift(at["tenth"])

    return _regression(said[:, now], used, factors, terms, tuple(names.values()))


def _similarity(session: Session, order: Orders, name: str, thirds: Ints) -> _Asked:
    """`thirds` (trials, trials): the third of similarity of every pair of the session's images, −1 if missing."""
    said, truth = session.said[order].astype(np.int64), session.generated[order].astype(np.int64)
    now, other = places(session.linked.size, 1)
    answered, main = session.answered[order], session.main[order]
    used = answered[:, now] & answered[:, other] & main[:, now] & unbroken(session.linked, 1)
    place = np.broadcast_to(np.arange(session.linked.size)[now] * _TENTHS // session.linked.size, used.shape)
    alike = thirds[order[:, now], order[:, other]]
    used, alike = used & (alike >= 0), np.maximum(alike, 0)
    factors = {"tenth": (place, _TENTHS), "truth": (truth[:, now], 2), "alike": (alike, _THIRDS)}
    factors |= {"r1": (said[:, other], 2), "t1": (truth[:, other], 2)}
    response, stimulus = (f"{what} 1 back x similarity ({name})" for what in ("response", "truth"))

    def terms(at: Mapping[str, Floats]) -> dict[str, Floats]:
        grade, r1, t1 = at["alike"] / (_THIRDS - 1) - 0.5, at["r1"] - 0.5, at["t1"] - 0.5
        columns: dict[str, Floats] = {response: r1 * grade, stimulus: t1 * grade, "alike": grade, "r1": r1, "t1": t1}
        columns["truth"] = at["truth"] - 0.5
        return columns | _drift(at["tenth"])

    return _regression(said[:, now], used, factors, terms, (response, stimulus))


def _time(session: Session, order: Orders) -> list[_Asked]:
    trials = session.linked.size
    found = [_over(session, order, np.arange(trials) * _TENTHS // max(trials, 1), "over time")]
    starts = np.flatnonzero(~session.linked)
    lengths = np.diff(starts, append=trials)
    if np.sum(lengths >= _FEWEST_IN_BATCH) < 2:
        return found
    within = np.concatenate([np.arange(length) * _TENTHS // length for length in lengths])
    return [*found, _over(session, order, within, "within a batch")]


def _over(session: Session, order: Orders, tenth: Ints, when: str) -> _Asked:
    said, truth = session.said[order].astype(np.int64), session.generated[order].astype(np.int64)
    used = session.answered[order] & session.main[order]
    factors = {"tenth": (np.broadcast_to(tenth, used.shape), _TENTHS), "truth": (truth, 2)}
    criterion, sensitivity = f"criterion {when}", f"sensitivity {when}"

    def terms(at: Mapping[str, Floats]) -> dict[str, Floats]:
        passed, present = at["tenth"] / (_TENTHS - 1) - 0.5, at["truth"] - 0.5
        return {criterion: passed, sensitivity: passed * present, "truth": present}

    return _regression(said, used, factors, terms, (criterion, sensitivity))


def _drift(tenth: Floats) -> dict[str, Floats]:
    moved = np.polynomial.legendre.legvander((2 * tenth + 1) / _TENTHS - 1, _DRIFT).astype(np.float64)
    return {f"drift {degree}": moved[:, degree] for degree in range(1, _DRIFT + 1)}


def _lookup(similarity: ImageSimilarity, found: list[Session]) -> dict[str, Ints]:
    """By participant, the third of similarity of each pair of the trials' images (trials, trials): 0 to 2, or −1."""
    place = {image: number for number, image in enumerate(similarity.images)}
    tables = {}
    for session in found:
        if session.images is None:
            raise LookalikeError("missing-column", "the trials lack column stimulus_id, which similarities need")
        absent = [str(one) for one in session.images if str(one) not in place]
        if absent:
            raise LookalikeError("unknown-stimulus", f"similarity {similarity.name}: has no image {absent[0]!r}")
        rows = np.array([place[str(one)] for one in session.images])
        matrix = similarity.matrix[np.ix_(rows, rows)]
        pairs = matrix[~np.eye(rows.size, dtype=np.bool_) & np.isfinite(matrix)]
        cuts = np.quantile(pairs, [1 / _THIRDS, 2 / _THIRDS]) if pairs.size else np.zeros(2)
        third = np.searchsorted(cuts, np.nan_to_num(matrix), side="right")
        tables[session.participant] = np.asarray(np.where(np.isfinite(matrix), third, -1), dtype=np.int64)
    return tables
