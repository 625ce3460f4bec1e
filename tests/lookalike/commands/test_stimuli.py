"""`lookalike stimuli build` and `classic`: what is in a set or a loop, and what is refused."""

import json

import pandas as pd
import pytest

from stimuli.crops import Cut
from stimuli.cutting import cut_patches
from stimuli.loop_set import read_loops
from stimuli.patches import read_patches
from stimuli.phantoms import write_phantoms
from stimuli.sets import read_set
from stimuli.sources.boxes_table import read_source


@pytest.mark.slow
@pytest.mark.usefixtures("weights")
def test_a_set_can_skip_leaks(gallery, lookalike, tmp_path):
    said = lookalike("stimuli", "build", "--patches", gallery / "patches", "--model", gallery / "model1", "--main", 6,
                     "--safe", "--out", tmp_path / "set", "--json")  # fmt: skip
    assert said.code == 0, said.err
    made = read_set(tmp_path / "set")
    assert made.about["leaks_dropped"] is True
    assert set(made.about["rejected"]["generated"]) <= {"too near a training patch"}


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    """A patch set of phantoms with boxes, enough of them of study patients."""
    folder = tmp_path_factory.mktemp("phantoms")
    write_phantoms(folder / "film", 40, lesion_px=16)
    cut = Cut(32, context=2.5, split=(0.25, 0.25, 0.5))
    return cut_patches(read_source(folder / "film"), folder / "patches", b"k" * 32, cut).folder


def test_a_classic_loop_is_shown_in_a_session(phantoms, lookalike, tmp_path):
    said = lookalike("stimuli", "classic", "--patches", phantoms, "--frames", 30, "--contrast", "0,1", "--size", 24,
                     "--out", tmp_path / "loop", "--json")  # fmt: skip
    assert said.code == 0, said.err
    loops = read_loops(tmp_path / "loop")
    assert loops.largest_px == (24, 24)
    loop = loops.loops["loop"]
    patches = read_patches(phantoms)
    assert set(sum(loop.patients, ())) <= set(patches.select("study")["patient"])
    assert loop.measures["patches_sha256"] == patches.sha256
    assert loop.measures["classic"]["look"]["contrast"] == 0.1
    (tmp_path / "study.toml").write_text(
        'name = "A"\ntask = "matching"\nplanned_participants = 8\n[plan]\ntrials = 6\n'
    )
    said = lookalike("run", tmp_path / "loop", "--data", tmp_path / "data", "--study", tmp_path / "study.toml",
                     "--participant", "k7q2m", "--observer", "simulated", "--no-window", "--json")  # fmt: skip
    assert said.code == 0, said.err
    assert json.loads(said.out)["complete"] is True


def test_a_family_of_classic_loops_has_other_shapes_on_other_patients_tissue(phantoms, lookalike, tmp_path):
    words = ("stimuli", "classic", "--patches", phantoms, "--frames", 12, "--seed", 3)
    said = lookalike(*words, "--count", 4, "--out", tmp_path / "loops", "--json")
    assert said.code == 0, said.err
    loops = read_loops(tmp_path / "loops").loops
    assert sorted(loops) == ["loop-01", "loop-02", "loop-03", "loop-04"]
    assert len({loop.patients for loop in loops.values()}) == 4
    assert [loop.measures["classic"]["seed"] for loop in loops.values()] == [3, 4, 5, 6]
    table = pd.read_csv(tmp_path / "loops" / "loops.csv")
    assert table.to_dict("records") == json.loads(said.out)["table"]
    assert list(table["patient"]) == [loops[name].patients[0][0] for name in table["loop"]]
    assert lookalike(*words, "--out", tmp_path / "one").code == 0
    assert read_loops(tmp_path / "one").loops["one"] == loops["loop-01"]


def test_more_classic_loops_than_patients_are_refused(phantoms, mistake, tmp_path):
    words = ("stimuli", "classic", "--patches", phantoms, "--frames", 6, "--out", tmp_path / "loops", "--count")
    said = mistake(*words, 60, code="set-too-small")
    assert "60 loops need tissue of as many study patients, and only " in said
    assert not (tmp_path / "loops").exists()
    mistake(*words, 0, code="out-of-range")


def test_a_classic_set_shows_real_patches_of_other_patients(phantoms, lookalike, tmp_path):
    said = lookalike("stimuli", "classic", "--patches", phantoms, "--main", 10, "--practice", 2, "--out",
                     tmp_path / "set", "--json")  # fmt: skip
    assert said.code == 0, said.err
    made = read_set(tmp_path / "set")
    assert made.table.groupby(["role", "truth"]).size().to_dict() == {
        ("main", "generated"): 5, ("main", "real"): 5, ("practice", "generated"): 1, ("practice", "real"): 1,
    }  # fmt: skip
    sides = made.table.groupby("truth")
    assert not set(sides.get_group("real")["patient"]) & set(sides.get_group("generated")["patient"])
    assert sides.get_group("generated")["source"].str.startswith("classic:").all()
    assert made.about["classic"]["spectrum"]["slope"] == 1.5


@pytest.mark.parametrize(
    ("catch", "grades"),
    [
        (("--catch", "4", "--catch-classic", "0.05,0.2"), {0.05: 2, 0.2: 2}),
        (("--catch", "classic"), {0.05: 3, 0.1: 3, 0.2: 3}),
        (("--catch", "classic", "--catch-classic", "0.1"), {0.1: 3}),
    ],
)
def test_catch_images_can_be_classic_in_grades(catch, grades, phantoms, untrained, lookalike, tmp_path):
    said = lookalike("patches", phantoms.parent / "film", "--size", 16, "--context", 2.5, "--out", tmp_path / "small",
                     "--split", "25/25/50")  # fmt: skip
    assert said.code == 0, said.err
    untrained(tmp_path / "model16", read_patches(tmp_path / "small"), 1)
    said = lookalike("stimuli", "build", "--patches", tmp_path / "small", "--model", tmp_path / "model16", "--main", 8,
                     *catch, "--out", tmp_path / "set")  # fmt: skip
    assert said.code == 0, said.err
    made = read_set(tmp_path / "set")
    images = made.select("catch")
    assert images["source"].str.extract("@(.*)#")[0].astype(float).value_counts().to_dict() == grades
    assert (images["truth"] == "generated").all()
    assert not set(images["patient"]) & set(made.select("main")["patient"].dropna())
    assert made.about["catch_classic"]["edge"] == 0.02


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("classic", "--main", "4", "--frames", "8"), "conflicting-options"),
        (("classic", "--main", "4", "--count", "2"), "conflicting-options"),
        (("classic", "--main", "4", "--lesion-free"), "conflicting-options"),
        (("classic", "--practice", "4"), "unused-option"),
        (("classic", "--size", "0"), "out-of-range"),
        (("classic", "--contrast", "2"), "out-of-range"),
        (("build", "--catch-classic", "0.1"), "unused-option"),
        (("build", "--catch", "2", "--catch-classic", "0.1", "--catch-model", "m"), "conflicting-options"),
        (("build", "--catch", "2", "--catch-classic", "faint"), "not-a-number"),
        (("build", "--catch", "classic", "--catch-classic", "faint"), "not-a-number"),
        (("build", "--catch", "classical"), "not-a-number"),
        (("build", "--catch", "classic", "--catch-model", "m"), "conflicting-options"),
        (("build", "--catch", "classic", "--match", "grey-levels"), "conflicting-options"),
    ],
)
def test_what_contradicts_itself_is_refused(words, code, phantoms, lookalike, tmp_path):
    said = lookalike("stimuli", *words, "--patches", phantoms, "--out", tmp_path / "out", "--json")
    assert said.code == 2
    assert json.loads(said.out)["error"]["code"] == code
    assert not (tmp_path / "out").exists()


def test_patches_full_of_lesion_give_no_tissue(lookalike, tmp_path):
    write_phantoms(tmp_path / "film", 20, lesion_px=16)
    cut_patches(read_source(tmp_path / "film"), tmp_path / "patches", b"k" * 32, Cut(16, context=1))
    for words in (("--main", 2), ()):
        said = lookalike("stimuli", "classic", "--patches", tmp_path / "patches", *words, "--out", tmp_path / "out",
                         "--json")  # fmt: skip
        assert said.code == 2
        assert json.loads(said.out)["error"]["code"] == "no-tissue"
