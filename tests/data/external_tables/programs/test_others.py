"""OpenSesame, Gorilla, Qualtrics and E-Prime: tables with the columns that these programs write, or written by them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd
import pytest

from data.external_tables.mapping import TableMapping, read_import
from data.external_tables.read import read_external_table

TRUTHS = ["real", "fake"] * 4
KEYS = ["z", "m", "m", "m", "z", "None", "z", "m"]  # z says real; image 5 was missed
SURE = [1, 2, 3, 4, 1, 2, 3, 4]
SAID = ["real", "generated", "generated", "generated", "real", None, "real", "generated"]


def correct(place: int) -> int:
    return int((KEYS[place], TRUTHS[place]) in (("z", "real"), ("m", "fake")))


def responses(found) -> list[str | None]:
    return [said if isinstance(said, str) else None for said in found.trials["response"]]


def written(path: Path, rows: list[dict[str, object]], **how: object) -> Path:
    pd.DataFrame(rows).to_csv(path, index=False, **how)
    return path


def opensesame(place: int) -> dict[str, object]:
    """The variables that OpenSesame 4's logger writes, in alphabetical order; all cells in quotation marks."""
    missed = KEYS[place] == "None"
    row = {
        "acc": 50,
        "accuracy": 50,
        "average_response_time": 812.5,
        "avg_rt": 812.5,
        "block": "main",
        "correct": 0,
        "correct_confidence": "NA",
        "correct_keyboard_response": correct(place),
        "count_experiment_sequence": 0,
        "count_keyboard_response": place,
        "count_trial_sequence": place,
        "datetime": "03/02/26 10:00:00",
        "experiment_file": "fakes.osexp",
        "height": 768,
        "image": f"im{place}.png",
        "image_type": TRUTHS[place],
        "live_row": place,
        "live_row_trials": place,
        "logfile": "subject-3.csv",
        "opensesame_codename": "Melodramatic Milgram",
        "opensesame_version": "4.0.5",
        "practice": "yes" if place < 1 else "no",
        "repeat_cycle": 0,
        "response": SURE[place],
        "response_confidence": SURE[place],
        "response_keyboard_response": KEYS[place],
        "response_time": 500 + place,
        "response_time_confidence": 500 + place,
        "response_time_keyboard_response": 2000 if missed else 900 + place,
        "subject_nr": 3,
        "subject_parity": "odd",
        "title": "New experiment",
        "width": 1024,
    }
    return dict(sorted(row.items()))


def test_opensesame(tmp_path):
    path = written(tmp_path / "subject-3.csv", [opensesame(n) for n in range(8)], quoting=csv.QUOTE_ALL)
    found = read_external_table(path)
    assert "read as an export of OpenSesame" in found.notes
    assert responses(found) == SAID
    assert found.trials["confidence"].tolist() == SURE
    assert found.trials["response_time"].tolist()[:2] == [0.9, 0.901]
    assert found.trials["confidence_time"].tolist()[:2] == [0.5, 0.501]
    assert found.trials["role"].tolist() == ["practice", *["main"] * 7]
    assert found.trials["stimulus_id"].tolist()[0] == "im0.png"
    assert set(found.trials["participant"]) == {"3"}


def test_opensesame_with_one_response(tmp_path):
    rows = [opensesame(n) for n in range(8)]
    for place, row in enumerate(rows):
        for name in [name for name in row if "confidence" in name or name.endswith("_keyboard_response")]:
            del row[name]
        row |= {"response": KEYS[place], "correct": correct(place)}
    found = read_external_table(written(tmp_path / "subject-3.csv", rows))
    assert responses(found) == SAID
    assert found.trials["confidence"].isna().all()


def test_what_opensesame_writes_itself():
    found = read_external_table(Path(__file__).parent / "exports" / "opensesame.csv")  # made by exports/opensesame.py
    assert "read as an export of OpenSesame" in found.notes
    assert responses(found) == SAID
    assert found.trials["confidence"].tolist() == SURE
    assert found.trials["role"].tolist() == ["practice", *["main"] * 7]
    assert found.trials[["response_time", "confidence_time"]].max(axis=None) < 1  # keys came after .05 s
    assert set(found.trials["participant"]) == {"3"}


GORILLA = {
    "UTC Timestamp": 1772000000000, "UTC Date and Time": "02/03/2026 10:00:00", "Local Timestamp": 1772000000000,
    "Local Timezone": 0, "Local Date and Time": "02/03/2026 10:00:00", "Experiment ID": 1234, "Experiment Version": 5,
    "Tree Node Key": "task-abcd", "Repeat Key": "", "Schedule ID": 99, "Participant Public ID": "BLIND",
    "Participant Private ID": 700001, "Participant Starting Group": "", "Participant Status": "complete",
    "Participant Completion Code": "", "Participant External Session ID": "", "Participant Device Type": "computer",
    "Participant Device": "Desktop", "Participant OS": "Windows 10", "Participant Browser": "Chrome",
    "Participant Monitor Size": "1920x1080", "Participant Viewport Size": "1903x969", "Checkpoint": "", "Room ID": "",
    "Room Order": "", "Task Name": "Fakes", "Task Version": 2, "Spreadsheet Name": "main", "Spreadsheet Row": 1,
}  # fmt: skip


def gorilla_rows(participant: int) -> list[dict[str, object]]:
    """Task Builder 1: a row per zone that was answered, and rows of screens without an answer."""
    rows: list[dict[str, object]] = []

    def event(trial: object, screen: str, zone: str, response: object, time: float, place: int | None) -> None:
        more = {
            "Event Index": len(rows) + 1, **GORILLA, "Participant Private ID": participant, "Trial Number": trial,
            "Screen Number": 1, "Screen Name": screen, "Zone Name": "Zone1", "Zone Type": zone, "Reaction Time": time,
            "Response": response, "Attempt": 1, "Correct": "" if place is None else correct(place),
            "Incorrect": "" if place is None else 1 - correct(place), "Dishonest": "", "X Coordinate": "",
            "Y Coordinate": "", "Timed Out": "", "randomise_blocks": "",
            "display": "instructions" if trial == "BEGIN TASK" or (place is None and screen == "Intro") else "trial",
            "image": "" if not isinstance(trial, int) else f"im{trial - 1}.png",
            "kind": "" if not isinstance(trial, int) else TRUTHS[trial - 1],
        }  # fmt: skip
        rows.append(more)

    event("BEGIN TASK", "", "", "", 0, None)
    event("", "Intro", "continue_button", "", 4000, None)
    for place in range(8):
        event(place + 1, "Fixation", "fixation", "", 250, None)
        if KEYS[place] != "None":
            event(place + 1, "Image", "response_keyboard_single", KEYS[place], 800.5 + place, place)
        event(place + 1, "Sure", "response_slider_endValue", SURE[place], 600, None)
    event("END TASK", "", "", "", 0, None)
    return rows


def test_gorilla(tmp_path):
    rows = [*gorilla_rows(700001), *gorilla_rows(700002)]
    end = dict.fromkeys(rows[0], "") | {"Event Index": "END OF FILE"}
    found = read_external_table(written(tmp_path / "data_exp_1234-v5_task-abcd.csv", [*rows, end]))
    assert "read as an export of Gorilla" in found.notes
    assert found.trials.groupby("participant").size().to_dict() == {"700001": 8, "700002": 8}
    assert responses(found) == SAID * 2
    assert found.trials["confidence"].tolist() == SURE * 2
    assert found.trials["response_time"].iloc[0] == pytest.approx(0.8005)


def test_gorillas_second_task_builder(tmp_path):
    rows = []
    for row in gorilla_rows(700001):
        kind = "response" if row["Response"] != "" else "info"
        named = {"Spreadsheet: image": row.pop("image"), "Spreadsheet: kind": row.pop("kind")}
        zone = str(row.pop("Zone Type"))
        component = "Slider" if "slider" in zone else "Keyboard"
        rows.append({**row, **named, "Response Type": kind, "Component Name": component})
        if kind == "response" and component == "Slider":
            rows.append({**rows[-1], "Response Type": "action", "Response": "moved"})
    found = read_external_table(written(tmp_path / "gorilla.xlsx.csv", rows))
    assert responses(found) == SAID
    assert found.trials["confidence"].tolist() == SURE


QUALTRICS = (
    "StartDate",
    "EndDate",
    "Status",
    "IPAddress",
    "Progress",
    "Duration (in seconds)",
    "Finished",
    "RecordedDate",
    "ResponseId",
    "RecipientLastName",
    "RecipientFirstName",
    "RecipientEmail",
    "ExternalReference",
    "LocationLatitude",
    "LocationLongitude",
    "DistributionChannel",
    "UserLanguage",
)


def qualtrics(people: dict[str, tuple[str, list[str], list[int]]], questions: list[str]) -> str:
    """Three header rows: names, questions (some over two lines), ImportIds; then a row per respondent."""
    names = [*QUALTRICS, *questions]
    asked = [*QUALTRICS[:8], "Response ID", *QUALTRICS[9:], *("Is this image real?\n\nThink well." for _ in questions)]
    ids = [f'{{"ImportId":"{name}"}}' for name in (*QUALTRICS, *(f"QID{n}" for n in range(len(questions))))]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([names, asked, ids])
    for who, (status, said, sure) in people.items():
        about = (
            ["2026-03-02 10:00:00"] * 2
            + [status, "*******", "100", "812", "True", "2026-03-02 10:20:00", who]
            + [""] * 8
        )
        writer.writerow([*about, *(cell for pair in zip(said, sure, strict=True) for cell in pair)])
    return text.getvalue()


def test_qualtrics_with_a_loop(tmp_path):
    """Loop & Merge names columns by the loop's number: 1_Q1 is the answer about image 1."""
    said = ["Real" if word == "real" else "Fake" if word else "" for word in SAID]
    questions = [f"{n + 1}_{name}" for n in range(8) for name in ("Q1", "Q2_1")]
    people = {
        "R_1a": ("IP Address", said, SURE),
        "R_2b": ("IP Address", said, SURE),
        "R_3c": ("Survey Preview", said, SURE),
    }
    (tmp_path / "survey.csv").write_text("\ufeff" + qualtrics(people, questions), encoding="utf-8")
    pd.DataFrame({"stimulus_id": range(1, 9), "truth": TRUTHS}).to_csv(tmp_path / "images.csv", index=False)
    (tmp_path / "import.toml").write_text(
        '[columns]\nresponse = "Q1"\nconfidence = "Q2_1"\n'
        '[wide]\npattern = "{stimulus_id}_{field}"\nimages = "images.csv"\n'
    )
    found = read_external_table(tmp_path / "survey.csv", mapping=read_import(tmp_path / "import.toml"))
    assert "read as an export of Qualtrics" in found.notes
    assert any("1 previews" in note for note in found.notes)
    assert found.trials.groupby("participant").size().to_dict() == {"R_1a": 8, "R_2b": 8}
    assert responses(found) == SAID * 2
    assert found.trials["confidence"].tolist() == SURE * 2


def test_qualtrics_with_one_image_per_respondent(tmp_path):
    """Header rows are left out where a row is a trial, too."""
    people = {f"R_{n}": ("IP Address", ["Fake"], [3]) for n in range(6)}
    text = qualtrics(people, ["answer", "conf"]).replace("UserLanguage", "kind")
    lines = text.splitlines()
    body = [line.replace(",,Fake", f",{TRUTHS[n]},Fake") for n, line in enumerate(lines[-6:])]
    (tmp_path / "s.csv").write_text("\n".join([*lines[:-6], *body]))
    found = read_external_table(tmp_path / "s.csv")
    assert len(found.trials) == 6
    assert found.trials["truth"].tolist() == ["real" if truth == "real" else "generated" for truth in TRUTHS[:6]]


def test_questions_of_qualtrics_are_no_header(tmp_path, refuses):
    """Questions may have the very names by which headers are found."""
    text = qualtrics({"R_1": ("IP Address", ["Fake"], [3])}, ["Q1", "Q2"])
    for question in ("Answer", "Confidence"):
        text = text.replace('"Is this image real?\n\nThink well."', question, 1)
    (tmp_path / "s.csv").write_text(text)
    with refuses("missing-column") as caught:
        read_external_table(tmp_path / "s.csv")
    assert "column truth, response is missing" in str(caught.value)
    assert "Q1, Q2" in str(caught.value)


def eprime(place: int) -> dict[str, object]:
    """Columns of E-DataAid; items Stim and Sure."""
    missed = KEYS[place] == "None"
    return {
        "ExperimentName": "Fakes",
        "Subject": 12,
        "Session": 1,
        "Clock.Information": "<xml>",
        "DataFile.Basename": "Fakes-12-1",
        "Display.RefreshRate": 60.004,
        "ExperimentVersion": "1.0.0.9",
        "Group": 1,
        "RandomSeed": 1,
        "RuntimeVersion": "3.0.3.80",
        "SessionDate": "03-02-2026",
        "SessionTime": "10:00:00",
        "StudioVersion": "3.0.3.82",
        "Block": 1,
        "Procedure[Block]": "MainProc",
        "Running[Block]": "Blocks",
        "Trial": place + 1,
        "ImageFile": f"im{place}.bmp",
        "ImageType": TRUTHS[place],
        "Procedure[Trial]": "PracticeProc" if place == 0 else "TrialProc",
        "Running[Trial]": "Trials",
        "Stim.ACC": correct(place),
        "Stim.CRESP": "z" if TRUTHS[place] == "real" else "m",
        "Stim.OnsetTime": 1000 * place,
        "Stim.RESP": "" if missed else KEYS[place],
        "Stim.RT": 0 if missed else 900 + place,
        "Sure.ACC": 0,
        "Sure.RESP": SURE[place],
        "Sure.RT": 500,
    }


@pytest.mark.parametrize("title", [False, True])
def test_edataaid(tmp_path, title):
    text = pd.DataFrame([eprime(n) for n in range(8)]).to_csv(sep="\t", index=False)
    text = ("C:\\Fakes\\Fakes-12-1.edat3\n" if title else "") + text
    (tmp_path / "export.txt").write_text(text, encoding="utf-16")
    found = read_external_table(tmp_path / "export.txt")
    assert "read as an export of E-Prime" in found.notes
    assert responses(found) == SAID
    assert found.trials["confidence"].tolist() == SURE
    assert found.trials["response_time"].iloc[0] == 0.9
    assert found.trials["role"].tolist()[:2] == ["practice", "main"]
    assert set(found.trials["participant"]) == {"12"}


def eprime_frame(level: int, values: dict[str, object]) -> list[str]:
    indent = "\t" * (level - 1)
    inside = ("*** LogFrame Start ***", *(f"{name}: {value}" for name, value in values.items()))
    return [f"{indent}{line}" for line in (f"Level: {level}", *inside, "*** LogFrame End ***")]


def eprime_header(subject: int) -> list[str]:
    levels = [f"LevelName: {name}" for name in ("Session", "Block", "Trial")]
    about = ["Experiment: Fakes", "SessionDate: 03-02-2026", f"Subject: {subject}", "Session: 1"]
    return ["*** Header Start ***", "VersionPersist: 1", *levels, *about, "*** Header End ***"]


def eprime_answer(place: int) -> dict[str, object]:
    kept = ("Stim", "Sure", "ImageFile", "ImageType")
    return {name: value for name, value in eprime(place).items() if name.startswith(kept)}


def test_an_eprime_log_whose_practice_is_nested_less_deeply(tmp_path):
    lines = eprime_header(12)
    for place in range(8):
        lines += eprime_frame(
            2 if place < 3 else 3, {"Procedure": "PracProc" if place < 3 else "TrialProc"} | eprime_answer(place)
        )
    lines += eprime_frame(2, {"Procedure": "BlockProc"}) + eprime_frame(1, {"Experiment": "Fakes"})
    (tmp_path / "Fakes-12-1.txt").write_text("\r\n".join(lines), encoding="utf-16")
    found = read_external_table(tmp_path / "Fakes-12-1.txt")
    assert responses(found) == SAID
    assert found.trials["role"].tolist() == ["practice"] * 3 + ["main"] * 5


def test_eprime_logs_that_were_joined_keep_their_participants(tmp_path):
    """The first session broke off, so its last frame is a trial's."""
    lines: list[str] = []
    for subject in (12, 13):
        lines += eprime_header(subject)
        for place in range(8):
            lines += eprime_frame(3, eprime_answer(place))
    lines += eprime_frame(2, {"Phase": "main"}) + eprime_frame(1, {"Note": "end of 13"})
    (tmp_path / "all.txt").write_text("\r\n".join(lines), encoding="utf-16")
    found = read_external_table(tmp_path / "all.txt")
    assert found.trials.groupby("participant").size().to_dict() == {"12": 8, "13": 8}
    later = read_external_table(tmp_path / "all.txt", mapping=TableMapping(rows={"Phase": ["main"]}))
    assert set(later.trials["participant"]) == {"13"}


def test_an_eprime_log(tmp_path):
    """The text file of a session: trials at level 3, then the block's frame, then the session's."""
    lines = ["*** Header Start ***", "VersionPersist: 1", "LevelName: Session", "LevelName: Block"]
    lines += ["LevelName: Trial", "Experiment: Fakes", "SessionDate: 03-02-2026", "Subject: 12", "Session: 1"]
    lines += ["*** Header End ***"]
    for half in (range(4), range(4, 8)):
        for place in half:
            row = {
                name: value
                for name, value in eprime(place).items()
                if ("." in name and name.split(".")[0] in ("Stim", "Sure")) or name.startswith("Image")
            }
            lines += [
                "\tLevel: 3",
                "\t*** LogFrame Start ***",
                "\tProcedure: TrialProc",
                *(f"\t{name}: {value}" for name, value in row.items()),
                "\t*** LogFrame End ***",
            ]
        name = "practice" if half[0] == 0 else "main"
        lines += [
            "\tLevel: 2",
            "\t*** LogFrame Start ***",
            f"\tPhase: {name}",
            "\tProcedure: BlockProc",
            "\t*** LogFrame End ***",
        ]
    lines += ["Level: 1", "*** LogFrame Start ***", "Experiment: Fakes", "*** LogFrame End ***"]
    (tmp_path / "Fakes-12-1.txt").write_text("\r\n".join(lines), encoding="utf-16")
    found = read_external_table(tmp_path / "Fakes-12-1.txt")
    assert responses(found) == SAID
    assert found.trials["confidence"].tolist() == SURE
    later = read_external_table(tmp_path / "Fakes-12-1.txt", mapping=TableMapping(rows={"Phase": ["main"]}))
    assert responses(later) == SAID[4:]
