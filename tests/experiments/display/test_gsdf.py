"""The grayscale standard display function against what the standard prints, and against its own inverse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.display import gsdf

# PS3.14, table B-1, printed to four decimals. It comes from Barten's model, the formula was fitted to it.
TABLE_B1 = {1: 0.0500, 2: 0.0547, 3: 0.0594, 4: 0.0643, 5: 0.0696, 1023: 3993.4040}
# PS3.14, table D.2-1: optical densities that a printer lays down for 8-bit P-values between 12.0 and 1271.9
# cd/m², on a light-box of 2000 cd/m² in a room that adds 10.
TABLE_D2 = {
    **{0: 3.000, 1: 2.936, 2: 2.880, 12: 2.506, 24: 2.239, 36: 2.043, 48: 1.882, 60: 1.742, 84: 1.499, 96: 1.390},
    **{108: 1.286, 120: 1.186, 132: 1.090, 144: 0.996, 156: 0.905, 168: 0.816, 180: 0.728, 192: 0.641},
    **{204: 0.556, 216: 0.471, 228: 0.387, 240: 0.304, 252: 0.221, 255: 0.200},
}
# PS3.14, section 7.1: the standard's own, approximate inverse, powers of log10 L from 0 upwards.
INVERSE = (71.498068, 94.593053, 41.912053, 9.8247004, 0.28175407, -1.1878455, -0.18014349, 0.14710899, -0.017046845)


@pytest.mark.parametrize(("jnd", "printed"), TABLE_B1.items())
def test_luminances_are_those_of_the_standards_table(jnd: int, printed: float) -> None:
    assert gsdf.jnd_to_luminance(jnd) == pytest.approx(printed, rel=3e-5, abs=5.1e-5)


def test_densities_are_those_of_the_standards_example() -> None:
    def seen(density: float) -> float:
        return 2000 * 10**-density + 10

    low, high = gsdf.luminance_to_jnd([seen(3.0), seen(0.2)])
    for p_value, printed in TABLE_D2.items():
        luminance = float(gsdf.jnd_to_luminance(low + (high - low) * p_value / 255))
        assert -np.log10((luminance - 10) / 2000) == pytest.approx(printed, abs=0.0015), p_value


@given(st.floats(1, 1023))
def test_the_inverse_undoes_the_function(jnd: float) -> None:
    assert gsdf.luminance_to_jnd(gsdf.jnd_to_luminance(jnd)) == pytest.approx(jnd, abs=1e-5)


@given(st.floats(0.05, 3993.0))
def test_the_function_undoes_the_inverse(luminance: float) -> None:
    assert gsdf.jnd_to_luminance(gsdf.luminance_to_jnd(luminance)) == pytest.approx(luminance, rel=1e-6)


def test_the_inverse_agrees_with_the_standards_closed_formula() -> None:
    luminances = np.geomspace(0.0501, 3990, 2000)
    closed = np.polynomial.polynomial.polyval(np.log10(luminances), INVERSE)
    assert np.abs(gsdf.luminance_to_jnd(luminances) - closed).max() < 0.1


def test_the_function_rises_and_its_ends_come_back() -> None:
    luminances = gsdf.jnd_to_luminance(np.linspace(1, 1023, 5000))
    assert (np.diff(luminances) > 0).all()
    assert gsdf.limits_cd_m2() == (luminances[0], luminances[-1])
    assert gsdf.luminance_to_jnd(gsdf.limits_cd_m2()) == pytest.approx([1, 1023], abs=1e-9)


@pytest.mark.parametrize("jnd", [0.99, 1023.01, np.nan])
def test_an_index_outside_the_standard_is_refused(jnd: float) -> None:
    with pytest.raises(ValueError, match=r"outside 1\.\.1023"):
        gsdf.jnd_to_luminance([10, jnd])


@pytest.mark.parametrize("luminance", [0.0, 0.049, 3994.0, np.nan])
def test_a_luminance_outside_the_standard_is_refused(luminance: float) -> None:
    with pytest.raises(ValueError, match=r"outside 0\.0500\.\.3993\.3"):
        gsdf.luminance_to_jnd([1.0, luminance])
