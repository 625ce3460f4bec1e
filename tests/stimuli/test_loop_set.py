"""Loops as stimuli: one or several, verified."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.files import sha256
from data.loops import Frame, Loop, read_loop, write_loop
from stimuli.images import write_png
from stimuli.loop_set import read_loops
from stimuli.stimulus_source import read_stimuli

Refuses = Callable[[str], AbstractContextManager[Any]]


def write(folder: Path, grey: float, count: int = 4) -> Path:
    folder.mkdir(parents=True)
    frames = []
    for number in range(count):
        file = f"frame-{number:03d}.png"
        write_png(folder / file, np.full((3, 5), grey + 0.1 * number, dtype=np.float32), 8)
        frames.append(Frame(file, 360 * number / count, 0.1, sha256(folder / file)))
    write_loop(folder, Loop(tuple(frames), (0,), (1,), ((0.0,),), 0.7, 0, "pixel", 0.0, "ab" * 32))
    return folder


def test_one_loop_and_a_folder_of_them(tmp_path: Path) -> None:
    write(tmp_path / "loops" / "b", 0.2)
    write(tmp_path / "loops" / "a", 0.5)
    several, one = read_loops(tmp_path / "loops"), read_loops(tmp_path / "loops" / "b")
    assert list(several.loops) == ["a", "b"]
    assert several.ids("a")[1] == "a/frame-001"
    assert several.files["a/frame-001"] == "a/frame-001.png"
    assert one.files["b/frame-001"] == "frame-001.png"
    assert one.positions("b") == (0, 90, 180, 270)
    np.testing.assert_array_equal(one.read("b/frame-001"), several.read("b/frame-001"))
    assert one.read("b/frame-001")[0, 0] == pytest.approx(0.3, abs=0.01)
    assert one.mean == pytest.approx(0.35, abs=0.01)
    assert several.largest_px == (3, 5)
    assert several.mean == pytest.approx(0.5, abs=0.01)
    assert one.sha256 != several.sha256
    assert read_stimuli(tmp_path / "loops").sha256 == several.sha256


def test_what_was_altered_is_refused_also_later(tmp_path: Path, refuses: Refuses) -> None:
    folder = write(tmp_path / "a", 0.2)
    loops = read_loops(folder)
    before = loops.sha256
    write_png(folder / "frame-002.png", np.zeros((3, 5), dtype=np.float32), 8)
    with refuses("altered-file") as caught:
        loops.read("a/frame-002")
    assert "frame-002.png" in str(caught.value)
    with refuses("altered-file") as caught:
        read_loops(folder)
    assert "frame-002.png" in str(caught.value)
    with refuses("no-such-stimulus") as caught:
        loops.read("a/frame-009")
    assert "'a/frame-009'" in str(caught.value)
    other = write(tmp_path / "other" / "a", 0.3)
    assert read_loops(other).sha256 != before


def test_an_open_path_is_no_loop(tmp_path: Path, refuses: Refuses) -> None:
    folder = write(tmp_path / "a", 0.2)
    write_loop(folder, dataclasses.replace(read_loop(folder), closed=False))
    with refuses("open-path"):
        read_loops(folder)


def test_no_loops(tmp_path: Path, refuses: Refuses) -> None:
    with refuses("no-loops"):
        read_loops(tmp_path)
    with refuses("not-a-stimulus-set"):
        read_stimuli(tmp_path)
