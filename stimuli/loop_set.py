"""Morph loops as stimuli: the folder of one loop, or a folder of loops, verified and read image by image."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from data.errors import LookalikeError
from data.files import sha256
from data.loops import Frame, Loop, read_loop
from stimuli.images import Pixels
from stimuli.readers import formats

_SAMPLE = 12  # frames of each loop from which the mean grey is taken


@dataclass(frozen=True)
class LoopSet:
    """Verified loops by the names of their folders. `sha256` is that of all names and manifests.

    A frame's id is `<loop>/<file without ending>`; `files` holds the path of each within `folder`.
    """

    folder: Path
    loops: Mapping[str, Loop]
    files: Mapping[str, str]
    sha256: str

    def read(self, stimulus_id: str) -> Pixels:
        """The P-values of one frame, shape (rows, columns); its hash is checked again.

        Raises `LookalikeError` if the id is unknown or the file is missing or altered.
        """
        if stimulus_id not in self.files:
            raise LookalikeError("no-such-stimulus", f"{self.folder}: has no frame {stimulus_id!r}")
        path = self.folder / self.files[stimulus_id]
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() != self._frames[stimulus_id].sha256:
            raise LookalikeError(
                "altered-file", f"{path}: missing or altered since the loop was made; restore it from a backup"
            )
        return formats.read(path, content).pixels

    def ids(self, loop: str) -> tuple[str, ...]:
        """The ids of a loop's frames, in order."""
        return tuple(frame_id(loop, frame) for frame in self.loops[loop].frames)

    def positions(self, loop: str) -> tuple[float, ...]:
        """The positions of a loop's frames, in degrees."""
        return tuple(frame.position_deg for frame in self.loops[loop].frames)

    @property
    def mean(self) -> float:
        """The mean P-value of the loops, from frames evenly spread over each."""
        return self._sampled[0]

    @property
    def largest_px(self) -> tuple[int, int]:
        """(rows, columns) of the largest frame; the frames of one loop have one size."""
        return self._sampled[1]

    @cached_property
    def _sampled(self) -> tuple[float, tuple[int, int]]:
        greys, shapes = [], []
        for loop in self.loops:
            ids = self.ids(loop)
            chosen = np.linspace(0, len(ids), min(_SAMPLE, len(ids)), endpoint=False).astype(int)
            frames = [self.read(ids[index]) for index in chosen]
            greys += [float(pixels.mean()) for pixels in frames]
            shapes += [pixels.shape for pixels in frames]
        rows, columns = zip(*shapes, strict=True)
        return float(np.mean(greys)), (max(rows), max(columns))

    @cached_property
    def _frames(self) -> dict[str, Frame]:
        return {frame_id(name, frame): frame for name, loop in self.loops.items() for frame in loop.frames}


def frame_id(loop: str, frame: Frame) -> str:
    """A frame's id among the loops of a set."""
    return f"{loop}/{Path(frame.file).stem}"


def is_loops(folder: Path) -> bool:
    """Whether a folder is a loop's or holds loops."""
    return (Path(folder) / "loop.json").is_file() or any(Path(folder).glob("*/loop.json"))


def read_loops(folder: Path) -> LoopSet:
    """Read the folder of one morph loop, or a folder of loops, and verify every frame.

    Parameters
    ----------
    folder : path
        A folder with `loop.json`, or one whose subfolders have it.

    Returns
    -------
    LoopSet
        `loops` by name, `ids(loop)`, `positions(loop)` in degrees, `read(id)` for the P-values of a frame, and `mean`.

    Raises
    ------
    LookalikeError
        If there are no loops, one is an open path, or a frame is missing or altered.

    Examples
    --------
    A loop of two frames, written by hand; `gan.make_loop` makes real ones:

    >>> import numpy as np, pathlib, stimuli
    >>> from data.files import sha256
    >>> from data.loops import Frame, Loop, write_loop
    >>> folder = pathlib.Path("loop")
    >>> folder.mkdir()
    >>> frames = []
    >>> for position, grey in ((0.0, 0.25), (180.0, 0.75)):
    ...     file = f"{position:.0f}.png"
    ...     stimuli.write_png(folder / file, np.full((8, 8), grey, np.float32))
    ...     frames.append(Frame(file, position, 0.5, sha256(folder / file)))
    >>> write_loop(folder, Loop(tuple(frames), (0, 1), (1, 2), ((0.0,), (1.0,)), 0.7, 0, "RMS", 0.0, ""))
    >>> loops = stimuli.read_loops(folder)
    >>> loops.ids("loop"), loops.positions("loop"), round(loops.mean, 2)
    (('loop/0', 'loop/180'), (0.0, 180.0), 0.5)
    """
    folder = Path(folder).resolve()
    one = (folder / "loop.json").is_file()
    places = [folder] if one else sorted(path.parent for path in folder.glob("*/loop.json"))
    if not places:
        raise LookalikeError(
            "no-loops",
            f"{folder}: no morph loops here (loop.json is missing); is this the study's folder? If there are none yet, "
            "'lookalike morph' makes them, each in a folder of its own; give that folder or the one that holds them",
        )
    loops = {place.name: read_loop(place) for place in places}
    for place in places:
        if not loops[place.name].closed:
            raise LookalikeError(
                "open-path", f"{place}: an open path, not a loop; make a loop with 'lookalike morph' without --open"
            )
    files = {
        frame_id(place.name, frame): frame.file if one else f"{place.name}/{frame.file}"
        for place in places
        for frame in loops[place.name].frames
    }
    hashes = "".join(f"{sha256(place / 'loop.json')}  {place.name}\n" for place in places)
    return LoopSet(folder, loops, files, hashlib.sha256(hashes.encode()).hexdigest())
