"""Which patients a model knows: its own, and those of the models that it started from."""

from pathlib import Path

import pandas as pd
import pytest

from gan.checkpoint import Model
from gan.networks.generator import Architecture, Generator
from lookalike.flows.sets.patient_overlap import refuse_overlap, unchecked, unchecked_earlier
from stimuli.patches import PatchSet

NAME = Path("model")


def training(patients, key="ours", sha256="now", **more):
    return {
        "context": 2.0, "key_fingerprint": key, "train_patients": patients, "patches_sha256": sha256, **more,
    }  # fmt: skip


def model(*trainings):
    last, *before = trainings
    return Model(Generator(Architecture(8)), "hash", {**last, **({"earlier": before} if before else {})})


@pytest.fixture
def patches():
    table = pd.DataFrame({"patient": ["a", "b", "c"], "split": ["train", "study", "study"]})
    return PatchSet(Path("patches"), table, {"context": 2.0, "key_fingerprint": "ours"}, "now")


def test_a_patient_of_an_earlier_training_is_known(patches, refuses):
    refuse_overlap(patches, model(training(["a"])), NAME, "study")
    refuse_overlap(patches, model(training(["a"]), training(["a", "d"], sha256="then")), NAME, "study")
    with refuses("patient-overlap") as caught:
        refuse_overlap(patches, model(training(["a"]), training(["d"], sha256="then"), training(["c"])), NAME, "study")
    assert "1 study patients (c, ...)" in str(caught.value)


def test_an_earlier_key_is_another_key(patches, refuses):
    tuned = model(training(["a"]), training(["x"], key="theirs", sha256="then"))
    with refuses("key-mismatch") as caught:
        refuse_overlap(patches, tuned, NAME, "study")
    assert "a model that it started from" in str(caught.value)
    refuse_overlap(patches, tuned, NAME, "study", disjoint_patients=True)


def test_an_earlier_training_that_is_unknown_is_refused(patches, refuses):
    with refuses("incomplete-model"):
        refuse_overlap(patches, model(training(["a"]), {"images_seen": 3}), NAME, "study")


def test_patches_that_only_an_earlier_model_saw_are_told(patches):
    assert unchecked_earlier(patches, model(training(["a"]))) == ""
    assert unchecked_earlier(patches, model(training(["a"]), training(["a"]))) == ""
    tuned = model(training(["a"]), training(["a"], sha256="then"))
    assert unchecked(patches, tuned) == ""
    assert "started from" in unchecked_earlier(patches, tuned)
