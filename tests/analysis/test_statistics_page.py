"""docs/statistics.md names functions and tests that are there; the page of references is used as a whole."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

from analysis.report.references import REFERENCES, Citations

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "statistics.md").read_text("utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.count("|") == 6]


@pytest.mark.slow
def test_every_row_names_a_function_and_a_test_that_exist() -> None:
    rows = [row for row in ROWS if row[0] not in ("statistic", "---")]
    assert len(rows) > 35
    for row in rows:
        module, function = row[1].strip("`").rsplit(".", 1)
        assert callable(getattr(import_module(f"analysis.{module}"), function)), row[1]
        named = re.findall(r"`((?:\w+/)*test_\w+\.py)::(test_\w+)`", row[4])
        assert named, row[0]
        for file, test in named:
            tree = ast.parse((ROOT / "tests" / "analysis" / file).read_text("utf-8"))
            assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{file}::{test}"


def test_every_table_that_was_judged_wrongly_has_a_test_that_exists() -> None:
    rows = [line for line in PAGE.split("## Tables that were judged wrongly once")[1].splitlines() if line[:2] == "| "]
    assert len(rows) > 12
    for row in rows[1:]:
        named = re.findall(r"`((?:\w+/)+test_\w+\.py)::(test_\w+)`", row)
        assert named, row
        for file, test in named:
            tree = ast.parse((ROOT / "tests" / file).read_text("utf-8"))
            assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{file}::{test}"


def test_every_reference_is_cited_somewhere_and_every_citation_is_a_reference() -> None:
    sources = [*(ROOT / "analysis").rglob("*.html"), *(ROOT / "analysis").rglob("*.py")]
    text = "\n".join(path.read_text("utf-8") for path in sources if path.name != "references.py")
    cited = set(re.findall(r"[\"{+]([a-z]+[12][0-9]{3})(?=[\"}+])", text))
    assert cited == set(REFERENCES)


def test_works_are_numbered_as_they_are_cited() -> None:
    works = Citations()
    assert works.cite("hautus1995", "sun2014") == "[1, 2]"
    assert works.cite("sun2014") == "[2]"
    assert works.cited() == [REFERENCES["hautus1995"], REFERENCES["sun2014"]]
    works.cite("nobody2001")
    with pytest.raises(KeyError):
        works.cited()


def test_a_reference_has_authors_a_year_a_journal_and_pages() -> None:
    books = {"davison1997", "krippendorff2004", "macmillan2005", "pepe2003", "pinheiro2000", "wood2006"}
    for key, work in REFERENCES.items():
        year = re.search(r"[12][0-9]{3}", key)
        assert year is not None
        assert re.match(rf"\w.+\({year[0]}\)\. .+\.$", work), key
        if key not in books:
            assert re.search(r", [0-9]+, (nix|e)?[0-9]+(–[0-9]+)?\.$", work), key
        assert key.startswith(re.split(r"[, ]", work)[0].lower()), key
