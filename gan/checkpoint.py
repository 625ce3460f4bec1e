"""A stored model: weights as safetensors, `config.json`, a model card, and `SHA256SUMS` of them all.

Never a pickle: loading a model runs nobody's code. `sha256sum -c SHA256SUMS` checks one by hand.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from data.errors import LookalikeError
from data.files import new_folder, read_json, sha256, write_bytes, write_json, write_text
from gan.networks.generator import Architecture, Generator

FORMAT = "lookalike-model/1"
WEIGHTS = "generator.safetensors"
SUMS = "SHA256SUMS"


@dataclass(frozen=True)
class Model:
    """A loaded generator (its parameters frozen), the hash of its weights file, and how it was trained."""

    generator: Generator
    sha256: str
    training: dict[str, Any]


def save_model(folder: Path, generator: Generator, training: dict[str, Any], half: bool = False) -> None:
    """Write a model as a whole, into a new folder.

    `training` says what it was trained on and how long; it joins `config.json` and the card.
    `half` stores float16. Raises `LookalikeError` if the folder is occupied.
    """
    dtype = torch.float16 if half else torch.float32
    weights = {name: value.detach().to(dtype).contiguous() for name, value in generator.state_dict().items()}
    with new_folder(folder) as partial:
        write_bytes(partial / WEIGHTS, save(weights))
        config = {"format": FORMAT, "architecture": asdict(generator.architecture), "training": training}
        write_json(partial / "config.json", config)
        write_text(partial / "MODEL_CARD.md", _card(generator, training))
        seal(partial)


def seal(folder: Path) -> None:
    """(Re)write `SHA256SUMS`, for instance after the card was completed by hand."""
    files = sorted(path for path in Path(folder).iterdir() if path.name != SUMS)
    write_text(Path(folder) / SUMS, "".join(f"{sha256(path)}  {path.name}\n" for path in files))


def load_model(folder: Path) -> Model:
    """Load a model after checking every file against `SHA256SUMS`.

    Raises `LookalikeError` naming the file that is missing, altered or does not fit.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise LookalikeError(f"{folder}: no such model folder; train one with 'lookalike train' or name another")
    sums = _verify(folder)
    config = read_json(folder / "config.json")
    if config.get("format") != FORMAT:
        raise LookalikeError(f"{folder / 'config.json'}: format is {config.get('format')!r}, expected {FORMAT!r}")
    try:
        architecture = Architecture(**config["architecture"])
        weights = load_file(folder / WEIGHTS)
    except (KeyError, TypeError, SafetensorError) as error:
        raise LookalikeError(f"{folder}: the model does not load ({error}); it needs another version") from None
    with torch.random.fork_rng():  # building draws weights that are then replaced
        generator = Generator(architecture)
    expected = generator.state_dict()
    _refuse_other_architecture(folder / WEIGHTS, weights, expected)
    generator.load_state_dict({name: weights[name].float() for name in expected})
    return Model(generator.requires_grad_(False), sums[WEIGHTS], config.get("training", {}))


def _refuse_other_architecture(path: Path, weights: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    """Say which field of the architecture the weights contradict, or else which weight is not as it should be."""
    there, asked = _sizes(weights), _sizes(expected)
    differing = [
        f"{field} {there.get(field)} (not {size})" for field, size in asked.items() if there.get(field) != size
    ]
    if differing:
        raise LookalikeError(
            f"{path}: weights of another architecture than config.json's: {', '.join(differing)}; "
            "restore the model folder"
        )
    for name in sorted({*weights, *expected}):
        found, wanted = (tuple(one[name].shape) if name in one else "nothing" for one in (weights, expected))
        if found != wanted:
            raise LookalikeError(f"{path}: {name} is {found}, but config.json asks for {wanted}")


def _sizes(weights: dict[str, Tensor]) -> dict[str, int]:
    """The fields of an `Architecture` that weights show; of its widths, the channels at each resolution."""
    mapping = sorted(name for name in weights if re.fullmatch(r"mapping\.layers\.\d+\.weight", name))
    styles = [name for name in weights if re.fullmatch(r"synthesis\.styled\.\d+\.style\.weight", name)]
    if not (mapping and styles):
        return {}
    sizes = {
        "resolution": 2 ** (1 + len(styles) // 2),
        "z_dim": weights["mapping.layers.0.weight"].shape[1] if "mapping.layers.0.weight" in weights else 0,
        "w_dim": weights[styles[0]].shape[1],
        "mapping_layers": len(mapping),
    }
    for layer in range(0, len(styles), 2):
        style = weights.get(f"synthesis.styled.{layer}.style.weight")
        if style is not None:
            sizes[f"channels at {2 ** (2 + layer // 2)} px"] = style.shape[0] // 2
    return sizes


def _verify(folder: Path) -> dict[str, str]:
    """Name to hash of each listed file, all checked."""
    if not (folder / SUMS).is_file():
        raise LookalikeError(f"{folder}: not a model folder ({SUMS} is missing); name one that 'lookalike train' wrote")
    lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    for name in (WEIGHTS, "config.json", "MODEL_CARD.md"):
        if name not in sums:
            raise LookalikeError(f"{folder / SUMS}: does not list {name}; restore the model folder")
    for name, digest in sums.items():
        if not (folder / name).is_file():
            raise LookalikeError(f"{folder / name}: missing from the model; restore the model folder")
        if sha256(folder / name) != digest:
            raise LookalikeError(f"{folder / name}: altered since the model was saved; restore the model folder")
    return sums


def _card(generator: Generator, training: dict[str, Any]) -> str:
    """A card with what is known at saving; measurements and limits are for whoever ships a model to add."""
    size = generator.architecture.resolution
    told = {name: value for name, value in training.items() if name != "train_patients"}
    facts = "\n".join(f"| {name.replace('_', ' ')} | {value} |" for name, value in told.items())
    return f"""# Model card

A StyleGAN (Karras, Laine & Aila 2019) that makes grayscale images of {size} x {size} pixels.

| training | |
|---|---|
{facts}

**For** stimuli in studies of perception. **Not for** diagnosis, training of diagnostic systems, or any claim about
a patient: the images show nobody.
"""
