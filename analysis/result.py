"""What every result of this package can do: become a dictionary, or a row of a table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pandas as pd


class Result:
    """Base of the frozen dataclasses in which functions of this package return what they found.

    What is undefined is NaN, and a field `reason` says why.
    """

    def to_dict(self) -> dict[str, Any]:
        """All fields, nested results and arrays included, in plain Python types."""
        return {one.name: _plain(getattr(self, one.name)) for one in fields(self)}  # type: ignore[arg-type]

    def to_frame(self) -> pd.DataFrame:
        """One row with the fields that are single values; those of a nested result are `name_field`."""
        return pd.DataFrame([_flat(self)])


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


def _flat(result: Any) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for one in fields(result):
        value = getattr(result, one.name)
        if is_dataclass(value):
            row |= {f"{one.name}_{name}": item for name, item in _flat(value).items()}
        elif value is None or isinstance(value, str | bool | int | float | np.generic):
            row[one.name] = value
    return row
