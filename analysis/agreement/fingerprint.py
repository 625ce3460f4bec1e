"""Error fingerprint: do a participant's errors agree with their own retest more than with other participants' retests?

A participant's pattern is what they made of each image (rating, or answer) less their mean for images of the same
truth: the pattern of errors, without criterion and sensitivity. Patterns of session 1 are correlated with those of
everyone's retest. What all participants share (some images mislead everybody) raises both correlations; what is a
participant's own, as in studies of idiosyncratic perception, raises only the one with their own retest.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
import pandas as pd

from analysis.intervals import RESAMPLES, expanded_percentile
from data.arrays import Floats
from data.errors import LookalikeError
from data.results.result import Result, frame_of
from data.trials import TRUTHS, rating, refuse_rows

_EXACT = 7  # participants up to whom every assignment of retests is counted (5,040)
_RANDOM = 10_000
_FEWEST = 10  # shared images for a correlation


@dataclass(frozen=True, eq=False)
class OwnPattern(Result):
    """One participant: correlation of session 1 with their own retest, and its mean with the others' retests.

    `place` is that of their own among all retests, 1 being the most similar; `images` are those judged twice.
    """

    participant: str
    images: int
    own: float
    others: float
    place: int


@dataclass(frozen=True, eq=False)
class Fingerprint(Result):
    """Errors of `n` participants against their own and others' retests.

    `difference` = `own` − `others`, means of correlations, with bounds from resampled participants. `p` is one-sided,
    over assignments of retests to participants (all of them if `exact`). `identified` is the share whose own retest is
    the most similar of all; by chance it would be 1 / n. `left_out` have no pattern in a session (no variation, or
    too few shared images). What is undefined is NaN, and `reason` says why.
    """

    n: int
    left_out: int
    own: float
    others: float
    difference: float
    low: float
    high: float
    p: float
    exact: bool
    identified: float
    of: str  # ratings | answers
    level: float
    participants: tuple[OwnPattern, ...]
    correlations: Floats
    reason: str | None

    def by_participant(self) -> pd.DataFrame:
        """One row per participant."""
        return frame_of(self.participants)


def fingerprint(first: pd.DataFrame, again: pd.DataFrame, *, level: float = 0.95, seed: int = 0) -> Fingerprint:
    """Whether errors are a participant's own, from main trials of session 1 and of the first retest.

    Parameters
    ----------
    first, again : pandas.DataFrame
        Columns participant, stimulus_id, truth, response and, if any, confidence; one row per image and participant.
        Participants without a retest are left alone. Ratings are compared where everyone has confidences, else answers.
    level : float
        Confidence level of the bounds, in (0, 1).
    seed : int
        Seed of random assignments and of resampling.

    Returns
    -------
    Fingerprint
        Mean correlations with one's own and with others' retests, their difference, and its permutation test.

    Raises
    ------
    LookalikeError
        If a column is missing, a truth or answer is another word, or a participant has an image twice.

    Notes
    -----
    Under the null hypothesis retests could be anyone's: what they hold beyond chance is shared by all. The test is
    exact then. It cannot tell idiosyncratic perception from memory of the images.

    References
    ----------
    Wang, Z., Ren, Z., Manassi, M., & Whitney, D. (2022). Idiosyncratic biases in the perception of medical images.
    Frontiers in Psychology, 13, 1049831. The share identified: Finn, E. S., et al. (2015). Functional connectome
    fingerprinting. Nature Neuroscience, 18, 1664-1671.

    Examples
    --------
    Four observers whose errors are their own:

    >>> import numpy as np, pandas as pd
    >>> from analysis import fingerprint
    >>> rng = np.random.default_rng(1)
    >>> images = pd.DataFrame({"stimulus_id": range(60), "truth": ["real", "generated"] * 30})
    >>> def session(own):
    ...     said = np.where(own + rng.standard_normal(60) > 0, "generated", "real")
    ...     return images.assign(response=said)
    >>> own = {name: 2 * rng.standard_normal(60) for name in "abcd"}
    >>> first, again = (pd.concat([session(own[n]).assign(participant=n) for n in own]) for _ in range(2))
    >>> found = fingerprint(first, again)
    >>> print(f"own {found.own:.2f}, others {found.others:.2f}, identified {found.identified:.0%}, p = {found.p:.3f}")
    own 0.49, others -0.03, identified 100%, p = 0.042
    """
    names = sorted(set(first["participant"].dropna()) & set(again["participant"].dropna()), key=str)
    tables = [table[table["participant"].isin(names)] for table in (first, again)]
    of = "ratings" if all("confidence" in one and one["confidence"].notna().any() for one in tables) else "answers"
    before, after = (_patterns(table, names, of) for table in tables)
    images = before.columns.union(after.columns)
    correlations, shared = _correlations(before.reindex(columns=images), after.reindex(columns=images))
    kept = _complete(correlations)
    correlations, shared = correlations[np.ix_(kept, kept)], shared[kept]
    return _found([str(names[k]) for k in kept], len(names) - kept.size, correlations, shared, of, level, seed)


def _patterns(table: pd.DataFrame, names: list[str], of: str) -> pd.DataFrame:
    """Residuals within truth, participants × images; missing where there is no answer."""
    for column in ("participant", "stimulus_id", "truth", "response"):
        if column not in table.columns:
            raise LookalikeError("missing-column", f"the trials lack column {column}")
    refuse_rows(~table["truth"].isin(TRUTHS), "the trials", "truth is neither real nor generated", code="unknown-word")
    twice = table.duplicated(["participant", "stimulus_id"], keep=False)
    cure = "give one session of each participant"
    refuse_rows(twice, "the trials", "a participant judged this image twice", cure, code="repeated-trial")
    if of == "ratings":
        value = pd.Series(rating(table["response"], table["confidence"]), index=table.index, dtype=np.float64)
    else:
        value = table["response"].map({"real": 0.0, "generated": 1.0})
    centred = value - value.groupby([table["participant"], table["truth"]]).transform("mean")
    frame = table.assign(value=centred).pivot(index="participant", columns="stimulus_id", values="value")
    return frame.reindex(names)


def _correlations(before: pd.DataFrame, after: pd.DataFrame) -> tuple[Floats, Floats]:
    """Of every session 1 (rows) with every retest (columns), over images in both; and how many each has in its own."""
    a, b = before.to_numpy(dtype=np.float64), after.to_numpy(dtype=np.float64)
    there, then = (~np.isnan(values) for values in (a, b))
    a, b = np.nan_to_num(a), np.nan_to_num(b)
    n = there.astype(np.float64) @ then.T
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_a, mean_b = a @ then.T / n, there @ b.T / n
        product = a @ b.T / n - mean_a * mean_b
        spread_a, spread_b = a**2 @ then.T / n - mean_a**2, there @ (b**2).T / n - mean_b**2
        r = product / np.sqrt(spread_a * spread_b)
    r[(n < _FEWEST) | (spread_a < 1e-12) | (spread_b < 1e-12)] = np.nan
    return r, np.diag(n)


def _complete(correlations: Floats) -> np.typing.NDArray[np.int64]:
    """Participants among whom every correlation is defined, leaving out first whoever lacks the most."""
    kept = np.arange(len(correlations))
    while kept.size:
        missing = np.isnan(correlations[np.ix_(kept, kept)])
        lacking = missing.sum(axis=0) + missing.sum(axis=1)
        if not lacking.any():
            break
        kept = np.delete(kept, lacking.argmax())
    return kept


def _found(names: list[str], left_out: int, r: Floats, shared: Floats, of: str, level: float, seed: int) -> Fingerprint:
    n = len(names)
    own, others, low, high, p, exact = (np.nan,) * 5 + (True,)
    reason = None if n >= 2 else "fewer than two participants with a retest of the same images"
    identified = np.nan
    patterns: tuple[OwnPattern, ...] = ()
    if n >= 2:
        rng = np.random.default_rng(seed)
        everyone = r.sum() - np.trace(r)
        own, others = float(np.trace(r) / n), float(everyone / (n * (n - 1)))
        p, exact = _permutation_p(r, rng)
        low, high = expanded_percentile(_resampled(r, rng), n, level) if n > 2 else (np.nan, np.nan)
        reason = None if n > 2 else "two participants: no interval"
        places = 1 + np.sum(r > np.diag(r)[:, None] + 1e-12, axis=1)
        identified = float(np.mean(places == 1))
        beside = (r.sum(axis=1) + r.sum(axis=0) - 2 * np.diag(r)) / (2 * (n - 1))
        patterns = tuple(
            OwnPattern(name, int(count), float(mine), float(theirs), int(place))
            for name, count, mine, theirs, place in zip(names, shared, np.diag(r), beside, places, strict=True)
        )
    return Fingerprint(
        n=n,
        left_out=left_out,
        own=own,
        others=others,
        difference=own - others,
        low=low,
        high=high,
        p=p,
        exact=exact,
        identified=identified,
        of=of,
        level=level,
        participants=patterns,
        correlations=r,
        reason=reason,
    )


def _permutation_p(r: Floats, rng: np.random.Generator) -> tuple[float, bool]:
    """The share of assignments of retests to participants with as high a mean correlation, and whether all counted."""
    n = len(r)
    rows, observed = np.arange(n), np.trace(r) - 1e-9
    if n <= _EXACT:
        every = np.array(list(permutations(range(n))))
        return float(np.mean(r[rows, every].sum(axis=1) >= observed)), True
    drawn = rng.permuted(np.tile(rows, (_RANDOM, 1)), axis=1)
    return float((1 + np.sum(r[rows, drawn].sum(axis=1) >= observed)) / (1 + _RANDOM)), False


def _resampled(r: Floats, rng: np.random.Generator) -> Floats:
    """The difference in resamples of participants; nobody is compared with a copy of themselves."""
    n = len(r)
    weights = rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES).astype(np.float64)
    own = weights @ np.diag(r) / n
    pairs = np.einsum("bi,ij,bj->b", weights, r, weights) - weights**2 @ np.diag(r)
    counts = n**2 - np.sum(weights**2, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        others = np.where(counts > 0, pairs / counts, np.nan)
    return np.asarray(own - others, dtype=np.float64)
