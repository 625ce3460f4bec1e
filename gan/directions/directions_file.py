"""Stored directions: one safetensors file that names the generator they belong to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from data.errors import LookalikeError
from data.files import write_bytes
from gan.checkpoint import Model
from gan.directions.edit import Direction

FORMAT = "lookalike-directions/1"
FILE = "directions.safetensors"


def save_directions(path: Path | str, directions: Sequence[Direction], model: Model) -> None:
    """Write directions of a model.

    Parameters
    ----------
    path : path
        The file, by convention `directions.safetensors`, beside the model's.
    directions : sequence of Direction
        One or more, all names different.
    model : Model
        The model whose codes they move; the file is of use with it alone.

    Raises
    ------
    LookalikeError
        If there are none, or two share a name.

    Examples
    --------
    >>> import gan, torch
    >>> model = gan.Model(gan.Generator(gan.Architecture(16)), "the hash", {})
    >>> gan.save_directions("directions.safetensors", [gan.Direction("density", torch.ones(128))], model)
    >>> [one.name for one in gan.load_directions("directions.safetensors", model)]
    ['density']
    """
    names = [one.name for one in directions]
    if not names or len(set(names)) < len(names):
        raise LookalikeError("same-name", f"{path}: directions are called {names}; give one or more, each its own name")
    listed = [{"name": one.name, "about": one.about} for one in directions]
    about = {"format": FORMAT, "generator_sha256": model.sha256, "directions": listed}
    tensors = {one.name: one.shift.detach().float().cpu().contiguous() for one in directions}
    write_bytes(Path(path), save(tensors, metadata={"about": json.dumps(about, allow_nan=False)}))


def load_directions(path: Path | str, model: Model) -> list[Direction]:
    """Load a model's directions.

    Parameters
    ----------
    path : path
        Their file, or a folder that holds it as `directions.safetensors`, such as the model's.
    model : Model
        The model whose images are to be edited.

    Returns
    -------
    list of Direction
        In the order in which they were stored.

    Raises
    ------
    LookalikeError
        If the file is missing, damaged, of another format, or of another generator.

    Examples
    --------
    >>> import gan
    >>> from data import LookalikeError
    >>> try:
    ...     gan.load_directions("nowhere", gan.Model(gan.Generator(gan.Architecture(16)), "", {}))
    ... except LookalikeError as error:
    ...     print(error.code)
    no-such-file
    """
    path = Path(path)
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        raise LookalikeError(
            "no-such-file",
            f"{file}: no directions here; fit some with 'lookalike directions', or name their file",
        )
    try:
        with safe_open(file, framework="pt") as stored:
            about = json.loads((stored.metadata() or {})["about"])
            if about.get("format") != FORMAT:
                raise LookalikeError(
                    "wrong-format", f"{file}: format is {about.get('format')!r}, expected {FORMAT!r}; name another"
                )
            named = [(str(one["name"]), dict(one["about"])) for one in about["directions"]]
            found = [Direction(name, stored.get_tensor(name), known) for name, known in named]
            generator = str(about["generator_sha256"])
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise LookalikeError("damaged-file", f"{file}: not readable as directions ({reason}); name another") from None
    if generator != model.sha256:
        raise LookalikeError(
            "other-model",
            f"{file}: belongs to the generator {generator[:12]}, not to {model.sha256[:12]}; fit directions for this "
            "model with 'lookalike directions'",
        )
    expected = (model.generator.architecture.w_dim,)
    for one in found:
        if tuple(one.shift.shape) != expected or not torch.isfinite(one.shift).all():
            raise LookalikeError(
                "damaged-file", f"{file}: {one.name} is not {expected[0]} finite numbers; name another file"
            )
    return found


def direction_named(name: str, directions: Sequence[Direction]) -> Direction:
    """The direction of a name. Raises `LookalikeError`, naming those that there are."""
    for one in directions:
        if one.name == name:
            return one
    known = ", ".join(one.name for one in directions)
    raise LookalikeError("unknown-choice", f"--direction is {name!r}; this model has {known}")
