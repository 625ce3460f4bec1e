"""Finds a kind of task by its name, which is the name of its module.

Nothing else in the house lists kinds or branches on the name of one, so adding a kind is adding one file to this
folder. The kinds are in `data` because the session, the command line and the analysis all ask them, and neither
the session nor the analysis imports the other. Listing the names imports no kind, so that `--help` stays quick.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.errors import LookalikeError

if TYPE_CHECKING:
    from data.kinds.kind import Kind

_SHARED = {"adaptive", "keys", "kind", "pairs", "registry", "targets"}  # modules of this folder that kinds share


@cache
def names() -> tuple[str, ...]:
    """The names of all kinds of task, in alphabetical order."""
    modules = pkgutil.iter_modules([str(Path(__file__).parent)])
    return tuple(sorted(module.name for module in modules if module.name not in _SHARED))


@cache
def find(name: str) -> Kind[Any, Any]:
    """The kind of this name. Raises `LookalikeError` if there is none."""
    if name not in names():
        raise LookalikeError("unknown-kind", f"no kind of task is named {name!r}; there are {', '.join(names())}")
    kind: Kind[Any, Any] = import_module(f"data.kinds.{name}").KIND
    return kind
