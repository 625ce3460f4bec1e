"""Profiles and curves: whether greys mean what they mean on a display, or something else, such as linear light.

References
----------
ICC.1:2022; LittleCMS (by Pillow) evaluates profiles. sRGB: IEC 61966-2-1.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageCms

from data.arrays import Floats
from stimuli.readers.record import unsupported

_GAMMA = 2.2
_TOLERANCE = 0.035  # RMS in P-values: displays (sRGB, gamma 2.0 to 2.4) differ by less, gamma 1.8 and print by more


def refuse_other_greys(path: Path, profile: bytes | None) -> tuple[str, ...]:
    """Raise `LookalikeError` if a file's ICC profile gives its greys another meaning than sRGB does.

    Returns what is worth a remark: a profile that nothing can read counts as not given, as in viewers.
    """
    if not profile:
        return ()
    try:
        shown, name = _shown(profile)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError, KeyError):
        return ("its ICC profile is damaged and does not count",)
    _refuse_if_off(path, f"has an ICC profile ({name})", shown)
    return ()


def refuse_other_curve(path: Path, what: str, light: Floats) -> None:
    """Raise `LookalikeError` if the light that a file says each of its greys stands for is not that of a display.

    `light` is linear, of the lowest grey first, and 1 is white; `what` is the name of what says so.
    """
    _refuse_if_off(path, f"has a {what}", np.clip(light, 0, 1) ** (1 / _GAMMA))


def _refuse_if_off(path: Path, what: str, shown: Floats) -> None:
    off = float(np.sqrt(np.mean((shown - np.linspace(0, 1, len(shown))) ** 2)))
    if off > _TOLERANCE:
        raise unsupported(
            path,
            f"{what} by which a display shows greys {off:.2g} of white off (RMS)",
            "convert it to sRGB or Gray Gamma 2.2, or remove it from the file if it is wrong",
        )


def _shown(content: bytes) -> tuple[Floats, str]:
    """How bright, in P-values of sRGB, a profile means each of 256 greys; and its name."""
    profile = ImageCms.ImageCmsProfile(io.BytesIO(content))
    mode = {"GRAY": "L", "RGB": "RGB"}[profile.profile.xcolor_space.strip()]
    ramp = Pillow.fromarray(np.arange(256, dtype=np.uint8)[None]).convert(mode)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    turned = ImageCms.profileToProfile(ramp, profile, srgb, ImageCms.Intent.RELATIVE_COLORIMETRIC, outputMode="RGB")
    name = " ".join(ImageCms.getProfileDescription(profile).split()) or "without a name"
    return np.asarray(turned)[0, :, 1] / 255, name
