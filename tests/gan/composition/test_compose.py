"""Composition through the generator."""

from dataclasses import replace

import numpy as np
import pytest

import gan.composition.compose
from gan.checkpoint import Model
from gan.codes import images_of
from gan.composition.compose import COMPOSE, OUTSIDE, compose, name_of, patients_of
from gan.composition.transfer import bring_in
from gan.inversion.invert import invert
from gan.inversion.settings import PAPER, chosen

HOW = replace(COMPOSE, steps=3)


@pytest.fixture
def composed(model, encoder, features, texture, template):
    return compose(model, encoder, features, [(texture, template), (template, texture)], HOW)


def test_images_are_what_their_codes_make_and_carry_both_patients(model, composed):
    assert [one.name for one in composed.codes] == ["fine-on-coarse", "coarse-on-fine"]
    assert [one.patients for one in composed.codes] == [("p1", "p2"), ("p2", "p1")]
    np.testing.assert_allclose(images_of(model.generator, composed.codes), composed.images, atol=1e-4)


def test_patients_are_named_once_and_only_where_known(texture, template):
    assert patients_of((texture, replace(template, patient="p1"))) == ("p1",)
    assert patients_of((replace(texture, patient=None), template)) == ("p2",)
    assert name_of((texture, template)) == "fine-on-coarse"


def test_more_steps_come_nearer_to_the_target(model, encoder, features, texture, template):
    target = bring_in(texture, template).target
    errors = [
        np.square(
            compose(model, encoder, features, [(texture, template)], replace(HOW, steps=steps)).images[0] - target
        )
        for steps in (0, 25)
    ]
    assert errors[1].mean() < 0.5 * errors[0].mean()


def test_the_default_weighs_the_lesion_more_and_the_paper_sees_nothing_else(
    model, encoder, features, texture, template, monkeypatch
):
    seen = []

    def spied(*given):
        seen.append(given)
        return invert(*given)

    monkeypatch.setattr(gan.composition.compose, "invert", spied)
    pair = [(texture, template)]
    ours = compose(model, encoder, features, pair, HOW)
    theirs = compose(model, encoder, features, pair, replace(PAPER, steps=1))
    (_, _, _, target, _, weights, _), _, (_, _, _, pasted, _, mask, _), _ = seen
    np.testing.assert_array_equal(target[0], ours.transfers[0].target)
    assert weights.min() == pytest.approx(OUTSIDE)
    assert weights[0][template.inside].min() > 0.7
    np.testing.assert_array_equal(pasted, theirs.comparators["stitched"])
    np.testing.assert_array_equal(mask[0], template.inside)


def test_the_encoder_alone_is_that_of_the_stitch(model, encoder, features, composed):
    alone = invert(model, encoder, features, composed.comparators["stitched"], replace(HOW, steps=0))
    np.testing.assert_array_equal(composed.comparators["encoder"], alone.images)


def test_mistakes_are_refused_before_the_work(model, encoder, features, texture, template, refuses):
    with refuses("no-images"):
        compose(model, encoder, features, [], HOW)
    with refuses("other-model"):
        compose(Model(model.generator, "1" * 64, {}), encoder, features, [(texture, template)], HOW)
    with refuses("empty-mask"):
        compose(model, encoder, features, [(replace(texture, mask=0 * texture.mask), template)], HOW)
    with refuses("foreign-mask"):
        compose(model, encoder, features, [(texture, replace(template, mask=template.mask[:31]))], HOW)
    with refuses("unknown-choice"):
        chosen("best", COMPOSE)
    assert chosen("default", COMPOSE, steps=None) == COMPOSE
    assert chosen("paper", COMPOSE) == PAPER
