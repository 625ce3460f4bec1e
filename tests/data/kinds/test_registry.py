"""Every kind of task is one module, found by its name, and says all that others ask of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import data.kinds
from data.kinds.registry import _SHARED, find, names
from data.shipped import DEFAULT_TASK
from data.task import read_task, shipped_tasks

ROOT = Path(__file__).resolve().parents[3]


def test_a_kind_is_one_module_and_has_a_shipped_task() -> None:
    there = {path.stem for path in Path(data.kinds.__file__).parent.glob("*.py")} - {"__init__"}
    assert there == {*names(), *_SHARED}
    assert set(names()) == set(shipped_tasks())
    assert [find(name).name for name in names()] == list(names())


def test_the_default_task_is_shipped_and_of_the_kind_of_that_name() -> None:
    assert read_task(shipped_tasks()[DEFAULT_TASK]).task.kind == DEFAULT_TASK


@pytest.mark.parametrize("name", names())
def test_a_kind_is_whole(name: str) -> None:
    kind = find(name)
    assert set(kind.required) | set(kind.text) | set(kind.fills) <= set(kind.fields)
    assert {kind.shown_column, kind.answer_column, "trial", "role"} <= set(kind.fields)
    assert {kind.shown_column, kind.answer_column} <= set(kind.required) & set(kind.columns)
    assert set(kind.answers) == set(kind.vocabularies[0] if kind.vocabularies else ())
    assert kind.single_images == (kind.beside == 1 and kind.shows == "set")
    assert bool(kind.answers) == (kind.response == "keys")
    assert kind.label == name.replace("_", "")
    for note in kind.columns.values():
        assert note["Description"].endswith(".")


def test_the_names_are_listed_without_loading_a_kind() -> None:
    script = (
        "import sys; from data.kinds.registry import names; print(*names())\n"
        "print(*sorted({'numpy', 'pandas', 'pydantic', 'data.kinds.kind'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout == " ".join(names()) + "\n\n"


@pytest.mark.parametrize("name", ["realfak", "kind", "registry", "", "data.kinds.realfake"])
def test_what_is_not_a_kind_is_refused(name: str, refuses: Any) -> None:
    with refuses("unknown-kind") as caught:
        find(name)
    assert "there are matching, realfake" in str(caught.value)
