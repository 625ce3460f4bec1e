"""Every phrase that a participant reads, in English, and language files that say them otherwise.

A language file is TOML: phrases that all tasks share at its top, those of a kind of task in a table named as the kind,
and the texts of a task file (`consent`, `instructions`, ...) if they are to stand there. What it leaves out stays as it
is. Words in braces are filled in, and must be the same in every language. Shipped files are in `data/texts/`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from string import Formatter
from typing import Any

from data.errors import LookalikeError
from data.files import parse_toml
from data.settings import nearest
from data.shipped import TEXTS

SHARED: dict[str, str] = {
    "agree": "Press SPACE if you agree, or ESC to leave.",
    "begin": "Press SPACE to begin.",
    "continue": "Press SPACE to continue.",
    "close": "Press SPACE to close.",
    "stop_question": "Do you want to stop?\n\nPress Y to stop; your answers so far are kept.\nPress N to continue.",
    "take_your_time": "Take as much time as you need. Press ESC to stop; your answers so far are kept.",
    "may_stop": "Press ESC to stop; your answers so far are kept.",
    "time_limit": "Answer each image within {duration}; after that, the next one appears.",
    "time_limit_repeat": "Answer each image within {duration}. Those that you do not answer in time are shown once "
    "more at the end.",
    "repeat": "Some images were not answered in time. You will see them once more.",
    "look_at_mark": "Before each image a cross appears. Look at it.",
    "may_undo": "If you pressed a wrong key, press {key} before the next image appears; then answer again.",
    "undo_hint": "{key}: answer again",
    "may_touch": "Instead of pressing a key you may touch or click the buttons on the screen.",
    "rate": "Press a number from {lowest} ({low}) to {highest} ({high}), or touch it.",
    "practice_rate": "First, some practice. Use the whole scale: a number at one of its ends only when you are "
    "certain, one near the middle when you are guessing, and those in between for anything in between.",
    "button_continue": "Continue",
    "button_back": "Back",
    "button_stop": "Stop",
    "button_yes": "Yes",
    "button_no": "No",
    "button_undo": "Answer again",
    "page": "Page {page} of {pages}",
    "next_page": "SPACE: next page",
    "previous_page": "LEFT arrow: previous page",
    "practice_rated": "First, some practice. After each answer you say how sure you are. Use the whole scale: a low "
    "number when you are guessing, a high one only when you are certain, and the numbers in between for anything in "
    "between.",
    "practice_unrated": "First, some practice.",
    "practice_count": "The first {count} are for practice.",
    "practice_over": "The practice is over.",
    "break": "Time for a break. Take as long as you like.",
    "thank_you": "That was the last image. Thank you.",
    "done": "You have done {done} of {trials}.",
    "say_how_sure": "Then say how sure you are: press a number from 1 (a guess) to {levels} (certain).",
    "scale": "The numbers go from 1 (a guess) to {levels} (certain).",
    "how_sure": "How sure are you?\nPress or touch a number from 1 (a guess) to {levels} (certain).",
    "one_second": "1 second",
    "seconds": "{seconds} seconds",
    "decimal_sign": ".",
    "image_shown": "Each image is shown for {duration}. You may answer while it is shown or afterwards.",
    "pair_shown": "Each pair is shown for {duration}. You may answer while it is shown or afterwards.",
    "target_shown": "Each image that you are to match is shown for {duration}.",
    "press": "{question} Press {key}.",
    "key": "the {name} key",
    **{f"key_{name}": f"the {name.upper()} arrow key" for name in ("left", "right", "up", "down")},
    **{f"short_{name}": f"{name.upper()} arrow" for name in ("left", "right", "up", "down")},
}
TEXT_NAMES = ("consent", "instructions", "practice", "pause", "thanks")  # those of `data.plan.Text`


def shared(phrases: Mapping[str, str], phrase: str, /, **values: object) -> str:
    """A phrase that all tasks share, as `phrases` say it or in English, with its values filled in."""
    return phrases.get(phrase, SHARED[phrase]).format(**values)


def read_language(
    name: str, beside: Path, kinds: Mapping[str, Mapping[str, str]]
) -> tuple[dict[str, str], dict[str, str], str]:
    """The texts and the phrases of a language file, and the SHA-256 of its bytes.

    `name` is a file in the folder `beside`, or a shipped one (`de.toml`, or just `de`). `kinds` are the English phrases
    of the kinds of task, by kind; theirs are returned as `kind.phrase`. Raises `LookalikeError` naming an unknown or
    faulty phrase.
    """
    file = name if name.endswith(".toml") else f"{name}.toml"
    path = next((one for one in (Path(beside) / file, TEXTS / file) if one.is_file()), None)
    if path is None:
        shipped = ", ".join(one.name for one in sorted(TEXTS.glob("*.toml")))
        raise LookalikeError("no-such-file", f"{Path(beside) / file}: no such language file; shipped are {shipped}")
    content = path.read_bytes()
    texts: dict[str, str] = {}
    phrases: dict[str, str] = {}
    for key, value in parse_toml(path, content).items():
        if key in kinds and isinstance(value, dict):
            for phrase, said in value.items():
                phrases[f"{key}.{phrase}"] = _checked(path, f"{key}.{phrase}", said, kinds[key], phrase)
        elif key in TEXT_NAMES and isinstance(value, str):
            texts[key] = value
        else:
            phrases[key] = _checked(path, key, value, SHARED, key)
    return texts, phrases, hashlib.sha256(content).hexdigest()


def _checked(path: Path, where: str, said: Any, english: Mapping[str, str], name: str) -> str:
    if name not in english:
        raise LookalikeError("unknown-setting", f"{path}: {where}: no such phrase; {nearest(name, list(english))}")
    if not isinstance(said, str):
        raise LookalikeError("bad-setting", f"{path}: {where}: is not a text in quotes")
    wanted = _filled_in(english[name])
    try:
        there = _filled_in(said)
    except ValueError as error:
        raise LookalikeError("bad-setting", f"{path}: {where}: {error}; write {{{{ for a brace") from None
    if there != wanted:
        words = ", ".join(f"{{{word}}}" for word in sorted(wanted)) or "no words in braces"
        raise LookalikeError("bad-setting", f"{path}: {where}: must have {words}, as in {english[name]!r}")
    return said


def _filled_in(phrase: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(phrase) if name is not None}
