"""A response box at the other end of a pseudo-terminal."""

from __future__ import annotations

import os
import pty
import select
import time
import tty
from typing import Any

import pytest

from data.flow.devices import Box as Settings
from experiments.boxes.box import open_box, refuse_unknown
from experiments.boxes.serial import name_of
from tests.waiting import PATIENCE_S, wait_until

pytest.importorskip("serial")


def settings(address: str, device: str = "serial") -> Settings:
    return Settings(device=device, address=address, buttons={"1": "left"})


def test_bytes_are_buttons_in_order_each_with_its_time() -> None:
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    os.write(ours, b"9")  # pressed before the session
    assert select.select([theirs], [], [], PATIENCE_S)[0]
    box = open_box(settings(os.ttyname(theirs)), time.monotonic)
    began, came = time.monotonic(), []
    for sent in (b"1", b"a2", bytes([3])):
        os.write(ours, sent)
        wanted = len(came) + len(sent)

        def all_there(wanted: int = wanted) -> bool:
            came.extend(box.presses())
            return len(came) == wanted

        wait_until(all_there)
    assert [name for name, _ in came] == ["1", "a", "2", "0x03"]
    times = [at for _, at in came]
    assert times == sorted(times)
    assert began <= times[0] <= times[-1] <= time.monotonic()
    assert box.fault is None
    box.close()
    os.close(ours)
    os.close(theirs)


def test_a_box_that_is_unplugged_says_so_and_raises_nothing() -> None:
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    box = open_box(settings(os.ttyname(theirs)), time.monotonic)
    os.close(theirs)
    os.close(ours)
    wait_until(lambda: box.fault is not None)
    assert box.presses() == []
    box.close()


def test_a_box_that_is_not_there_or_of_no_known_kind_is_refused(refuses: Any) -> None:
    with refuses("no-device") as caught:
        open_box(settings("/dev/no-such-port"), time.monotonic)
    assert "response box" in str(caught.value)
    with refuses("bad-setting") as caught:
        refuse_unknown(settings("COM3", device="serail"))
    assert "did you mean 'serial'" in str(caught.value)


@pytest.mark.parametrize(("byte", "name"), [(0x31, "1"), (0x20, "0x20"), (0x7F, "0x7f"), (0, "0x00"), (0xFF, "0xff")])
def test_every_byte_has_a_name(byte: int, name: str) -> None:
    assert name_of(byte) == name
    assert len({name_of(one) for one in range(256)}) == 256
