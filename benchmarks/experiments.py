"""How fast sessions are: durable events, simulated sessions, a session in a window, going on from a long record.

    python -m benchmarks.experiments              everything
    python -m benchmarks.experiments --only memory
    xvfb-run -a python -m benchmarks.experiments  where there is no screen for the window

Times are wall seconds on the disk that holds the temporary folder (`TMPDIR`).
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from data.bids import session_folder
from data.record import Log
from data.shipped import EXAMPLE_STUDY
from data.simulated.observers import Observer
from data.simulated.populations import draw_group
from data.study import read_study
from experiments.records.record import Record, create_session, find_unfinished
from experiments.records.table import trial_table
from experiments.screen import HeadlessScreen
from experiments.session.design import draw_plan
from experiments.session.loop import run_session
from experiments.session.run import Setup, run
from experiments.tasks.responders import simulate
from stimuli.sets import Candidate, Layout, StimulusSet, build_set

EVENTS, SESSIONS, TRIALS = 10_000, 1_000, 100


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=list(PARTS), help="one part")
    for name in [parser.parse_args().only] if parser.parse_args().only else PARTS:
        with tempfile.TemporaryDirectory() as folder:
            for line in PARTS[name](Path(folder)):
                print(f"{name:<9} {line}", flush=True)


def durable(folder: Path) -> Iterator[str]:
    """What one event costs that is on the disk when `append` returns."""
    took = []
    with Record(folder) as record:
        for trial in range(1, 501):
            began = time.perf_counter()
            record.append("answer", **_answer(trial))
            took.append(1000 * (time.perf_counter() - began))
    yield f"{statistics.median(took):.2f} ms per event (median of 500; slowest {max(took):.1f} ms)"


def simulated(folder: Path) -> Iterator[str]:
    """1,000 sessions x 100 trials through the session loop, as tables in memory."""
    stimuli, study = _set(folder, 16), read_study(EXAMPLE_STUDY)
    began = time.perf_counter()
    answered = 0
    for number, observer in enumerate(draw_group(SESSIONS, 1)):
        plan = draw_plan(stimuli, study, f"p{number}", 1, number)
        record = _InMemory(folder)
        run_session(plan, stimuli, HeadlessScreen(), simulate(observer, plan), record)  # type: ignore[arg-type]
        answered += int(trial_table(plan, Log(folder, tuple(record.events), ""))["response"].notna().sum())
    took = time.perf_counter() - began
    yield f"{SESSIONS} sessions, {answered} trials in {took:.1f} s; {SESSIONS / took:.0f} sessions/s (aim: under 60 s)"


def window(folder: Path) -> Iterator[str]:
    """A scripted session of 100 trials in a window, with everything on the disk."""
    stimuli, study = _set(folder, 64), read_study(EXAMPLE_STUDY)
    plan = draw_plan(stimuli, study, "p1", 1, 1)
    lines = ["trial,response,confidence", *(f"{n},real,{1 + n % 4}" for n in range(1, TRIALS + 1))]
    (folder / "script.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    began = time.perf_counter()
    result = run(plan, stimuli, folder / "data", Setup("scripted", script=folder / "script.csv"))
    yield f"{result.answered} trials in {time.perf_counter() - began:.1f} s with PsychoPy's import (aim: under 20 s)"


def resume(folder: Path) -> Iterator[str]:
    """From the folder of a session that stopped after about 10,000 events to its open record."""
    stimuli, study = _set(folder, 16, EVENTS // 2 + 2), read_study(EXAMPLE_STUDY)
    long = study.study.plan.model_copy(update={"trials": EVENTS // 2 + 2})
    study = type(study)(study.study.model_copy(update={"plan": long}), study.path, study.sha256, study.task)
    plan = draw_plan(stimuli, study, "p1", 1, 1)
    data = folder / "data"
    record = _InMemory(folder)
    with suppress(KeyboardInterrupt):
        run_session(plan, stimuli, HeadlessScreen(), simulate(Observer(), plan), record, _stop)  # type: ignore[arg-type]
    place = create_session(data, plan)
    (place / "record.jsonl").write_text("".join(json.dumps(event) + "\n" for event in record.events), encoding="utf-8")
    took = []
    for _ in range(5):
        began = time.perf_counter()
        found = find_unfinished(data, "p1", 1)
        assert found is not None
        with Record(session_folder(data, "p1", 1), found[1]):
            took.append(time.perf_counter() - began)
    yield f"{len(record.events)} events in {statistics.median(took):.3f} s (aim: under 0.2 s)"


def memory(folder: Path) -> Iterator[str]:
    """The most memory that a session of 100 images of 512 x 512 px takes in a window."""
    stimuli, study = _set(folder, 512), read_study(EXAMPLE_STUDY)
    plan = draw_plan(stimuli, study, "p1", 1, 1)
    lines = ["trial,response,confidence", *(f"{n},real,1" for n in range(1, TRIALS + 1))]
    (folder / "script.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    began = time.perf_counter()
    run(plan, stimuli, folder / "data", Setup("scripted", script=folder / "script.csv"))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    yield f"{most:.0f} MB at most, {time.perf_counter() - began:.1f} s (aim: under 600 MB; ask for this part alone)"


PARTS: dict[str, Callable[[Path], Iterator[str]]] = {
    "durable": durable,
    "simulated": simulated,
    "resume": resume,
    "window": window,
    "memory": memory,
}


class _InMemory:
    """A record that keeps its events to itself."""

    def __init__(self, folder: Path) -> None:
        self.path, self.events = folder, list[dict[str, Any]]()

    def append(self, event: str, **facts: Any) -> None:
        self.events.append({"event": event, "utc": "2026-01-01T00:00:00.000+00:00", **facts})


def _stop(done: int, total: int) -> None:
    if done == total - 1:
        raise KeyboardInterrupt


def _answer(trial: int) -> dict[str, Any]:
    times = {"response_time": 1.234567, "confidence_time": 0.654321, "onset": 123.456789}
    return {"trial": trial, "stimulus_id": f"s{trial:04d}", "response": "generated", "confidence": 3, **times}


def _set(folder: Path, size: int, main: int = TRIALS) -> StimulusSet:
    rng = np.random.default_rng(0)

    def offer(name: str) -> Iterator[Candidate]:
        for number in range(main):
            yield Candidate(rng.random((size, size), dtype=np.float32), f"{name}:{number}")

    return build_set(folder / "set", offer("patch"), offer("seed"), Layout(main=main), {})


if __name__ == "__main__":
    main()
