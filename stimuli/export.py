"""Pictures for people to look at: contact sheets and animated loops. Never shown as stimuli."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from data.files import write_bytes
from stimuli.images import Pixels, quantise, write_png


def write_sheet(path: Path, images: Sequence[Pixels], columns: int, gap_px: int = 2) -> None:
    """Write a contact sheet as an 8-bit PNG."""
    write_png(path, sheet_of(images, columns, gap_px), bits=8)


def sheet_of(images: Sequence[Pixels], columns: int, gap_px: int = 2) -> Pixels:
    """Images of one shape in rows of `columns`, on white, as one image."""
    rows, height, width = -(-len(images) // columns), *images[0].shape
    sheet = np.ones((rows * (height + gap_px) - gap_px, columns * (width + gap_px) - gap_px), np.float32)
    for index, image in enumerate(images):
        top, left = (index // columns) * (height + gap_px), (index % columns) * (width + gap_px)
        sheet[top : top + height, left : left + width] = image
    return sheet


def write_gif(path: Path, frames: Sequence[Pixels], seconds: float, scale: int = 1) -> None:
    """Write frames as an endlessly repeating GIF that takes `seconds` per turn.

    `scale` repeats each pixel a whole number of times. GIF counts time in 1/100 s.
    """
    pictures = [Pillow.fromarray(np.kron(quantise(frame, 8), np.ones((scale, scale), np.uint8))) for frame in frames]
    duration_ms = max(20, round(seconds * 100 / len(frames)) * 10)
    buffer = io.BytesIO()
    pictures[0].save(
        buffer, format="GIF", save_all=True, append_images=pictures[1:], duration=duration_ms, loop=0, optimize=False
    )
    write_bytes(path, buffer.getvalue())
