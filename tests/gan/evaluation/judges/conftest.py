"""Real patches, and changes of images that the judges have to see."""

import os
from pathlib import Path

import numpy as np
import pytest

from gan.bootstrap import group_numbers, one_thread
from stimuli.crops import Cut
from stimuli.cutting import cut_patches
from stimuli.sources.boxes_table import read_source


@pytest.fixture(scope="module", autouse=True)
def single_thread():
    with one_thread():
        yield


def filtered(images, gain):
    size = images.shape[1]
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size)))
    return np.fft.ifft2(np.fft.fft2(images) * gain(frequency)).real.astype(np.float32)


def more_power_in_the_corner(images):
    """Three times the power in the corner of the spectrum and less at .36 to .47 c/px: under one grey level of 255."""
    return filtered(images, lambda f: np.where(f > 0.5, 3**0.5, np.where((f > 0.36) & (f < 0.47), 0.8, 1)))


def half_a_pixel_of_blur(images):
    return filtered(images, lambda f: np.exp(-2 * (np.pi * f * 0.5) ** 2))


def less_variance(images):
    """The variance of the whole set cut by 30%."""
    mean = images.mean(axis=0)
    return (mean + 0.7**0.5 * (images - mean)).astype(np.float32)


CHANGES = (more_power_in_the_corner, half_a_pixel_of_blur, less_variance)


@pytest.fixture(params=CHANGES, ids=[change.__name__ for change in CHANGES])
def change(request):
    return request.param


@pytest.fixture
def blind_spot():
    """The change that networks with a strided stem do not see."""
    return more_power_in_the_corner


@pytest.fixture(scope="session")
def mammograms(tmp_path_factory):
    """Patches of 64 px and their patients' numbers."""
    root = os.environ.get("LOOKALIKE_DATA")
    if not root:
        pytest.skip("LOOKALIKE_DATA is unset; it names the folder that holds cbis-ddsm/")
    source = read_source(Path(root) / "cbis-ddsm")[:700]
    patches = cut_patches(source, tmp_path_factory.mktemp("cut"), b"k" * 32, Cut(split=(1, 0, 0)))
    return patches.read_all(patches.table), group_numbers(patches.table["patient"].tolist())
