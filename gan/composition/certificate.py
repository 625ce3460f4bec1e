"""The certificate: what each composed image keeps of both parts, beside the same of what it is compared with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gan.composition.agreement import gram_distance, outline_dice, seam, shape_correlation, texture_correlation
from gan.composition.compose import Composition, name_of
from gan.composition.judge import FALSE_ALARMS, Classifier, RealImages, describe
from gan.networks.features import Vgg16
from stimuli.images import Pixels

MEASURES = ("texture_correlation", "gram_distance", "shape_correlation", "outline_dice", "seam")
JUDGED = ("distance_to_real", "as_reconstructed")
# What one composed image after another must reach for its parts to count as kept (docs/composing-images.md).
BARS = {"texture_correlation": 0.55, "gram_distance": 0.25, "shape_correlation": 0.95, "seam": 1.35}
AT_MOST = ("gram_distance", "seam")
COMPOSED = "composed"


@dataclass(frozen=True)
class Judge:
    """Real images to compare with, and a classifier of reconstructions where there are some to learn from."""

    real: RealImages
    classifier: Classifier | None = None


def methods(composition: Composition) -> dict[str, Pixels]:
    """The images of each method, in the order of Figure 4, (N, R, R) each; the composed ones come last."""
    templates = np.stack([template.image for _, template in composition.pairs])
    return {"template": templates, **composition.comparators, COMPOSED: composition.images}


def certify(composition: Composition, network: Vgg16, judge: Judge | None = None) -> pd.DataFrame:
    """Measure composed images and their comparators.

    Parameters
    ----------
    composition : Composition
        What `compose` returned.
    network : Vgg16
        Of the Gram matrices.
    judge : Judge, optional
        Of realism; without one, no columns of it.

    Returns
    -------
    DataFrame
        One row per image and method: `image`, `method`, the measures of `gan.composition.agreement`; with a judge also
        `distance_to_real`, and with its classifier `as_reconstructed` and `picked_out`.

    Examples
    --------
    >>> import gan, numpy as np
    >>> model = gan.Model(gan.Generator(gan.Architecture(16)).requires_grad_(False), "", {})
    >>> encoder = gan.StoredEncoder(gan.Encoder(gan.Architecture(16)).eval(), "", "", {})
    >>> image, mask = np.random.default_rng(0).random((16, 16), dtype=np.float32), np.zeros((16, 16), np.float32)
    >>> mask[4:12, 4:12] = 1
    >>> part = gan.Part("a", image, mask)
    >>> composed = gan.compose(model, encoder, gan.Vgg16(), [(part, part)], gan.InversionSettings(steps=2))
    >>> table = gan.certify(composed, gan.Vgg16())
    >>> table.loc[table["method"] == "template", "texture_correlation"].round(2).tolist()  # its own texture
    [1.0]
    """
    parts = []
    for method, images in methods(composition).items():
        rows = []
        for image, pair, transfer in zip(images, composition.pairs, composition.transfers, strict=True):
            template = pair[1]
            values = (
                texture_correlation(image, template, transfer),
                gram_distance(image, template, transfer, network),
                shape_correlation(image, template),
                outline_dice(image, template),
                seam(image, template),
            )
            rows.append({"image": name_of(pair), "method": method, **dict(zip(MEASURES, values, strict=True))})
        parts.append(pd.DataFrame(rows).join(_judged(images, judge)))
    return pd.concat(parts, ignore_index=True)


def _judged(images: Pixels, judge: Judge | None) -> pd.DataFrame:
    if judge is None:
        return pd.DataFrame(index=range(len(images)))
    described = describe(images)
    columns: dict[str, object] = {"distance_to_real": judge.real.distance(described)}
    if judge.classifier is not None:
        chance = judge.classifier.chance(described)
        columns |= {"as_reconstructed": chance, "picked_out": chance <= FALSE_ALARMS}
    return pd.DataFrame(columns)


def reached(table: pd.DataFrame) -> pd.DataFrame:
    """Which of `BARS` each row of a certificate reaches; a measure that is undefined does not."""
    return pd.DataFrame(
        {name: table[name] <= bar if name in AT_MOST else table[name] >= bar for name, bar in BARS.items()}
    )


def passes(table: pd.DataFrame) -> pd.Series[bool]:
    """Whether each row of a certificate reaches all of `BARS`."""
    return reached(table).all(axis=1)
