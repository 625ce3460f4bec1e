"""Which column of theirs is which of ours: as mapped, by our name, as the program names it, or by a usual name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from data.errors import LookalikeError
from data.external_tables.files.sheet import Sheet, plain_name
from data.external_tables.mapping import OUR_COLUMNS, TableMapping

# By `plain_name`, the likeliest first.
USUAL_NAMES: dict[str, tuple[str, ...]] = {
    "participant": (
        *("participantid", "participantcode", "subject", "subjectid", "subjid", "subj", "subjidx", "subjectnr"),
        *("subjectnumber", "sub", "subid", "ppid", "pid", "reader", "readerid", "rater", "raterid", "observerid"),
        *("radiologist", "prolificpid", "prolificid", "workerid", "respondent", "respondentid", "vp", "vpn", "vpnr"),
    ),
    "session": ("sessionid", "sessionnumber", "ses", "visit"),
    "trial": ("trialnumber", "trialno", "trialnum", "trialnr", "trialid"),
    "stimulus_id": (
        *("stimulusid", "stimid", "image", "imageid", "imagename", "imagefile", "img", "imgid", "imgname", "imgfile"),
        *("stimulus", "stim", "stimfile", "stimulusfile", "stimname", "picture", "case", "caseid", "file", "filename"),
        *("patch", "patchid", "item", "itemid"),
    ),
    "truth": (
        *("groundtruth", "truelabel", "trueclass", "isfake", "fake", "isgenerated", "issynthetic", "isai", "isgan"),
        *("isreal", "imagetype", "stimulustype", "stimtype", "stimclass", "kind", "category"),
    ),
    "response": ("answer", "resp", "choice", "judgement", "judgment", "decision"),
    "confidence": ("conf", "confidencerating", "confrating", "confidenceresponse", "confresponse", "certainty"),
    "response_time": ("rt", "reactiontime", "responsetimes", "rts", "latency", "rtdec"),
    "correct": ("corr", "accuracy", "acc", "iscorrect", "responsecorrect"),
    "rating": ("score", "likert", "ratingresponse"),
}
TIMES = ("response_time", "confidence_time", "onset")
# A unit at the end of a name, set off from it: RT (ms), rt_ms, rtMs.
_MS = re.compile(r"(?:(?i:[\W_](?:ms|msecs?|millis(?:econds)?))|Ms)\W*$")
_S = re.compile(r"[\W_](?:s|secs?|seconds)\W*$", re.IGNORECASE)
FILE = "{file}"  # in place of a column: the name of the file
_TOLD = ("participant", "session", "trial", "stimulus_id", "truth", "response", "confidence", "rating")


def known_names(mapping: TableMapping, more: Iterable[str] = ()) -> frozenset[str]:
    """Names by which a header is recognised, as `plain_name` gives them."""
    usual = [name for names in USUAL_NAMES.values() for name in names]
    theirs = [*mapping.columns.values(), *mapping.rows, *OUR_COLUMNS, *more]
    return frozenset([*usual, *map(plain_name, theirs)])


def resolve(
    sheet: Sheet, mapping: TableMapping, ours: tuple[str, ...], program: Mapping[str, str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Our column to theirs for all that the sheet has, and what to say of those that were not named by the user.

    Raises `LookalikeError` if a column that `mapping` names is not there, or two columns bear the name.
    """
    cells, found, said = sheet.cells, {}, []
    taken = set(mapping.columns.values())
    claimed = {theirs for ours_of_it, theirs in program.items() if ours_of_it != theirs}
    by_plain: dict[str, str] = {}
    for name in cells.columns:
        by_plain.setdefault(plain_name(name), name)
    for name in ours:
        if name in mapping.ignore:
            continue
        if name in mapping.columns:
            found[name] = _named(sheet, mapping.columns[name])
        elif name in cells.columns and name not in taken and program.get(name, name) == name and name not in claimed:
            found[name] = _named(sheet, name)
        elif name in program:
            found[name] = program[name]
        else:
            names = (plain_name(name), *USUAL_NAMES.get(name, ()))
            usual = [by_plain[plain] for plain in names if plain in by_plain]
            if name in TIMES:
                usual += [theirs for theirs in cells.columns if _without_unit(theirs) in names]
            usual = [theirs for theirs in usual if theirs not in (*taken, *found.values(), *program.values())]
            usual = [theirs for theirs in usual if theirs not in sheet.repeated and theirs not in ours]
            if usual:
                found[name] = usual[0]
                if name in _TOLD:
                    said.append(f"{name} = {usual[0]!r}")
    return found, (f"columns taken by their names: {', '.join(said)}",) if said else ()


def in_ms(name: str) -> bool:
    """Whether the name of a column of times says that they are in milliseconds."""
    return _MS.search(name) is not None


def _without_unit(name: str) -> str:
    """The plain name of a column of times, without its unit; empty if it names none."""
    unit = _MS.search(name) or _S.search(name)
    return plain_name(name[: unit.start()]) if unit else ""


def _named(sheet: Sheet, theirs: str) -> str:
    columns = list(sheet.cells.columns)
    if theirs not in columns:
        same = [name for name in columns if plain_name(name) == plain_name(theirs) and plain_name(theirs)]
        if len(same) != 1:
            raise LookalikeError(
                "missing-column", f"{sheet.path}: column {theirs!r} is missing; {_there(theirs, columns)}"
            )
        theirs = same[0]
    if theirs in sheet.repeated:
        raise LookalikeError(
            "repeated-column", f"{sheet.path}: several columns are called {theirs!r}; give each a name of its own"
        )
    return theirs


def refuse_missing(path: Path, names: Iterable[str], cells: pd.DataFrame) -> None:
    """Raise `LookalikeError` for columns of ours that a table needs and does not have."""
    lacking = list(names)
    if lacking:
        mapped = ",".join(f"{name}=..." for name in lacking)
        one = f" (participant={FILE} if all rows are one person's)" if "participant" in lacking else ""
        raise LookalikeError(
            "missing-column",
            f"{path}: column {', '.join(lacking)} is missing; it has {column_list(cells.columns)}; name yours with "
            f"--columns {mapped}{one}",
        )


def _there(name: str, columns: list[str]) -> str:
    close = get_close_matches(name, columns, n=1)
    return f"did you mean {close[0]!r}? It has {column_list(columns)}" if close else f"it has {column_list(columns)}"


def column_list(columns: Iterable[object]) -> str:
    """The names of columns for a message, the first 25 of many."""
    names = [str(name) for name in columns]
    return ", ".join(names[:25]) + (f" and {len(names) - 25} more" if len(names) > 25 else "")
