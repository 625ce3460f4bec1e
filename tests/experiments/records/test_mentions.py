"""Where a participant is still named: found beside the data and in the current folder, and nothing else entered."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Any

import pytest

from experiments.records import mentions
from experiments.records.mentions import Mentions, find_mentions


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a data folder `data` in it; the current one is another."""
    (tmp_path / "study" / "data").mkdir(parents=True)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "study"


def write(path: Path, text: str | bytes = "1,k7q2m\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def found(study: Path) -> Mentions:
    return find_mentions(study / "data", "k7q2m", apart_from=study / "data" / ".mark-k7q2m.json")


def test_the_code_is_found_in_names_and_in_texts(study: Path) -> None:
    data = study / "data"
    named = {
        write(data / "deep" / ".hidden" / "list.txt"),
        write(study / "study-1.csv", "participant,trial\nk7q2m,1\n"),
        write(study / "study-1.imrmc"),
        write(study / "results" / "report.html", "<td>k7q2m</td>"),
        write(study / "copy" / "sub-k7q2m_ses-1_beh.tsv", ""),
        write(study / "k7q2m.pdf", b"%PDF"),
        write(study / "excel.txt", "sub-k7q2m\t1".encode("utf-16")),
        write(study / "long.csv", "x,y\n" * 10_000 + "k7q2m,1\n"),
        write(Path.cwd() / "export.csv"),
    }
    write(data / ".mark-k7q2m.json")
    for number, text in enumerate(("k7q2mm", "xk7q2m", "K7Q2N", "")):
        write(study / f"near{number}.csv", text)
    write(study / "picture.png")  # no text
    write(study / "program", b"\x7fELF\0\0\0k7q2m")
    assert found(study) == Mentions(found(study).named_in, (study, Path.cwd()), (), True)
    assert set(found(study).named_in) == named
    assert len(found(study).named_in) == len(named)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes among files, and links only for some users")
def test_hidden_folders_virtual_environments_and_links_are_not_entered(study: Path) -> None:
    write(study / ".git" / "list.csv")
    write(study / "env" / "pyvenv.cfg", "home = /usr\n")
    write(study / "env" / "lib" / "list.csv")
    outside = write(study.parent / "outside" / "list.csv")
    (study / "link").symlink_to(outside.parent)
    (study / "link.csv").symlink_to(outside)
    os.mkfifo(study / "pipe.csv")
    assert found(study) == Mentions((), (study, Path.cwd()), (), True)


def test_other_disks_are_told_and_not_entered_but_for_the_data(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data folder at the very top has /proc beside it, where reading may never end."""
    named = {write(study / "data" / "mounted" / "a.csv"), write(study / "b.csv")}
    write(study / "mounted" / "deep" / "c.csv")
    monkeypatch.setattr(mentions, "_disk", lambda folder: int("mounted" in folder.parts))
    seen = found(study)
    assert (set(seen.named_in), seen.not_looked_into) == (named, (study / "mounted",))


@pytest.mark.parametrize("here", ["study", "study/data", "study/deeper"])
def test_a_folder_is_searched_once(study: Path, monkeypatch: pytest.MonkeyPatch, here: str) -> None:
    (study / "deeper").mkdir()
    monkeypatch.chdir(study.parent / here)
    named = {write(study / "a.csv"), write(study / "data" / "b.csv"), write(study / "deeper" / "c.csv")}
    seen = found(study)
    assert (sorted(seen.named_in), seen.looked_in) == (sorted(named), (study,))


def test_the_current_folder_may_hold_all(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(study.parent)
    named = (write(study / "a.csv"), write(study.parent / "b.csv"))
    assert found(study).named_in == named


def test_too_large_and_unreadable_files_are_told(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mentions, "MOST_BYTES", 100)
    fits, large = write(study / "fits.csv", "k7q2m" + "," * 95), write(study / "large.csv", "k7q2m" + "," * 96)
    scandir = os.scandir

    def refusing(path: Path, mode: str) -> IO[Any]:
        if path.name == "locked.csv":
            raise PermissionError
        return open(path, mode)

    def closed(path: Path) -> object:
        if Path(path).name == "closed":
            raise PermissionError
        return scandir(path)

    locked = write(study / "locked.csv")
    write(study / "closed" / "list.csv")
    monkeypatch.setattr(mentions, "open", refusing, raising=False)
    monkeypatch.setattr(os, "scandir", closed)
    seen = found(study)
    assert seen.named_in == (fits,)
    assert set(seen.not_looked_into) == {large, locked, study / "closed"}


def test_of_too_many_files_the_nearest_are_looked_at_and_those_of_the_data_all(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mentions, "MOST_FILES", 5)
    for number in range(9):
        write(study / "data" / f"{number}.csv", "")
    inside = write(study / "data" / "z" / "z.csv")
    for number in range(3):
        write(study / "a" / f"{number}.csv", "")
    near = write(study / "z.csv")
    write(study / "b" / "c" / "far.csv")
    assert found(study).all_looked_at  # five: z.csv, three in a, one in b
    write(study / "a" / "3.csv", "")
    seen = found(study)
    assert (seen.named_in, seen.all_looked_at) == ((inside, near), False)
