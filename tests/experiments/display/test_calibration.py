from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.files import write_table
from experiments.display import gsdf
from experiments.display.calibration import (
    COLUMNS,
    LuminanceTable,
    fit_gamma,
    gamma_lookup,
    gsdf_lookup,
    no_lookup,
    read_luminances,
)

GOOD = [(level, 0.5 + level * 0.5) for level in range(0, 256, 15)]


@st.composite
def tables(draw: st.DrawFn) -> LuminanceTable:
    """Any measured display: levels from 0 to 255, luminances that rise by any amounts."""
    inner = draw(st.sets(st.integers(1, 254), min_size=16, max_size=80))
    rises = draw(st.lists(st.floats(1e-3, 20), min_size=len(inner) + 1, max_size=len(inner) + 1))
    black, ambient = draw(st.floats(0.06, 2)), draw(st.floats(0, 5))
    luminances = np.cumsum([black, *rises])
    return LuminanceTable((0, *sorted(inner), 255), tuple(map(float, luminances)), ambient)


@pytest.mark.slow
@given(tables(), st.lists(st.floats(-0.5, 1.5), min_size=2, max_size=50))
def test_a_brighter_p_value_never_gets_a_darker_framebuffer_value(table: LuminanceTable, p_values: list[float]) -> None:
    for lookup in (gsdf_lookup(table), gamma_lookup(fit_gamma(table)[0]), no_lookup()):
        levels = lookup(np.sort(np.asarray(p_values))).astype(int)
        assert (np.diff(levels) >= 0).all()
        assert (lookup(0.0), lookup(1.0)) == (0, 255)


@given(tables(), st.floats(0, 1))
def test_the_lookup_takes_the_level_that_is_nearest_in_jnds(table: LuminanceTable, p_value: float) -> None:
    jnds = gsdf.luminance_to_jnd(table.at(np.arange(256)))
    wanted = jnds[0] + p_value * (jnds[-1] - jnds[0])
    level = int(gsdf_lookup(table)(p_value))
    assert abs(jnds[level] - wanted) == pytest.approx(np.abs(jnds - wanted).min(), abs=1e-6)


@given(tables())
def test_a_table_gives_back_its_own_rows_and_rises_between_them(table: LuminanceTable) -> None:
    measured = np.asarray(table.luminances_cd_m2) + table.ambient_cd_m2
    np.testing.assert_allclose(table.at(table.levels), measured, rtol=1e-6)
    assert (np.diff(table.at(np.linspace(0, 255, 511))) > -1e-9).all()


@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.2, 2.6])
@pytest.mark.parametrize("ambient", [0.0, 0.5])
def test_eighteen_rows_tell_the_other_levels_of_a_gamma_display(gamma: float, ambient: float) -> None:
    everywhere = 0.3 + 400 * (np.arange(256) / 255) ** gamma
    rows = np.arange(0, 256, 15)
    table = LuminanceTable(tuple(map(int, rows)), tuple(everywhere[rows]), ambient)
    np.testing.assert_allclose(table.at(np.arange(256)), everywhere + ambient, rtol=1e-3)


def test_eighteen_rows_tell_the_other_levels_of_a_display_that_follows_the_gsdf_itself() -> None:
    everywhere = gsdf.jnd_to_luminance(np.linspace(*gsdf.luminance_to_jnd([0.6, 500.0]), 256))
    rows = np.arange(0, 256, 15)
    table = LuminanceTable(tuple(map(int, rows)), tuple(everywhere[rows] - 0.1), 0.1)
    np.testing.assert_allclose(table.at(np.arange(256)), everywhere, rtol=1e-6)


def test_without_a_lookup_p_values_are_rounded_to_256_levels() -> None:
    p_values = np.random.default_rng(0).random((40, 30), dtype=np.float32)
    levels = no_lookup()(p_values)
    assert (levels.dtype, levels.shape) == (np.uint8, (40, 30))
    np.testing.assert_array_equal(levels, np.rint(p_values.astype(float) * 255))


def test_a_gamma_lookup_makes_luminance_proportional() -> None:
    levels = gamma_lookup(2.2)(np.linspace(0, 1, 101))
    assert np.abs((levels / 255) ** 2.2 - np.linspace(0, 1, 101)).max() < 2.2 / 255 / 2
    assert gamma_lookup(1.0).surviving(8) == 256


@pytest.mark.parametrize("gamma", [0.9, 1.8, 2.2, 2.8])
def test_a_gamma_is_fitted_to_the_luminances_above_black(gamma: float) -> None:
    levels = np.arange(0, 256, 15)
    table = LuminanceTable(tuple(levels), tuple(1.5 + 200 * (levels / 255) ** gamma), 3.0)
    found, error = fit_gamma(table)
    assert found == pytest.approx(gamma, abs=1e-4)
    assert error < 1e-4


def test_a_display_without_a_gamma_shows_in_the_error_of_the_fit() -> None:
    levels = np.arange(0, 256, 15)
    s_shaped = (1 - np.cos(np.pi * levels / 255)) / 2
    assert fit_gamma(LuminanceTable(tuple(levels), tuple(1 + 200 * s_shaped)))[1] > 0.05


def test_grey_levels_that_fall_together_are_counted() -> None:
    lookup = gamma_lookup(2.2)
    by_hand = {int(np.abs((np.arange(256) / 255) ** 2.2 - level / 255).argmin()) for level in range(256)}
    assert lookup.surviving(8) == len(by_hand) < 256
    assert no_lookup().surviving(8) == no_lookup().surviving(16) == 256


def test_what_is_no_number_is_not_shown_as_white() -> None:
    with pytest.raises(ValueError, match="not a number"):
        no_lookup()(np.array([0.5, np.nan]))


def write_luminances(path: Path, rows: list[tuple[int, float]]) -> None:
    write_table(path, pd.DataFrame(rows, columns=list(COLUMNS)))


def test_a_measured_table_is_read_and_its_hash_follows_every_number(tmp_path: Path) -> None:
    path = tmp_path / "measured.csv"
    write_luminances(path, GOOD)
    table = read_luminances(path, 0.25)
    assert (table.levels, table.luminances_cd_m2, table.ambient_cd_m2) == (*map(tuple, zip(*GOOD, strict=True)), 0.25)
    path.with_suffix(".tsv").write_text(path.read_text(encoding="utf-8").replace(",", "\t"), encoding="utf-8")
    assert read_luminances(path.with_suffix(".tsv"), 0.25).sha256 == table.sha256
    write_luminances(path, [*GOOD[:-1], (255, GOOD[-1][1] + 1e-9)])
    others = {read_luminances(path, 0.25).sha256, LuminanceTable(table.levels, table.luminances_cd_m2, 0.26).sha256}
    assert len({table.sha256, *others}) == 3


def spoilt(row: int, level: object, luminance: object) -> list[tuple[object, object]]:
    rows: list[tuple[object, object]] = [*GOOD]
    rows[row - 2] = (level, luminance)
    return rows


@pytest.mark.parametrize(
    ("rows", "code", "message"),
    [
        (spoilt(5, 45, 15.0), "not-increasing", r"luminance is not above the previous one \(row 5\)"),
        (spoilt(5, 45, 15.5), "not-increasing", r"luminance is not above the previous one \(row 5\)"),
        (spoilt(7, 60, 38.0), "not-increasing", r"level is not above the previous one \(row 7\)"),
        (spoilt(4, 30.5, 15.5), "out-of-range", r"level is not a whole number 0\.\.255 \(row 4\)"),
        (spoilt(19, 256, 128.0), "out-of-range", r"level is not a whole number 0\.\.255 \(row 19\)"),
        (spoilt(3, 15, "dark"), "out-of-range", r"luminance is not a number of at least 0 \(row 3\)"),
        (spoilt(3, 15, ""), "out-of-range", r"luminance is not a number of at least 0 \(row 3\)"),
        (spoilt(2, 0, -0.1), "out-of-range", r"luminance is not a number of at least 0 \(row 2\)"),
        (spoilt(19, 255, "inf"), "out-of-range", r"luminance is not a number of at least 0 \(row 19\)"),
        (GOOD[:17], "too-few-levels", "has 17 levels; at least 18"),
        (spoilt(2, 1, 0.5), "too-few-levels", "levels go from 1 to 255; measure 0 and 255 too"),
        (spoilt(19, 254, 128.0), "too-few-levels", "levels go from 0 to 254"),
        (
            [*((n, n + 1.0) for n in range(17)), (255, 300.0)],
            "too-few-levels",
            r"more than 32 levels above the previous one \(row 19\)",
        ),
    ],
)
def test_a_bad_table_names_its_rows(
    refuses: Any, tmp_path: Path, rows: list[tuple[object, object]], code: str, message: str
) -> None:
    path = tmp_path / "measured.csv"
    lines = ["level,luminance_cd_m2", *(f"{level},{luminance}" for level, luminance in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with refuses(code) as caught:
        read_luminances(path)
    assert re.search(rf"measured\.csv: .*{message}", str(caught.value))


@pytest.mark.parametrize(
    ("last", "taken"),
    [
        ("2026-05-03T14:30:05", "2026-05-03T14:30:05+00:00"),
        ("2026-05-03T14:30:05Z", "2026-05-03T14:30:05+00:00"),
        ("2026-05-03T14:30:05.900+02:00", "2026-05-03T12:30:05+00:00"),
        ("n/a", None),
    ],
)
def test_when_the_last_reading_was_taken_is_known_where_the_table_says_so(
    refuses: Any, tmp_path: Path, last: str, taken: str | None
) -> None:
    path = tmp_path / "measured.csv"
    write_luminances(path, GOOD)
    without = read_luminances(path)
    assert without.measured_utc is None
    times = [*["2026-05-02T08:00:00"] * (len(GOOD) - 1), last]
    write_table(path, pd.DataFrame(GOOD, columns=list(COLUMNS)).assign(measured_utc=times))
    assert read_luminances(path) == replace(without, measured_utc=taken)
    write_table(path, pd.DataFrame(GOOD, columns=list(COLUMNS)).assign(measured_utc="yesterday"))
    with refuses("not-a-time") as caught:
        read_luminances(path)
    assert re.search(r"measured\.csv: measured_utc is 'yesterday'", str(caught.value))


@pytest.mark.parametrize("ambient", [-0.1, float("nan"), float("inf")])
def test_ambient_light_is_a_luminance(refuses: Any, tmp_path: Path, ambient: float) -> None:
    write_luminances(tmp_path / "measured.csv", GOOD)
    with refuses("out-of-range"):
        read_luminances(tmp_path / "measured.csv", ambient)


@pytest.mark.parametrize("gamma", [0.0, 0.1, 6.0, float("nan")])
def test_an_impossible_gamma_is_refused(refuses: Any, gamma: float) -> None:
    with refuses("out-of-range"):
        gamma_lookup(gamma)


@pytest.mark.parametrize(("black", "white"), [(0.001, 300.0), (0.5, 5000.0)])
def test_a_display_beyond_the_gsdf_is_told_the_cure(refuses: Any, black: float, white: float) -> None:
    levels = np.arange(0, 256, 15)
    table = LuminanceTable(tuple(levels), tuple(np.linspace(black, white, levels.size)))
    with refuses("outside-gsdf") as caught:
        gsdf_lookup(table)
    assert re.search(r"from 0\.05 to 3993, .*ambient light", str(caught.value))
    assert gsdf_lookup(LuminanceTable(table.levels, tuple(np.linspace(0.001, 300.0, 18)), 0.1)).surviving(8) > 100
