"""Reading a stimulus set: what is refused, in one line that names the row."""

from __future__ import annotations

import json
import string
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import LookalikeError
from data.files import inside
from stimuli.images import Pixels, write_png
from stimuli.sets import Candidate, Layout, StimulusSet, build_set, read_set

Refuses = Callable[[str], AbstractContextManager[Any]]
Texture = Callable[..., Pixels]
Build = Callable[..., StimulusSet]


def rewrite(made: StimulusSet, column: str, value: Any, row: int = 1) -> None:
    """Put a value into a cell of the manifest."""
    table = made.table.astype({column: object})
    table.loc[row, column] = value
    table.to_csv(made.folder / "stimuli.csv", index=False, na_rep="n/a")


def test_a_missing_or_altered_image_is_named(build: Build, refuses: Refuses) -> None:
    made = build(Layout(main=4))
    first, second = made.table["file"].iloc[:2]
    (made.folder / first).write_bytes((made.folder / second).read_bytes())
    with refuses("altered-file") as caught:
        read_set(made.folder)
    assert f"{Path(first).name}: " in str(caught.value)
    with refuses("altered-file"):  # also when it changes during a session
        made.read(made.table["stimulus_id"].iloc[0])
    (made.folder / first).unlink()
    with refuses("missing-file") as caught:
        read_set(made.folder)
    assert f"{Path(first).name}: " in str(caught.value)
    with refuses("missing-file"):
        made.read(made.table["stimulus_id"].iloc[0])
    assert made.read(made.table["stimulus_id"].iloc[1]).shape == (16, 16)


def test_an_unknown_stimulus_is_named(build: Build, refuses: Refuses) -> None:
    with refuses("no-such-stimulus") as caught:
        build(Layout(main=4)).read("s9999")
    assert "'s9999'" in str(caught.value)


@pytest.mark.parametrize(
    ("column", "value", "code", "why"),
    [
        ("truth", "fake", "unknown-word", "row 3: truth is none of real, generated"),
        ("truth", None, "unknown-word", "row 3: truth is none of"),
        ("role", "Main", "unknown-word", "row 3: role is none of main, practice, catch"),
        ("stimulus_id", "s0001", "duplicate-id", "row 3: stimulus_id is missing or used twice"),
        ("stimulus_id", None, "duplicate-id", "row 3: stimulus_id is missing or used twice"),
        *(
            ("stimulus_id", name, "bad-value", "row 3: stimulus_id is ")
            for name in ("../../s0002", "/tmp/s0002", "..", ".s", "a\\b", "a\tb", "a\nb", " ", 101 * "a")
        ),
    ],
)
def test_an_unknown_word_names_its_row(
    build: Build, column: str, value: str | None, code: str, why: str, refuses: Refuses
) -> None:
    made = build(Layout(main=4))
    table = made.table.astype({column: object})
    table.loc[1, column] = value
    table.to_csv(made.folder / "stimuli.csv", index=False, na_rep="n/a")
    with refuses(code) as caught:
        read_set(made.folder)
    assert str(caught.value).startswith(f"{made.folder / 'stimuli.csv'}: {why}")


def test_a_folder_that_is_no_set(build: Build, tmp_path: Path, refuses: Refuses) -> None:
    with refuses("not-a-stimulus-set") as caught:
        read_set(tmp_path / "none")
    assert "none: " in str(caught.value)
    made = build(Layout(main=4))
    manifest = made.folder / "stimuli.json"
    manifest.write_text(json.dumps({**made.about, "format": "lookalike-stimuli/0"}))
    with refuses("wrong-format") as caught:
        read_set(made.folder)
    assert "'lookalike-stimuli/0'" in str(caught.value)
    manifest.unlink()
    with refuses("no-such-file") as caught:
        read_set(made.folder)
    assert str(manifest) in str(caught.value)


def test_a_set_without_images_is_refused(build: Build, refuses: Refuses) -> None:
    made = build(Layout(main=4))
    made.table.iloc[:0].to_csv(made.folder / "stimuli.csv", index=False)
    with refuses("empty-table"):
        read_set(made.folder)


def test_the_sets_hash_changes_with_its_table(build: Build) -> None:
    made = build(Layout(main=4))
    table = made.table.assign(mean=0.5)
    table.to_csv(made.folder / "stimuli.csv", index=False, na_rep="n/a")
    assert read_set(made.folder).sha256 != made.sha256


# A manifest from elsewhere


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../secret.png", "without .."),
        ("images/../../secret.png", "without .."),
        ("/etc/hostname", "a path within"),
        ("C:/secret.png", "a path within"),
        ("images\\s0001.png", "a path within"),
        (".", "leads out of"),
        (" ", "file has no name"),
        (5000 * "a", "longer than"),
    ],
)
def test_a_file_outside_the_folder_is_refused(build: Build, name: str | None, why: str, refuses: Refuses) -> None:
    made = build(Layout(main=4))
    write_png(made.folder.parent / "secret.png", made.read("s0001"))
    rewrite(made, "file", name)
    with refuses("unsafe-path") as caught:
        read_set(made.folder)
    assert str(caught.value).startswith(f"{made.folder / 'stimuli.csv'}: row 3: file ")
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_link_out_of_the_folder_is_refused_and_one_within_is_not(build: Build, refuses: Refuses) -> None:
    made = build(Layout(main=4))
    file = made.folder / made.table["file"].iloc[1]
    inner, outer = made.folder / "moved.png", made.folder.parent / "moved.png"
    for place in (inner, outer):
        place.write_bytes(file.read_bytes())
    file.unlink()
    file.symlink_to(inner)
    assert read_set(made.folder).sha256 == made.sha256
    file.unlink()
    file.symlink_to(outer)
    with refuses("unsafe-path") as caught:
        read_set(made.folder)
    assert "row 3: file is 'images/s0002.png', which leads out of" in str(caught.value)
    file.unlink()
    file.symlink_to(file)
    with refuses("unsafe-path"):
        read_set(made.folder)


def test_a_set_that_is_itself_behind_a_link_is_read(build: Build) -> None:
    made = build(Layout(main=4))
    (made.folder.parent / "link").symlink_to(made.folder)
    assert read_set(made.folder.parent / "link").sha256 == made.sha256


@pytest.mark.parametrize("written", ["{}", "./{}", "images//{}"])
def test_two_ids_for_one_file_are_refused(build: Build, written: str, refuses: Refuses) -> None:
    made = build(Layout(main=4))
    first = made.table["file"].iloc[0]
    rewrite(made, "file", written.format(first.removeprefix("images/") if "//" in written else first))
    with refuses("duplicate-id") as caught:
        read_set(made.folder)
    assert "row 3: file is missing or used twice" in str(caught.value)


@pytest.mark.parametrize("column", ["mean", "sd", "p01", "p99", "loop_position_deg"])
@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "high", "1,5", "0x10"])
def test_a_number_that_is_none_is_refused(build: Build, column: str, value: str, refuses: Refuses) -> None:
    made = build(Layout(main=4))
    rewrite(made, column, value)
    with refuses("not-a-number" if column == "loop_position_deg" else "out-of-range") as caught:
        read_set(made.folder)
    assert str(caught.value).startswith(f"{made.folder / 'stimuli.csv'}: row 3: {column} is ")


def test_grey_levels_beyond_black_and_white_or_missing_are_refused(build: Build, refuses: Refuses) -> None:
    made = build(Layout(main=4))
    for value in (1.5, -0.1, None):
        rewrite(made, "mean", value)
        with refuses("out-of-range") as caught:
            read_set(made.folder)
        assert "not a number from 0 to 1" in str(caught.value)


@pytest.mark.parametrize("column", ["file", "sha256"])
def test_a_missing_file_or_hash_is_named(build: Build, column: str, refuses: Refuses) -> None:
    made = build(Layout(main=4))
    rewrite(made, column, None)
    with refuses("missing-value") as caught:
        read_set(made.folder)
    assert str(caught.value) == f"{made.folder / 'stimuli.csv'}: row 3: file or sha256 is missing"


@pytest.fixture(scope="module")
def small_set(tmp_path_factory: pytest.TempPathFactory, texture: Texture) -> StimulusSet:
    folder = tmp_path_factory.mktemp("fuzz") / "set"
    real, generated = ([Candidate(texture(first + n, 16, 16), f"seed:{n}") for n in range(2)] for first in (0, 9))
    return build_set(folder, real, generated, Layout(main=4), {})


CELL = st.one_of(
    st.text(max_size=12),
    st.text(alphabet="./\\~: " + string.ascii_lowercase, max_size=12),
    st.sampled_from(
        ["nan", "NaN", "inf", "-1e400", "1e400", "0", "n/a", "", "../x", "//x", "s0001", "'=cmd()'", "\x00"]
    ),
    st.floats(width=64).map(repr),
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(column=st.integers(0, 11), row=st.integers(0, 3), cell=CELL)
def test_any_cell_is_read_or_refused_in_one_line(small_set: StimulusSet, column: int, row: int, cell: str) -> None:
    table = small_set.table.astype(object)
    table.iloc[row, column] = cell
    path = small_set.folder / "stimuli.csv"
    before, refused = path.read_bytes(), ""
    try:
        table.to_csv(path, index=False, na_rep="n/a")
        found = read_set(small_set.folder)
        folder = small_set.folder.resolve()
        assert all((folder / file).resolve().is_relative_to(folder) for file in found.table["file"])
        assert found.table[["mean", "sd", "p01", "p99"]].apply(lambda one: one.between(0, 1).all()).all()
    except LookalikeError as error:
        refused = str(error)
    finally:
        path.write_bytes(before)
    assert "\n" not in refused
    assert not refused or str(path.parent) in refused


@settings(max_examples=300, deadline=None)
@given(name=st.one_of(st.none(), st.integers(), st.text(alphabet="./\\~: ab\x00é", max_size=10)))
def test_what_is_inside_a_folder_stays_inside(tmp_path_factory: pytest.TempPathFactory, name: object) -> None:
    folder = tmp_path_factory.getbasetemp()
    refused, path = "", folder / "in it"
    try:
        path = inside(folder, name, "table.csv: row 2")
    except LookalikeError as error:
        refused = str(error)
    assert not refused or refused.startswith("table.csv: row 2: file ")
    assert path.resolve().is_relative_to(folder.resolve())
    assert path.resolve() != folder.resolve()
