"""Conditions and covariates from the command line: what one table gives, and what goes wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Six participants, two of whose columns describe them, and two generators beside the same real images."""
    rng = np.random.default_rng(2)
    rows = []
    for person in range(6):
        for name, dprime in (("", 0.0), ("early", 2.0), ("late", 0.0)):
            for image, evidence in enumerate(rng.normal(dprime, 1, 20) - 0.7):
                truth, said = ("generated" if name else "real"), ("generated" if evidence > 0 else "real")
                sure, kind = 1 + int(abs(evidence) > 0.7), ["novice", "expert"][person % 2]
                rows.append((f"p{person}", f"{name}{image}", truth, name, said, sure, kind, 10 * person))
    columns = ["participant", "stimulus_id", "truth", "model", "response", "confidence", "expertise", "volume"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "both.csv", index=False)
    return tmp_path / "both.csv"


@pytest.mark.slow
def test_one_command_tells_that_one_generator_fools_and_another_does_not(
    lookalike: Any, table: Path, tmp_path: Path
) -> None:
    words = ("--columns", "condition=model", "--covariates", "expertise,volume", "--no-figures")
    said = lookalike("analyze", table, *words, "--out", tmp_path / "results")
    assert said.code == 0, said
    assert "conditions differ; for other participants and other images" in said.out
    assert "AUC, early" in said.out
    assert ": discriminated" in said.out
    summary = json.loads((tmp_path / "results" / "summary.json").read_text(encoding="utf-8"))
    (found,) = summary["conditions"]
    assert [(one["name"], one["status"]) for one in found["each"]] == [
        ("early", "discriminated"),
        ("late", "not decided"),
    ]
    differences = pd.read_csv(tmp_path / "results" / "condition_differences.tsv", sep="\t")
    assert differences[["first", "second"]].to_numpy().tolist() == [["early", "late"]]
    assert differences["auc_low"][0] > 0.1
    conditions = pd.read_csv(tmp_path / "results" / "conditions.tsv", sep="\t")
    assert conditions["participants"].tolist() == [6, 6]
    effects = pd.read_csv(tmp_path / "results" / "covariates.tsv", sep="\t")
    assert set(effects["name"]) == {"expertise", "volume", "condition"}
    sessions = pd.read_csv(tmp_path / "results" / "session_measures.tsv", sep="\t")
    assert sessions["session"].tolist() == [1] * 6
    page = (tmp_path / "results" / "report.html").read_text(encoding="utf-8")
    for heading in ("All conditions together", "Covariates of participants", "Holm’s method"):
        assert heading in page


def test_mistakes_are_named(mistake: Any, table: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "results")
    mistake("analyze", table, "--covariates", "grade", *out, code="missing-column")
    mistake("analyze", table, "--conditions", "generator", *out, code="no-such-file")
    mistake("analyze", table, "--participants", table, "--covariates", "grade", *out, code="missing-column")
    mistake("analyze", table, "--covariates", "confidence", *out, code="contradictory-facts")
    mistake("analyze", table, "--columns", "condition=truth,truth=truth", *out, code="unusable-conditions")
    mistake("analyze", table, "--participants", table, *out, code="missing-option")
    mistake("analyze", table, "--kind", "same_different", "--covariates", "age", *out, code="unused-option")
    assert not (tmp_path / "results").exists()
