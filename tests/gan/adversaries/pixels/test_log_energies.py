"""Log energies against their definitions, computed with loops and plain convolutions."""

import pytest
import torch
from torch.nn import functional as F

from gan.adversaries.pixels.log_energies import LogEnergies

FILTERS, FEW, BANDS = 48, 16, 6


@pytest.fixture(scope="module")
def detail():
    return LogEnergies()


@pytest.fixture(scope="module")
def images():
    drawn = torch.Generator().manual_seed(0)
    smooth = F.interpolate(torch.randn(11, 1, 8, 8, generator=drawn), size=(32, 32), mode="bicubic")
    return 0.2 * (smooth + 0.2 * torch.randn(11, 1, 32, 32, generator=drawn))


def test_the_filters_have_no_mean_and_unit_norm(detail):
    for kind in range(3):
        filters = detail.get_buffer(f"filters_{kind}")
        torch.testing.assert_close(filters.sum(dim=1), torch.zeros(FILTERS), atol=1e-5, rtol=0)
        torch.testing.assert_close(filters.norm(dim=1), torch.ones(FILTERS))


@pytest.mark.parametrize(("kind", "side", "spacing"), [(0, 3, 1), (1, 3, 2), (2, 5, 1)])
def test_strengths_are_those_of_the_responses(detail, images, kind, side, spacing):
    strength, _, _ = detail(images)
    assert strength.shape == (11, detail.counts[0])
    filters = detail.get_buffer(f"filters_{kind}").view(FILTERS, 1, side, side)
    response = F.conv2d(images, filters, dilation=spacing)
    root = response.square().mean(dim=(2, 3)).sqrt()
    first = kind * (FILTERS + FEW)
    torch.testing.assert_close(strength[:, first : first + FILTERS], root.log(), atol=1e-3, rtol=0)
    ratio = (response.abs().mean(dim=(2, 3)) / root).log()[:, :FEW]
    torch.testing.assert_close(strength[:, first + FILTERS : first + FILTERS + FEW], ratio, atol=0.02, rtol=0)  # floor


def test_brightness_does_not_count_and_contrast_adds_to_the_log(detail, images):
    strength, phases, _ = detail(images)
    brighter = detail(images + 0.5)
    torch.testing.assert_close(brighter[0], strength, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(brighter[1], phases, atol=1e-3, rtol=1e-3)
    louder, _, _ = detail(2 * images)
    difference = (louder - strength)[:, :FILTERS]
    torch.testing.assert_close(difference, torch.full_like(difference, 2).log(), atol=1e-2, rtol=0)


def test_faint_detail_on_a_bright_image_is_found(detail):
    """A grey level's worth, where squares of the pixels themselves would have lost it in single precision."""
    noise = torch.randn(4, 1, 32, 32, generator=torch.Generator().manual_seed(3)) / 255
    torch.testing.assert_close(detail(noise + 0.9)[0], detail(noise)[0], atol=2e-3, rtol=0)


def test_phases_are_compared(detail, images):
    """The first filter's three differences; shifting the image by a pixel turns the sign of that between columns."""
    _, phases, _ = detail(images)
    assert phases.shape == (11, detail.counts[1])
    first = detail.get_buffer("filters_0")[0].view(1, 1, 3, 3)
    energy = F.conv2d(images[:1], first)[0, 0].square()

    def strength(row, column):
        return float(energy[row::2, column::2].mean().log()) / 2

    a, b, c, d = (strength(row, column) for row in (0, 1) for column in (0, 1))
    expected = [(a + b - c - d) / 2, (a + c - b - d) / 2, (a + d - b - c) / 2]
    assert phases[0, ::FILTERS][:3].tolist() == pytest.approx(expected, abs=1e-3)
    columns = slice(FILTERS, 2 * FILTERS)
    _, shifted, _ = detail(images.roll(1, dims=3)[..., 2:])
    _, whole, _ = detail(images[..., :-2])
    torch.testing.assert_close(shifted[:, columns], -whole[:, columns], atol=0.15, rtol=0)


def test_places_are_compared(detail):
    """Noise in the dark half of a ramp alone: stronger than on average there, and weaker in the bright half."""
    noise = torch.randn(1, 1, 32, 32, generator=torch.Generator().manual_seed(4))
    image = torch.linspace(-0.8, 0.8, 32).expand(1, 1, 32, 32) + 0.1 * noise * (torch.arange(32) < 16)
    _, _, where = detail(image)
    assert where.shape == (1, detail.counts[2])
    darkest, dark, _, bright, brightest, _ = where[0, : FEW * BANDS].view(FEW, BANDS).T
    assert (torch.stack([darkest, dark]) > 0).all()
    assert (torch.stack([bright, brightest]) < 0).all()
    empty = detail(image.clamp(-0.5, 0.3))[2][0, : FEW * BANDS].view(FEW, BANDS)[:, 4]
    torch.testing.assert_close(empty, torch.zeros(FEW), atol=1e-5, rtol=0)


def test_structure_is_compared_with_detail(detail):
    """The same noise where an image is structured, and where it is not."""
    lower = (torch.arange(32) >= 16)[:, None]
    wave = 0.1 * torch.sin(torch.arange(32) * torch.pi / 8).expand(1, 1, 32, 32) * lower
    noise = 0.1 * torch.randn(1, 1, 32, 32, generator=torch.Generator().manual_seed(5))
    there, elsewhere = (detail(wave + noise * place)[2][0, 5 : FEW * BANDS : BANDS] for place in (lower, ~lower))
    assert there.mean() > elsewhere.mean() + 0.1


def test_the_number_of_images_at_once_does_not_matter(detail, images):
    apart = [torch.cat(parts) for parts in zip(*(detail(one) for one in images.split(1)), strict=True)]
    for together, single in zip(detail(images), apart, strict=True):
        torch.testing.assert_close(together, single, atol=1e-4, rtol=1e-4)


def test_gradients_are_those_of_finite_differences(detail, images):
    exact = LogEnergies().double()
    image = images[:1, :, :8, :8].double().requires_grad_()
    weights = [
        torch.randn(count, dtype=torch.float64, generator=torch.Generator().manual_seed(6)) for count in detail.counts
    ]

    def total(x):
        return sum((table @ weight).sum() for table, weight in zip(exact(x), weights, strict=True))

    total(image).backward()
    step = 1e-6
    for row, column in [(0, 0), (3, 4), (7, 2)]:
        shift = torch.zeros_like(image)
        shift[0, 0, row, column] = step
        slope = (total(image + shift) - total(image - shift)) / (2 * step)
        assert image.grad[0, 0, row, column].item() == pytest.approx(slope.item(), rel=1e-3, abs=1e-5)
