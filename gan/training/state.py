"""What a stopped run resumes from: one safetensors file with every tensor, and the settings it belongs to."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from data.errors import LookalikeError
from data.files import write_bytes
from gan.networks.traces import with_grain
from gan.training.growth import Stage
from gan.training.run import Run, enter, start
from gan.training.settings import Settings
from stimuli.patches import PatchSet

FILE = "training.safetensors"
# Settings that the state does not depend on, so that they may change when a run is resumed.
_MAY_CHANGE = (
    *("kimg", "snapshot_kimg", "precision", "learning_rate", "style_mixing", "moments"),
    *("pixel_gamma", "pixel_weight", "relativistic", "path_weight", "warm_up_kimg", "cool_down_kimg"),
)


def save_state(run: Run, out: Path, patches: PatchSet) -> None:
    """Replace the state of `out` as a whole: a crash leaves the old one."""
    about = {
        "step": run.step,
        "resolution": run.stage.resolution,
        "blend": run.stage.blend,
        "patches_sha256": patches.sha256,
        "settings": run.settings.to_dict(),
    }
    tensors = {name: value.detach().cpu().contiguous() for name, value in _tensors(run).items()}
    write_bytes(out / FILE, save(tensors, metadata={"about": json.dumps(about)}))


def load_state(out: Path, settings: Settings, accelerator: Accelerator, patches: PatchSet) -> Run:
    """The run in `out` as it was last saved.

    Raises `LookalikeError` if there is no state, it is damaged, or it belongs to other patches or other
    settings (the first that differs is named; only those in `_MAY_CHANGE` may).
    """
    about, tensors = read_state(out / FILE)
    if about["patches_sha256"] != patches.sha256:
        raise LookalikeError(
            "other-patches", f"{out}: was trained on other patches than {patches.folder}; give the same patch set"
        )
    # An earlier version's settings lack what it did not know, which it did as the defaults do.
    defaults = Settings().to_dict()
    former = defaults | about["settings"]
    former["architecture"] = defaults["architecture"] | former["architecture"]
    refuse_other_settings(out, former, settings.to_dict(), _MAY_CHANGE)
    run = start(settings, accelerator, about["resolution"], fading=about["blend"] < 1)
    enter(run, Stage(about["resolution"], about["blend"]))
    try:
        for key, module in _modules(run).items():
            if key == "paths" and not under(tensors, key):
                continue  # of an earlier version
            module.load_state_dict(with_grain(under(tensors, key)))
    except RuntimeError as error:
        what = textwrap.shorten(str(error), 160, placeholder=" ...")  # torch names every tensor
        raise LookalikeError(
            "other-version",
            f"{out / FILE}: was saved by another version of the networks ({what}); resume it with the version of "
            "Lookalike that started it, or retrain in another folder: its models stay as they are",
        ) from None
    for key, (optimiser, module) in _optimisers(run).items():
        load_optimiser(under(tensors, key), optimiser, module)
    run.step = int(about["step"])
    return run


def read_state(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What a state says about itself, and its tensors. Raises `LookalikeError` if it is missing or damaged."""
    folder = path.parent
    if not path.is_file():
        raise LookalikeError(
            "nothing-to-resume",
            f"{folder}: no snapshot to resume from ({path.name} is missing); remove the folder and retrain",
        )
    try:
        with safe_open(path, framework="pt") as file:
            about: dict[str, Any] = json.loads(file.metadata()["about"])
            return about, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - the file is no mapping
    except (SafetensorError, KeyError, TypeError) as error:
        raise LookalikeError("damaged-file", f"{path}: damaged ({error}); remove {folder} and retrain") from None


def stored_step(out: Path) -> int | None:
    """The step of the state saved in `out`, or None if there is no readable one."""
    try:
        with safe_open(out / FILE, framework="pt") as file:
            return int(json.loads(file.metadata()["about"])["step"])
    except (OSError, SafetensorError, KeyError, TypeError):
        return None


def broken(run: Run) -> str:
    """Which of the numbers to be saved is not finite; empty if all are."""
    return next((f"{name} is not finite" for name, value in _tensors(run).items() if not value.isfinite().all()), "")


def _modules(run: Run) -> dict[str, nn.Module]:
    modules: dict[str, nn.Module] = {
        "generator": run.generator,
        "average": run.average,
        "adversary": run.adversary.state,
        "paths": run.paths,
    }
    return modules if run.reference is None else modules | {"reference": run.reference}


def _optimisers(run: Run) -> dict[str, tuple[torch.optim.Adam, nn.Module]]:
    return {"adam_g": (run.optimiser_g, run.generator), "adam_d": (run.optimiser_d, run.adversary.trained)}


def _tensors(run: Run) -> dict[str, Tensor]:
    """Every tensor that training resumes from, by name."""
    tensors = {f"{key}.{name}": value for key, m in _modules(run).items() for name, value in m.state_dict().items()}
    for key, (optimiser, module) in _optimisers(run).items():
        tensors |= optimiser_tensors(key, optimiser, module)
    return tensors


def optimiser_tensors(key: str, optimiser: torch.optim.Adam, module: nn.Module) -> dict[str, Tensor]:
    """What an optimiser of a module's parameters remembers, by the names of the parameters, after `key`."""
    tensors: dict[str, Tensor] = {}
    for name, parameter in module.named_parameters():
        # By name, not by number: a network that has faded in holds fewer parameters than its optimiser.
        tensors |= {f"{key}.{name}.{entry}": value for entry, value in optimiser.state.get(parameter, {}).items()}
    return tensors


def load_optimiser(kept: dict[str, Tensor], optimiser: torch.optim.Adam, module: nn.Module) -> None:
    """Give an optimiser what `optimiser_tensors` found, without their key."""
    for name, parameter in module.named_parameters():
        entries = under(kept, name)
        if entries:
            optimiser.state[parameter] = {entry: _like(parameter, value) for entry, value in entries.items()}


def _like(parameter: Tensor, value: Tensor) -> Tensor:
    """On the parameter's device and in its memory layout, which the fused optimiser requires."""
    return torch.empty_like(parameter).copy_(value) if value.shape == parameter.shape else value.to(parameter.device)


def under(tensors: dict[str, Tensor], key: str) -> dict[str, Tensor]:
    """The tensors whose names begin with a key and a point, without these."""
    return {name[len(key) + 1 :]: value for name, value in tensors.items() if name.startswith(f"{key}.")}


def refuse_other_settings(
    out: Path, stored: dict[str, Any], wanted: dict[str, Any], may_change: Collection[str]
) -> None:
    """Raise `LookalikeError` if settings differ from the stored ones in more than `may_change`.

    Settings are nested once (the architecture); the field that differs is named. A field of the architecture is named
    only if nothing else differs, since it may follow from another setting.
    """
    flat = {}
    for name, value in wanted.items():
        pairs = value.items() if isinstance(value, dict) else [(None, value)]
        for inner, one in pairs:
            former = stored.get(name)
            before = former.get(inner) if inner is not None and isinstance(former, dict) else former
            flat[f"{name}.{inner}" if inner else name] = (before, one)
    for name, (before, now) in sorted(flat.items(), key=lambda one: "." in one[0]):
        if before != now and name not in may_change:
            raise LookalikeError(
                "settings-changed", f"{out}: {name} was {before} and is now {now}; resume with the same value"
            )
