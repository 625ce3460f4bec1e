"""From the options of `lookalike train-encoder` and `lookalike invert` to runs with visible progress."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data.errors import LookalikeError, check_choice
from data.files import read_json, refuse_occupied
from data.results.result import Estimate
from gan.bootstrap import group_numbers, mean_over_groups, with_interval
from gan.checkpoint import Model, load_model
from gan.inversion.encoder import EncoderSize
from gan.inversion.encoder_file import load_encoder
from gan.inversion.encoder_run import EncoderRun, start, step
from gan.inversion.encoder_settings import EncoderSettings
from gan.inversion.encoder_training import SETTINGS, EncoderProgress, settled, train_encoder
from gan.inversion.invert import invert
from gan.inversion.result import read_masks, save_inverted
from gan.inversion.settings import InversionSettings
from gan.networks.features import Vgg16, load_vgg16
from gan.training.training_images import LEVELS, TrainingImages, check_patches
from lookalike.console import progress, relative, say
from stimuli.patches import SPLITS, PatchSet, read_patches

MEASURES_SHOWN = ("psnr_db", "ssim", "nlpd", "vgg", "detail_kept", "code_distance")  # of an inversion's table
_PROBE_STEPS = 2  # of a dry run, for each kind of step


def chosen_encoder(options: dict[str, Any], size: dict[str, Any], resumed: Path | None = None) -> EncoderSettings:
    """The settings of an encoder's run: the usual ones, or those of the `resumed` run, replaced by what is not None."""
    base = EncoderSettings.from_dict(read_json(resumed / SETTINGS)) if resumed is not None else EncoderSettings()
    given = {name: value for name, value in options.items() if value is not None}
    sizes = {name: value for name, value in size.items() if value is not None}
    if "kimg" in given and "pair_kimg" not in given and resumed is None:
        given["pair_kimg"] = min(base.pair_kimg, given["kimg"] / 4)  # a short run is still mostly on real images
    return replace(base, size=EncoderSize(**asdict(base.size) | sizes), **given)


def plan_of_encoder(
    model: Model, features: Vgg16, patches: PatchSet, settings: EncoderSettings, as_json: bool
) -> dict[str, Any]:
    """What a run would do, from a few steps of each kind; the same mistakes are refused as at its start."""
    settings = settled(settings, model, features)
    check_patches(patches, settings)
    size = settings.architecture.resolution
    levels = np.random.default_rng(0).integers(0, LEVELS + 1, (settings.batch, size, size)).astype(np.uint16)
    run = start(settings, model.generator, features)
    noise = TrainingImages(levels, settings)
    seconds = {"pairs": _seconds(run, noise, 0), "images": _seconds(run, noise, settings.pair_steps)}
    pairs = min(settings.pair_steps, settings.steps)
    hours = (pairs * seconds["pairs"] + (settings.steps - pairs) * seconds["images"]) / 3600
    parameters = sum(value.numel() for value in run.encoder.parameters())
    if as_json:
        return {"hours": hours, "parameters": parameters, "steps": settings.steps, "settings": settings.to_dict()}
    return {
        "pairs": f"{pairs} steps of {settings.batch} generated images, {seconds['pairs']:.2g} s each",
        "images": f"{settings.steps - pairs} steps of {settings.batch} patches, {seconds['images']:.2g} s each",
        "time": f"about {hours * 60:.0f} min on this machine, measured over a few steps",
        "encoder": f"{parameters:,} parameters",
        "perceptual weight": f"{settings.perceptual_weight:g}",
        "adversary": settings.adversary,
    }


def _seconds(run: EncoderRun, images: TrainingImages, first: int) -> float:
    """Mean seconds of steps with and without the perceptual term, after one to warm up."""
    run.step = first
    step(run, images)
    every = run.settings.perceptual_every
    run.step = first + (-first) % every
    began = time.perf_counter()
    for _ in range(_PROBE_STEPS * every):
        step(run, images)
    return (time.perf_counter() - began) / (_PROBE_STEPS * every)


def watch_encoder(
    model: Model, features: Vgg16, patches: PatchSet, out: Path, settings: EncoderSettings, resume: bool
) -> dict[str, Any]:
    """Train with a progress bar and a line per snapshot; return where the encoder and the log are."""
    last: dict[str, float] = {}
    with progress("images", settings.steps * settings.batch) as advance:
        shown = 0

        def report(now: EncoderProgress) -> None:
            nonlocal shown
            shares = "  ".join(f"{name} {share:.0%}" for name, share in now.shares.items())
            advance(now.images - shown, f"{now.images_per_s:.0f} images/s  {shares}", total=now.total)
            shown = now.images
            if now.sheet is not None:
                last.update(now.held_out)
                errors = f"select: {now.held_out['psnr_db']:.2f} dB, VGG {now.held_out['vgg']:.2f}"
                say(f"{now.images:>9} images  {shares}  {errors}  -> {relative(now.sheet)}")

        try:
            encoder = train_encoder(model, features, patches, out, settings, resume=resume, progress=report)
        except KeyboardInterrupt:
            if (out / SETTINGS).is_file():
                again = f"lookalike train-encoder {relative(patches.folder)} --out {relative(out)} --resume"
                say(f"interrupted; to resume: {again}")
            raise
    held_out = f"{last['psnr_db']:.2f} dB" if last else "no select patches"
    return {"encoder": relative(encoder), "select": held_out, "samples": relative(out / "samples")}


@dataclass(frozen=True)
class Inputs:
    """What is inverted with what: see the options of `lookalike invert`."""

    patches: Path
    model: Path
    encoder: Path | None = None
    split: str = "study"
    count: int | None = None
    masks: Path | None = None
    vgg16: str | None = None


def invert_patches(inputs: Inputs, out: Path, settings: InversionSettings, tell: Callable[[str], None]) -> pd.DataFrame:
    """Invert patches into the new folder `out`; returns the table.

    Raises `LookalikeError` for what is wrong with the patches, the model, the encoder or the request.
    """
    refuse_occupied(out)  # before the long work
    check_choice(inputs.split, SPLITS, "--split")
    model = load_model(inputs.model)
    encoder = load_encoder(inputs.encoder or inputs.model, model)
    patches = read_patches(inputs.patches)
    rows = patches.select(inputs.split)
    rows = rows.head(inputs.count) if inputs.count else rows
    if rows.empty:
        raise LookalikeError(
            "no-images", f"{inputs.patches}: no patches in the {inputs.split} split; give another --split"
        )
    images = patches.read_all(rows)
    masks = None if inputs.masks is None else read_masks(inputs.masks, [str(name) for name in rows["patch_id"]])
    features = load_vgg16(inputs.vgg16, tell)
    with progress("images", len(images)) as advance:
        found = invert(model, encoder, features, images, settings, masks, advance)
    return save_inverted(out, found, rows, patches, model, encoder, settings)


def means_of(table: pd.DataFrame) -> dict[str, Estimate]:
    """The mean of each measure of inverted images, with its interval over patients."""
    groups = group_numbers(table["patient"].astype(str).tolist())
    return {name: mean_over_groups(table[name].to_numpy(dtype=float), groups) for name in MEASURES_SHOWN}


def interval_words(one: Estimate) -> str:
    """A mean as people read it."""
    bounds = "" if not np.isfinite(one.low) else f" [{one.low:#.3g}, {one.high:#.3g}], 95% CI over patients"
    return f"mean {one.value:#.3g}{bounds}"


def interval_numbers(one: Estimate) -> dict[str, float | None]:
    """A mean for JSON, which has neither NaN nor infinity."""
    return {name: value if np.isfinite(value) else None for name, value in with_interval(one).items()}
