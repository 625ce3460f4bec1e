"""From the options of `lookalike train` to a run with visible progress."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from data.errors import LookalikeError
from data.files import read_json
from gan.checkpoint import load_model
from gan.training.discriminator_file import is_known, load_discriminator
from gan.training.plan import Plan, make_plan
from gan.training.settings import PRESETS, Settings
from gan.training.state import FILE
from gan.training.train import SETTINGS, Progress, train
from gan.training.training_images import check_patches
from gan.training.warm_start import check_start
from lookalike.console import progress, relative, say
from stimuli.patches import PatchSet

WARM_UP_KIMG = 5.0  # of a run that starts from a stored model with a new discriminator, unless told otherwise
_WARM_UP_KNOWN_KIMG = 1.0  # with the discriminator stored beside the model: only Adam's averages are new


def chosen(
    preset: str | None, size: int, architecture: dict[str, Any], settings: dict[str, Any], resumed: Path | None = None
) -> Settings:
    """The settings of a run: those of the `resumed` run or of a preset, replaced by options that are not None.

    Without a preset's name, the preset is the one for patches of `size` px, and the network makes images of that size.
    """
    if resumed is not None and preset is None:
        base = Settings.from_dict(read_json(resumed / SETTINGS))
    elif preset is None:
        base = PRESETS["tiny" if size <= 64 else "small" if size <= 128 else "paper"]
        architecture = {"resolution": size} | _given(architecture)
    elif preset in PRESETS:
        base = PRESETS[preset]
    else:
        raise LookalikeError("unknown-choice", f"--preset is {preset!r}; choose one of {', '.join(PRESETS)}")
    return replace(base, architecture=replace(base.architecture, **_given(architecture)), **_given(settings))


def waiting(settings: Settings, start_from: Path) -> Settings:
    """The settings with the wait that a run from this stored model needs by default."""
    before = load_model(start_from).generator.architecture
    same_size = before.resolution == settings.architecture.resolution or settings.discriminator != "stylegan"
    known = same_size and is_known(load_discriminator(start_from), settings.discriminator)
    return replace(settings, warm_up_kimg=_WARM_UP_KNOWN_KIMG if known else WARM_UP_KIMG)


def plan_of(patches: PatchSet, settings: Settings, as_json: bool, start_from: Path | None = None) -> dict[str, Any]:
    """What a run would do; the same mistakes are refused as at its start."""
    check_patches(patches, settings)
    start: dict[str, Any] = {}
    if start_from is not None:
        check_start(load_model(start_from).generator.architecture, settings.architecture)
        known = is_known(load_discriminator(start_from), settings.discriminator)
        start["start"] = f"{relative(start_from)}, with {'its' if known else 'a new'} discriminator"
    settings.check_start(start_from is not None or bool(settings.started_from))
    plan = make_plan(settings)
    return start | (plan.to_dict() if as_json else _in_lines(plan))


def watch(
    patches: PatchSet, out: Path, settings: Settings, resume: bool, start_from: Path | None = None
) -> dict[str, Any]:
    """Train with a progress bar and a line per snapshot; return where the model, samples and log are."""
    model_before = None if start_from is None else load_model(start_from)
    learned = None if start_from is None else load_discriminator(start_from)
    with progress("images", round(settings.kimg * 1000)) as advance:
        shown = 0

        def report(now: Progress) -> None:
            nonlocal shown
            size = f"{now.resolution} px" + (f" {now.blend:.0%}" if now.blend < 1 else "")
            ada = "" if now.ada_p is None else f"  ADA p {now.ada_p:.2f}"
            note = f"{size}  {now.kimg_per_h:.0f} kimg/h{ada}  D {now.loss_d:.2f}  G {now.loss_g:.2f}"
            advance(now.images - shown, note, total=now.total)
            shown = now.images
            if now.sheet is not None:
                say(f"{now.images:>9} images  {note}  -> {relative(now.model or now.sheet)}")

        try:
            model = train(
                patches,
                out,
                settings,
                resume=resume,
                start_from=model_before,
                discriminator=learned,
                progress=report,
            )
        except KeyboardInterrupt:
            if (out / FILE).is_file():
                say(
                    f"interrupted; to resume: lookalike train {relative(patches.folder)} --out {relative(out)} --resume"
                )
            raise
    none = "none yet, because the networks have not reached full size"
    return {
        "model": relative(model) if model else none,
        "samples": relative(out / "samples"),
        "log": relative(out / "log.jsonl"),
    }


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _in_lines(plan: Plan) -> dict[str, Any]:
    stages = {}
    for number, stage in enumerate(plan.stages, start=1):
        fade = ", fading in" if stage.fades_in else ""
        pace = f"{stage.kimg:g} kimg at {stage.images_per_s:.0f} images/s, {_hours(stage.hours)}"
        stages[f"stage {number}"] = f"{stage.resolution} px{fade}: {pace}"
    return stages | {
        "time": f"about {_hours(plan.hours)} on this machine ({plan.device}), measured over a few steps",
        "memory": f"about {plan.memory_gib:.2g} GiB besides the program",
        "generator": f"{plan.generator_parameters:,} parameters",
        "discriminator": f"{plan.discriminator_parameters:,} parameters to train ({plan.discriminator})",
    }


def _hours(hours: float) -> str:
    return f"{hours * 60:.0f} min" if hours < 2 else f"{hours:.1f} h" if hours < 72 else f"{hours / 24:.1f} days"
