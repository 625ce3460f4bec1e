"""Markers arrive where they are sent, and a device that fails neither stops a session nor goes unnoticed."""

from __future__ import annotations

import importlib.util
import os
import pty
import sys
import tty
from types import ModuleType
from typing import Any

import pytest

from data.flow.devices import MarkerSettings
from experiments.markers import parallel as parallel_port
from experiments.markers.markers import Markers, open_line, refuse_unknown
from tests.waiting import PATIENCE_S

CODES = {"fixation": 1, "onset": 10, "onset_real": 11, "answer_real": 21, "missed": 0}


class Noted:
    def __init__(self, works: bool = True) -> None:
        self.codes: list[int] = []
        self.works = works

    def send(self, code: int) -> None:
        if not self.works:
            raise OSError("unplugged")
        self.codes.append(code)

    def close(self) -> None:
        if not self.works:
            raise OSError("unplugged")


def test_the_first_name_with_a_code_is_sent_and_kept_with_its_time() -> None:
    line, times = Noted(), iter([1.5, 2.5, 3.5])
    markers = Markers(CODES, line, lambda: next(times))
    for names in (("onset_real", "onset"), ("onset_other", "onset"), ("missed",), ("unknown",), ("answer_real",)):
        markers.send(*names)
    assert line.codes == [11, 10, 21]
    assert markers.taken(1.0) == {"markers": [["onset_real", 11, 0.5], ["onset", 10, 1.5], ["answer_real", 21, 2.5]]}
    assert markers.taken(1.0) == {}


def test_a_device_that_fails_is_told_once_and_recorded_each_time() -> None:
    line, said = Noted(), []
    markers = Markers(CODES, line, lambda: 1.0, said.append)
    markers.send("fixation")
    line.works = False
    markers.send("onset")
    markers.send("onset")
    assert markers.taken(0.0) == {
        "markers": [["fixation", 1, 1.0], ["onset", 10, None], ["onset", 10, None]],
        "marker_fault": "OSError: unplugged",
    }
    assert len(said) == 1
    assert "OSError: unplugged" in said[0]
    line.works = True
    markers.send("onset")  # plugged in again
    assert markers.taken(0.0) == {"markers": [["onset", 10, 1.0]]}
    line.works = False
    markers.close()
    assert len(said) == 2


def test_without_a_line_nothing_is_kept() -> None:
    markers = Markers(CODES)
    markers.send("onset")
    assert markers.taken(0.0) == {}
    markers.close()


def test_markers_to_nowhere_are_refused(refuses: Any) -> None:
    with refuses("bad-setting") as caught:
        refuse_unknown(MarkerSettings(to="lsk"))
    assert "did you mean 'lsl'" in str(caught.value)
    with refuses("bad-setting") as caught:
        refuse_unknown(MarkerSettings(to="carrier pigeon"))
    assert "there are lsl, parallel, serial" in str(caught.value)


def test_bytes_arrive_at_the_other_end_of_a_serial_port() -> None:
    pytest.importorskip("serial")
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    line = open_line(MarkerSettings(to="serial", address=os.ttyname(theirs)))
    for code in (1, 13, 17, 255):
        line.send(code)
    came = b""
    while len(came) < 4:  # a terminal hands on what it has got so far
        came += os.read(ours, 10)
    assert came == bytes([1, 13, 17, 255])
    line.close()
    os.close(ours)
    os.close(theirs)


def test_a_serial_port_that_is_gone_is_a_fault_and_one_that_never_was_is_refused(refuses: Any) -> None:
    pytest.importorskip("serial")
    ours, theirs = pty.openpty()
    line = open_line(MarkerSettings(to="serial", address=os.ttyname(theirs)))
    os.close(theirs)
    os.close(ours)
    markers = Markers(CODES, line, lambda: 1.0)
    markers.send("onset")
    assert markers.taken(0.0)["markers"] == [["onset", 10, None]]
    for address in ("/dev/no-such-port", "hwgrep://no-such-device", ""):
        with refuses("no-device") as caught:
            open_line(MarkerSettings(to="serial", address=address))
        assert "markers" in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("library", "to"), [("pylsl", "lsl"), ("serial", "serial"), ("psychopy", "parallel")])
def test_without_its_library_a_device_is_refused(
    library: str, to: str, refuses: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with refuses("no-device"):
        open_line(MarkerSettings(to=to, address="0x378" if to == "parallel" else "x"))


def test_a_parallel_port_shows_each_code_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two equal codes in a row are two, and the lines are at 0 before, between and after."""
    opened: list[object] = []
    shown: list[int] = []

    class Port:
        def __init__(self, address: object) -> None:
            opened.append(address)

        def setData(self, code: int) -> None:
            shown.append(code)

    stub = ModuleType("psychopy.parallel")
    stub.ParallelPort = Port  # type: ignore[attr-defined]
    package = ModuleType("psychopy")
    package.parallel = stub  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "psychopy", package)
    monkeypatch.setitem(sys.modules, "psychopy.parallel", stub)
    monkeypatch.setattr(parallel_port.time, "sleep", lambda _s: shown.append(-1))
    for address, wanted in (("", 0x378), ("0xD050", 0xD050), ("/dev/parport0", "/dev/parport0")):
        line = open_line(MarkerSettings(to="parallel", address=address))
        assert opened[-1] == wanted
    shown.clear()
    line.send(11)
    line.send(11)
    line.close()
    assert shown == [11, -1, 0, 11, -1, 0, 0]


def test_a_parallel_port_that_is_not_there_is_refused(refuses: Any) -> None:
    if importlib.util.find_spec("psychopy") is None:
        pytest.skip("PsychoPy is not installed")
    with refuses("no-device") as caught:
        open_line(MarkerSettings(to="parallel", address="/dev/no-such-parport"))
    assert "/dev/no-such-parport" in str(caught.value)


@pytest.mark.slow
def test_a_recorder_in_the_network_receives_the_codes_in_order() -> None:
    pylsl = pytest.importorskip("pylsl")
    name = f"LookalikeTest{os.getpid()}"
    line = open_line(MarkerSettings(to="lsl", address=name))
    found = pylsl.resolve_byprop("name", name, timeout=PATIENCE_S)
    assert len(found) == 1
    assert (found[0].type(), found[0].nominal_srate()) == ("Markers", 0.0)
    inlet = pylsl.StreamInlet(found[0])
    inlet.open_stream(timeout=PATIENCE_S)
    before = pylsl.local_clock()
    for code in (11, 21, 255):
        line.send(code)
    received = [inlet.pull_sample(timeout=PATIENCE_S) for _ in range(3)]
    assert [sample for sample, _ in received] == [[11], [21], [255]]
    assert all(before <= at <= pylsl.local_clock() for _, at in received)
    line.close()
