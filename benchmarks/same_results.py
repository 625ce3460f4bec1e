"""Do two versions of Lookalike give the same figures, tables and numbers?

    git worktree add ../earlier REVISION
    (cd ../earlier && python -m lookalike demo --seed 1 --out ../demo-before)
    python -m lookalike demo --seed 1 --out ../demo-after
    python -m benchmarks.same_results ../demo-before ../demo-after

Compares every image by its pixels, every drawn figure by all that its SVG draws except text, and every number that the
earlier version wrote in a table or JSON file with the one that is there now, to `PRECISION`. Sentences may be reworded,
numbers may be added, and what differs between any two runs is left out: times, hashes of files that hold times,
versions. `RENAMED` and `ALLOWED` list the differences that are meant. Exits with 1 if there is any other.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

RENAMED = {"giveaways.tsv": "detectability.tsv"}
PRECISION = 1e-14  # relative: the order of a sum may move the last digit
# Rows of the table of methods that are gone: the same method under a second name.
ALLOWED = re.compile(r"Dorfman.Berbaum.Metz")
_PASSING = re.compile(r"started|utc|version|sha256|onset|_time$|seconds|inputs|files$|sessions\.\d+\.(days|started)")
_SKIPPED = {".html", ".md", ".txt", ".pdf", ".jsonl", ".gif", ""}
_TEXT = re.compile(r"<text.*?</text>|<!--.*?-->", re.DOTALL)


def numbers_of(value: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Every number, truth value and null in a JSON value, with where it is."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from numbers_of(part, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            name = part.get("method", index) if isinstance(part, dict) else index
            if not ALLOWED.search(str(name)):
                yield from numbers_of(part, f"{path}.{name}")
    elif value is None or isinstance(value, bool | int | float):
        yield path, math.nan if value is None else float(value)


def same(first: float, second: float, precision: float = PRECISION) -> bool:
    """Whether two numbers are the same, to a relative precision; two that are missing are."""
    return (math.isnan(first) and math.isnan(second)) or math.isclose(first, second, rel_tol=precision)


def table(path: Path) -> pd.DataFrame:
    """A table's numbers, and its texts; rows of methods that are allowed to go are gone."""
    frame = pd.read_csv(path, sep="\t" if path.suffix == ".tsv" else ",", na_values=["n/a"])
    if "method" in frame:
        frame = frame[~frame["method"].astype(str).str.contains(ALLOWED)].reset_index(drop=True)
    return frame[[name for name in frame if not _PASSING.search(str(name))]]


def table_differences(before: Path, after: Path, precision: float) -> Iterator[str]:
    one, other = table(before), table(after)
    if one.shape[0] != other.shape[0]:
        yield f"{len(one)} rows, now {len(other)}"
        return
    for name in one:
        if name not in other:
            yield f"column {name} is gone"
        elif pd.api.types.is_numeric_dtype(one[name]):
            pairs = zip(one[name].astype(float), other[name].astype(float), strict=True)
            if not all(same(first, second, precision) for first, second in pairs):
                yield f"column {name}: {one[name].tolist()[:4]}, now {other[name].tolist()[:4]}"


def json_differences(before: Path, after: Path, precision: float) -> Iterator[str]:
    one, other = (
        {
            where: number
            for where, number in numbers_of(json.loads(path.read_text(encoding="utf-8")))
            if not _PASSING.search(where)
        }
        for path in (before, after)
    )
    for where, first in one.items():
        second = other.get(where)
        if second is None:
            yield f"{where} is gone"
        elif not same(first, second, precision):
            yield f"{where}: {first}, now {second}"


def image_differences(before: Path, after: Path, _: float) -> Iterator[str]:
    one, other = (np.asarray(Image.open(path)) for path in (before, after))
    if one.shape != other.shape:
        yield f"{one.shape} pixels, now {other.shape}"
    elif not np.array_equal(one, other):
        yield f"{np.mean(one != other):.2%} of its pixels differ"


def figure_differences(before: Path, after: Path, _: float) -> Iterator[str]:
    one, other = (_TEXT.sub("", path.read_text(encoding="utf-8")) for path in (before, after))
    if one != other:
        yield "draws something else"


DIFFERENCES = {
    ".tsv": table_differences,
    ".csv": table_differences,
    ".json": json_differences,
    ".svg": figure_differences,
}


def compared(folder: Path) -> list[Path]:
    """The files that are compared; of a figure with an SVG, that alone."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix not in _SKIPPED)
    return [path for path in files if path.suffix != ".png" or not path.with_suffix(".svg").exists()]


def differences(before: Path, after: Path, precision: float = PRECISION) -> Iterator[str]:
    """One line for each difference that is not a sentence and not passing; numbers agree to a relative precision."""
    for path in compared(before):
        name = path.relative_to(before).as_posix()
        twin = after / Path(name).with_name(RENAMED.get(path.name, path.name))
        if not twin.exists():
            yield f"{name}: gone"
            continue
        for line in DIFFERENCES.get(path.suffix, image_differences)(path, twin, precision):
            yield f"{name}: {line}"


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
    parser.add_argument("before", type=Path, help="folder of the demo by the earlier version")
    parser.add_argument("after", type=Path, help="folder of the demo by this version")
    given = parser.parse_args()
    found = list(differences(given.before, given.after))
    print(*found, f"{len(compared(given.before))} files compared, {len(found)} differences", sep="\n")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
