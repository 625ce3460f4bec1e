"""Freed memory is used again, and cycles are looked for seldom."""

import gc
import platform
import subprocess
import sys

import pytest
from typer.testing import CliRunner

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


@pytest.mark.parametrize("command", ["analyze", "compare"])
def test_reading_tables_is_not_interrupted_by_the_search_for_cycles(command, tmp_path, monkeypatch):
    """Of 100,000 rows in lists, which Python by itself looks through more than a hundred times."""
    from lookalike.cli import app

    monkeypatch.chdir(tmp_path)
    before = gc.get_threshold()
    try:
        CliRunner().invoke(app, [command, "none.csv", *(["none.csv"] if command == "compare" else []), "--out", "o"])
        searched = gc.get_stats()[0]["collections"]
        rows = [[number] for number in range(100_000)]
        assert gc.get_stats()[0]["collections"] - searched <= 3
    finally:
        gc.set_threshold(*before)
    assert len(rows) == 100_000
