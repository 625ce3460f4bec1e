"""What a model's training used, so that a report can say which measures it never saw."""

from __future__ import annotations

from typing import Any

_ADVERSARIES = {
    "stylegan": "a discriminator of pixels",
    "frozen": "EfficientNet-lite features",
    "pixels": "a discriminator of pixels",
    "ensemble": "EfficientNet-lite features and a discriminator of pixels",
}


def what_training_used(training: dict[str, Any]) -> str:
    """What a model was trained against, in words, from what its `config.json` records of its training."""
    adversary = _ADVERSARIES.get(training.get("discriminator", ""))
    if adversary is None:
        return "unknown: the model does not record what it was trained against"
    used = [adversary]
    if training.get("moments"):
        used.append("moments of EfficientNet-lite features")
    if training.get("pixel_moments"):
        used.append("moments of random filters, borders, layout and specks (kin to texture, but not its statistics)")
    return ", ".join(used)
