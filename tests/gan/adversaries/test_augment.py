import pytest
import torch

from gan.adversaries.augment import APPLIED, _cutout, _translate, translation_cutout
from gan.adversaries.step_rng import StepRng


def rng(images):
    return StepRng(0, 0, len(images))


def test_translation_moves_by_whole_pixels_up_to_an_eighth_in_all_directions():
    torch.manual_seed(0)
    images = torch.zeros(2000, 1, 16, 16)
    images[:, :, 8, 8] = 1
    found = _translate(images, rng(images)).nonzero()
    assert len(found) == 2000
    moves = {(int(row) - 8, int(column) - 8) for _, _, row, column in found}
    assert moves == {(down, right) for down in range(-2, 3) for right in range(-2, 3)}


def test_translation_fills_with_mid_grey():
    images = torch.ones(50, 1, 16, 16)
    moved = _translate(images, rng(images))
    assert set(moved.unique().tolist()) == {0.0, 1.0}


def test_cutout_hides_one_square_of_half_the_side():
    images = torch.ones(2000, 1, 16, 16)
    cut = _cutout(images, rng(images))
    hidden = (cut == 0).sum((1, 2, 3))
    assert hidden.max() <= 64
    rows, columns = (cut == 0).any(3).sum((1, 2)), (cut == 0).any(2).sum((1, 2))
    assert torch.equal(hidden, rows * columns)
    assert (cut == 0).any(0).all()  # anywhere, also at the edges


def test_gradients_flow_back_to_what_is_seen():
    torch.manual_seed(0)
    images = torch.randn(4, 1, 16, 16, requires_grad=True)
    translation_cutout(images, rng(images)).square().sum().backward()
    assert (images.grad != 0).any(dim=(1, 2, 3)).all()


def test_each_change_is_made_to_its_share_of_images_and_some_stay_as_they_were():
    torch.manual_seed(0)
    images = torch.randn(4000, 1, 8, 8)
    unchanged = (translation_cutout(images, rng(images)) == images).all(dim=(1, 2, 3)).float().mean().item()
    # A draw can also change nothing: a translation by (0, 0).
    assert unchanged == pytest.approx((1 - APPLIED) * (1 - APPLIED * (1 - 1 / 9)), abs=0.03)
