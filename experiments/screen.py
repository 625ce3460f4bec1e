"""What a session asks of a screen: to show images and messages at stated times, and to report what was done to them.

Nothing here knows PsychoPy. `experiments.windows.psychopy_screen` is a window on a display; `HeadlessScreen` is a clock
without a window, for scripted and simulated observers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeGuard

from stimuli.images import Pixels

FRAME_S = 1 / 60  # duration of one frame where the screen does not report it


@dataclass(frozen=True)
class Wheel:
    """The mouse wheel turned by `notches`, at a time in s; away from the participant is positive."""

    at: float
    notches: float


@dataclass(frozen=True)
class Key:
    """An arrow key went down or up. `direction` is +1 or −1."""

    at: float
    direction: int
    down: bool


@dataclass(frozen=True)
class Point:
    """The pointer pressed or dragged along the ring, at a position on the loop in degrees."""

    at: float
    position_deg: float


@dataclass(frozen=True)
class Confirm:
    """The image on screen was confirmed as the match, by key or by pointer."""

    at: float
    by: str  # key | pointer


Input = Wheel | Key | Point


@dataclass(frozen=True)
class Button:
    """A button on the screen that does what a key does, by the key's name; `label` is what stands on it."""

    key: str
    label: str


@dataclass(frozen=True)
class Row:
    """Buttons in a row; `low` and `high` are what the first and the last one mean, if they are a scale."""

    buttons: tuple[Button, ...] = ()
    low: str = ""
    high: str = ""


NO_BUTTONS = Row()


def is_up(given: Input | Confirm) -> TypeGuard[Key]:
    """Whether a key went up."""
    return isinstance(given, Key) and not given.down


@dataclass(frozen=True)
class Flip:
    """When an image became visible.

    Attributes
    ----------
    time : float
        Onset of the image, in s on the screen's clock.
    error : float
        Onset minus the time asked for, in s; negative if the image was early.
    dropped_frames : int
        Frames missed since the previous image.

    Examples
    --------
    >>> import experiments
    >>> experiments.Flip(time=2.0, error=0.001, dropped_frames=0).time
    2.0
    """

    time: float
    error: float
    dropped_frames: int


class Screen(Protocol):
    """Times are in s on the screen's own clock; each is the moment when the change became visible."""

    @property
    def about(self) -> dict[str, Any]:
        """Description of this screen for the session record."""

    def pages(self, text: str) -> int:
        """How many pages a text fills."""

    def message(self, text: str, page: int = 1, footer: str = "", row: Row = NO_BUTTONS) -> float:
        """Show a page of a text in place of everything else, and `footer` and buttons at the bottom of the screen."""

    def prepare(self, *images: Pixels, row: Row = NO_BUTTONS) -> None:
        """Make an image, or two side by side, ready, so that showing it takes one flip; the screen does not change.

        Buttons are shown with it, below it.
        """

    def fixate(self, row: Row = NO_BUTTONS) -> float:
        """Show the fixation mark and buttons in place of everything else, at the next frame."""

    def flip(self, asked: float | None = None) -> Flip:
        """Show what was prepared, at the frame nearest `asked`, or at the next one."""

    def blank(self, asked: float | None = None) -> float:
        """Clear the screen, at the frame nearest `asked`, or at the next one."""

    def dial(self, pixels: Pixels, position_deg: float, ring_deg: float, asked: float | None = None) -> float:
        """Show an image in a ring rotated by `ring_deg`, with a mark at the image's position on it."""

    def turned(self) -> list[Input | Confirm]:
        """Inputs to the dial since the last call, in order."""

    def scale(self, question: str, levels: int, footer: str = "", row: Row = NO_BUTTONS) -> float:
        """Show a question, below it the numbers 1 to `levels` to touch or click; `footer` and buttons at the bottom."""

    def touched(self) -> list[tuple[str, float]]:
        """The keys whose numbers or buttons were touched since the last call, each with its time."""

    def focused(self, time_s: float) -> bool:
        """Whether the screen had the keyboard focus at that time."""

    def unfocused_s(self, since: float) -> float:
        """Seconds without the keyboard focus from `since` until now."""

    def now(self) -> float:
        """The time on the screen's clock."""

    def wait_until(self, time_s: float) -> None:
        """Return at `time_s` on the screen's clock, at once if it has passed."""

    def close(self) -> None:
        """Release the screen."""


class HeadlessScreen:
    """A screen without a window: every change takes one frame, and waiting takes no real time.

    Scripted and simulated observers run whole sessions on it in a fraction of a second.

    Attributes
    ----------
    about : dict
        Description for the session record, ``{"kind": "headless"}``.

    Examples
    --------
    >>> import experiments
    >>> screen = experiments.HeadlessScreen()
    >>> screen.flip(asked=2.0)
    Flip(time=2.0, error=0.0, dropped_frames=0)
    >>> round(screen.blank(), 4)
    2.0167
    """

    def __init__(self) -> None:
        self.about: dict[str, Any] = {"kind": "headless"}
        self._now_s = 0.0

    def pages(self, text: str) -> int:  # noqa: ARG002 (no one reads it)
        return 1

    def message(self, text: str, page: int = 1, footer: str = "", row: Row = NO_BUTTONS) -> float:  # noqa: ARG002
        return self._frame(None)

    def prepare(self, *images: Pixels, row: Row = NO_BUTTONS) -> None:
        pass

    def fixate(self, row: Row = NO_BUTTONS) -> float:  # noqa: ARG002
        return self._frame(None)

    def flip(self, asked: float | None = None) -> Flip:
        wanted = self._now_s if asked is None else asked
        onset = self._frame(wanted)
        return Flip(onset, onset - wanted, 0)

    def blank(self, asked: float | None = None) -> float:
        return self._frame(asked)

    def dial(self, pixels: Pixels, position_deg: float, ring_deg: float, asked: float | None = None) -> float:  # noqa: ARG002
        return self._frame(asked)

    def turned(self) -> list[Input | Confirm]:
        return []

    def scale(self, question: str, levels: int, footer: str = "", row: Row = NO_BUTTONS) -> float:  # noqa: ARG002
        return self._frame(None)

    def touched(self) -> list[tuple[str, float]]:
        return []

    def focused(self, time_s: float) -> bool:  # noqa: ARG002
        return True

    def unfocused_s(self, since: float) -> float:  # noqa: ARG002
        return 0.0

    def now(self) -> float:
        return self._now_s

    def wait_until(self, time_s: float) -> None:
        self._now_s = max(self._now_s, time_s)

    def close(self) -> None:
        pass

    def _frame(self, asked: float | None) -> float:
        if asked is not None:
            self.wait_until(asked - FRAME_S)
        self._now_s += FRAME_S
        return self._now_s
