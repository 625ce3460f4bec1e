"""Ctrl-C and SIGTERM as a wish, to be heard at the end of a step rather than in the middle of it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_softly() -> Iterator[Callable[[], bool]]:
    """Yields whether somebody asked to stop. Asked a second time, the usual thing happens at once.

    Signals reach the main thread only; in another, nothing changes.
    """
    asked: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    usual = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def hear(number: int, _frame: FrameType | None) -> None:
        asked.append(number)
        for each, handler in usual.items():
            signal.signal(each, handler)

    try:
        for number in usual:
            signal.signal(number, hear)
        yield lambda: bool(asked)
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
