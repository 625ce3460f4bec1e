"""Groups of commands whose help answers at once."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup


class QuickGroup(TyperGroup):
    """A group whose flags need no checking, so that the help of what is below it comes at once."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The group's options; a flag that was not given is False.

        By default `--help` and the flags of shell completion are None, which Typer has Pydantic check: .1 s to load.
        """
        params = super().get_params(ctx)
        for param in params:
            if getattr(param, "is_flag", False) and param.default is None:
                param.default = False
        return params


def sub_commands(summary: str) -> typer.Typer:
    """A Typer app for the subcommands of one command."""
    return typer.Typer(cls=QuickGroup, no_args_is_help=True, add_completion=False, rich_markup_mode=None, help=summary)
