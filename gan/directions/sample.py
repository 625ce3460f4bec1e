"""Generated images whose codes are known, and what is measured of any image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from data.arrays import Floats
from gan.checkpoint import Model
from gan.codes import codes_of_seeds, images_of
from gan.inversion.measures import fine_detail
from gan.networks.code_space import CodeSpace
from stimuli.images import Pixels

LOOKS = ("mean grey", "contrast", "fine detail")
SEEDS = range(200_000, 202_000)


@dataclass(frozen=True)
class Sample:
    """Whitened codes (N, w_dim) of seeds, untruncated, and their images (N, R, R), each with its own noise."""

    codes: Floats
    images: Pixels


def sample_of(model: Model, space: CodeSpace) -> Sample:
    """The images of 2,000 seeds; the same at every call."""
    made = codes_of_seeds(model, SEEDS, psi=1.0)
    codes = space.whiten(torch.stack([one.code[0] for one in made]))
    return Sample(codes.double().numpy(), images_of(model.generator, made))


def looks(images: Pixels) -> Floats:
    """Mean grey, and logarithms of contrast (SD) and of fine detail, of images (N, R, R) of P-values, (N, 3)."""
    contrast, detail = images.std(axis=(1, 2)), fine_detail(images)
    return np.stack([images.mean(axis=(1, 2)), np.log(contrast + 1e-4), np.log(detail + 1e-4)], axis=1).astype(float)
