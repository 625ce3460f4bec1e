"""One table of theirs in our columns and words: what can be said of a table before it joins the others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from data.errors import LookalikeError
from data.external_tables.columns import columns_of
from data.external_tables.mapping import TableMapping
from data.external_tables.names import FILE, TIMES, column_list, in_ms
from data.external_tables.programs.export import Export
from data.external_tables.programs.registry import read_export
from data.external_tables.sources import TableFile
from data.external_tables.values import (
    is_number,
    leading_numbers,
    number_in,
    numbers,
    option,
    ordered_words,
    quoted,
    refuse_words,
    translated,
    unused_words,
    without_missing,
)
from data.external_tables.wide import long_table
from data.kinds.kind import Kind
from data.trials import ROLES, SESSION_FACTS

PERSON = "of participant: "  # before the name of a column that describes participants
_SCALES = ("confidence", "rating")
_CORRECT = {
    **dict.fromkeys(("1", "true", "yes", "correct", "right"), True),
    **dict.fromkeys(("0", "false", "no", "incorrect", "wrong"), False),
}


@dataclass(frozen=True, eq=False)
class Part:
    """The trials of one file in our columns, with numbers as numbers; the index names the row, and the file if need be.

    `notes` says what was recognised; `left_out` counts rows of other things; `named_by_file` says whether the
    participant is the file's name; `unused` are the keys of `TableMapping.words` that are in no cell.
    """

    where: str
    trials: pd.DataFrame
    notes: tuple[str, ...]
    left_out: int
    named_by_file: bool
    unused: frozenset[str]


def read_part(table: TableFile, kind: Kind[Any, Any], mapping: TableMapping, several: bool) -> Part:
    """Read one file. Raises `LookalikeError` as `read_external_table` does."""
    export = long_table(read_export(table.path, mapping), mapping)
    where, cells = str(table.path), _kept_rows(export.sheet.cells, mapping, str(table.path))
    notes = [f"read as {_article(export.program)}"] if export.program else []
    if several:
        cells = cells.set_axis([f"{table.path.name}:{row}" for row in cells.index], axis=0).rename_axis("row")
    export = replace(export, sheet=replace(export.sheet, cells=cells))
    by_file = mapping.columns.get("participant") == FILE or bool(mapping.file.participant)
    unnamed = table.participant is None and not by_file and not several and not export.one_person
    columns, told = columns_of(export, kind, mapping, by_file, unnamed)
    trials = pd.DataFrame({ours: cells[theirs] for ours, theirs in columns.items()}, index=cells.index, dtype=object)
    _refuse_formulas(trials, where)
    trials, named_by_file = _with_ids(trials, table, mapping.file.participant, by_file)
    facts = [name for name in SESSION_FACTS if name in cells and name not in trials]
    trials = trials.assign(**{name: cells[name] for name in facts})
    trials = trials.assign(**{PERSON + name: cells[name] for name in _of_people(cells, mapping, where)})
    trials = _without_missing(trials, mapping)
    trials, left_out = _of_trials(trials, kind)
    unused = unused_words(trials, mapping)
    if trials.empty:  # a session that was broken off before its first trial
        return Part(where, trials, tuple(notes), left_out, named_by_file, unused)
    trials, more = _in_our_words(trials, kind, mapping, columns, export, where)
    millis = {ours for ours, theirs in columns.items() if table.in_ms(theirs) or (ours in TIMES and in_ms(theirs))}
    trials, labelled = _in_numbers(trials, kind, mapping, export, millis, where)
    return Part(where, trials, (*notes, *export.sheet.notes, *told, *more, *labelled), left_out, named_by_file, unused)


def _of_people(cells: pd.DataFrame, mapping: TableMapping, where: str) -> tuple[str, ...]:
    """The columns that describe participants. Raises `LookalikeError` if one is not there."""
    for name in mapping.people:
        if name not in cells:
            there = column_list(cells.columns)
            raise LookalikeError(
                "missing-column", f"{where}: column {name!r} of --covariates is missing; it has {there}"
            )
    return mapping.people


def _refuse_formulas(trials: pd.DataFrame, where: str) -> None:
    """Raise `LookalikeError` for a spreadsheet's formula without its value (but ="007" is how some write an id)."""
    for name in trials.columns:
        formulas = [word for word in trials[name].dropna().unique() if word.startswith("=") and word[1:2] != '"']
        for row, cell in trials.loc[trials[name].isin(formulas), name].items():
            raise LookalikeError(
                "not-computed",
                f"{where}: {name} is a formula without its value, {cell!r} (row {row}); open the table in Excel or "
                "LibreOffice, save it and try again",
            )


def _article(program: str) -> str:
    return program if program.startswith(("a ", "an ")) else f"an export of {program}"


def _kept_rows(cells: pd.DataFrame, mapping: TableMapping, where: str) -> pd.DataFrame:
    """The rows that hold one of the words asked for. Raises `LookalikeError` if a column is not there."""
    for name, wanted in mapping.rows.items():
        if name not in cells:
            there = column_list(cells.columns)
            raise LookalikeError("missing-column", f"{where}: column {name!r} of --rows is missing; it has {there}")
        folded = {word.casefold() for word in wanted}
        kept = cells[name].str.casefold().isin(folded)
        if not kept.any() and len(cells):
            found = ", ".join(map(repr, cells[name].dropna().unique()[:6]))
            raise LookalikeError("empty-table", f"{where}: no row has {name} {' or '.join(wanted)}; there are {found}")
        cells = cells[kept]
    return cells


def _with_ids(trials: pd.DataFrame, table: TableFile, pattern: str, by_file: bool) -> tuple[pd.DataFrame, bool]:
    """The trials with ids, a session if the file's name says one; and whether the file named the participant."""
    if table.session is not None and "session" not in trials:
        trials = trials.assign(session=table.session)
    if table.participant is not None:
        return trials.assign(participant=table.participant), False
    if by_file or "participant" not in trials:
        return trials.assign(participant=_id_in(table.path.stem, pattern)), True
    return trials, False


def _id_in(stem: str, pattern: str) -> str:
    if not pattern:
        return stem
    try:
        match = re.search(pattern, stem)
    except re.error as error:
        raise LookalikeError(
            "bad-setting", f"file.participant: {pattern!r} is no regular expression ({error})"
        ) from None
    if match is None:
        raise LookalikeError("bad-file-name", f"{stem}: file.participant, {pattern!r}, finds no id in this name")
    return match[1] if match.groups() else match[0]


def _without_missing(trials: pd.DataFrame, mapping: TableMapping) -> pd.DataFrame:
    """Cells that mean "no answer" as None; what `--words` names is an answer."""
    done = {}
    for name in trials.columns:
        keep = [*mapping.words_of(name, name in ("truth", "response", "role")), *mapping.order.get(name, ())]
        done[name] = without_missing(trials[name], name, mapping, keep)
    return pd.DataFrame(done, index=trials.index)


def _of_trials(trials: pd.DataFrame, kind: Kind[Any, Any]) -> tuple[pd.DataFrame, int]:
    """The rows that show something: neither instructions nor notes below the table; and how many were left out."""
    shown = [name for name in ("stimulus_id", kind.shown_column) if name in trials]
    if shown == [kind.shown_column]:
        shown += [name for name in (kind.answer_column, "rating") if name in trials]
    there = trials[shown].notna().any(axis=1)
    return (trials, 0) if there.all() else (trials[there], int((~there).sum()))


def _in_our_words(
    trials: pd.DataFrame,
    kind: Kind[Any, Any],
    mapping: TableMapping,
    columns: dict[str, str],
    export: Export,
    where: str,
) -> tuple[pd.DataFrame, list[str]]:
    trials = trials.copy()
    notes: list[str] = []
    for name in trials.columns:
        if name in mapping.order:
            trials[name] = ordered_words(trials[name], mapping.order[name])
        elif name not in ("truth", "response", "role", "session") and (words := mapping.words_of(name, False)):
            trials[name] = translated(trials[name], columns.get(name, ""), (), words)
    if "role" in trials:
        trials["role"] = translated(trials["role"], columns.get("role", ""), ROLES, mapping.words_of("role"))
        _refuse_roles(trials["role"], where)
    if not kind.vocabularies:
        return trials.drop(columns="correct", errors="ignore"), notes
    vocabulary = [word for pair in kind.vocabularies for word in pair]
    program = {key.partition(":")[2]: word for key, word in export.words.items()}
    for name in (kind.shown_column, kind.answer_column):
        if name in trials:
            given = mapping.words_of(name)
            words = {**program, **given} if name == kind.shown_column else given
            trials[name] = translated(trials[name], columns.get(name, ""), vocabulary, words)
    refuse_gaps(trials[kind.shown_column], kind.shown_column, where)
    pair = kind.vocabulary(trials) or ()
    refuse_words(trials[kind.shown_column], kind.shown_column, pair, where)
    if kind.answer_column in trials or "correct" in trials:
        trials, told = _by_correctness(trials, kind, pair, where)
        notes += told
    if kind.answer_column in trials:
        refuse_words(trials[kind.answer_column], kind.answer_column, pair, where)
    return trials.drop(columns="correct", errors="ignore"), notes


def refuse_gaps(column: pd.Series, name: str, where: str) -> None:
    """Raise `LookalikeError` for a trial without `name`."""
    gone = column.index[column.isna()]
    if len(gone):
        rows = ", ".join(map(str, gone[:5])) + (f" and {len(gone) - 5} more" if len(gone) > 5 else "")
        raise LookalikeError("missing-value", f"{where}: {name} is missing (row {rows}); write it, or remove the rows")


def _refuse_roles(column: pd.Series, where: str) -> None:
    bad = column[column.notna() & ~column.isin(ROLES)]
    if len(bad):
        raise LookalikeError(
            "unknown-word",
            f"{where}: role is {bad.iloc[0]!r} (row {bad.index[0]}), role is none of {', '.join(ROLES)}; say which, "
            f"such as --words role:{bad.iloc[0]}=main",
        )


def _was_right(word: str) -> bool | None:
    """What a cell says of an answer; None for a word that is not known."""
    return _CORRECT.get(word.casefold(), _CORRECT.get(f"{number_in(word):g}" if is_number(word) else ""))


def _told_contradictions(rows: pd.Index) -> list[str]:
    if rows.empty:
        return []
    return [
        f"in {len(rows)} rows (first row {rows[0]}) the column of correct answers contradicts truth and response, "
        "which were taken; check what their words mean"
    ]


def _by_correctness(
    trials: pd.DataFrame, kind: Kind[Any, Any], pair: Sequence[str], where: str
) -> tuple[pd.DataFrame, list[str]]:
    """Responses that are keys, understood from a column that says which were right.

    A key means what it was right about, or the other where it was wrong; each participant may have keys of their own.
    Where that contradicts itself nothing is done, and the words are refused.
    """
    column, truth = kind.answer_column, trials[kind.shown_column]
    if "rating" in trials or "correct" not in trials or trials["correct"].isna().all():
        return trials, []
    right = trials["correct"].map(_was_right, na_action="ignore")
    if column in trials and trials[column].dropna().isin(pair).all():
        against = trials.index[trials[column].notna() & right.notna() & right.ne(truth.eq(trials[column]))]
        return trials, _told_contradictions(against)
    unknown = trials.loc[right.isna() & trials["correct"].notna(), "correct"]
    if len(unknown) and column not in trials:
        mapped = ",".join(f"correct:{quoted(word)}=..." for word in unknown.unique()[:4])
        raise LookalikeError(
            "unknown-word",
            f"{where}: correct is {unknown.iloc[0]!r} (row {unknown.index[0]}), neither 1 nor 0, true nor false; say "
            f"what it means with --words {option(mapped)}, or --missing {option(quoted(unknown.iloc[0]))} for no "
            "answer",
        )
    other = truth.map({pair[0]: pair[1], pair[1]: pair[0]})
    meant = truth.where(right.eq(True), other).where(right.notna(), None)
    if column not in trials:
        return trials.assign(**{column: meant}), [f"{column} follows from truth and the column of correct answers"]
    written = trials[column]
    if (written.notna() & right.isna()).any():
        return trials, []
    both = pd.DataFrame({"who": trials["participant"], "key": written, "meant": meant})[written.notna()]
    per_key = both.groupby(["who", "key"])["meant"].nunique()
    if (per_key > 1).any():
        return trials, []
    keys = both.drop_duplicates(["key", "meant"])
    told = ", ".join(f"{row.key!r} = {row.meant}" for row in keys.itertuples())
    if keys["key"].duplicated().any():
        told = "the keys differ between participants"
    return trials.assign(**{column: meant.where(written.notna(), None)}), [
        f"{column} was understood from the column of correct answers: {told}"
    ]


def _in_numbers(
    trials: pd.DataFrame, kind: Kind[Any, Any], mapping: TableMapping, export: Export, millis: set[str], where: str
) -> tuple[pd.DataFrame, list[str]]:
    """The trials with numbers in the columns that hold some, times in s, and what to say of scales with labels.

    `millis` are the times that a sidecar or the column's name says are in ms.
    """
    trials, notes = trials.copy(), []
    for name in trials.columns:
        measured = name in kind.fields and name not in (*kind.text, "trial", "role")
        if not (measured or name == "rating"):
            continue
        theirs = [word for word in trials[name].dropna().unique() if not is_number(word)]
        order = ",".join(f"{name}:{quoted(word)}=..." for word in theirs[:6])
        if name in _SCALES and theirs and (labelled := leading_numbers(trials[name])) is not None:
            notes.append(f"{name} is the number that begins each label, as in {theirs[0]!r}")
            trials[name], theirs = labelled, []
        cure = "write times as plain numbers, in s or ms (--time-unit ms); " if name in TIMES else ""
        cure += f"if it means no answer, --missing {option(quoted(f'{name}:{theirs[0]}' if theirs else '...'))}"
        cure += (
            f"; for a scale in words give their numbers: --words {option(order)}" if name in _SCALES and order else ""
        )
        trials[name] = numbers(trials[name], name, where, cure, mapping.file.decimal, export.sheet.decimal_comma)
        if name in TIMES and (mapping.time_unit or ("ms" if name in millis else export.time_unit)) == "ms":
            trials[name] = trials[name] / 1000
    return trials, notes
