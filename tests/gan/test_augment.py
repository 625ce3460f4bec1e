import torch

from gan.augment import APPLIED, _brightness, _contrast, _cutout, _translate, color_translation_cutout


def test_brightness_adds_up_to_a_half_to_each_image_by_itself():
    torch.manual_seed(0)
    shift = _brightness(torch.zeros(2000, 1, 2, 2))
    assert torch.equal(shift, shift[:, :, :1, :1].expand_as(shift))
    assert -0.5 <= shift.min() < -0.48
    assert 0.48 < shift.max() <= 0.5


def test_contrast_keeps_the_mean_and_scales_deviations_by_a_half_to_one_and_a_half():
    torch.manual_seed(0)
    images = torch.randn(2000, 1, 4, 4)
    changed = _contrast(images)
    torch.testing.assert_close(changed.mean((1, 2, 3)), images.mean((1, 2, 3)), atol=1e-5, rtol=0)
    factors = changed.std((1, 2, 3)) / images.std((1, 2, 3))
    assert 0.5 <= factors.min() < 0.52
    assert 1.48 < factors.max() <= 1.5 + 1e-4


def test_translation_moves_by_whole_pixels_up_to_an_eighth_in_all_directions():
    torch.manual_seed(0)
    images = torch.zeros(2000, 1, 16, 16)
    images[:, :, 8, 8] = 1
    found = _translate(images).nonzero()
    assert len(found) == 2000
    moves = {(int(row) - 8, int(column) - 8) for _, _, row, column in found}
    assert moves == {(down, right) for down in range(-2, 3) for right in range(-2, 3)}


def test_translation_fills_with_mid_grey():
    torch.manual_seed(0)
    moved = _translate(torch.ones(50, 1, 16, 16))
    assert set(moved.unique().tolist()) == {0.0, 1.0}


def test_cutout_hides_one_square_of_half_the_side():
    torch.manual_seed(0)
    cut = _cutout(torch.ones(2000, 1, 16, 16))
    hidden = (cut == 0).sum((1, 2, 3))
    assert hidden.max() <= 64
    rows, columns = (cut == 0).any(3).sum((1, 2)), (cut == 0).any(2).sum((1, 2))
    assert torch.equal(hidden, rows * columns)
    assert (cut == 0).any(0).all()  # anywhere, also at the edges


def test_gradients_flow_back_to_what_is_seen():
    torch.manual_seed(0)
    images = torch.randn(4, 1, 16, 16, requires_grad=True)
    color_translation_cutout(images).square().sum().backward()
    assert (images.grad != 0).any(dim=(1, 2, 3)).all()


def test_each_change_is_made_to_its_share_of_images_and_some_stay_as_they_were():
    torch.manual_seed(0)
    images = torch.randn(4000, 1, 8, 8)
    unchanged = (color_translation_cutout(images) == images).all(dim=(1, 2, 3)).float().mean().item()
    # A draw can also change nothing: a translation by (0, 0), a cutout of what lies outside.
    assert (1 - APPLIED) ** 4 - 0.01 < unchanged < 0.06
