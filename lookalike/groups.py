"""Groups of commands: which commands there are, each loaded only when it is called."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typer
import typer.main

from lookalike.quick_group import QuickGroup

# Who comes in, and the commands in the order of the work; each is the module `lookalike.commands.<name>`.
HEADINGS = {
    "Start here": ("demo",),
    "Make stimuli": (
        "patches",
        "train",
        "average",
        "evaluate",
        "generate",
        "train-encoder",
        "invert",
        "compose",
        "directions",
        "edit",
        "morph",
        "stimuli",
    ),
    "Run sessions": ("display", "participant", "run", "status", "retest", "export"),
    "Analyse data": ("power", "analyze", "report", "compare", "scale"),
}
# Those whose module is in a sub-folder, or has another name.
_PLACES = {
    "train": "training.train",
    "average": "training.average",
    "train-encoder": "training.train_encoder",
    "invert": "inversion.invert",
    "compose": "inversion.compose",
    "directions": "inversion.directions",
    "edit": "inversion.edit",
    "report": "results.report",
    "scale": "results.scale",
}
NAMES = tuple(name for names in HEADINGS.values() for name in names)


class LazyGroup(QuickGroup):
    """All commands under their headings, each loaded only when it is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes | {"commands": _Commands()})

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(NAMES)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        width = max(map(len, NAMES))
        for heading, names in HEADINGS.items():
            with formatter.section(heading):
                formatter.write_dl([(f"{name:<{width}}", summary(name)) for name in names])


class _Commands(Mapping[str, Any]):
    """The commands by name, each loaded when it is looked up."""

    def __getitem__(self, name: str) -> Any:
        if name not in NAMES:
            raise KeyError(name)
        return load(name)

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


@cache
def load(name: str) -> Any:
    """The command `name`: its module's `app` if it has subcommands, else the module's function of that name."""
    module = import_module(f"lookalike.commands.{_PLACES.get(name, name)}")
    if hasattr(module, "app"):
        return typer.main.get_group(module.app)
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name)(getattr(module, _function(name)))
    return typer.main.get_command(app)


def summary(name: str) -> str:
    """The first line of a command's help, read from its source, as importing every command would make help slow."""
    spec = find_spec(f"lookalike.commands.{_PLACES.get(name, name)}")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"lookalike.commands.{name}")
    source = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    functions = (node for node in source.body if isinstance(node, ast.FunctionDef) and node.name == _function(name))
    # A module of subcommands has no function of its own name; there the module's docstring says what they do.
    return (ast.get_docstring(next(functions, source)) or "").partition("\n")[0]


def _function(name: str) -> str:
    """The name of a command's function."""
    return name.replace("-", "_")
