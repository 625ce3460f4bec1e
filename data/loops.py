"""The morph loop on disk: numbered frames and `loop.json`, which says what they are.

Position on the loop is an angle: frame k of n is at 360 k / n degrees, and frame n would be
frame 0 again, so it is not stored. Anchors (the images that the loop passes through) are frames.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from data.errors import LookalikeError
from data.files import read_json, sha256, write_json

FORMAT = "lookalike-loop/1"


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
    variation of the steps in it (0 is perfectly even), `codes` are the anchors' w codes,
    `anchors` their frame numbers, and `model_sha256` the hash of the generator's weights.
    """

    frames: tuple[Frame, ...]
    anchors: tuple[int, ...]
    seeds: tuple[int, ...]
    codes: tuple[tuple[float, ...], ...]
    truncation: float
    noise_seed: int
    metric: str
    evenness: float
    model_sha256: str
    format: str = FORMAT


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
    if content.get("format") != FORMAT:
        found = content.get("format")
        raise LookalikeError("wrong-format", f"{path}: format is {found!r}, expected {FORMAT!r}; make the loop again")
    try:
        frames = tuple(Frame(**frame) for frame in content.pop("frames"))
        codes = tuple(tuple(code) for code in content.pop("codes"))
        anchors, seeds = tuple(content.pop("anchors")), tuple(content.pop("seeds"))
        loop = Loop(frames, anchors, seeds, codes, **content)
    except (KeyError, TypeError) as error:
        message = f"{path}: a field is missing or unknown ({error}); make the loop again"
        raise LookalikeError("damaged-file", message) from None
    for frame in loop.frames:
        if not (folder / frame.file).is_file():
            message = f"{folder / frame.file}: named in loop.json but missing; make the loop again"
            raise LookalikeError("missing-file", message)
        if sha256(folder / frame.file) != frame.sha256:
            message = f"{folder / frame.file}: altered since the loop was made; make the loop again"
            raise LookalikeError("altered-file", message)
    return loop
