"""Sessions that are killed: struck after an event from within, or by a signal at any moment."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from experiments.records.record import Record
from experiments.screen import HeadlessScreen

KILLS = int(os.environ.get("LOOKALIKE_KILLS", "6"))  # of each flow


def slow_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each state last a few milliseconds of real time, so that a kill can come in the middle of it."""
    for name in ("fixate", "prepare", "message", "wait_until"):
        step = getattr(HeadlessScreen, name)

        def slowly(*given: Any, step: Any = step, **named: Any) -> Any:
            time.sleep(0.002)
            return step(*given, **named)

        monkeypatch.setattr(HeadlessScreen, name, slowly)


def killed_after(run_it: Callable[[], Any], lines: int, delay_s: float, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run in a process of its own, kill it a moment after so many lines of the record, return how many it told."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            append = Record.append

            def tell(self: Record, event: str, **facts: Any) -> None:
                append(self, event, **facts)
                os.write(writing, b".")

            monkeypatch.setattr(Record, "append", tell)
            run_it()
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        told = sum(len(pipe.read(1)) for _ in range(lines))
        time.sleep(delay_s)
        os.kill(child, signal.SIGKILL)
        while more := pipe.read(100):
            told += len(more)
    os.waitpid(child, 0)
    return told


class Struck(BaseException):
    """A kill, as far as a process can raise one itself."""


def stop_at(monkeypatch: pytest.MonkeyPatch, event: str, number: int) -> None:
    """Strike right after the so-manieth event of this name is on disk."""
    append, seen = Record.append, Counter()

    def counted(self: Record, name: str, **facts: Any) -> None:
        append(self, name, **facts)
        seen[name] += 1
        if (name, seen[name]) == (event, number):
            raise Struck

    monkeypatch.setattr(Record, "append", counted)
