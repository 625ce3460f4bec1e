"""Comparisons of differences, as a table and as counts: which of two pairs of images looks more different?

| columns                                                | one row is                                                 |
|--------------------------------------------------------|------------------------------------------------------------|
| left_deg, middle_deg, right_deg                        | a triad: middle and left, or middle and right?             |
| left_1_deg, left_2_deg, right_1_deg, right_2_deg       | a quadruple: the two on the left, or the two on the right? |

`response` is the side that looks more different, left or right; a missing one is left out and counted. Optional:
`participant`, `role` (only main trials count) and `loop` (one only). Tables of R's package MLDS are read too: resp (1:
the second pair differs more), S1, S2, S3 and for quadruples S4, the stimuli's numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.arrays import Flags, Floats, Ints
from data.errors import LookalikeError
from data.trials import refuse_rows

TRIAD = ("left_deg", "middle_deg", "right_deg")
QUADRUPLE = ("left_1_deg", "left_2_deg", "right_1_deg", "right_2_deg")
_SIDES = ("left", "right")
_MLDS = ("S1", "S2", "S3", "S4")
_DECIMALS = 6  # of a degree: positions nearer to one another are one image


@dataclass(frozen=True, eq=False)
class Comparisons:
    """One participant's comparisons, equal ones counted together.

    `positions_deg` (images,) rise. `left` and `right` (comparisons, 2) are places of the two images of each pair;
    `trials` and `said_right` (comparisons,) count. Pairs are sorted, so that sides and the order of images within a
    pair make no difference; `said_right` counts answers for the pair called right after sorting.
    """

    participant: str
    positions_deg: Floats
    left: Ints
    right: Ints
    trials: Floats
    said_right: Floats
    unanswered: int
    answered_right: float  # share of answers that named the right side of the screen


def comparisons(table: pd.DataFrame, *, closed: bool, source: str = "the comparisons") -> list[Comparisons]:
    """Every participant's comparisons, sorted by participant; without that column, all are one participant's.

    Raises `LookalikeError` if columns are missing, a position is not a number, an answer is another word, there are
    several loops, or fewer than four images are left.
    """
    frame = _main(_from_mlds(table, source), source)
    columns = next((names for names in (TRIAD, QUADRUPLE) if set(names) <= set(frame.columns)), None)
    if columns is None or "response" not in frame.columns:
        raise LookalikeError(
            "missing-column",
            f"{source}: needs response and {', '.join(TRIAD)} (triads) or {', '.join(QUADRUPLE)} (quadruples); it has "
            f"{', '.join(map(str, frame.columns))}",
        )
    where = _positions(frame, columns, closed, source)
    other = ~(frame["response"].isin(_SIDES) | frame["response"].isna())
    refuse_rows(other, source, "response is neither 'left' nor 'right'", code="unknown-word")
    names = frame["participant"] if "participant" in frame.columns else pd.Series("all", index=frame.index)
    refuse_rows(names.isna(), source, "participant is missing", code="missing-value")
    found = [
        _counted(str(name), where[rows], frame["response"].to_numpy()[rows])
        for name, rows in sorted(names.groupby(names).indices.items(), key=lambda item: str(item[0]))
    ]
    for one in found:
        if one.positions_deg.size < 4:
            raise LookalikeError(
                "too-few-images",
                f"{source}: {one.participant} compared {one.positions_deg.size} images; a scale needs 4 or more",
            )
    return found


def _from_mlds(table: pd.DataFrame, source: str) -> pd.DataFrame:
    """A table of the R package MLDS in the columns above; any other as it is."""
    if not {"resp", *_MLDS[:3]} <= set(table.columns):
        return table
    resp = pd.to_numeric(table["resp"], errors="coerce")
    refuse_rows(~(resp.isin([0, 1]) | table["resp"].isna()), source, "resp is neither 0 nor 1", code="unknown-word")
    names = dict(zip(_MLDS, QUADRUPLE if "S4" in table.columns else TRIAD, strict=False))
    return table.rename(columns=names).assign(response=resp.map({0: "left", 1: "right"}))


def _main(table: pd.DataFrame, source: str) -> pd.DataFrame:
    frame = table[table["role"] == "main"] if "role" in table.columns else table
    if frame.empty:
        raise LookalikeError("nothing-to-analyse", f"{source}: has no main trial")
    loops = frame["loop"].nunique() if "loop" in frame.columns else 1
    if loops > 1:
        named = ", ".join(sorted(map(str, frame["loop"].dropna().unique())))
        raise LookalikeError(
            "several-loops", f"{source}: has comparisons on {loops} loops ({named}); scale one at a time with --of-loop"
        )
    return frame


def _positions(frame: pd.DataFrame, columns: tuple[str, ...], closed: bool, source: str) -> Floats:
    numbers = frame[list(columns)].apply(pd.to_numeric, errors="coerce")
    wrong = ~np.isfinite(numbers.to_numpy(dtype=np.float64)).all(axis=1)
    refuse_rows(pd.Series(wrong, index=frame.index), source, "a position is not a number", code="not-a-number")
    where = np.round(numbers.to_numpy(dtype=np.float64), _DECIMALS)
    return np.asarray(np.round(where % 360, _DECIMALS) % 360 if closed else where, dtype=np.float64)


def _counted(name: str, where: Floats, response: np.typing.NDArray[np.object_]) -> Comparisons:
    answered: Flags = ~pd.isna(response)
    where, said = where[answered], response[answered] == "right"
    positions, places = np.unique(where, return_inverse=True)
    places = places.reshape(where.shape)
    pairs = places if where.shape[1] == 4 else places[:, [0, 1, 1, 2]]
    left, right = np.sort(pairs[:, :2], axis=1), np.sort(pairs[:, 2:], axis=1)
    swap = (left[:, 0] > right[:, 0]) | ((left[:, 0] == right[:, 0]) & (left[:, 1] > right[:, 1]))
    first, second = np.where(swap[:, None], right, left), np.where(swap[:, None], left, right)
    rows, inverse = np.unique(np.hstack([first, second]), axis=0, return_inverse=True)
    counts = np.bincount(inverse.ravel(), minlength=len(rows))
    votes = np.bincount(inverse.ravel(), weights=(said != swap).astype(np.float64), minlength=len(rows))
    return Comparisons(
        participant=name,
        positions_deg=positions,
        left=rows[:, :2],
        right=rows[:, 2:],
        trials=counts.astype(np.float64),
        said_right=np.asarray(votes, dtype=np.float64),
        unanswered=int(np.sum(~answered)),
        answered_right=float(said.mean()) if said.size else np.nan,
    )
