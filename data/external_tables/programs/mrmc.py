"""Multi-reader multi-case programs: iMRMC's input file and data frames, tables of MRMCaov, workbooks of RJafroc.

All have readers, cases, one rating per case, larger for the signal, and truth 0 or 1; the signal, 1, is "generated".
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from data.errors import LookalikeError
from data.external_tables.files.sheet import Sheet, plain_name
from data.external_tables.files.text import decoded
from data.external_tables.files.workbook import workbook_sheets
from data.external_tables.mapping import TableMapping
from data.external_tables.programs.export import Export, with_cells

TRUTH_WORDS = {"truth:1": "generated", "truth:0": "real"}
_BEGIN = "BEGIN DATA"
_HEADER = ["reader", "case", "modality", "rating"]  # as we call the four columns of an input file
_TITLES = ["readerid", "caseid", "modalityid", "score"]  # as iMRMC does
_TRUTH_READERS = ("-1", "-1.0", "truth")
_MODALITIES = ("treatment", "modality", "modalityid", "test", "trtid")
_PARTS = {"truth": ("TRUTH",), "signal": ("TP", "LL"), "noise": ("FP", "NL")}


def recognise(names: set[str]) -> bool:
    plain = {plain_name(name) for name in names}
    return {"reader", "case", "truth"} <= plain and bool({"rating", "score"} & plain)


def adapt(sheet: Sheet, mapping: TableMapping) -> Export:
    columns = {}
    plain = {plain_name(name): name for name in reversed(sheet.cells.columns)}
    for ours, usual in (("participant", "reader"), ("stimulus_id", "case"), ("truth", "truth")):
        columns[ours] = plain[usual]
    columns["rating"] = plain.get("rating", plain.get("score", ""))
    words = TRUTH_WORDS if set(sheet.cells[columns["truth"]].dropna()) <= {"0", "1"} else {}
    modality = next((plain[name] for name in _MODALITIES if name in plain), None)
    refuse_modalities(sheet, modality, mapping)
    return Export(sheet, "an MRMC table (reader, case, truth, rating)", columns, words)


def refuse_modalities(sheet: Sheet, column: str | None, mapping: TableMapping) -> None:
    """Raise `LookalikeError` if a table holds several modalities, and neither one nor their comparison was chosen."""
    if column is None or column in mapping.rows or mapping.columns.get("condition") == column:
        return
    there = list(sheet.cells[column].dropna().unique())
    if len(there) > 1:
        raise LookalikeError(
            "several-modalities",
            f"{sheet.path}: {column} is {', '.join(map(repr, there[:5]))}; choose one with --rows {column}={there[0]}, "
            f"or compare them with --columns condition={column}",
        )


def opens_imrmc(content: bytes) -> bool:
    """Whether a file is an iMRMC input file: free text, a line BEGIN DATA:, and four columns."""
    return _BEGIN.encode() in content.upper()[:200_000] and b"\0" not in content[:100]


def read_imrmc(path: Path, content: bytes, mapping: TableMapping) -> Export:
    """The scores of an iMRMC input file. Raises `LookalikeError`, naming the line, if it is not one."""
    text, notes = decoded(path, content)
    lines = text.splitlines()
    begin = next(number for number, line in enumerate(lines, 1) if line.strip().upper().startswith(_BEGIN))
    rows: dict[int, list[str]] = {}
    for number, line in enumerate(lines[begin:], begin + 1):
        cells = [cell.strip() for cell in line.split(",")]
        if not any(cells):
            continue
        if len(cells) < 4:
            raise LookalikeError(
                "ragged-table", f"{path}: line {number} has {len(cells)} cells, not reader, case, modality, score"
            )
        if [plain_name(cell) for cell in cells[:4]] == _TITLES:
            continue
        rows[number] = cells[:4]
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=_HEADER, dtype=object).rename_axis("row")
    return _with_truths(Sheet(path, frame, notes=notes), _HEADER, "an iMRMC input file", "line", mapping)


def recognise_imrmc(names: set[str]) -> bool:
    plain = {plain_name(name) for name in names}
    return set(_TITLES) <= plain and "truth" not in plain


def adapt_imrmc(sheet: Sheet, mapping: TableMapping) -> Export:
    """The scores of a data frame of R's iMRMC, whose rows with the reader "truth" or -1 hold the truth of each case."""
    plain = {plain_name(name): name for name in reversed(sheet.cells.columns)}
    return _with_truths(sheet, [plain[name] for name in _TITLES], "a data frame of iMRMC", "row", mapping)


def _with_truths(sheet: Sheet, names: list[str], program: str, a_row: str, mapping: TableMapping) -> Export:
    """Scores with the truth of their case, which rows of a reader of their own hold; `names` are those of `_HEADER`.

    Raises `LookalikeError`, naming the first row, if a case has no truth or two.
    """
    reader, case, modality, score = names
    is_truth = sheet.cells[reader].str.casefold().isin(_TRUTH_READERS)
    truths = sheet.cells[is_truth].drop_duplicates([case, score])
    twice = truths.duplicated(case)
    if twice.any():
        raise LookalikeError(
            "contradictory-truth",
            f"{sheet.path}: {a_row} {truths.index[twice][0]}: case {truths[case][twice].iloc[0]} has another truth "
            "before; correct one",
        )
    scores = sheet.cells[~is_truth]
    truth = scores[case].map(truths.set_index(case)[score])
    if truth.isna().any():
        unknown = scores[case][truth.isna()].iloc[0]
        raise LookalikeError(
            "missing-value",
            f"{sheet.path}: {a_row} {truth.index[truth.isna()][0]}: case {unknown} has no truth, a {a_row} whose "
            f"reader is -1 or truth (-1,{unknown},0,0 or 1)",
        )
    sheet = with_cells(sheet, scores.assign(truth=truth))
    refuse_modalities(sheet, modality, mapping)
    columns = {"participant": reader, "stimulus_id": case, "truth": "truth", "rating": score}
    return Export(sheet, program, columns, TRUTH_WORDS)


def opens_rjafroc(path: Path, sheets: dict[str, list[list[str]]]) -> bool:  # noqa: ARG001
    """Whether a workbook has the three sheets of RJafroc."""
    return all(any(name.upper() in sheets_upper(sheets) for name in names) for names in _PARTS.values())


def sheets_upper(sheets: dict[str, list[list[str]]]) -> dict[str, list[list[str]]]:
    return {name.strip().upper(): rows for name, rows in sheets.items()}


def read_rjafroc(path: Path, content: bytes, mapping: TableMapping) -> Export | None:
    """Ratings of an ROC study in RJafroc's workbook (sheets TRUTH, TP or LL, FP or NL); None for another workbook.

    Raises `LookalikeError` for free-response data, where a case has several ratings.
    """
    sheets = workbook_sheets(path, content)
    if not opens_rjafroc(path, sheets):
        return None
    upper = sheets_upper(sheets)
    truth, signal, noise = (
        _frame(path, next(upper[name] for name in names if name in upper)) for names in _PARTS.values()
    )
    generated = set(truth.loc[pd.to_numeric(truth["lesionid"], errors="coerce") > 0, "caseid"])
    rows = []
    for part, is_signal in ((noise, False), (signal, True)):
        rating = next(name for name in part.columns if name.endswith("rating"))
        for number, row in zip(part.index, part.to_dict("records"), strict=True):
            if (row["caseid"] in generated) != is_signal:
                raise LookalikeError(
                    "contradictory-truth",
                    f"{path}: row {number} of a sheet of {'lesions' if is_signal else 'non-lesions'} names case "
                    f"{row['caseid']}; Lookalike reads RJafroc's ROC data, one rating per case, not free-response data",
                )
            rows.append((row["readerid"], row["modalityid"], row["caseid"], str(int(is_signal)), row[rating]))
    names = ["reader", "modality", "case", "truth", "rating"]
    frame = pd.DataFrame(rows, columns=names, dtype=object).rename_axis("row")
    frame.index += 1
    twice = frame.duplicated(["reader", "modality", "case"])
    if twice.any():
        raise LookalikeError(
            "repeated-stimulus",
            f"{path}: case {frame['case'][twice].iloc[0]} has several ratings by one reader; Lookalike reads ROC data "
            "of RJafroc, not free-response data",
        )
    sheet = Sheet(path, frame)
    refuse_modalities(sheet, "modality", mapping)
    columns = {"participant": "reader", "stimulus_id": "case", "truth": "truth", "rating": "rating"}
    return Export(sheet, "a workbook of RJafroc", columns, TRUTH_WORDS)


def _frame(path: Path, rows: list[list[str]]) -> pd.DataFrame:
    filled = [row for row in rows if any(row)]
    if not filled:
        raise LookalikeError("empty-table", f"{path}: one of the sheets TRUTH, TP and FP is empty")
    header = [plain_name(cell) for cell in filled[0]]
    frame = pd.DataFrame(filled[1:], columns=header, dtype=object)
    lacking = [name for name in ("caseid",) if name not in frame]
    if lacking:
        raise LookalikeError("missing-column", f"{path}: column CaseID is missing in TRUTH, TP or FP")
    frame.index = pd.RangeIndex(2, len(frame) + 2)
    for name in ("readerid", "modalityid"):
        if name not in frame:
            frame[name] = "1"
    return frame
