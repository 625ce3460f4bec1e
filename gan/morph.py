"""Morph loops: A -> B -> C -> A through the generator, in steps that are even in a stated metric.

The path is straight in W+ between anchors (Ren, Yu & Whitney, "Mammogram interpolation"). Equal steps in w are
not equal steps in the image, so frames are spaced evenly along the path as measured in the images. The noise is
the same in every frame: only the code changes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from data.arrays import Floats, Ints
from data.errors import LookalikeError
from data.files import new_folder, sha256
from data.loops import Frame, Loop, write_loop
from gan.checkpoint import Model
from gan.networks.generator import Generator, codes_from_seeds, noise_from_seed, to_p_values
from stimuli.export import write_gif
from stimuli.images import Pixels, write_png

METRIC = "RMS difference of grey levels 0 to 1"  # P-values, between neighbouring frames
_PROBES = 64  # images per segment from which distances along it are measured


def make_loop(
    model: Model,
    out: Path | str,
    seeds: list[int],
    frames: int = 147,
    psi: float = 0.7,
    noise_seed: int = 0,
    bits: int = 8,
) -> Loop:
    """Write a closed morph loop through the images of some seeds: PNGs, `loop.json` and `loop.gif`.

    The anchors are frames themselves, and the other frames are divided among the segments between them so that steps
    are as even as whole numbers of frames allow.

    Parameters
    ----------
    model : Model
        A loaded model.
    out : path
        A folder that does not exist yet, or is empty.
    seeds : list of int
        The anchors: two or more different seeds.
    frames : int
        Frames of the whole loop, at least two per anchor.
    psi : float
        Truncation of the anchors; 1 is none.
    noise_seed : int
        Of the noise that all frames share.
    bits : {8, 16}
        Bits per pixel of the PNGs.

    Returns
    -------
    Loop
        The content of `loop.json`: frames with their positions in degrees and steps, anchors, codes, and `evenness`,
        the coefficient of variation of the steps.

    Raises
    ------
    LookalikeError
        If there are fewer than two different seeds, too few frames, other bits, or `out` is occupied.

    References
    ----------
    Ren, Yu & Whitney, "Controllable medical image generation via generative adversarial networks".

    Examples
    --------
    >>> import gan
    >>> from data.shipped import DEFAULT_MODEL
    >>> loop = gan.make_loop(gan.load_model(DEFAULT_MODEL), "loop", seeds=[1, 2], frames=8)
    >>> [frame.position_deg for frame in loop.frames][:3], loop.anchors[0]
    ([0.0, 45.0, 90.0], 0)
    """
    if len(seeds) < 2 or len(set(seeds)) < len(seeds):
        raise LookalikeError("bad-anchors", f"seeds are {seeds}; a loop needs at least two, all different")
    if frames < 2 * len(seeds):
        raise LookalikeError(
            "out-of-range", f"{frames} frames are too few for {len(seeds)} anchors; ask for {2 * len(seeds)} or more"
        )
    if bits not in (8, 16):
        raise LookalikeError("unknown-choice", f"bits is {bits}; a PNG holds 8 or 16")
    generator = model.generator
    with torch.inference_mode():
        w = generator.mapping(codes_from_seeds(generator, seeds))
        anchors = generator.truncate(generator.per_layer(w), psi)
        noise = noise_from_seed(generator, noise_seed)
        path, anchor_frames = _even_path(generator, anchors, noise, frames)
        images = _render(generator, path, noise)
    steps = _steps(np.concatenate([images, images[:1]]))
    with new_folder(Path(out)) as folder:
        entries = []
        for index, image in enumerate(images):
            file = f"frame-{index:03d}.png"
            write_png(folder / file, image, bits)
            entries.append(Frame(file, 360 * index / frames, float(steps[index]), sha256(folder / file)))
        loop = Loop(
            tuple(entries),
            tuple(anchor_frames),
            tuple(seeds),
            tuple(tuple(round(float(value), 6) for value in code) for code in w),
            psi,
            noise_seed,
            METRIC,
            float(steps.std() / steps.mean()),
            model.sha256,
        )
        write_loop(folder, loop)
        write_gif(folder / "loop.gif", list(images), seconds=frames / 20, scale=max(1, 256 // images.shape[1]))
    return loop


def _even_path(generator: Generator, anchors: Tensor, noise: list[Tensor], frames: int) -> tuple[Tensor, list[int]]:
    """Codes (frames, num_layers, w_dim) at even image distances, and the frame number of each anchor."""
    ends = torch.roll(anchors, -1, dims=0)
    fractions = torch.linspace(0, 1, _PROBES + 1)[:, None, None]
    travelled = []  # per segment: image distance from its start, at each probe
    for start, end in zip(anchors, ends, strict=True):
        images = _render(generator, torch.lerp(start, end, fractions), noise)
        travelled.append(np.concatenate([[0.0], np.cumsum(_steps(images))]))
    lengths = np.array([distance[-1] for distance in travelled])
    if not (lengths > 0).all():
        raise LookalikeError(
            "bad-anchors", "two anchors look the same, so there is no path between them; is the model trained?"
        )
    shares = _apportion(frames, lengths)
    codes = []
    for start, end, distance, count in zip(anchors, ends, travelled, shares, strict=True):
        wanted = distance[-1] * np.arange(count) / count
        fraction = np.interp(wanted, distance, np.linspace(0, 1, _PROBES + 1))
        codes.append(torch.lerp(start, end, torch.from_numpy(fraction).to(start.dtype)[:, None, None]))
    return torch.cat(codes), [0, *np.cumsum(shares)[:-1].tolist()]


def _apportion(frames: int, lengths: Floats) -> Ints:
    """Whole numbers of frames per segment, at least one, in proportion to length (largest remainder)."""
    ideal = frames * lengths / lengths.sum()
    counts: Ints = np.maximum(1, np.floor(ideal)).astype(np.int64)
    while counts.sum() != frames:
        if counts.sum() < frames:
            counts[np.argmax(ideal - counts)] += 1
        else:
            counts[np.argmax(np.where(counts > 1, counts - ideal, -np.inf))] -= 1
    return counts


def _render(generator: Generator, ws: Tensor, noise: list[Tensor], batch: int = 50) -> Pixels:
    return np.concatenate([to_p_values(generator.synthesis(part, noise)) for part in ws.split(batch)])


def _steps(images: Pixels) -> Floats:
    """Distances between neighbours of (N, R, R): (N - 1,), in `METRIC`."""
    difference = np.diff(images.astype(np.float64), axis=0)
    distances: Floats = np.sqrt(np.square(difference).mean(axis=(1, 2)))
    return distances
