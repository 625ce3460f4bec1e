"""What makes an image: a code for every layer, noise, and where both came from; and the file that holds such codes.

A codes file is a pair: `NAME.json` says what each code is, `NAME.safetensors` holds the numbers. Inversion,
composition and morphing write and read the same pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from data.errors import LookalikeError
from data.files import read_json, sha256, write_bytes, write_json
from gan.checkpoint import Model
from gan.networks.generator import Generator, codes_from_seeds, noise_from_seed, to_p_values
from stimuli.images import Pixels

FORMAT = "lookalike-codes/1"


@dataclass(frozen=True)
class ImageCode:
    """What makes one image.

    Attributes
    ----------
    name : str
        What it is called among others: `seed-4`, or the file of a real image.
    code : torch.Tensor, shape (layers, w_dim)
        Its code in W+, truncated already.
    noise : tuple of torch.Tensor, each of shape (rows, columns)
        The noise image of each layer.
    source : str
        Where it came from, in words: `seed 4, truncation 0.7`.
    patients : tuple of str
        The codes of the patients whose image this is, or is made from: none for a seed's image, one for an inverted
        patch, two for a texture on another lesion's shape.

    Examples
    --------
    >>> import gan
    >>> from data.shipped import DEFAULT_MODEL
    >>> gan.codes_of_seeds(gan.load_model(DEFAULT_MODEL), [4])[0].source
    'seed 4, truncation 1'
    """

    name: str
    code: Tensor
    noise: tuple[Tensor, ...]
    source: str
    patients: tuple[str, ...] = ()


def codes_of_seeds(
    model: Model, seeds: Sequence[int], psi: float | None = None, noise_seed: int | None = None
) -> list[ImageCode]:
    """The codes of seeds' images.

    Parameters
    ----------
    model : Model
        A loaded model.
    seeds : sequence of int
        One per image, as `generate_images` numbers them.
    psi : float, optional
        Truncation: 1 is none, 0 gives the mean image; by default the model's own.
    noise_seed : int, optional
        Of one noise for all; by default each has that of its own seed, so it is the image that `generate_images` makes,
        before a model that knows the files of its patches stores it in one (`gan.networks.traces`).

    Returns
    -------
    list of ImageCode
        In the order of the seeds.

    Examples
    --------
    >>> import gan
    >>> from data.shipped import DEFAULT_MODEL
    >>> [one.name for one in gan.codes_of_seeds(gan.load_model(DEFAULT_MODEL), [4, 8], psi=0.5)]
    ['seed-4', 'seed-8']
    """
    generator, psi = model.generator, model.psi(psi)
    with torch.inference_mode():
        w = generator.mapping(codes_from_seeds(generator, list(seeds)))
        codes = generator.truncate(generator.per_layer(w), psi)
    shared = "" if noise_seed is None else f", noise of seed {noise_seed}"
    return [
        ImageCode(
            f"seed-{seed}",
            code,
            tuple(layer[0, 0] for layer in noise_from_seed(generator, seed if noise_seed is None else noise_seed)),
            f"seed {seed}, truncation {psi:g}{shared}",
        )
        for seed, code in zip(seeds, codes, strict=True)
    ]


def images_of(generator: Generator, codes: Sequence[ImageCode]) -> Pixels:
    """The images of some codes: P-values, (N, R, R)."""
    stacked = [torch.stack(layer) for layer in zip(*(one.noise for one in codes), strict=True)]
    return render(generator, torch.stack([one.code for one in codes]), stacked)


@torch.inference_mode()
def render(generator: Generator, codes: Tensor, noise: Sequence[Tensor], batch: int = 50) -> Pixels:
    """Images of codes (N, layers, w_dim) and noise, per layer (N, rows, columns): P-values, (N, R, R).

    Raises `LookalikeError` if one is not finite.
    """
    parts = []
    for rows in torch.arange(len(codes)).split(batch):
        parts.append(generator.synthesis(codes[rows], [layer[rows].unsqueeze(1) for layer in noise]))
    images = torch.cat(parts)
    if not torch.isfinite(images).all():
        raise LookalikeError("not-finite", "an image is not finite: the model or a code is broken; make them again")
    return to_p_values(images)


def write_codes(path: Path | str, codes: Sequence[ImageCode], model: Model) -> None:
    """Write codes as `path` (JSON) and a safetensors file of the same name beside it.

    Parameters
    ----------
    path : path
        The JSON file, by convention `codes.json`.
    codes : sequence of ImageCode
        One or more, all names different.
    model : Model
        The model whose codes they are; the file is of use with it alone.

    Raises
    ------
    LookalikeError
        If there are none, or two share a name.

    Examples
    --------
    >>> import gan
    >>> from data.shipped import DEFAULT_MODEL
    >>> model = gan.load_model(DEFAULT_MODEL)
    >>> gan.write_codes("codes.json", gan.codes_of_seeds(model, [4, 8]), model)
    >>> [one.name for one in gan.read_codes("codes.json", model)]
    ['seed-4', 'seed-8']
    """
    path = Path(path)
    names = [one.name for one in codes]
    if not names or len(set(names)) < len(names):
        raise LookalikeError("bad-codes", f"{path}: codes are called {names}; give one or more, each its own name")
    tensors = {"codes": torch.stack([one.code for one in codes]).contiguous()}
    for number, layer in enumerate(zip(*(one.noise for one in codes), strict=True)):
        tensors[f"noise.{number:02d}"] = torch.stack(layer).contiguous()
    numbers = path.with_suffix(".safetensors")
    write_bytes(numbers, save(tensors))
    listed = [{"name": one.name, "source": one.source, "patients": list(one.patients)} for one in codes]
    about = {"format": FORMAT, "model_sha256": model.sha256, "numbers": numbers.name, "sha256": sha256(numbers)}
    write_json(path, about | {"codes": listed})


def read_codes(path: Path | str, model: Model) -> list[ImageCode]:
    """Read a codes file and verify that it belongs to a model.

    Parameters
    ----------
    path : path
        The JSON file that `write_codes` wrote, its safetensors file beside it.
    model : Model
        The model with which the codes will be used.

    Returns
    -------
    list of ImageCode
        In the order of the file.

    Raises
    ------
    LookalikeError
        If a file is missing, altered or of another format, a number is not finite, or the codes are of another model.

    Examples
    --------
    >>> import gan
    >>> from data.shipped import DEFAULT_MODEL
    >>> model = gan.load_model(DEFAULT_MODEL)
    >>> gan.write_codes("codes.json", gan.codes_of_seeds(model, [4]), model)
    >>> gan.read_codes("codes.json", model)[0].code.shape
    torch.Size([10, 128])
    """
    path = Path(path)
    about: dict[str, Any] = read_json(path)
    if about.get("format") != FORMAT:
        raise LookalikeError(
            "wrong-format", f"{path}: format is {about.get('format')!r}, expected {FORMAT!r}; name a codes file"
        )
    if about.get("model_sha256") != model.sha256:
        raise LookalikeError(
            "other-model", f"{path}: its codes belong to another model; name that one with --model, or make them again"
        )
    tensors = _numbers(path, about)
    try:
        listed = [(str(one["name"]), str(one["source"]), _patients(one)) for one in about["codes"]]
    except (KeyError, TypeError) as error:
        raise LookalikeError("damaged-file", f"{path}: a field is missing ({error}); make the codes again") from None
    _refuse_misfits(path, tensors, model.generator, len(listed))
    layers = [tensors[name] for name in sorted(tensors) if name != "codes"]
    return [
        ImageCode(name, tensors["codes"][row], tuple(layer[row] for layer in layers), source, patients)
        for row, (name, source, patients) in enumerate(listed)
    ]


def _patients(listed: dict[str, Any]) -> tuple[str, ...]:
    """Earlier files have one patient, or null."""
    if "patient" in listed:
        return () if listed["patient"] is None else (str(listed["patient"]),)
    return tuple(str(one) for one in listed["patients"])


def _numbers(path: Path, about: dict[str, Any]) -> dict[str, Tensor]:
    numbers = path.parent / Path(str(about.get("numbers"))).name
    if not numbers.is_file():
        raise LookalikeError("missing-file", f"{numbers}: missing, but {path.name} needs it; restore it")
    if sha256(numbers) != about.get("sha256"):
        raise LookalikeError("altered-file", f"{numbers}: altered since the codes were written; restore it")
    try:
        return {name: value.float() for name, value in load_file(numbers).items()}
    except SafetensorError as error:
        raise LookalikeError("damaged-file", f"{numbers}: not readable ({error}); make the codes again") from None


def _refuse_misfits(path: Path, tensors: dict[str, Tensor], generator: Generator, count: int) -> None:
    sizes = generator.architecture
    expected = {"codes": (count, sizes.num_layers, sizes.w_dim)}
    expected |= {f"noise.{number:02d}": (count, *shape) for number, shape in enumerate(generator.noise_shapes())}
    found = {name: tuple(value.shape) for name, value in tensors.items()}
    if found != expected:
        name = next(name for name in sorted({*found, *expected}) if found.get(name) != expected.get(name))
        raise LookalikeError(
            "damaged-file",
            f"{path}: {name} is {found.get(name, 'missing')}, but the model needs {expected.get(name, 'none')}; "
            "make the codes again",
        )
    broken = sorted(name for name, value in tensors.items() if not torch.isfinite(value).all())
    if broken:
        raise LookalikeError("not-finite", f"{path}: {broken[0]} has values that are not finite; make the codes again")
