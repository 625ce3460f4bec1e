"""One loop or a family of them, from the words of the command line to folders of frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from data.errors import LookalikeError
from data.files import new_folder, sha256, write_table
from data.loops import ANCHORS, Loop
from data.scales import Scale, read_scale
from gan.checkpoint import Model
from gan.codes import ImageCode, codes_of_seeds, read_codes
from gan.morphing.choose import SEEDS_PER_ANCHOR, far_anchors, ring_around, steadiest
from gan.morphing.loop import LoopSettings, make_loop
from gan.morphing.metrics import TITLES, Metric, metric_of
from gan.networks.features import Vgg16
from stimuli.patches import PatchSet


@dataclass(frozen=True)
class Family:
    """Loops through anchors that are far apart and plausible, chosen among seeds from `first_seed` upwards.

    Of several candidates for each loop the one is made whose steps vary least in VGG16 (in NLPD, if they are even in
    VGG16); with one candidate nothing is compared.
    """

    count: int
    anchors: int = 3
    first_seed: int = 0
    candidates: int = 1


def read_anchors(model: Model, words: str, psi: float | None, noise_seed: int | None) -> list[ImageCode]:
    """Anchors from words with commas between: a seed, a codes file (all of it), or `FILE#NAME`.

    Raises `LookalikeError` if a word is neither, a file lacks the name, or what `read_codes` refuses.
    """
    found: list[ImageCode] = []
    for word in (part.strip() for part in words.split(",")):
        if word.isdecimal() and int(word) < 2**31:
            found += codes_of_seeds(model, [int(word)], psi, noise_seed)
            continue
        file, _, name = word.partition("#")
        if not file.endswith(".json"):
            raise LookalikeError(
                "not-a-number",
                f"--seeds is {words!r}: {word!r} is neither a seed nor a codes file (.json, or .json#NAME)",
            )
        codes = read_codes(file, model)
        named = [one for one in codes if name in ("", one.name)]
        if not named:
            raise LookalikeError(
                "no-such-code", f"{file}: has no code {name!r}; it has {', '.join(one.name for one in codes)}"
            )
        found += named
    return found


def anchors_around(
    model: Model, word: str, distance: float, seeds: list[int], psi: float | None, metric: Metric
) -> list[ImageCode]:
    """A ring of anchors around the image of a word. Raises `LookalikeError` as its parts do."""
    centre = read_anchors(model, word, psi, None)
    if len(centre) != 1:
        raise LookalikeError("bad-anchors", f"--around is {word!r}, {len(centre)} images; name one, as FILE#NAME")
    return ring_around(model, centre[0], distance, seeds, psi, metric)


def scaled_loop(model: Model, folder: Path) -> tuple[Scale, list[ImageCode], str, str]:
    """A scale that `lookalike scale --loop` wrote, its loop's anchors and path, and the name of the loop's metric.

    Raises `LookalikeError` if it was made without the loop, or its files are altered or of another model.
    """
    scale = read_scale(folder)
    loop = scale.loop
    if loop is None:
        raise LookalikeError("other-loop", f"{folder}: does not say of which loop it is; scale again with --loop")
    if loop.anchors_sha256 is None:
        raise LookalikeError("other-loop", f"{folder}: is of a loop without codes, which no model can make again")
    anchors = folder / ANCHORS
    if not anchors.is_file() or sha256(anchors) != loop.anchors_sha256:
        raise LookalikeError("altered-file", f"{anchors}: missing, or altered since the scale was made; scale again")
    metric = next((name for name, title in TITLES.items() if title == loop.metric), None)
    if metric is None:
        raise LookalikeError("other-loop", f"{folder}: is of a loop that is even in “{loop.metric}”, not in a metric")
    return scale, read_codes(anchors, model), loop.path, metric


def make_family(
    model: Model,
    out: Path,
    family: Family,
    psi: float | None,
    settings: LoopSettings,
    vgg16: Vgg16 | None,
    patches: PatchSet | None,
    advance: Callable[..., None] = lambda *_: None,
) -> pd.DataFrame:
    """Write a folder of loops, `loop-01` and so on, with their measures in `loops.csv`; returns that table.

    Raises `LookalikeError` if a number is out of range, candidates are compared without VGG16, or `out` is occupied.
    """
    if family.count < 1 or family.anchors < 2 or family.candidates < 1:
        raise LookalikeError(
            "out-of-range",
            f"{family.count} loops of {family.anchors} anchors, {family.candidates} candidates each; ask for 1 or more "
            "loops, 2 or more anchors, and 1 or more candidates",
        )
    if family.candidates > 1 and vgg16 is None:
        raise LookalikeError("weights-needed", "candidates are compared in VGG16; give its weights, or one candidate")
    rows = []
    with new_folder(out) as folder:
        for number in range(family.count):
            anchors = anchors_of(model, family, number, psi, settings, vgg16)
            name = f"loop-{number + 1:02d}"
            loop = make_loop(model, folder / name, anchors, settings, vgg16, patches)
            rows.append({"loop": name, "anchors": " ".join(one.name for one in anchors)} | flat(loop))
            advance()
        table = pd.DataFrame(rows)
        write_table(folder / "loops.csv", table)
    return table


def anchors_of(
    model: Model, family: Family, number: int, psi: float | None, settings: LoopSettings, vgg16: Vgg16 | None
) -> Sequence[ImageCode]:
    """The anchors of one loop of a family, which chooses among seeds of its own."""
    metric = metric_of(settings.metric, vgg16)
    first = family.first_seed + number * family.candidates * family.anchors * SEEDS_PER_ANCHOR
    candidates = far_anchors(model, family.candidates, family.anchors, first, psi, metric)
    if family.candidates == 1:
        return candidates[0]
    beside = metric_of("nlpd" if metric.name == "vgg" else "vgg", vgg16)
    return steadiest(model, candidates, settings.path, metric, beside)


def flat(loop: Loop) -> dict[str, Any]:
    """A loop's measures in one row."""
    found: dict[str, Any] = {}
    for name, value in loop.measures.items():
        found |= {f"{name}_{part}": one for part, one in value.items()} if isinstance(value, dict) else {name: value}
    return found
