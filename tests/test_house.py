"""The house itself: floors, light rooms, names that nobody else uses."""

from __future__ import annotations

import ast
import configparser
import importlib
import re
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
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
        "simulated",
        "plan | loops | scales",
        "bids",
        "texts | flow",
        "trials | record | trial_order | settings",
        "files | circle | shipped | results",
        "errors | arrays",
    ],
    "stimuli": [
        "normal",
        "cutting | stimulus_source | classic",
        "crops | jpeg_grain",
        "patches | sets | loop_set | loop_pictures | sources",
        "export | grey_levels | phantoms | masks | patient_codes",
        "images",
        "readers",
        "copies",
    ],
    "gan": [
        "directions",
        "composition",
        "evaluation",
        "inversion",
        "generate | morphing | training",
        "leaks | adversaries | codes | averaging",
        "checkpoint",
        "networks | bootstrap | perceptual | image_tables",
    ],
    "experiments": [
        "rehearsal",
        "realfake | retest",
        "session",
        "records",
        "tasks",
        "windows",
        "display | boxes | markers",
        "typesetting | screen | serial_port",
    ],
    "analysis": [
        "report",
        "designs",
        "group",
        "serial | agreement | scaling",
        "sdt | mrmc | image_cues",
        "roc",
        "readings",
        "trials | likelihood",
        "conditions",
        "sessions",
        "audit | intervals | firth | multiplicity | people | side_by_side | effect_size",
    ],
    "lookalike": ["__main__", "cli", "groups", "commands", "flows", "options", "console | memory | quick_group"],
}


def modules(room: str) -> list[Path]:
    return sorted(path for path in (ROOT / room).rglob("*.py") if "__pycache__" not in path.parts)


def absolute(name: str, package: str) -> str:
    """A name with leading dots, seen from a package; any other name as it is."""
    up = len(name) - len(name.lstrip("."))
    if not up:
        return name
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - up + 1], *filter(None, [name[up:]])])


def called_import(call: ast.Call, package: str) -> str | None:
    """What `import_module` imports, or the package whose modules it chooses from: `a.b` for `f"a.b.{name}"`."""
    if ast.unparse(call.func) not in ("import_module", "importlib.import_module", "__import__") or not call.args:
        return None
    name, chosen = call.args[0], False
    if isinstance(name, ast.JoinedStr) and name.values:
        name, chosen = name.values[0], len(name.values) > 1
    elif isinstance(name, ast.BinOp):
        name, chosen = name.left, True
    if not (isinstance(name, ast.Constant) and isinstance(name.value, str)):
        return None
    anchor = [*call.args[1:2], *(word.value for word in call.keywords if word.arg == "package")]
    if anchor and isinstance(anchor[0], ast.Constant):
        package = str(anchor[0].value)
    whole = absolute(name.value, package)
    return whole.rpartition(".")[0] if chosen else whole


def imports(source: str, package: str) -> set[tuple[str, str]]:
    """Every import in a file of a package, wherever it stands: where from, and which name (or none)."""
    found: set[tuple[str, str]] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {(alias.name, "") for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            where = absolute("." * node.level + (node.module or ""), package)
            found |= {(where, alias.name) for alias in node.names}
        elif isinstance(node, ast.Call) and (name := called_import(node, package)):
            found.add((name, ""))
    return found


def imported_names(source: str, package: str) -> set[str]:
    """The first part of every imported name."""
    return {where.split(".")[0] for where, _ in imports(source, package)}


def test_imports_are_found_wherever_they_stand() -> None:
    source = (
        "import a.b, c as d\nfrom e.f import g\nfrom . import h\n"
        "def i():\n    from j import k\n    import_module('l.m')\n    importlib.import_module('n')\n"
        "    import_module(f'o.{d}')\n"
    )
    assert imported_names(source, "p.q") == {"a", "c", "e", "j", "l", "n", "o", "p"}


@pytest.mark.slow
@pytest.mark.parametrize("room", FLOORS)
def test_a_room_imports_only_from_the_floors_below(room: str) -> None:
    assert modules(room), f"{room}/ holds no module"
    for path in modules(room):
        others = imported_names(path.read_text(encoding="utf-8"), room) & set(FLOORS) - {room}
        assert others <= FLOORS[room], f"{path.relative_to(ROOT)} imports {', '.join(sorted(others - FLOORS[room]))}"


MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for room in FLOORS
    for path in modules(room)
}


def package_of(name: str) -> str:
    """The package that relative imports in a module start from."""
    return name if MODULES[name].name == "__init__.py" else name.rpartition(".")[0]


def offered(room: str) -> dict[str, str]:
    """The module behind each name that a room loads when it is first used."""
    stub = ROOT / room / "__init__.pyi"
    source = stub.read_text(encoding="utf-8") if stub.exists() else ""
    return {name: where for where, name in imports(source, room)}


OFFERED = {room: offered(room) for room in FLOORS}


def imported_modules(source: str, package: str) -> set[str]:
    """The modules of the house that a file of a package imports; a room's public name counts as its module."""
    found: set[str] = set()
    for where, name in imports(source, package):
        public = OFFERED.get(where, {})
        if name == "*":
            found |= set(public.values())
        whole = f"{where}.{name}"
        found.add(public.get(name) or (whole if whole in MODULES else where))
    return found & set(MODULES)


@cache
def imported_by(name: str) -> set[str]:
    return imported_modules(MODULES[name].read_text(encoding="utf-8"), package_of(name))


def faults(room: str, name: str, imported: set[str]) -> list[str]:
    """What a module imports from its own room that is not on a floor below its own."""
    floor = {part: number for number, parts in enumerate(INSIDE[room]) for part in parts.split(" | ")}
    here = name.split(".")[1:2]
    wrong = []
    for other in imported:
        there = other.split(".")[1:2]
        if other == room or (
            other.startswith(f"{room}.") and here != there and (not here or floor[here[0]] >= floor[there[0]])
        ):
            wrong.append(other)
    return wrong


@pytest.mark.parametrize(
    ("name", "source", "wrong"),
    [
        ("analysis.sdt.yesno", "from analysis import analyze_task", "analysis.report.task_report"),
        ("analysis.sdt.yesno", "from analysis import *", "analysis.report.task_report"),
        ("analysis.sdt.yesno", "import analysis", "analysis"),
        ("analysis.sdt.yesno", "import analysis.report.page as page", "analysis.report.page"),
        ("analysis.sdt.yesno", "from ..report import page", "analysis.report.page"),
        ("analysis.sdt.yesno", "from .. import report", "analysis.report"),
        ("analysis.sdt.yesno", "def f():\n    from ..report.page import Page", "analysis.report.page"),
        ("analysis.sdt.yesno", "import_module('analysis.report.page')", "analysis.report.page"),
        ("analysis.sdt.yesno", "import_module('..report.page', __package__)", "analysis.report.page"),
        ("analysis.sdt.yesno", "import_module('.page', package='analysis.report')", "analysis.report.page"),
        ("analysis.sdt.yesno", "import_module(f'analysis.report.{name}_report')", "analysis.report"),
        ("analysis.sdt.yesno", "import_module('analysis.report.' + name)", "analysis.report"),
        ("analysis.sdt", "from ..report import page", "analysis.report.page"),
        ("data.errors", "from data import read_study", "data.study"),
        ("data.errors", "from . import study", "data.study"),
        ("analysis.sdt.yesno", "from analysis import intervals\nfrom data import read_study", None),
        ("analysis.sdt.yesno", "from . import confidence\nfrom ..result import Result", None),
    ],
)
def test_no_way_of_importing_hides_from_the_floors(name: str, source: str, wrong: str | None) -> None:
    found = faults(name.split(".")[0], name, imported_modules(source, package_of(name)))
    assert wrong in found if wrong else not found


@pytest.mark.parametrize("room", FLOORS)
def test_inside_a_room_imports_point_down_too(room: str) -> None:
    inside = [name for name in MODULES if name.startswith(f"{room}.")]
    assert {name.split(".")[1] for name in inside} == set(" | ".join(INSIDE[room]).split(" | "))
    for name in inside:
        wrong = faults(room, name, imported_by(name))
        assert not wrong, f"{name} imports {', '.join(wrong)}, which is not on a floor below"


def test_the_architecture_page_draws_every_floor() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    trees = dict(re.findall(r"^(\w+)/\n((?:  .+\n)+)", page, flags=re.MULTILINE))
    for room, floors in INSIDE.items():
        drawn = [re.split(r" {3,}", line.strip())[0] for line in trees[room].splitlines()]
        drawn = [name.rstrip("/") for line in drawn for name in line.split()]
        there = [name for floor in floors for name in floor.split(" | ") if not name.startswith("__")]
        assert sorted(drawn) == sorted(there), f"docs/architecture.md draws another {room}/"


def test_no_imports_go_in_circles() -> None:
    sorter = TopologicalSorter({name: imported_by(name) - {name} for name in MODULES})
    assert len(list(sorter.static_order())) == len(MODULES)  # raises CycleError, which names the circle


def members(folder: str, graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """The imports between the members of a folder, each sub-folder taken as one."""
    start = f"{folder}."
    found: dict[str, set[str]] = {}
    for name, imported in graph.items():
        if name.startswith(start):
            here = name.removeprefix(start).split(".")[0]
            there = {other.removeprefix(start).split(".")[0] for other in imported if other.startswith(start)}
            found.setdefault(here, set()).update(there - {here})
    return found


@pytest.mark.parametrize("folder", [name for name, path in MODULES.items() if path.name == "__init__.py"])
def test_in_every_folder_imports_point_down(folder: str) -> None:
    # Whatever the depth, the members of a folder can be put on floors, a sub-folder as a whole on one of them.
    TopologicalSorter(members(folder, {name: imported_by(name) for name in MODULES})).prepare()


def test_a_sub_folder_that_imports_a_module_above_it_is_found() -> None:
    graph = {"a.b.top": {"a.b.c.one"}, "a.b.c.one": set(), "a.b.c.two": {"a.b.top"}}
    with pytest.raises(CycleError):
        TopologicalSorter(members("a.b", graph)).prepare()
    assert members("a.b.c", graph) == {"one": set(), "two": set()}


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


@pytest.mark.slow
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
