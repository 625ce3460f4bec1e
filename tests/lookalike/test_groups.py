"""What every command must have, found by walking the command line: help, examples, errors; and shell completion."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

import lookalike.commands
from lookalike.cli import EXAMPLE, app
from lookalike.groups import HEADINGS, NAMES, load, summary

ROOT = typer.main.get_command(app)


def walk(command, path=()):
    """Every command without subcommands: its words on the command line, and itself."""
    if hasattr(command, "commands"):
        for name, below in command.commands.items():
            yield from walk(below, (*path, name))
    else:
        yield " ".join(path), command


COMMANDS = dict(walk(ROOT))
# One mistake of a user for each command, and its code.
MISTAKES = {
    "patches": (("nowhere", "--out", "o"), "no-such-folder"),
    "train": (("nowhere", "--out", "o"), "not-a-patch-set"),
    "average": (("nowhere", "elsewhere", "--out", "o"), "no-such-folder"),
    "evaluate": (("m", "--patches", "p"), "missing-option"),
    "generate": (("--safe", "--out", "o"), "missing-option"),
    "train-encoder": (("nowhere", "--out", "o"), "not-a-patch-set"),
    "invert": (("p", "--model", "nowhere", "--out", "o"), "no-such-folder"),
    "compose": (("--out", "o", "--model", "nowhere"), "no-such-folder"),
    "directions": (("p", "--label", "a=b:c", "--model", "nowhere", "--out", "o"), "no-such-folder"),
    "edit": (("--direction", "density", "--model", "nowhere", "--out", "o"), "no-such-folder"),
    "morph": (("--model", "nowhere", "--out", "o"), "no-such-folder"),
    "stimuli build": (("--patches", "nowhere", "--out", "o"), "not-a-patch-set"),
    "stimuli check": (("nowhere",), "not-a-stimulus-set"),
    "stimuli gallery": (("nowhere", "--out", "o.html"), "not-a-stimulus-set"),
    "stimuli export": (("nowhere", "--format", "tiff", "--out", "o"), "not-a-stimulus-set"),
    "stimuli classic": (("--patches", "nowhere", "--out", "o"), "not-a-patch-set"),
    "stimuli graded": (("--patches", "nowhere", "--out", "o"), "not-a-patch-set"),
    "scale": (("nowhere.csv", "--out", "o"), "no-such-file"),
    "display calibrate": (
        (
            "d.json",
            "--name",
            "n",
            "--size-cm",
            "4x3",
            "--distance",
            "60",
            "--ambient",
            "0",
            "--from",
            "f",
            "--unmeasured",
        ),
        "conflicting-options",
    ),
    "display check": (("nowhere.json", "--ambient", "dark"), "not-a-number"),
    "display test-pattern": (("nowhere.json", "--png", "p.png"), "no-such-file"),
    "participant new": (("--data", "d", "--expertise", "Dr."), "unknown-choice"),
    "run": (("s", "--data", "d", "--new", "--participant", "a1"), "conflicting-options"),
    "retest": (("s", "--data", "d", "--participant", "a1", "--observer", "robot"), "unknown-choice"),
    "status": (("d", "--yes"), "missing-option"),
    "export": (("nowhere",), "no-sessions"),
    "power": (("--out", "o"), "missing-option"),
    "analyze": (("nowhere", "--out", "o"), "no-such-folder"),
    "report": (("nowhere",), "no-such-file"),
    "compare": (("a", "b", "--names", "a,a", "--out", "o"), "bad-names"),
    "demo": (("--out", "."), "occupied"),
}
HEAVY = {"numpy", "pandas", "torch", "rich", "pydantic", "psychopy", "matplotlib", "scipy", "PIL", "sklearn"}


def loaded_by(*words):
    """The modules that a command loads, in a process of its own."""
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print('\\nLOADED', *sorted(sys.modules)))\n"
        f"sys.argv = {['lookalike', *words]!r}\n"
        "from lookalike.cli import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return set(done.stdout.splitlines()[-1].split()[1:])


def examples(text):
    """The command lines of a help text, with those that continue on the next line joined."""
    _, _, text = text.partition("Example")
    lines = text.replace("\\\n", " ").splitlines()[1:]
    return [line.strip() for line in lines if line.strip()]


def parse(line):
    """Parse an example as the shell and the command line would, without running it; the words of its command."""
    words = shlex.split(
        line.partition("-m lookalike ")[2] if line.startswith("accelerate") else line[len("lookalike ") :]
    )
    path = max((name.split() for name in COMMANDS if words[: len(name.split())] == name.split()), key=len)
    COMMANDS[" ".join(path)].make_context(" ".join(path), words[len(path) :])
    return " ".join(path)


def test_every_module_of_commands_is_listed_under_a_heading():
    folder = Path(lookalike.commands.__file__).parent
    below = ("inversion", "results", "training")
    modules = {path.stem for path in folder.iterdir() if not path.stem.startswith("_")} - set(below)
    modules |= {path.stem for name in below for path in (folder / name).glob("[!_]*.py")}
    assert modules == {name.replace("-", "_") for name in NAMES}
    assert len(NAMES) == len(set(NAMES))


@pytest.mark.parametrize("name", NAMES)
def test_the_overview_shows_the_first_line_of_each_commands_own_help(name):
    assert summary(name) == load(name).help.splitlines()[0]
    assert len(summary(name)) <= 61  # one line beside the name, in a terminal of 80 columns


def test_the_overview_lists_every_command_under_its_heading_in_order(lookalike):
    text = lookalike("--help").out
    places = [text.index(f"\n{heading}:\n") for heading in HEADINGS]
    assert places == sorted(places)
    for heading, names in HEADINGS.items():
        section = text.partition(f"\n{heading}:\n")[2].partition("\n\n")[0]
        assert [line.split()[0] for line in section.splitlines()] == list(names)
    assert text.index("Example, from mammograms to a figure:") > places[-1]


@pytest.mark.parametrize("name", [name for name in NAMES if hasattr(load(name), "commands")])
def test_the_help_of_a_group_shows_its_summaries_whole(lookalike, name):
    shown = lookalike(name, "--help").out
    for command in load(name).commands.values():
        assert command.help.splitlines()[0] in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name):
    command = COMMANDS[name]
    first = command.help.splitlines()[0]
    assert len(first) < 80
    assert first.endswith(".")
    for param in command.params:
        assert param.help, f"{param.name} has no help"
        assert re.match(r"[A-Z']", param.help), f"{param.name}: {param.help}"
        assert param.help.endswith((".", "]")), f"{param.name}: {param.help}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_examples_that_parse(name):
    lines = examples(COMMANDS[name].help)
    assert any(line.startswith(f"lookalike {name} ") for line in lines)
    assert {parse(line) for line in lines} == {name}


def test_an_example_with_a_wrong_option_would_be_found():
    for line in ("lookalike status study-1 --wthdraw k7q2m", "lookalike morph --frames 12"):
        with pytest.raises(Exception, match=r"No such option|Missing parameter"):
            parse(line)


def test_the_examples_of_the_whole_way_parse():
    parsed = [parse(line) for line in examples(EXAMPLE)]
    assert parsed[0] == "patches"
    assert parsed[-1] == "analyze"
    assert len(set(parsed)) >= 9


@pytest.fixture
def somewhere(tmp_path, monkeypatch):
    """A folder that holds one file, as the current one."""
    (tmp_path / "mine.txt").write_text("mine")
    monkeypatch.chdir(tmp_path)


def test_a_mistake_is_known_for_every_command():
    assert set(MISTAKES) == set(COMMANDS)


@pytest.mark.usefixtures("somewhere")
@pytest.mark.parametrize("command", MISTAKES)
def test_a_mistake_is_one_line_and_with_debug_its_code_and_where_it_came_from(lookalike, mistake, command):
    words, code = MISTAKES[command]
    line = mistake(*command.split(), *words, code=code)
    said = lookalike("--debug", *command.split(), *words)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("Traceback")
    found, message = re.fullmatch(r"lookalike: \[([a-z-]+)\] (.*)", said.err.splitlines()[-1]).groups()
    assert found == code
    assert f"lookalike: {message}\n" == line


@pytest.mark.usefixtures("somewhere")
@pytest.mark.parametrize("command", sorted(MISTAKES.keys() - {"display test-pattern"}))  # it has no --json
def test_a_mistake_is_one_json_object_for_scripts(lookalike, mistake, command):
    words, code = MISTAKES[command]
    line = mistake(*command.split(), *words, code=code)
    said = lookalike(*command.split(), *words, "--json")
    assert (said.code, said.err) == (2, "")
    error = json.loads(said.out)
    assert set(error) == {"error"}
    assert set(error["error"]) == {"code", "message"}
    assert error["error"]["code"] == code
    assert f"lookalike: {error['error']['message']}\n" == line


def usage_error(lookalike, *words):
    """What is wrong with the usage of a command: as text and, for scripts, as one JSON object."""
    text, said = lookalike(*words), lookalike(*words, "--json")
    assert (text.code, text.out) == (2, "")
    assert (said.code, said.err) == (2, "")
    error = json.loads(said.out)
    assert set(error) == {"error"}
    assert error["error"]["code"] == "usage"
    assert " ".join(text.err.partition("Error: ")[2].split()) == error["error"]["message"]
    return error["error"]["message"]


@pytest.mark.parametrize("command", sorted(MISTAKES.keys() - {"display test-pattern"}))  # it has no --json
def test_wrong_usage_is_one_json_object_for_scripts(lookalike, command):
    assert "No such option: --nonsense" in usage_error(lookalike, *command.split(), "--nonsense")
    if any(param.required for param in COMMANDS[command].params):
        assert usage_error(lookalike, *command.split()).startswith("Missing ")


@pytest.mark.parametrize("words", [("analyse",), ("display", "chek"), ("generate", "--out", "o", "--count", "0")])
def test_a_mistyped_command_or_number_is_one_json_object_for_scripts(lookalike, words):
    usage_error(lookalike, *words)


def test_help_is_the_same_with_json(lookalike):
    said = lookalike("export", "--help")
    assert said.code == 0
    assert lookalike("export", "--help", "--json") == said


@pytest.mark.parametrize(("stop", "code"), [(KeyboardInterrupt, 130), (EOFError, 1)])
def test_an_interrupted_command_exits_with_json_as_without(lookalike, monkeypatch, stop, code):
    def interrupted(*_):
        raise stop

    monkeypatch.setattr("data.files.refuse_occupied", interrupted)
    said = lookalike("power", "--delta", "0.1", "--out", "o")
    assert (said.code, said.out) == (code, "")
    assert lookalike("power", "--delta", "0.1", "--out", "o", "--json") == said


def test_help_loads_nothing_heavy_and_no_command():
    loaded = loaded_by("--help")
    assert "typer" in loaded
    assert not HEAVY & loaded
    assert not {f"lookalike.commands.{name}" for name in NAMES} & loaded


@pytest.mark.parametrize(("words", "module"), [(("analyze",), "analyze"), (("display", "check"), "display")])
def test_a_commands_help_loads_that_command_alone(words, module):
    loaded = loaded_by(*words, "--help")
    assert not HEAVY & loaded
    assert {name for name in NAMES if f"lookalike.commands.{name}" in loaded} == {module}


def test_a_mistake_in_a_light_command_loads_no_torch(tmp_path):
    loaded = loaded_by("patches", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out"))
    assert "stimuli.patches" in loaded
    assert not {"torch", "psychopy"} & loaded


def test_a_mistyped_command_is_a_usage_error_with_a_suggestion(lookalike):
    said = lookalike("analyse")
    assert said.code == 2
    assert "Did you mean 'analyze'?" in said.err
    assert lookalike("nothing-like-it").code == 2


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_commands_subcommands_and_options():
    script = """
    PATH="$1:$PATH"
    eval "$(lookalike --show-completion)"
    complete -p lookalike
    try() {
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
        _lookalike_completion lookalike
        echo "${COMPREPLY[@]}"
    }
    try lookalike ana
    try lookalike display c
    try lookalike train patches --dry
    try lookalike re
    """
    command = ["bash", "--norc", "-c", script, "bash", str(Path(sys.executable).parent)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "complete -o default -F _lookalike_completion lookalike",
        "analyze",
        "calibrate check",
        "--dry-run",
        "retest report",
    ]


def test_completion_installs_itself_for_bash(tmp_path):
    if shutil.which("bash") is None:
        pytest.skip("needs bash")
    script = f'"{Path(sys.executable).with_name("lookalike")}" --install-completion; true'
    environment = os.environ | {"HOME": str(tmp_path)}
    done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, env=environment, check=True)
    assert "bash completion installed" in done.stdout, done.stderr
    assert "lookalike" in (tmp_path / ".bashrc").read_text()
