"""All images of a set on one page, to be looked at in a browser, with the truth hidden until it is asked for."""

from __future__ import annotations

import base64
import io
import math
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from PIL import Image as Pillow

from data.errors import LookalikeError
from data.files import write_text
from stimuli.images import quantise
from stimuli.sets.stored import StimulusSet

_LEAST_PX = 128  # small images are enlarged by whole numbers to at least this width on the page


def write_gallery(stimuli: StimulusSet, path: Path | str) -> None:
    """Write a self-contained HTML page of a set's images, in the order of the set, with a switch that shows the truth.

    Parameters
    ----------
    stimuli : StimulusSet
        A set, as `read_set` returns it.
    path : path
        The new file, ending in `.html`.

    Raises
    ------
    LookalikeError
        If the file exists, has another ending, or an image is missing or altered.

    Notes
    -----
    The page holds the truth whether it is shown or not, so it is for whoever makes a set, not for its participants. A
    browser's greys are not calibrated. It shows patients' images: do not pass it on where the data must not go.

    Examples
    --------
    >>> import numpy as np, pathlib, stimuli
    >>> noise = np.random.default_rng(0).random((2, 16, 16), dtype=np.float32)
    >>> real, generated = ([stimuli.Candidate(image, "seed:0")] for image in noise)
    >>> made = stimuli.build_set("set", real, generated, stimuli.Layout(main=2), provenance={})
    >>> stimuli.write_gallery(made, "gallery.html")
    >>> pathlib.Path("gallery.html").read_text().count("data:image/png")
    2
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise LookalikeError("unknown-format", f"{path}: a gallery is a web page; choose a name that ends in .html")
    if path.exists():
        raise LookalikeError("occupied", f"{path}: exists already and is never overwritten; choose another name")
    if not path.parent.is_dir():
        raise LookalikeError("no-such-folder", f"{path.parent}: no such folder; make it first")
    rows = [_entry(stimuli, row) for row in stimuli.table.to_dict("records")]
    counts = stimuli.table.groupby(["role", "truth"]).size()
    content = {
        "name": stimuli.folder.resolve().name,
        "images": rows,
        "counts": [f"{count} {role} {truth}" for (role, truth), count in counts.items()],
        "sha256": stimuli.sha256,
        "credit": stimuli.about.get("credit", []),
    }
    page = (files("stimuli.sets") / "gallery.html").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    write_text(path, environment.from_string(page).render(content))


def _entry(stimuli: StimulusSet, row: dict[str, Any]) -> dict[str, Any]:
    """What the page shows of one image: 8-bit PNG, its size on the page, and its row of the manifest."""
    pixels = stimuli.read(row["stimulus_id"])
    buffer = io.BytesIO()
    Pillow.fromarray(quantise(pixels, 8)).save(buffer, format="PNG")
    enlarged = max(1, math.ceil(_LEAST_PX / pixels.shape[1]))
    return {
        "id": row["stimulus_id"],
        "data": base64.b64encode(buffer.getvalue()).decode("ascii"),
        "width": pixels.shape[1] * enlarged,
        "height": pixels.shape[0] * enlarged,
        "truth": row["truth"],
        "role": row["role"],
        "source": row["source"] if isinstance(row["source"], str) else "",
        "patient": row["patient"] if isinstance(row["patient"], str) else "",
    }
