"""The one exception a user is meant to see."""

from __future__ import annotations

import re
from collections.abc import Iterable


class LookalikeError(Exception):
    """A user's mistake, or a fault in the user's files.

    The message is one line: what was wrong, where, and what to do about it. The command line prints it and exits with
    code 2; a script may catch it.

    Attributes
    ----------
    code : str
        The kind of mistake in a few words with hyphens, such as `missing-column`. It stays the same when the sentence
        is reworded, so scripts and tests can rely on it.

    Examples
    --------
    >>> from pathlib import Path
    >>> from data import LookalikeError, read_study
    >>> try:
    ...     read_study(Path("nowhere.toml"))
    ... except LookalikeError as error:
    ...     print(error.code)
    no-such-file
    """

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        # A name or a cell that it quotes may hold line breaks, as spreadsheets' do.
        super().__init__(re.sub(r"\s*[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]\s*", " ", message).strip())

    def __reduce__(self) -> tuple[type[LookalikeError], tuple[str, str]]:
        return type(self), (self.code, str(self))


def check_choice(value: str, choices: Iterable[str], what: str) -> None:
    """Raise `LookalikeError` unless `value` is one of the `choices`; a mistyped word must not pass as another."""
    allowed = tuple(choices)
    if value not in allowed:
        raise LookalikeError("unknown-choice", f"{what} {value!r}: must be one of {', '.join(map(repr, allowed))}")
