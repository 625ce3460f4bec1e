"""Options that commands of `stimuli` share."""

from __future__ import annotations

from typing import Annotated

import typer

from lookalike.options import number

Edge = Annotated[
    float,
    typer.Option(**number("--edge"), help="Softness of the edge: SD of its Gaussian, as a share of the image's side."),
]
StoredSize = Annotated[
    int | None, typer.Option(help="Side of the stored images, px. [default: the patches']", show_default=False)
]
