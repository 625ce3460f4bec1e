"""The morph loop on disk: numbered frames and `loop.json`, which says what they are.

Position on the loop is an angle: frame k of n is at 360 k / n degrees, and frame n would be
frame 0 again, so it is not stored. An open path takes half a turn, from 0 to 180 degrees, both
ends being frames. Anchors are the images that the path passes through.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from data.errors import LookalikeError
from data.files import inside, read_json, sha256, write_json

FORMAT = "lookalike-loop/2"
_EARLIER = "lookalike-loop/1"
ANCHORS = "anchors.json"  # the anchors' codes, as a codes file


@dataclass(frozen=True)
class Frame:
    """One image of a loop. `step` is the distance to the next frame (the last to the first)."""

    file: str
    position_deg: float
    step: float
    sha256: str


@dataclass(frozen=True)
class Loop:
    """A loop's manifest.

    `metric` names the distance in which steps are even, `evenness` is the coefficient of
    variation of the steps in it (0 is perfectly even), `model_sha256` the hash of the generator's
    weights (empty for classic stimuli, which no model made). `anchors` are the numbers of the frames
    nearest to the anchors, `anchors_deg` the anchors' own positions; `sources` says where each came
    from, `patients` whose image it is or is made from (none, one or more for each). `anchors_sha256`
    is the hash of `anchors.json`, which has their codes; `measures` holds the report. `seeds`, `codes`
    (in w), `truncation` and `noise_seed` are those of loops of the first format, whose anchors were all
    seeds with one noise; later ones leave them empty.
    """

    frames: tuple[Frame, ...]
    anchors: tuple[int, ...]
    seeds: tuple[int, ...]
    codes: tuple[tuple[float, ...], ...]
    truncation: float | None
    noise_seed: int | None
    metric: str
    evenness: float
    model_sha256: str
    path: str = "straight"
    closed: bool = True
    anchors_deg: tuple[float, ...] = ()
    sources: tuple[str, ...] = ()
    patients: tuple[tuple[str, ...], ...] = ()
    anchors_sha256: str | None = None
    measures: dict[str, Any] = field(default_factory=dict)
    format: str = FORMAT


_ADDED = (
    "path",
    "closed",
    "anchors_deg",
    "sources",
    "patients",
    "anchors_sha256",
    "measures",
)  # since the first format


def write_loop(folder: Path, loop: Loop) -> None:
    """Write `loop.json` beside its frames."""
    write_json(Path(folder) / "loop.json", asdict(loop))


def read_loop(folder: Path) -> Loop:
    """Read a loop and verify that every frame is the one that was written.

    Parameters
    ----------
    folder : Path
        The folder that holds `loop.json` and the frames.

    Returns
    -------
    Loop
        The manifest; frame k of n is at 360 k / n degrees.

    Raises
    ------
    LookalikeError
        If the manifest is missing or of another format, or a frame is missing or altered.

    Examples
    --------
    >>> from pathlib import Path
    >>> from data import read_loop
    >>> from data.files import sha256
    >>> from data.loops import Frame, Loop, write_loop
    >>> _ = Path("frame.png").write_bytes(b"pixels")
    >>> frame = Frame("frame.png", 0.0, 0.1, sha256(Path("frame.png")))
    >>> write_loop(Path(), Loop((frame,), (0,), (1,), ((0.5, 0.5),), 0.7, 0, "pixel", 0.0, "0" * 64))
    >>> read_loop(Path()).frames[0].position_deg
    0.0
    """
    folder = Path(folder)
    path = folder / "loop.json"
    content: dict[str, Any] = read_json(path)
    loop = _parsed(path, content)
    _refuse_frames(path, loop.frames)
    if loop.anchors_sha256 is not None:
        _verify(folder / ANCHORS, loop.anchors_sha256)
    for number, frame in enumerate(loop.frames, start=1):
        _verify(inside(folder, frame.file, f"{path}: frame {number}"), frame.sha256)
    return loop


def _parsed(path: Path, content: dict[str, Any]) -> Loop:
    if content.get("format") not in (FORMAT, _EARLIER):
        found = content.get("format")
        raise LookalikeError("wrong-format", f"{path}: format is {found!r}, expected {FORMAT!r}; make the loop again")
    added = () if content["format"] == _EARLIER else _ADDED
    try:
        values = {
            one.name: content.pop(one.name) for one in fields(Loop) if one.name in added or one.name not in _ADDED
        }
        if content:
            raise KeyError(next(iter(content)))
        values["frames"] = tuple(Frame(**frame) for frame in values["frames"])
        values["codes"] = tuple(tuple(code) for code in values["codes"])
        for name in {"anchors", "seeds", "anchors_deg", "sources", "patients"} & set(values):
            values[name] = tuple(values[name])
        if "patients" in values:  # loops made before anchors had several have one, or null
            values["patients"] = tuple(_codes(one) for one in values["patients"])
        return Loop(**values | {"format": FORMAT})
    except (KeyError, TypeError) as error:
        message = f"{path}: a field is missing or unknown ({error}); make the loop again"
        raise LookalikeError("damaged-file", message) from None


def _refuse_frames(path: Path, frames: tuple[Frame, ...]) -> None:
    """Raise `LookalikeError` for a frame whose position is no number, or whose file is another's."""
    seen: set[str] = set()
    for number, frame in enumerate(frames, start=1):
        if not isinstance(frame.position_deg, int | float) or not math.isfinite(frame.position_deg):
            raise LookalikeError(
                "not-a-number", f"{path}: frame {number}: position_deg is {frame.position_deg!r}; it must be a number"
            )
        if frame.file in seen:
            raise LookalikeError("duplicate-id", f"{path}: frame {number}: file {frame.file!r} is used twice")
        seen.add(frame.file)


def _codes(patients: list[str] | str | None) -> tuple[str, ...]:
    if patients is None or isinstance(patients, str):
        return () if patients is None else (patients,)
    return tuple(patients)


def _verify(path: Path, expected: str) -> None:
    if not path.is_file():
        raise LookalikeError("missing-file", f"{path}: named in loop.json but missing; make the loop again")
    if sha256(path) != expected:
        raise LookalikeError("altered-file", f"{path}: altered since the loop was made; make the loop again")
