"""What every result can do: become a dictionary, JSON or a row of a table, and come back from the first two."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any, TypeVar, get_type_hints

import numpy as np
import pandas as pd

from data.errors import LookalikeError
from data.results.plain import equal, plain, restored, spelt_out

_Kind = TypeVar("_Kind", bound="Result")


class Result:
    """Base of the frozen dataclasses in which functions return what they found.

    Two results are equal if they are of one class and all fields are equal, where NaN equals NaN. Subclasses are
    declared with `@dataclass(frozen=True, eq=False)`, so that they compare in this way.

    Attributes
    ----------
    reason : str or None
        Of nearly every result: why a value is undefined (NaN), None if nothing is.

    Examples
    --------
    >>> from analysis import dprime
    >>> from data import Result
    >>> found = dprime(20, 5, 10, 15)
    >>> isinstance(found, Result), found.to_dict()["hits"]
    (True, 20)
    >>> type(found).from_dict(found.to_dict()) == found
    True
    >>> type(found).from_json(found.to_json()) == found
    True
    """

    def to_dict(self) -> dict[str, Any]:
        """All fields, nested results and arrays included, in plain Python types."""
        return {one.name: plain(getattr(self, one.name)) for one in fields(self)}  # type: ignore[arg-type]

    @classmethod
    def from_dict(cls: type[_Kind], values: Mapping[str, Any]) -> _Kind:
        """The result that `to_dict` turned into these `values`.

        A null for a number, as in `summary.json`, becomes NaN. Raises `LookalikeError` for a field that is missing or
        not one of this class.
        """
        known = {one.name: one for one in fields(cls)}  # type: ignore[arg-type]
        needed = {name for name, one in known.items() if one.default is MISSING and one.default_factory is MISSING}
        if needed - set(values) or set(values) - set(known):
            wrong = [f"lacks {name}" for name in known if name in needed - set(values)]
            wrong += [f"has an unknown {name}" for name in values if name not in known]
            raise LookalikeError("other-fields", f"this is no {cls.__name__}: it {', '.join(wrong)}")
        hints = get_type_hints(cls)
        return cls(**{name: restored(value, hints[name]) for name, value in values.items()})

    def to_json(self) -> str:
        """All fields as JSON, from which `from_json` makes an equal result.

        JSON has no NaN and no infinity: these are the strings "nan", "inf" and "-inf".
        """
        return json.dumps(spelt_out(self.to_dict()), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls: type[_Kind], text: str) -> _Kind:
        """The result that `to_json` turned into this `text`.

        Raises `LookalikeError` for text that is not a JSON object, and for a field that is missing or not one of this
        class.
        """
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise LookalikeError("not-json", f"this is no {cls.__name__}: not readable as JSON ({error})") from None
        if not isinstance(values, dict):
            raise LookalikeError("not-json", f"this is no {cls.__name__}: not a JSON object {{...}}")
        return cls.from_dict(values)

    def to_frame(self) -> pd.DataFrame:
        """One row with the fields that are single values; those of a nested result are `name_field`."""
        return pd.DataFrame([_flat(self)])

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(equal(getattr(self, one.name), getattr(other, one.name)) for one in fields(self))  # type: ignore[arg-type]

    __hash__ = None  # type: ignore[assignment]  # NaN has no hash that equal results would share


@dataclass(frozen=True, eq=False)
class Estimate(Result):
    """A value with its standard error and the bounds `low` and `high` of its interval; NaN where undefined."""

    value: float = np.nan
    se: float = np.nan
    low: float = np.nan
    high: float = np.nan


UNDEFINED = Estimate()


def frame_of(results: Iterable[Result]) -> pd.DataFrame:
    """One row for each result, as its own `to_frame` has it."""
    return pd.DataFrame([_flat(one) for one in results])


def _flat(result: Any) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for one in fields(result):
        value = getattr(result, one.name)
        if is_dataclass(value):
            row |= {f"{one.name}_{name}": item for name, item in _flat(value).items()}
        elif value is None or isinstance(value, str | bool | int | float | np.generic):
            row[one.name] = value
    return row
