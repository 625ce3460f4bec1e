"""Phantoms: synthetic film with bright masses, to try everything without a patient's mammogram."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

from data.files import new_folder, write_table
from stimuli.images import write_png


def write_phantoms(folder: Path | str, count: int, lesion_px: int = 64, seed: int = 0) -> None:
    """Write synthetic mammograms with one mass each, and their `boxes.csv`, into a new folder.

    A phantom is smoothed noise with a bright Gaussian mass in the middle. It resembles a mammogram only as far as the
    software needs: for examples, tests and trying out a pipeline, never as a stimulus.

    Parameters
    ----------
    folder : path
        A folder that does not exist yet, or is empty.
    count : int
        Number of phantoms, each of a patient of its own.
    lesion_px : int
        Side of the mass's box in pixels. The image's side is three times that, so that patches of up to twice that size
        can be cut.
    seed : int
        The same seed gives the same phantoms.

    Examples
    --------
    >>> import stimuli
    >>> stimuli.write_phantoms("film", 3, lesion_px=16)
    >>> [mammogram.file for mammogram in stimuli.read_source("film")]
    ['phantom-000.png', 'phantom-001.png', 'phantom-002.png']
    """
    rng = np.random.default_rng(seed)
    y, x = np.indices((3 * lesion_px, 3 * lesion_px)) - 1.5 * lesion_px
    mass = np.exp(-(x**2 + y**2) / (2 * (lesion_px / 3) ** 2))
    rows = []
    with new_folder(Path(folder)) as partial:
        for number in range(count):
            tissue = gaussian_filter(rng.normal(0, 1, mass.shape), lesion_px / 16)
            film = 0.35 + 0.08 * tissue / tissue.std() + 0.3 * mass
            file = f"phantom-{number:03d}.png"
            write_png(partial / file, film.astype(np.float32), bits=16)
            box = {"x": lesion_px, "y": lesion_px, "width": lesion_px, "height": lesion_px}
            rows.append({"file": file, "patient_id": f"P{number:03d}", **box})
        write_table(partial / "boxes.csv", pd.DataFrame(rows))
