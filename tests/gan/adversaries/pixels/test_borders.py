"""Statistics of borders and stripes: each side is told from the others, and contrast changes none but the steps."""

import pytest
import torch

from gan.adversaries.pixels.borders import COUNT, border_statistics

DEEP = 8
SIDES = {"top": (2, 0), "bottom": (2, -1), "left": (3, 0), "right": (3, -1)}


def images(count=400, size=32, seed=0):
    return 0.1 * torch.randn(count, 1, size, size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("side", SIDES)
def test_a_line_along_a_side_moves_the_statistics_of_that_side_alone(side):
    plain = images()
    lined = plain.clone()
    axis, place = SIDES[side]
    lined.select(axis, place).add_(0.1)
    found = border_statistics(lined) - border_statistics(plain)
    apart = found.mean(dim=0)[: 4 * 3 * DEEP].unflatten(0, (4, 3, DEEP))
    here = list(SIDES).index(side)
    others = [number for number in range(4) if number != here]
    assert apart[here, 0, 0] < -0.4  # down to the inside, in limited steps
    assert apart[others, 0].abs().max() < 0.1
    assert apart[here, 1:, 1:].abs().max() < 0.05  # the rows behind are as they were


def test_a_duller_border_shows_in_energies_across_and_along():
    plain = images()
    dull = plain.clone()
    dull[:, :, :2] *= 0.5
    found = (border_statistics(dull) - border_statistics(plain)).mean(dim=0)[: 3 * DEEP].unflatten(0, (3, DEEP))
    assert found[1, 0] < -0.5
    assert found[2, 0] < -0.5
    assert found[1:, 3:].abs().max() < 0.1


@pytest.mark.parametrize(("axis", "rows"), [(3, True), (2, False)])
def test_stripes_are_told_by_their_direction(axis, rows):
    """White noise of R pixels a row has row means of 1/sqrt(R) of its SD."""
    plain = images()
    line = plain.mean(dim=axis, keepdim=True)
    striped = plain + 3 * line
    found = (border_statistics(striped) - border_statistics(plain)).mean(dim=0)[-8:].unflatten(0, (2, 4))
    here, there = (found[0], found[1]) if rows else (found[1], found[0])
    assert here.min() > 0.8  # four times as strong, in logs 1.4, less what the pixels have gained
    assert there.abs().max() < 0.3


def test_contrast_changes_steps_only():
    one, other = border_statistics(images()), border_statistics(2 * images())
    steps = torch.zeros(COUNT, dtype=torch.bool)
    for side in range(4):
        steps[side * 3 * DEEP : side * 3 * DEEP + DEEP] = True
    torch.testing.assert_close(one[:, ~steps], other[:, ~steps], atol=1e-3, rtol=0)


@pytest.mark.parametrize("size", [8, 16])
def test_flat_images_are_finite_and_have_a_gradient(size):
    flat = torch.zeros(2, 1, size, size, requires_grad=True)
    found = border_statistics(flat)
    assert found.shape == (2, COUNT)
    found.sum().backward()
    assert torch.isfinite(flat.grad).all()
