"""Frames in equal steps of a perceptual scale: a loop that is even to people, not only in a metric."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from data.arrays import Floats
from data.errors import LookalikeError
from data.scales import Scale
from gan.checkpoint import Model
from gan.morphing.metrics import Metric, variation
from gan.morphing.path import MorphPath, even_positions

ON_SCALE = "perceptual scale, in JNDs"


def scaled_positions(
    model: Model,
    path: MorphPath,
    frames: int,
    metric: Metric,
    scale: Scale,
    advance: Callable[..., None] = lambda *_: None,
) -> Floats:
    """Positions of frames in equal steps of a scale that was measured on frames even in a metric.

    The compared frames are placed again, as they were; between them degrees go over into positions on the path in
    proportion. Raises `LookalikeError` if the scale is of another loop.
    """
    compared = _refused(model, path, metric, scale)
    where = even_positions(model.generator, path, compared, metric, advance)
    where = np.append(where, path.length) if path.closed else where
    degrees = np.linspace(0, 360 if path.closed else 180, len(where))
    return np.asarray(np.interp(scale.even_positions(frames), degrees, where), dtype=np.float64)


def spacing_report(scale: Scale, frames: int) -> dict[str, Any]:
    """What a loop in equal steps of a scale says of itself: JNDs, and where its frames are on the loop compared."""
    where = scale.even_positions(frames)
    values = scale.value(where)
    jnds = np.diff(np.append(values, scale.length_jnd) if scale.closed else values)
    return {
        "length_jnd": scale.length_jnd,
        "jnd_per_step": float(jnds.mean()),
        "variation": variation(jnds),
        "positions_deg": [round(float(one), 3) for one in where],
    }


def _refused(model: Model, path: MorphPath, metric: Metric, scale: Scale) -> int:
    """The number of frames of the loop that was compared, if this is that loop."""
    loop = scale.loop
    if loop is None:
        raise LookalikeError("other-loop", "the scale does not say of which loop it is; scale again with --loop")
    if loop.metric == ON_SCALE:
        raise LookalikeError(
            "other-loop", "the scale is of a loop that a scale had spaced; use the scale of the first one"
        )
    if loop.model_sha256 != model.sha256:
        raise LookalikeError("other-model", "the scale is of images of another model; name that one with --model")
    found = {
        "path": (path.shape, loop.path),
        "metric": (metric.title, loop.metric),
        "loop": (path.closed, scale.closed),
    }
    for name, (here, there) in found.items():
        if here != there:
            raise LookalikeError("other-loop", f"the scale is of another loop: its {name} is {there}, here {here}")
    return loop.frames
