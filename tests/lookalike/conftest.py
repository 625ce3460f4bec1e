"""A command line to call, and mammograms in the format of the real ones."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lookalike.cli import main
from lookalike.console import fail


@dataclass(frozen=True)
class Said:
    """What a command returned and printed."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def exit_code():
    """Call the command line as its entry point does, `exit_code("patches", folder, "--out", out)`: the exit code."""

    def call(*words):
        before, sys.argv = sys.argv, ["lookalike", *map(str, words)]
        try:
            main()
        except SystemExit as stopped:
            return int(stopped.code or 0)
        finally:
            sys.argv = before
        return 0

    return call


@pytest.fixture
def lookalike(exit_code, capsys):
    """Call the command line; its exit code and what it printed: `lookalike("patches", folder, "--out", out)`."""

    def call(*words):
        capsys.readouterr()
        code = exit_code(*words)
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return call


@pytest.fixture
def mistake(lookalike, monkeypatch):
    """Call a command that must fail as a user's mistake: exit code 2 and one line, which is returned.

    `code` is the error's code: `mistake("status", folder, "--yes", code="missing-option")`.
    """
    codes = []

    def recorded(error, code, message):
        codes.append(code)
        fail(error, code, message)

    monkeypatch.setattr("lookalike.cli.fail", recorded)

    def call(*words, code):
        said = lookalike(*words)
        assert said.code == 2, said
        assert said.out == ""
        assert said.err.startswith("lookalike: "), said.err
        assert said.err.count("\n") == 1, said.err
        assert "Traceback" not in said.err
        assert codes[-1] == code, said.err
        return said.err

    return call


@pytest.fixture
def drawing_once(monkeypatch):
    """Figures are drawn as SVG; their PNG and PDF, which show the same, are empty."""
    from matplotlib.figure import Figure

    def savefig(figure, file, **how):
        if how["format"] == "svg":
            draw(figure, file, **how)

    draw = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", savefig)


@pytest.fixture
def no_drawing(monkeypatch):
    """Figures are made but not drawn, which is most of the time of an analysis, where they are not the point."""
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda _figure, file, **_: file.write(b"<svg></svg>"))


def write_mammograms(folder, patients=40, size=(80, 80), aspect=1.6):
    """JPEGs squeezed to a square and a table of boxes, as CBIS-DDSM is packaged: one round mass each."""
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    y, x = np.mgrid[: size[0], : size[1]]
    rows = []
    for number in range(patients):
        centre_x, centre_y, radius = rng.uniform(35, 45), rng.uniform(35, 45), rng.uniform(11, 14)
        mass = ((x - centre_x) ** 2 + ((y - centre_y) * aspect) ** 2) < radius**2
        film = 90 + 60 * mass + rng.normal(0, 12, size) + 20 * np.sin(x / rng.uniform(3, 9))
        name = f"images/{number:05d}_LEFT_CC.jpg"
        Image.fromarray(np.clip(film, 0, 255).astype(np.uint8)).save(folder / name, quality=95)
        rows.append(
            {
                "file": name,
                "lesion": 1,
                "patient_id": f"P_{number:05d}",
                "laterality": "LEFT",
                "view": "CC",
                "x": centre_x - radius,
                "y": centre_y - radius / aspect,
                "width": 2 * radius,
                "height": 2 * radius / aspect,
                "pixel_aspect": aspect,
                "pathology": "BENIGN",
                "breast_density": 2,
            }
        )
    pd.DataFrame(rows).to_csv(folder / "boxes.csv", index=False)
    return folder


@pytest.fixture(scope="session")
def mammograms(tmp_path_factory):
    return write_mammograms(tmp_path_factory.mktemp("mammograms"))


@pytest.fixture(scope="session")
def many_mammograms(tmp_path_factory):
    """Enough patients to measure a model against and to look for leaks among."""
    return write_mammograms(tmp_path_factory.mktemp("many-mammograms"), patients=110)


STUDY = """
name = "test"
planned_participants = 2
[plan]
trials = 20
"""


@pytest.fixture(scope="session")
def workshop(mammograms, exit_code, tmp_path_factory):
    """Everything before a session: patches, a briefly trained model, a stimulus set, a study file."""
    folder = tmp_path_factory.mktemp("workshop")

    def call(*words):
        assert exit_code(*words) == 0, words

    key = folder / "patient.key"
    key.write_text("the same patients in the same splits, every time")  # a new key re-randomises them
    call("patches", mammograms, "--out", folder / "patches", "--size", 16, "--split", "50/10/40", "--key", key)
    small = ("--batch", 8, "--channel-base", 256, "--channel-max", 32, "--latent", 32)
    call("train", folder / "patches", "--out", folder / "run", "--kimg", 0.064, *small)
    call("morph", "--model", folder / "run/models/000000064-images", "--frames", 12, "--out", folder / "loop")
    built = ("--patches", folder / "patches", "--model", folder / "run/models/000000064-images", "--main", 20)
    call("stimuli", "build", *built, "--out", folder / "stimuli")
    call("stimuli", "build", *built, "--seed", 1, "--out", folder / "other-stimuli")
    (folder / "study.toml").write_text(STUDY)
    return folder
