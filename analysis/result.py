"""What every result of this package can do: become a dictionary or a row of a table, and come back from one."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
import pandas as pd

from data.errors import LookalikeError

_Kind = TypeVar("_Kind", bound="Result")


class Result:
    """Base of the frozen dataclasses in which the functions of this package return what they found.

    Two results are equal if they are of one class and all fields are equal, where NaN equals NaN. Subclasses are
    declared with `@dataclass(frozen=True, eq=False)`, so that they compare in this way.

    Attributes
    ----------
    reason : str or None
        Of nearly every result: why a value is undefined (NaN), None if nothing is.

    Examples
    --------
    >>> from analysis import Result, dprime
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
        return {one.name: _plain(getattr(self, one.name)) for one in fields(self)}  # type: ignore[arg-type]

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
        return cls(**{name: _restored(value, hints[name]) for name, value in values.items()})

    def to_json(self) -> str:
        """All fields as JSON, from which `from_json` makes an equal result.

        JSON has no NaN and no infinity: these are the strings "nan", "inf" and "-inf".
        """
        return json.dumps(_spelt_out(self.to_dict()), ensure_ascii=False, allow_nan=False)

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
        return all(_equal(getattr(self, one.name), getattr(other, one.name)) for one in fields(self))  # type: ignore[arg-type]

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


def without_nan(value: Any) -> Any:
    """`value` as JSON can hold it: what is undefined becomes null (its `reason` stands beside it)."""
    if isinstance(value, Mapping):
        return {key: without_nan(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(part) for part in value]
    return None if value is pd.NA or (isinstance(value, float) and not math.isfinite(value)) else value


def _spelt_out(value: Any) -> Any:
    """`value` with NaN and infinities as the strings that `float` reads."""
    if isinstance(value, dict):
        return {key: _spelt_out(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_spelt_out(part) for part in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Result):
        return value.to_dict()
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _restored(value: Any, hint: Any) -> Any:
    """A value of the type `hint`, from what `_plain` and JSON made of it."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _restored_union(value, args)
    if origin is tuple:
        kinds = [args[0]] * len(value) if args[-1] is Ellipsis else args
        return tuple(_restored(part, kind) for part, kind in zip(value, kinds, strict=True))
    if origin is dict:
        return {args[0](key): _restored(part, args[1]) for key, part in value.items()}
    if origin is np.ndarray:
        return _restored_array(value, get_args(args[1])[0])
    if isinstance(hint, type) and issubclass(hint, Result):
        return hint.from_dict(value)
    if hint is float:
        return np.nan if value is None else float(value)
    return value


def _restored_union(value: Any, kinds: tuple[Any, ...]) -> Any:
    if value is None and NoneType in kinds:
        return None
    # Which of several results it is shows in its fields.
    fitting = [
        kind
        for kind in kinds
        if kind is not NoneType and not (is_dataclass(kind) and {one.name for one in fields(kind)} != set(value))
    ]
    return _restored(value, fitting[0])


def _restored_array(value: Any, kind: type[np.generic]) -> np.ndarray[Any, Any]:
    array = np.array(value, dtype=object)
    if issubclass(kind, np.floating):
        array[array == None] = np.nan  # noqa: E711 - element by element
    return array.astype(kind)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and one.shape == other.shape and _equal(one.tolist(), other.tolist())
    if isinstance(one, list | tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, dict):
        return (
            isinstance(other, dict) and one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
        )
    return bool(one == other or (one != one and other != other))


def _flat(result: Any) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for one in fields(result):
        value = getattr(result, one.name)
        if is_dataclass(value):
            row |= {f"{one.name}_{name}": item for name, item in _flat(value).items()}
        elif value is None or isinstance(value, str | bool | int | float | np.generic):
            row[one.name] = value
    return row
