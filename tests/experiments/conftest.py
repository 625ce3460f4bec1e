"""Stimulus sets and study files to run sessions on, and a display to run them in."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.files import sha256
from data.loops import Frame, Loop, write_loop
from data.study import StudyFile, read_study
from experiments.display.calibration import LuminanceTable
from experiments.display.display_file import Display
from experiments.display.display_file import make_display as stamped
from stimuli.images import write_png
from stimuli.loop_set import LoopSet, read_loops
from stimuli.sets import Candidate, Layout, StimulusSet, build_set

ROOT = Path(__file__).resolve().parents[2]
Paused = Callable[..., AbstractContextManager["subprocess.Popen[str]"]]


@pytest.fixture(scope="session")
def make_set(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., StimulusSet]:
    """Build a set of noise images, 12 x 10 px unless told; the same arguments give the same set."""

    def make(main: int = 20, practice: int = 0, catch: int = 0, size: tuple[int, int] = (12, 10), seed: int = 0) -> Any:
        rng = np.random.default_rng(seed)

        def offer(name: str) -> Iterator[Candidate]:
            for number in range(main + practice + catch):
                yield Candidate(rng.random(size, dtype=np.float32), f"{name}:{number}")

        layout = Layout(main=main, practice=practice, catch=catch)
        folder = tmp_path_factory.mktemp("stimuli") / "set"
        return build_set(folder, offer("patch"), offer("seed"), layout, {}, catch=offer("classic"))

    return make


@pytest.fixture(scope="session")
def make_graded(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., StimulusSet]:
    """Build a set of noise images with known fakes of graded visibility; the same arguments give the same set."""

    def make(trials: int = 20, levels: tuple[float, ...] = (0.01, 0.02, 0.04, 0.08), each: int = 8) -> StimulusSet:
        rng = np.random.default_rng(4)

        def fakes() -> Iterator[Candidate]:
            for number in range(len(levels) * each):
                image = rng.random((12, 10), dtype=np.float32)
                yield Candidate(image, f"classic:{number}", level=levels[number % len(levels)])
            for number in range(4):
                yield Candidate(rng.random((12, 10), dtype=np.float32), f"practice:{number}")

        real = (Candidate(rng.random((12, 10), dtype=np.float32), f"patch:{number}") for number in range(trials + 4))
        layout = Layout(main=2 * trials, practice=8, graded=len(levels) * each)
        return build_set(tmp_path_factory.mktemp("graded") / "set", real, fakes(), layout, {})

    return make


@pytest.fixture(scope="session")
def make_loops(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., LoopSet]:
    """Write and read loops of noise, one for each (name, number of frames); the same arguments give the same loops."""

    def make(size: tuple[int, int] = (8, 8), **frames: int) -> LoopSet:
        folder = tmp_path_factory.mktemp("loops")
        for name, count in frames.items():
            (folder / name).mkdir()
            rng = np.random.default_rng(count)
            entries = []
            for number in range(count):
                file = f"frame-{number:03d}.png"
                write_png(folder / name / file, rng.random(size, dtype=np.float32), 8)
                entries.append(Frame(file, 360 * number / count, 0.1, sha256(folder / name / file)))
            loop = Loop(tuple(entries), (0,), (1,), ((0.0,),), 0.7, 0, "pixel", 0.0, "ab" * 32)
            write_loop(folder / name, loop)
        return read_loops(folder)

    return make


@pytest.fixture(scope="session")
def matching_study(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., StudyFile]:
    """Write and read a study whose task is of kind matching, with the given settings of the task."""

    def make(**task: object) -> StudyFile:
        folder = tmp_path_factory.mktemp("study")
        settings = {"trials": 12, "confidence_levels": 0, "exposure_s": 0.1, **task}
        lines = ['kind = "matching"', *(f"{name} = {value}" for name, value in settings.items())]
        (folder / "turn.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        lines = ['name = "A matching study"', 'task = "turn.toml"', "planned_participants = 6"]
        (folder / "study.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return read_study(folder / "study.toml")

    return make


@pytest.fixture(scope="session")
def small_set(make_set: Callable[..., StimulusSet]) -> StimulusSet:
    """20 main, 4 practice and 3 catch images. Shared by tests: look, do not touch."""
    return make_set(main=20, practice=4, catch=3)


@pytest.fixture(scope="session")
def make_study(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., StudyFile]:
    """Write and read a study file with the given settings of its [plan], and of a task file beside it."""

    def make(task: dict[str, object] | None = None, kind: str = "realfake", **plan: object) -> StudyFile:
        path = tmp_path_factory.mktemp("study") / "study.toml"
        lines = ['name = "A study"', "planned_participants = 6", f'task = "{kind}"']
        if task is not None:
            lines[-1] = f'task = "{kind.replace("_", "")}.toml"'
            own = [f'kind = "{kind}"', *(f"{name} = {json.dumps(value)}" for name, value in task.items())]
            (path.parent / f"{kind.replace('_', '')}.toml").write_text("\n".join(own) + "\n", encoding="utf-8")
        lines += ["[plan]", *(f"{k} = {v}" for k, v in plan.items())]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return read_study(path)

    return make


@pytest.fixture
def own_set(small_set: StimulusSet, tmp_path: Path) -> Path:
    """A copy of the small set that a test may spoil."""
    return Path(shutil.copytree(small_set.folder, tmp_path / "own-set"))


PAUSED = """
import sys
from pathlib import Path
sys.path[0] = sys.argv[1]
from data.simulated.observers import Observer
from experiments.session.first_session import run_first_session
from experiments.session.run import Setup

def pause(done, _total):
    if done == int(sys.argv[5]):
        print("paused", flush=True)
        sys.stdin.read()  # until it is killed, or the test has ended

setup = Setup("simulated", window=False, simulated=Observer(dprime=1))
result = run_first_session(Path(sys.argv[2]), Path(sys.argv[3]), "p1", Path(sys.argv[4]), 1, setup, pause)
print(result.answered, result.complete)
"""


@pytest.fixture
def paused() -> Paused:
    """A session of participant p1 in a process of its own, which waits once `after` answers are on disk.

    `with paused(stimuli, data, study, after) as process:` leaves it to the test to end the process.
    """

    @contextmanager
    def start(stimuli: Path, data: Path, study: Path, after: int) -> Iterator[subprocess.Popen[str]]:
        arguments = [str(part) for part in (ROOT, stimuli, data, study, after)]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen([sys.executable, "-c", PAUSED, *arguments], **pipes) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "paused\n"
            try:
                yield process
            finally:
                process.kill()

    return start


@pytest.fixture(scope="session")
def make_display() -> Callable[..., Display]:
    """A display of 1280 x 1024 px whose own luminance goes from .5 to 300 cd/m² as level^own."""

    def make(own: float = 2.2, black: float = 0.5, white: float = 300.0, **settings: Any) -> Display:
        levels = np.arange(0, 256, 15)
        seen = black + (white - black) * (levels / 255) ** own
        usual = {"name": "Room 2", "kind": "gsdf", "size_px": (1280, 1024), "size_cm": (40.0, 32.0)}
        usual |= {"distance_cm": 57.0, "ambient_cd_m2": 0.2, **settings}
        table = LuminanceTable(tuple(map(int, levels)), tuple(map(float, seen)), usual["ambient_cd_m2"])
        return stamped(usual, table)

    return make


@pytest.fixture(scope="session")
def display() -> Iterator[dict[str, str]]:
    """Environment variables for a process that opens a real PsychoPy window, on an X server of our own.

    Our own even where there is a display: the tests press keys, and must not press them on
    somebody's desktop. PsychoPy gets a home of its own too, since it writes to it on import.
    """
    if importlib.util.find_spec("psychopy") is None:
        _unavailable('PsychoPy is not installed (pip install ".[lab]")')
    if shutil.which("Xvfb") is None:
        _unavailable("Xvfb is not installed (apt install xvfb)")
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x1024x24", "-nolisten", "tcp"],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as pipe:
        number = pipe.readline().strip()  # the server says which display it took, once it is ready
    try:
        if not number:
            _unavailable("Xvfb did not start")
        with tempfile.TemporaryDirectory() as home:
            yield {**os.environ, "HOME": home, "DISPLAY": f":{number}"}
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def bids_validator() -> str:
    """The command of the BIDS validator that is installed beside this Python."""
    command = shutil.which("bids-validator-deno", path=str(Path(sys.executable).parent))
    if command is None:
        _unavailable("the BIDS validator is not installed (pip install bids-validator-deno)")
    return str(command)


def _unavailable(why: str) -> None:
    """Skip on a developer's machine; fail where tests must not be skipped."""
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)
