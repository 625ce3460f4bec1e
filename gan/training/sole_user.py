"""One run to a folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from data.errors import LookalikeError
from data.files import refuse_occupied

LOCK = ".lock"


@contextmanager
def sole_user(out: Path, resume: bool, parts: Sequence[str], first: bool = True) -> Iterator[None]:
    """Keep a second run out of a run's folder, and make the folders `parts` in it.

    Only the `first` of several processes does so. The lock is the system's, so it vanishes with a killed process.
    """
    if not first:
        yield
        return
    if resume and not out.is_dir():
        raise LookalikeError("nothing-to-resume", f"{out}: no such run to resume; to start one, leave out --resume")
    if not resume:
        refuse_occupied(out)
    for part in parts:
        (out / part).mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / LOCK, timeout=0):
            yield
    except Timeout:
        raise LookalikeError(
            "in-use", f"{out}: another training run is using this folder; wait for it, or choose another --out"
        ) from None
