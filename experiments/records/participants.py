"""Who takes part: random codes, each registered explicitly, and what the lab knows of the reader.

`sourcedata/participants/<code>.json`, readable by its owner only, registers a code for a person. It never holds a name,
and a session never makes one, so that a mistyped code starts no session. What describes a reader is copied to
`participants.tsv` (`experiments.records.participants_table`); consent and notes stay here.

A simulated or scripted observer is not a person and needs no such file: it may use any code except a person's.
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
# Without those easily misread: i, l, o, 0, 1. A letter first, so that no spreadsheet reads a number.
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

# What a number may be in its unit: least, most, and the unit.
_PLAUSIBLE = {
    "years": (0, 80, "years"),
    "volume_per_year": (0, 200_000, "cases a year"),
    "room_light_lux": (0, 20_000, "lux"),
    "viewing_distance_cm": (10, 2000, "cm"),
}


@dataclass(frozen=True)
class Reader:
    """What a lab may know of a participant; None where it was not asked.

    Attributes
    ----------
    expertise : str or None
        One of `radiologist`, `resident`, `physician`, `radiographer`, `scientist`, `student`, `none`.
    years : float or None
        Years of reading such images.
    volume_per_year : float or None
        Cases read per year.
    corrected_vision : bool or None
        Whether glasses or lenses are worn in sessions.
    room_light_lux : float or None
        Illuminance at the screen, lx.
    viewing_distance_cm : float or None
        From eye to screen, cm, above 0.
    consent : bool
        Whether the participant has consented; never exported.
    notes : str
        For the lab; never exported.

    Examples
    --------
    >>> import experiments
    >>> experiments.Reader(expertise="radiologist", years=12, corrected_vision=True).years
    12
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
            raise LookalikeError(
                "unknown-choice", f"expertise is {self.expertise!r}; it must be one of {', '.join(EXPERTISE)}"
            )
        for name in ("years", "volume_per_year", "room_light_lux", "viewing_distance_cm"):
            value = getattr(self, name)
            if value is not None and not (0 <= value < math.inf):
                raise LookalikeError("out-of-range", f"{name} is {value}; it must be a number of at least 0")
        if self.viewing_distance_cm == 0:
            raise LookalikeError("out-of-range", "viewing_distance_cm is 0; it must be the distance from eye to screen")


@dataclass(frozen=True)
class Participant:
    """A code registered for a person, when (ISO 8601, UTC), and who reads."""

    code: str
    registered: str
    reader: Reader


def register_participant(data: Path, reader: Reader = Reader()) -> str:
    """Register a person under a new random code.

    Parameters
    ----------
    data : Path
        Folder with the data of all participants; made if it does not exist.
    reader : Reader, optional
        What the lab knows of the participant.

    Returns
    -------
    str
        The code: five letters and digits that differ in at least two places from every other code in `data`.

    Raises
    ------
    LookalikeError
        If the data folder cannot be written (`cannot-write`), or a number of the reader's is not plausible in its unit
        (`out-of-range`): 0.6 is a viewing distance in metres, not in cm.

    Examples
    --------
    >>> import experiments
    >>> from pathlib import Path
    >>> reader = experiments.Reader(expertise="radiologist", years=12, consent=True)
    >>> code = experiments.register_participant(Path("data"), reader)
    >>> len(code), code[0].isalpha()
    (5, True)
    """
    refuse_implausible(reader)
    while True:
        code = new_code(data)
        try:
            register(data, code, reader)
        except FileExistsError:
            continue  # another process drew it at the same moment
        return code


def refuse_implausible(reader: Reader) -> None:
    """Raise `LookalikeError` for numbers that are meant in another unit; those of files written earlier are left."""
    for name, (low, high, unit) in _PLAUSIBLE.items():
        value = getattr(reader, name)
        if value is not None and not low <= value <= high:
            raise LookalikeError(
                "out-of-range",
                f"{name} is {value:g}; {unit} are meant, {low} to {high}: correct it or leave it out",
            )


def register(data: Path, code: str, reader: Reader = Reader()) -> None:
    """Register a person under this code.

    Raises `FileExistsError` if the code is registered, `LookalikeError` if the data folder cannot be written.
    """
    path = _file(data, code)
    content = {"format": FORMAT, "participant": code, "made": _now(), **asdict(reader)}
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            raise NotADirectoryError(error.errno, "a file is in the way") from None
        # Claimed, then filled: an empty file left by a crash is a code that no one was given.
        path.touch(mode=0o600, exist_ok=False)
        write_bytes(path, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode(), private=True)
        sync_folder(path.parent)
    except FileExistsError:
        raise
    except OSError as error:
        raise LookalikeError(
            "cannot-write", f"{path}: cannot be written ({error.strerror}); choose another data folder"
        ) from None


def new_code(data: Path) -> str:
    """A random code of five letters and digits.

    It differs in at least two places from every code in `data`, so that one mistyped character is no one else's code.
    """
    taken = everyone(data)
    while True:
        code = secrets.choice(CODE_LETTERS) + "".join(secrets.choice(CODE_LETTERS + CODE_DIGITS) for _ in range(4))
        # A digit somewhere, so that no code is a word.
        if any(sign in CODE_DIGITS for sign in code) and all(_differences(code, other) > 1 for other in taken):
            return code


def everyone(data: Path) -> set[str]:
    """Every code that `data` holds anything of, a person's or not."""
    data = Path(data)
    source = data / "sourcedata"
    names = {path.stem for path in _folder(data).glob("*.json")}
    names |= {path.stem.removeprefix(_WITHDRAWING) for path in source.glob(f"{_WITHDRAWING}*.json")}
    names |= {one.name.removeprefix("sub-") for one in (*source.glob("sub-*"), *data.glob("sub-*")) if one.is_dir()}
    return {name for name in names if _is_label(name)}


def registered(data: Path) -> dict[str, Participant]:
    """The registered participants, by code. Raises `LookalikeError` naming a damaged file."""
    found = (read_participant(data, path.stem) for path in sorted(_folder(data).glob("*.json")))
    return {one.code: one for one in found if one is not None}


def read_participant(data: Path, code: str) -> Participant | None:
    """The participant of this code, None if it is not registered. Raises `LookalikeError` for a damaged file."""
    path = _file(data, code)
    # From the folder's listing: on some file systems K7Q2M is k7q2m.
    if path.name not in {one.name for one in path.parent.glob("*.json")} or path.stat().st_size == 0:
        return None
    content = read_json(path)
    try:
        if content["format"] != FORMAT or content["participant"] != code:
            raise LookalikeError(
                "damaged-file", f"{path}: is of another format or participant; restore it from a backup"
            )
        return Participant(code, content["made"], Reader(**{one.name: content[one.name] for one in fields(Reader)}))
    except (KeyError, TypeError) as error:
        raise LookalikeError(
            "damaged-file", f"{path}: a field is missing or not a number ({error}); restore it from a backup"
        ) from None


def remove(data: Path, code: str) -> None:
    """Remove a participant's file, and what a crash may have left of it."""
    path = _file(data, code)
    for one in (path, *path.parent.glob(f".{path.name}.*.partial")):
        with suppress(FileNotFoundError):
            one.unlink()


def register_for(data: Path, code: str, observer: str, say: Callable[[str], None]) -> None:
    """Register a new code if the observer is a person, and say the code at once.

    Raises `LookalikeError` if another process registered it meanwhile.
    """
    if observer == "human":
        try:
            register(data, code)
        except FileExistsError:
            raise LookalikeError(
                "code-taken", f"participant {code} was registered elsewhere at this moment; try again"
            ) from None
    say(f"participant {code}")


def check_may_begin(data: Path, code: str, observer: str, new: bool = False) -> None:
    """Raise `LookalikeError` unless an `observer` of this kind may start a first session under this (`new`) code."""
    check_label(code)
    twin = next((one for one in everyone(data) if one.lower() == code.lower() and one != code), None)
    if twin:
        raise LookalikeError(
            "code-taken", f"participant {code}: {data} has {twin}, which some computers do not distinguish from it"
        )
    person = read_participant(data, code)
    if observer == "human" and person is None and not new:
        raise LookalikeError(
            "not-registered",
            f"participant {code} is not registered in {data}; check the code, or register a new participant with "
            f"'lookalike participant new --data {data}' or 'lookalike run ... --new'",
        )
    if observer != "human" and person is not None:
        raise LookalikeError(
            "code-taken", f"participant {code} is registered for a person; give a {observer} observer another code"
        )


def refuse_withdrawing(data: Path, participant: str) -> None:
    """Raise `LookalikeError` if this participant's data are being removed."""
    if withdrawal_mark(data, participant).exists():
        raise LookalikeError(
            "withdrawal-unfinished",
            f"participant {participant}: the removal of these data has begun and is not finished; finish it with "
            f"'lookalike status {data} --withdraw {participant}'",
        )


def withdrawal_mark(data: Path, participant: str) -> Path:
    """The file that exists while a participant's data are being removed (`experiments.records.withdrawal`)."""
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
