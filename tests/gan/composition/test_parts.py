"""Lesions that cannot be used."""

from dataclasses import replace

import numpy as np

from gan.composition.parts import Part, check_parts


def test_a_lesion_that_can_be_used_passes(texture, template):
    check_parts([texture, template], 32)


def test_each_mistake_has_its_word(texture, refuses):
    image, mask = texture.image, texture.mask
    broken, colour = image.copy(), np.repeat(image[..., None], 3, axis=2)
    broken[3, 4] = np.nan
    small = np.zeros_like(mask)
    small[10:17, 10:25] = 1
    for changes, code in (
        ({"image": broken}, "not-finite"),
        ({"image": image * 255}, "out-of-range"),
        ({"image": image - 1}, "out-of-range"),
        ({"image": colour}, "wrong-size"),
        ({"image": image[:31]}, "wrong-size"),
        ({"mask": mask[:, :31]}, "foreign-mask"),
        ({"mask": np.zeros_like(mask)}, "empty-mask"),
        ({"mask": 0.4 * mask}, "empty-mask"),
        ({"mask": np.ones_like(mask)}, "full-mask"),
        ({"mask": np.full_like(mask, np.inf)}, "not-finite"),
        ({"mask": 255 * mask}, "out-of-range"),
        ({"mask": small}, "lesion-too-small"),
    ):
        with refuses(code) as caught:
            check_parts([texture, replace(texture, name="odd", **changes)], 32)
        assert "odd" in str(caught.value)
    with refuses("wrong-size"):
        check_parts([texture], 64)


def test_a_lesion_of_eight_pixels_is_large_enough(texture, disc):
    square = np.zeros_like(texture.mask)
    square[10:18, 10:18] = 1
    check_parts([Part("square", texture.image, square), Part("disc", texture.image, disc(15, 15, 5))], 32)
