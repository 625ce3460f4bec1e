"""Composition: inversion of a template whose lesion has another's texture ("Controllable mammogram generation")."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter

from data.errors import LookalikeError
from gan.checkpoint import Model
from gan.codes import ImageCode
from gan.composition.comparators import blended, stitched
from gan.composition.parts import Part, check_parts
from gan.composition.transfer import Transfer, bring_in
from gan.inversion.encoder_file import StoredEncoder
from gan.inversion.invert import Inversion, invert
from gan.inversion.settings import DEFAULT, InversionSettings
from gan.networks.features import Vgg16
from stimuli.images import Pixels

# Chosen on pairs of select patients. More steps than inversion: whoever composes wants this texture, not one like it.
COMPOSE = replace(DEFAULT, steps=200, learning_rate=0.25, noise_rate=0.2, patience=100)
OUTSIDE = 0.4  # weight of the surround, where the lesion has 1
_HALO_SHARE = 1 / 43  # SD of the weight's soft edge over the image's side: 1.5 px at 64 px

Pair = tuple[Part, Part]  # texture and template


@dataclass(frozen=True)
class Composition:
    """Composed images, beside what they are made from and compared with.

    Attributes
    ----------
    pairs : list of (Part, Part)
        Texture and template of each image.
    transfers : list of Transfer
        The texture in the template's frame.
    images : array of float32, shape (N, R, R)
        The composed images, P-values in [0, 1].
    comparators : dict of str to array of float32, each (N, R, R)
        As in Figure 4: `stitched`, `poisson` (OpenCV's seamless cloning), and `encoder`, of the stitched image.
    found : Inversion
        Codes and noise of the composed images, and how they were found.
    settings : InversionSettings
        Of the inversion.

    Examples
    --------
    >>> import gan, numpy as np
    >>> model = gan.Model(gan.Generator(gan.Architecture(16)).requires_grad_(False), "", {})
    >>> encoder = gan.StoredEncoder(gan.Encoder(gan.Architecture(16)).eval(), "", "", {})
    >>> image, mask = np.random.default_rng(0).random((16, 16), dtype=np.float32), np.zeros((16, 16), np.float32)
    >>> mask[4:12, 4:12] = 1
    >>> parts = gan.Part("a", image, mask, "p1"), gan.Part("b", image.T.copy(), mask, "p2")
    >>> composed = gan.compose(model, encoder, gan.Vgg16(), [parts], gan.InversionSettings(steps=2))
    >>> composed.codes[0].name, composed.codes[0].patients
    ('a-on-b', ('p1', 'p2'))
    """

    pairs: list[Pair]
    transfers: list[Transfer]
    images: Pixels
    comparators: dict[str, Pixels]
    found: Inversion
    settings: InversionSettings

    @property
    def codes(self) -> list[ImageCode]:
        """What makes each image, with its patients, for morphs and further compositions."""
        return [
            ImageCode(
                name_of(pair),
                self.found.codes[number],
                tuple(layer[number, 0] for layer in self.found.noise),
                f"texture of {pair[0].name} on the shape of {pair[1].name}",
                patients_of(pair),
            )
            for number, pair in enumerate(self.pairs)
        ]


def name_of(pair: Pair) -> str:
    """What the image of a texture and a template is called."""
    return f"{pair[0].name}-on-{pair[1].name}"


def patients_of(pair: Pair) -> tuple[str, ...]:
    """The codes of the patients of a pair, the texture's first; one where both are one patient's."""
    return tuple(dict.fromkeys(part.patient for part in pair if part.patient is not None))


def compose(
    model: Model,
    encoder: StoredEncoder,
    features: Vgg16,
    pairs: Sequence[Pair],
    settings: InversionSettings = COMPOSE,
    progress: Callable[[int], None] = lambda _: None,
) -> Composition:
    """Put the texture of one lesion on the shape of another, by way of the generator.

    The texture is brought into the template's outline (`gan.composition.transfer.bring_in`), and the code and noise are
    found whose image is nearest to that, the lesion weighing more than its surround. The paper's objective starts from
    the pasted texture, matches the lesion alone, and leaves the surround to the generator.

    Parameters
    ----------
    model, encoder : Model, StoredEncoder
        A generator and its encoder.
    features : Vgg16
        The network of the perceptual term.
    pairs : sequence of (Part, Part)
        The texture and the template of each image.
    settings : InversionSettings
        Those of the inversion; with the objective "paper", its masked loss.
    progress : function of int
        Called with the number of images of a batch when they are done.

    Returns
    -------
    Composition
        Images, comparators, codes and noise.

    Raises
    ------
    LookalikeError
        If there are no pairs; an image or a mask is of another size, out of range or not finite; a mask is empty, full
        or of another image; a lesion is under 8 px; or the encoder is of another generator.

    References
    ----------
    Ren, Yu & Whitney, "Controllable mammogram generation" and Figure 4.

    Examples
    --------
    A lesion on its own shape:

    >>> import gan, numpy as np
    >>> model = gan.Model(gan.Generator(gan.Architecture(16)).requires_grad_(False), "", {})
    >>> encoder = gan.StoredEncoder(gan.Encoder(gan.Architecture(16)).eval(), "", "", {})
    >>> image, mask = np.random.default_rng(0).random((16, 16), dtype=np.float32), np.zeros((16, 16), np.float32)
    >>> mask[4:12, 4:12] = 1
    >>> part = gan.Part("a", image, mask)
    >>> gan.compose(model, encoder, gan.Vgg16(), [(part, part)], gan.InversionSettings(steps=2)).images.shape
    (1, 16, 16)
    """
    if not pairs:
        raise LookalikeError("no-images", "no pairs of texture and template; give one of each or more")
    size = model.generator.architecture.resolution
    check_parts(list({id(part): part for pair in pairs for part in pair}.values()), size)
    transfers = [bring_in(texture, template) for texture, template in pairs]
    templates = [template for _, template in pairs]
    pasted = np.stack([stitched(one, template) for one, template in zip(transfers, templates, strict=True)])
    if settings.objective == "paper":
        targets, weights = pasted, np.stack([one.inside for one in templates]).astype(np.float32)
    else:
        targets, weights = np.stack([one.target for one in transfers]), np.stack([_weights(one) for one in templates])
    found = invert(model, encoder, features, targets, settings, weights, progress)
    alone = invert(model, encoder, features, pasted, replace(settings, steps=0))
    comparators = {
        "stitched": pasted,
        "poisson": np.stack([blended(one, template) for one, template in zip(transfers, templates, strict=True)]),
        "encoder": alone.images,
    }
    return Composition(list(pairs), transfers, found.images, comparators, found, settings)


def _weights(template: Part) -> Pixels:
    """1 inside, `OUTSIDE` outside, with a soft edge a little outside of the outline."""
    soft = gaussian_filter(template.mask.astype(float), _HALO_SHARE * len(template.mask))
    weights: Pixels = (OUTSIDE + (1 - OUTSIDE) * np.clip(1.2 * soft, 0, 1)).astype(np.float32)
    return weights
