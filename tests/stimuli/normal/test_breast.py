"""The breast is found in drawn mammograms, without labels and film borders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from stimuli.normal.breast import breast_of, chest_is_left, deep_inside, film_of
from stimuli.readers.record import Image

Draw = Callable[..., Any]


@pytest.mark.parametrize("right", [False, True])
@pytest.mark.parametrize("extra", [{}, {"label": True}, {"border": 6}, {"label": True, "border": 4, "muscle": True}])
def test_the_breast_is_found_and_nothing_else(draw: Draw, extra: dict[str, Any], right: bool) -> None:
    drawn = draw(right=right, **extra)
    found = breast_of(drawn.pixels)
    assert found is not None
    overlap = (found & drawn.breast).sum() / (found | drawn.breast).sum()
    assert overlap > 0.95
    assert chest_is_left(found) is not right


def test_a_label_that_touches_the_breast_by_a_thread_is_cut_off(draw: Draw) -> None:
    pixels = draw(label=True).pixels.copy()
    pixels[30:32, 60:150] = 0.9
    found = breast_of(pixels)
    assert found is not None
    assert not found[22:43, 153:183].any()


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_an_even_picture_shows_no_breast(value: float) -> None:
    assert breast_of(np.full((60, 40), value, np.float32)) is None


def test_a_small_spot_is_no_breast() -> None:
    pixels = np.zeros((200, 200), np.float32)
    pixels[90:110, 90:110] = 0.5
    assert breast_of(pixels) is None


@pytest.mark.parametrize("aspect", [0.5, 1.0, 1.67])
def test_the_small_picture_has_square_pixels(draw: Draw, aspect: float) -> None:
    pixels = np.kron(draw().pixels, np.ones((3, 3), np.float32))
    film, scale = film_of(Image(pixels, 16, aspect))
    rows, columns = pixels.shape
    assert max(film.shape) == 320
    assert film.shape[0] / film.shape[1] == pytest.approx(rows * aspect / columns, rel=0.01)
    assert scale == pytest.approx(film.shape[1] / columns, rel=0.01)


def test_a_small_image_is_not_enlarged(draw: Draw) -> None:
    film, scale = film_of(Image(draw().pixels, 16))
    np.testing.assert_array_equal(film, draw().pixels)
    assert scale == 1


def test_deep_inside_keeps_a_distance_from_the_edges_too() -> None:
    deep = deep_inside(np.ones((11, 9), bool), 2)
    expected = np.zeros((11, 9), bool)
    expected[2:-2, 2:-2] = True
    np.testing.assert_array_equal(deep, expected)
