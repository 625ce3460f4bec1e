"""Conditions of later sessions stand beside those of session 1."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.report.number_text import number
from analysis.report.report import analyze

HEADING = "Conditions in later sessions"


def table(sessions: int) -> pd.DataFrame:
    """Four observers; generator A fools nobody, B everybody."""
    rng, rows = np.random.default_rng(9), []
    for session in range(1, sessions + 1):
        for person in range(4):
            for image in range(60):
                kind = ("real", "A", "B")[image % 3]
                said = rng.normal(2.0 if kind == "A" else 0.0) > 0.7
                rows.append((f"p{person}", session, f"s{image}", kind, "generated" if said else "real"))
    found = pd.DataFrame(rows, columns=["participant", "session", "stimulus_id", "kind", "response"])
    found["truth"] = np.where(found["kind"] == "real", "real", "generated")
    return found.assign(condition=found["kind"].where(found["kind"] != "real")).drop(columns="kind")


def test_every_condition_is_shown_in_every_session(tmp_path: Path) -> None:
    table(2).to_csv(tmp_path / "trials.csv", index=False)
    analyze(tmp_path / "trials.csv", tmp_path / "out", formats=())
    found = pd.read_csv(tmp_path / "out" / "condition_sessions.tsv", sep="\t")
    assert len(found) == 4 * 2 * 2
    assert set(found["condition"]) == {"A", "B"}
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    section = page[page.index(HEADING) :]
    for _, part in found.groupby(["condition", "session"]):
        assert number(part["dprime"].mean()) in section
    by_condition = found.groupby("condition")["dprime"].mean()
    assert by_condition["A"] == pytest.approx(2.0, abs=0.5)
    assert by_condition["B"] == pytest.approx(0.0, abs=0.5)


def test_without_a_later_session_there_is_nothing_beside(tmp_path: Path) -> None:
    table(1).to_csv(tmp_path / "trials.csv", index=False)
    analyze(tmp_path / "trials.csv", tmp_path / "out", formats=())
    assert not (tmp_path / "out" / "condition_sessions.tsv").exists()
    assert HEADING not in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
