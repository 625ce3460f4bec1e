"""The gallery holds every image once, in the order of the set, and hides the truth until it is asked for."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow

from stimuli.images import quantise
from stimuli.sets import Layout, StimulusSet
from stimuli.sets.gallery import write_gallery

Refuses = Callable[[str], AbstractContextManager[Any]]
Build = Callable[..., StimulusSet]


def test_every_image_is_on_the_page_pixel_by_pixel(build: Build, tmp_path: Path) -> None:
    made = build(Layout(main=6, practice=2, catch=1, bits=16))
    write_gallery(made, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    shown = re.findall(
        r'<img width="(\d+)" height="(\d+)" alt="stimulus (\w+)" src="data:image/png;base64,([^"]+)"', page
    )
    assert [name for _, _, name, _ in shown] == list(made.table["stimulus_id"])
    for width, height, name, data in shown:
        with Pillow.open(io.BytesIO(base64.b64decode(data))) as image:
            np.testing.assert_array_equal(np.asarray(image), quantise(made.read(name), 8))
        assert (int(width), int(height)) == (128, 128)  # 16 px, enlarged by a whole number
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    assert "<script" not in page


def test_the_truth_is_hidden_until_it_is_asked_for(build: Build, tmp_path: Path) -> None:
    made = build(Layout(main=6))
    write_gallery(made, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert re.search(r'id="hidden" checked', page)
    assert ".truth { display: none; }" in page
    # Outside the captions' hidden part, nothing that is seen differs between the two kinds.
    seen = re.sub(r'<span class="truth">.*?</span></figcaption>', "", page, flags=re.DOTALL)
    figures = re.findall(r"<figure.*?</figure>", seen, flags=re.DOTALL)
    plain = {re.sub(r'base64,[^"]+|s\d{4}|of-\w+', "", one) for one in figures}
    assert len(figures) == 6
    assert len(plain) == 1
    assert page.count('class="word">real<') == page.count('class="word">generated<') == 3


def test_names_from_a_manifest_are_text_not_markup(build: Build, tmp_path: Path) -> None:
    made = build(Layout(main=4))
    made.table.loc[0, "source"] = "<script>alert(1)</script>"
    write_gallery(made, tmp_path / "page.html")
    assert "<script" not in (tmp_path / "page.html").read_text()


def test_what_is_refused(build: Build, tmp_path: Path, refuses: Refuses) -> None:
    made = build(Layout(main=4))
    (tmp_path / "there.html").write_text("")
    for name, code in (("page.png", "unknown-format"), ("there.html", "occupied"), ("no/page.html", "no-such-folder")):
        with refuses(code):
            write_gallery(made, tmp_path / name)
