"""An export of OpenSesame itself, from a small experiment of eight images with a rating each.

    pip install --no-deps opensesame-core && pip install numpy pillow PyYAML webcolors pygame setuptools \\
        python-datamatrix python-fileinspector python-pseudorandom
    python opensesame.py opensesame.csv

"""

from __future__ import annotations

import os
import sys
import threading

os.environ |= {"SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy"}

import pygame
from libopensesame.experiment import Experiment
from openexp._keyboard.legacy import Legacy

TRUTHS = ["real", "fake"] * 4
KEYS = ["z", "m", "m", "m", "z", None, "z", "m"]  # z says real; image 5 was missed
SURE = "12341234"

CYCLES = "".join(
    f"\tsetcycle {n} image im{n}.png\n\tsetcycle {n} image_type {truth}\n\tsetcycle {n} correct_response "
    f"{'z' if truth == 'real' else 'm'}\n\tsetcycle {n} practice {'yes' if n == 0 else 'no'}\n"
    for n, truth in enumerate(TRUTHS)
)
SCRIPT = f"""---
API: 3
OpenSesame: 4.0.0
Platform: posix
---
set canvas_backend legacy
set keyboard_backend legacy
set color_backend legacy
set clock_backend legacy
set sampler_backend legacy
set mouse_backend legacy
set width 640
set height 480
set background black
set foreground white
set start experiment
set title "Real or fake"

define sequence experiment
\trun trials always

define loop trials
\tset source_file ""
\tset source table
\tset repeat 1
\tset order sequential
\tset item trial
\tset cycles 8
\tset columns "image;image_type;correct_response;practice"
{CYCLES}\trun trial

define sequence trial
\trun answer always
\trun confidence always
\trun logger always

define keyboard_response answer
\tset timeout 500
\tset flush yes
\tset event_type keypress
\tset duration keypress
\tset allowed_responses "z;m"

define keyboard_response confidence
\tset timeout infinite
\tset flush yes
\tset event_type keypress
\tset duration keypress
\tset allowed_responses "1;2;3;4"
\tset correct_response ""

define logger logger
\tset auto_log yes
"""


presses = (key for pair in zip(KEYS, SURE, strict=True) for key in pair)
wait_for_key = Legacy._get_key_event


def pressed(keyboard: Legacy, event_type: int) -> object:
    """A key event shortly after OpenSesame began to wait for it, as a participant would give."""
    key = next(presses)
    if key is not None:
        event = pygame.event.Event(pygame.KEYDOWN, key=pygame.key.key_code(key), unicode=key, mod=0)
        threading.Timer(0.05, pygame.event.post, [event]).start()
    return wait_for_key(keyboard, event_type)


Legacy._get_key_event = pressed
Experiment(string=SCRIPT, logfile=sys.argv[1], subject_nr=3, heartbeat_interval=0).run()
