"""Does a display show equal steps of P-value as it should? The contrast response of AAPM TG18 and TG270.

At 18 evenly spaced P-values the luminance with room light is compared with its target. For each of the 17 steps the
contrast, ΔL/L, is divided by the step's number of just-noticeable differences; it must lie within 10% of the target's.
(AAPM On-Line Report 03, 2005, section 4.3; TG270, 2019.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from data.arrays import Floats
from data.errors import LookalikeError
from experiments.display import gsdf
from experiments.display.calibration import Lookup, LuminanceTable, jnd_indices

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEPS = 17
TOLERANCE = 0.10
Target = Literal["gsdf", "linear"]
_NAMES = {"gsdf": "the DICOM grayscale standard display function", "linear": "luminance in proportion to P-value"}


@dataclass(frozen=True)
class Conformance:
    """How closely a display follows its target.

    Attributes
    ----------
    target : {"gsdf", "linear"}
        The target: the GSDF, or luminance in proportion to the P-value.
    p_values, levels : ndarray of float, shape (18,)
        P-values from 0 to 1, and the framebuffer values that show them.
    luminances_cd_m2, expected_cd_m2 : ndarray of float, shape (18,)
        Luminance with room light, as measured and as the target has it, cd/m².
    contrasts, expected_contrasts : ndarray of float, shape (17,)
        Contrast ΔL/L per just-noticeable difference at each step.
    jnds : float
        Just-noticeable differences from black to white.
    surviving : dict of int to int
        How many grey levels of a source image of 8 and of 16 bits stay distinct.
    ambient_cd_m2 : float
        Room light reflected by the screen, cd/m².

    Examples
    --------
    >>> import experiments
    >>> levels = tuple(range(0, 256, 15))
    >>> table = experiments.LuminanceTable(levels, tuple(0.5 + 300 * (level / 255) ** 2.2 for level in levels), 0.2)
    >>> found = experiments.measure_conformance(experiments.gsdf_lookup(table), table)
    >>> found.conforms, round(found.worst, 3)
    (True, 0.076)
    """

    target: Target
    p_values: Floats
    levels: Floats
    luminances_cd_m2: Floats
    expected_cd_m2: Floats
    contrasts: Floats
    expected_contrasts: Floats
    jnds: float
    surviving: dict[int, int]
    ambient_cd_m2: float

    @property
    def deviations(self) -> Floats:
        """Relative deviation of each step's contrast from the expected one; negative is too little contrast."""
        return self.contrasts / self.expected_contrasts - 1

    @property
    def worst(self) -> float:
        return float(np.abs(self.deviations).max())

    @property
    def conforms(self) -> bool:
        return self.worst <= TOLERANCE

    def verdict(self) -> str:
        step = int(np.abs(self.deviations).argmax())
        where = f"P {self.p_values[step]:.2f} to {self.p_values[step + 1]:.2f}"
        if self.conforms:
            return (
                f"conforms to {_NAMES[self.target]}: contrast within 10% at each of {STEPS} steps "
                f"(largest deviation {self.worst:.1%}, {where})"
            )
        off = int((np.abs(self.deviations) > TOLERANCE).sum())
        return (
            f"does not conform to {_NAMES[self.target]}: contrast off by more than 10% at {off} of {STEPS} steps "
            f"(largest deviation {self.worst:.0%}, {where}); measure and calibrate the display again"
        )

    def summary(self) -> dict[str, Any]:
        """The main numbers by name; `steps` has those of each step."""
        return {
            "verdict": self.verdict(),
            "conforms": self.conforms,
            "target": self.target,
            "worst_deviation": round(self.worst, 4),
            "black_cd_m2": round(float(self.luminances_cd_m2[0]), 4),
            "white_cd_m2": round(float(self.luminances_cd_m2[-1]), 2),
            "ambient_cd_m2": self.ambient_cd_m2,
            "luminance_ratio": round(float(self.luminances_cd_m2[-1] / self.luminances_cd_m2[0]), 1),
            "jnds": round(self.jnds, 1),
            "grey_levels_of_256": self.surviving[8],
            "grey_levels_of_65536": self.surviving[16],
        }

    def steps(self) -> list[dict[str, float]]:
        """One row per step, from its lower to its upper P-value."""
        return [
            {
                "p_from": round(float(self.p_values[n]), 4),
                "p_to": round(float(self.p_values[n + 1]), 4),
                "level_from": int(self.levels[n]),
                "level_to": int(self.levels[n + 1]),
                "luminance_from_cd_m2": round(float(self.luminances_cd_m2[n]), 4),
                "luminance_to_cd_m2": round(float(self.luminances_cd_m2[n + 1]), 4),
                "contrast_per_jnd": round(float(self.contrasts[n]), 6),
                "expected_contrast_per_jnd": round(float(self.expected_contrasts[n]), 6),
                "deviation": round(float(self.deviations[n]), 4),
            }
            for n in range(STEPS)
        ]


def measure_conformance(lookup: Lookup, table: LuminanceTable, target: Target = "gsdf") -> Conformance:
    """Compare what a display shows for 18 P-values with its target.

    Parameters
    ----------
    lookup : Lookup
        From P-values to framebuffer values.
    table : LuminanceTable
        Measured luminances; levels that were not measured are interpolated.
    target : {"gsdf", "linear"}, optional
        The grayscale standard display function, or luminance in proportion to the P-value.

    Returns
    -------
    Conformance
        Luminances, contrasts per just-noticeable difference, and whether all lie within 10% of the target.

    Raises
    ------
    LookalikeError
        If black or white is outside the range of the GSDF (`outside-gsdf`).

    References
    ----------
    AAPM On-Line Report 03 (2005), section 4.3. AAPM TG270 (2019).

    Examples
    --------
    >>> import experiments
    >>> levels = tuple(range(0, 256, 15))
    >>> table = experiments.LuminanceTable(levels, tuple(0.5 + 300 * (level / 255) ** 2.2 for level in levels), 0.2)
    >>> experiments.measure_conformance(experiments.gsdf_lookup(table), table).conforms
    True
    """
    p_values = np.linspace(0, 1, STEPS + 1)
    levels = lookup(p_values).astype(np.float64)
    luminances = table.at(levels)
    ends = jnd_indices(luminances[[0, -1]])
    per_step = (ends[1] - ends[0]) / STEPS
    if target == "gsdf":
        expected = gsdf.jnd_to_luminance(ends[0] + per_step * np.arange(STEPS + 1))
    else:
        expected = luminances[0] + (luminances[-1] - luminances[0]) * p_values
    return Conformance(
        target,
        p_values,
        levels,
        luminances,
        expected,
        _contrasts(luminances) / per_step,
        _contrasts(expected) / per_step,
        float(ends[1] - ends[0]),
        {bits: lookup.surviving(bits) for bits in (8, 16)},
        table.ambient_cd_m2,
    )


def levels_to_check(lookup: Lookup) -> tuple[int, ...]:
    """The framebuffer values that `measure_conformance` compares, so that they are measured, not interpolated.

    Raises `LookalikeError` if the lookup shows two of the P-values alike.
    """
    levels = tuple(int(level) for level in lookup(np.linspace(0, 1, STEPS + 1)))
    if len(set(levels)) <= STEPS:
        raise LookalikeError(
            "too-few-levels",
            "the display shows neighbouring P-values alike; raise its luminance and calibrate it again",
        )
    return levels


def draw(report: Conformance) -> Figure:
    """Two panels: luminance against P-value, and contrast per JND with the band of 10% around the target."""
    from matplotlib.figure import Figure  # a second to import, which no session needs

    figure = Figure(figsize=(7.1, 3.1), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(report.p_values, report.expected_cd_m2, color="#6b6b6b", linewidth=1.2, label="target")
    left.plot(report.p_values, report.luminances_cd_m2, "o", color="#0072B2", markersize=4, label="display")
    left.set_xlabel("P-value")
    left.set_ylabel("luminance with room light (cd/m²)")
    middles = (report.p_values[1:] + report.p_values[:-1]) / 2
    wanted = report.expected_contrasts
    right.fill_between(middles, wanted * (1 - TOLERANCE), wanted * (1 + TOLERANCE), color="#d9d9d9", label="± 10%")
    right.plot(middles, wanted, color="#6b6b6b", linewidth=1.2, label="target")
    inside = np.abs(report.deviations) <= TOLERANCE
    right.plot(middles[inside], report.contrasts[inside], "o", color="#0072B2", markersize=4, label="within")
    if not inside.all():
        right.plot(middles[~inside], report.contrasts[~inside], "X", color="#D55E00", markersize=6, label="outside")
    right.set_xlabel("P-value, middle of the step")
    right.set_ylabel("contrast per JND (ΔL/L)")
    for axes in (left, right):
        axes.set_yscale("log")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=7.5)
    figure.suptitle("conforms" if report.conforms else "does not conform", fontsize=9)
    return figure


def _contrasts(luminances: Floats) -> Floats:
    """ΔL/L of neighbouring luminances, relative to their mean."""
    return np.asarray(2 * np.diff(luminances) / (luminances[1:] + luminances[:-1]))
