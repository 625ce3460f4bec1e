from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data.errors import LookalikeError
from data.files import (
    new_folder,
    read_json,
    read_table,
    refuse_occupied,
    sha256,
    write_bytes,
    write_json,
    write_table,
    write_text,
)


def fail(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "no space left on device")


def test_sha256_is_the_published_one(tmp_path: Path) -> None:
    # FIPS 180-2, appendix B.1.
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_sha256_reads_beyond_its_first_chunk(tmp_path: Path) -> None:
    content = bytes(range(256)) * 9000  # more than 2 MiB
    (tmp_path / "long").write_bytes(content)
    assert sha256(tmp_path / "long") == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("step", ["fsync", "chmod", "replace"])
def test_a_failed_write_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="no space left"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["table.csv"]


def test_an_interrupted_write_leaves_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_bytes(tmp_path / "new", b"new")
    assert os.listdir(tmp_path) == []


def test_content_is_on_the_disk_before_the_name_points_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace

    def flushed(handle: int) -> None:
        steps.append(f"fsync of {os.fstat(handle).st_size} bytes")
        fsync(handle)

    def renamed(old: str, new: str) -> None:
        steps.append("replace")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(os, "replace", renamed)
    write_bytes(tmp_path / "file", b"12345")
    assert steps == ["fsync of 5 bytes", "replace"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_a_file_has_the_usual_permissions_and_a_private_one_its_owners_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    replace = os.replace

    def renamed(old: str, new: str) -> None:
        seen.append(stat.S_IMODE(os.stat(old).st_mode))
        replace(old, new)

    monkeypatch.setattr(os, "replace", renamed)
    before = os.umask(0o027)
    try:
        write_bytes(tmp_path / "usual", b"")
        write_bytes(tmp_path / "private", b"", private=True)
        assert os.umask(0o027) == 0o027  # left as it was
    finally:
        os.umask(before)
    assert seen == [0o640, 0o600]  # also before the file had its name


def test_json_round_trip_keeps_letters_beyond_ascii(tmp_path: Path) -> None:
    content = {"d′": [1, 0.1, None, True], "µ": {"x": "×"}}
    write_json(tmp_path / "a.json", content)
    assert read_json(tmp_path / "a.json") == content
    assert "d′" in (tmp_path / "a.json").read_text(encoding="utf-8")


def test_json_refuses_nan_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("text", ["", "{", '{"a": 1', "not json", "[]", "3", '"text"', b"\xff\xfe{}"])
def test_unreadable_json_is_one_clean_line_that_names_the_file(tmp_path: Path, text: str | bytes, refuses: Any) -> None:
    path = tmp_path / "loop.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with refuses("not-json") as caught:
        read_json(path)
    assert str(caught.value).startswith(f"{path}: not ")
    assert "\n" not in str(caught.value)


def test_missing_json(tmp_path: Path, refuses: Any) -> None:
    with refuses("no-such-file") as caught:
        read_json(tmp_path / "loop.json")
    assert "loop.json" in str(caught.value)


@pytest.mark.parametrize("name", ["table.csv", "table.tsv"])
def test_table_round_trip_with_missing_cells_and_awkward_text(tmp_path: Path, name: str) -> None:
    frame = pd.DataFrame(
        {
            "id": ["001", "NA", "nan", "None", "1e5", "a,b\tc", 'say "x"', "two\nlines"],
            "note": [None, "b", None, "d", "e", "f", "g", "h"],
            "number": [1.5, np.nan, 3.0, 0.1, 1e-9, 1e12, -2.0, 0.0],
        }
    )
    write_table(tmp_path / name, frame)
    back = read_table(tmp_path / name, ("id", "note", "number"), text=("id", "note"))
    assert back["id"].tolist() == frame["id"].tolist()
    assert back["note"].isna().tolist() == frame["note"].isna().tolist()
    assert back["note"].dropna().tolist() == frame["note"].dropna().tolist()
    np.testing.assert_array_equal(back["number"], frame["number"])


def test_missing_is_written_as_na_and_the_suffix_chooses_the_separator(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1.0, np.nan], "b": ["x", None]})
    write_table(tmp_path / "t.tsv", frame)
    write_table(tmp_path / "t.csv", frame)
    assert (tmp_path / "t.tsv").read_bytes() == b"a\tb\n1.0\tx\nn/a\tn/a\n"
    assert (tmp_path / "t.csv").read_bytes() == b"a,b\n1.0,x\nn/a,n/a\n"


def test_missing_and_empty_cells_are_missing_but_the_word_na_is_text(tmp_path: Path) -> None:
    write_text(tmp_path / "t.csv", "id,x\nn/a,1\n,2\nNA,n/a\n001,\n")
    frame = read_table(tmp_path / "t.csv", ("id", "x"), text=("id",))
    assert frame["id"].isna().tolist() == [True, True, False, False]
    assert frame["id"].tolist()[2:] == ["NA", "001"]
    assert frame["x"].isna().tolist() == [False, False, True, True]


def test_a_spreadsheets_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbfid,x\n001,1\n")
    assert read_table(tmp_path / "t.csv", ("id", "x"), text=("id",))["id"].tolist() == ["001"]


@pytest.mark.parametrize(
    ("content", "code", "why"),
    [
        (b"", "not-a-table", "not readable as a table"),
        (b"a,b\n1,2\n1,2,3\n", "not-a-table", "not readable as a table"),
        (b'a,b\n"1,2\n', "not-a-table", "not readable as a table"),
        (b"a,b\n\xff\xfe,1\n", "not-a-table", "not readable as a table"),
        (b"a,b\n1,2,3\n4,5,6\n", "ragged-table", "more cells than its header"),
        (b"a;b\n0;1.234\n", "semicolons", "so 1.234 may be meant in two ways; save it with commas"),
        (b"a;b\n0,5;1.5\n", "semicolons", "so 1.5 may be meant in two ways"),
        (b"a;b\n0;1,2;3\n", "ragged-table", "more cells than its header"),
        (b"a;1,c\n1,2\n", "missing-column", "column a, b is missing; it has a;1, c"),
        (b"a,c\n1,2\n", "missing-column", "column b is missing; it has a, c"),
        (b"c,d\n1,2\n", "missing-column", "column a, b is missing; it has c, d"),
    ],
)
def test_bad_table_is_one_clean_line_that_names_the_file(
    tmp_path: Path, content: bytes, code: str, why: str, refuses: Any
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with refuses(code) as caught:
        read_table(path, ("a", "b"))
    assert str(caught.value).startswith(f"{path}: ")
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"a;b;id\n0;0,25;001\n1;-,5;1.234\n",
        b"\xef\xbb\xbfa;b;id\r\n0;0,25;001\r\n1;-0,5;1.234\r\n",
        b"sep=;\na;b;id\n0;0,25;001\n1;-0,5;1.234\n",
        b"a\tb\tid\n0\t0.25\t001\n1\t-0.5\t1.234\n",
        b'"a","b","id"\n"0","0.25","001"\n"1","-0.5","1.234"\n',
        b'"a";"b";"id"\n"0";"0,25";"001"\n"1";"-0,5";"1.234"\n',
        "a\tb\tid\n0\t0.25\t001\n1\t-0.5\t1.234\n".encode("utf-16"),
        b"a;b;id\n0;0.25;001\n1;-0.5;1.234\n",
    ],
)
@pytest.mark.parametrize("name", ["t.csv", "t.tsv"])
def test_a_table_that_went_through_a_spreadsheet_says_the_same(tmp_path: Path, content: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(content)
    table = read_table(tmp_path / name, ("a", "b", "id"), text=("id",))
    assert table["a"].tolist() == [0, 1]
    assert table["b"].tolist() == [0.25, -0.5]
    assert table["id"].tolist() == ["001", "1.234"]


def test_missing_table(tmp_path: Path, refuses: Any) -> None:
    with refuses("no-such-file") as caught:
        read_table(tmp_path / "t.csv", ("a",))
    assert "t.csv" in str(caught.value)


def test_new_folder_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    with new_folder(out) as folder:
        (folder / "a").write_text("a")
        assert not out.exists()
    assert (out / "a").read_text() == "a"
    assert os.listdir(out.parent) == ["out"]


@pytest.mark.parametrize("empty_before", [False, True])
@pytest.mark.parametrize(
    "error", [RuntimeError("half way"), KeyboardInterrupt("half way"), LookalikeError("not-finite", "half way")]
)
def test_an_exception_inside_a_new_folder_leaves_nothing(
    tmp_path: Path, error: BaseException, empty_before: bool
) -> None:
    out = tmp_path / "out"
    if empty_before:
        out.mkdir()

    def half_done() -> None:
        with new_folder(out) as folder:
            (folder / "sub").mkdir()
            (folder / "sub" / "a").write_text("a")
            raise error

    with pytest.raises(type(error), match="half way"):
        half_done()
    assert os.listdir(tmp_path) == (["out"] if empty_before else [])
    assert not out.exists() or os.listdir(out) == []


def test_an_empty_folder_may_be_filled(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with new_folder(tmp_path / "out") as folder:
        (folder / "a").write_text("a")
    assert os.listdir(tmp_path / "out") == ["a"]


@pytest.mark.parametrize(("occupied_by", "name"), [("file", "name"), ("folder", "folder")])
def test_an_occupied_place_is_refused_and_untouched(tmp_path: Path, occupied_by: str, name: str, refuses: Any) -> None:
    out = tmp_path / "out"
    kept = out if occupied_by == "file" else out / "kept"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text("precious")
    with refuses("occupied") as caught, new_folder(out):
        pytest.fail("the work must not begin")
    assert f"choose another {name} or" in str(caught.value)
    assert kept.read_text() == "precious"
    assert os.listdir(tmp_path) == ["out"]


def test_a_place_that_was_occupied_meanwhile_is_not_overwritten(tmp_path: Path, refuses: Any) -> None:
    out = tmp_path / "out"

    def overtaken() -> None:
        with new_folder(out) as folder:
            (folder / "a").write_text("mine")
            out.mkdir()
            (out / "a").write_text("theirs")

    with refuses("occupied"):
        overtaken()
    assert (out / "a").read_text() == "theirs"
    assert os.listdir(tmp_path) == ["out"]


def test_refuse_occupied_lets_free_and_empty_places_pass(tmp_path: Path, refuses: Any) -> None:
    refuse_occupied(tmp_path / "nothing")
    refuse_occupied(tmp_path)
    (tmp_path / "a").write_text(json.dumps({}))
    with refuses("occupied"):
        refuse_occupied(tmp_path)


def test_the_current_folder_is_no_new_one(tmp_path, monkeypatch, refuses: Any):
    monkeypatch.chdir(tmp_path)
    with refuses("current-folder"), new_folder(Path()):
        pass
    assert tmp_path.is_dir()
