"""The response box and the markers of a session: opened before its first screen, released at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from data.kinds.registry import find
from data.plan import Plan
from experiments.boxes.box import Box, open_box
from experiments.boxes.box import refuse_unknown as refuse_unknown_box
from experiments.markers.markers import Markers, open_line
from experiments.markers.markers import refuse_unknown as refuse_unknown_line
from experiments.screen import Screen
from experiments.tasks.human import HumanResponder
from experiments.tasks.responders import Responder


@dataclass(frozen=True)
class Devices:
    """What a task file connects."""

    markers: Markers
    box: Box | None = None

    def connect(self, responder: Responder) -> Responder:
        """The same responder; a person is heard through the box too, and marked at each answer."""
        if isinstance(responder, HumanResponder):
            responder.connect(self.box, self.markers)
        return responder


@contextmanager
def open_devices(plan: Plan, screen: Screen, person: bool, say: Callable[[str], None]) -> Iterator[Devices]:
    """Open the devices of a plan, on the screen's clock. Only a person presses buttons, and needs the box.

    Without a window nothing is opened, so that a dry run needs no devices, but their names are checked. Raises
    `LookalikeError` if one is missing.
    """
    box, markers = plan.box, plan.markers
    if box is not None:
        refuse_unknown_box(box)
    if markers is not None:
        refuse_unknown_line(markers)
    window = screen.about["kind"] == "window"
    with ExitStack() as open_until_the_end:
        opened, sent = None, Markers()
        if markers is not None and window:
            codes = markers.codes_of(find(plan.kind).answers, plan.confidence_levels, plan.rating_levels)
            sent = Markers(codes, open_line(markers), screen.now, say)
            open_until_the_end.callback(sent.close)
        if box is not None and window and person:
            opened = open_box(box, screen.now)
            open_until_the_end.callback(opened.close)
        yield Devices(sent, opened)
