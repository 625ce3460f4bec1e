"""Fields of results as plain Python types and as JSON, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import numpy as np
import pandas as pd


def without_nan(value: Any) -> Any:
    """`value` as JSON can hold it: what is undefined becomes null (its `reason` stands beside it)."""
    if isinstance(value, Mapping):
        return {key: without_nan(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(part) for part in value]
    return None if value is pd.NA or (isinstance(value, float) and not math.isfinite(value)) else value


def spelt_out(value: Any) -> Any:
    """`value` with NaN and infinities as the strings that `float` reads."""
    if isinstance(value, dict):
        return {key: spelt_out(part) for key, part in value.items()}
    if isinstance(value, list):
        return [spelt_out(part) for part in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def plain(value: Any) -> Any:
    """`value` in plain Python types: results as dictionaries, arrays as lists."""
    if is_dataclass(value):
        return value.to_dict()  # type: ignore[union-attr]  # a result
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def restored(value: Any, hint: Any) -> Any:
    """A value of the type `hint`, from what `plain` and JSON made of it."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _restored_union(value, args)
    if origin is tuple:
        kinds = [args[0]] * len(value) if args[-1] is Ellipsis else args
        return tuple(restored(part, kind) for part, kind in zip(value, kinds, strict=True))
    if origin is dict:
        return {args[0](key): restored(part, args[1]) for key, part in value.items()}
    if origin is np.ndarray:
        return _restored_array(value, get_args(args[1])[0])
    if is_dataclass(hint):
        return hint.from_dict(value)  # type: ignore[union-attr]  # a result
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
    return restored(value, fitting[0])


def _restored_array(value: Any, kind: type[np.generic]) -> np.ndarray[Any, Any]:
    array = np.array(value, dtype=object)
    if issubclass(kind, np.floating):
        array[array == None] = np.nan  # noqa: E711 - element by element
    return array.astype(kind)


def equal(one: Any, other: Any) -> bool:
    """Whether two values of a field are equal, where NaN equals NaN."""
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and one.shape == other.shape and equal(one.tolist(), other.tolist())
    if isinstance(one, list | tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, dict):
        return (
            isinstance(other, dict) and one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
        )
    return bool(one == other or (one != one and other != other))
