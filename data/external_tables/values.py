"""Cells into words, numbers and missing values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.errors import LookalikeError
from data.external_tables.decimals import Decimal, decimal_sign, has_both, in_doubt, with_point, without_blanks
from data.external_tables.files.sheet import plain_name
from data.external_tables.mapping import TableMapping, column_of

# R, NumPy and pandas, Python, JavaScript, Excel, SQL.
_MISSING = frozenset(("n/a", "na", "nan", "none", "null", "undefined", "#n/a", "#null!", "<na>", "nil", "--noinput--"))
_REAL = ("real", "genuine", "authentic", "original")
_GENERATED = ("generated", "fake", "synthetic", "artificial", "ai", "ai-generated", "gan", "computer-generated")
USUAL_WORDS = {**dict.fromkeys(_REAL, "real"), **dict.fromkeys(_GENERATED, "generated")}
_YES, _NO = ("1", "true", "yes"), ("0", "false", "no")
# Columns of this name say of themselves what 1 and 0 mean.
_FLAGS = {
    **dict.fromkeys(("isfake", "fake", "isgenerated", "generated", "issynthetic", "isai", "isgan"), "generated"),
    **dict.fromkeys(("isreal", "real"), "real"),
}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*%?|[+-]?inf(inity)?", re.IGNORECASE)
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"  # 1-Jan is what Excel makes of 1-1
_LABELLED = re.compile(rf"(\d+)(?!-(?:{_MONTHS})$)(?:\s*[-–—:=.)(]+\s*\D.*)?", re.IGNORECASE)
_WHOLE_AS_FLOAT = re.compile(r"(\d+)\.0+")


def without_missing(column: pd.Series, name: str, mapping: TableMapping, keep: Iterable[str] = ()) -> pd.Series:
    """The column with None where a word means "no answer"; words of `keep` mean something else.

    A number that means it also does so written another way: -1 is -1.0.
    """
    given = {word.casefold() for word in mapping.missing_in(name)}
    numbers = {number for number in map(_float, given) if number is not None}
    kept = set(keep)

    def is_missing(word: str) -> bool:
        if word in kept:
            return False
        folded = word.casefold()
        return folded in _MISSING or folded in given or (bool(numbers) and _float(folded) in numbers)

    written = column.dropna().unique()
    gone = [word for word in written if is_missing(word)]
    return column.where(~column.isin(gone), None) if gone else column


def translated(column: pd.Series, theirs: str, vocabulary: Iterable[str], words: Mapping[str, str]) -> pd.Series:
    """The column in our words: as mapped, else ours in any case, else usual ones; other words stay as they are."""
    ours = {word.casefold(): word for word in vocabulary}
    folded = {word.casefold(): mapped for word, mapped in words.items()}
    table = {}
    for word in column.dropna().unique():
        low = word.casefold()
        number = _float(word)
        if word in words:
            table[word] = words[word]
        elif low in folded:
            table[word] = folded[low]
        elif low in ours:
            table[word] = ours[low]
        elif number is not None and (same := _same_number(number, words)) is not None:
            table[word] = same
        elif "generated" in ours.values() and low in USUAL_WORDS:
            table[word] = USUAL_WORDS[low]
        elif "generated" in ours.values() and low in (*_YES, *_NO) and (flag := _FLAGS.get(plain_name(theirs))):
            other = "real" if flag == "generated" else "generated"
            table[word] = flag if low in _YES else other
    return column.map(lambda word: table.get(word, word), na_action="ignore")


def unused_words(trials: pd.DataFrame, mapping: TableMapping) -> frozenset[str]:
    """The keys of `mapping.words` whose word is in no cell that it is for."""
    there = {name: trials[name].dropna().unique() for name in trials}

    def is_used(key: str) -> bool:
        column = column_of(key)
        word = key if column is None else key.removeprefix(f"{column}:")
        names = ("truth", "response", "role") if column is None else (column,)
        cells = (cell for name in names for cell in there.get(name, ()))
        return any(cell.casefold() == word.casefold() or _float(cell) == _float(word) is not None for cell in cells)

    return frozenset(key for key in mapping.words if not is_used(key))


def words_in_no_cell(keys: Iterable[str]) -> list[str]:
    """A sentence on words of `--words` that are in no cell, none if there are none."""
    words = ", ".join(map(repr, sorted(keys)))
    return [f"no cell holds {words}, which --words (or [words] in the import file) gives a meaning"] if words else []


def numbers(
    column: pd.Series, name: str, where: str, cure: str, decimal: Decimal = "", likely_comma: bool = False
) -> pd.Series:
    """The column as floats; `decimal` and `likely_comma` are as for `decimals.decimal_sign`.

    Raises `LookalikeError` naming the first word that is no number, or may be several, and its row.
    """
    written = column.dropna()
    words = written.unique()
    sign = decimal_sign(words, decimal, likely_comma)
    if not sign and (doubtful := in_doubt(words, likely_comma)):
        kind = "comma" if "," in doubtful else "point"
        raise LookalikeError(
            "not-a-number",
            f"{where}: {name} is {doubtful!r} (row {written.index[written == doubtful][0]}), which may be thousands or "
            f'a decimal {kind}; write it without the {kind}, or say decimal = "," or "." under [file] in an '
            "import file (--import)",
        )
    if not sign and has_both(words):
        rarer = min(".,", key=lambda one: written.str.contains(one, regex=False).sum())
        at = written.index[written.str.contains(rarer, regex=False)][0]
        raise LookalikeError(
            "not-a-number",
            f"{where}: {name} has points and commas ({written[at]!r}, row {at}); write its numbers in one way, without "
            "thousands separators",
        )
    _refuse_mixed_percent(written, name, where)
    written = written.map({word: with_point(word, sign) for word in words})
    found = written.map({word: _float(word) for word in written.unique()})
    bad = found.isna()
    if bad.any():
        word, row = written[bad].iloc[0], written.index[bad][0]
        raise LookalikeError("not-a-number", f"{where}: {name} is {word!r} (row {row}), not a number; {cure}")
    endless = np.isinf(found.astype(float))
    if endless.any():
        word, row = written[endless].iloc[0], written.index[endless][0]
        raise LookalikeError(
            "not-a-number",
            f"{where}: {name} is {word!r} (row {row}), not a finite number; if it means no answer, "
            f"--missing {option(quoted(f'{name}:{word}'))}",
        )
    return found.astype(float).reindex(column.index)


def _refuse_mixed_percent(written: pd.Series, name: str, where: str) -> None:
    """Raise `LookalikeError` for a column of which a part is in percent: 50% may be 50 or .5."""
    percent = written.str.endswith("%")
    if percent.any() and not percent.all():
        word, other = written[percent].iloc[0], written[~percent].iloc[0]
        raise LookalikeError(
            "not-a-number",
            f"{where}: {name} is {word!r} (row {written.index[percent][0]}), and {other!r} without a percent sign (row "
            f"{written.index[~percent][0]}); write all in percent, or none",
        )


def leading_numbers(column: pd.Series) -> pd.Series | None:
    """The numbers of labels such as "4 - very sure" or "4 (sure)"; None unless every label has one of its own."""
    numbers_of = {}
    for word in column.dropna().unique():
        match = _LABELLED.fullmatch(word)
        if match is None:
            return None
        numbers_of[word] = match[1]
    if len(set(numbers_of.values())) < len(numbers_of):
        return None
    return column.map(numbers_of)


def ordered_words(column: pd.Series, order: Sequence[str]) -> pd.Series:
    """Words into the numbers of their places in `order`, from 1; other words stay."""
    places = {word.casefold(): str(place) for place, word in enumerate(order, 1)}
    return column.map(lambda word: places.get(word.casefold(), word), na_action="ignore")


def same_ids(column: pd.Series) -> pd.Series:
    """Ids that are whole numbers written as 12 and 12.0, as if all were written 12."""
    words = column.dropna().unique()
    floats = {word: match[1] for word in words if (match := _WHOLE_AS_FLOAT.fullmatch(word))}
    if floats and all(word in floats or word.isdigit() for word in words):
        return column.replace(floats)
    return column


def refuse_words(column: pd.Series, name: str, pair: Sequence[str], where: str) -> None:
    """Raise `LookalikeError` for a word that is neither of two, naming it, its row and the option that maps it."""
    bad = column[column.notna() & ~column.isin(pair)]
    if bad.empty:
        return
    word, rows = bad.iloc[0], ", ".join(map(str, bad.index[:5])) + (f" and {len(bad) - 5} more" if len(bad) > 5 else "")
    others = [other for other in bad.unique()[:6] if other != word]
    more = f" (also {', '.join(map(repr, others))})" if others else ""
    mapped = ",".join(f"{name}:{quoted(one)}=..." for one in [word, *others])
    raise LookalikeError(
        "unknown-word",
        f"{where}: {name} is {word!r}{more}, neither {' nor '.join(map(repr, pair))} (row {rows}); say what it means "
        f"with --words {option(mapped)}, or --missing {option(quoted(word))} for no answer",
    )


def counted(number: int, what: str) -> str:
    """A number of things: 1 row, 2 rows."""
    return f"{number} {what}" + ("" if number == 1 else "s")


def quoted(word: str) -> str:
    """A word as `--words` and `--columns` take it: in quotation marks if it holds a comma or an equals sign."""
    return '"' + word.replace('"', '""') + '"' if re.search('[,="]', word) else word


def option(text: str) -> str:
    """A value as a shell takes it."""
    return f"'{text}'" if re.search(r"""[^\w:=,.+@/-]""", text) and "'" not in text else text


def _float(word: str) -> float | None:
    text = without_blanks(word.strip().replace("−", "-"))
    if not _NUMBER.fullmatch(text):
        return None
    return float(text.rstrip("% "))


def _same_number(number: float, words: Mapping[str, str]) -> str | None:
    return next((mapped for word, mapped in words.items() if _float(word) == number), None)


def number_in(word: str) -> float | None:
    """The number that a word is, however it is written; None if it is none."""
    return _float(with_point(word))


def is_number(word: str) -> bool:
    """Whether a word is a number, however it is written."""
    return number_in(word) is not None


def is_numeric(column: pd.Series) -> bool:
    """Whether there are values and all of them are numbers."""
    words = column.dropna().unique()
    return bool(len(words)) and all(map(is_number, words))


def smallest_step(values: npt.ArrayLike) -> float:
    """The smallest difference between different values."""
    some = np.unique(values)
    return float(np.diff(some).min()) if some.size > 1 else 0.0
