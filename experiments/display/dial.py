"""The dial of a matching task: from wheel, keys and pointer to the frame of a loop that is shown.

One rule for each way of turning it; positive is towards larger positions on the loop.

- *Wheel*: one frame per notch, away from the participant is positive. Parts of a notch, as touch pads report them,
  add up.
- *Arrow keys*: one frame when the key goes down (right is positive). Held for longer than `DELAY_S` the dial turns
  on, at `SLOWEST` degrees/s and faster by `FASTER` degrees/s² until `FASTEST`; so the way round takes as long on a loop
  of few frames as on one of many. Of two keys held at once each turns the dial for itself.
- *Ring*: the frame nearest to the place pointed at.

The dial is where its inputs put it, at the times that they bear: how often it is looked at changes nothing.
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
    """Which frame is shown, and how it came there.

    `positions` (frames,) are the frames' places on the loop in degrees; `frame` is the first one shown, from `onset`.
    `trajectory` is a list of (s since onset, degrees), first (0, start), then one for every frame passed.
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
        """Follow one input; one that bears an earlier time than the last is taken as of that time.

        At a confirmation the dial stands where it is by then.
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
        """Turn on by the keys that are held, until `now`."""
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
        """All keys are up: the window has lost the keyboard, or asks something else."""
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
    steps: int = 0  # after the one when it went down

    def due(self, step_deg: float) -> float:
        """When the next step is."""
        return self.since + DELAY_S + seconds_to_turn((self.steps + 1) * step_deg)


def seconds_to_turn(degrees: float) -> float:
    """How long a held key takes for so many degrees, once it turns the dial on its own."""
    until_fastest = (FASTEST**2 - SLOWEST**2) / (2 * FASTER)  # degrees turned while getting faster
    if degrees <= until_fastest:
        return (math.sqrt(SLOWEST**2 + 2 * FASTER * degrees) - SLOWEST) / FASTER
    return (FASTEST - SLOWEST) / FASTER + (degrees - until_fastest) / FASTEST


def nearest(positions: Sequence[float], position_deg: float) -> int:
    """The frame nearest to a position on the loop; of two equally near ones the first."""
    return int(abs(wrap([place - position_deg for place in positions])).argmin())
