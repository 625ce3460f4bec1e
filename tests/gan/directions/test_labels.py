"""Labels: words of a table, and the patches that they are true of."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from data.files import write_table
from gan.directions.labels import Label, label_of, read_labels
from stimuli.patient_codes import code

KEY = b"k" * 32


def test_words_are_patterns_and_what_is_neither_is_unknown():
    cells = pd.Series(["SPICULATED", "ILL_DEFINED-SPICULATED", "circumscribed", "OBSCURED", None, ""])
    spiculated = label_of("spiculation=Mass Margins:*SPICULATED*")
    assert (spiculated.name, spiculated.column) == ("spiculation", "mass_margins")
    assert spiculated.of(cells).tolist()[:4] == [1, 1, 0, 0]
    assert spiculated.of(cells).isna().tolist() == [False] * 4 + [True] * 2
    against = label_of("spiculation=margins:*SPICULATED*:CIRCUMSCRIBED")
    np.testing.assert_array_equal(against.of(cells), [1, 1, 0, np.nan, np.nan, np.nan])


def test_whole_numbers_match_as_they_are_written():
    dense = label_of("density=breast_density:3|4")
    np.testing.assert_array_equal(dense.of(pd.Series([1.0, 3.0, np.nan, 4.0])), [0, 1, np.nan, 1])
    assert str(dense) == "density=breast_density:3|4"
    assert str(label_of("a=b:c:d|e")) == "a=b:c:d|e"


@pytest.mark.parametrize("text", ["", "a", "a=b", "=b:c", "a=:c", "a=b:", "a=b:c:", "a=b:c:d:e"])
def test_words_of_another_form_are_refused(text, refuses):
    with refuses("bad-mapping"):
        label_of(text)


@pytest.mark.parametrize("name", ["a/b", "mean grey", "size", "contrast"])
def test_a_name_becomes_a_file_and_a_measure(name, refuses):
    with refuses("bad-name"):
        label_of(f"{name}=c:d")


@pytest.fixture
def patches(patches):
    return replace(patches, table=patches.table.assign(laterality="LEFT", view="CC"))


@pytest.fixture
def tables(patches, tmp_path):
    """The same word for every patch, in each form that a table may have, and what it says."""
    table, film = patches.table, patches.folder.parent / "film" / "boxes.csv"
    boxes = pd.read_csv(film, dtype=str)
    boxes["finding"] = ["ROUND" if number % 2 else "OVAL" for number in range(len(boxes))]
    by_source = dict(zip((code(KEY, "source", file) for file in boxes["file"]), boxes["finding"], strict=True))
    truth = (table["source"].map(by_source) == "ROUND").to_numpy(float)
    boxes = boxes.assign(lesion=boxes.get("lesion", "1"))
    by_patch = pd.DataFrame({"patch_id": table["patch_id"], "finding": table["source"].map(by_source)})
    by_image = boxes.drop(columns="file").assign(**{"left or right breast": "LEFT", "image view": "CC"})
    files = {}
    for name, frame in {"patch": by_patch.iloc[::-1], "lesion": boxes, "image": by_image}.items():
        files[name] = tmp_path / f"{name}.csv"
        write_table(files[name], frame)
    return files, truth


@pytest.mark.parametrize("form", ["patch", "lesion", "image"])
def test_a_table_names_patches_lesions_or_images(form, tables, patches):
    files, truth = tables
    found = read_labels([Label("round", "finding", ("ROUND",))], patches, files[form], KEY)
    np.testing.assert_array_equal(found["round"], truth)


def test_lesions_of_one_image_must_agree(tables, patches):
    files, truth = tables
    frame = pd.read_csv(files["image"], dtype=str)
    more = frame.iloc[[0]].assign(finding="LOBULATED")
    write_table(files["image"], pd.concat([frame, more]))
    found = read_labels([Label("round", "finding", ("ROUND",))], patches, files["image"], KEY)["round"]
    assert found.isna().sum() == 1
    np.testing.assert_array_equal(found.dropna(), truth[found.notna()])


def test_mistakes_are_refused(tables, patches, tmp_path, refuses):
    files, _ = tables
    label = Label("round", "finding", ("ROUND",))
    with refuses("missing-option"):
        read_labels([label], patches, files["lesion"])
    with refuses("no-such-image"):
        read_labels([label], patches, files["lesion"], b"another key of 16 bytes")
    with refuses("missing-column"):
        read_labels([Label("round", "shape", ("ROUND",))], patches, files["patch"])
    with refuses("same-name"):
        read_labels([label, label], patches, files["patch"])
    with refuses("same-name"):
        read_labels([], patches)
    with refuses("too-few-images"):
        read_labels([Label("flat", "finding", ("FLAT",))], patches, files["patch"])
    write_table(tmp_path / "no-names.csv", pd.DataFrame({"finding": ["ROUND"]}))
    with refuses("missing-column"):
        read_labels([label], patches, tmp_path / "no-names.csv", KEY)
