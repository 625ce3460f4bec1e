"""What each room offers a scientist in a notebook: light to import, documented, with examples that are run."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("data", "stimuli", "gan", "experiments", "analysis")
NAMES = [(room, name) for room in ROOMS for name in importlib.import_module(room).__all__]
FUNCTION_SECTIONS = ("Parameters", "Returns", "Raises", "Examples")
CLASS_SECTIONS = ("Attributes", "Examples")


def sections(docstring: str) -> dict[str, str]:
    """The sections of a NumPy docstring, by heading."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}$", inspect.cleandoc(docstring), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def in_a_fresh_process(script: str) -> str:
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_lists_its_public_names_once_each(room: str) -> None:
    names = importlib.import_module(room).__all__
    assert names
    assert len(names) == len(set(names))


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_light_until_a_name_is_used(room: str) -> None:
    """To import it runs one file of its own and what looks its names up, so it takes a few milliseconds."""
    loaded = in_a_fresh_process(
        f"import sys; before = set(sys.modules); import {room}\n"
        "loaded = {name.partition('.')[0] for name in set(sys.modules) - before} - sys.stdlib_module_names\n"
        f"print(*sorted(loaded), sum(name.startswith('{room}.') for name in sys.modules))\n"
        f"assert set({room}.__all__) <= set(dir({room})); assert not hasattr({room}, 'no_such_name')\n"
    )
    assert loaded.split() == [*sorted({room, "lazy_loader"}), "0"], f"importing {room} loads {loaded}"


@pytest.mark.parametrize(("room", "name"), NAMES)
def test_a_public_name_is_documented(room: str, name: str) -> None:
    thing: Any = getattr(importlib.import_module(room), name)
    if not callable(thing):  # a constant or a module
        return
    found = sections(thing.__doc__ or "")
    wanted = CLASS_SECTIONS if inspect.isclass(thing) else FUNCTION_SECTIONS
    if not inspect.isclass(thing):
        signature = inspect.signature(thing)
        wanted = tuple(one for one in wanted if one != "Parameters" or signature.parameters)
        wanted = tuple(one for one in wanted if one != "Raises" or "raise" in inspect.getsource(thing))
        wanted = tuple(one for one in wanted if one != "Returns" or signature.return_annotation not in ("None", None))
        missing = [one for one in signature.parameters if not re.search(rf"\b{one}\b", found.get("Parameters", ""))]
        assert not missing, f"{room}.{name} does not describe {missing}"
    assert not [one for one in wanted if one not in found], f"{room}.{name} lacks {set(wanted) - set(found)}"


@pytest.mark.slow
@pytest.mark.parametrize(("room", "name"), NAMES)
def test_the_examples_of_a_public_name_run(
    room: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    thing: Any = getattr(importlib.import_module(room), name)
    if not callable(thing):
        return
    monkeypatch.chdir(tmp_path)  # an example may write files
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    runner = doctest.DocTestRunner(optionflags=options)
    finder = doctest.DocTestFinder(recurse=False)
    examples = [test for test in finder.find(thing, f"{room}.{name}", globs={}) if test.examples]
    assert examples, f"{room}.{name} shows no example"
    for test in examples:
        runner.run(test)
    assert runner.failures == 0
