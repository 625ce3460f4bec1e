"""Waiting for other processes, by what they do and not by how long they take: machines differ in speed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

PATIENCE_S = 900  # only a test that hangs waits so long
LOOKS = 200  # several rounds of a loop that polls, each of which sleeps at least once


def wait_until(condition: Callable[[], bool], what: str = "it does not go on") -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


def let_it_look(process: int) -> None:
    """Wait until a process that polls (its id) has looked several times at what it polls."""

    def slept() -> int:
        status = Path(f"/proc/{process}/status").read_text()
        return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])

    until = slept() + LOOKS
    wait_until(lambda: slept() >= until, "it no longer looks")
