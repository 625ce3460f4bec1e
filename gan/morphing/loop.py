"""Morph loops A -> B -> C -> A, and open paths, in even steps: frames and their manifest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.arrays import Floats
from data.errors import LookalikeError
from data.files import new_folder, sha256
from data.loops import ANCHORS, Frame, Loop, write_loop
from data.scales import Scale
from gan.checkpoint import Model
from gan.codes import ImageCode, images_of, write_codes
from gan.morphing.metrics import DEFAULT, Description, Metric, describe, metric_of, steps
from gan.morphing.path import SHAPES, MorphPath, even_positions, images_at, path_through
from gan.morphing.report import realism, report
from gan.morphing.spacing import ON_SCALE, scaled_positions, spacing_report
from gan.networks.features import Vgg16
from stimuli.images import Pixels, quantise, write_png
from stimuli.loop_pictures import write_pictures
from stimuli.patches import PatchSet


@dataclass(frozen=True)
class LoopSettings:
    """How a loop is made.

    Attributes
    ----------
    frames : int
        Images of the whole loop or path, at least two per anchor.
    path : {'round', 'straight', 'open'}
        Round loops go through the anchors without corners and keep the images' variety; straight ones go in lines from
        anchor to anchor and back to the first, open paths in lines from the first to the last.
    metric : {'nlpd', 'vgg', 'nlpd+vgg', 'ssim', 'pixel'}
        The distance in which steps are even; `nlpd+vgg` is the RMS of both.
    bits : {8, 16}
        Bits per pixel of the PNGs.
    mp4 : bool
        Whether to write `loop.mp4` beside `loop.gif`.

    Examples
    --------
    >>> import gan
    >>> gan.LoopSettings(frames=60).metric
    'nlpd'
    """

    frames: int = 147
    path: str = "round"
    metric: str = DEFAULT
    bits: int = 8
    mp4: bool = False

    def __post_init__(self) -> None:
        if self.bits not in (8, 16):
            raise LookalikeError("unknown-choice", f"bits is {self.bits}; a PNG holds 8 or 16")
        if self.path not in SHAPES:
            raise LookalikeError("unknown-choice", f"path is {self.path!r}; choose one of {', '.join(SHAPES)}")


def make_loop(
    model: Model,
    out: Path | str,
    anchors: Sequence[ImageCode],
    settings: LoopSettings | None = None,
    vgg16: Vgg16 | None = None,
    patches: PatchSet | None = None,
    advance: Callable[..., None] = lambda *_: None,
    scale: Scale | None = None,
) -> Loop:
    """Write a morph loop or path through anchors: PNGs, `loop.json`, the anchors' codes, a ring (or strip) and a GIF.

    Steps between neighbouring frames are even in the metric; the first frame is the first anchor, and the other
    anchors lie where even steps put them, in general between two frames.

    Parameters
    ----------
    model : Model
        A loaded model.
    out : path
        A folder that does not exist yet, or is empty.
    anchors : sequence of ImageCode
        Two or more, of any source (`codes_of_seeds`, `read_codes`), each with its own noise.
    settings : LoopSettings, optional
        Number of frames, path, metric, files.
    vgg16 : Vgg16, optional
        The network of the metrics with `vgg` and of the report, which leaves VGG out without it.
    patches : PatchSet, optional
        Real patches, for the report's realism; needs `vgg16`.
    advance : function
        Called after each pass.
    scale : data.scales.Scale, optional
        A perceptual scale of the loop through these anchors (`lookalike scale`): steps are then even on it, and
        `metric` and `path` must be those of the loop whose images were compared.

    Returns
    -------
    Loop
        The content of `loop.json`: frames with positions in degrees and steps, anchors, and in `measures` the
        coefficients of variation of the steps in each metric, growth of distance to the far side, folds, realism.

    Raises
    ------
    LookalikeError
        If there are fewer than two different anchors, too few frames, another word, `out` is occupied, or the scale is
        of another loop.

    References
    ----------
    Ren, Yu & Whitney, "Controllable medical image generation via generative adversarial networks".

    Examples
    --------
    >>> import gan
    >>> from data.shipped import DEFAULT_MODEL
    >>> model = gan.load_model(DEFAULT_MODEL)
    >>> loop = gan.make_loop(model, "loop", gan.codes_of_seeds(model, [1, 2, 3]), gan.LoopSettings(frames=8))
    >>> [frame.position_deg for frame in loop.frames][:3], loop.anchors[0]
    ([0.0, 45.0, 90.0], 0)
    """
    settings = settings or LoopSettings()
    path = path_through(anchors, settings.path)
    if settings.frames < 2 * len(anchors):
        raise LookalikeError(
            "out-of-range",
            f"{settings.frames} frames are too few for {len(anchors)} anchors; ask for {2 * len(anchors)} or more",
        )
    if patches is not None and vgg16 is None:
        raise LookalikeError("weights-needed", "realism needs VGG16's weights beside the patches; give both or neither")
    metric = metric_of(settings.metric, vgg16)
    if scale is None:
        positions = even_positions(model.generator, path, settings.frames, metric, advance)
    else:
        positions = scaled_positions(model, path, settings.frames, metric, scale, advance)
    images = _stored(images_at(model.generator, path, positions), settings.bits)
    described = describe(metric, images)
    measures = report(images, metric, described, path.closed, vgg16)
    if scale is not None:
        measures["scale"] = spacing_report(scale, settings.frames)
    if patches is not None and vgg16 is not None:
        middles = images_at(model.generator, path, np.arange(path.length, dtype=np.float64) + 0.5)
        measures["nearest_real_patch"] = realism(vgg16, images_of(model.generator, anchors), middles, patches)
    with new_folder(Path(out)) as folder:
        write_codes(folder / ANCHORS, anchors, model)
        taken = _steps_of(metric, described, path.closed, scale)
        entries = _write_frames(folder, images, taken, path.closed, settings.bits)
        turns = _anchors_deg(path, positions)
        turn = 360 / settings.frames if path.closed else 180 / (settings.frames - 1)
        loop = Loop(
            frames=entries,
            anchors=tuple(round(angle / turn) % settings.frames for angle in turns),
            seeds=(),
            codes=(),
            truncation=None,
            noise_seed=None,
            metric=metric.title if scale is None else ON_SCALE,
            evenness=measures["variation"][metric.name] if scale is None else measures["scale"]["variation"],
            model_sha256=model.sha256,
            path=settings.path,
            closed=path.closed,
            anchors_deg=turns,
            sources=tuple(one.source for one in anchors),
            patients=tuple(one.patients for one in anchors),
            anchors_sha256=sha256(folder / ANCHORS),
            measures=measures,
        )
        write_loop(folder, loop)
        write_pictures(folder, images, loop.anchors, path.closed, settings.mp4)
    return loop


def _stored(images: Pixels, bits: int) -> Pixels:
    """P-values as they come back from a PNG."""
    stored: Pixels = quantise(images, bits).astype(np.float32) / np.float32(2**bits - 1)
    return stored


def _steps_of(metric: Metric, described: Description, closed: bool, scale: Scale | None) -> list[float]:
    """The step from each frame to the next, in the metric or on a scale; the last frame of an open path has none, 0."""
    count = len(described[0]) - (not closed)
    taken = list(steps(metric, described, closed)) if scale is None else [scale.length_jnd / count] * count
    return taken if closed else [*taken, 0.0]


def _write_frames(folder: Path, images: Pixels, taken: Sequence[float], closed: bool, bits: int) -> tuple[Frame, ...]:
    turn = 360 / len(images) if closed else 180 / (len(images) - 1)
    entries = []
    for index, image in enumerate(images):
        file = f"frame-{index:03d}.png"
        write_png(folder / file, image, bits)
        entries.append(Frame(file, turn * index, float(taken[index]), sha256(folder / file)))
    return tuple(entries)


def _anchors_deg(path: MorphPath, positions: Floats) -> tuple[float, ...]:
    """Where the anchors are, in degrees, between the frames' positions."""
    known = np.append(positions, path.length) if path.closed else positions
    degrees = np.linspace(0, 360 if path.closed else 180, len(known))
    return tuple(round(float(angle), 3) for angle in np.interp(np.arange(len(path.codes)), known, degrees))
