"""Who takes part: random codes, each made explicitly, and what the lab knows of its reader.

`sourcedata/participants/<code>.json`, readable by its owner only, says that a code was made for a person. No
name ever stands there, and a session never makes one: a code with a slip in it begins nothing. What describes a
reader is copied to `participants.tsv` (`experiments.records.participants_table`); consent and notes stay here.

Simulated and scripted observers are nobody, so they need no such file: any code serves, except a person's.
"""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timezone
from pathlib import Path

from data.errors import LookalikeError
from data.files import read_json, sync_folder, write_bytes
from data.trials import check_label

FORMAT = "lookalike-participant/1"
# Without those that are misread: i, l, o, 0, 1. A letter first, so that no spreadsheet reads a number.
CODE_LETTERS, CODE_DIGITS = "abcdefghjkmnpqrstuvwxyz", "23456789"
_WITHDRAWING = ".withdrawing-"
EXPERTISE = {
    "radiologist": "physician who reads such images",
    "resident": "physician in training to read such images",
    "physician": "physician of another field",
    "radiographer": "makes such images, or assists in reading them",
    "scientist": "works on such images, does not read them in the clinic",
    "student": "of medicine or radiography",
    "none": "no training in such images",
}


@dataclass(frozen=True)
class Reader:
    """What a lab may know of a participant; None where it was not asked.

    `expertise` is one of `EXPERTISE`; `years` of reading such images; `volume_per_year` in cases;
    `corrected_vision` says whether glasses or lenses are worn in sessions; `room_light_lux` at the screen;
    `viewing_distance_cm` from eye to screen. `consent` and `notes` are never exported.
    """

    expertise: str | None = None
    years: float | None = None
    volume_per_year: float | None = None
    corrected_vision: bool | None = None
    room_light_lux: float | None = None
    viewing_distance_cm: float | None = None
    consent: bool = False
    notes: str = ""

    def __post_init__(self) -> None:
        if self.expertise is not None and self.expertise not in EXPERTISE:
            raise LookalikeError(f"expertise is {self.expertise!r}; it is one of {', '.join(EXPERTISE)}")
        for name in ("years", "volume_per_year", "room_light_lux", "viewing_distance_cm"):
            value = getattr(self, name)
            if value is not None and not (0 <= value < math.inf):
                raise LookalikeError(f"{name} is {value}; a number of at least 0 is needed")
        if self.viewing_distance_cm == 0:
            raise LookalikeError("viewing_distance_cm is 0; the distance from eye to screen is needed")


@dataclass(frozen=True)
class Participant:
    """A code that was made for a person, when (ISO 8601, UTC), and who reads."""

    code: str
    made: str
    reader: Reader


def make(data: Path, reader: Reader = Reader()) -> str:
    """Make a participant with a new code and return the code. Raises `LookalikeError` as `register` does."""
    while True:
        code = new_code(data)
        try:
            register(data, code, reader)
        except FileExistsError:
            continue  # someone else drew it at the same moment
        return code


def register(data: Path, code: str, reader: Reader = Reader()) -> None:
    """Put a participant on the disk. Raises `FileExistsError` if there is one of this code.

    Raises `LookalikeError` if the data folder cannot be written.
    """
    path = _file(data, code)
    content = {"format": FORMAT, "participant": code, "made": _now(), **asdict(reader)}
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            raise NotADirectoryError(error.errno, "a file is in the way") from None
        # Claimed, then filled: a file that a crash left empty is a code that nobody was told.
        path.touch(mode=0o600, exist_ok=False)
        write_bytes(path, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode(), private=True)
        sync_folder(path.parent)
    except FileExistsError:
        raise
    except OSError as error:
        raise LookalikeError(f"{path}: cannot be written ({error.strerror}); choose another data folder") from None


def new_code(data: Path) -> str:
    """A random code of five letters and digits.

    It differs in two places or more from every code in `data`: one slip of a finger makes nobody else of it.
    """
    taken = everyone(data)
    while True:
        code = secrets.choice(CODE_LETTERS) + "".join(secrets.choice(CODE_LETTERS + CODE_DIGITS) for _ in range(4))
        # A digit somewhere, so that no code is a word.
        if any(sign in CODE_DIGITS for sign in code) and all(_differences(code, other) > 1 for other in taken):
            return code


def everyone(data: Path) -> set[str]:
    """Every code of which there is anything in `data`, persons' or not."""
    data = Path(data)
    source = data / "sourcedata"
    names = {path.stem for path in _folder(data).glob("*.json")}
    names |= {path.stem.removeprefix(_WITHDRAWING) for path in source.glob(f"{_WITHDRAWING}*.json")}
    names |= {one.name.removeprefix("sub-") for one in (*source.glob("sub-*"), *data.glob("sub-*")) if one.is_dir()}
    return {name for name in names if _is_label(name)}


def made(data: Path) -> dict[str, Participant]:
    """The participants that were made, by code. Raises `LookalikeError` naming a damaged file."""
    found = (read_participant(data, path.stem) for path in sorted(_folder(data).glob("*.json")))
    return {one.code: one for one in found if one is not None}


def read_participant(data: Path, code: str) -> Participant | None:
    """The participant of this code, None if none was made. Raises `LookalikeError` for a damaged file."""
    path = _file(data, code)
    # By the folder's list: to some file systems K7Q2M is k7q2m.
    if path.name not in {one.name for one in path.parent.glob("*.json")} or path.stat().st_size == 0:
        return None
    content = read_json(path)
    try:
        if content["format"] != FORMAT or content["participant"] != code:
            raise LookalikeError(f"{path}: is of another format or participant; restore it from a backup")
        return Participant(code, content["made"], Reader(**{one.name: content[one.name] for one in fields(Reader)}))
    except (KeyError, TypeError) as error:
        raise LookalikeError(f"{path}: a field is missing or no number ({error}); restore it from a backup") from None


def remove(data: Path, code: str) -> None:
    """Take a participant's file away, and what a crash may have left of it."""
    path = _file(data, code)
    for one in (path, *path.parent.glob(f".{path.name}.*.partial")):
        with suppress(FileNotFoundError):
            one.unlink()


def make_known(data: Path, code: str, observer: str, say: Callable[[str], None]) -> None:
    """Make the participant of a new code, where it is for a person, and say the code at once.

    Raises `LookalikeError` if somebody else made it meanwhile.
    """
    if observer == "human":
        try:
            register(data, code)
        except FileExistsError:
            raise LookalikeError(f"participant {code} was made by someone else this moment; try once more") from None
    say(f"participant {code}")


def check_may_begin(data: Path, code: str, observer: str, new: bool = False) -> None:
    """Raise `LookalikeError` unless an `observer` of this kind may have a first session under this (`new`) code."""
    check_label(code)
    twin = next((one for one in everyone(data) if one.lower() == code.lower() and one != code), None)
    if twin:
        raise LookalikeError(f"participant {code}: there is {twin} in {data}, which some computers take for the same")
    person = read_participant(data, code)
    if observer == "human" and person is None and not new:
        raise LookalikeError(
            f"participant {code} was not made in {data}; check the code, or make a participant with "
            f"'lookalike participant new --data {data}' or 'lookalike run ... --new'"
        )
    if observer != "human" and person is not None:
        raise LookalikeError(f"participant {code} is a person's code; give a {observer} observer another one")


def refuse_withdrawing(data: Path, participant: str) -> None:
    """Raise `LookalikeError` if this participant's data are being removed."""
    if withdrawal_mark(data, participant).exists():
        raise LookalikeError(
            f"participant {participant}: the removal of these data has begun and not ended; finish it with "
            f"'lookalike status {data} --withdraw {participant}'"
        )


def withdrawal_mark(data: Path, participant: str) -> Path:
    """The file that stands while a participant's data are being removed (`experiments.records.withdrawal`)."""
    return Path(data) / "sourcedata" / f"{_WITHDRAWING}{check_label(participant)}.json"


def _is_label(name: str) -> bool:
    try:
        return bool(check_label(name))
    except LookalikeError:
        return False


def _differences(code: str, other: str) -> int:
    if len(code) != len(other):
        return max(len(code), len(other))
    return sum(a != b for a, b in zip(code, other.lower(), strict=True))


def _folder(data: Path) -> Path:
    return Path(data) / "sourcedata" / "participants"


def _file(data: Path, code: str) -> Path:
    return _folder(data) / f"{check_label(code)}.json"


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
