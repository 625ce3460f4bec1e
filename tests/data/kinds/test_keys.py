"""Names of keys in task files, checked against PsychoPy's own tables."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

from data.kinds.keys import KEYS, key_named, key_read
from data.task import read_task


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("F", "f"),
        ("Left", "left"),
        ("arrowleft", "left"),
        ("ArrowRight", "right"),
        ("left arrow", "left"),
        ("Page_Up", "pageup"),
        ("Enter", "return"),
        ("numpad_add", "num_add"),
        ("Numpad 3", "num_3"),
        (".", "period"),
        ("-", "minus"),
        (" f ", "f"),
        ("F12", "f12"),
        ("left shift", "lshift"),
    ],
)
def test_a_key_is_understood_however_it_is_written(written: str, meant: str) -> None:
    assert key_named(written) == meant


@pytest.mark.parametrize("name", KEYS)
def test_every_name_means_itself(name: str) -> None:
    assert key_named(name) == name
    assert key_read({}, name).startswith("the ")


@pytest.mark.parametrize("unknown", ["lefft", "ä", "", "ctrl+f", "f13", "leftmost", "button 1"])
def test_other_words_are_refused_with_what_was_meant_or_the_list(unknown: str) -> None:
    with pytest.raises(
        ValueError, match=r"is not the name of a key; (did you mean '|there are a to z, f1 to f12, tab)"
    ):
        key_named(unknown)


def test_psychopy_knows_every_name_on_some_system() -> None:
    """Read from its source: importing it opens devices."""
    found = importlib.util.find_spec("psychopy")
    if found is None or found.origin is None:
        pytest.skip("PsychoPy is not installed")
    source = (Path(found.origin).parent / "hardware" / "keyboard.py").read_text(encoding="utf-8")
    tables = re.findall(r"^keyNames(?:Win|Mac|Linux) = \{(.*?)^\}", source, re.MULTILINE | re.DOTALL)
    assert len(tables) == 3
    known = set(re.findall(r"\d+: '(\w+)'", "".join(tables)))
    assert set(KEYS) <= known


def test_a_task_file_with_a_key_that_there_is_not_is_refused_when_it_is_read(refuses: Any, tmp_path: Path) -> None:
    path = tmp_path / "task.toml"
    path.write_text('kind = "realfake"\n[keys]\nreal = "F"\ngenerated = "ArrowRight"\n', encoding="utf-8")
    assert read_task(path).task.key_mapping == {"real": "f", "generated": "right"}
    path.write_text('kind = "realfake"\n[keys]\nreal = "lefft"\n', encoding="utf-8")
    with refuses("bad-setting") as caught:
        read_task(path)
    assert "keys: 'lefft' is not the name of a key; did you mean 'left'?" in str(caught.value)
    path.write_text('kind = "realfake"\n[keys]\nreal = "Left"\ngenerated = "arrowleft"\n', encoding="utf-8")
    with refuses("bad-setting") as caught:
        read_task(path)
    assert "both answers are on 'left'" in str(caught.value)
