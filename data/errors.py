"""The one exception a user is meant to see."""

from __future__ import annotations


class LookalikeError(Exception):
    """A user's mistake, or a fault in the user's files.

    `code` names the kind of mistake in a few words with hyphens, such as `missing-column`. It stays the same when the
    sentence is reworded, so scripts and tests can rely on it. The message is one line: what was wrong, where, and what
    to do about it. The command line prints it and exits with code 2; a script may catch it.
    """

    def __init__(self, code: str, message: str | None = None) -> None:
        # One argument alone is a message that has no code yet.
        self.code = "unspecified" if message is None else code
        super().__init__(code if message is None else message)

    def __reduce__(self) -> tuple[type[LookalikeError], tuple[str, str]]:
        return type(self), (self.code, str(self))
