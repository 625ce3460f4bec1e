from __future__ import annotations

import json
import os
import stat
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stimuli.patches import SPLITS
from stimuli.patient_codes import assign_split, code, patient_code, read_key

Refuses = Callable[[str], AbstractContextManager[Any]]
KEY = b"a key of more than sixteen bytes"


def test_the_shares_hold_over_many_patients() -> None:
    count, shares = 2000, (0.7, 0.1, 0.2)
    drawn = Counter(assign_split(KEY, f"P_{n:05d}", shares) for n in range(count))
    for split, share in zip(SPLITS, shares, strict=True):
        assert abs(drawn[split] / count - share) < 4.5 * np.sqrt(share * (1 - share) / count)


def test_a_larger_training_share_only_moves_patients_into_it() -> None:
    patients = [f"P{n}" for n in range(300)]
    before = {patient for patient in patients if assign_split(KEY, patient, (0.5, 0.2, 0.3)) == "train"}
    after = {patient for patient in patients if assign_split(KEY, patient, (0.7, 0.1, 0.2)) == "train"}
    assert before < after
    assert {assign_split(KEY, patient, (0.0, 0.0, 1.0)) for patient in patients} == {"study"}
    assert {assign_split(KEY, patient, (1.0, 0.0, 0.0)) for patient in patients} == {"train"}


def test_another_key_splits_otherwise() -> None:
    shares = (0.5, 0.0, 0.5)
    a, b = ([assign_split(key, f"P{n}", shares) for n in range(100)] for key in (KEY, b"another"))
    assert 25 < sum(x == y for x, y in zip(a, b, strict=True)) < 75


def test_a_code_depends_on_key_kind_and_name() -> None:
    made = {code(key, kind, name) for key in (b"1", b"2") for kind in ("patient", "source") for name in ("a", "b")}
    assert len(made) == 8
    assert code(b"1", "patient", "a") in made


@pytest.mark.parametrize(
    ("usual", "others"),
    [
        ("P_00001", ("p_00001", " p_00001 ", "Ｐ_00001")),
        ("00001", ("00001.0", "00001 ")),
        ("12", ("12.0", "12,00", "１２")),
        ("P 01", ("p01", "P01")),
    ],
)
def test_a_patient_has_one_code_and_one_split_however_tables_write_the_id(usual: str, others: tuple[str, ...]) -> None:
    for other in others:
        assert patient_code(KEY, other) == patient_code(KEY, usual)
        for share in np.linspace(0, 1, 21):
            shares = (share, 0.0, 1 - share)
            assert assign_split(KEY, other, shares) == assign_split(KEY, usual, shares)
    assert patient_code(KEY, "P_00001") == code(KEY, "patient", "P_00001")
    assert len({patient_code(KEY, name) for name in ("P_1", "P1", "P-1", "P_01")}) == 4


@pytest.mark.parametrize(("model", "patients"), [("mammogram-64", 403), ("mammogram-128", 470)])
def test_the_shipped_models_know_their_patients_by_the_ids_of_cbis_ddsm(model: str, patients: int) -> None:
    models = Path(__file__).parents[2] / "data" / "models"
    key = read_key(models / "cbis-ddsm.key")
    trained = load_patients(models / model / "config.json")
    assert len(trained) == patients
    assert trained <= {patient_code(key, f"P_{number:05d}") for number in range(2200)}


def load_patients(config: Path) -> set[str]:
    return set(json.loads(config.read_text(encoding="utf-8"))["training"]["train_patients"])


def test_a_key_is_made_once_for_its_owner_only_and_never_committed(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "patients.key"
    key = read_key(path)
    assert len(key) >= 32
    assert read_key(path) == key
    assert read_key(tmp_path / "other.key") != key
    if os.name != "nt":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {"patients.key", ".gitignore"} <= set((path.parent / ".gitignore").read_text().splitlines())


def test_an_existing_key_and_gitignore_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.key\n")
    (tmp_path / "a.key").write_bytes(b"0123456789abcdef\n")
    assert read_key(tmp_path / "a.key") == b"0123456789abcdef"
    read_key(tmp_path / "b.key")
    assert (tmp_path / ".gitignore").read_text() == "*.key\n"


@pytest.mark.parametrize("content", [b"", b"\n", b"short", b"0123456789abcde\n"])
def test_a_short_key_is_refused_and_kept(tmp_path: Path, content: bytes, refuses: Refuses) -> None:
    (tmp_path / "a.key").write_bytes(content)
    with refuses("key-too-short") as caught:
        read_key(tmp_path / "a.key")
    assert "at least 16 bytes" in str(caught.value)
    assert (tmp_path / "a.key").read_bytes() == content


def test_a_key_beside_other_files_is_added_to_their_gitignore(tmp_path):
    (tmp_path / ".gitignore").write_text("*.pyc\n")
    read_key(tmp_path / "patient.key")
    assert (tmp_path / ".gitignore").read_text().split() == ["*.pyc", "patient.key"]
