import math

import pytest
import torch

import gan.adversaries.ada
from gan.adversaries.ada import AdaptiveAugmentation, _chosen, _double, _halve, _move, _sample, _shade, transforms
from gan.adversaries.step_rng import StepRng

ONE = torch.ones(())


def smooth(n, side=32):
    """Images whose bicubic resampling is nearly exact."""
    torch.manual_seed(0)
    rows = torch.linspace(0, 3.14, side)
    phase = torch.rand(n, 1, 1, 1) * 3
    return torch.sin(rows[:, None] * 2 + phase) * torch.cos(rows * 1.5 + 2 * phase)


def test_at_strength_zero_images_stay_as_they_are():
    images = smooth(4)
    made = AdaptiveAugmentation(0.6, 100)(images, StepRng(0, 0, 4))
    assert torch.equal(made, images)


def test_switched_off_it_draws_nothing():
    rng = StepRng(0, 0, 4)
    before = rng.generator.get_state()
    assert torch.equal(AdaptiveAugmentation(0.0, 100)(smooth(4), rng), smooth(4))
    assert torch.equal(rng.generator.get_state(), before)


def test_other_draws_do_not_depend_on_its_strength():
    after = []
    for p in (0.0, 0.5):
        augmentation, rng = AdaptiveAugmentation(0.6, 100), StepRng(0, 0, 4)
        augmentation.p.fill_(p)
        augmentation(smooth(4), rng)
        after.append(rng.uniform())
    assert torch.equal(*after)


@pytest.mark.parametrize("p", [0.2, 0.7])
def test_a_change_is_made_to_its_share_of_images(p):
    changed = _chosen(torch.tensor(p), StepRng(0, 0, 5000), torch.ones(5000), 0.0)
    assert changed.mean().item() == pytest.approx(p, abs=0.03)


def test_moving_keeps_grey_levels_within_those_of_a_smooth_image_and_moves_them():
    images = smooth(200)
    moved = _move(images, ONE, StepRng(0, 0, 200))
    assert moved.shape == images.shape
    assert (moved - images).abs().amax(dim=(1, 2, 3)).median() > 0.2
    # Reflection at the edge brings nothing new in; bicubic weights overshoot a little.
    assert moved.max() < images.max() + 0.1
    assert moved.min() > images.min() - 0.1


def test_fine_detail_never_turns_into_coarse_patterns():
    """A chessboard-like grating shrunk to below the sampling rate must vanish; plain resampling aliases it."""
    rows = torch.arange(64.0)
    fine = torch.sin(2 * math.pi * 0.47 * rows).expand(1, 1, 64, 64)
    shrink = torch.diag(torch.tensor([1.5, 1.5, 1.0])).unsqueeze(0)
    plain, filtered = _sample(fine, shrink), _halve(_sample(_double(fine), shrink))
    assert plain[..., 16:48, 16:48].std() > 0.3
    assert filtered[..., 16:48, 16:48].std() < 0.03


def test_doubling_and_halving_keep_what_lies_below_the_filters_edge_in_place():
    for frequency, left in ((0.05, 1.0), (0.2, 1.0), (0.3, 0.97)):
        wave = torch.sin(2 * math.pi * frequency * torch.arange(64.0) + 0.4).expand(1, 1, 64, 64)
        kept = _halve(_double(wave))
        inner = (..., slice(8, -8), slice(8, -8))
        assert ((kept * wave)[inner].mean() / wave.square()[inner].mean()).item() == pytest.approx(left, abs=0.04)


def test_whole_pixel_changes_are_exact(monkeypatch):
    """With only mirrors and quarter turns chosen, each image is one of its eight orientations."""
    calls = iter([True, True] + [False] * 20)

    def only_the_first_two(_p, _draws, changed, unchanged):
        return changed if next(calls) else torch.full_like(changed, unchanged)

    monkeypatch.setattr(gan.adversaries.ada, "_chosen", only_the_first_two)
    torch.manual_seed(0)
    images = torch.randn(40, 1, 8, 8)
    moved = _move(images, ONE, StepRng(0, 0, 40))
    seen = set()
    for image, other in zip(images, moved, strict=True):
        ways = [torch.rot90(base, turns, (1, 2)) for base in (image, image.flip(2)) for turns in range(4)]
        errors = torch.stack([(way - other).abs().max() for way in ways])
        assert errors.min() < 1e-4
        seen.add(int(errors.argmin()))
    assert seen == set(range(8))


def test_sizes_of_changes_are_the_papers():
    """Karras 2020, appendix B: scaling and stretching by 2^N(0, .2²), shifts of N(0, .125²) and ± .125 of the side."""
    placed = transforms(20_000, 64, ONE, StepRng(0, 0, 20_000)).double()
    linear, shift = placed[:, :2, :2], placed[:, :2, 2]
    area = torch.linalg.det(linear).abs()
    assert (area.log2() / 2).std().item() == pytest.approx(0.2, rel=0.03)
    stretch = torch.linalg.svdvals(linear)
    ratio = (stretch[:, 0] / stretch[:, 1]).log2() / 2
    assert ratio.square().mean().sqrt().item() == pytest.approx(0.2, rel=0.03)
    # In half sides: a uniform shift in whole pixels, and a normal one under scaling and stretching.
    grown = math.exp((2 * 0.2 * math.log(2)) ** 2 / 2)
    expected = 2 * 0.25**2 / 3 + 2 * 0.25**2 * grown**2
    assert shift.square().sum(dim=1).mean().item() == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("p", [0.2, 0.6])
def test_an_image_is_rotated_with_probability_p_before_or_after_its_stretch(p):
    linear = transforms(20_000, 64, torch.tensor(p), StepRng(0, 0, 20_000))[:, :2, :2]
    upright = (linear.abs() < 1e-4).sum(dim=(1, 2)) == 2  # turned by quarters at most
    assert 1 - upright.float().mean().item() == pytest.approx(p, abs=0.015)


def test_shading_is_brightness_contrast_and_inversion_with_the_stated_spreads():
    flat = torch.zeros(4000, 1, 1, 2)
    flat[..., 1] = 1
    shaded = _shade(flat, ONE, StepRng(0, 0, 4000))[:, 0, 0]
    factor = shaded[:, 1] - shaded[:, 0]
    assert (factor < 0).float().mean().item() == pytest.approx(0.5, abs=0.04)
    assert factor.abs().log2().std().item() == pytest.approx(0.5, abs=0.03)
    assert (shaded[:, 0] / factor).std().item() == pytest.approx(0.2, abs=0.02)


def test_gradients_flow_back_to_what_is_seen():
    augmentation = AdaptiveAugmentation(0.6, 100)
    augmentation.p.fill_(1.0)
    images = smooth(4).requires_grad_()
    augmentation(images, StepRng(0, 0, 4)).square().sum().backward()
    assert (images.grad != 0).any(dim=(1, 2, 3)).all()


@pytest.mark.parametrize(("sign", "expected"), [(0.9, 0.32), (0.5, 0.0)])
def test_strength_moves_by_the_images_seen_over_its_length_towards_the_target(sign, expected):
    augmentation = AdaptiveAugmentation(0.6, kimg=1.0)
    for _ in range(10):
        augmentation.adapt(torch.tensor(sign), 40, lambda x: x)
    # Ten steps hold two whole groups of four: 2 x 4 x 40 images of 1,000.
    assert augmentation.p.item() == pytest.approx(expected)
    for _ in range(200):
        augmentation.adapt(torch.tensor(sign), 40, lambda x: x)
    assert augmentation.p.item() == pytest.approx(1.0 if sign > 0.6 else 0.0)


def test_the_mean_sign_of_four_steps_decides_over_all_processes():
    augmentation = AdaptiveAugmentation(0.6, kimg=1.0)
    for sign in (1.0, 0.0, 1.0, 1.0):  # .75 on average
        augmentation.adapt(torch.tensor(sign), 40, lambda x: x)
    assert augmentation.p > 0
    other = AdaptiveAugmentation(0.6, kimg=1.0)
    for _ in range(4):
        other.adapt(torch.tensor(1.0), 40, lambda x: x * 0)  # the other processes are unsure
    assert other.p == 0
