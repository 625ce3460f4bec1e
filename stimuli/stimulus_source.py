"""What a session shows: a stimulus set, or morph loops."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from stimuli.images import Pixels
from stimuli.loop_set import is_loops, read_loops
from stimuli.sets import read_set


class Stimuli(Protocol):
    """Images with ids, below a folder. `sha256` is that of their manifest, `mean` their mean P-value.

    `largest_px` is the (rows, columns) of the largest one.
    """

    @property
    def folder(self) -> Path: ...

    @property
    def sha256(self) -> str: ...

    @property
    def mean(self) -> float: ...

    @property
    def largest_px(self) -> tuple[int, int]: ...

    def read(self, stimulus_id: str) -> Pixels:
        """The P-values of one image, verified. Raises `LookalikeError`."""


def read_stimuli(folder: Path) -> Stimuli:
    """Read and verify loops, if the folder is a loop or holds some, else a stimulus set. Raises `LookalikeError`."""
    return read_loops(folder) if is_loops(folder) else read_set(folder)
