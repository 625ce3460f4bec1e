"""A stored model: weights as safetensors, `config.json`, a model card, and `SHA256SUMS` of them all.

Never a pickle, so that loading a model runs no code of others. `sha256sum -c SHA256SUMS` checks one by hand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
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
from gan.networks.traces import with_grain

FORMAT = "lookalike-model/1"
WEIGHTS = "generator.safetensors"
SUMS = "SHA256SUMS"
TRUNCATION = 0.7  # of a model that was not measured at several
WHERE_KNOWN = ("context_median", "context_range", "train_crops", "train_context", "normal")  # of patches
_REMEMBERED = (
    *("images_seen", "patches", "patients", "train_patients", "patches_sha256", "key_fingerprint"),
    *("context", *WHERE_KNOWN, "credit", "averaged"),
)


@dataclass(frozen=True)
class Model:
    """A loaded model.

    Attributes
    ----------
    generator : Generator
        The network, its parameters frozen.
    sha256 : str
        The hash of its weights file.
    training : dict
        What it was trained on and how; empty if unknown. `earlier` is a list of the same for models it started from.
    truncation : float, 0 to 1
        The truncation for studies: where it was measured (the model card), the one at which images are hardest to tell
        from real ones.

    Examples
    --------
    >>> import gan
    >>> generator = gan.Generator(gan.Architecture(16)).requires_grad_(False)
    >>> gan.Model(generator, sha256="", training={}).generator.architecture.resolution
    16
    """

    generator: Generator
    sha256: str
    training: dict[str, Any]
    truncation: float = TRUNCATION

    @property
    def trainings(self) -> list[dict[str, Any]]:
        """What it was trained on and how: last, and before that by each model that it started from."""
        return [self.training, *self.training.get("earlier", [])]

    def patients(self, key_fingerprint: str) -> set[str]:
        """The codes, made with one key, of all patients that it or a model that it started from learned from."""
        same_key = (one for one in self.trainings if one.get("key_fingerprint") == key_fingerprint)
        return {patient for one in same_key for patient in one.get("train_patients", ())}

    def psi(self, given: float | None = None) -> float:
        """The truncation that is given, or else the model's own."""
        return self.truncation if given is None else given


def remembered(model: Model) -> list[dict[str, Any]]:
    """What a model that is made of this one has to remember of its trainings, the last one first."""
    return [{name: one[name] for name in _REMEMBERED if name in one} for one in model.trainings]


def save_model(
    folder: Path | str,
    generator: Generator,
    training: dict[str, Any],
    half: bool = False,
    truncation: float = TRUNCATION,
    beside: Mapping[str, bytes] | None = None,
) -> None:
    """Write a model into a new folder, as a whole or not at all.

    Parameters
    ----------
    folder : path
        A folder that does not exist yet, or is empty.
    generator : Generator
        The network.
    training : dict
        What it was trained on and for how long; part of `config.json` and of the model card.
    half : bool
        Whether to store weights as float16, which changes images by less than one of 256 grey levels.
    truncation : float, 0 to 1
        The truncation for studies, which `generate`, `morph` and `stimuli build` use unless told otherwise.
    beside : mapping of str to bytes, optional
        Further files of the model, such as its discriminator, by name.

    Raises
    ------
    LookalikeError
        If the folder is occupied, or the truncation is out of range.

    Examples
    --------
    >>> import gan
    >>> gan.save_model("model", gan.Generator(gan.Architecture(16)), {"images_seen": 0})
    >>> gan.load_model("model").training
    {'images_seen': 0}
    """
    if not 0 <= truncation <= 1:
        raise LookalikeError("out-of-range", f"truncation is {truncation}; it must lie between 0 and 1")
    dtype = torch.float16 if half else torch.float32
    weights = {
        name: (value.detach().to(dtype) if value.is_floating_point() else value.detach()).contiguous()
        for name, value in generator.state_dict().items()
    }
    with new_folder(Path(folder)) as partial:
        write_bytes(partial / WEIGHTS, save(weights))
        for name, content in (beside or {}).items():
            write_bytes(partial / name, content)
        config = {
            "format": FORMAT,
            "architecture": asdict(generator.architecture),
            "truncation": truncation,
            "training": training,
        }
        write_json(partial / "config.json", config)
        write_text(partial / "MODEL_CARD.md", _card(generator, training))
        seal(partial)


def seal(folder: Path) -> None:
    """(Re)write `SHA256SUMS`, for instance after the card was completed by hand."""
    files = sorted(path for path in Path(folder).iterdir() if path.name != SUMS)
    write_text(Path(folder) / SUMS, "".join(f"{sha256(path)}  {path.name}\n" for path in files))


def load_model(folder: Path | str) -> Model:
    """Load a model, after checking every file against `SHA256SUMS`.

    Parameters
    ----------
    folder : path
        A folder that `train` or `save_model` wrote; `data.shipped.DEFAULT_MODEL` is the model that is included.

    Returns
    -------
    Model
        Its `generator`, `sha256`, `training` and `truncation`.

    Raises
    ------
    LookalikeError
        Names the file that is missing, altered or does not fit.

    Examples
    --------
    >>> import gan
    >>> from data.shipped import DEFAULT_MODEL
    >>> gan.load_model(DEFAULT_MODEL).generator.architecture.resolution
    64
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise LookalikeError(
            "no-such-folder", f"{folder}: no such model folder; train one with 'lookalike train' or name another"
        )
    sums = _verify(folder)
    config = read_json(folder / "config.json")
    if config.get("format") != FORMAT:
        raise LookalikeError(
            "wrong-format", f"{folder / 'config.json'}: format is {config.get('format')!r}, expected {FORMAT!r}"
        )
    try:
        architecture = Architecture(**config["architecture"])
        weights = load_file(folder / WEIGHTS)
        truncation = float(config.get("truncation", TRUNCATION))
    except (KeyError, TypeError, ValueError, SafetensorError) as error:
        raise LookalikeError(
            "other-version", f"{folder}: the model does not load ({error}); it needs another version of Lookalike"
        ) from None
    with torch.random.fork_rng():  # building initialises weights that are then replaced
        generator = Generator(architecture)
    expected, weights = generator.state_dict(), with_grain(weights)
    _refuse_other_architecture(folder / WEIGHTS, weights, expected)
    generator.load_state_dict({name: weights[name].to(value.dtype) for name, value in expected.items()})
    if not 0 <= truncation <= 1:
        raise LookalikeError(
            "out-of-range", f"{folder / 'config.json'}: truncation is {truncation}; it must lie between 0 and 1"
        )
    return Model(generator.requires_grad_(False), sums[WEIGHTS], config.get("training", {}), truncation)


def _refuse_other_architecture(path: Path, weights: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    """Name the fields of the architecture that the weights contradict, or else the weight that does not fit."""
    stored, wanted = _sizes(weights), _sizes(expected)
    differing = [
        f"{field} {stored.get(field)} (not {size})" for field, size in wanted.items() if stored.get(field) != size
    ]
    if differing:
        raise LookalikeError(
            "wrong-weights",
            f"{path}: the weights contradict config.json: {', '.join(differing)}; restore the model folder",
        )
    for name in sorted({*weights, *expected}):
        found, needed = (tuple(one[name].shape) if name in one else "missing" for one in (weights, expected))
        if found != needed:
            raise LookalikeError("wrong-weights", f"{path}: {name} is {found}, but by config.json it is {needed}")


def _sizes(weights: dict[str, Tensor]) -> dict[str, int]:
    """The fields of an `Architecture` that can be read off its weights; for widths, the channels at each resolution."""
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
        raise LookalikeError(
            "not-a-model", f"{folder}: not a model folder ({SUMS} is missing); name one that 'lookalike train' wrote"
        )
    lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    for name in (WEIGHTS, "config.json", "MODEL_CARD.md"):
        if name not in sums:
            raise LookalikeError("missing-file", f"{folder / SUMS}: does not list {name}; restore the model folder")
    for name, digest in sums.items():
        if not (folder / name).is_file():
            raise LookalikeError("missing-file", f"{folder / name}: missing from the model; restore the model folder")
        if sha256(folder / name) != digest:
            raise LookalikeError(
                "altered-file", f"{folder / name}: altered since the model was saved; restore the model folder"
            )
    return sums


def _card(generator: Generator, training: dict[str, Any]) -> str:
    """A card with what is known at saving; whoever ships a model adds measurements and limits."""
    size = generator.architecture.resolution
    shown = {name: value for name, value in training.items() if name not in ("train_patients", "earlier")}
    facts = "\n".join(f"| {name.replace('_', ' ')} | {value} |" for name, value in shown.items())
    return f"""# Model card

A StyleGAN (Karras, Laine & Aila 2019) that makes grayscale images of {size} x {size} pixels.

| training | |
|---|---|
{facts}

**For** stimuli in studies of perception. **Not for** diagnosis, training of diagnostic systems, or any claim about
a patient: the images show no actual person.
"""
