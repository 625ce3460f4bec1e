"""Settings files (study and task): TOML held against a schema.

Words outside the schema are refused: a misspelt setting must not silently fall back to a default.
"""

from __future__ import annotations

import hashlib
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from data.errors import LookalikeError
from data.files import parse_toml


class Section(BaseModel):
    """A table of a settings file: exact types, no unknown words, never changed after it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


Schema = TypeVar("Schema", bound=Section)


def read_settings(path: Path, schema: type[Schema], missing: str) -> tuple[Schema, str]:
    """Read and validate a settings file; return it and the SHA-256 of its bytes.

    Raises `LookalikeError` naming the first setting at fault, with the one that was probably meant, or saying
    `missing` if there is no such file.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise LookalikeError("no-such-file", f"{path}: {missing}") from None
    try:
        settings = schema.model_validate(parse_toml(path, content))
    except ValidationError as error:
        code, fault = _first_fault(error, schema)
        raise LookalikeError(code, f"{path}: {fault}") from None
    return settings, hashlib.sha256(content).hexdigest()


def nearest(word: str, known: list[str]) -> str:
    """What to say after an unknown word: the known one that it resembles, or all of them."""
    close = get_close_matches(word, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"


def _first_fault(error: ValidationError, schema: type[Section]) -> tuple[str, str]:
    """The code of the first fault, and what it is."""
    # A misspelt setting first: that its right spelling is missing, or that a default does not fit, follows from it.
    faults = sorted(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
    first = faults[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] != "extra_forbidden":
        said = (f"{where}: " if where else "") + str(first["msg"]).removeprefix("Value error, ")
        return "missing-setting" if first["type"] == "missing" else "bad-setting", said
    *above, word = first["loc"]
    return "unknown-setting", f"{where}: no such setting; {nearest(str(word), _settings(schema, above))}"


def _settings(schema: Any, path: list[Any]) -> list[str]:
    """The settings that a schema has at `path`."""
    for part in path:
        schema = schema.model_fields[part].annotation
    return list(schema.model_fields)
