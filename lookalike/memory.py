"""How this process deals with memory that it has freed."""

from __future__ import annotations

import ctypes
import platform

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
_NEVER = 2**30  # bytes, above any block of ours


def reuse_freed_memory() -> bool:
    """Keep large freed blocks for the next use, where the C library can be told so (glibc); returns whether it was.

    By default glibc gives each large block back to the system when it is freed and asks for it anew, and the
    system hands it out page by page, zeroed. Networks free and want the same blocks at every layer of every
    step: on two processor cores that was a third of the time of generating and a tenth of training's
    (`benchmarks.gan`). The peak of memory stays the same; what is free goes back when the process ends.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    return bool(libc.mallopt(_MMAP_THRESHOLD, _NEVER) and libc.mallopt(_TRIM_THRESHOLD, _NEVER))
