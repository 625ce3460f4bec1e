"""Classic images as candidates for a stimulus set: obvious fakes, in grades of contrast."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from stimuli.classic.contours import draw_contour
from stimuli.classic.rendering import MOST_CLIPPED, Look, paste
from stimuli.classic.tissue import Tissue
from stimuli.sets import Candidate


def classic_candidates(
    tissues: Sequence[Tissue], look: Look, contrasts: Sequence[float] = (), seed: int = 0
) -> Iterator[Candidate]:
    """Random shapes on tissue, without end: each image has a shape of its own.

    The tissues are taken in turn, a quarter turn further on each return. `contrasts` are taken in turn too (none: the
    look's own); each image's `source` says its number, contrast and patch, and its `patient` whose tissue it is.
    """
    looks = [replace(look, contrast=contrast) for contrast in contrasts] or [look]
    number = 0
    while tissues:
        tissue, one = tissues[number % len(tissues)], looks[number % len(looks)]
        contour = draw_contour(look.spectrum, np.random.default_rng((seed, number)))
        image, clipped = paste(np.rot90(tissue.pixels, number // len(tissues)), contour, one)
        source = f"classic:{number}@{one.contrast:g}#{tissue.patch_id}"
        objection = "contrast beyond black or white" if clipped > MOST_CLIPPED else ""
        yield Candidate(image, source, tissue.patient, objection=objection)
        number += 1
