from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from experiments.display import gsdf
from experiments.display.calibration import Lookup, LuminanceTable, gamma_lookup, gsdf_lookup, no_lookup
from experiments.display.conformance import draw, levels_to_check, measure_conformance

ALL = np.arange(256)


def table(luminances: np.ndarray, ambient: float = 0.0) -> LuminanceTable:
    return LuminanceTable(tuple(map(int, ALL)), tuple(map(float, luminances)), ambient)


def gamma_display(gamma: float = 2.2, black: float = 0.5, white: float = 300.0, ambient: float = 0.2) -> LuminanceTable:
    return table(black + (white - black) * (ALL / 255) ** gamma, ambient)


def perfect_display(low: float = 0.7, high: float = 400.0, ambient: float = 0.2) -> LuminanceTable:
    return table(gsdf.jnd_to_luminance(np.linspace(*gsdf.luminance_to_jnd([low, high]), 256)) - ambient, ambient)


def test_a_display_that_follows_the_gsdf_itself_conforms() -> None:
    report = measure_conformance(no_lookup(), perfect_display())
    assert report.conforms
    assert report.worst < 1e-6
    np.testing.assert_allclose(report.luminances_cd_m2, report.expected_cd_m2, rtol=1e-6)
    assert "conforms to the DICOM grayscale standard display function: contrast within 10%" in report.verdict()
    assert report.surviving == {8: 256, 16: 256}


def test_ambient_light_counts() -> None:
    """The same display without the room's light that it was set up for is no longer right."""
    perfect = perfect_display(ambient=0.5)
    dark = LuminanceTable(perfect.levels, perfect.luminances_cd_m2, 0.0)
    assert measure_conformance(no_lookup(), perfect).conforms
    assert not measure_conformance(no_lookup(), dark).conforms


def test_a_gamma_display_as_it_is_does_not_conform() -> None:
    report = measure_conformance(no_lookup(), gamma_display())
    assert not report.conforms
    assert report.worst > 0.3
    assert "does not conform" in report.verdict()
    # Too much contrast in the dark, too little in the light: what a gamma display is known for.
    assert report.deviations[1] > 0.1
    assert report.deviations[-1] < -0.1


@pytest.mark.parametrize("gamma", [1.8, 2.2, 2.4])
@pytest.mark.parametrize(("black", "white"), [(0.5, 300.0), (1.0, 120.0), (0.2, 450.0)])
def test_a_gamma_display_through_its_lookup_conforms_as_far_as_8_bits_allow(
    gamma: float, black: float, white: float
) -> None:
    display = gamma_display(gamma, black, white)
    lookup = gsdf_lookup(display)
    report = measure_conformance(lookup, display)
    assert report.conforms
    # Each of the 18 luminances lies half a framebuffer step from its target at most, in JNDs.
    jnds, wanted = gsdf.luminance_to_jnd(report.luminances_cd_m2), gsdf.luminance_to_jnd(report.expected_cd_m2)
    steps = np.diff(gsdf.luminance_to_jnd(display.at(ALL)))
    assert np.abs(jnds - wanted).max() <= steps.max() / 2 + 1e-6
    assert 180 < report.surviving[8] < 256
    assert report.surviving[16] == 256


def test_the_numbers_are_those_of_tg18() -> None:
    """Contrast 2 (L' − L) / (L' + L) over the mean number of JNDs of a step, worked out step by step."""
    display = gamma_display()
    report = measure_conformance(no_lookup(), display)
    low, high = (float(gsdf.luminance_to_jnd(display.at(level))) for level in (0, 255))
    per_step = (high - low) / 17
    for n in range(17):
        before, after = (0.5 + 299.5 * (15 * level / 255) ** 2.2 + 0.2 for level in (n, n + 1))
        measured = 2 * (after - before) / (after + before) / per_step
        dark, light = (float(gsdf.jnd_to_luminance(low + per_step * level)) for level in (n, n + 1))
        expected = 2 * (light - dark) / (light + dark) / per_step
        assert report.contrasts[n] == pytest.approx(measured, rel=1e-9)
        assert report.deviations[n] == pytest.approx(measured / expected - 1, rel=1e-6)
        assert report.steps()[n]["deviation"] == pytest.approx(report.deviations[n], abs=1e-4)
    assert report.jnds == pytest.approx(high - low)


@pytest.mark.parametrize(("share", "conforms"), [(0.099, True), (0.101, False), (-0.099, True), (-0.101, False)])
def test_the_bound_is_ten_percent_either_way_at_any_step(share: float, conforms: bool) -> None:
    report = measure_conformance(no_lookup(), perfect_display())
    for step in range(17):
        contrasts = report.expected_contrasts.copy()
        contrasts[step] *= 1 + share
        off = replace(report, contrasts=contrasts)
        assert off.conforms is conforms
        assert f"P {step / 17:.2f} to {(step + 1) / 17:.2f}" in off.verdict()


def test_proportional_luminance_is_another_target() -> None:
    display = gamma_display()
    report = measure_conformance(gamma_lookup(2.2), display, "linear")
    assert report.conforms
    assert "luminance in proportion" in report.verdict()
    assert not measure_conformance(gamma_lookup(2.2), display, "gsdf").conforms


def test_a_display_that_drifted_fails_through_its_old_lookup() -> None:
    lookup = gsdf_lookup(gamma_display(2.2))
    assert not measure_conformance(lookup, gamma_display(2.8)).conforms


def test_the_levels_to_measure_are_those_that_are_looked_at() -> None:
    lookup = gsdf_lookup(gamma_display())
    levels = levels_to_check(lookup)
    assert len(levels) == 18
    np.testing.assert_array_equal(levels, measure_conformance(lookup, gamma_display()).levels)


def test_a_lookup_that_merges_steps_cannot_be_measured(refuses: Any) -> None:
    flat = Lookup(np.concatenate([np.linspace(0, 0.01, 250), np.linspace(0.2, 1, 6)]))
    with refuses("too-few-levels"):
        levels_to_check(flat)


@pytest.mark.parametrize("make", [gamma_display, perfect_display])
def test_the_figure_marks_the_steps_outside(make: Callable[[], LuminanceTable]) -> None:
    report = measure_conformance(no_lookup(), make())
    _, right = draw(report).axes
    drawn = {line.get_label(): np.size(line.get_xdata()) for line in right.lines}
    outside = int((np.abs(report.deviations) > 0.1).sum())
    assert drawn["within"] == 17 - outside
    assert drawn.get("outside", 0) == outside
