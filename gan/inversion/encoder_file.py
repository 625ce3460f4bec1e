"""A stored encoder: one safetensors file that names the generator it belongs to."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from data.errors import LookalikeError
from data.files import sha256, write_bytes
from gan.checkpoint import Model
from gan.inversion.encoder import Encoder, EncoderSize
from gan.networks.generator import Architecture

FORMAT = "lookalike-encoder/1"
FILE = "encoder.safetensors"


@dataclass(frozen=True)
class StoredEncoder:
    """A loaded encoder.

    Attributes
    ----------
    network : Encoder
        The network, frozen, its batch norm with stored statistics.
    sha256 : str
        The hash of its file.
    generator_sha256 : str
        The hash of the generator that it belongs to.
    training : dict
        What it was trained on and how, with its errors on the `select` split.

    Examples
    --------
    >>> import gan
    >>> stored = gan.StoredEncoder(gan.Encoder(gan.Architecture(16)), "", "", {})
    >>> stored.network.architecture.resolution
    16
    """

    network: Encoder
    sha256: str
    generator_sha256: str
    training: dict[str, Any]


def save_encoder(
    path: Path, network: Encoder, generator_sha256: str, training: dict[str, Any], half: bool = False
) -> None:
    """Write an encoder; with `half` its convolutions and dense layer as float16, the rest as it is."""
    about = {
        "format": FORMAT,
        "generator_sha256": generator_sha256,
        "architecture": asdict(network.architecture),
        "size": asdict(network.size),
        "training": training,
    }
    write_bytes(path, save(_stored(network, half), metadata={"about": json.dumps(about)}))


def _stored(network: Encoder, half: bool) -> dict[str, Tensor]:
    return {
        name: (value.half() if half and value.ndim > 1 and not name.startswith("space.") else value)
        .detach()
        .cpu()
        .contiguous()
        for name, value in network.state_dict().items()
    }


def load_encoder(path: Path | str, model: Model) -> StoredEncoder:
    """Load a model's encoder.

    Parameters
    ----------
    path : path
        The encoder's file, or a folder that holds it as `encoder.safetensors`, such as the model's.
    model : Model
        The model whose images it is to invert.

    Returns
    -------
    StoredEncoder
        The network and what is known of it.

    Raises
    ------
    LookalikeError
        If the file is missing, damaged, not an encoder, or the encoder of another generator.

    Examples
    --------
    >>> import gan
    >>> from gan.inversion.encoder_file import save_encoder
    >>> model = gan.Model(gan.Generator(gan.Architecture(16)), "the hash", {})
    >>> save_encoder("encoder.safetensors", gan.Encoder(gan.Architecture(16)), "the hash", {})
    >>> gan.load_encoder("encoder.safetensors", model).generator_sha256
    'the hash'
    """
    path = Path(path)
    path = path / FILE if path.is_dir() else path
    if not path.is_file():
        raise LookalikeError(
            "no-such-file", f"{path}: no such encoder; train one with 'lookalike train-encoder', or name its file"
        )
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})["about"])
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - the file is no mapping
        if about.get("format") != FORMAT:
            raise LookalikeError(
                "wrong-format", f"{path}: format is {about.get('format')!r}, expected {FORMAT!r}; name an encoder"
            )
        with torch.random.fork_rng():
            network = Encoder(Architecture(**about["architecture"]), EncoderSize(**about["size"]))
        network.load_state_dict({name: _full(value) for name, value in weights.items()})
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise LookalikeError("damaged-file", f"{path}: not a readable encoder ({reason}); name another") from None
    if about["generator_sha256"] != model.sha256:
        raise LookalikeError(
            "other-model",
            f"{path}: belongs to the generator {about['generator_sha256'][:12]}, not to {model.sha256[:12]}; train one "
            "for this model with 'lookalike train-encoder'",
        )
    network.to(model.generator.w_mean.device).requires_grad_(False).eval()
    return StoredEncoder(network, sha256(path), about["generator_sha256"], about["training"])


def _full(value: Tensor) -> Tensor:
    return value.float() if value.is_floating_point() else value
