"""The source of a session's stimuli: a stimulus set, or morph loops."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from stimuli.images import Pixels
from stimuli.loop_set import is_loops, read_loops
from stimuli.sets import read_set


class Stimuli(Protocol):
    """Images with ids, in a folder. `sha256` is that of their manifest, `mean` their mean P-value.

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
    """Read and verify what a session can show: morph loops, or else a stimulus set.

    Parameters
    ----------
    folder : path
        A loop's folder, a folder of loops, or a stimulus set.

    Returns
    -------
    LoopSet or StimulusSet
        See `read_loops` and `read_set`.

    Raises
    ------
    LookalikeError
        As `read_loops` and `read_set` do.

    Examples
    --------
    >>> import stimuli
    >>> stimuli.read_stimuli("no-such-folder")
    Traceback (most recent call last):
        ...
    data.errors.LookalikeError: no-such-folder: no stimulus set here (stimuli.csv is missing)...
    """
    return read_loops(folder) if is_loops(folder) else read_set(folder)
