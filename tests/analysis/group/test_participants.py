"""From selected trials to each participant's results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from analysis.group.participants import measure
from analysis.trials import load_trials


def test_retests_never_enter_the_measure(tmp_path: Path, write_session: Callable[..., Path]) -> None:
    """A perfect retest changes neither d′ nor the AUC."""

    def perfect(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(response=frame["truth"], confidence=4)

    table = pd.read_csv(write_session(tmp_path, "a"), sep="\t")
    alone = measure(load_trials(tmp_path, None, None))[0]
    write_session(tmp_path, "a", 3)
    write_session(tmp_path, "a", 2, change=perfect)
    again = measure(load_trials(tmp_path, None, None))[0]
    assert again.yesno == alone.yesno
    signed = table["confidence"].where(table["response"] == "generated", -table["confidence"])
    assert again.roc.auc == alone.roc.auc == pytest.approx(roc_auc_score(table["truth"] == "generated", signed))
    assert alone.retest is None
    assert list(again.retests) == [2, 3]
    # The first retest is the one shown: with perfect answers, it agrees where session 1 was right.
    assert again.retest is again.retests[2].answers
    assert again.retest is not None
    assert again.retest.similarity == pytest.approx(alone.yesno.accuracy)


def test_a_retest_set_aside_does_not_change_who_the_participant_is(
    tmp_path: Path, write_session: Callable[..., Path]
) -> None:
    write_session(tmp_path, "h4", Observer="human")
    write_session(tmp_path, "h4", 2, Observer="scripted")
    (one,) = measure(load_trials(tmp_path, None, None))
    assert one.observer == "human"
    assert one.retest is None
