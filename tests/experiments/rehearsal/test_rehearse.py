"""Rehearsals in a real window, with and without injected faults."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data.record import read_record
from data.study import StudyFile
from experiments.rehearsal.rehearse import rehearse
from stimuli.loop_set import LoopSet
from stimuli.sets import StimulusSet
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]


def rehearsed(
    display: dict[str, str], stimuli: Path, study: Path, data: Path, *more: str
) -> tuple[int, dict[str, Any]]:
    """The exit code of `lookalike run --rehearse`, and the checks by name."""
    command = [sys.executable, "-m", "lookalike", "run", str(stimuli), "--data", str(data), "--study", str(study)]
    done = subprocess.run(
        [*command, "--rehearse", "--json", *more],
        env=display,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    said = json.loads(done.stdout)
    return done.returncode, {one["check"]: (one["outcome"], one["found"]) for one in said["checks"]} | {
        "": said["kept"]
    }


@pytest.mark.parametrize("kind", ["realfake", "two_alternative", "matching", "threshold", "triads"])
def test_every_kind_of_task_is_rehearsed(
    display: dict[str, str],
    kind: str,
    make_set: Callable[..., StimulusSet],
    make_graded: Callable[..., StimulusSet],
    make_loops: Callable[..., LoopSet],
    make_study: Callable[..., StudyFile],
    tmp_path: Path,
) -> None:
    task: dict[str, object] = {"exposure_s": 5.0, "mask_s": 5.0, "confidence_levels": 2} if kind == "matching" else {}
    stimuli: StimulusSet | LoopSet
    if kind in ("matching", "triads"):
        stimuli = make_loops(ring=24)
    else:
        stimuli = make_graded() if kind == "threshold" else make_set(main=40)
    study = make_study(task={**task, "blocks": 2}, kind=kind, trials=12)
    code, found = rehearsed(display, stimuli.folder, study.path, tmp_path / "data", "--keep")
    assert code == 0
    assert not [name for name, said in found.items() if said[0] == "fail"]
    assert found["session"][1].startswith("12 of 12 trials answered and recorded, 12 in")
    assert not (tmp_path / "data").exists()
    (kept,) = tmp_path.glob("rehearsal-*")
    log = read_record(kept / "sourcedata" / "sub-rehearsal" / "ses-1" / "record.jsonl")
    assert (log.start["observer"], log.start["screen"]["kind"]) == ("simulated", "window")
    assert {"instructions", "block", "break", "thanks"} <= {event["state"] for event in log.of("state")}


def test_devices_are_opened_and_markers_sent(
    display: dict[str, str], small_set: StimulusSet, make_study: Callable[..., StudyFile], tmp_path: Path
) -> None:
    pytest.importorskip("serial")
    main, end = pty.openpty()
    tty.setraw(end)
    task = {"markers.to": "serial", "markers.address": os.ttyname(end), "rating_levels": 6, "flow.touch": True}
    code, found = rehearsed(display, small_set.folder, make_study(task=task, trials=12).path, tmp_path / "data")
    assert (code, found["devices"]) == (0, ("ok", f"markers to serial {os.ttyname(end)}: opened, and sent"))
    os.set_blocking(main, False)
    sent = os.read(main, 1000)
    assert (sent[0], sent[-1]) == (254, 255)  # start and end
    assert sum(11 <= code <= 12 for code in sent) == sum(31 <= code <= 36 for code in sent) == 12
    os.close(main)
    os.close(end)
    box = {
        "box.device": "serial",
        "box.address": "/dev/no-such-port",
        "box.buttons.1": "left",
        "box.buttons.2": "right",
    }
    code, found = rehearsed(display, small_set.folder, make_study(task=box, trials=12).path, tmp_path / "data")
    assert (code, found["devices"][0], found["session"][0]) == (1, "fail", "ok")
    assert "/dev/no-such-port" in found["devices"][1]


def test_faults_are_found_and_nothing_stays(
    display: dict[str, str], own_set: Path, make_study: Callable[..., StudyFile], tmp_path: Path
) -> None:
    study = make_study(task={}, trials=20).path
    study.with_name("realfake.toml").write_text('kind = "realfake"\nlanguage = "mine.toml"\n', encoding="utf-8")
    language, data = study.with_name("mine.toml"), tmp_path / "data"
    language.write_text(f'how_sure = "{"How sure? {levels} " * 400}"\n', encoding="utf-8")
    code, found = rehearsed(display, own_set, study, data)
    assert (code, found["texts"][0]) == (1, "fail")
    assert found["session"][0] == "ok"  # the others are looked at all the same
    language.write_text('begin = "\U000f0000"\n', encoding="utf-8")  # a private character that no font has
    code, found = rehearsed(display, own_set, study, data)
    assert (code, found["window"][0]) == (1, "fail")
    assert "no font" in found["window"][1]
    next((own_set / "images").glob("*.png")).unlink()
    code, found = rehearsed(display, own_set, study, data)
    assert (code, found["images"][0]) == (1, "fail")
    assert "missing" in found["images"][1]
    assert not list(tmp_path.glob("rehearsal-*"))
    assert not data.exists()


def test_a_key_clash_in_the_task_file_is_found(
    small_set: StimulusSet, make_study: Callable[..., StudyFile], tmp_path: Path
) -> None:
    study = make_study(task={}, trials=20).path
    task = study.with_name("realfake.toml")
    task.write_text('kind = "realfake"\n[keys]\nreal = "f"\ngenerated = "f"\n', encoding="utf-8")
    found = rehearse(small_set.folder, tmp_path / "data", study)
    assert found.failed
    assert [(one.name, one.outcome) for one in found.checks if one.outcome == "fail"] == [("study and task", "fail")]
    assert "keys: both answers are on 'f'" in found.checks[-1].words
