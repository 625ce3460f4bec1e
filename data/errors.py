"""The one exception a user is meant to see."""


class LookalikeError(Exception):
    """A user's mistake, or a fault in the user's files.

    The message is one line: what was wrong, where, and what to do about it. The command line
    prints it and exits with code 2; a script may catch it.
    """
