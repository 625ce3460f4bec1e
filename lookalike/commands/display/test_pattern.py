"""`lookalike display test-pattern`: a pattern to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lookalike.console import need, relative, say, show
from lookalike.options import WholeScreen


def pattern(
    display: Annotated[
        Path | None, typer.Argument(help="Display file whose lookup is applied. [default: no lookup]")
    ] = None,
    png: Annotated[Path | None, typer.Option(help="New PNG of the framebuffer values, instead of a window.")] = None,
    fullscreen: WholeScreen = True,
) -> None:
    """Show a test pattern until Space, Escape, Return or a click.

    All 18 steps of the wedge should look evenly spaced, all squares down to 1% should be visible, and the bars of
    1 px should look separate and without colour.

    \b
    Example:
      lookalike display test-pattern display.json
      lookalike display test-pattern --png pattern.png
    """
    from experiments.display.display_file import read_display
    from experiments.windows.test_pattern import save_pattern, show_pattern

    here = None if display is None else read_display(display)
    if png is None:
        need("lab")
        say("The pattern stays until Space, Escape, Return or a click.")
        show_pattern(here, fullscreen)
    else:
        save_pattern(png, here)
        show({"png": relative(png), "lookup": "none" if here is None else here.calibration}, False)
