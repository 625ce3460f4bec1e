"""Training: alternate steps of discriminator and generator, a running average of the generator, snapshots.

Everything random in a step follows from the seed and the step's number alone, so a run that was
stopped goes on from its last snapshot exactly as if it had not been.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from data.errors import LookalikeError
from data.files import refuse_occupied, write_bytes, write_json, write_text
from gan.checkpoint import save_model
from gan.discriminator import Adversary, StyleGanAdversary
from gan.generator import Architecture, Generator, from_seeds
from stimuli.export import write_sheet
from stimuli.patches import PatchSet

W_MEAN_BETA = 0.995  # Karras 2019
STATE = "training.safetensors"
DISCRIMINATORS = ("stylegan", "frozen")


@dataclass(frozen=True)
class Settings:
    """One training run.

    `discriminator` is `stylegan` (the paper's) or `frozen` (on pretrained features); `kimg` thousands
    of real images shown; `r1_gamma` and `r1_every` set `stylegan`'s lazy gradient penalty; `ema_kimg`
    is the half-life of the generator's running average.
    """

    architecture: Architecture = field(default_factory=Architecture)
    discriminator: str = "stylegan"
    kimg: float = 200.0
    batch: int = 32
    learning_rate: float = 2e-3
    r1_gamma: float = 1.0
    r1_every: int = 16
    style_mixing: float = 0.9
    ema_kimg: float = 10.0
    mirror: bool = True
    snapshot_kimg: float = 10.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.discriminator not in DISCRIMINATORS:
            raise LookalikeError(f"discriminator is {self.discriminator!r}; it is {' or '.join(DISCRIMINATORS)}")
        for name in ("kimg", "batch", "learning_rate", "r1_every", "ema_kimg", "snapshot_kimg"):
            if not getattr(self, name) > 0:  # refuses NaN too
                raise LookalikeError(f"{name} is {getattr(self, name)}; it must be above 0")
        if not self.r1_gamma >= 0:
            raise LookalikeError(f"gamma is {self.r1_gamma}; it must be at least 0")


@dataclass(frozen=True)
class Progress:
    """Where a run stands: images seen of the total, the last losses, images per second, and the model
    folder if one was just written."""

    images: int
    total: int
    loss_d: float
    loss_g: float
    images_per_s: float
    snapshot: Path | None = None


@dataclass
class _Run:
    """What changes during training."""

    generator: Generator
    adversary: Adversary
    average: Generator
    optimiser_g: torch.optim.Adam
    optimiser_d: torch.optim.Adam
    step: int = 0


def train(
    patches: PatchSet,
    out: Path,
    settings: Settings = Settings(),
    *,
    resume: bool = False,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Path:
    """Train on the `train` split of `patches`; returns the folder of the last model.

    `out` receives `settings.json`, `log.jsonl`, `training.safetensors` (to resume from), and per
    snapshot a sample sheet and a model folder. Raises `LookalikeError` if there are fewer patches
    than a batch, their size is not the architecture's, `out` is occupied (without `resume`) or holds
    another run (with it), or a loss is not finite (the last snapshot stays).
    """
    out = Path(out)
    reals = _real_images(patches, settings)
    run = _start(settings)
    if resume:
        _restore(run, out, settings, patches)
    else:
        refuse_occupied(out)
        (out / "models").mkdir(parents=True)
        (out / "samples").mkdir()
        write_json(out / "settings.json", {**asdict(settings), "patches_sha256": patches.sha256})
    per_snapshot = max(1, round(settings.snapshot_kimg * 1000 / settings.batch))
    last = max(1, round(settings.kimg * 1000 / settings.batch))
    began, first = time.perf_counter(), run.step
    with open(out / "log.jsonl", "a", encoding="utf-8") as log:
        while run.step < last:
            loss_d, loss_g = _step(run, reals, settings)
            if not np.isfinite(loss_d + loss_g):
                raise LookalikeError(
                    f"{out}: a loss is {loss_d + loss_g} at step {run.step}; the last snapshot is kept: "
                    "lower the learning rate, then train anew"
                )
            speed = (run.step - first) * settings.batch / (time.perf_counter() - began)
            now = Progress(run.step * settings.batch, last * settings.batch, loss_d, loss_g, speed)
            if run.step % 50 == 0 or run.step == last:
                log.write(json.dumps({"step": run.step, **asdict(now)}, default=str) + "\n")
                log.flush()
            if run.step % per_snapshot == 0 or run.step == last:
                now = replace(now, snapshot=_snapshot(run, out, settings, patches))
            progress(now)
    return _model_folder(out, run.step, settings)


def _real_images(patches: PatchSet, settings: Settings) -> Tensor:
    """The training patches as (N, 1, R, R) in [-1, 1]."""
    rows, size = patches.select("train"), settings.architecture.resolution
    if len(rows) < settings.batch:
        raise LookalikeError(
            f"{patches.folder}: {len(rows)} patches in the train split, fewer than a batch of {settings.batch}; "
            "cut more patches or lower --batch"
        )
    if patches.about["size_px"] != size:
        raise LookalikeError(
            f"{patches.folder}: patches are {patches.about['size_px']} px but the network makes {size} px; "
            f"cut them with --size {size}"
        )
    return torch.from_numpy(np.stack([patches.read(row) for row in rows.itertuples()])[:, None]) * 2 - 1


def _start(settings: Settings) -> _Run:
    torch.manual_seed(settings.seed)
    generator, adversary = Generator(settings.architecture), _adversary(settings)
    rate, lazy = settings.learning_rate, adversary.lazy
    return _Run(
        generator,
        adversary,
        copy.deepcopy(generator).requires_grad_(False),
        torch.optim.Adam(generator.parameters(), lr=rate, betas=(0.0, 0.99), eps=1e-8),
        torch.optim.Adam(
            adversary.trained.parameters(), lr=rate * adversary.rate * lazy, betas=(0.0, 0.99**lazy), eps=1e-8
        ),
    )


def _adversary(settings: Settings) -> Adversary:
    if settings.discriminator == "stylegan":
        return StyleGanAdversary(settings.architecture, settings.r1_gamma, settings.r1_every)
    from gan.frozen import FrozenAdversary  # its pretrained weights are read only when they are wanted

    return FrozenAdversary()


def _step(run: _Run, reals: Tensor, settings: Settings) -> tuple[float, float]:
    """One step of each network on the same generated images; returns their losses, without penalties."""
    torch.manual_seed(settings.seed * 1_000_003 + run.step + 1)
    adversary = run.adversary
    with torch.no_grad():
        real = adversary.look(_batch(reals, run.step, settings))
    fake = adversary.look(_fakes(run.generator, settings))

    run.optimiser_d.zero_grad(set_to_none=True)
    loss, loss_d = adversary.discriminator_loss(real, [seen.detach() for seen in fake], run.step)
    loss.backward()
    run.optimiser_d.step()

    adversary.trained.requires_grad_(False)
    run.optimiser_g.zero_grad(set_to_none=True)
    loss_g = adversary.generator_loss(fake)
    loss_g.backward()
    run.optimiser_g.step()
    adversary.trained.requires_grad_(True)

    run.step += 1
    _average(run, settings)
    return float(loss_d), float(loss_g.detach())


def _batch(reals: Tensor, step: int, settings: Settings) -> Tensor:
    """The real images of a step: epochs are permutations drawn from the seed, read one after another."""
    positions = range(step * settings.batch, (step + 1) * settings.batch)
    chosen = []
    for epoch in sorted({position // len(reals) for position in positions}):
        order = np.random.default_rng([settings.seed, epoch]).permutation(len(reals))
        chosen += [int(order[position % len(reals)]) for position in positions if position // len(reals) == epoch]
    images = reals[chosen]
    if settings.mirror:
        images = torch.where(torch.rand(len(images), 1, 1, 1) < 0.5, images.flip(3), images)
    return images


def _fakes(generator: Generator, settings: Settings) -> Tensor:
    """A batch of generated images, with style mixing; the running mean of w moves along."""
    architecture = generator.architecture
    w, other = generator.mapping(torch.randn(2 * settings.batch, architecture.z_dim)).chunk(2)
    generator.w_mean.lerp_(w.detach().mean(dim=0), 1 - W_MEAN_BETA)
    layers = torch.arange(architecture.num_layers)
    crossover = torch.randint(1, architecture.num_layers, (settings.batch, 1))
    crossover[torch.rand(settings.batch, 1) >= settings.style_mixing] = architecture.num_layers
    ws = torch.where((layers < crossover)[..., None], generator.per_layer(w), generator.per_layer(other))
    images: Tensor = generator.synthesis(ws, generator.random_noise(settings.batch))
    return images


@torch.no_grad()
def _average(run: _Run, settings: Settings) -> None:
    """Move the running average; its half-life grows with the run so that early weights are forgotten."""
    seen = run.step * settings.batch
    half_life = min(settings.ema_kimg * 1000, seen * 0.05)
    weight = 1 - 0.5 ** (settings.batch / max(half_life, 1e-8))
    torch._foreach_lerp_(list(run.average.parameters()), list(run.generator.parameters()), weight)
    run.average.w_mean.copy_(run.generator.w_mean)


def _snapshot(run: _Run, out: Path, settings: Settings, patches: PatchSet) -> Path:
    """Write a sample sheet, a model folder (which is returned) and the state to resume from."""
    images = run.step * settings.batch
    sheet = [pixels for _, pixels in from_seeds(run.average, range(64), psi=0.7)]
    write_sheet(out / "samples" / f"{images:09d}-images.png", sheet, columns=8)
    folder = _model_folder(out, run.step, settings)
    if not folder.exists():
        save_model(folder, run.average, describe_training(settings, patches, images))
    about = {"step": str(run.step), "patches_sha256": patches.sha256, "settings": json.dumps(asdict(settings))}
    write_bytes(out / STATE, save(_tensors(run), metadata=about))
    return folder


def describe_training(settings: Settings, patches: PatchSet, images: int) -> dict[str, Any]:
    """What a model's config says of its training; `train_patients` are codes under the key of the fingerprint."""
    rows = patches.select("train")
    return {
        "images_seen": images,
        "patches": len(rows),
        "patients": int(rows["patient"].nunique()),
        "train_patients": sorted(rows["patient"].unique()),
        "source_bit_depths": sorted({int(depth) for depth in rows["source_bit_depth"]}),
        "patches_sha256": patches.sha256,
        "key_fingerprint": patches.about["key_fingerprint"],
        "context": patches.about["context"],
        "credit": patches.about["credit"],
        **{
            name: value
            for name, value in asdict(settings).items()
            if name not in ("architecture", "kimg", "snapshot_kimg")
        },
    }


def _model_folder(out: Path, step: int, settings: Settings) -> Path:
    return out / "models" / f"{step * settings.batch:09d}-images"


def _tensors(run: _Run) -> dict[str, Tensor]:
    """Every tensor that training goes on from, by name."""
    modules: dict[str, nn.Module] = {"g": run.generator, "d": run.adversary.trained, "average": run.average}
    tensors = {f"{key}.{name}": value for key, module in modules.items() for name, value in module.state_dict().items()}
    for key, optimiser in (("adam_g", run.optimiser_g), ("adam_d", run.optimiser_d)):
        for index, state in optimiser.state_dict()["state"].items():
            tensors |= {f"{key}.{index}.{name}": value for name, value in state.items()}
    return {name: value.detach().contiguous() for name, value in tensors.items()}


def _restore(run: _Run, out: Path, settings: Settings, patches: PatchSet) -> None:
    """Load the last snapshot of `out` into `run`, and cut the log back to it."""
    if not (out / STATE).is_file():
        raise LookalikeError(f"{out}: no snapshot to resume from ({STATE} is missing); remove it and train anew")
    try:
        with safe_open(out / STATE, framework="pt") as file:
            about = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - the file is no mapping
    except SafetensorError as error:
        raise LookalikeError(f"{out / STATE}: damaged ({error}); remove {out} and train anew") from None
    if about["patches_sha256"] != patches.sha256:
        raise LookalikeError(f"{out}: was trained on other patches than {patches.folder}; give the same patch set")
    _same_settings(out, json.loads(about["settings"]), asdict(settings))
    for key, module in (("g", run.generator), ("d", run.adversary.trained), ("average", run.average)):
        module.load_state_dict(_under(tensors, key))
    for key, optimiser in (("adam_g", run.optimiser_g), ("adam_d", run.optimiser_d)):
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in _under(tensors, key).items():
            index, _, entry = name.partition(".")
            state.setdefault(int(index), {})[entry] = value
        optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
    run.step = int(about["step"])
    _cut_log(out / "log.jsonl", run.step)


def _cut_log(path: Path, step: int) -> None:
    """Drop what was logged after the snapshot, and a last line that a crash cut short."""
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line + "\n")
        except json.JSONDecodeError:
            continue
    write_text(path, "".join(kept))


def _under(tensors: dict[str, Tensor], key: str) -> dict[str, Tensor]:
    return {name[len(key) + 1 :]: value for name, value in tensors.items() if name.startswith(f"{key}.")}


def _same_settings(out: Path, stored: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Only the length of a run may change when it is resumed."""
    for name in wanted.keys() - {"kimg", "snapshot_kimg"}:
        if stored.get(name) != wanted[name]:
            raise LookalikeError(
                f"{out}: {name} was {stored.get(name)} and is now {wanted[name]}; resume with the same"
            )
