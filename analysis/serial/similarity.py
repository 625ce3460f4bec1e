"""How alike the images of a stimulus set are: in pixels, in cues, and in degrees on a loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.distance import cdist

from analysis.image_cues.cues import measure_cues
from analysis.serial.sequence import ImageSimilarity
from data.arrays import Floats
from data.circle import wrap

if TYPE_CHECKING:
    from stimuli.sets import StimulusSet


def similarities_of_set(stimuli: StimulusSet) -> tuple[ImageSimilarity, ...]:
    """Similarities of a set's main and catch images, whose files must be at hand; larger is more alike.

    *pixels*: minus the RMS difference of P-values; *cues*: minus the distance in standardised image cues
    (`analysis.measure_cues`); both are missing for images of another size than most. *loop*: minus the degrees between
    positions on a morph loop, missing for images without one, and left out if fewer than half have one.
    """
    table = stimuli.table[stimuli.table["role"] != "practice"]
    images = tuple(str(one) for one in table["stimulus_id"])
    pictures = [np.asarray(stimuli.read(one), dtype=np.float64) for one in images]
    shapes = [one.shape for one in pictures]
    usual = max(shapes, key=shapes.count)
    rows = [row for row, shape in enumerate(shapes) if shape == usual]
    stack = np.array([pictures[row] for row in rows])
    apart = cdist(stack.reshape(len(rows), -1), stack.reshape(len(rows), -1)) / np.sqrt(stack[0].size)
    found = [
        ImageSimilarity("pixels", images, _of_all(-apart, rows, len(images))),
        ImageSimilarity("cues", images, _of_all(-_in_cues(stack), rows, len(images))),
    ]
    if "loop_position_deg" not in table.columns:
        return tuple(found)
    where = table["loop_position_deg"].to_numpy(dtype=np.float64)
    if np.isfinite(where).mean() >= 0.5:
        found.append(ImageSimilarity("loop", images, -np.abs(wrap(where[:, None] - where[None]))))
    return tuple(found)


def _in_cues(stack: Floats) -> Floats:
    """Distances in the cues that are defined for every image and vary."""
    values = measure_cues(stack).to_numpy(dtype=np.float64)
    spread = values.std(axis=0)
    scaled = ((values - values.mean(axis=0)) / np.where(spread > 0, spread, 1))[:, spread > 0]  # NaN is not above 0
    return np.asarray(cdist(scaled, scaled), dtype=np.float64)


def _of_all(matrix: Floats, rows: list[int], images: int) -> Floats:
    """A matrix of some images as one of all, NaN elsewhere."""
    whole = np.full((images, images), np.nan)
    whole[np.ix_(rows, rows)] = matrix
    return whole
