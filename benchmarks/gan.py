"""How fast the networks generate images and train, and how much memory they need.

    python -m benchmarks.gan                       the presets' networks at 64, 128 and 256 px
    python -m benchmarks.gan --sizes 64 --runs 5   one size, the median of five
    python -m benchmarks.gan --json > figures.json

Each figure is compared with that of the same networks, with the same weights, built from the plain steps that the
papers describe: doubling, then convolution, then blur; convolution, then averaging; instance norm, then style; the
discriminator once for real and once for generated images. Each measurement runs in a process of its own, so that peak
memory is its own; fused and plain alternate, and the ratio is that of medians. A training figure averages steps with
and without the lazy R1 penalty in their proportions; adaptive augmentation is on, at p = 0.5.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan.adversaries.image_adversary import ImageAdversary
from gan.adversaries.losses import discriminator_loss, gradient_penalty
from gan.networks.generator import Generator
from gan.networks.layers import SLOPE, DownConv, StyledLayer, UpConv, blur
from gan.training.run import Run, make_accelerator, start, step
from gan.training.settings import PRESETS, Settings
from gan.training.training_images import TrainingImages
from lookalike.memory import reuse_freed_memory

PRESET_OF = {64: "tiny", 128: "small", 256: "paper"}
BATCH_OF = {64: 32, 128: 16, 256: 4}


class PlainUp(UpConv):
    def forward(self, x: Tensor) -> Tensor:
        return blur(F.conv2d(F.interpolate(x, scale_factor=2), self.weight * self.scale, padding=1))


class PlainDown(DownConv):
    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(F.conv2d(blur(x), self.weight * self.scale, self.bias, padding=1), 2)


class PlainStyled(StyledLayer):
    def forward(self, x: Tensor, w: Tensor, noise: Tensor) -> Tensor:
        x = F.leaky_relu(x + noise * self.noise_strength + self.bias, SLOPE)
        mean = x.mean(dim=(2, 3), keepdim=True)
        deviation = (x - mean).square().mean(dim=(2, 3), keepdim=True).add(1e-8).sqrt()
        scale, shift = self.style(w).chunk(2, dim=1)
        return (x - mean) / deviation * (scale + 1)[..., None, None] + shift[..., None, None]


class PlainAdversary(ImageAdversary):
    def discriminator_loss(self, real: list[Tensor], fake: list[Tensor], step: int) -> tuple[Tensor, Tensor]:
        penalised = step % self.period == 0
        images = real[0].detach().requires_grad_(penalised)
        logits = self.trained(images)
        loss = discriminator_loss(logits, self.trained(fake[0]))
        penalty = gradient_penalty(images, logits) if penalised else torch.zeros(())
        self.real_sign = logits.detach().sign().mean()
        return loss + penalty * (self.r1_gamma / 2 * self.period), loss.detach()


PLAIN = {UpConv: PlainUp, DownConv: PlainDown, StyledLayer: PlainStyled, ImageAdversary: PlainAdversary}


def make_plain(network: nn.Module) -> None:
    """Replace the fused layers by plain ones with the same weights."""
    for module in network.modules():
        module.__class__ = PLAIN.get(type(module), type(module))


def settings_for(size: int, stage: int) -> Settings:
    preset = PRESETS[PRESET_OF[size]]
    architecture = replace(preset.architecture, resolution=stage)
    return replace(preset, architecture=architecture, batch=BATCH_OF[size], progressive=False, r1_every=16)


def generating(size: int, plain: bool) -> float:
    """Images per second of the whole generator, in batches of 50 as `lookalike generate` makes them."""
    generator = Generator(settings_for(size, size).architecture).requires_grad_(False)
    if plain:
        make_plain(generator)
    batch = 50 if size == 64 else 4

    @torch.inference_mode()
    def once() -> None:
        generator(torch.randn(batch, generator.architecture.z_dim), generator.random_noise(batch))

    once()
    times = [timed(once) for _ in range(20 if size == 64 else 3)]
    return batch / statistics.median(times)


def training(size: int, stage: int, plain: bool) -> float:
    """Images per second of whole training steps at one stage."""
    settings = settings_for(size, stage)
    run = start(settings, make_accelerator())
    if plain:
        for network in (run.generator, run.adversary.trained):
            make_plain(network)
        run.adversary.__class__ = PlainAdversary
    run.adversary.augmentation.p.fill_(0.5)
    levels = np.random.default_rng(0).integers(0, 65536, (64, stage, stage)).astype(np.uint16)
    training_images = TrainingImages(levels, settings)
    some = 10 if size == 64 else 2
    with_penalty = statistics.median(timed(lambda: step_at(run, training_images, 16)) for _ in range(1 + some // 3))
    without = statistics.median(timed(lambda: step_at(run, training_images, 1)) for _ in range(some))
    return 16 * settings.batch / (with_penalty + 15 * without)


def step_at(run: Run, training_images: TrainingImages, number: int) -> None:
    run.step = number
    step(run, training_images)


def timed(call: object) -> float:
    began = time.perf_counter()
    call()  # type: ignore[operator]
    return time.perf_counter() - began


def measure(what: str, size: int, stage: int, plain: bool) -> dict[str, float]:
    """In a process of its own: images per second, and its peak memory beyond that before the first step."""
    code = f"import runpy; runpy.run_path({__file__!r})['measured']({what!r}, {size}, {stage}, {plain})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def measured(what: str, size: int, stage: int, plain: bool) -> None:
    reuse_freed_memory()  # as every command of `lookalike` does
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    speed = generating(size, plain) if what == "generate" else training(size, stage, plain)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"images_per_s": speed, "mib": (after - before) / 1024}))


def compare(what: str, size: int, stage: int, runs: int) -> dict[str, object]:
    pairs = [(measure(what, size, stage, False), measure(what, size, stage, True)) for _ in range(runs)]
    row: dict[str, object] = {"what": what, "preset": PRESET_OF[size], "px": stage, "batch": BATCH_OF[size]}
    for name, index in (("fused", 0), ("plain", 1)):
        row[f"{name}_images_per_s"] = round(statistics.median(pair[index]["images_per_s"] for pair in pairs), 2)
        row[f"{name}_mib"] = round(statistics.median(pair[index]["mib"] for pair in pairs))
    row["ratio"] = round(float(row["fused_images_per_s"]) / float(row["plain_images_per_s"]), 2)  # type: ignore[arg-type]
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="64,128,256", help="which of 64, 128, 256")
    parser.add_argument("--runs", type=int, default=3, help="measurements of each; the median is reported")
    parser.add_argument("--stages", action="store_true", help="also the smaller stages of progressive growing")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    rows = []
    for size in map(int, chosen.sizes.split(",")):
        stages = [2**power for power in range(3, 9) if 2**power <= size] if chosen.stages else [size]
        for what, at in [("generate", [size]), ("train", stages)]:
            for stage in at:
                rows.append(compare(what, size, stage, chosen.runs))
                if not chosen.json:
                    print("  ".join(f"{name} {value}" for name, value in rows[-1].items()), flush=True)
    machine = {"processor": platform.machine(), "threads": torch.get_num_threads(), "torch": torch.__version__}
    print(json.dumps({"machine": machine, "rows": rows}, indent=2) if chosen.json else machine)


if __name__ == "__main__":
    main()
