"""Freed memory is used again."""

import platform
import subprocess
import sys

import pytest

_MAKE_AND_FREE = """
import resource
import numpy as np
from lookalike.memory import reuse_freed_memory
told = {ask} and reuse_freed_memory()
np.ones(8 * 2**20)  # 64 MiB, above what glibc keeps by itself
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    np.ones(8 * 2**20)
print(told, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _faults(ask: bool) -> tuple[str, int]:
    done = subprocess.run([sys.executable, "-c", _MAKE_AND_FREE.format(ask=ask)], capture_output=True, text=True)
    told, faults = done.stdout.split()
    return told, int(faults)


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_pages_of_freed_blocks_are_not_asked_for_again():
    told, few = _faults(ask=True)
    assert told == "True"
    assert few * 20 < _faults(ask=False)[1]


def test_other_c_libraries_are_left_alone(monkeypatch):
    from lookalike import memory

    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert memory.reuse_freed_memory() is False
