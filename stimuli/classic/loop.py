"""A loop of classic stimuli on disk, with the manifest of a morph loop: sessions show it as one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import LookalikeError
from data.files import new_folder, sha256
from data.loops import Frame, Loop, write_loop
from stimuli.classic.contours import contour_loop, difference, draw_anchors
from stimuli.classic.rendering import MOST_CLIPPED, Look, paste
from stimuli.classic.tissue import Tissue, no_tissue
from stimuli.images import Pixels, write_png
from stimuli.loop_pictures import write_pictures

ANCHORS = 3


@dataclass(frozen=True)
class ClassicLoop:
    """How a loop of classic stimuli is made.

    Attributes
    ----------
    look : Look
        What the shapes look like.
    frames : int, at least 6
        Images of the loop.
    seed : int
        Of the three shapes.
    bits : {8, 16}
        Bits per pixel of the PNGs.

    Examples
    --------
    >>> import stimuli
    >>> stimuli.ClassicLoop(frames=60).look.contrast
    0.2
    """

    look: Look = field(default_factory=Look)
    frames: int = 147
    seed: int = 0
    bits: int = 8

    def __post_init__(self) -> None:
        if self.frames < 2 * ANCHORS:
            raise LookalikeError(
                "out-of-range", f"{self.frames} frames are too few for 3 shapes; ask for {2 * ANCHORS} or more"
            )
        if self.bits not in (8, 16):
            raise LookalikeError("unknown-choice", f"bits is {self.bits}; a PNG holds 8 or 16")


def make_classic_loop(
    out: Path | str, tissues: Iterable[Tissue], settings: ClassicLoop | None = None, about: dict[str, Any] | None = None
) -> Loop:
    """Write a loop of shapes that change from the first to a second, a third and back, on one background.

    All frames have shapes of the same irregularity and area, and all steps are equal in RMS difference of the radii
    over the mean radius, which is the `step` of each frame. The three shapes are at 0, 120 and 240 degrees.

    Parameters
    ----------
    out : path
        A folder that does not exist yet, or is empty.
    tissues : iterable of Tissue
        Backgrounds; the first on which the contrast fits between black and white is taken.
    settings : ClassicLoop, optional
        Shapes, number of frames, seed, bits.
    about : dict, optional
        Added to the manifest's `measures`: where the tissue is from.

    Returns
    -------
    Loop
        The content of `loop.json`; `measures` has the settings and the patch whose tissue is shown.

    Raises
    ------
    LookalikeError
        If there is no background, the contrast fits on none, or `out` is occupied.

    References
    ----------
    Ren, Yu & Whitney, "Controllable medical image generation via generative adversarial networks", Figure 1b.

    Examples
    --------
    >>> import numpy as np, stimuli
    >>> from stimuli.classic.tissue import Tissue
    >>> grey = Tissue(np.full((32, 32), 0.4, np.float32), "a-1", "a")
    >>> loop = stimuli.make_classic_loop("loop", [grey], stimuli.ClassicLoop(frames=6))
    >>> [frame.position_deg for frame in loop.frames], loop.anchors
    ([0.0, 60.0, 120.0, 180.0, 240.0, 300.0], (0, 2, 4))
    """
    settings = settings or ClassicLoop()
    contours = contour_loop(draw_anchors(settings.look.spectrum, np.random.default_rng(settings.seed)), settings.frames)
    steps = difference(contours, np.roll(contours, -1, axis=0))
    tissue, images = _images(tissues, list(contours), settings.look)
    with new_folder(Path(out)) as folder:
        entries = []
        for index, (image, step) in enumerate(zip(images, steps, strict=True)):
            file = f"frame-{index:03d}.png"
            write_png(folder / file, image, settings.bits)
            entries.append(Frame(file, 360 * index / settings.frames, float(step), sha256(folder / file)))
        loop = Loop(
            frames=tuple(entries),
            anchors=tuple(round(settings.frames * number / ANCHORS) for number in range(ANCHORS)),
            seeds=(),
            codes=(),
            truncation=None,
            noise_seed=None,
            metric="RMS radius",
            evenness=round(float(steps.std() / steps.mean()), 9),
            model_sha256="",
            path="round",
            anchors_deg=tuple(360 * number / ANCHORS for number in range(ANCHORS)),
            sources=tuple(f"classic:{settings.seed}#{number}" for number in range(1, ANCHORS + 1)),
            patients=((tissue.patient,),) * ANCHORS,
            measures={"classic": asdict(settings), "tissue": tissue.patch_id, **(about or {})},
        )
        write_loop(folder, loop)
        write_pictures(folder, images, loop.anchors, closed=True, mp4=False)
    return loop


def _images(tissues: Iterable[Tissue], contours: list[Any], look: Look) -> tuple[Tissue, Pixels]:
    """The first tissue on which no frame is clipped visibly, and the frames."""
    tried = 0
    for tissue in tissues:
        pasted = [paste(tissue.pixels, contour, look) for contour in contours]
        if max(clipped for _, clipped in pasted) <= MOST_CLIPPED:
            return tissue, np.stack([image for image, _ in pasted])
        tried += 1
    if not tried:
        raise no_tissue("classic loop")
    raise LookalikeError(
        "out-of-range",
        f"contrast is {look.contrast:g}, which goes beyond black or white on each of {tried} backgrounds; ask for "
        "less, or give other patches",
    )
