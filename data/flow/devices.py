"""`[box]` and `[markers]` of a task file: response boxes, and codes sent to another recording (EEG, eye tracking)."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, field_validator

from data.flow.kept import Kept
from data.settings import nearest


class Box(Kept):
    """A response box (`experiments.boxes`)."""

    device: str = Field(min_length=1, description="a module of experiments/boxes")
    address: str = Field(min_length=1, description="where it is, such as COM3, /dev/ttyUSB0 or hwgrep://0403:6001")
    baud: int = Field(115200, ge=300, le=4_000_000, description="bits per second of a serial port")
    buttons: dict[str, str] = Field(min_length=1, description="what the box sends -> the key that it stands for")


class MarkerSettings(Kept):
    """Where markers go (`experiments.markers`), and their codes where they are not the usual ones (`usual_codes`)."""

    to: str = Field(min_length=1, description="a module of experiments/markers")
    address: str = Field("", description="an LSL stream's name, a parallel port's address, a serial port")
    baud: int = Field(115200, ge=300, le=4_000_000, description="bits per second of a serial port")
    codes: dict[str, int] = Field({}, description="what happens -> its code, 1 to 255; 0 sends none")

    @field_validator("codes")
    @classmethod
    def _are_codes(cls, codes: dict[str, int]) -> dict[str, int]:
        for name, code in codes.items():
            if not 0 <= code <= 255:
                raise ValueError(f"{name} is {code}; a code is 1 to 255, or 0 to send none")
        return codes

    def codes_of(self, answers: tuple[str, ...], confidence_levels: int, rating_levels: int) -> dict[str, int]:
        """What happens in a session with these answers, and its code. Raises `ValueError` for an unknown name."""
        usual = usual_codes(answers, confidence_levels, rating_levels)
        for name in self.codes:
            if name not in usual:
                raise ValueError(f"markers.codes.{name}: no such marker; {nearest(name, list(usual))}")
        return {**usual, **self.codes}


def usual_codes(answers: tuple[str, ...], confidence_levels: int, rating_levels: int) -> Mapping[str, int]:
    """The codes that markers have unless a task file sets others.

    Images are told apart by the right answer to them (`onset_real`), as far as it is one of the `answers`.
    """
    numbers = range(1, rating_levels + 1)
    sure = range(1, confidence_levels + 1) if not rating_levels else ()
    return {
        "fixation": 1,
        "offset": 2,
        "missed": 3,
        "undo": 4,
        "onset": 10,
        **{f"onset_{answer}": 10 + place for place, answer in enumerate(answers, start=1)},
        "answer": 20,
        **{f"answer_{answer}": 20 + place for place, answer in enumerate(answers, start=1)},
        **{f"rating_{number}": 30 + number for number in numbers},
        **{f"confidence_{level}": 40 + level for level in sure},
        "start": 254,
        "end": 255,
    }
