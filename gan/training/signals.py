"""Ctrl-C and SIGTERM as requests to stop at the end of a step rather than in the middle of it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_softly() -> Iterator[Callable[[], bool]]:
    """Yields a function that says whether a stop was requested. A second signal has its usual effect at once.

    Signals reach the main thread only; in any other thread nothing changes.
    """
    requests: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    usual = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, _frame: FrameType | None) -> None:
        requests.append(number)
        for each, handler in usual.items():
            signal.signal(each, handler)

    try:
        for number in usual:
            signal.signal(number, note)
        yield lambda: bool(requests)
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
