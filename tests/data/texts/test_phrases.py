"""Language files: whole, filled in as the English phrases are, and refused by the phrase at fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from data.files import parse_toml
from data.kinds.registry import find, names
from data.shipped import TEXTS
from data.task import read_task
from data.texts.phrases import SHARED, TEXT_NAMES

LANGUAGES = sorted(path.stem for path in TEXTS.glob("*.toml"))


def written(folder: Path, task: str, language: str = "") -> Path:
    (folder / "ours.toml").write_text(language, encoding="utf-8")
    (folder / "task.toml").write_text(f'kind = "realfake"\n{task}', encoding="utf-8")
    return folder / "task.toml"


def test_the_languages_that_are_shipped() -> None:
    assert LANGUAGES == ["de", "es", "fr", "it", "ja", "zh"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_shipped_language_has_every_phrase_and_asks_for_a_native_check(language: str, tmp_path: Path) -> None:
    file = read_task(written(tmp_path, f'language = "{language}"\n'))
    ours = {*SHARED, *(f"{kind}.{phrase}" for kind in names() for phrase in find(kind).phrases)}
    assert set(file.phrases) == ours
    content = (TEXTS / f"{language}.toml").read_bytes()
    assert b"have a native speaker" in content.replace(b"\n# ", b" ")
    assert not set(parse_toml(TEXTS / language, content)) & set(TEXT_NAMES)
    english = {**SHARED, **{f"{kind}.{name}": said for kind in names() for name, said in find(kind).phrases.items()}}
    same = {name for name, said in file.phrases.items() if said == english[name]}
    assert same <= {"decimal_sign", "realfake.real_short", "button_no"}  # what is the same word in both


def test_a_language_file_of_ones_own_changes_what_it_says_and_nothing_else(tmp_path: Path) -> None:
    own = 'begin = "Go!"\nconsent = "May we?"\npause = "Rest."\n[realfake]\nreal_short = "genuine"\n'
    for task in ('text = "ours.toml"\n', 'language = "ours"\n'):
        file = read_task(written(tmp_path, task, own))
        assert file.phrases == {"begin": "Go!", "realfake.real_short": "genuine"}
        assert (file.task.text.consent, file.task.text.pause, file.task.text.thanks) == ("May we?", "Rest.", "")
    both = read_task(written(tmp_path, 'language = "ours"\n[text]\nconsent = "Please?"\n', own))
    assert (both.task.text.consent, both.task.text.pause) == ("Please?", "Rest.")


def test_a_change_of_the_language_file_changes_the_hash_of_the_task(tmp_path: Path) -> None:
    first, again, other = (
        read_task(written(tmp_path, 'language = "ours"\n', own)).sha256
        for own in ('begin = "Go!"\n', 'begin = "Go!"\n', 'begin = "Start!"\n')
    )
    assert first == again != other


@pytest.mark.parametrize(
    ("language", "code", "said"),
    [
        ('begn = "Go!"', "unknown-setting", "begn: no such phrase; did you mean 'begin'?"),
        ('[realfake]\nreel_short = "x"', "unknown-setting", "realfake.reel_short: no such phrase; did you mean 'real_"),
        ('[realfak]\nreal_short = "x"', "unknown-setting", "realfak: no such phrase"),
        ("begin = 3", "bad-setting", "begin: is not a text in quotes"),
        ('page = "Seite {page}"', "bad-setting", "page: must have {page}, {pages}, as in 'Page {page} of {pages}'"),
        ('begin = "Go {now}!"', "bad-setting", "begin: must have no words in braces"),
        ('page = "{page} of {pages"', "bad-setting", "page: "),
        ("begin = ", "not-toml", "not readable as TOML"),
    ],
)
def test_a_faulty_language_file_is_refused_by_phrase(
    tmp_path: Path, language: str, code: str, said: str, refuses: Any
) -> None:
    with refuses(code) as caught:
        read_task(written(tmp_path, 'language = "ours"\n', language))
    assert f"{tmp_path / 'ours.toml'}: " in str(caught.value)
    assert said in str(caught.value)


def test_a_missing_language_file_names_those_that_are_shipped(tmp_path: Path, refuses: Any) -> None:
    with refuses("no-such-file") as caught:
        read_task(written(tmp_path, 'text = "dee.toml"\n'))
    assert "shipped are de.toml, es.toml" in str(caught.value)
