"""The log of a run, in two forms: one JSON object per line, and TensorBoard's files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from data.files import write_text
from stimuli.images import Pixels

FILE = "log.jsonl"
_CURVES = (
    *("loss_d", "loss_g", "ada_p", "real_sign", "feature_distance", "pixel_distance", "steepness"),
    *("resolution", "blend", "images_per_s"),
)


class TrainingLog:
    """Appends to `log.jsonl` and `tensorboard/` in a run's folder. Entries after `step` are dropped first.

    `curves` are the entries that TensorBoard shows.
    """

    def __init__(self, out: Path, step: int, curves: Sequence[str] = _CURVES) -> None:
        self._curves = curves
        _cut(out / FILE, step)
        self._lines = open(out / FILE, "a", encoding="utf-8")  # noqa: SIM115 - closed on exit
        self._board = SummaryWriter(str(out / "tensorboard"), purge_step=step + 1)

    def __enter__(self) -> TrainingLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lines.close()
        self._board.close()

    def add(self, entry: dict[str, Any]) -> None:
        """Log one tick; `entry` holds `step` and what was measured there."""
        self._lines.write(json.dumps(entry, default=str) + "\n")
        self._lines.flush()
        for name in self._curves:
            if entry.get(name) is not None:
                self._board.add_scalar(name, entry[name], entry["step"])

    def add_sheet(self, step: int, sheet: Pixels) -> None:
        """Add a sample sheet to TensorBoard."""
        self._board.add_image("samples", sheet, step, dataformats="HW")


def _cut(path: Path, step: int) -> None:
    """Drop entries after a step, and a last line that a crash cut short."""
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line + "\n")
        except json.JSONDecodeError:
            continue
    write_text(path, "".join(kept))
