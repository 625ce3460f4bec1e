"""Anchors of families and rings."""

import numpy as np
import pytest
import torch

from gan.codes import codes_of_seeds, images_of
from gan.morphing.choose import SEEDS_PER_ANCHOR, _unusual, far_anchors, ring_around, steadiest, variation_beside
from gan.morphing.metrics import all_pairs, describe, metric_of, steps, variation
from gan.morphing.path import even_positions, images_at, path_through


def stacked(codes):
    return torch.stack([one.code for one in codes])


def names(loops):
    return [[one.name for one in anchors] for anchors in loops]


def test_each_loop_has_seeds_of_its_own_however_many_there_are(model):
    several = names(far_anchors(model, 4, 3, 100, 0.7, metric_of("pixel")))
    assert names(far_anchors(model, 2, 3, 100, 0.7, metric_of("pixel"))) == several[:2]
    assert len({name for anchors in several for name in anchors}) == 12
    block = 3 * SEEDS_PER_ANCHOR
    for number, anchors in enumerate(several):
        assert {(int(name.removeprefix("seed-")) - 100) // block for name in anchors} == {number}


def test_anchors_are_farther_apart_than_by_chance_and_not_the_most_unusual(model):
    metric = metric_of("pixel")
    block = codes_of_seeds(model, range(3 * SEEDS_PER_ANCHOR))
    apart = all_pairs(metric, describe(metric, images_of(model.generator, block)))
    (anchors,) = far_anchors(model, 1, 3, 0, 0.7, metric)
    chosen = [int(one.name.removeprefix("seed-")) for one in anchors]
    nearest = apart[np.ix_(chosen, chosen)][np.triu_indices(3, 1)].min()
    assert nearest > np.median(apart[np.triu_indices(len(apart), 1)])
    unusual = _unusual(model.generator, stacked(codes_of_seeds(model, range(24), psi=1)))
    assert max(unusual[chosen]) <= np.sort(unusual)[17]


def test_unusual_codes_are_those_far_from_what_the_mapping_makes(model):
    usual = stacked(codes_of_seeds(model, range(200), psi=1))
    found = _unusual(model.generator, usual)
    assert found.mean() == pytest.approx(1, abs=0.15)
    far = _unusual(model.generator, torch.lerp(usual.mean(dim=0), usual, 3.0))
    assert (far > 2 * found).mean() > 0.95


def test_variation_beside_a_metric_is_that_of_a_loop_of_many_frames(model):
    metric, beside = metric_of("pixel"), metric_of("nlpd")
    found, true = [], []
    for anchors in far_anchors(model, 6, 3, 0, 1, metric):
        path = path_through(anchors, "round")
        images = images_at(model.generator, path, even_positions(model.generator, path, 147, metric))
        true.append(variation(steps(beside, describe(beside, images), True)))
        found.append(variation_beside(model.generator, path, metric, beside))
        assert variation_beside(model.generator, path, metric, metric) == pytest.approx(0, abs=1e-6)
    assert found == pytest.approx(true, rel=0.3)
    assert np.corrcoef(found, true)[0, 1] > 0.7


def test_the_steadiest_of_several_loops_is_the_one_that_varies_least(model):
    metric, beside = metric_of("pixel"), metric_of("nlpd")
    candidates = far_anchors(model, 4, 3, 0, 1, metric)
    varies = [variation_beside(model.generator, path_through(one, "straight"), metric, beside) for one in candidates]
    assert steadiest(model, candidates, "straight", metric, beside) is candidates[int(np.argmin(varies))]


@pytest.mark.parametrize("name", ["nlpd", "pixel"])
def test_a_ring_is_at_the_distance_asked_for(model, name):
    metric = metric_of(name)
    (centre,) = codes_of_seeds(model, [5])
    others = codes_of_seeds(model, [6, 7])
    reach = all_pairs(metric, describe(metric, images_of(model.generator, [centre, *others])))[0, 1:].min()
    anchors = ring_around(model, centre, 0.3 * reach, [6, 7], 0.7, metric)
    around = describe(metric, images_of(model.generator, [centre, *anchors]))
    assert all_pairs(metric, around)[0, 1:] == pytest.approx(0.3 * reach, rel=0.01)
    assert all(torch.equal(one.noise[2], centre.noise[2]) for one in anchors)
    plane = torch.stack([(one.code - centre.code).flatten() for one in anchors])
    assert torch.linalg.svdvals(plane)[2] < 1e-4 * torch.linalg.svdvals(plane)[0]


def test_rings_that_cannot_be(model, refuses):
    (centre,) = codes_of_seeds(model, [5])
    for seeds in ([1], [1, 1], [1, 2, 3]):
        with refuses("bad-anchors"):
            ring_around(model, centre, 0.1, seeds, 0.7, metric_of("pixel"))
    for distance in (0, -1, float("nan"), 100):
        with refuses("out-of-range"):
            ring_around(model, centre, distance, [6, 7], 0.7, metric_of("pixel"))
