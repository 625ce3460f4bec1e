"""Classic images as candidates for a stimulus set: obvious fakes, in grades of contrast."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, repeat

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
        yield _candidate(tissues, looks[number % len(looks)], number, seed)
        number += 1


def graded_candidates(
    tissues: Sequence[Tissue], look: Look, contrasts: Sequence[float], each: int, seed: int = 0
) -> Iterator[Candidate]:
    """Random shapes, `each` of every contrast in turn, then the look's own, for practice; see `classic_candidates`.

    `level` is the size of the contrast. One whose contrast goes beyond black or white has an objection, and the next
    has the same contrast, so that all levels have as many images.
    """
    number = 0
    for contrast in chain([*contrasts] * each, repeat(look.contrast)):
        refused = True
        while refused and tissues:
            made = _candidate(tissues, replace(look, contrast=contrast), number, seed)
            yield replace(made, level=abs(contrast))
            refused, number = bool(made.objection), number + 1
        if not tissues:
            return


def _candidate(tissues: Sequence[Tissue], look: Look, number: int, seed: int) -> Candidate:
    tissue, contour = tissues[number % len(tissues)], draw_contour(look.spectrum, np.random.default_rng((seed, number)))
    image, clipped = paste(np.rot90(tissue.pixels, number // len(tissues)), contour, look)
    source = f"classic:{number}@{look.contrast:g}#{tissue.patch_id}"
    objection = "contrast beyond black or white" if clipped > MOST_CLIPPED else ""
    return Candidate(image, source, tissue.patient, objection=objection)
