"""What the pages of the documentation tell readers to save can be read, and nothing overwrites another page's file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from data.files import parse_toml
from data.study import read_study
from data.task import read_task

DOCS = Path(__file__).resolve().parent.parent / "docs"
SAVED = re.compile(r"Save this as `([^`]+)`.*?```toml\n(.*?)```", re.DOTALL)
FILES = [
    (page.name, name, content)
    for page in sorted(DOCS.glob("*.md"))
    for name, content in SAVED.findall(page.read_text("utf-8"))
]


def test_every_page_saves_under_names_of_its_own() -> None:
    """A lab that follows one page after another keeps the study file of the first."""
    names = [name for _, name, _ in FILES]
    assert len(names) >= 5
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("page", "name", "content"), FILES, ids=[f"{page}-{name}" for page, name, _ in FILES])
def test_a_file_to_save_is_read_as_it_stands(page: str, name: str, content: str, tmp_path: Path) -> None:
    for other, beside, text in FILES:  # a study file may name the task file that stands on its page
        if other == page:
            (tmp_path / beside).write_text(text, encoding="utf-8")
    path = tmp_path / name
    if "kind" in parse_toml(path, content.encode()):
        assert read_task(path).task.kind
    else:
        assert read_study(path).need_task().task.kind
