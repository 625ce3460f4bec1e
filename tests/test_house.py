"""The house itself: floors, light rooms, names that nobody else uses."""

from __future__ import annotations

import ast
import configparser
import importlib
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MOST_MODULES = 15  # in one folder; where there are more, it holds two ideas
# Each room, and the rooms on the floors below it that it may import.
FLOORS = {
    "data": set(),
    "stimuli": {"data"},
    "gan": {"stimuli", "data"},
    "experiments": {"stimuli", "data"},
    "analysis": {"stimuli", "data"},
    "lookalike": {"gan", "experiments", "analysis", "stimuli", "data"},
}
# Inside each room, top floor first: a sub-room or module imports from the floors below its own, and within itself.
INSIDE = {
    "data": [
        "study",
        "external_tables | task",
        "kinds",
        "simulated | plan | loops",
        "bids",
        "trials | record | trial_order | settings",
        "files | circle | shipped | results",
        "errors | arrays",
    ],
    "stimuli": ["patches | stimulus_source", "sets | loop_set | sources", "export | grey_levels | phantoms", "images"],
    "gan": [
        "evaluation",
        "generate | morph | training",
        "leaks | adversaries | checkpoint",
        "networks | bootstrap",
    ],
    "experiments": ["realfake | retest", "session", "records", "tasks", "display", "screen"],
    "analysis": [
        "report",
        "group",
        "serial | agreement",
        "sdt | mrmc | image_cues",
        "roc",
        "readings",
        "trials | likelihood",
        "sessions",
        "audit | intervals | firth | multiplicity",
    ],
    "lookalike": ["__main__", "cli", "commands", "flows", "groups", "options", "console | memory"],
}


def modules(room: str) -> list[Path]:
    return sorted(path for path in (ROOT / room).rglob("*.py") if "__pycache__" not in path.parts)


def imported_names(source: str) -> set[str]:
    """The first part of every imported name, wherever in the file it is imported."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(str(node.module).split(".")[0])
        elif (
            isinstance(node, ast.Call)
            and ast.unparse(node.func) in ("import_module", "importlib.import_module", "__import__")
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            names.add(str(node.args[0].value).split(".")[0])
    return names


def test_imports_are_found_wherever_they_stand() -> None:
    source = (
        "import a.b, c as d\nfrom e.f import g\nfrom . import h\n"
        "def i():\n    from j import k\n    import_module('l.m')\n    importlib.import_module('n')\n"
    )
    assert imported_names(source) == {"a", "c", "e", "j", "l", "n"}


@pytest.mark.parametrize("room", FLOORS)
def test_a_room_imports_only_from_the_floors_below(room: str) -> None:
    assert modules(room), f"{room}/ holds no module"
    for path in modules(room):
        others = imported_names(path.read_text(encoding="utf-8")) & set(FLOORS) - {room}
        assert others <= FLOORS[room], f"{path.relative_to(ROOT)} imports {', '.join(sorted(others - FLOORS[room]))}"


MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for room in FLOORS
    for path in modules(room)
}


def imported_modules(path: Path) -> set[str]:
    """The modules of the house that a file imports, wherever in the file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in MODULES else node.module)
    return found & set(MODULES)


@pytest.mark.slow
@pytest.mark.parametrize("room", FLOORS)
def test_inside_a_room_imports_point_down_too(room: str) -> None:
    floor = {name: number for number, names in enumerate(INSIDE[room]) for name in names.split(" | ")}
    assert set(floor) == {name.split(".")[1] for name in MODULES if name.startswith(f"{room}.")}
    for name, path in MODULES.items():
        for other in imported_modules(path):
            here, there = (module.split(".")[1:2] for module in (name, other))
            if name.startswith(f"{room}.") and other.startswith(f"{room}.") and here != there:
                assert floor[here[0]] < floor[there[0]], f"{name} imports {other}, which is not on a floor below"


def test_the_architecture_page_draws_every_floor() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    trees = dict(re.findall(r"^(\w+)/\n((?:  .+\n)+)", page, flags=re.MULTILINE))
    for room, floors in INSIDE.items():
        drawn = [re.split(r" {3,}", line.strip())[0] for line in trees[room].splitlines()]
        drawn = [name.rstrip("/") for line in drawn for name in line.split()]
        there = [name for floor in floors for name in floor.split(" | ") if not name.startswith("__")]
        assert sorted(drawn) == sorted(there), f"docs/architecture.md draws another {room}/"


def test_no_imports_go_in_circles() -> None:
    sorter = TopologicalSorter({name: imported_modules(path) - {name} for name, path in MODULES.items()})
    assert len(list(sorter.static_order())) == len(MODULES)  # raises CycleError, which names the circle


def test_every_sub_room_says_what_it_is_for_and_is_no_warehouse() -> None:
    for path in (path for path in MODULES.values() if path.name == "__init__.py"):
        assert (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").rstrip().endswith((".", "?")), (
            path
        )
        assert len([other for other in path.parent.glob("*.py") if other != path]) <= MOST_MODULES, path.parent


@pytest.mark.slow
@pytest.mark.parametrize("rooms", [("data", "stimuli"), ("analysis",)])
def test_light_rooms_load_neither_torch_nor_psychopy(rooms: tuple[str, ...]) -> None:
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for room in rooms for path in modules(room)]
    names = [name.removesuffix(".__init__") for name in names]
    assert len(names) > len(rooms)
    script = (
        "import importlib, sys\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "print(*sorted({'torch', 'psychopy', 'gan', 'experiments', 'lookalike'} & set(sys.modules)))\n"
        f"assert set({names!r}) <= set(sys.modules)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == []


def test_no_other_distribution_provides_our_names() -> None:
    # By the files that each one installed; an editable install of ours lists none of its own.
    seen = 0
    for distribution in distributions():
        files = distribution.files or []
        seen += len(files)
        parts = [Path(str(file)).parts for file in files]
        tops = {part[0].split(".")[0] for part in parts if part[-1].endswith((".py", ".so", ".pyd"))}
        tops |= set((distribution.read_text("top_level.txt") or "").split())
        clash = tops & set(FLOORS)
        name = str(distribution.metadata["Name"])
        assert not clash or name.lower() == "lookalike", f"{name} installs {', '.join(sorted(clash))} as well"
    assert seen > 1000, "the installed distributions list no files, so nothing was checked"


def test_setup_cfg_lists_the_packages_that_exist() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    listed = setup["options"]["packages"].split()
    there = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for top in ROOT.iterdir()
        if top.is_dir() and not top.name.startswith(".") and top.name not in ("tests", "build", "dist", "runs")
        for path in top.rglob("__init__.py")
    }
    assert len(listed) == len(set(listed))
    assert set(listed) == there
    assert {name for name in listed if "." not in name} == set(FLOORS)
    assert setup["metadata"]["name"] == "lookalike"


def test_every_file_that_the_documents_link_to_is_there():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    committed = set(listed.stdout.split()) if listed.returncode == 0 else None
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    links = 0
    for document in documents:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            path = (document.parent / target).resolve()
            assert path.exists(), f"{document.name} links to {target}, which is not there"
            assert committed is None or path.is_dir() or str(path.relative_to(ROOT)) in committed, target
            links += 1
    assert links >= 5


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda path: path.stem)
def test_benchmarks_take_from_the_packages_what_is_there(path: Path) -> None:
    taken = [
        (node.module, name.name)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in FLOORS
        for name in node.names
    ]
    assert taken or path.stem == "same_results"  # which compares files alone
    for module, name in taken:
        there = hasattr(importlib.import_module(module), name) or find_spec(f"{module}.{name}") is not None
        assert there, f"{module} has no {name}"
