"""jsPsych's CSV and JSON, as `jsPsych.data.get().csv()` and `.json()` of jsPsych 8.3 write them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from data.external_tables.read import read_external_table

# What jsPsych holds: an image answered with a key, then a confidence on a Likert item; image 3 was missed.
ROWS: list[dict[str, object]] = [
    {"rt": 3000, "stimulus": "<p>Welcome</p>", "response": " ", "trial_type": "html-keyboard-response"}
]
for n in range(6):
    fake, key = n % 2 == 1, None if n == 3 else "j" if n % 3 else "f"
    ROWS += [
        {"rt": None, "stimulus": "<div>+</div>", "response": None, "trial_type": "html-keyboard-response"},
        {"rt": None if key is None else 700 + n, "stimulus": f"img/im{n}.png", "response": key,
         "trial_type": "image-keyboard-response", "truth": "fake" if fake else "real",
         "correct": key == ("j" if fake else "f")},
        {"rt": 900, "response": {"Q0": n % 4}, "question_order": [0], "trial_type": "survey-likert"},
    ]  # fmt: skip
ROWS.append({"rt": 1, "stimulus": "<p>Thanks</p>", "response": " ", "trial_type": "html-keyboard-response"})
RESPONSES = ["real", "generated", "generated", None, "generated", "generated"]


def numbered(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    more = {"plugin_version": "2.0.0", "participant": "P01"}
    return [{**row, "trial_index": n, "time_elapsed": 1500 * (n + 1), **more} for n, row in enumerate(rows)]


def as_csv(rows: list[dict[str, object]]) -> str:
    """jsPsych's own CSV: every cell in quotation marks, null as null, objects as JSON, an absent cell empty."""
    names = list(dict.fromkeys(name for row in rows for name in row))

    def cell(row: dict[str, object], name: str) -> object:
        value = row.get(name, "")
        return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))

    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(names)
    writer.writerows([cell(row, name) for name in names] for row in rows)
    return text.getvalue()


@pytest.fixture(params=["csv", "json"])
def write(request, tmp_path):
    def to(rows: list[dict[str, object]]) -> Path:
        path = tmp_path / f"P01.{request.param}"
        path.write_text(
            as_csv(numbered(rows)) if request.param == "csv" else json.dumps(numbered(rows)), encoding="utf-8"
        )
        return path

    return to


def responses(found) -> list[str | None]:
    return [said if isinstance(said, str) else None for said in found.trials["response"]]


def test_two_rows_per_trial_are_one_trial(write):
    found = read_external_table(write(ROWS))
    assert found.trials["stimulus_id"].tolist() == [f"img/im{n}.png" for n in range(6)]
    assert responses(found) == RESPONSES
    assert found.trials["confidence"].tolist() == [1, 2, 3, 4, 1, 2]
    assert found.trials["response_time"].tolist()[:3] == [0.7, 0.701, 0.702]
    assert found.trials["confidence_time"].tolist() == [0.9] * 6
    assert found.trials["trial"].tolist() == [1, 2, 3, 4, 5, 6]
    assert "read as an export of jsPsych" in found.notes


def test_one_row_per_trial(write):
    found = read_external_table(write([row for row in ROWS if row["trial_type"] != "survey-likert"]))
    assert responses(found) == RESPONSES
    assert found.trials["confidence"].isna().all()


def test_the_image_is_shown_again_with_a_slider(write):
    rows = []
    for row in ROWS:
        if row["trial_type"] == "survey-likert":
            row = {
                "rt": 900,
                "stimulus": rows[-1]["stimulus"],
                "response": 10 + 20 * len(rows),
                "trial_type": "image-slider-response",
            }
        rows.append(row)
    found = read_external_table(write(rows))
    assert len(found.trials) == 6
    assert responses(found) == RESPONSES
    assert found.trials["confidence"].is_monotonic_increasing


def test_truth_in_every_row_of_a_trial(write):
    """As when a timeline's `data` holds for all of its trials."""
    rows, truth = [], None
    for row in ROWS:
        truth = row.get("truth", truth)
        rows.append({**row, **({"truth": truth} if truth else {})})
    assert responses(read_external_table(write(rows))) == RESPONSES


def test_images_within_html_and_buttons(write):
    rows = []
    for row in ROWS:
        if row["trial_type"] == "image-keyboard-response":
            number = {"f": 0, "j": 1, None: None}[row["response"]]
            row = {
                **row,
                "stimulus": f"<img src='{row['stimulus']}' width=256>",
                "response": number,
                "trial_type": "html-button-response",
            }
        rows.append(row)
    found = read_external_table(write(rows))
    assert responses(found) == RESPONSES
    assert found.trials["stimulus_id"].iloc[0] == "img/im0.png"


def test_a_slider_alone_is_a_rating(write):
    rows = [
        {**row, "response": 20 * n, "trial_type": "image-slider-response", "correct": None}
        for n, row in enumerate(row for row in ROWS if "truth" in row)
    ]
    found = read_external_table(write(rows))
    assert responses(found) == ["real"] * 3 + ["generated"] * 3
    assert any("ratings from 0 to 100" in note for note in found.notes)


def test_one_file_per_participant_without_ids(tmp_path):
    for who in ("anna", "berta"):
        rows = [{name: value for name, value in row.items() if name != "participant"} for row in numbered(ROWS)]
        rows[0]["note"] = who
        (tmp_path / f"{who}.csv").write_text(as_csv(rows), encoding="utf-8")
    assert set(read_external_table(tmp_path).trials["participant"]) == {"anna", "berta"}
    assert set(read_external_table(tmp_path / "anna.csv").trials["participant"]) == {"anna"}


def test_cognition_run_joins_participants_by_run(tmp_path):
    rows = [{**row, "run_id": run, "note": 1} for run in (1, 2) for row in numbered(ROWS)]
    for row in rows:
        del row["participant"]
    (tmp_path / "all.csv").write_text(as_csv(rows), encoding="utf-8")
    found = read_external_table(tmp_path / "all.csv")
    assert found.trials.groupby("participant").size().to_dict() == {"1": 6, "2": 6}


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_what_jspsych_itself_wrote(kind):
    found = read_external_table(Path(__file__).parent / "exports" / f"jspsych.{kind}")  # made by exports/jspsych.cjs
    assert found.trials["stimulus_id"].tolist() == [f"img/im{n}.png" for n in range(12)]
    assert responses(found) == [{"f": "real", "j": "generated"}[key] for key in "fjjfjjffjjfj"]
    assert found.trials["truth"].tolist() == ["real", "generated"] * 6
    assert found.trials["confidence"].tolist() == [1, 2, 3, 4] * 3
    assert found.trials["response_time"].tolist() == pytest.approx([0.7 + n / 1000 for n in range(12)])
    assert found.trials["confidence_time"].tolist() == [0.9] * 12
