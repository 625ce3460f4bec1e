"""Tables of comparisons, and their counts."""

import numpy as np
import pandas as pd
import pytest

from analysis.scaling.comparisons import QUADRUPLE, TRIAD, comparisons
from data.errors import LookalikeError

TABLE = pd.DataFrame(
    [(0, 90, 180, "right"), (180, 90, 0, "left"), (180, 90, 0, "right"), (0, 90, 270, "left")],
    columns=[*TRIAD, "response"],
)


def test_a_mirrored_triad_is_the_same_comparison():
    (one,) = comparisons(TABLE, closed=False)
    assert one.positions_deg.tolist() == [0, 90, 180, 270]
    assert one.trials.tolist() == [3, 1]
    # Right of (0, 90, 180) is 180; the mirrored one names it on the left.
    assert one.said_right.tolist() == [2, 0]
    assert one.left.tolist() == [[0, 1], [0, 1]]
    assert one.right.tolist() == [[1, 2], [1, 3]]
    assert one.answered_right == 0.5


def test_quadruples_are_pairs_in_any_order():
    rows = [(0, 10, 20, 40, "right"), (40, 20, 10, 0, "left"), (10, 0, 40, 20, "left"), (30, 20, 0, 40, "left")]
    (one,) = comparisons(pd.DataFrame(rows, columns=[*QUADRUPLE, "response"]), closed=False)
    assert one.trials.sum() == 4
    assert sorted(one.trials.tolist()) == [1, 3]
    assert one.said_right[one.trials == 3].tolist() == [2]


def test_on_a_loop_360_is_0():
    table = TABLE.assign(right_deg=[360, 0, 0, 270])
    assert comparisons(table, closed=True)[0].positions_deg.tolist() == [0, 90, 180, 270]


def test_participants_roles_and_missing_answers():
    table = pd.concat(
        [TABLE.assign(participant="b"), TABLE.assign(participant="a", response=[None, "left", "left", "left"])]
    )
    table = pd.concat([table, TABLE.assign(participant="c", role="practice")])
    table["role"] = table["role"].fillna("main")
    found = comparisons(table, closed=False)
    assert [(one.participant, one.unanswered, one.trials.sum()) for one in found] == [("a", 1, 3), ("b", 0, 4)]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"response": "both"}, "unknown-word"),
        ({"left_deg": "x"}, "not-a-number"),
        ({"left_deg": np.inf}, "not-a-number"),
        ({"loop": ["a", "a", "b", "b"]}, "several-loops"),
        ({"participant": [None, "a", "a", "a"]}, "missing-value"),
        ({"role": "practice"}, "nothing-to-analyse"),
        ({"left_deg": 90, "middle_deg": 180, "right_deg": 0}, "too-few-images"),
    ],
)
def test_what_cannot_be_scaled_is_refused(change, code):
    with pytest.raises(LookalikeError) as error:
        comparisons(TABLE.assign(**change), closed=False, source="t.csv")
    assert error.value.code == code
    assert "t.csv" in str(error.value)


def test_a_missing_column_is_named():
    with pytest.raises(LookalikeError, match="middle_deg"):
        comparisons(TABLE.drop(columns="middle_deg"), closed=False)
