from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lookalike.console import headline, show


def test_counts_by_reason_read_as_words(capsys: pytest.CaptureFixture[str]) -> None:
    show({"out": "set", "rejected": {"real": {}, "generated": {"flat": 2, "too dark": 1}}, "main": {"real": 5}}, False)
    assert capsys.readouterr().out.splitlines() == [
        "out       set",
        "rejected  real: none; generated: flat 2, too dark 1",
        "main      real 5",
    ]


def test_people_and_simulated_observers_each_have_all_their_lines(tmp_path: Path) -> None:
    def group(observer: str, mean: float) -> dict[str, Any]:
        found = {"n": 3, "undefined": 0, "mean": mean, "low": None, "reason": "few"}
        given = {"dprime": found, "auc": found, "similarity": found | {"n": 0}}
        primary = {"verdict": "not decided", "auc": mean, "low": None, "reason": "few", "p": None, "can_tell": None}
        return primary | {"participants": 3, "observer": observer, "these_images_only": given}

    said = headline({"headline": [group("human", 0.25), group("simulated", 0.75)]}, tmp_path)
    assert {name: text for name, text in said.items() if "these images" in name} == {
        "d', these images only, 3 people": "mean 0.25 (few)",
        "AUC, these images only, 3 people": "mean 0.250 (few)",
        "d', these images only, 3 simulated observers": "mean 0.75 (few)",
        "AUC, these images only, 3 simulated observers": "mean 0.750 (few)",
    }


def test_one_participant_is_singular_and_zero_has_no_sign(tmp_path: Path) -> None:
    found = {"n": 1, "undefined": 0, "mean": -0.0004, "low": None, "reason": "few"}
    given = {"dprime": found, "auc": found, "similarity": found | {"n": 0}}
    primary = {"verdict": "not decided", "auc": 0.5, "low": None, "reason": "few", "p": None, "can_tell": None}
    one = primary | {"participants": 1, "observer": "not stated", "these_images_only": given}
    said = headline({"headline": [one]}, tmp_path)
    assert said["d', these images only, 1 participant"] == "mean 0.00 (few)"


def test_a_condition_below_chance_is_in_the_wrong_direction(tmp_path: Path) -> None:
    auc = {"auc": 0.2, "low": 0.1, "high": 0.3, "level": 0.9}
    each = [{"name": "early", "status": "discriminated", "primary": {"auc": auc}}]
    found = {"observer": "human", "verdict": "not decided", "generalises_to": "all", "each": each, "differences": []}
    said = headline({"conditions": [found], "headline": []}, tmp_path)
    assert said["AUC, early"].endswith("CI: discriminated, in the wrong direction")
