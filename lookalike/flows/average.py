"""From the words of `lookalike average` to a stored model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from data.files import refuse_occupied
from gan.averaging import average_models
from gan.checkpoint import load_model, save_model
from gan.training.discriminator_file import FILE
from lookalike.console import numbers, relative


def save_average(folders: Sequence[Path], weights: str | None, out: Path) -> dict[str, float]:
    """Store the average of models in the new folder `out`; returns the share of each.

    The discriminator beside it, for a run that starts from it, is that of the model that counts most.
    Raises `LookalikeError`.
    """
    refuse_occupied(out)
    counts = None if weights is None else numbers(weights, "--weights")
    mean = average_models([load_model(folder) for folder in folders], counts)
    shares = [one["share"] for one in mean.training["averaged"]]
    discriminator = folders[shares.index(max(shares))] / FILE
    beside = {FILE: discriminator.read_bytes()} if discriminator.is_file() else {}
    save_model(out, mean.generator, mean.training, truncation=mean.truncation, beside=beside)
    return {relative(folder): share for folder, share in zip(folders, shares, strict=True)}
