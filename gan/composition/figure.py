"""The picture of compositions, as Figure 4 of Ren, Yu & Whitney: parts, comparators and result, one row per image."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from gan.composition.certificate import COMPOSED, methods
from gan.composition.compose import Composition

_MOST_ROWS = 12
_CELL_IN = 1.3
_TITLES = {
    "template": "shape template",
    "stitched": "direct stitch",
    "poisson": "Poisson blend",
    "encoder": "encoder only",
    COMPOSED: "composed",
}


def write_figure(path: Path, composition: Composition) -> None:
    """Write the first twelve images as PNG: texture and template with their outlines, comparators, and result."""
    rows = min(_MOST_ROWS, len(composition.pairs))
    shown = methods(composition)
    figure = Figure(figsize=(_CELL_IN * (1 + len(shown)), _CELL_IN * rows + 0.3), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)  # type: ignore[union-attr, call-arg]
    axes = figure.subplots(rows, 1 + len(shown), squeeze=False)
    for row, (texture, template) in enumerate(composition.pairs[:rows]):
        cells = {"texture": texture.image} | {name: images[row] for name, images in shown.items()}
        for axis, (name, image) in zip(axes[row], cells.items(), strict=True):
            axis.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axis.set_axis_off()
            if row == 0:
                axis.set_title(_TITLES.get(name, name), fontsize=9)
        for axis, part in zip(axes[row], (texture, template), strict=False):
            axis.contour(part.mask, levels=[0.5], colors="tab:orange", linewidths=0.8)
    figure.savefig(path, dpi=150)
