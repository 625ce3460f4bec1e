"""Pictures of a loop for people to look at: the ring (as in Figure 3 of Ren, Yu & Whitney) and moving ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from data.arrays import Floats
from stimuli.export import contact_sheet, write_gif, write_mp4
from stimuli.images import Pixels, write_png

_SECONDS_PER_FRAME = 1 / 20
_GIF_PX = 256  # about, for small images
_RING, _COLUMNS = 12, 12  # images of a ring between anchors included; columns of a strip


def write_pictures(folder: Path, images: Pixels, anchors: Sequence[int], closed: bool, mp4: bool) -> None:
    """Write `ring.png` (`strip.png` of an open path), `loop.gif` and, if asked for, `loop.mp4`.

    An open path goes there and back in the moving pictures.
    """
    if closed:
        write_png(folder / "ring.png", ring(images, anchors), bits=8)
    else:
        chosen = np.unique(np.linspace(0, len(images) - 1, min(_COLUMNS, len(images))).round().astype(int))
        write_png(folder / "strip.png", contact_sheet(list(images[chosen]), _COLUMNS), bits=8)
    shown = list(images) if closed else [*images, *images[-2:0:-1]]
    seconds, scale = len(shown) * _SECONDS_PER_FRAME, max(1, _GIF_PX // images.shape[1])
    write_gif(folder / "loop.gif", shown, seconds, scale)
    if mp4:
        write_mp4(folder / "loop.mp4", shown, seconds, scale)


def ring(images: Pixels, anchors: Sequence[int]) -> Pixels:
    """Frames around a circle, clockwise from the top: `_RING` at even positions, on white; anchors are framed in black.

    Frames nearest to an anchor stand for it where that is less than half a place away.
    """
    count, side = len(images), images.shape[1]
    places = min(_RING, count)
    frames = np.round(np.arange(places) * count / places).astype(int)
    marked = set()
    for anchor in anchors:
        place = round(anchor * places / count) % places
        frames[place] = anchor
        marked.add(place)
    border = max(1, side // 32)
    # Neighbours must not overlap where the line between them is diagonal: hence the root of 2.
    radius = np.sqrt(2) * (side + 4 * border) / (2 * np.sin(np.pi / places))
    centres = _circle(places) * radius
    size = int(np.ceil(2 * np.abs(centres).max())) + side + 4 * border
    picture = np.ones((size, size), np.float32)
    for place, (frame, centre) in enumerate(zip(frames, centres, strict=True)):
        top, left = np.round(size / 2 + centre - side / 2).astype(int)
        if place in marked:
            picture[top - border : top + side + border, left - border : left + side + border] = 0
        picture[top : top + side, left : left + side] = images[frame]
    return picture


def _circle(places: int) -> Floats:
    """Unit vectors (row, column), clockwise from the top."""
    angle = 2 * np.pi * np.arange(places) / places
    return np.stack([-np.cos(angle), np.sin(angle)], axis=1)
