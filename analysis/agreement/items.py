"""Image by image: which pass for real, which are recognised as generated, and what that goes with.

`item_table` gives one row per image. An image is *convincing* if it is called "real": real ones can fail
to convince too.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import spearmanr

from analysis import intervals
from analysis.agreement.rating_agreement import spearman
from analysis.multiplicity import holm
from analysis.readings import answer_matrix
from data.arrays import Floats, Ints
from data.errors import LookalikeError

COLUMNS = (
    "stimulus_id",
    "truth",
    "judged",  # participants who answered
    "said_generated",  # of these, how many called it generated
    "share_generated",
    "generated_low",  # Wilson bounds of that share
    "generated_high",
    "share_correct",
    "correct_low",
    "correct_high",
    "rated",  # participants with a rating
    "mean_rating",  # signed: larger is more generated-looking
    "item_total",  # correlation of being right here with being right elsewhere
    "place",  # among images of its truth, 1 is the most convincing
    "reason",
)


def item_table(frame: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """One row per image: who called it what, and how well it sorts good observers from poor ones.

    Parameters
    ----------
    frame : pandas.DataFrame
        The main trials of session 1 (`data.trials`): participant, stimulus_id, truth, response and, if any, confidence.
    level : float, optional
        Level of the Wilson bounds, in (0, 1): they speak of other observers judging this image.

    Returns
    -------
    pandas.DataFrame
        Rows by stimulus_id, with the columns `analysis.agreement.items.COLUMNS`. What is undefined is NaN and `reason`
        says why.

    Raises
    ------
    LookalikeError
        For a missing column, an unknown word, an image that a participant judged twice or that has two truths, a trial
        that is not main, or a retest.

    Notes
    -----
    `item_total` is corrected: over the participants who judged the image, Pearson's correlation of being right on it
    with the share right of their *other* images. It is positive for images that separate good observers from poor
    ones; at chance it is about 0. `place` orders the images of one truth by share called generated, then mean rating,
    then id.

    References
    ----------
    Wilson 1927, J. Am. Stat. Assoc. 22:209.

    Examples
    --------
    >>> import pandas as pd
    >>> from analysis import item_table
    >>> trials = pd.DataFrame({"participant": ["p", "p", "q", "q"], "stimulus_id": ["a", "b"] * 2})
    >>> trials["truth"], trials["response"] = ["real", "generated"] * 2, ["real", "generated", "generated", "generated"]
    >>> item_table(trials)[["stimulus_id", "judged", "share_generated", "share_correct"]].to_numpy().tolist()
    [['a', 2, 0.5, 0.5], ['b', 2, 1.0, 1.0]]
    """
    answers = answer_matrix(frame)
    judged = np.sum(~np.isnan(answers.said), axis=0)
    said = np.nansum(answers.said, axis=0).astype(np.int64)
    correct = np.where(answers.generated, said, judged - said)
    rated = np.sum(~np.isnan(answers.rating), axis=0)
    generated_low, generated_high = intervals.wilson(said, judged, level)
    correct_low, correct_high = intervals.wilson(correct, judged, level)
    item_total, why = _item_total(answers.correct)
    table = pd.DataFrame(
        {
            "stimulus_id": answers.images,
            "truth": np.where(answers.generated, "generated", "real"),
            "judged": judged,
            "said_generated": said,
            "share_generated": _ratio(said, judged),
            "generated_low": generated_low,
            "generated_high": generated_high,
            "share_correct": _ratio(correct, judged),
            "correct_low": correct_low,
            "correct_high": correct_high,
            "rated": rated,
            "mean_rating": _ratio(np.nansum(answers.rating, axis=0), rated),
            "item_total": item_total,
            "reason": why,
        }
    )
    order = table[table["judged"] > 0].sort_values(["share_generated", "mean_rating", "stimulus_id"])
    table["place"] = order.groupby("truth").cumcount() + 1.0
    return table[list(COLUMNS)]


def extremes(items: pd.DataFrame, count: int = 5) -> pd.DataFrame:
    """The `count` most and least convincing images of each truth, from the table that `item_table` gives.

    Rows go by truth, then from the most convincing down; column `convincing` says most | least. With fewer
    than 2 × `count` images of a truth, the halves do not overlap.
    """
    parts = []
    for _, table in items[items["place"].notna()].groupby("truth", sort=True):
        ranked = table.sort_values("place")
        most = min(count, (len(ranked) + 1) // 2)
        least = min(count, len(ranked) - most)
        parts += [ranked[:most].assign(convincing="most"), ranked[len(ranked) - least :].assign(convincing="least")]
    columns = ["convincing", *items.columns]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def cue_relations(items: pd.DataFrame, cues: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """How each image cue goes with the mean rating, among images of one truth.

    `cues` has stimulus_id and one column of numbers per cue. One row per cue and truth: cue, truth, images
    (with cue and rating), left_out (images without either), spearman with bounds at `level`, its p (t
    approximation), p_holm over all rows with a p (Holm 1979, Scand. J. Stat. 6:65), and a reason where it is
    undefined. Within truth, since any cue that differs between real and generated images would otherwise go
    with the ratings of observers who see the difference by whatever means. p takes images as the sample.

    Raises `LookalikeError` for a missing column, a stimulus twice, or a cue that is not a finite number.
    """
    names = _cue_names(cues)
    joined = items[["stimulus_id", "truth", "mean_rating"]].merge(cues, on="stimulus_id", how="left")
    rows = []
    for name in names:
        for truth in ("real", "generated"):
            of_truth = joined[joined["truth"] == truth]
            pairs = of_truth[["mean_rating", name]].dropna()
            relation = spearman(pairs[name], pairs["mean_rating"], level)
            defined = not np.isnan(relation.value) and len(pairs) > 2
            rows.append(
                {
                    "cue": name,
                    "truth": truth,
                    "images": len(pairs),
                    "left_out": len(of_truth) - len(pairs),
                    "spearman": relation.value,
                    "low": relation.low,
                    "high": relation.high,
                    "p": float(spearmanr(pairs[name], pairs["mean_rating"]).pvalue) if defined else np.nan,
                    "reason": relation.reason,
                }
            )
    columns = ["cue", "truth", "images", "left_out", "spearman", "low", "high", "p", "p_holm", "reason"]
    table = pd.DataFrame(rows, columns=[name for name in columns if name != "p_holm"])
    table["p_holm"] = holm(table["p"])
    return table[columns]


def _cue_names(cues: pd.DataFrame) -> list[str]:
    if "stimulus_id" not in cues.columns:
        raise LookalikeError("missing-column", "the cues lack column stimulus_id")
    repeated = cues["stimulus_id"].duplicated()
    if repeated.any():
        raise LookalikeError(
            "duplicate-id", f"{cues.loc[repeated, 'stimulus_id'].iloc[0]}: has cues twice; give one row per image"
        )
    names = [str(name) for name in cues.columns if name != "stimulus_id"]
    for name in names:
        if not pd.api.types.is_numeric_dtype(cues[name]) or np.isinf(cues[name].to_numpy(dtype=np.float64)).any():
            raise LookalikeError(
                "not-a-number", f"cue {name} is not a column of finite numbers; leave it out or correct it"
            )
    return names


def _ratio(part: npt.NDArray[np.generic], whole: Ints) -> Floats:
    ratio: Floats = np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0, dtype=np.float64)
    return ratio


def _item_total(correct: Floats) -> tuple[Floats, npt.NDArray[np.object_]]:
    """The corrected item-total correlation of every image, and why it is undefined.

    `correct` is 1, 0 or NaN, shape (participants, images).
    """
    there = ~np.isnan(correct)
    others = there.sum(axis=1, keepdims=True) - 1
    right = np.where(there, correct, 0)
    usable = there & (others > 0)
    rest = np.divide(right.sum(axis=1, keepdims=True) - right, others, out=np.zeros_like(right), where=usable)
    n = usable.sum(axis=0)

    def centred(values: Floats) -> Floats:
        return np.where(usable, values - np.where(usable, values, 0).sum(axis=0) / np.maximum(n, 1), 0)

    here, elsewhere = centred(right), centred(rest)
    product, a, b = (np.sum(x * y, axis=0) for x, y in ((here, elsewhere), (here, here), (elsewhere, elsewhere)))
    varies = (a > 1e-12) & (b > 1e-12) & (n > 2)
    value = np.divide(product, np.sqrt(a * b), out=np.full(n.shape, np.nan), where=varies)
    why = np.full(n.shape, None, dtype=object)
    why[b <= 1e-12] = "no item-total correlation: all were right equally often elsewhere"
    why[a <= 1e-12] = "no item-total correlation: everyone was right, or everyone wrong"
    why[n < 3] = "no item-total correlation: fewer than three participants judged it and others"
    why[there.sum(axis=0) == 0] = "no one answered"
    return value, why
