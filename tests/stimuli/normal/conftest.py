"""A drawn mammogram, of which it is known where everything is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from stimuli.images import Pixels
from stimuli.normal.breast import Region

HEIGHT, WIDTH = 300, 200
MIDDLE, LONG, WIDE = 150, 135, 120  # the breast: half an ellipse at the left edge, its middle and half axes, px
CORNER = (90, 170)  # where the muscle's edge leaves the picture, px from the upper left corner: across, down


@dataclass(frozen=True)
class Drawn:
    """A mammogram in P-values, shape (rows, columns), and where breast and muscle are."""

    pixels: Pixels
    breast: Region
    muscle: Region


@pytest.fixture(scope="session")
def draw() -> Callable[..., Drawn]:
    """Draw a left breast with film grain; with a muscle, a label, a white film border, or turned to the right."""

    def drawn(muscle: bool = False, label: bool = False, border: int = 0, right: bool = False, seed: int = 0) -> Drawn:
        y, x = np.indices((HEIGHT, WIDTH)) + 0.5
        breast = (x / WIDE) ** 2 + ((y - MIDDLE) / LONG) ** 2 < 1
        if muscle:
            breast |= (x < CORNER[0]) & (y < MIDDLE)
        corner = breast & (x / CORNER[0] + y / CORNER[1] < 1) if muscle else np.zeros_like(breast)
        rng = np.random.default_rng(seed)
        texture = gaussian_filter(rng.normal(size=breast.shape), 3)
        pixels = np.where(breast, 0.4 + 0.05 * texture / texture.std() + 0.3 * corner, 0.02)
        pixels = gaussian_filter(pixels, 1.5) + 0.005 * rng.normal(size=breast.shape)
        if label:
            pixels[20:45, 150:185] = 0.9
        if border:
            edge = np.ones_like(breast)
            edge[border:-border, border:-border] = False
            pixels[edge] = 1
            breast, corner = breast & ~edge, corner & ~edge
        parts = [np.clip(pixels, 0, 1).astype(np.float32), breast, corner]
        return Drawn(*(np.ascontiguousarray(part[:, ::-1]) if right else part for part in parts))

    return drawn
