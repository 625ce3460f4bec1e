"""The dial of a matching task: from wheel, keys and pointer to the frame of a loop on screen.

One rule for each input; positive is towards larger positions on the loop.

- *Wheel*: one frame per notch, away from the participant is positive. Fractions of a notch, as touch pads report them,
  add up.
- *Arrow keys*: one frame when the key goes down (right is positive). If it is held for longer than `DELAY_S`, the dial
  keeps turning, at `SLOWEST` degrees/s and accelerating by `FASTER` degrees/s² up to `FASTEST`; so a full turn takes as
  long on a loop of few frames as on one of many. Two keys held at once each turn the dial.
- *Ring*: the frame nearest to the pointer.

The state of the dial depends on its inputs and their times alone, not on how often it is polled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from data.circle import wrap
from experiments.screen import Confirm, Input, Key, Point, Wheel

DELAY_S = 0.3
SLOWEST, FASTER, FASTEST = 15.0, 60.0, 180.0
_DIGITS = 6  # of times in s and positions in degrees, in the trajectory


class Dial:
    """Which frame is on screen, and the path to it.

    `positions` (frames,) are the frames' positions on the loop in degrees; `frame` is the first one on screen, from
    `onset`. `trajectory` is a list of (s since onset, degrees), first (0, start), then one for every frame passed.
    """

    def __init__(self, positions: Sequence[float], frame: int, onset: float) -> None:
        self._positions, self._onset, self._now = positions, onset, onset
        self.frame = frame
        self._held: dict[int, _Held] = {}
        self._rest = 0.0  # of a notch
        self.trajectory: list[tuple[float, float]] = [(0.0, round(positions[frame], _DIGITS))]

    @property
    def position_deg(self) -> float:
        return self._positions[self.frame]

    def take(self, given: Input | Confirm) -> None:
        """Follow one input; if its time is earlier than the last input's, the last one's time counts.

        At a confirmation the dial is first advanced to that time.
        """
        self.advance(given.at)
        match given:
            case Wheel():
                self._rest += given.notches
                whole = math.trunc(self._rest)
                self._rest -= whole
                self._go(self.frame + whole)
            case Key(down=True):
                if given.direction not in self._held:
                    self._held[given.direction] = _Held(self._now)
                    self._go(self.frame + given.direction)
            case Key():
                self._held.pop(given.direction, None)
            case Point():
                self._go(nearest(self._positions, given.position_deg))

    def advance(self, now: float) -> None:
        """Keep turning by the keys that are held, until `now`."""
        step_deg = 360 / len(self._positions)
        while self._held:
            due, direction = min((held.due(step_deg), direction) for direction, held in self._held.items())
            if due > now:
                break
            self._held[direction].steps += 1
            self._now = max(self._now, due)
            self._go(self.frame + direction)
        self._now = max(self._now, now)

    def release(self, at: float) -> None:
        """All keys are up: the window has lost the keyboard focus, or shows another question."""
        self.advance(at)
        self._held.clear()

    def _go(self, frame: int) -> None:
        frame %= len(self._positions)
        if frame != self.frame:
            self.frame = frame
            self.trajectory.append((round(self._now - self._onset, _DIGITS), round(self.position_deg, _DIGITS)))


@dataclass
class _Held:
    since: float
    steps: int = 0  # after the first, when it went down

    def due(self, step_deg: float) -> float:
        """The time of the next step."""
        return self.since + DELAY_S + seconds_to_turn((self.steps + 1) * step_deg)


def seconds_to_turn(degrees: float) -> float:
    """How long a held key takes to turn the dial by so many degrees, after its delay."""
    until_fastest = (FASTEST**2 - SLOWEST**2) / (2 * FASTER)  # degrees turned while accelerating
    if degrees <= until_fastest:
        return (math.sqrt(SLOWEST**2 + 2 * FASTER * degrees) - SLOWEST) / FASTER
    return (FASTEST - SLOWEST) / FASTER + (degrees - until_fastest) / FASTEST


def nearest(positions: Sequence[float], position_deg: float) -> int:
    """The frame nearest to a position on the loop; the first of two equally near ones."""
    return int(abs(wrap([place - position_deg for place in positions])).argmin())
