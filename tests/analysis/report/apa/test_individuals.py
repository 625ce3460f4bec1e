"""Sentences in APA style of serial dependence, effects of a sequence and error patterns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.agreement.fingerprint import fingerprint
from analysis.report.apa.individuals import individuals_paragraph, serial_sentence
from analysis.report.apa.numbers import plain, unit
from analysis.serial.sequence import sequence_effects
from analysis.serial.serial import serial_dependence


def trials(people: int = 4, count: int = 60, repeat: float = 0.8) -> pd.DataFrame:
    """Observers who repeat their last answer."""
    rng, parts = np.random.default_rng(7), []
    for person in range(people):
        said = np.cumsum(rng.random(count) > repeat) % 2
        truth = rng.permutation(["real", "generated"] * (count // 2))
        table = pd.DataFrame({"participant": f"p{person}", "trial": range(1, count + 1), "truth": truth})
        parts.append(table.assign(response=np.where(said, "generated", "real"), stimulus_id=range(count)))
    return pd.concat(parts, ignore_index=True)


def test_serial_dependence_has_its_controls() -> None:
    found = serial_dependence(trials(), redraws=99).to_dict()
    text = serial_sentence(found)
    one = found["previous_response"]
    assert f"previous response, M = {plain(one['mean'])}, 95% CI [{plain(one['low'])}, {plain(one['high'])}], p" in text
    assert "next truth (a control)" in text
    assert "five trials back (a control)" in text
    assert serial_sentence(None) == ""


def test_what_is_undefined_of_serial_dependence_is_left_out() -> None:
    found = serial_dependence(trials(people=1, repeat=1.0), redraws=19).to_dict()
    assert serial_sentence(found) == ""


def test_effects_of_a_sequence_are_said_not_to_be_adjusted() -> None:
    found = sequence_effects(trials(), redraws=99)
    text = individuals_paragraph({"sequence": found.table().to_dict("records"), "fingerprint": None})
    assert "not adjusted" in text
    for one in found.effects:
        assert f"{one.name}, M = {plain(one.group.mean)}, 95% CI" in text


@pytest.mark.parametrize("own", [True, False])
def test_errors_are_an_observers_own_only_where_that_is_shown(own: bool) -> None:
    rng = np.random.default_rng(8)
    truth = np.array(["real", "generated"] * 30)

    def session(person: int, noise: float) -> pd.DataFrame:
        bias = np.random.default_rng(person if own else 99).normal(size=60)
        said = np.where(bias + noise * rng.normal(size=60) > 0, "generated", "real")
        return pd.DataFrame({"participant": f"p{person}", "stimulus_id": range(60), "truth": truth, "response": said})

    first, again = (pd.concat([session(person, 0.3) for person in range(6)]) for _ in range(2))
    found: dict[str, Any] = fingerprint(first, again).to_dict()
    text = individuals_paragraph({"fingerprint": found})
    assert f"by r = {unit(found['own'])} and with" in text
    assert ("errors were an observer’s own" in text) == own
    assert ("were not shown to be" in text) != own
