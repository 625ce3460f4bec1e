from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from stimuli.sources.mask_files import masks_of

Refuses = Callable[[str], AbstractContextManager[Any]]


@pytest.fixture
def place(tmp_path: Path) -> Callable[..., Path]:
    def write(*files: str) -> Path:
        for file in files:
            path = tmp_path / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
        return tmp_path

    return write


def test_masks_have_the_names_of_their_images_whatever_the_suffix(place: Callable[..., Path]) -> None:
    folder = place("masks/a.png", "masks/deep/b.tif", "masks/notes.txt")
    found = masks_of(["images/a.jpg", "c.dcm", "b.png"], ["", "", ""], folder, folder / "t.csv", folder / "masks")
    assert found == [folder / "masks/a.png", None, folder / "masks/deep/b.tif"]


def test_images_of_the_same_name_have_their_masks_at_the_same_place(
    place: Callable[..., Path], refuses: Refuses
) -> None:
    folder = place("masks/left/1.png", "masks/right/1.png")
    files = ["left/1.jpg", "right/1.jpg"]
    found = masks_of(files, ["", ""], folder, folder / "t.csv", folder / "masks")
    assert found == [folder / "masks/left/1.png", folder / "masks/right/1.png"]
    (folder / "masks/right/1.png").unlink()
    with refuses("ambiguous-mask") as caught:  # never the left one's for the right one
        masks_of(files, ["", ""], folder, folder / "t.csv", folder / "masks")
    assert "1 is the name of several masks or images" in str(caught.value)


def test_the_table_names_masks_unless_a_folder_is_given(place: Callable[..., Path], refuses: Refuses) -> None:
    folder = place("m/x.png", "masks/a.png")
    assert masks_of(["a.png", "b.png"], ["m/x.png", ""], folder, folder / "t.csv", None) == [folder / "m/x.png", None]
    assert masks_of(["a.png"], ["m/x.png"], folder, folder / "t.csv", folder / "masks") == [folder / "masks/a.png"]
    with refuses("missing-file"):
        masks_of(["a.png"], ["m/y.png"], folder, folder / "t.csv", None)


def test_a_folder_that_has_no_masks_of_these_images(place: Callable[..., Path], refuses: Refuses) -> None:
    folder = place("masks/a.png")
    with refuses("no-images"):
        masks_of(["b.png"], [""], folder, folder / "t.csv", folder / "masks")
    with refuses("no-such-folder"):
        masks_of(["b.png"], [""], folder, folder / "t.csv", folder / "none")
