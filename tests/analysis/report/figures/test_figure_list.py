"""Which figures a report shows, and that they show the participants and groups they are given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import trials
from analysis.group import group, participants
from analysis.group.group import Group
from analysis.group.participants import Participant
from analysis.report.figures import figure_list
from data.files import sha256
from data.simulated.observers import Observer
from data.study import StudyFile, read_study
from stimuli.images import write_png
from stimuli.sets import StimulusSet

Write = Callable[..., Path]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyFile:
    path = tmp_path_factory.mktemp("study") / "study.toml"
    path.write_text('name = "S"\nplanned_participants = 3\n[endpoint]\ndelta = 0.084\n')
    return read_study(path)


@pytest.fixture(scope="module")
def three(
    tmp_path_factory: pytest.TempPathFactory, write_session: Write, study: StudyFile
) -> tuple[list[Participant], list[Group]]:
    """Three participants, of whom two come back."""
    folder = tmp_path_factory.mktemp("three") / "bids"
    for seed, name in enumerate("abc"):
        observer = Observer(dprime=0.8, own_sd=0.7, seed=seed)
        write_session(folder, name, observer=observer)
        if name != "c":
            write_session(folder, name, 2, observer=observer, DaysSinceFirstSession=20.0)
    loaded = trials.load_trials(folder, study)
    people = participants.measure(loaded)
    return people, group.group_by_observer(loaded, people, study)


@pytest.mark.slow
def test_every_figure_there_are_data_for(three: tuple[list[Participant], list[Group]]) -> None:
    people, groups = three
    assert list(figure_list.figures_of(people, groups)) == [
        "figure5",
        "forest",
        "ratings",
        "calibration",
        "retest",
        "serial",
    ]
    unrated = [replace(people[2], counts=replace(people[2].counts, **_nothing()))]
    assert set(figure_list.figures_of(unrated, groups)) == {"figure5", "forest", "serial"}


def test_the_forest_shows_the_participants_the_mean_and_the_studys_bounds(
    three: tuple[list[Participant], list[Group]],
) -> None:
    people, groups = three
    axes = figure_list.figures_of(people, groups)["forest"].axes[0]
    points = [line.get_xydata()[0].tolist() for line in axes.lines if len(line.get_xdata()) == 1]
    mean = groups[0].dprime.mean
    assert points == [[one.yesno.dprime, place] for place, one in enumerate(people)] + [[mean, 3.5]]
    bounds = [line.get_xdata() for line in axes.lines if len(line.get_xdata()) == 2][1:]
    assert list(bounds[-1]) == [groups[0].dprime.low, groups[0].dprime.high]
    assert list(bounds[0]) == [people[0].yesno.low, people[0].yesno.high]
    (band,) = axes.patches
    assert (band.get_x(), band.get_width()) == pytest.approx((-groups[0].bound, 2 * groups[0].bound))
    assert groups[0].bound == pytest.approx(0.3, abs=1e-3)


@pytest.mark.slow
def test_two_kinds_of_observer_have_no_common_mean(three: tuple[list[Participant], list[Group]]) -> None:
    people, groups = three
    both = figure_list.figures_of(people, [groups[0], replace(groups[0], observer="simulated")])
    labels = [label.get_text() for label in both["forest"].axes[0].get_yticklabels()]
    assert labels == ["a", "b", "c"]
    assert "serial" not in both


def test_calibration_pools_the_answers_of_all(three: tuple[list[Participant], list[Group]]) -> None:
    people, groups = three
    axes = figure_list.figures_of(people, groups)["calibration"].axes[0]
    points = axes.containers[0].lines[0].get_xydata()
    for level, share in points:
        correct = sum(one.calibration.correct[list(one.calibration.levels).index(level)] for one in people)
        trials = sum(one.calibration.trials[list(one.calibration.levels).index(level)] for one in people)
        assert share == pytest.approx(correct / trials)
    assert len(axes.lines) == 1 + 3 + 1 + 2  # chance, participants, the mean, two rows of caps


def test_the_retest_pools_the_first_retest_of_all(three: tuple[list[Participant], list[Group]]) -> None:
    people, groups = three
    real, generated = figure_list.figures_of(people, groups)["retest"].axes
    found = [one.comparison for one in people if one.comparison is not None]
    assert len(found) == 2
    for axes, tables in (
        (real, [one.answers_to_real for one in found]),
        (generated, [one.answers_to_generated for one in found]),
    ):
        said = {text.get_position(): int(text.get_text().split("\n")[0]) for text in axes.texts}
        assert said[(1, 0)] == sum(one.real_generated for one in tables)
        assert said[(0, 1)] == sum(one.generated_real for one in tables)
        assert sum(said.values()) == 100


@pytest.mark.slow
def test_the_serial_figure_shows_effects_and_controls(three: tuple[list[Participant], list[Group]]) -> None:
    people, groups = three
    axes = figure_list.figures_of(people, groups)["serial"].axes[0]
    points = [line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 1]
    found = groups[0].serial
    effects = (found.previous_response, found.previous_truth, found.next_truth, found.earlier_response)
    assert points == [one.mean for one in effects]
    assert [label.get_text() for label in axes.get_yticklabels()][2:] == [
        "next image’s truth (control)",
        "answer five trials back (control)",
    ]


def test_many_participants_are_shown_together_only(
    three: tuple[list[Participant], list[Group]], monkeypatch: pytest.MonkeyPatch
) -> None:
    people, groups = three
    monkeypatch.setattr(figure_list, "MOST", 2)
    figures = figure_list.figures_of(people, groups)
    assert not {"forest", "ratings"} & set(figures)
    assert len(figures["calibration"].axes[0].lines) == 1 + 1 + 2


def test_the_gallery_needs_the_images_and_one_kind_of_observer(tmp_path: Path, stimuli: StimulusSet) -> None:
    rng, files = np.random.default_rng(0), stimuli.table["file"]
    (tmp_path / "images").mkdir()
    for file in files:
        write_png(tmp_path / str(file), rng.random((16, 16), np.float32))
    here = replace(stimuli, folder=tmp_path, table=stimuli.table.assign(sha256=[sha256(tmp_path / f) for f in files]))
    items = stimuli.table[["stimulus_id", "truth"]].assign(
        judged=10,
        said_generated=np.arange(100) % 11,
        share_generated=(np.arange(100) % 11) / 10,
        place=np.arange(100) // 2 + 1.0,
    )
    (figure,) = figure_list.gallery_of(items, here).values()
    titles = [axes.get_title() for axes in figure.axes]
    assert len(titles) == 20
    shares = dict(zip(items["stimulus_id"], items["share_generated"], strict=True))
    assert all(title == f"{title.split(':')[0]}: {shares[title.split(':')[0]]:.0%}" for title in titles)
    assert [axes.texts[0].get_text() for axes in figure.axes if axes.texts] == ["generated", "real"]
    (figure,) = figure_list.gallery_of(items[::7], here).values()  # 15 images: the rows hold both truths
    assert not any(axes.texts for axes in figure.axes)
    assert figure_list.gallery_of(items, None) == {}
    assert figure_list.gallery_of(pd.concat([items, items]), here) == {}


def _nothing() -> dict[str, np.ndarray]:
    return {name: np.empty(0) for name in ("ratings", "real", "generated")}
