"""Images that are there twice: the same greys under two names, or the same picture in another format.

A copy of fewer bits, compressed, of another size or mirrored is found by a thumbnail. Over 1,231 mammograms of
CBIS-DDSM thumbnails of different films correlate at .988 at most, those of copies (JPEG of quality 40, half the size)
at .9999 or more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image as Pillow

from data.errors import LookalikeError

Pixels = npt.NDArray[np.float32]
_LOOKED_AT_PX = 512  # at least so many rows or columns of an image count
_SIDE_PX = 32
_ALIKE = 0.998  # correlation of two thumbnails
_AT_ONCE = 1000  # images that are compared with all


class Likeness(NamedTuple):
    """By what copies of an image are found: a hash of its greys and a thumbnail, both empty if it is blank."""

    fingerprint: str
    thumbnail: bytes


UNLIKE_ANY = Likeness("", b"")


def likeness(pixels: Pixels) -> Likeness:
    """What an image keeps in another file, from every nth row and column if it is large."""
    step = max(1, max(pixels.shape) // _LOOKED_AT_PX)
    some = np.ascontiguousarray(pixels[::step, ::step])
    if some.min() == some.max():
        return UNLIKE_ANY
    fingerprint = hashlib.blake2b(repr(pixels.shape).encode() + some.tobytes(), digest_size=16).hexdigest()
    small = np.asarray(Pillow.fromarray(some).resize((_SIDE_PX, _SIDE_PX), Pillow.Resampling.BILINEAR))
    return Likeness(fingerprint, small.astype(np.float32).tobytes())


def under_two_names(images: pd.DataFrame) -> int:
    """How many images are another one's copy, grey by grey.

    `images` has the columns fingerprint, origin (its name) and person. Raises `LookalikeError` if copies belong to
    different patients.
    """
    images = images.loc[images["fingerprint"] != "", ["fingerprint", "origin", "person"]].drop_duplicates()
    for _, copies in images.groupby("fingerprint", sort=False):
        one, *others = copies.itertuples()
        for other in others:
            if other.person != one.person:
                raise LookalikeError(
                    "ambiguous-patient",
                    f"{one.origin} and {other.origin} are the same image, of patients {one.person} and {other.person}; "
                    "correct the table, so that nobody is in two splits",
                )
    return len(images) - int(images["fingerprint"].nunique())


def alike(images: pd.DataFrame) -> list[tuple[int, int]]:
    """Pairs of rows whose images look the same, mirrored or not, and are of different patients.

    `images` has the columns thumbnail, origin and person; each image counts once.
    """
    once = images[images["thumbnail"] != b""].drop_duplicates("origin")
    if len(once) < 2:
        return []
    thumbnails = np.frombuffer(b"".join(once["thumbnail"]), np.float32).reshape(len(once), _SIDE_PX, _SIDE_PX)
    upright, mirrored = _standardised(thumbnails), _standardised(thumbnails[:, :, ::-1])
    person = pd.factorize(once["person"])[0]
    return [
        (int(once.index[one]), int(once.index[other]))
        for one, other in _close(upright, mirrored)
        if person[one] != person[other]
    ]


def _standardised(thumbnails: Pixels) -> Pixels:
    """Flat, with mean 0 and length 1, so that a product is a correlation."""
    flat = thumbnails.reshape(len(thumbnails), -1)
    centred = flat - flat.mean(axis=1, keepdims=True)
    unit: Pixels = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return unit


def _close(upright: Pixels, mirrored: Pixels) -> Iterator[tuple[int, int]]:
    for start in range(0, len(upright), _AT_ONCE):
        some = upright[start : start + _AT_ONCE]
        found = np.maximum(some @ upright.T, some @ mirrored.T) > _ALIKE
        for one, other in np.argwhere(found):
            if start + one < other:
                yield start + int(one), int(other)
