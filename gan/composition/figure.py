"""Pictures of compositions: as Figure 4 of Ren, Yu & Whitney, one row per image; and a family, textures by shapes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from gan.composition.certificate import COMPOSED, methods
from gan.composition.compose import Composition
from stimuli.export import write_sheet

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


def write_family(path: Path, composition: Composition) -> bool:
    """Write the images of crossed lesions, templates on top and textures at the left; whether there are any to write.

    They are crossed if each of two or more textures is on each of two or more shapes, in that order.
    """
    textures = list({texture.name: texture for texture, _ in composition.pairs}.values())
    templates = list({template.name: template for _, template in composition.pairs}.values())
    crossed = [(one.name, other.name) for one in textures for other in templates]
    if min(len(textures), len(templates)) < 2 or crossed != [(a.name, b.name) for a, b in composition.pairs]:
        return False
    cells = [np.ones_like(composition.images[0]), *(template.image for template in templates)]
    for row, texture in enumerate(textures):
        cells += [texture.image, *composition.images[row * len(templates) : (row + 1) * len(templates)]]
    write_sheet(path, cells, columns=1 + len(templates), readable_px=192)
    return True
