"""Records for tests of records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from experiments.records.record import Record


def answer(trial: int) -> dict[str, Any]:
    return {
        "trial": trial,
        "stimulus_id": f"s{trial}",
        "response": "real",
        "confidence": 1,
        "response_time": 0.5,
        "confidence_time": None,
        "onset": 0.1,
    }


def write_answers(folder: Path, count: int) -> Path:
    with Record(folder) as record:
        for trial in range(1, count + 1):
            record.append("answer", **answer(trial))
    return folder / "record.jsonl"
