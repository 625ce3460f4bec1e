"""Errors carry codes that scripts can rely on: literal, in one form, and few enough to be kinds of mistake."""

from __future__ import annotations

import ast
import pickle
import re
from pathlib import Path

import pytest

from data.errors import LookalikeError

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("data", "stimuli", "gan", "experiments", "analysis", "lookalike")
TESTS = Path(__file__).resolve().parent
CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def given_codes() -> list[tuple[str, ast.expr]]:
    """Where each code is given, and what is given: to `LookalikeError`, or by name to a function that raises it."""
    found = []
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                place = f"{path.relative_to(ROOT)}:{node.lineno}"
                if ast.unparse(node.func) == "LookalikeError":
                    found.append((place, node.args[0]))
                elif ast.unparse(node.func) == "fail":  # what is no `LookalikeError`, such as a full disk
                    found.append((place, node.args[1]))
                found += [(place, keyword.value) for keyword in node.keywords if keyword.arg == "code"]
    return found


@pytest.mark.slow
def test_every_code_is_a_literal_of_one_form() -> None:
    codes = given_codes()
    literal = {(place, code.value) for place, code in codes if isinstance(code, ast.Constant)}
    wrong = [(place, code) for place, code in literal if not CODE.fullmatch(str(code))]
    assert not wrong
    assert len(literal) > 300
    # A few pass on the code of somebody else's call or choose between two.
    assert len(codes) - len(literal) < 12


def words(tree: ast.AST) -> set[str]:
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_code_is_met_by_a_test() -> None:
    given = {word for _, code in given_codes() for word in words(code)}
    files = [path for path in TESTS.rglob("*.py") if path != Path(__file__)]
    said = {word for path in files for word in words(ast.parse(path.read_text(encoding="utf-8")))}
    # Either the code itself, or as the command line prints it with `--debug`.
    met = {code for code in given if code in said or any(f"[{code}]" in word for word in said)}
    assert sorted(given - met) == []


def test_a_message_is_one_line_whatever_it_quotes() -> None:
    error = LookalikeError("missing-column", "it has 'a\nb', 'c\u2028d'  and 'e  f'\r\n")
    assert str(error) == "it has 'a b', 'c d'  and 'e  f'"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_an_error_keeps_its_code_across_processes() -> None:
    error = pickle.loads(pickle.dumps(LookalikeError("no-such-file", "a.csv: no such file")))
    assert (error.code, str(error)) == ("no-such-file", "a.csv: no such file")
