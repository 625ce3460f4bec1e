"""Training an encoder: ticks, snapshots and held-out errors; see `gan.inversion.encoder_run` for what a step is."""

from __future__ import annotations

import math
import shutil
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from data.errors import LookalikeError
from data.files import write_json
from gan.checkpoint import Model
from gan.inversion.encoder_file import FILE, save_encoder
from gan.inversion.encoder_run import TERMS, EncoderRun, load_run, save_run, start, step, tensors
from gan.inversion.encoder_settings import EncoderSettings
from gan.inversion.measures import fine_detail, psnr, squared_error
from gan.inversion.objective import calibrated_weight, squared_difference
from gan.networks.features import Vgg16
from gan.networks.generator import to_p_values
from gan.training.log import TrainingLog
from gan.training.signals import stop_softly
from gan.training.sole_user import sole_user
from gan.training.training_images import TrainingImages, check_patches, open_training_images
from stimuli.export import contact_sheet
from stimuli.images import Pixels, write_png
from stimuli.patches import PatchSet

STATE = "encoder-training.safetensors"
SETTINGS = "settings.json"
TICK = 10  # steps between readings of the losses
_SHEET = 12  # held-out images on a sheet, above their reconstructions
_BATCH = 32
_CURVES = (*TERMS, "discriminator", "select_psnr_db", "select_vgg", "select_detail", "images_per_s")


@dataclass(frozen=True)
class EncoderProgress:
    """How far a run has come: images seen of the total, mean weighted terms of the loss since the last tick (those
    that were computed), speed since the start or resume. With a snapshot come the errors on the `select` split: mean
    PSNR in dB, VGG distance, and fine detail as a share of the real images'."""

    step: int
    images: int
    total: int
    terms: dict[str, float]
    images_per_s: float
    held_out: dict[str, float]
    sheet: Path | None = None

    @property
    def shares(self) -> dict[str, float]:
        """Each term's share of the encoder's loss; of sizes, as the adversarial term may be negative."""
        sizes = {name: abs(self.terms[name]) for name in TERMS if name in self.terms}
        whole = sum(sizes.values())
        return {name: size / whole for name, size in sizes.items()} if whole else {}

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"shares": self.shares}


def train_encoder(
    model: Model,
    features: Vgg16,
    patches: PatchSet,
    out: Path | str,
    settings: EncoderSettings,
    *,
    resume: bool = False,
    progress: Callable[[EncoderProgress], None] = lambda _: None,
) -> Path:
    """Train an encoder for a model's generator, on the `train` split of a patch set.

    The folder receives `encoder.safetensors`, `settings.json`, `log.jsonl`, `tensorboard/`, a sheet of reconstructions
    of `select` patches with each snapshot, and the state to resume from. A first Ctrl-C or SIGTERM lets the step end,
    saves the state and raises `KeyboardInterrupt`.

    Parameters
    ----------
    model : Model
        Its generator stays as it is.
    features : Vgg16
        The network of the perceptual term.
    patches : PatchSet
        Patches of the generator's size.
    out : path
        A folder that does not exist yet, or is empty; with `resume`, that of the run.
    settings : EncoderSettings
        Its architecture and hash are set to the model's, and a perceptual weight of 0 to the calibrated one.
    resume : bool
        Whether to resume the run in `out`; the result is the same as without the stop.
    progress : function of EncoderProgress
        Called every ten steps and at snapshots.

    Returns
    -------
    path
        The encoder's file.

    Raises
    ------
    LookalikeError
        If the patches are too few or of another size, `out` is occupied or in use, the run to resume is another one or
        is finished, or a number is not finite.

    References
    ----------
    Ren, Yu & Whitney, equations 2 and 3; Zhu et al. (2020), arXiv:2004.00049.

    Examples
    --------
    Two steps on phantoms of 16 px, with random features in place of VGG16's:

    >>> import gan, stimuli
    >>> stimuli.write_phantoms("film", 40, lesion_px=16)
    >>> patches = stimuli.cut_patches(stimuli.read_source("film"), "patches", b"a secret of 16 bytes", stimuli.Cut(16))
    >>> model = gan.Model(gan.Generator(gan.Architecture(16, channel_max=16)).requires_grad_(False), "hash", {})
    >>> settings = gan.EncoderSettings(kimg=0.016, pair_kimg=0.008, batch=8)
    >>> gan.train_encoder(model, gan.Vgg16(), patches, "run", settings).name
    'encoder.safetensors'
    """
    out = Path(out)
    settings = settled(settings, model, features)
    check_patches(patches, settings)
    with sole_user(out, resume, ("samples",)), stop_softly() as stopped:
        run, training_images = _open(model, features, patches, out, settings, resume)
        held_out = HeldOut(patches, "select")
        with TrainingLog(out, run.step, _CURVES) as log:

            def tick(now: EncoderProgress, last: bool) -> None:
                due = _snapshot_due(run)
                if due:
                    now = _snapshot(run, now, out, patches, held_out, log)
                log.add(now.to_dict() | now.terms | {f"select_{name}": value for name, value in now.held_out.items()})
                if due or last:
                    save_run(run, out / STATE, patches.sha256)
                progress(now)

            _loop(run, training_images, out, tick, stopped)
    return out / FILE


def settled(settings: EncoderSettings, model: Model, features: Vgg16) -> EncoderSettings:
    """Settings for a model: of its sizes and hash, with the calibrated weight where none is given."""
    weight = settings.perceptual_weight or round(calibrated_weight(model.generator, features), 5)
    return replace(
        settings,
        architecture=model.generator.architecture,
        generator_sha256=model.sha256,
        perceptual_weight=weight,
    )


class HeldOut:
    """Patches of one split, and the errors of their reconstructions."""

    def __init__(self, patches: PatchSet, split: str) -> None:
        self.images: Pixels = patches.read_all(patches.select(split))

    @torch.inference_mode()
    def measure(self, run: EncoderRun) -> tuple[Pixels, dict[str, float]]:
        """Reconstructions G(E(x)), and the mean errors; both empty without patches."""
        if not len(self.images):
            return self.images, {}
        run.encoder.eval()
        device = run.generator.w_mean.device
        made, distances = [], []
        for part in torch.from_numpy(self.images).unsqueeze(1).to(device).split(_BATCH):
            real = part * 2 - 1
            fake = run.reconstruct(run.encoder(real))
            made.append(to_p_values(fake))
            distances.append(squared_difference(run.features(fake), run.features(real)))
        images = np.concatenate(made)
        errors = squared_error(images, self.images)
        return images, {
            "psnr_db": float(psnr(errors).mean()),
            "mse": float(errors.mean()),
            "vgg": float(torch.cat(distances).mean()),
            "detail": float(fine_detail(images).mean() / fine_detail(self.images).mean()),
        }


def _open(
    model: Model, features: Vgg16, patches: PatchSet, out: Path, settings: EncoderSettings, resume: bool
) -> tuple[EncoderRun, TrainingImages]:
    """A run at its start, or where it was stopped. A new folder is removed again if the run cannot start."""
    try:
        if resume:
            run = load_run(out / STATE, settings, model.generator, features, patches.sha256)
            if run.step >= settings.steps:
                raise LookalikeError(
                    "run-finished", f"{out}: the run is finished; its encoder is {out / FILE}, or train another"
                )
        else:
            run = start(settings, model.generator, features)
        training_images = open_training_images(patches, settings, out)
        write_json(out / SETTINGS, {**settings.to_dict(), "patches_sha256": patches.sha256})
        if not resume:
            save_run(run, out / STATE, patches.sha256)  # a run killed before its first snapshot can be resumed, too
    except BaseException:
        if not resume:
            shutil.rmtree(out, ignore_errors=True)
        raise
    return run, training_images


def _loop(
    run: EncoderRun,
    training_images: TrainingImages,
    out: Path,
    tick: Callable[[EncoderProgress, bool], None],
    stopped: Callable[[], bool],
) -> None:
    settings, began, first = run.settings, time.perf_counter(), run.step
    seen: dict[str, list[Tensor]] = defaultdict(list)
    while run.step < settings.steps:
        for name, value in step(run, training_images).items():
            seen[name].append(value)
        asked = stopped()
        if run.step % TICK and not _snapshot_due(run) and not asked:
            continue
        terms = {name: float(torch.stack(values).mean()) for name, values in seen.items()}
        if "perceptual" in terms:  # computed in some steps only, where it counts for the others
            terms["perceptual"] /= settings.perceptual_every
        seen.clear()
        speed = (run.step - first) * settings.batch / (time.perf_counter() - began)
        now = EncoderProgress(
            run.step, run.step * settings.batch, settings.steps * settings.batch, terms, speed, held_out={}
        )
        _refuse_broken(run, now, out, asked)
        tick(now, asked)
        if asked:
            raise KeyboardInterrupt


def _snapshot_due(run: EncoderRun) -> bool:
    settings = run.settings
    return run.step % settings.steps_in(settings.snapshot_kimg) == 0 or run.step == settings.steps


def _refuse_broken(run: EncoderRun, now: EncoderProgress, out: Path, stopping: bool) -> None:
    """Stop at a number that is not finite, before anything is saved over the last good snapshot."""
    wrong = next((f"the {name} term is {value}" for name, value in now.terms.items() if not math.isfinite(value)), "")
    if not wrong and (stopping or _snapshot_due(run)):
        broken = (name for name, value in tensors(run).items() if not value.isfinite().all())
        wrong = next((f"{name} is not finite" for name in broken), "")
    if wrong:
        raise LookalikeError(
            "diverged",
            f"{out}: {wrong} at step {run.step}; the last snapshot stays; retrain with a lower --learning-rate",
        )


def _snapshot(
    run: EncoderRun, now: EncoderProgress, out: Path, patches: PatchSet, held_out: HeldOut, log: TrainingLog
) -> EncoderProgress:
    """Write the encoder and, if there are `select` patches, a sheet of them above their reconstructions."""
    made, errors = held_out.measure(run)
    training = describe(run, patches, errors)
    save_encoder(out / FILE, run.encoder, run.settings.generator_sha256, training)
    if not len(made):
        return now
    sheet = out / "samples" / f"{now.images:09d}-images.png"
    picture = contact_sheet([*held_out.images[:_SHEET], *made[:_SHEET]], columns=min(_SHEET, len(made)))
    write_png(sheet, picture, bits=8)
    log.add_sheet(run.step, picture)
    return replace(now, held_out=errors, sheet=sheet)


def describe(run: EncoderRun, patches: PatchSet, errors: dict[str, float]) -> dict[str, Any]:
    """The training entry of an encoder's file; `train_patients` are codes made with the key of `key_fingerprint`."""
    rows = patches.select("train")
    settings = run.settings.to_dict()
    return {
        "images_seen": run.step * run.settings.batch,
        "finished": run.step >= run.settings.steps,
        "patches": len(rows),
        "train_patients": sorted(rows["patient"].unique()),
        "patches_sha256": patches.sha256,
        "key_fingerprint": patches.about["key_fingerprint"],
        "context": patches.about["context"],
        "credit": patches.about["credit"],
        "select_patches": len(patches.select("select")),
        "select": errors,
        "settings": {name: settings[name] for name in settings if name not in ("architecture", "generator_sha256")},
    }
