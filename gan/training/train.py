"""Training: steps, ticks, snapshots; see `gan.training.run` for what a step is.

Everything random in a step follows from the seed and the step's number alone, so a run that was
stopped goes on from its last snapshot exactly as if it had not been.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from filelock import FileLock, Timeout

from data.errors import LookalikeError
from data.files import refuse_occupied, write_json
from gan.checkpoint import save_model
from gan.networks.generator import from_seeds
from gan.training.log import Journal
from gan.training.run import Losses, Run, make_accelerator, start, step
from gan.training.settings import Settings
from gan.training.signals import stop_softly
from gan.training.state import FILE, broken, load_state, save_state, stored_step
from gan.training.training_images import Reals, check, open_reals
from stimuli.export import sheet_of
from stimuli.images import write_png
from stimuli.patches import PatchSet

TICK = 10  # steps between looks at the losses: each look waits for the device
LOCK = ".lock"
SETTINGS = "settings.json"
_SHEET = 64  # images on a sample sheet, 8 to a row


@dataclass(frozen=True)
class Progress:
    """Where a run stands: images seen of the total, mean losses since the last tick, speed since the
    start or resume, and what a snapshot wrote. `ada_p` and `real_sign` (mean sign of the discriminator's
    logits of real images) are None where there is no adaptive augmentation, `feature_distance` where no moments are
    matched (`gan.adversaries.moments`); `model` is None before the
    networks have their full size."""

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
    out: Path,
    settings: Settings,
    *,
    resume: bool = False,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Path | None:
    """Train on the `train` split of `patches`; returns the newest model's folder, None while there is none.

    `out` receives `settings.json`, `log.jsonl`, `tensorboard/`, `training.safetensors` (to resume from), the
    training patches as one memory-mapped file, and per snapshot a sample sheet and, once the networks have
    their full size, a model folder. Runs as one process or, under `accelerate launch`, as several that
    share each batch; `progress` is called in the first. Raises `LookalikeError` if the patches are too few
    or of another size, the batch cannot be shared, `out` is occupied (without `resume`), in use, or holds
    another run or one that has reached its length (with it), or a number is not finite (the last snapshot
    stays, and is named). A first Ctrl-C or SIGTERM, to any of the processes, lets the step end (with several,
    up to `TICK` more) and saves the state, then raises `KeyboardInterrupt`; a second does not wait.
    """
    out = Path(out)
    check(patches, settings)
    accelerator = make_accelerator()
    settings.check_processes(accelerator.num_processes)
    settings.check_precision(accelerator.mixed_precision)
    with _sole_user(out, resume, accelerator), stop_softly() as stopped:
        run, reals = _open(patches, out, settings, resume, accelerator)
        if not accelerator.is_main_process:
            _loop(run, reals, out, lambda *_: None, stopped)
            return None
        with Journal(out, run.step) as journal:

            def tick(now: Progress, last: bool) -> None:
                due = _snapshot_due(run)
                if due:
                    now = _snapshot(run, now, out, patches, journal)
                journal.write(now.to_dict())
                if due or last:
                    # After the log, which a resume cuts back to the state; the other way round a crash leaves a gap.
                    save_state(run, out, patches)
                progress(now)

            _loop(run, reals, out, tick, stopped)
        return newest_model(out)


def newest_model(out: Path) -> Path | None:
    """The model of a run that has seen most images, if there is one."""
    return max((out / "models").glob("*-images"), default=None)


def model_folder(out: Path, images: int) -> Path:
    """Where a run's model after so many images stands."""
    return Path(out) / "models" / f"{images:09d}-images"


def _open(
    patches: PatchSet, out: Path, settings: Settings, resume: bool, accelerator: Accelerator
) -> tuple[Run, Reals]:
    """A run at its start, or where it was stopped. A new folder is taken back if it cannot start."""
    first = accelerator.is_main_process
    try:
        run = load_state(out, settings, accelerator, patches) if resume else start(settings, accelerator)
        if run.step >= _steps(settings.kimg, settings):
            raise LookalikeError(
                f"{out}: has seen {run.step * settings.batch} images, as many as it was to; give a larger --kimg"
            )
        reals = open_reals(patches, settings, out, first, accelerator.wait_for_everyone)
        if first:
            write_json(out / SETTINGS, {**settings.to_dict(), "patches_sha256": patches.sha256})
            if not resume:
                save_state(run, out, patches)  # so that a run killed before its first snapshot goes on, too
    except BaseException:
        if first and not resume:
            shutil.rmtree(out, ignore_errors=True)
        raise
    return run, reals


def _loop(
    run: Run, reals: Reals, out: Path, tick: Callable[[Progress, bool], None], stopped: Callable[[], bool]
) -> None:
    """Step to the end, or until one of the processes is `stopped`; each tick is told whether it is the last."""
    batch, last = run.settings.batch, _steps(run.settings.kimg, run.settings)
    alone = run.accelerator.num_processes == 1
    began, first = time.perf_counter(), run.step
    losses: list[Losses] = []
    while run.step < last:
        losses.append(step(run, reals))
        # Several processes must come to the same point before they can ask one another.
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
    told = {name: float(value) for name, value in losses[-1].adversary.items()}
    return Progress(
        run.step,
        run.step * run.settings.batch,
        total,
        run.stage.resolution,
        run.stage.blend,
        loss_d,
        loss_g,
        told.get("ada_p"),
        told.get("real_sign"),
        told.get("feature_distance"),
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
        kept_one = f"the snapshot of step {kept} stays in {out / FILE}" if kept else "there was no snapshot yet"
        raise LookalikeError(f"{out}: {wrong} at step {run.step}; {kept_one}; train anew with a lower --learning-rate")


def _snapshot(run: Run, now: Progress, out: Path, patches: PatchSet, journal: Journal) -> Progress:
    """Write a sample sheet and, at full size, a model."""
    images = run.step * run.settings.batch
    samples = sheet_of([pixels for _, pixels in from_seeds(run.average, range(_SHEET), psi=0.7)], columns=8)
    sheet, model = out / "samples" / f"{images:09d}-images.png", None
    write_png(sheet, samples, bits=8)
    if run.stage.resolution == run.settings.architecture.resolution and run.stage.blend == 1:
        model = model_folder(out, images)
        if not model.exists():  # a run stopped between model and state makes the same model again
            save_model(model, run.average, describe_training(run.settings, patches, images))
    journal.show(run.step, samples)
    return replace(now, sheet=sheet, model=model)


def describe_training(settings: Settings, patches: PatchSet, images: int) -> dict[str, Any]:
    """What a model's config says of its training; `train_patients` are codes under the key of the fingerprint."""
    rows = patches.select("train")
    left_out = ("architecture", "kimg", "snapshot_kimg")
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
        "credit": patches.about["credit"],
        **{name: value for name, value in settings.to_dict().items() if name not in left_out},
    }


@contextmanager
def _sole_user(out: Path, resume: bool, accelerator: Accelerator) -> Iterator[None]:
    """Keep a second trainer out of the folder. The lock is the system's, so it goes with a killed process."""
    if not accelerator.is_main_process:
        yield
        return
    if resume and not out.is_dir():
        raise LookalikeError(f"{out}: no such run to resume; leave --resume out to start it")
    if not resume:
        refuse_occupied(out)
    for part in ("models", "samples"):
        (out / part).mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / LOCK, timeout=0):
            yield
    except Timeout:
        raise LookalikeError(f"{out}: another training is at work here; wait for it, or choose another --out") from None
