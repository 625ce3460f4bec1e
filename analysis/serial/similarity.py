"""How alike the images of a stimulus set are: in pixels, in cues, and in degrees on a loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.distance import cdist

from analysis.image_cues.detectability import cues_of_set
from analysis.serial.sequence import ImageSimilarity
from data.arrays import Floats
from data.circle import wrap

if TYPE_CHECKING:
    from stimuli.sets import StimulusSet


def similarities_of_set(stimuli: StimulusSet) -> tuple[ImageSimilarity, ...]:
    """Similarities of all images of a set, whose files must be at hand; larger is more alike.

    *pixels*: minus the RMS difference of P-values; *cues*: minus the distance in standardised image cues
    (`analysis.measure_cues`); *loop*: minus the degrees between positions on a morph loop, where every image has one.
    Images of different sizes have no similarity in pixels.
    """
    images = tuple(str(one) for one in stimuli.table["stimulus_id"])
    found = []
    pixels = [np.asarray(stimuli.read(one), dtype=np.float64).ravel() for one in images]
    if len({one.size for one in pixels}) == 1:
        stack = np.array(pixels)
        found.append(ImageSimilarity("pixels", images, -cdist(stack, stack) / np.sqrt(stack.shape[1])))
    cues = cues_of_set(stimuli).set_index("stimulus_id").loc[list(images)]
    values = cues.select_dtypes("number").to_numpy(dtype=np.float64)
    spread = values.std(axis=0)
    scaled: Floats = (values - values.mean(axis=0))[:, spread > 0] / spread[spread > 0]
    found.append(ImageSimilarity("cues", images, -cdist(scaled, scaled)))
    where = stimuli.table["loop_position_deg"].to_numpy(dtype=np.float64)
    if np.isfinite(where).all():
        found.append(ImageSimilarity("loop", images, -np.abs(wrap(where[:, None] - where[None]))))
    return tuple(found)
