"""Calls in several processes are the calls one after the other."""

from __future__ import annotations

import os

import pytest

from analysis import side_by_side as module
from analysis.side_by_side import side_by_side
from data.errors import LookalikeError


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "cores", lambda: 2)


@pytest.mark.parametrize(("count", "chunk"), [(0, 1), (1, 1), (7, 1), (7, 3), (7, 20)])
def test_results_come_in_order_whatever_the_processes(count: int, chunk: int) -> None:
    secret = 3  # what a call closes over need not be pickled
    assert side_by_side(lambda number: number * secret, range(count), chunk) == [3 * n for n in range(count)]
    assert module._WORK == []


def test_they_run_in_other_processes_only_where_there_are_enough() -> None:
    assert os.getpid() not in side_by_side(lambda _: os.getpid(), range(4))
    assert set(side_by_side(lambda _: os.getpid(), range(4), chunk=4)) == {os.getpid()}


def test_an_error_of_a_call_is_that_error() -> None:
    def refuse(number: int) -> int:
        raise LookalikeError("out-of-range", f"{number} is too much")

    with pytest.raises(LookalikeError, match="is too much") as caught:
        side_by_side(refuse, range(3))
    assert caught.value.code == "out-of-range"
    assert module._WORK == []
