"""Progressive growing: which layers the networks have at which stage of training (Karras 2018, arXiv:1710.10196).

A network that has not fully grown is a complete network of a smaller size. Growing makes the next one,
whose shared layers start from the smaller one's; while the new layers are faded in, the smaller
network's conversion to (or from) grey is kept beside theirs.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import torch

from gan.networks.generator import Generator
from gan.training.settings import SMALLEST_PX, Settings


@dataclass(frozen=True)
class Stage:
    """The side of images in px, and the weight of the newest layers in them, in [0, 1]."""

    resolution: int
    blend: float = 1.0


def stage_at(settings: Settings, images: int) -> Stage:
    """The stage of a run after so many images: at each size a stable phase, then the fade to the next."""
    final = settings.architecture.resolution
    if not settings.progressive or final <= SMALLEST_PX:
        return Stage(final)
    stable, fade = _lengths(settings)
    sizes, within = divmod(images, stable + fade)
    resolution = SMALLEST_PX * 2 ** min(sizes, 20)
    if resolution >= final:
        return Stage(final)
    if within < stable:
        return Stage(resolution)
    return Stage(2 * resolution, (within - stable) / fade)


def stages(settings: Settings) -> list[tuple[Stage, float]]:
    """The whole plan: each stage as it starts, and how many kimg it lasts within the run."""
    marks, images, total = [], 0, round(settings.kimg * 1000)
    stable, fade = _lengths(settings)
    while images < total:
        stage = stage_at(settings, images)
        final = stage.resolution == settings.architecture.resolution and stage.blend == 1
        left = total - images
        length = left if final else min(left, stable if stage.blend == 1 else fade)
        marks.append((stage, length / 1000))
        images += length
    return marks


def _lengths(settings: Settings) -> tuple[int, int]:
    """Of a stable phase and of a fade, in whole images: sums of decimal fractions would leave remainders."""
    return max(1, round(settings.stage_kimg * 1000)), max(1, round(settings.fade_kimg * 1000))


def grow_generator(generator: Generator, average: Generator, seed: int) -> tuple[Generator, Generator]:
    """A generator of twice the size and its running average; new layers are drawn from `seed`."""
    architecture = replace(generator.architecture, resolution=2 * generator.architecture.resolution)
    with torch.random.fork_rng():
        torch.manual_seed(seed + architecture.resolution)
        grown = Generator(architecture)
    grown.to(generator.w_mean.device)
    following = copy.deepcopy(grown).requires_grad_(False)
    for new, old in ((grown, generator), (following, average)):
        shared = {name: value for name, value in old.state_dict().items() if "to_grey" not in name and name != "w_mean"}
        new.load_state_dict(shared, strict=False)
        # In training all layers share one mean, so the new ones start from the last.
        more = len(new.w_mean) - len(old.w_mean)
        new.w_mean.copy_(torch.cat([old.w_mean, old.w_mean[-1:].expand(more, -1)]))
        new.synthesis.fading, new.synthesis.blend = old.synthesis.to_grey, 0.0
    return grown, following
