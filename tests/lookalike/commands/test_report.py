"""`lookalike report`: the sentences of an analysis, from its folder or its summary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


def table(path: Path) -> Path:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"participant": np.repeat(["p1", "p2", "p3"], 40), "stimulus_id": [*range(40)] * 3})
    frame["truth"] = ["real", "generated"] * 60
    frame["response"] = np.where(rng.random(120) < 0.8, frame["truth"], "generated")
    frame.to_csv(path, index=False)
    return path


def test_sentences_are_printed_from_the_folder_and_from_the_file(lookalike: Any, mistake: Any, tmp_path: Path) -> None:
    out = tmp_path / "results"
    lookalike("analyze", table(tmp_path / "t.csv"), "--out", out, "--no-figures")
    said = str(lookalike("report", out, "--style", "apa").out)
    assert said.startswith("Three observers judged 20 generated and 20 real images. The mean area under the ROC curve")
    as_json = json.loads(lookalike("report", out / "summary.json", "--json").out)
    assert as_json["style"] == "apa"
    assert "\n\n".join(as_json["paragraphs"]) == said.strip()
    (tmp_path / "other.json").write_text("{}", encoding="utf-8")
    assert "lookalike analyze" in mistake("report", tmp_path / "other.json", code="not-a-summary")
    assert "nowhere" in mistake("report", tmp_path / "nowhere", code="no-such-file")
