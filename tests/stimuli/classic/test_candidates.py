"""Classic images for stimulus sets: grades, sources, repeated tissue."""

from __future__ import annotations

from itertools import islice

import numpy as np

from stimuli.classic.candidates import classic_candidates
from stimuli.classic.rendering import Look
from stimuli.classic.tissue import Tissue


def test_contrasts_and_tissues_are_taken_in_turn_and_named(texture):
    tissues = [Tissue(0.3 + 0.2 * texture(n), f"p{n}-1", f"patient{n}") for n in range(3)]
    found = list(islice(classic_candidates(tissues, Look(), (0.1, 0.3), seed=5), 6))
    assert [one.source for one in found[:3]] == ["classic:0@0.1#p0-1", "classic:1@0.3#p1-1", "classic:2@0.1#p2-1"]
    assert [one.patient for one in found] == ["patient0", "patient1", "patient2"] * 2
    for number, one in enumerate(found):
        behind = np.rot90(tissues[number % 3].pixels, number // 3)
        added = one.pixels - behind
        assert np.abs(added[0]).max() < 1e-6
        assert abs(added[24, 24] - (0.1, 0.3)[number % 2]) < 1e-5
        assert not one.objection


def test_every_shape_is_another_and_the_seed_gives_them_again():
    tissue = [Tissue(np.full((48, 48), 0.4, np.float32), "p", "x")]
    first, again, other = (
        [one.pixels for one in islice(classic_candidates(tissue, Look(), seed=seed), 8)] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert len({one.tobytes() for one in [*first, *other]}) == 16


def test_a_contrast_beyond_white_is_objected_to():
    bright = [Tissue(np.full((48, 48), 0.95, np.float32), "p", "x")]
    assert next(classic_candidates(bright, Look())).objection
    assert not next(classic_candidates(bright, Look(contrast=-0.2))).objection


def test_no_tissue_gives_no_images():
    assert not list(classic_candidates([], Look()))
