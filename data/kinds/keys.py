"""The names of keys in task files: which there are, how else they may be written, and what participants read.

The names are PsychoPy's. It gives no error for a name that it does not know: the key would simply never answer.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping

from data.settings import nearest
from data.texts.phrases import shared

# What stands on keys that are not called by their name in capitals.
_LABELS = {
    **{"return": "ENTER", "pageup": "PAGE UP", "pagedown": "PAGE DOWN"},
    **{"lshift": "LEFT SHIFT", "rshift": "RIGHT SHIFT", "lctrl": "LEFT CTRL", "rctrl": "RIGHT CTRL"},
    **{"comma": ",", "period": ".", "slash": "/", "backslash": "\\", "semicolon": ";", "apostrophe": "'"},
    **{"minus": "-", "equal": "=", "bracketleft": "[", "bracketright": "]"},
    **{
        f"num_{name}": f"KEYPAD {sign}"
        for name, sign in (("add", "+"), ("subtract", "-"), ("multiply", "*"), ("divide", "/"), ("enter", "ENTER"))
    },
}
_ARROWS = ("left", "right", "up", "down")
_BY_NAME = ("space", "escape", "tab", "backspace", "home", "end", "insert", "delete")
KEYS = (
    *string.ascii_lowercase,
    *(f"{pad}{digit}" for pad in ("", "num_") for digit in string.digits),
    *(f"f{number}" for number in range(1, 13)),
    *_BY_NAME,
    *_ARROWS,
    *_LABELS,
)
_OTHERWISE = {
    **{f"arrow{name}": name for name in ("left", "right", "up", "down")},
    **{f"{name}arrow": name for name in ("left", "right", "up", "down")},
    **{"enter": "return", "esc": "escape", "spacebar": "space", "pgup": "pageup", "pgdn": "pagedown", "del": "delete"},
    **{",": "comma", ".": "period", "/": "slash", "\\": "backslash", ";": "semicolon", "'": "apostrophe"},
    **{"-": "minus", "=": "equal", "[": "bracketleft", "]": "bracketright", " ": "space"},
    **{"leftshift": "lshift", "rightshift": "rshift", "leftctrl": "lctrl", "rightctrl": "rctrl"},
}


def key_named(word: str) -> str:
    """PsychoPy's name of a key, however it is written: `F`, `Left`, `ArrowLeft`, `left arrow`, `.`.

    Raises `ValueError`, with the names that there are, if it is none.

    Examples
    --------
    >>> from data.kinds.keys import key_named
    >>> [key_named(word) for word in ("F", "ArrowLeft", "Page Up", ";")]
    ['f', 'left', 'pageup', 'semicolon']
    """
    lower = word.lower()
    plain = _OTHERWISE.get(lower) or re.sub(r"(?<=\w)[\s_-]+(?=\w)", "", lower.strip())
    name = _OTHERWISE.get(plain, plain)
    name = re.sub("^(num|numpad|kp)(?=[0-9]$|add|subtract|multiply|divide|enter)", "num_", name)
    if name not in KEYS:
        taken = re.compile(r"f\d+|(num_)?\d|space|escape")
        others = ", ".join(key for key in KEYS if len(key) > 1 and not taken.fullmatch(key))
        guess = nearest(plain, list(KEYS)) if len(plain) > 1 else ""
        said = guess if guess.startswith("did you mean") else f"there are a to z, f1 to f12, {others}"
        raise ValueError(f"{word!r} is not the name of a key; {said}")
    return name


def key_read(phrases: Mapping[str, str], name: str, short: bool = False) -> str:
    """What participants read for a key, such as `the LEFT arrow key`, or `short` as `LEFT arrow`."""
    if name in _ARROWS:
        return shared(phrases, f"{'short' if short else 'key'}_{name}")
    label = _LABELS.get(name, name.upper())
    return label if short else shared(phrases, "key", name=label)
