"""What a loop is worth as stimuli: even steps, growth to the far side, folds, realism between anchors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from data.arrays import Floats
from data.errors import LookalikeError
from gan.morphing.metrics import BOTH, NAMES, Description, Metric, all_pairs, describe, metric_of, steps, variation
from gan.networks.features import Vgg16, pooled_features
from gan.perceptual.nlpd import SMALLEST_PX
from stimuli.images import Pixels
from stimuli.patches import PatchSet

_COMPARED = 49  # frames, evenly chosen, of which all pairs are compared
_SMALLEST_PX = {"nlpd": SMALLEST_PX, "vgg": 8, BOTH: SMALLEST_PX, "ssim": 11, "pixel": 1}
_FAR_DEG, _NEAR_DEG = 60, 20  # a fold: frames this far apart on the loop that look as near as these


def report(images: Pixels, metric: Metric, described: Description, closed: bool, vgg16: Vgg16 | None) -> dict[str, Any]:
    """Measures of a loop's frames (N, R, R), as they are stored, and as the metric used describes them.

    `variation` is the coefficient of variation of the steps in the metric used and in the others, without VGG if there
    are no weights; `far_side` and `folds` (closed loops only) are from all pairs of 49 frames, in the metric used.
    """
    evenness = {}
    for name in dict.fromkeys((*NAMES, metric.name)):
        if (name == "vgg" and vgg16 is None) or images.shape[1] < _SMALLEST_PX[name]:
            continue
        one = metric if name == metric.name else metric_of(name, vgg16)
        evenness[name] = variation(steps(one, described if one is metric else describe(one, images), closed))
    found: dict[str, Any] = {"variation": evenness}
    if not closed:
        return found
    chosen = torch.from_numpy(_evenly(len(images)))
    pairs = all_pairs(metric, [band[chosen] for band in described])
    return found | {"far_side": far_side(pairs), "folds": folds(pairs)}


def _evenly(count: int) -> Any:
    return np.unique(np.linspace(0, count, min(count, _COMPARED), endpoint=False).astype(int))


def far_side(pairs: Floats) -> dict[str, float]:
    """Whether distance grows with the angle between frames, from all pairs (N, N) of frames around a loop.

    `growth` is the mean distance at the largest angle over that at a quarter turn (1.41 on a circle, 1 where it no
    longer grows). `farthest_deg` is the angle to the frame that looks farthest, averaged over frames; 180 is best.
    """
    count = len(pairs)
    by_angle = np.stack([np.roll(row, -index) for index, row in enumerate(pairs)])  # (frame, steps ahead)
    farthest = by_angle.argmax(axis=1) * 360 / count
    quarter, half = round(count / 4), count // 2
    return {
        "growth": float(by_angle[:, half].mean() / by_angle[:, quarter].mean()),
        "farthest_deg": float(np.minimum(farthest, 360 - farthest).mean()),
    }


def folds(pairs: Floats) -> float:
    """The share of frames for which a frame 60 degrees or more away looks nearer than one 20 degrees away usually does.

    0 for a circle and for a triangle of equal sides; 1 for a loop of two anchors that goes back as it came.
    """
    count = len(pairs)
    index = np.arange(count)
    angle = (index[None] - index[:, None]) % count * 360 / count
    angle = np.minimum(angle, 360 - angle)
    near = angle[0][np.argmin(np.abs(angle[0] - _NEAR_DEG))]
    usual = np.median(pairs[np.isclose(angle, near)])
    return float((np.where(angle >= _FAR_DEG, pairs, np.inf) < usual).any(axis=1).mean())


def realism(network: Vgg16, anchors: Pixels, midpoints: Pixels, patches: PatchSet) -> dict[str, float]:
    """Distances to the nearest real patch in pooled conv4_3, medians: of anchors, of midpoints, and of real patches to
    the nearest of another patient.

    Raises `LookalikeError` if the patches are of another size, or of fewer than two patients.
    """
    table = patches.table
    if patches.about["size_px"] != anchors.shape[1]:
        raise LookalikeError(
            "wrong-size",
            f"{patches.folder}: patches are {patches.about['size_px']} px but the model makes {anchors.shape[1]} px",
        )
    patients = table["patient"].to_numpy()
    if len(set(patients)) < 2:
        raise LookalikeError("set-too-small", f"{patches.folder}: patches of one patient; two or more are needed")
    real = pooled_features(network, patches.read_all(table))
    among = torch.cdist(real, real).numpy()
    among[patients[:, None] == patients[None]] = np.inf
    return {
        "anchors": _nearest(pooled_features(network, anchors), real),
        "midpoints": _nearest(pooled_features(network, midpoints), real),
        "real_patches": float(np.median(among.min(axis=1))),
    }


def _nearest(features: torch.Tensor, real: torch.Tensor) -> float:
    return float(torch.cdist(features, real).min(dim=1).values.median())
