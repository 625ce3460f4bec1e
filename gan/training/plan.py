"""A training run in advance: its stages and sizes, and an estimate of time and memory on this machine."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator

from gan.adversaries.ada import AdaptiveAugmentation
from gan.training.growth import stages
from gan.training.run import Run, make_accelerator, start, step
from gan.training.settings import Settings
from gan.training.training_images import TrainingImages

_PROBE_BATCH = 8  # images per measured step: enough to be typical, few enough for a large network on a small machine
_STEPS = 3
_TYPICAL_P = 0.5


@dataclass(frozen=True)
class PlannedStage:
    """One stage: `fades_in` if the layers of this resolution are new; `hours` as estimated on this machine."""

    resolution: int
    fades_in: bool
    kimg: float
    images_per_s: float
    hours: float


@dataclass(frozen=True)
class Plan:
    """The stages of a run; parameters of both networks; memory for weights, gradients, Adam and one step."""

    discriminator: str
    stages: tuple[PlannedStage, ...]
    generator_parameters: int
    discriminator_parameters: int
    hours: float
    memory_gib: float
    device: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def make_plan(settings: Settings) -> Plan:
    """Run a few steps of each stage on noise images and extrapolate.

    Hours are for one process like this one. Memory is that of the last stage: weights with their
    gradients and Adam's two averages, the running average, and what a step of the whole batch stores
    for its gradients; the program itself is extra.
    """
    accelerator = make_accelerator()
    speeds: dict[int, float] = {}
    planned = []
    for stage, kimg in stages(settings):
        if stage.resolution not in speeds:
            speeds[stage.resolution] = _images_per_s(settings, accelerator, stage.resolution)
        speed = speeds[stage.resolution]
        planned.append(PlannedStage(stage.resolution, stage.blend < 1, kimg, speed, kimg * 1000 / speed / 3600))
    run = start(settings, accelerator, settings.architecture.resolution)
    counts = [sum(p.numel() for p in module.parameters()) for module in (run.generator, run.adversary.trained)]
    memory = 4 * (4 * sum(counts) + counts[0]) + _kept_bytes(run)
    return Plan(
        settings.discriminator,
        tuple(planned),
        counts[0],
        counts[1],
        sum(one.hours for one in planned),
        memory / 2**30,
        str(accelerator.device),
    )


def _probe(settings: Settings, resolution: int) -> tuple[Settings, TrainingImages]:
    batch = min(_PROBE_BATCH, settings.batch)
    probe = replace(
        settings, batch=batch, progressive=False, architecture=replace(settings.architecture, resolution=resolution)
    )
    noise = np.random.default_rng(0).integers(0, 65536, (batch, resolution, resolution)).astype(np.uint16)
    return probe, TrainingImages(noise, probe)


def _images_per_s(settings: Settings, accelerator: Accelerator, resolution: int) -> float:
    """Averaged over steps with and without the lazy penalty in their proportions, at half-strength augmentation."""
    probe, training_images = _probe(settings, resolution)
    run = start(probe, accelerator)
    every = run.adversary.period
    for part in run.adversary.state.modules():
        if isinstance(part, AdaptiveAugmentation):
            part.p.fill_(_TYPICAL_P)
    step(run, training_images)  # the first one warms up
    with_penalty = _seconds(run, training_images, number=every)
    without = (
        min(_seconds(run, training_images, number=every + 1) for _ in range(_STEPS)) if every > 1 else with_penalty
    )
    return every * probe.batch / (with_penalty + (every - 1) * without)


def _seconds(run: Run, training_images: TrainingImages, number: int) -> float:
    run.step = number
    began = time.perf_counter()
    step(run, training_images)
    if run.accelerator.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def _kept_bytes(run: Run) -> float:
    """Bytes that a step of the whole batch stores for its gradients, extrapolated from a step of a few images."""
    probe, training_images = _probe(run.settings, run.settings.architecture.resolution)
    small = start(probe, run.accelerator)
    seen: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        seen[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        step(small, training_images)
    return sum(seen.values()) * run.settings.batch / probe.batch / int(run.accelerator.num_processes)
