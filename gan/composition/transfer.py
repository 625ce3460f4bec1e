"""A texture brought into a template's outline, and the image that composition aims at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import affine_transform, center_of_mass, gaussian_filter

from data.arrays import Flags, Floats
from gan.composition.continuation import continued
from gan.composition.parts import Part
from gan.composition.trend import detail, trend
from stimuli.images import Pixels

LEAST_SCALE, MOST_SCALE = 0.75, 1.33  # beyond, scaling would make another texture of it
_FEATHER_SHARE = 1 / 90  # SD of the softened outline over the image's side: .7 px at 64 px


@dataclass(frozen=True)
class Transfer:
    """A texture in the frame of a template.

    Attributes
    ----------
    image : array, shape (R, R)
        The texture's image, moved and scaled.
    known : array of bool, shape (R, R)
        Where its lesion then lies.
    texture : array, shape (R, R)
        Its detail, in P-values about 0: its own where known, continued elsewhere.
    target : array of float32, shape (R, R)
        The template with this detail within its outline instead of its own.
    scale : float
        By which the texture was enlarged.
    covered : float
        The share of the outline that its own detail fills.
    """

    image: Floats
    known: Flags
    texture: Floats
    target: Pixels
    scale: float
    covered: float


def bring_in(texture: Part, template: Part, seed: int = 0) -> Transfer:
    """Move and scale a texture into the outline of a template, and continue it where the outline is larger.

    The centres of both lesions are aligned; the texture is scaled to the same area, within 3/4 to 4/3, and never
    turned: one texture on several shapes keeps its direction and nearly its scale. The template gives grey levels and
    whatever varies slowly across its lesion; the texture gives the detail (`gan.composition.trend`).
    """
    scale = float(np.clip(np.sqrt(template.inside.sum() / texture.inside.sum()), LEAST_SCALE, MOST_SCALE))
    image, soft = (_moved(values, texture, template, scale) for values in (texture.image, texture.mask))
    known = soft >= 0.5
    made = continued(detail(image, known.astype(float)), known, seed)
    inside = template.inside
    edge = np.clip(gaussian_filter(template.mask.astype(float), _FEATHER_SHARE * len(inside)), 0, 1)
    filled = trend(template.image.astype(float), inside.astype(float)) + made
    target = np.clip(edge * filled + (1 - edge) * template.image, 0, 1).astype(np.float32)
    return Transfer(image, known, made, target, scale, float(known[inside].mean()))


def _moved(values: Pixels, texture: Part, template: Part, scale: float) -> Floats:
    """An image so that the texture's centre is on the template's, to a whole pixel where nothing is scaled."""
    here, there = (np.asarray(center_of_mass(part.inside)) for part in (texture, template))
    if scale == 1:
        there = here + np.round(there - here)
    made: Floats = affine_transform(
        values.astype(float), np.full(2, 1 / scale), here - there / scale, order=3, mode="mirror"
    )
    return np.clip(made, 0, 1)
