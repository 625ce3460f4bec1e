from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageSequence

from stimuli.export import write_gif, write_sheet
from stimuli.images import Pixels, quantise, read_image


def test_a_sheet_has_its_images_in_rows_on_white(tmp_path: Path, texture: Callable[..., Pixels]) -> None:
    images = [texture(n, 12, 20) for n in range(5)]
    write_sheet(tmp_path / "sheet.png", images, columns=3, gap_px=4)
    sheet = quantise(read_image(tmp_path / "sheet.png").pixels, 8)
    assert sheet.shape == (2 * 12 + 4, 3 * 20 + 2 * 4)
    for index, image in enumerate(images):
        top, left = 16 * (index // 3), 24 * (index % 3)
        np.testing.assert_array_equal(sheet[top : top + 12, left : left + 20], quantise(image, 8))
        sheet[top : top + 12, left : left + 20] = 255
    assert (sheet == 255).all()  # gaps and the place of the sixth image


def test_a_sheet_of_one(tmp_path: Path, texture: Callable[..., Pixels]) -> None:
    write_sheet(tmp_path / "sheet.png", [texture(1)], columns=1)
    assert read_image(tmp_path / "sheet.png").pixels.shape == (48, 48)


@pytest.mark.parametrize(("readable_px", "shape"), [(48, (48, 80)), (35, (24, 40)), (5, (12, 20))])
def test_a_sheet_of_small_images_repeats_their_pixels(
    tmp_path: Path, texture: Callable[..., Pixels], readable_px: int, shape: tuple[int, int]
) -> None:
    image = texture(1, 12, 20)
    write_sheet(tmp_path / "sheet.png", [image], columns=1, readable_px=readable_px)
    sheet = quantise(read_image(tmp_path / "sheet.png").pixels, 8)
    assert sheet.shape == shape
    scale = shape[0] // 12
    for row, column in np.ndindex(scale, scale):
        np.testing.assert_array_equal(sheet[row::scale, column::scale], quantise(image, 8))


@pytest.mark.parametrize(("count", "seconds", "duration_ms"), [(6, 3.0, 500), (30, 3.0, 100), (7, 1.0, 140)])
def test_a_loop_has_every_frame_for_its_time(
    tmp_path: Path, texture: Callable[..., Pixels], count: int, seconds: float, duration_ms: int
) -> None:
    frames = [texture(n, 16, 24) for n in range(count)]
    write_gif(tmp_path / "loop.gif", frames, seconds)
    with Pillow.open(tmp_path / "loop.gif") as gif:
        assert gif.info["loop"] == 0  # for ever
        shown = [(np.asarray(frame.convert("L")), frame.info["duration"]) for frame in ImageSequence.Iterator(gif)]
    assert [duration for _, duration in shown] == [duration_ms] * count
    for (picture, _), frame in zip(shown, frames, strict=True):
        np.testing.assert_array_equal(picture, quantise(frame, 8))


def test_pixels_are_repeated_whole(tmp_path: Path, texture: Callable[..., Pixels]) -> None:
    write_gif(tmp_path / "loop.gif", [texture(0, 8, 12), texture(1, 8, 12)], 1.0, scale=3)
    with Pillow.open(tmp_path / "loop.gif") as gif:
        assert gif.size == (36, 24)
        np.testing.assert_array_equal(
            np.asarray(gif.convert("L")), quantise(texture(0, 8, 12), 8).repeat(3, axis=0).repeat(3, axis=1)
        )


def test_no_frame_is_shorter_than_browsers_show(tmp_path: Path, texture: Callable[..., Pixels]) -> None:
    # Below 20 ms browsers fall back to 100 ms, five times too slow.
    write_gif(tmp_path / "loop.gif", [texture(n, 8, 8) for n in range(4)], 0.01)
    with Pillow.open(tmp_path / "loop.gif") as gif:
        assert gif.info["duration"] == 20
