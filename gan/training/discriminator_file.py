"""The discriminator that a stored model was trained against: one file beside the generator, to train on from.

A new discriminator disturbs a generator before it teaches it anything (docs/training-notes.md), so a run that starts
from a stored model takes its discriminator along, as far as the run has the same one.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from data.errors import LookalikeError
from gan.adversaries.adversary import Adversary
from gan.adversaries.ensemble import Ensemble

FILE = "discriminator.safetensors"
_OF_THE_PATCHES = "moments."  # learned anew from each patch set, before the first step


def stored_discriminator(adversary: Adversary, kind: str) -> bytes:
    """What an adversary of this kind (`Settings.discriminator`) has learned, as a safetensors file.

    Weights are float16; everything else is kept as it is. Names begin with the kind of network.
    """
    tensors = {f"{name}.{key}": value for name, one in _learning(adversary, kind).items() for key, value in one.items()}
    return save({name: (value.half() if value.ndim > 1 else value).contiguous() for name, value in tensors.items()})


def load_discriminator(folder: Path | str) -> dict[str, Tensor]:
    """The discriminator beside a stored model; empty if there is none.

    Call it after `load_model`, which compares every file of the folder with its hash. Raises `LookalikeError` if the
    file is no safetensors file.
    """
    path = Path(folder) / FILE
    if not path.is_file():
        return {}
    try:
        return {name: value.float() if value.is_floating_point() else value for name, value in load_file(path).items()}
    except SafetensorError as error:
        raise LookalikeError("damaged-file", f"{path}: damaged ({error}); restore the model folder") from None


def is_known(stored: dict[str, Tensor], kind: str) -> bool:
    """Whether a stored discriminator has every network that one of this kind learns with."""
    wanted = {"frozen", "pixels"} if kind == "ensemble" else {kind}
    return wanted <= {name.partition(".")[0] for name in stored}


def copy_discriminator(stored: dict[str, Tensor], adversary: Adversary, kind: str) -> list[str]:
    """Let the networks of an adversary go on from stored ones of the same kind and size; the others stay as drawn.

    Returns the kinds of the networks that were copied.
    """
    copied = []
    for name, own in _learning(adversary, kind).items():
        kept = {key.removeprefix(f"{name}."): value for key, value in stored.items() if key.startswith(f"{name}.")}
        if _shapes(kept) == _shapes(own):
            with torch.no_grad():
                for key, value in kept.items():
                    own[key].copy_(value)
            copied.append(name)
    return copied


def _learning(adversary: Adversary, kind: str) -> dict[str, dict[str, Tensor]]:
    """The tensors of each network that learns, by the kind of network."""
    members = adversary.members if isinstance(adversary, Ensemble) else {kind: adversary}
    return {
        name: {key: value for key, value in one.state.state_dict().items() if not key.startswith(_OF_THE_PATCHES)}
        for name, one in members.items()
        if one.parts
    }


def _shapes(tensors: dict[str, Tensor]) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in tensors.items()}
