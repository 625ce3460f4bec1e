"""Who, when and in which order: ids of participants, sessions and trials as they are written elsewhere."""

from __future__ import annotations

import re

import pandas as pd

from data.errors import LookalikeError
from data.external_tables.ids import is_shortened, merged_note, one_writing, perhaps_same_person, whole_number
from data.external_tables.mapping import TableMapping
from data.external_tables.values import is_number, is_numeric, option, ordered_words, quoted
from data.trials import KEYS

_SESSION = ("s", "ses", "sess", "session", "sitzung", "visit", "v", "t", "day")
_NUMBERED = re.compile(r"[^\W\d]*[-_ ]*0*(\d{1,4})(\.0+)?", re.UNICODE)  # 2, 2.0, 002, ses-02, visit 2


def refuse_shortened(table: pd.DataFrame, where: str) -> None:
    """Raise `LookalikeError` for ids that a spreadsheet shortened: different ones may have become the same."""
    for name in ("participant", "stimulus_id"):
        ids = table[name].dropna().items() if name in table else ()
        for row, word in ids:
            if is_shortened(word):
                raise LookalikeError(
                    "shortened-id",
                    f"{where}: {name} is {word!r} (row {row}), to which spreadsheets shorten long numbers, so that "
                    "different ids become one; export the table again and do not save it in a spreadsheet",
                )


def merged_participants(column: pd.Series) -> tuple[pd.Series, list[str]]:
    """Each participant's id in one writing; what was merged, and which ids that may be one person's were kept apart."""
    kept = one_writing(column.dropna())
    table = {name: whole_number(person) for name, person in kept.items()}
    alike: dict[tuple[str, ...], list[str]] = {}
    for person in dict.fromkeys(table.values()):
        alike.setdefault(perhaps_same_person(person), []).append(person)
    apart = [
        f"participants {' and '.join(map(repr, names))} are taken as different people"
        for names in alike.values()
        if len(names) > 1
    ]
    return column.map(table), [*merged_note("participants", kept), *apart]


def refuse_mixed_people(table: pd.DataFrame, written: pd.Series, where: str) -> None:
    """Raise `LookalikeError` if ids that differ in writing only judged the same image: they may be two people."""
    judged = table[[*KEYS, "stimulus_id"]].assign(written=written)
    per_image = judged.drop_duplicates()
    twice = per_image[per_image.duplicated([*KEYS, "stimulus_id"], keep=False)]
    if len(twice):
        image = twice["stimulus_id"].iloc[0]
        names = " and ".join(map(repr, twice.loc[twice["stimulus_id"] == image, "written"].unique()[:2]))
        raise LookalikeError(
            "ambiguous-participant",
            f"{where}: participants {names} differ in writing only, and both judged {image}; "
            "rename one if they are two people, or name the column of sessions (--columns session=...)",
        )


def session_numbers(
    column: pd.Series, participant: pd.Series, mapping: TableMapping, where: str
) -> tuple[pd.Series, list[str]]:
    """Sessions as whole numbers from 1. Raises `LookalikeError` for words without a number and an order."""
    words, order = mapping.words_of("session", all_columns=False), mapping.order.get("session", ())
    column = ordered_words(column.map(lambda word: words.get(word, word), na_action="ignore"), order)
    numbers: dict[str, int] = {}
    stems: dict[int, dict[str, str]] = {}
    for word in column.dropna().unique():
        match = _NUMBERED.fullmatch(word)
        if match is None:
            unknown = [one for one in column.dropna().unique() if not _NUMBERED.fullmatch(one)]
            mapped = ",".join(f"session:{quoted(one)}=..." for one in unknown[:4])
            raise LookalikeError(
                "not-a-whole-number",
                f"{where}: session is {word!r} (row {column.index[column == word][0]}), not 1, 2, 3, ...; give "
                f"the words their numbers: --words {option(mapped)}",
            )
        numbers[word] = int(match[1])
        stems.setdefault(int(match[1]), {}).setdefault(_stem(word), word)
    for same in stems.values():
        if len(same) > 1:  # pre1 and post1
            one, other = list(same.values())[:2]
            raise LookalikeError(
                "not-a-whole-number",
                f"{where}: sessions {one!r} and {other!r} have the same number; give the words their numbers: --words "
                f"{option(f'session:{quoted(one)}=1,session:{quoted(other)}=2')}",
            )
    if column.isna().any():
        raise LookalikeError(
            "not-a-whole-number", f"{where}: session is missing (row {column.index[column.isna()][0]})"
        )
    found, notes = column.map(numbers).astype(int), []
    told = [f"{word} = {number}" for word, number in numbers.items() if not word.isdigit()]
    if told:
        notes.append(f"sessions: {', '.join(told[:6])}")
    if (found == 0).any():
        without = found[~participant.isin(participant[found == 0].unique())]
        if len(without):  # somebody begins at 1, so 0 is a slip
            row = found.index[found == 0][0]
            raise LookalikeError(
                "not-a-whole-number",
                f"{where}: session is 0 (row {row}), not 1, 2, 3, ..., and other participants have no session 0; "
                "correct it",
            )
        found, notes = found + 1, [*notes, "sessions are counted from 0: 1 was added to each"]
    return found, notes


def _stem(word: str) -> str:
    """The letters before a session's number; none are as good as any that stand for "session"."""
    letters = "".join(letter for letter in word.casefold() if letter.isalpha())
    return "" if letters in _SESSION else letters


def trial_numbers(table: pd.DataFrame, where: str) -> tuple[pd.Series, str | None]:
    """Trials of each session as whole numbers from 1, and what was done where they were not.

    Numbers from 0 become ranks. Numbers that begin anew, as in each block, give way to the order of the rows. Raises
    `LookalikeError` for words, and for a number that is there twice otherwise.
    """
    column, of_session = table["trial"], table.groupby([*KEYS], sort=False)
    order = of_session.cumcount() + 1
    if column.isna().all():
        return order, "the order of the rows"
    numbered = column.map({word: match[1] for word in column.dropna().unique() if (match := _NUMBERED.fullmatch(word))})
    if not is_numeric(column) and numbered.notna().eq(column.notna()).all():
        column = numbered  # trial_12
    if not is_numeric(column):
        word = next(word for word in column.dropna().unique() if not is_number(word))
        row = column.index[column == word][0]
        raise LookalikeError(
            "not-a-whole-number",
            f'{where}: trial is {word!r} (row {row}), not 1, 2, 3, ...; leave the column out with ignore = ["trial"] '
            "in an import file (--import), and the order of the rows counts",
        )
    if column.isna().any():
        return order, "the order of the rows: some had no trial number"
    number = pd.to_numeric(column.str.replace(",", ".")).astype(float)
    twice = pd.concat([table[[*KEYS]], number], axis=1).duplicated(keep=False)
    if twice.any():
        if all(_begins_anew(part) for _, part in number.groupby([table[key] for key in KEYS])):
            return order, "the order of the rows: trial numbers begin anew in each block"
        rows = ", ".join(map(str, table.index[twice][:5])) + (f" and {twice.sum() - 5} more" if twice.sum() > 5 else "")
        raise LookalikeError(
            "repeated-trial",
            f"{where}: trial number is used twice in one session (row {rows}); correct the table, name the column of "
            "sessions (--columns session=THEIRS), or leave trial out with ignore in an import file",
        )
    if (number >= 1).all() and (number % 1 == 0).all():
        return number.astype(int), None
    ranks = number.groupby([table[key] for key in KEYS]).rank().astype(int)
    first = f"{number.min():g}"
    return ranks, f"trial numbers begin at {first}: they were counted from 1"


def _begins_anew(numbers: pd.Series) -> bool:
    """Whether numbers, in the order of the rows, are ascending runs that all begin at the same 0 or 1."""
    steps = numbers.diff()
    starts = numbers[(steps <= 0) | steps.isna()]
    return bool(len(starts.unique()) == 1 and starts.iloc[0] in (0, 1))
