"""How this process handles memory: blocks that it has freed, and what only its collector can free."""

from __future__ import annotations

import ctypes
import gc
import platform

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # from glibc's malloc.h
_NEVER = 2**30  # bytes, above any block of ours
_SELDOM = (50_000, 20, 100)  # as `gc.set_threshold` takes them


def reuse_freed_memory() -> bool:
    """Keep large freed blocks for the next use, where the C library can do so (glibc); return whether it does.

    By default glibc returns each large block to the system when it is freed and then requests another, which the
    system supplies page by page, zeroed. Networks free and request the same blocks at every layer of every
    step: on two processor cores that took a third of the time of generating and a tenth of that of training
    (`benchmarks.gan`). Peak memory stays the same; free blocks are returned when the process ends.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    return bool(libc.mallopt(_MMAP_THRESHOLD, _NEVER) and libc.mallopt(_TRIM_THRESHOLD, _NEVER))


def collect_seldom() -> None:
    """Look for reference cycles less often than Python does, in a process that reads large tables.

    Python looks through its newest objects with every few hundred that are made, and through all with a quarter more.
    The rows and cells of a table of 200,000 trials form no cycles, and looking through them took half of the time of
    reading them.
    """
    gc.set_threshold(*_SELDOM)
