"""Training: steps, ticks, snapshots; see `gan.training.run` for what a step is.

Everything random in a step follows from the seed and the step's number alone, so a run that was
stopped resumes from its last snapshot exactly as if it had not been stopped.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from data.errors import LookalikeError
from data.files import read_json, write_json
from gan.checkpoint import WHERE_KNOWN, Model, remembered, save_model
from gan.networks.generator import Architecture, from_seeds
from gan.training.discriminator_file import FILE as DISCRIMINATOR
from gan.training.discriminator_file import copy_discriminator, stored_discriminator
from gan.training.fit_filter import fit_filter
from gan.training.log import TrainingLog
from gan.training.run import Losses, Run, every_image, make_accelerator, start, step
from gan.training.settings import Settings
from gan.training.signals import stop_softly
from gan.training.sole_user import sole_user
from gan.training.state import FILE, broken, load_state, save_state, stored_step
from gan.training.training_images import (
    TrainingImages,
    check_patches,
    open_training_images,
    source_files,
)
from gan.training.warm_start import copy_weights
from stimuli.export import contact_sheet
from stimuli.images import write_png
from stimuli.patches import PatchSet

TICK = 10  # steps between readings of the losses: each reading waits for the device
SETTINGS = "settings.json"
EARLIER = "earlier.json"  # what the model that a run started from was trained on
_SHEET = 64  # images on a sample sheet, 8 to a row


@dataclass(frozen=True)
class Progress:
    """How far a run has come: images seen of the total, mean losses since the last tick, speed since the start or
    resume, and what a snapshot wrote. `ada_p` and `real_sign` (mean sign of the discriminator's logits of real images)
    are None without adaptive augmentation, `feature_distance` without moment matching (`gan.adversaries.moments`),
    `pixel_distance` without matching of fine detail, `steepness` (`gan.training.smooth_paths`) without a penalty on
    steep paths; `model` is None until the networks have their full size."""

    step: int
    images: int
    total: int
    resolution: int
    blend: float
    loss_d: float
    loss_g: float
    ada_p: float | None
    real_sign: float | None
    feature_distance: float | None
    pixel_distance: float | None
    steepness: float | None
    images_per_s: float
    sheet: Path | None = None
    model: Path | None = None

    @property
    def kimg_per_h(self) -> float:
        return self.images_per_s * 3.6

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"kimg_per_h": self.kimg_per_h}


def train(
    patches: PatchSet,
    out: Path | str,
    settings: Settings,
    *,
    resume: bool = False,
    start_from: Model | None = None,
    discriminator: dict[str, Tensor] | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Path | None:
    """Train a generator on the `train` split of a patch set.

    The folder receives `settings.json`, `log.jsonl`, `tensorboard/`, `training.safetensors` (to resume from), the
    training patches as one memory-mapped file, and with each snapshot a sample sheet and, once the networks have their
    full size, a model. Runs as one process or, under `accelerate launch`, as several that share each batch.

    A first Ctrl-C or SIGTERM, to any of the processes, lets the step end (with several processes, up to ten more),
    saves the state and raises `KeyboardInterrupt`; a second one stops at once.

    Parameters
    ----------
    patches : PatchSet
        Patches of the networks' image size.
    out : path
        A folder that does not exist yet, or is empty; with `resume`, that of the run.
    settings : Settings
        A resumed run may change its length, snapshots, precision, learning rate, style mixing, moments, warm-up, the
        settings of the pixel discriminator, the weight of steep paths, and where it cools down.
    resume : bool
        Whether to resume the run in `out` from its last snapshot; the result is the same as without the stop.
    start_from : Model, optional
        A model whose generator the run starts from, of the networks' sizes or smaller; `settings.warm_up_kimg` lets a
        new discriminator learn first. Not used by a resumed run.
    discriminator : dict of str to Tensor, optional
        What `gan.training.discriminator_file.load_discriminator` found beside that model; the run goes on from it as
        far as it has the same kind of discriminator.
    progress : function of Progress
        Called every ten steps and at snapshots, in the first process.

    Returns
    -------
    path or None
        The folder of the newest model; None if there is none yet.

    Raises
    ------
    LookalikeError
        If the patches are too few or of another size, the batch cannot be divided between the processes, the model to
        start from is larger than the networks or missing where something of it is to be kept, `out` is occupied or in
        use, the run to resume is another one or is finished, or a number is not finite (the last snapshot stays, and is
        named).

    References
    ----------
    Karras, Laine & Aila (2019), arXiv:1812.04948; Karras et al. (2020), arXiv:2006.06676 (adaptive augmentation); Sauer
    et al. (2021), arXiv:2111.01007 (frozen features).

    Examples
    --------
    Two steps on phantoms of 16 px:

    >>> import gan, stimuli
    >>> stimuli.write_phantoms("film", 40, lesion_px=16)
    >>> patches = stimuli.cut_patches(stimuli.read_source("film"), "patches", b"a secret of 16 bytes", stimuli.Cut(16))
    >>> settings = gan.Settings(gan.Architecture(16, channel_max=16), kimg=0.016, batch=8)
    >>> gan.load_model(gan.train(patches, "run", settings)).training["images_seen"]
    16
    """
    out = Path(out)
    check_patches(patches, settings)
    known = source_files(patches) if settings.file_traces else None
    count = 0 if known is None else len(known[0])
    settings = replace(settings, architecture=replace(settings.architecture, source_files=count))
    if start_from is not None:
        settings = replace(settings, started_from=start_from.sha256)
    settings.check_start(bool(settings.started_from))
    accelerator = make_accelerator()
    settings.check_processes(accelerator.num_processes)
    settings.check_precision(accelerator.mixed_precision)
    with sole_user(out, resume, ("models", "samples"), accelerator.is_main_process), stop_softly() as stopped:
        learned = discriminator or {}
        run, training_images = _open(patches, out, settings, resume, accelerator, start_from, learned, known)
        if not accelerator.is_main_process:
            _loop(run, training_images, out, lambda *_: None, stopped)
            return None
        with TrainingLog(out, run.step) as log:

            def tick(now: Progress, last: bool) -> None:
                due = _snapshot_due(run)
                if due:
                    now = _snapshot(run, now, out, patches, log)
                log.add(now.to_dict())
                if due or last:
                    # After the log, which a resume cuts back to the state; the other way round a crash leaves a gap.
                    save_state(run, out, patches)
                progress(now)

            _loop(run, training_images, out, tick, stopped)
        return newest_model(out)


def newest_model(out: Path) -> Path | None:
    """A run's model that has seen the most images, or None if there is none yet."""
    return max((out / "models").glob("*-images"), default=None)


def model_folder(out: Path, images: int) -> Path:
    """The folder of a run's model after so many images."""
    return Path(out) / "models" / f"{images:09d}-images"


def _open(
    patches: PatchSet,
    out: Path,
    settings: Settings,
    resume: bool,
    accelerator: Accelerator,
    start_from: Model | None,
    discriminator: dict[str, Tensor],
    known: tuple[Tensor, Tensor, Tensor] | None,
) -> tuple[Run, TrainingImages]:
    """A run at its start, or where it was stopped. A new folder is removed again if the run cannot start."""
    first = accelerator.is_main_process
    try:
        run = load_state(out, settings, accelerator, patches) if resume else start(settings, accelerator)
        for network in (run.generator, run.average):
            if network.traces is not None and known is not None:
                network.traces.know(*known)
        if start_from is not None and not resume:
            for network in (run.generator, run.average):
                copy_weights(start_from.generator, network)
            copy_discriminator(discriminator, run.adversary, settings.discriminator)
        if run.step >= _steps(settings.kimg, settings):
            raise LookalikeError(
                "run-finished",
                f"{out}: the run is finished: it has seen {run.step * settings.batch} images; give a larger --kimg",
            )
        training_images = open_training_images(patches, settings, out, first, accelerator.wait_for_everyone)
        if start_from is not None and not resume and _filter_is_new(start_from.generator.architecture, run):
            for network in (run.generator, run.average):
                fit_filter(network, every_image(training_images, run.stage, accelerator.device))
        if run.reference is not None and not resume:
            run.reference.load_state_dict(run.average.state_dict())
        if first:
            if start_from is not None and not resume:
                write_json(out / EARLIER, {"earlier": remembered(start_from)})
            _read_earlier(out, settings)  # refused now, not at the first snapshot
            write_json(out / SETTINGS, {**settings.to_dict(), "patches_sha256": patches.sha256})
            if not resume:
                save_state(run, out, patches)  # so that a run killed before its first snapshot can be resumed, too
    except BaseException:
        if first and not resume:
            shutil.rmtree(out, ignore_errors=True)
        raise
    return run, training_images


def _filter_is_new(before: Architecture, run: Run) -> bool:
    """Whether a run adds a last filter to the generator of a stored model that makes images of the same size."""
    now = run.generator.architecture
    return bool(now.filter_px) and not before.filter_px and now.resolution == before.resolution


def _loop(
    run: Run,
    training_images: TrainingImages,
    out: Path,
    tick: Callable[[Progress, bool], None],
    stopped: Callable[[], bool],
) -> None:
    """Step to the end, or until one of the processes is `stopped`; each tick is told whether it is the last."""
    batch, last = run.settings.batch, _steps(run.settings.kimg, run.settings)
    alone = run.accelerator.num_processes == 1
    began, first = time.perf_counter(), run.step
    losses: list[Losses] = []
    while run.step < last:
        losses.append(step(run, training_images))
        # Several processes must reach the same point before they can exchange anything.
        if run.step % TICK and not _snapshot_due(run) and not (alone and stopped()):
            continue
        asked = run.any(stopped())
        speed = (run.step - first) * batch / (time.perf_counter() - began)
        now = _progress(run, losses, last * batch, speed)
        losses.clear()
        _refuse_broken(run, now, out, asked)
        tick(now, asked)
        if asked:
            raise KeyboardInterrupt


def _progress(run: Run, losses: list[Losses], total: int, speed: float) -> Progress:
    loss_d, loss_g = (
        float(run.mean(torch.stack(values).mean())) for values in ([x.d for x in losses], [x.g for x in losses])
    )
    logged = {name: float(value) for name, value in losses[-1].adversary.items()}
    return Progress(
        run.step,
        run.step * run.settings.batch,
        total,
        run.stage.resolution,
        run.stage.blend,
        loss_d,
        loss_g,
        logged.get("ada_p"),
        logged.get("real_sign"),
        logged.get("feature_distance"),
        logged.get("pixel_distance"),
        logged.get("steepness") or None,  # 0 before the first penalty
        speed,
    )


def _steps(kimg: float, settings: Settings) -> int:
    return max(1, round(kimg * 1000 / settings.batch))


def _snapshot_due(run: Run) -> bool:
    settings = run.settings
    return run.step % _steps(settings.snapshot_kimg, settings) == 0 or run.step == _steps(settings.kimg, settings)


def _refuse_broken(run: Run, now: Progress, out: Path, stopping: bool) -> None:
    """Stop at a number that is not finite, before anything is saved over the last good snapshot."""
    wrong = ""
    if not math.isfinite(now.loss_d + now.loss_g):
        wrong = f"a loss is {now.loss_d + now.loss_g}"
    elif stopping or _snapshot_due(run):
        wrong = broken(run)
    if wrong:
        kept = stored_step(out)
        snapshot = f"the snapshot of step {kept} stays in {out / FILE}" if kept else "there was no snapshot yet"
        raise LookalikeError(
            "diverged", f"{out}: {wrong} at step {run.step}; {snapshot}; retrain with a lower --learning-rate"
        )


def _snapshot(run: Run, now: Progress, out: Path, patches: PatchSet, log: TrainingLog) -> Progress:
    """Write a sample sheet and, at full size, a model."""
    images = run.step * run.settings.batch
    samples = contact_sheet([pixels for _, pixels in from_seeds(run.average, range(_SHEET), psi=0.7)], columns=8)
    sheet, model = out / "samples" / f"{images:09d}-images.png", None
    write_png(sheet, samples, bits=8)
    if run.stage.resolution == run.settings.architecture.resolution and run.stage.blend == 1:
        model = model_folder(out, images)
        if not model.exists():  # a run stopped between model and state would make the same model again
            learned = {DISCRIMINATOR: stored_discriminator(run.adversary, run.settings.discriminator)}
            about = describe_training(run.settings, patches, images, _read_earlier(out, run.settings))
            save_model(model, run.average, about, beside=learned)
    log.add_sheet(run.step, samples)
    return replace(now, sheet=sheet, model=model)


def describe_training(
    settings: Settings, patches: PatchSet, images: int, earlier: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    """The training entry of a model's config; `train_patients` are codes made with the key of `key_fingerprint`.

    `earlier` are those of the models that it started from: their patients, too, must not be shown as unknown to it.
    """
    rows = patches.select("train")
    left_out = ("architecture", "kimg", "snapshot_kimg")
    credits = dict.fromkeys(one for one in (patches.about["credit"], *(one.get("credit") for one in earlier)) if one)
    return {
        "images_seen": images,
        "patches": len(rows),
        "patients": int(rows["patient"].nunique()),
        "train_patients": sorted(rows["patient"].unique()),
        "source_formats": patches.about.get("source_formats", []),
        "source_bit_depths": sorted({int(depth) for depth in rows["source_bit_depth"]}),
        "patches_sha256": patches.sha256,
        "key_fingerprint": patches.about["key_fingerprint"],
        "context": patches.about["context"],
        **{name: patches.about[name] for name in WHERE_KNOWN if name in patches.about},
        "credit": "; ".join(credits),
        **{name: value for name, value in settings.to_dict().items() if name not in left_out},
        **({"earlier": list(earlier)} if earlier else {}),
    }


def _read_earlier(out: Path, settings: Settings) -> list[dict[str, Any]]:
    """The trainings of the model that a run started from, as they were when it started."""
    if not settings.started_from:
        return []
    if not (out / EARLIER).is_file():
        raise LookalikeError(
            "missing-file", f"{out / EARLIER}: missing, so the patients that the first model knew are; start anew"
        )
    found: list[dict[str, Any]] = read_json(out / EARLIER)["earlier"]
    return found
