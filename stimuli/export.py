"""Contact sheets and animated loops, for people to look at; never shown as stimuli."""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from data.errors import LookalikeError
from data.files import write_bytes
from stimuli.images import Pixels, quantise, write_png


def write_sheet(path: Path, images: Sequence[Pixels], columns: int, gap_px: int = 2, readable_px: int = 1) -> None:
    """Write a contact sheet (`contact_sheet`) as an 8-bit PNG.

    Parameters
    ----------
    path : path
        The file to write.
    images : sequence of arrays, each of shape (rows, columns)
        P-values in [0, 1], all of one shape.
    columns : int
        Images per row of the sheet.
    gap_px : int
        White pixels between images.
    readable_px : int
        Small images are enlarged by the largest whole factor that keeps their height within this many pixels.

    Examples
    --------
    >>> import numpy as np, pathlib, stimuli
    >>> images = np.random.default_rng(0).random((6, 16, 16), dtype=np.float32)
    >>> stimuli.write_sheet(pathlib.Path("sheet.png"), images, columns=3)
    >>> stimuli.read_image("sheet.png").pixels.shape
    (34, 52)
    """
    scale = max(1, readable_px // images[0].shape[0])
    enlarged = [np.kron(image, np.ones((scale, scale), np.float32)) for image in images]
    write_png(path, contact_sheet(enlarged, columns, gap_px), bits=8)


def contact_sheet(images: Sequence[Pixels], columns: int, gap_px: int = 2) -> Pixels:
    """Arrange images in rows on white, as one image.

    Parameters
    ----------
    images : sequence of arrays, each of shape (rows, columns)
        P-values in [0, 1], all of one shape.
    columns : int
        Images per row of the sheet.
    gap_px : int
        White pixels between images.

    Returns
    -------
    array of float32
        P-values of the sheet; places without an image are white.

    Examples
    --------
    >>> import numpy as np, stimuli
    >>> stimuli.contact_sheet(np.zeros((6, 16, 16), np.float32), columns=3).shape
    (34, 52)
    """
    rows, height, width = -(-len(images) // columns), *images[0].shape
    sheet = np.ones((rows * (height + gap_px) - gap_px, columns * (width + gap_px) - gap_px), np.float32)
    for index, image in enumerate(images):
        top, left = (index // columns) * (height + gap_px), (index % columns) * (width + gap_px)
        sheet[top : top + height, left : left + width] = image
    return sheet


def write_gif(path: Path, frames: Sequence[Pixels], seconds: float, scale: int = 1) -> None:
    """Write frames as an animated GIF that repeats without end.

    Parameters
    ----------
    path : path
        The file to write.
    frames : sequence of arrays, each of shape (rows, columns)
        P-values in [0, 1], all of one shape.
    seconds : float
        Duration of one cycle. GIF counts time in 1/100 s, and no frame is shorter than 2/100 s.
    scale : int
        Each pixel is repeated this many times in both directions.

    Examples
    --------
    >>> import numpy as np, pathlib, stimuli
    >>> frames = np.random.default_rng(0).random((6, 16, 16), dtype=np.float32)
    >>> stimuli.write_gif(pathlib.Path("loop.gif"), frames, seconds=1.0, scale=4)
    >>> pathlib.Path("loop.gif").read_bytes()[:6]
    b'GIF89a'
    """
    pictures = [Pillow.fromarray(np.kron(quantise(frame, 8), np.ones((scale, scale), np.uint8))) for frame in frames]
    duration_ms = max(20, round(seconds * 100 / len(frames)) * 10)
    buffer = io.BytesIO()
    pictures[0].save(
        buffer, format="GIF", save_all=True, append_images=pictures[1:], duration=duration_ms, loop=0, optimize=False
    )
    write_bytes(path, buffer.getvalue())


def write_mp4(path: Path, frames: Sequence[Pixels], seconds: float, scale: int = 1) -> None:
    """Write frames as an MP4 (H.264), for talks; compressed, so never a stimulus.

    Parameters
    ----------
    path : path
        The file to write.
    frames : sequence of arrays, each of shape (rows, columns)
        P-values in [0, 1], all of one shape.
    seconds : float
        Duration.
    scale : int
        Each pixel is repeated this many times in both directions.

    Raises
    ------
    LookalikeError
        If the package `av` is not installed.

    Examples
    --------
    >>> import numpy as np, pathlib, stimuli
    >>> frames = np.random.default_rng(0).random((6, 16, 16), dtype=np.float32)
    >>> stimuli.write_mp4(pathlib.Path("loop.mp4"), frames, seconds=1.0, scale=4)
    >>> pathlib.Path("loop.mp4").read_bytes()[4:8]
    b'ftyp'
    """
    try:
        import av
    except ImportError:
        raise LookalikeError(
            "missing-extra",
            "an MP4 needs the 'video' extra (av is not installed); run: pip install \"lookalike[video]\"",
        ) from None
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as film:
        rate = Fraction(len(frames) / seconds).limit_denominator(1000)
        stream = film.add_stream("libx264", rate=rate, options={"crf": "12"})
        rows, columns = (side * scale // 2 * 2 for side in frames[0].shape)  # H.264 needs even sides
        stream.height, stream.width, stream.pix_fmt = rows, columns, "yuv420p"
        for frame in frames:
            grey = np.kron(quantise(frame, 8), np.ones((scale, scale), np.uint8))[:rows, :columns]
            film.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="gray")))
        film.mux(stream.encode())
    write_bytes(path, buffer.getvalue())
