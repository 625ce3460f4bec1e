"""One small study that tests write in many ways."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from data.external_tables.read import TrialTable, read_external_table

COLUMNS = ["participant", "session", "trial", "stimulus_id", "truth", "response", "confidence", "response_time"]


@pytest.fixture(scope="session")
def study() -> pd.DataFrame:
    """Two participants and eight images, one trial without an answer; all of it text."""
    rows = []
    for place, who in enumerate(("Zoé", "P02")):
        for trial in range(1, 9):
            truth = "generated" if trial % 2 else "real"
            said = "generated" if (trial + place) % 3 else "real"
            missed = (who, trial) == ("P02", 5)
            sure = "" if missed else str(1 + (trial + place) % 4)
            time = "" if missed else f"{0.5 + trial / 4}"
            rows.append((who, "1", str(trial), f"im{trial}", truth, "" if missed else said, sure, time))
    return pd.DataFrame(rows, columns=COLUMNS)


@pytest.fixture(scope="session")
def clean(study: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> TrialTable:
    """The study read from a plain CSV file."""
    path = tmp_path_factory.mktemp("clean") / "clean.csv"
    study.to_csv(path, index=False)
    return read_external_table(path)


@pytest.fixture
def is_clean(clean: TrialTable) -> Callable[..., None]:
    """Asserts that a table holds the study's trials, in these columns."""

    def check(found: TrialTable, *but: str) -> None:
        names = [name for name in COLUMNS if name not in but]
        pd.testing.assert_frame_equal(found.trials[names], clean.trials[names], check_dtype=False)

    return check


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., TrialTable]:
    """Reads a frame as a table, written with pandas' `to_csv` and these settings."""

    def write_and_read(
        frame: pd.DataFrame, name: str = "table.csv", mapping: object = None, **how: object
    ) -> TrialTable:
        frame.to_csv(tmp_path / name, index=False, **how)
        return read_external_table(tmp_path / name, mapping=mapping)

    return write_and_read
