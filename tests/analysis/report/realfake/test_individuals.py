"""The sections of the error fingerprint and of the sequence, in a whole analysis."""

import numpy as np
import pandas as pd
import pytest

from analysis.report.report import analyze
from analysis.report.task_report import analyze_task

WORDS = np.array(["real", "generated"])


def study(path, seed=1, participants=4, images=40, own=1.5, repeat=1.0):
    """Participants with errors of their own, who repeat their previous answer; with a retest."""
    rng = np.random.default_rng(seed)
    rows = []
    for person in range(participants):
        pattern = own * rng.standard_normal(images)
        for session in (1, 2):
            before = 0.0
            for trial, image in enumerate(rng.permutation(images), start=1):
                said = int(pattern[image] + repeat * before + rng.standard_normal() > 0)
                before = said - 0.5
                rows.append((f"p{person}", session, trial, f"i{image}", WORDS[image % 2], WORDS[said]))
    names = ["participant", "session", "trial", "stimulus_id", "truth", "response"]
    pd.DataFrame(rows, columns=names).to_csv(path, index=False)
    return path


@pytest.mark.slow
def test_a_retest_brings_the_fingerprint_and_every_study_its_sequence(tmp_path):
    summary = analyze(study(tmp_path / "t.csv"), tmp_path / "out", formats=())
    (one,) = summary["individuals"]
    own = one["fingerprint"]
    assert own["p"] == pytest.approx(1 / 24)
    assert own["own"] > own["others"] + 0.3
    page = (tmp_path / "out" / "report.html").read_text()
    for part in (
        "Error fingerprint",
        "their errors are partly their own",
        "Sequence and time on task",
        "response 2 back",
    ):
        assert part in page
    table = pd.read_csv(tmp_path / "out" / "fingerprint_correlations.tsv", sep="\t")
    assert len(table) == 16
    own_pairs = table[table["first"] == table["retest"]]
    assert own_pairs["correlation"].mean() == pytest.approx(own["own"])
    sequence = pd.read_csv(tmp_path / "out" / "sequence.tsv", sep="\t").set_index("effect")
    assert sequence.loc["response 1 back", "mean"] > 0
    assert {row["effect"] for row in one["sequence"]} == set(sequence.index)


@pytest.mark.slow
def test_without_a_retest_there_is_no_fingerprint(tmp_path):
    table = pd.read_csv(study(tmp_path / "t.csv"))
    table[table["session"] == 1].to_csv(tmp_path / "t.csv", index=False)
    summary = analyze(tmp_path / "t.csv", tmp_path / "out", formats=())
    assert summary["individuals"][0]["fingerprint"] is None
    assert "Error fingerprint" not in (tmp_path / "out" / "report.html").read_text()
    assert not (tmp_path / "out" / "fingerprint.tsv").exists()


def test_pairs_have_a_sequence_in_their_own_words(tmp_path):
    rng = np.random.default_rng(1)
    said = np.cumsum(rng.random(200) < 0.2) % 2
    table = pd.DataFrame({"participant": np.repeat(["a", "b"], 100), "trial": [*range(1, 101)] * 2})
    sides = np.array(["left", "right"])
    table["truth"], table["response"] = sides[rng.integers(0, 2, 200)], sides[said]
    table.to_csv(tmp_path / "t.csv", index=False)
    summary = analyze_task("two_alternative", tmp_path / "t.csv", tmp_path / "out", formats=())
    effects = {row["effect"]: row for row in summary["sequence"]}
    assert effects["response 1 back"]["mean"] > 1
    assert effects["response 1 back"]["p"] < 0.05
    assert abs(effects["truth 1 back"]["mean"]) < 0.8
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Sequence and time on task" in page
    assert "answering “left”" in page or "answering “right”" in page
    assert "previous response and previous truth [" in page
    assert "Moon, J., &amp; Kwon, O.-S. (2022)" in page


def test_matching_tells_previous_target_and_response_apart(tmp_path):
    rng = np.random.default_rng(1)
    tables = []
    for name in "abc":
        target = rng.uniform(0, 360, 120)
        response = (target + 15 * rng.standard_normal(120)) % 360
        tables.append(pd.DataFrame({"participant": name, "target_deg": target, "response_deg": response}))
    pd.concat(tables).to_csv(tmp_path / "t.csv", index=False)
    summary = analyze_task("matching", tmp_path / "t.csv", tmp_path / "out", formats=())
    assert [row["name"] for row in summary["history"]] == ["target 1 back", "response 1 back", "target 2 back"]
    assert all(row["n"] == 3 for row in summary["history"])
    assert "Previous target and previous response" in (tmp_path / "out" / "report.html").read_text()
