"""Patients and sources under keyed codes, and the split that follows from the same key."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from fnmatch import fnmatch
from pathlib import Path

from data.errors import LookalikeError
from data.external_tables.ids import canonical_id
from data.files import write_bytes, write_text


def read_key(path: Path | str) -> bytes:
    """Read the key of the patient codes; where there is none, make one of 32 random bytes.

    A new key is added to its folder's `.gitignore`, so that it is not committed by accident. Keep it: the same key
    gives a patient the same code and split, and without it nobody can link codes to patients.

    Parameters
    ----------
    path : path
        The key's file.

    Returns
    -------
    bytes
        The key, at least 16 bytes.

    Raises
    ------
    LookalikeError
        If the path is a folder, or the key is too short.

    Examples
    --------
    >>> import stimuli
    >>> key = stimuli.read_key("patients.key")
    >>> stimuli.read_key("patients.key") == key
    True
    """
    path = Path(path)
    if path.is_dir():
        raise LookalikeError("not-a-file", f"{path}: is a folder; give the path of the key file")
    if path.is_file():
        key = path.read_bytes().strip()
        if len(key) < 16:
            raise LookalikeError("key-too-short", f"{path}: a key has at least 16 bytes; this file has {len(key)}")
        return key
    path.parent.mkdir(parents=True, exist_ok=True)
    ignore = path.parent / ".gitignore"
    lines = ignore.read_text(encoding="utf-8").splitlines() if ignore.exists() else [".gitignore"]
    if not any(fnmatch(path.name, line.strip()) for line in lines):
        write_text(ignore, "\n".join([*lines, path.name]) + "\n")
    key = secrets.token_hex(32).encode()
    write_bytes(path, key + b"\n", private=True)
    return key


def code(key: bytes, kind: str, name: str) -> str:
    """A keyed code (HMAC-SHA-256, 40 bits as hexadecimal): the same for the same name and key."""
    return hmac.new(key, f"{kind}:{name}".encode(), hashlib.sha256).hexdigest()[:10]


def patient_code(key: bytes, patient_id: str) -> str:
    """A patient's code: the same however a table writes the id (P_00001, p_00001; 12, 12.0)."""
    return code(key, "patient", canonical_id(patient_id))


def assign_split(key: bytes, patient_id: str, shares: tuple[float, float, float]) -> str:
    """The split of a patient: a keyed draw from [0, 1), so that it never depends on the other patients.

    A patient stays in the same split when patches are cut again with other settings or more mammograms; the
    shares hold on average, not exactly.
    """
    digest = hmac.new(key, f"split:{canonical_id(patient_id)}".encode(), hashlib.sha256).digest()
    draw = int.from_bytes(digest[:8], "big") / 2**64
    train, select, _ = shares
    return "train" if draw < train else "select" if draw < train + select else "study"
