"""The intraclass correlations: the published table, pingouin, R's psych, exact coverage, invariances."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pingouin
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.agreement.intraclass import MEANING, shrout_fleiss

SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
PUBLISHED = {"icc_1_1": 0.17, "icc_2_1": 0.29, "icc_3_1": 0.71, "icc_1_k": 0.44, "icc_2_k": 0.62, "icc_3_k": 0.91}


def test_the_six_are_shrout_and_fleiss() -> None:
    """Their table 4, to the digits given."""
    found = shrout_fleiss(SHROUT_FLEISS)
    assert {name: round(getattr(found, name).value, 2) for name in MEANING} == PUBLISHED
    assert (found.images, found.raters, found.left_out, found.reason) == (6, 4, 0, None)


def test_intervals_f_and_p_are_mcgraw_and_wongs_by_hand() -> None:
    """Mean squares of the published ANOVA: images 11.24, within 6.26, raters 32.49, residual 1.02."""
    found = shrout_fleiss(SHROUT_FLEISS)
    assert found.icc_1_1.f == pytest.approx(11.24 / 6.26, abs=0.005)
    assert found.icc_3_1.f == pytest.approx(11.24 / 1.02, abs=0.05)
    assert (found.icc_1_1.df_images, found.icc_1_1.df_error) == (5, 18)
    assert (found.icc_3_k.df_images, found.icc_3_k.df_error) == (5, 15)
    assert (found.icc_3_1.low, found.icc_3_1.high) == pytest.approx((0.342, 0.946), abs=0.0005)
    assert (found.icc_1_k.low, found.icc_1_k.high) == pytest.approx((-0.884, 0.912), abs=0.0005)


@pytest.mark.parametrize("raters", [2, 3, 5])
def test_all_six_are_pingouins(raters: int) -> None:
    """Values to 1e-6, F and p to 1e-6, bounds to the two digits that pingouin gives."""
    rng = np.random.default_rng(raters)
    ratings = rng.normal(size=(25, 1)) + rng.normal(size=(25, raters)) + 0.5 * rng.normal(size=raters)
    long = pd.DataFrame(ratings).rename_axis("image").reset_index().melt("image", var_name="rater")
    reference = pingouin.intraclass_corr(long, "image", "rater", "value").set_index("Type")
    mine = shrout_fleiss(ratings).by_kind().set_index("name")
    for name, row in reference.iterrows():
        one = mine.loc[{"ICC(1,1)": "ICC(1)", "ICC(1,k)": "ICC(k)"}.get(name, name)]
        assert (one["value"], one["f"], one["p"]) == pytest.approx((row["ICC"], row["F"], row["pval"]), abs=1e-6)
        assert (one["low"], one["high"]) == pytest.approx(tuple(row["CI95"]), abs=0.0051)


@pytest.mark.slow
def test_intervals_cover() -> None:
    """1,000 tables of 20 images × 4 raters, true ICC(2,1) .4 and ICC(3,1) .5; standard error of the coverage .007.

    The bounds of models 1 and 3 are exact in their own model; model 2's are approximate.
    """
    rng = np.random.default_rng(3)
    inside = []
    for _ in range(1000):
        image, rater, noise = rng.normal(size=(20, 1)), rng.normal(size=4) * math.sqrt(0.5), rng.normal(size=(20, 4))
        two_way, one_way = shrout_fleiss(image + rater + noise), shrout_fleiss(image + noise)
        inside.append(
            [
                one_way.icc_1_1.low <= 0.5 <= one_way.icc_1_1.high,
                two_way.icc_2_1.low <= 0.4 <= two_way.icc_2_1.high,
                two_way.icc_3_1.low <= 0.5 <= two_way.icc_3_1.high,
                two_way.icc_2_k.low <= 4 * 0.4 / 2.2 <= two_way.icc_2_k.high,
            ]
        )
    assert np.mean(inside, axis=0) == pytest.approx([0.95] * 4, abs=0.025)


def test_an_image_without_all_ratings_is_left_out() -> None:
    found = shrout_fleiss([*SHROUT_FLEISS, [1, np.nan, 3, 4]])
    assert (found.images, found.left_out) == (6, 1)
    assert found.icc_2_1 == shrout_fleiss(SHROUT_FLEISS).icc_2_1


@pytest.mark.parametrize(
    ("ratings", "reason"),
    [
        ([[1, 2]], "fewer than two images"),
        ([[1], [2], [3]], "fewer than two raters"),
        ([[2, 2], [2, 2]], "all ratings are the same"),
        ([[1, 2], [2, 1]], "a denominator is not positive"),
        ([[1, 1], [2, 2], [3, 3]], "an ICC has no interval"),
    ],
)
def test_too_little_is_undefined(ratings: list[list[float]], reason: str) -> None:
    found = shrout_fleiss(ratings)
    assert reason in str(found.reason)
    assert math.isnan(found.icc_2_1.low)


def test_a_constant_shift_of_a_rater_counts_only_as_disagreement() -> None:
    found = shrout_fleiss([[1, 2], [2, 3], [3, 4], [5, 6]])
    assert found.icc_3_1.value == found.icc_3_k.value == 1
    assert found.icc_2_1.value < 1
    assert "no interval" in str(found.reason)


def test_wrong_input_is_refused(refuses: Any) -> None:
    with refuses("wrong-shape"):
        shrout_fleiss([1.0, 2])
    with refuses("not-a-number") as caught:
        shrout_fleiss([[1, 2], [3, np.inf]])
    assert "row 1, column 1" in str(caught.value)
    with refuses("out-of-range"):
        shrout_fleiss(SHROUT_FLEISS, level=1.5)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(*[st.integers(-4, 4)] * 3), min_size=3, max_size=20), st.integers(-3, 3), st.integers(1, 4))
def test_invariances(rows: list[tuple[int, int, int]], shift: int, stretch: int) -> None:
    """Order of images and raters, and a shift or stretch of all ratings, change nothing; the mean is never less."""
    base = shrout_fleiss(rows)
    others = ([row[::-1] for row in rows[::-1]], [[stretch * x + shift for x in row] for row in rows])
    for again in map(shrout_fleiss, others):
        for name in MEANING:
            one, other = getattr(base, name), getattr(again, name)
            assert (one.value, one.low, one.high) == pytest.approx(
                (other.value, other.low, other.high), abs=1e-9, nan_ok=True
            )
    if base.icc_1_1.value > 0:
        assert base.icc_1_1.value <= base.icc_1_k.value <= 1


def test_all_six_are_those_of_psych() -> None:
    """R's psych on 30 × 4 ratings, through reference/curves.json: values, F, p and bounds; to 1e-8."""
    reference = json.loads((Path(__file__).parents[1] / "reference" / "curves.json").read_text(encoding="utf-8"))["icc"]
    mine = shrout_fleiss(reference["ratings"]).by_kind()
    for column in ("value", "f", "p", "low", "high"):
        assert mine[column].to_list() == pytest.approx(reference[column], abs=1e-8)
