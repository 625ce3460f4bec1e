from __future__ import annotations

import dataclasses
import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.files import sha256
from data.loops import ANCHORS, FORMAT, Frame, Loop, read_loop, write_loop


def make_loop(folder: Path, count: int = 6) -> Loop:
    frames = []
    for number in range(count):
        file = f"frame_{number:03d}.png"
        (folder / file).write_bytes(f"frame {number}".encode())
        frames.append(Frame(file, 360 * number / count, 0.1 + number / 3, sha256(folder / file)))
    loop = Loop(
        frames=tuple(frames),
        anchors=(0, 2, 4),
        seeds=(1, 2, 3),
        codes=((0.1, -2.5), (1e-17, 3.0), (1 / 3, 7.0)),
        truncation=0.7,
        noise_seed=5,
        metric="pixel",
        evenness=0.01,
        model_sha256="ab" * 32,
    )
    write_loop(folder, loop)
    return loop


def change(folder: Path, **fields: Any) -> None:
    content = json.loads((folder / "loop.json").read_text())
    content.update(fields)
    (folder / "loop.json").write_text(json.dumps(content))


def test_round_trip(tmp_path: Path) -> None:
    loop = make_loop(tmp_path)
    assert read_loop(tmp_path) == loop
    assert json.loads((tmp_path / "loop.json").read_text())["format"] == FORMAT


@settings(max_examples=30)  # each one writes and flushes files
@given(
    code=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=8),
    seed=st.integers(0, 2**63),
)
def test_codes_and_seeds_come_back_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, code: list[float], seed: int
) -> None:
    folder = tmp_path_factory.mktemp("loop")
    loop = dataclasses.replace(make_loop(folder, 1), codes=(tuple(code),), seeds=(seed,), anchors=(0,))
    write_loop(folder, loop)
    back = read_loop(folder)
    assert back == loop
    assert [math.copysign(1, x) for x in back.codes[0]] == [math.copysign(1, x) for x in code]


def test_a_loop_of_the_first_format_is_read(tmp_path: Path, refuses: Any) -> None:
    loop = make_loop(tmp_path)
    content = json.loads((tmp_path / "loop.json").read_text())
    added = ("path", "closed", "anchors_deg", "sources", "patients", "anchors_sha256", "measures")
    first = {name: value for name, value in content.items() if name not in added} | {"format": "lookalike-loop/1"}
    (tmp_path / "loop.json").write_text(json.dumps(first))
    assert read_loop(tmp_path) == loop
    (tmp_path / "loop.json").write_text(json.dumps(first | {"format": FORMAT}))
    with refuses("damaged-file"):
        read_loop(tmp_path)


def test_a_loop_that_names_one_patient_or_null_for_each_anchor_is_read(tmp_path: Path) -> None:
    write_loop(tmp_path, dataclasses.replace(make_loop(tmp_path), patients=(("a", "b"), ())))
    assert read_loop(tmp_path).patients == (("a", "b"), ())
    content = json.loads((tmp_path / "loop.json").read_text())
    (tmp_path / "loop.json").write_text(json.dumps(content | {"patients": ["a", None]}))
    assert read_loop(tmp_path).patients == (("a",), ())


def test_altered_codes_of_anchors_are_named(tmp_path: Path, refuses: Any) -> None:
    loop = make_loop(tmp_path)
    (tmp_path / ANCHORS).write_text("{}")
    write_loop(tmp_path, dataclasses.replace(loop, anchors_sha256=sha256(tmp_path / ANCHORS)))
    assert read_loop(tmp_path).anchors_sha256
    (tmp_path / ANCHORS).write_text("[]")
    with refuses("altered-file"):
        read_loop(tmp_path)
    (tmp_path / ANCHORS).unlink()
    with refuses("missing-file"):
        read_loop(tmp_path)


def test_a_missing_frame_is_named(tmp_path: Path, refuses: Any) -> None:
    make_loop(tmp_path)
    os.remove(tmp_path / "frame_003.png")
    with refuses("missing-file") as caught:
        read_loop(tmp_path)
    assert "frame_003.png: " in str(caught.value)


def test_an_altered_frame_is_named(tmp_path: Path, refuses: Any) -> None:
    make_loop(tmp_path)
    (tmp_path / "frame_005.png").write_bytes(b"frame 4")
    with refuses("altered-file") as caught:
        read_loop(tmp_path)
    assert "frame_005.png: altered" in str(caught.value)


@pytest.mark.parametrize("other", ["lookalike-loop/3", None, 1, "lookalike-patches/1"])
def test_another_format_is_refused(tmp_path: Path, other: object, refuses: Any) -> None:
    make_loop(tmp_path)
    change(tmp_path, format=other)
    with refuses("wrong-format"):
        read_loop(tmp_path)


def test_an_unknown_field_is_named(tmp_path: Path, refuses: Any) -> None:
    make_loop(tmp_path)
    change(tmp_path, colour="grey")
    with refuses("damaged-file") as caught:
        read_loop(tmp_path)
    assert "colour" in str(caught.value)


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Loop) if field.name != "format"])
def test_a_missing_field_is_named(tmp_path: Path, field: str, refuses: Any) -> None:
    make_loop(tmp_path)
    content = json.loads((tmp_path / "loop.json").read_text())
    del content[field]
    (tmp_path / "loop.json").write_text(json.dumps(content))
    with refuses("damaged-file") as caught:
        read_loop(tmp_path)
    assert field in str(caught.value)


@pytest.mark.parametrize("frames", [None, [{"file": "a.png"}], ["a.png"], [None]])
def test_frames_of_another_shape_are_refused(tmp_path: Path, frames: object, refuses: Any) -> None:
    make_loop(tmp_path)
    change(tmp_path, frames=frames)
    with refuses("damaged-file"):
        read_loop(tmp_path)


def test_no_manifest(tmp_path: Path, refuses: Any) -> None:
    with refuses("no-such-file") as caught:
        read_loop(tmp_path)
    assert "loop.json: no such file" in str(caught.value)
    (tmp_path / "loop.json").write_text("[]")
    with refuses("not-json"):
        read_loop(tmp_path)


@pytest.mark.parametrize("name", ["../frame_000.png", "/etc/hostname", "", "a\\b.png", 5])
def test_a_frame_outside_the_folder_is_refused(tmp_path: Path, name: object, refuses: Any) -> None:
    frames = [dataclasses.asdict(frame) for frame in make_loop(tmp_path).frames]
    change(tmp_path, frames=[*frames[:1], frames[1] | {"file": name}, *frames[2:]])
    with refuses("unsafe-path") as caught:
        read_loop(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'loop.json'}: frame 2: file ")


@pytest.mark.parametrize("position", [math.nan, math.inf, "60", None])
def test_a_position_that_is_no_number_is_refused(tmp_path: Path, position: object, refuses: Any) -> None:
    frames = [dataclasses.asdict(frame) for frame in make_loop(tmp_path).frames]
    change(tmp_path, frames=[*frames[:1], frames[1] | {"position_deg": position}, *frames[2:]])
    with refuses("not-a-number") as caught:
        read_loop(tmp_path)
    assert "frame 2: position_deg is " in str(caught.value)


def test_one_file_for_two_frames_is_refused(tmp_path: Path, refuses: Any) -> None:
    frames = [dataclasses.asdict(frame) for frame in make_loop(tmp_path).frames]
    change(tmp_path, frames=[*frames[:1], frames[0], *frames[2:]])
    with refuses("duplicate-id"):
        read_loop(tmp_path)
