"""Blind sheets: what they hold, that nothing on them tells the truth, and what judgements are worth."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image as Pillow

from data.files import read_json
from gan.checkpoint import load_model
from gan.generate import images_from_seeds
from lookalike.flows.blind import SHOWN_PX, BlindRequest, score_blind_sheets, write_blind_sheets
from stimuli.images import quantise, resample
from stimuli.patches import read_patches


@pytest.fixture(scope="module")
def sheets(gallery, tmp_path_factory):
    out = tmp_path_factory.mktemp("blind") / "round-1"
    write_blind_sheets(gallery / "model1", out, BlindRequest(gallery / "patches", each=10, seed=3))
    return out


@pytest.fixture
def copied(sheets, tmp_path):
    for name in (sheets.name, f"{sheets.name}-key"):
        (tmp_path / name).mkdir()
        for path in sheets.with_name(name).iterdir():
            (tmp_path / name / path.name).write_bytes(path.read_bytes())
    return tmp_path / sheets.name


def read_key(folder):
    return pd.read_csv(folder.with_name(f"{folder.name}-key") / "key.csv", dtype=str)


def fill_in(folder, answers, confidence=""):
    pd.DataFrame({"image": read_key(folder).image, "answer": answers, "confidence": confidence}).to_csv(
        folder / "answers.csv", index=False
    )


def test_sheets_show_the_images_of_the_key_as_a_session_would(sheets, gallery):
    key = read_key(sheets)
    assert sorted(key.truth) == ["generated"] * 10 + ["real"] * 10
    assert list(key.truth) != sorted(key.truth)  # in random order
    model, patches = load_model(gallery / "model1"), read_patches(gallery / "patches")
    study = patches.select("study").set_index("patch_id")
    sheet = np.asarray(Pillow.open(sheets / "sheet-1.png"))
    for place, (truth, source) in enumerate(zip(key.truth, key.source, strict=True)):
        kind, _, name = source.partition(":")
        assert kind == {"real": "patch", "generated": "seed"}[truth]
        image = (
            patches.read(study.reset_index().set_index("patch_id", drop=False).loc[name])
            if truth == "real"
            else images_from_seeds(model.generator, [int(name)], model.truncation)[0]
        )
        left, top = place % 8 * (SHOWN_PX + 4), place // 8 * (SHOWN_PX + 24)
        shown = sheet[top : top + SHOWN_PX, left : left + SHOWN_PX]
        expected = quantise(resample(image, (SHOWN_PX, SHOWN_PX)), 8)
        assert np.abs(shown.astype(int) - expected).max() <= 1  # one image or a batch: the network rounds differently


def test_nothing_in_the_folder_of_sheets_tells_the_truth(sheets):
    assert sorted(path.name for path in sheets.iterdir()) == ["answers.csv", "sheet-1.png"]
    assert set(pd.read_csv(sheets / "answers.csv").columns) == {"image", "answer", "confidence", "why"}
    assert pd.read_csv(sheets / "answers.csv")[["answer", "confidence", "why"]].isna().all(axis=None)


def test_another_seed_shows_other_images(sheets, gallery, tmp_path):
    write_blind_sheets(gallery / "model1", tmp_path / "round-2", BlindRequest(gallery / "patches", each=10, seed=4))
    one, two = (set(read_key(folder).source) for folder in (sheets, tmp_path / "round-2"))
    assert not {name for name in one & two if name.startswith("seed")}


def test_perfect_and_worthless_judgements(copied):
    key = read_key(copied)
    fill_in(copied, key.truth.str[0], 4)
    perfect = score_blind_sheets(copied)
    assert (perfect.correct, perfect.auc, perfect.surest_mistakes) == (1, 1, ())
    assert read_json(copied / "score.json")["correct"] == 1
    fill_in(copied, "real")
    worthless = score_blind_sheets(copied)
    assert (worthless.correct, worthless.auc, worthless.dprime) == (0.5, 0.5, 0)
    assert worthless.surest_hits == ()


def test_the_confidence_counts(copied):
    """All called generated, the generated ones with more confidence: answers are worth nothing, ratings everything."""
    key = read_key(copied)
    fill_in(copied, "generated", np.where(key.truth == "generated", 3, 2))
    found = score_blind_sheets(copied)
    assert (found.correct, found.auc) == (0.5, 1)
    assert (found.generated_called_generated, found.real_called_generated) == (1, 1)


@pytest.mark.parametrize(
    ("answer", "confidence", "code"), [("", "", "unknown-choice"), ("fake?", "", "unknown-choice"),
                                       ("real", "5", "out-of-range"), ("real", "sure", "out-of-range")]
)  # fmt: skip
def test_an_answer_that_is_none_is_named(copied, answer, confidence, code, refuses):
    answers, sure = ["real"] * 20, ["1"] * 20
    answers[7], sure[7] = answer, confidence or "1"
    fill_in(copied, answers, sure)
    with refuses(code) as caught:
        score_blind_sheets(copied)
    assert "image 008" in str(caught.value)


def test_an_altered_key_is_refused(copied, refuses):
    fill_in(copied, "real")
    path = copied.with_name(f"{copied.name}-key") / "key.csv"
    path.write_text(path.read_text().replace("real", "generated", 1))
    with refuses("altered-file"):
        score_blind_sheets(copied)


def test_more_images_than_there_are_are_refused(gallery, tmp_path, refuses):
    with refuses("out-of-range"):
        write_blind_sheets(gallery / "model1", tmp_path / "out", BlindRequest(gallery / "patches", each=10_000))
    assert not list(tmp_path.iterdir())


def test_the_command_writes_and_scores(gallery, lookalike, tmp_path):
    patches = ("--patches", gallery / "patches")
    said = lookalike("evaluate", "--score", tmp_path / "b", "--out", tmp_path / "c")
    assert "conflicting-options" in said.err or "--score takes" in said.err
    assert "name a model folder" in lookalike("evaluate", *patches).err
    blind = ("evaluate", gallery / "model1", *patches, "--blind")
    assert "--blind takes one model" in lookalike(*blind).err
    assert "leave out the options of measuring" in lookalike(*blind, "--blocks", 3, "--out", tmp_path / "b").err
    assert "no such" in lookalike("evaluate", "--score", tmp_path / "b").err


def test_the_next_round_shows_other_patches(gallery, tmp_path):
    """A patch that was judged is recognised, and the key of its round told what it is."""
    shown = []
    study = len(read_patches(gallery / "patches").select("study"))
    for seed in (0, 1):
        write_blind_sheets(
            gallery / "model1", tmp_path / str(seed), BlindRequest(gallery / "patches", study // 2, seed=seed)
        )
        shown.append(set(read_key(tmp_path / str(seed)).source))
    assert not shown[0] & shown[1]
