"""A texture in another lesion's outline, and what it is compared with."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import center_of_mass

from gan.composition.comparators import blended, stitched
from gan.composition.parts import Part
from gan.composition.transfer import LEAST_SCALE, MOST_SCALE, bring_in
from gan.composition.trend import detail, trend


def test_centres_and_areas_agree_and_the_outline_is_filled(texture, template):
    made = bring_in(texture, template)
    np.testing.assert_allclose(center_of_mass(made.known), center_of_mass(template.inside), atol=0.5)
    assert made.scale == pytest.approx(np.sqrt(template.inside.sum() / texture.inside.sum()))
    assert made.known.sum() == pytest.approx(template.inside.sum(), rel=0.1)
    assert made.covered == pytest.approx((made.known & template.inside).sum() / template.inside.sum())
    assert np.abs(made.texture[template.inside]).min() > 0


def test_scale_has_limits(lesion):
    small, large = lesion("small", 0.6, 1, radius=5), lesion("large", 0.6, 2, radius=11)
    assert bring_in(small, large).scale == MOST_SCALE
    assert bring_in(large, small).scale == LEAST_SCALE


def test_a_lesion_on_its_own_shape_is_itself(template):
    made = bring_in(template, template)
    assert made.scale == 1
    np.testing.assert_allclose(made.target[template.inside], template.image[template.inside], atol=1e-5)
    np.testing.assert_allclose(made.target, template.image, atol=0.02)  # the soft edge, a little outside


def test_the_target_has_the_templates_trend_the_textures_detail_and_the_surround_untouched(texture, template, disc):
    made = bring_in(texture, template)
    inside, mask = template.inside, template.inside.astype(float)
    target = made.target.astype(float)
    far = disc(15, 16, 12) == 0
    np.testing.assert_array_equal(made.target[far], template.image[far])
    np.testing.assert_allclose(
        trend(target, mask)[inside], trend(template.image.astype(float), mask)[inside], atol=0.03
    )
    core = disc(15, 16, 6) >= 0.5
    given, made_of = made.texture[core], detail(target, mask)[core]
    assert np.corrcoef(given, made_of)[0, 1] > 0.9
    own = detail(template.image.astype(float), mask)[core]
    assert abs(np.corrcoef(own, made_of)[0, 1]) < 0.4


def test_grey_level_and_contrast_of_the_textures_background_do_not_matter(texture, template):
    darker = replace(texture, image=(texture.image - 0.2).astype(np.float32))
    np.testing.assert_allclose(bring_in(darker, template).target, bring_in(texture, template).target, atol=1e-4)


def test_the_stitch_is_the_textures_pixels_in_the_outline(texture, template):
    made = bring_in(texture, template)
    image, region = stitched(made, template), made.known & template.inside
    np.testing.assert_allclose(image[region], made.image[region], atol=1e-6)
    np.testing.assert_array_equal(image[~region], template.image[~region])


def test_poisson_blending_takes_gradients_and_not_grey_levels(texture, template, disc):
    brighter = replace(texture, image=(texture.image + 0.25).astype(np.float32))
    images = [blended(bring_in(one, template), template) for one in (texture, brighter)]
    np.testing.assert_allclose(images[0], images[1], atol=0.02)
    made = bring_in(texture, template)
    np.testing.assert_array_equal(images[0][~template.inside], template.image[~template.inside])
    core = disc(15, 16, 4) >= 0.5
    one, other = (np.diff(x, axis=1)[core[:, 1:] & core[:, :-1]] for x in (images[0], made.image))
    assert np.corrcoef(one, other)[0, 1] > 0.95


def test_a_lesion_at_the_border_is_blended_where_it_can_be(texture, template, disc):
    at_edge = Part("edge", template.image, disc(3, 3, 9))
    image = blended(bring_in(texture, at_edge), at_edge)
    assert np.isfinite(image).all()
    assert not np.array_equal(image, at_edge.image)
