"""Photographs of every screen that a participant sees, for the documents.

    python docs/screens.py                 where there is a screen and nobody at it
    xvfb-run -a python docs/screens.py     elsewhere

Real sessions in a real window, answered by real key events (X11 only), each in a process of its own. Every image is a
generated one of the shipped model, also those that pass for real: no mammogram is shown, and none is needed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from threading import Timer
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)

from data.shipped import DEFAULT_MODEL  # noqa: E402
from data.study import read_study  # noqa: E402
from experiments.display.psychopy_screen import WindowScreen  # noqa: E402
from experiments.display.window import WINDOW_PX  # noqa: E402
from experiments.records.record import Record, create_session  # noqa: E402
from experiments.screen import Flip  # noqa: E402
from experiments.session.design import draw_plan  # noqa: E402
from experiments.session.loop import run_session  # noqa: E402
from experiments.tasks.matching_responders import HumanMatcher  # noqa: E402
from experiments.tasks.responders import HumanResponder  # noqa: E402
from stimuli.loop_set import LoopSet  # noqa: E402
from stimuli.stimulus_source import read_stimuli  # noqa: E402

OUT = ROOT / "docs" / "images" / "screens"
SIZE_PX = (640, 480)
GREYS = 64
_SETTLED_S = 0.3  # far longer than a frame, shorter than the mask is up
CONSENT = """This is a study of how medical images are seen.
You will look at images and answer a question about each.
Taking part is voluntary.
You may stop at any time, without giving a reason."""
KINDS = ("realfake", "two_alternative", "same_different", "matching")
# What is photographed, in the order of the screens of a session, and the key that is pressed then.
SHOTS: dict[str, list[tuple[str, str]]] = {
    "realfake": [
        ("consent", "space"),
        ("instructions", "space"),
        ("practice", "space"),
        ("image", "Left"),
        ("confidence", "3"),
        ("", "Right"),
        ("", "2"),
        ("practice-over", "space"),
        ("", "Escape"),
        ("stop", "n"),
        ("", "Left"),
        ("", "4"),
        ("", "Right"),
        ("", "1"),
        ("break", "space"),
        ("", "Left"),
        ("", "2"),
        ("", "Right"),
        ("", "3"),
        ("thanks", "space"),
    ],
    "two_alternative": [
        ("two-alternative-instructions", "space"),
        ("two-alternative", "Left"),
        ("", "3"),
        ("", "Right"),
        ("", "3"),
        ("", "space"),
    ],
    "same_different": [
        ("same-different-instructions", "space"),
        ("same-different", "Left"),
        ("", "3"),
        ("", "Right"),
        ("", "3"),
        ("", "space"),
    ],
    "matching": [
        ("matching-instructions", "space"),
        ("", ""),  # the target goes away by itself, and so does its mask
        ("", ""),
        ("matching-dial", "space"),
        ("", ""),
        ("", ""),
        ("", "space"),
        ("", "space"),
    ],
}


class Photographed(WindowScreen):
    """A window that keeps a picture of each screen and presses the key that belongs to it."""

    shots: list[tuple[str, str]]

    def message(self, text: str) -> float:
        return self._photograph(super().message(text))

    def flip(self, asked: float | None = None) -> Flip:
        flip = super().flip(asked)
        self._photograph(flip.time)
        return flip

    def scale(self, question: str, levels: int) -> float:
        return self._photograph(super().scale(question, levels))

    def dial(self, *given: Any, **more: Any) -> float:
        return self._photograph(super().dial(*given, **more))

    def _photograph(self, shown: float) -> float:
        if not self.shots:
            return shown
        # From a thread of its own: the session goes on as it would.
        Timer(_SETTLED_S, _photograph, self.shots.pop(0)).start()
        return shown


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        _make_images(Path(scratch))
        for kind in KINDS:
            subprocess.run([sys.executable, __file__, kind, scratch], check=True, timeout=60)
    photograph_dialog()
    for picture in sorted(OUT.glob("*.png")):
        print(f"{picture.stat().st_size / 1000:6.1f} kB  {picture.relative_to(ROOT)}")


def photograph(kind: str, folder: Path) -> None:
    """Hold one short session of this kind, and save the pictures of it."""
    task = [f'kind = "{kind}"', "counterbalance_keys = false"]
    trials, practice = (4, 2) if kind == "realfake" else (2, 0)
    if kind == "realfake":
        task += ["blocks = 2", "[text]", f'consent = """{CONSENT}"""']
    if kind == "matching":
        task[1:] = ["exposure_s = 0.5", "mask_s = 1.0", "delay_s = 0.25", "confidence_levels = 0"]
    (folder / f"{kind}.toml").write_text("\n".join(task) + "\n", encoding="utf-8")
    study = [f'task = "{kind}.toml"', 'name = "Screens"', "planned_participants = 1", "[plan]"]
    study += [f"trials = {trials}", f"practice_trials = {practice}"]
    (folder / "study.toml").write_text("\n".join(study) + "\n", encoding="utf-8")
    stimuli = read_stimuli(folder / ("loop" if kind == "matching" else "set"))
    plan = draw_plan(stimuli, read_study(folder / "study.toml"), "k7q2m", 1, 3)
    shape = stimuli.read(plan.trials[0].images[0]).shape
    beside = len(plan.trials[0].images)
    screen = Photographed(stimuli.mean, (shape[0], shape[1]), beside=beside, ring=kind == "matching")
    screen.shots = list(SHOTS[kind])
    person = HumanMatcher(plan, screen, stimuli) if isinstance(stimuli, LoopSet) else HumanResponder(plan, screen)
    with Record(create_session(folder / f"data-{kind}", plan)) as record:
        run_session(plan, stimuli, screen, person, record)
    screen.close()
    if screen.shots:
        raise SystemExit(f"{kind}: {len(screen.shots)} screens fewer than planned; correct SHOTS")


def photograph_dialog() -> None:
    """The dialog of the plain script, as it opens."""
    from Xlib import X, display

    with subprocess.Popen([sys.executable, str(ROOT / "experiments" / "realfake.py")]) as script:
        server = display.Display()
        top = server.screen().root
        until = time.monotonic() + 30
        while not (there := [one for one in top.query_tree().children if one.get_wm_name() == "Lookalike"]):
            if time.monotonic() > until:
                raise SystemExit("the dialog did not open")
            time.sleep(_SETTLED_S)
        time.sleep(_SETTLED_S)
        width, height = _size(there[0])
        content = there[0].get_image(0, 0, width, height, X.ZPixmap, 0xFFFFFFFF).data
        shown = np.frombuffer(content, np.uint8).reshape(height, width, 4)[..., 1]
        Image.fromarray(shown).quantize(GREYS).save(OUT / "dialog.png", optimize=True)
        script.terminate()


def _make_images(folder: Path) -> None:
    from gan.checkpoint import load_model
    from gan.generate import offers
    from gan.morph import make_loop
    from stimuli.sets import Candidate, Layout, build_set

    model = load_model(DEFAULT_MODEL)
    one, other = (
        (Candidate(offer.pixels, f"seed:{offer.seed}") for offer in offers(model.generator, first, 0.7))
        for first in (0, 1000)
    )
    build_set(folder / "set", one, other, Layout(main=8, practice=2, size_px=256), {"credit": "generated, both halves"})
    make_loop(model, folder / "loop", seeds=[4, 8, 15], frames=48)


def _photograph(name: str, key: str) -> None:
    """Save what the window shows, if the picture has a name, then press the key, if there is one."""
    from Xlib import XK, X, display
    from Xlib.ext import xtest

    server = display.Display()
    window = next(one for one in server.screen().root.query_tree().children if _size(one) == WINDOW_PX)
    if name:
        content = window.get_image(0, 0, *WINDOW_PX, X.ZPixmap, 0xFFFFFFFF).data
        shown = np.frombuffer(content, np.uint8).reshape(WINDOW_PX[1], WINDOW_PX[0], 4)[..., 1]
        picture = Image.fromarray(shown).resize(SIZE_PX, Image.Resampling.LANCZOS)
        picture.quantize(GREYS).save(OUT / f"{name}.png", optimize=True)
    if key:
        # On a virtual display no desktop gives the window the keyboard.
        window.set_input_focus(X.RevertToParent, X.CurrentTime)
        code = server.keysym_to_keycode(XK.string_to_keysym(key))
        for event in (X.KeyPress, X.KeyRelease):
            xtest.fake_input(server, event, code)
        server.sync()
    server.close()


def _size(window: Any) -> tuple[int, int]:
    place = window.get_geometry()
    return place.width, place.height


if __name__ == "__main__":
    if len(sys.argv) == 3:
        photograph(sys.argv[1], Path(sys.argv[2]))
    else:
        main()
