"""A small dialog for scripts that are started without arguments, as from PsychoPy Coder or Runner.

The participant may be looking on: nothing in it says that a later session shows the images of the first.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from data.errors import LookalikeError

_LABELS = {
    "stimuli": "Stimulus set or morph loops (folder)",
    "data": "Data of all participants (folder)",
    "participant": "Participant code",
    "study": "Study file (empty: shipped example)",
    "display": "Display file (empty: not calibrated)",
}
_NEEDED = ("stimuli", "data", "participant")
_FULLSCREEN = {"fullscreen": "Full screen"}
# What a later session may need, as its messages say.
_LATER = {
    "early": "Before the planned day",
    "another": "One more after a complete one",
    "partial": "Although the first one stopped early",
}
_WRAP_PX = 560


@dataclass(frozen=True)
class Entered:
    """What a person has typed into the dialog, by field, and which boxes were ticked."""

    typed: Mapping[str, str]
    ticked: frozenset[str]

    @property
    def missing(self) -> list[str]:
        """The labels of the fields that must be filled in and are not."""
        return [_LABELS[name] for name in _NEEDED if not self.typed[name]]

    @property
    def words(self) -> list[str]:
        """The same as arguments of the command line."""
        files = [name for name in ("study", "display") if self.typed.get(name)]
        given = [word for name in files for word in (f"--{name}", self.typed[name])]
        # A value that begins with a dash is no option.
        return [*given, *(f"--{name}" for name in sorted(self.ticked)), "--", *(self.typed[name] for name in _NEEDED)]


def ask(title: str, later: bool = False, before: Entered | None = None, message: str = "") -> Entered | None:
    """What a person enters for a first or a `later` session; None if the dialog is cancelled.

    It opens with what was entered `before`, if anything, and with a message under it that says what was wrong. Raises
    `LookalikeError` where no dialog can be opened.
    """
    instead = "give the arguments on the command line, see --help"
    try:
        import tkinter
    except ImportError as error:
        raise LookalikeError("missing-extra", f"no dialog can be opened ({error}); {instead}") from None
    try:
        root = tkinter.Tk()
    except tkinter.TclError as error:
        raise LookalikeError("no-screen", f"no dialog can be opened ({error}); {instead}") from None
    dialog = _Dialog(root, title, later, before, message)
    try:
        root.mainloop()
    finally:
        with contextlib.suppress(tkinter.TclError):  # closed by its own button already
            root.destroy()
    return dialog.entered


class _Dialog:
    """Labelled fields, tick boxes, two buttons. `entered` stays None unless Run is pressed with all fields filled."""

    def __init__(self, root: Any, title: str, later: bool, before: Entered | None, message: str) -> None:
        from tkinter import Button, Label, StringVar, filedialog

        self.entered: Entered | None = None
        self._root = root
        self._fields: dict[str, Any] = {}
        self._ticks: dict[str, Any] = {}
        root.title("Lookalike")
        Label(root, text=title).grid(row=0, column=0, columnspan=3, padx=12, pady=8)
        folder, file = filedialog.askdirectory, filedialog.askopenfilename
        choosers = {"stimuli": folder, "data": folder, "participant": None, "study": file, "display": file}
        if later:  # it has the study file of the first
            del choosers["study"]
        for row, (name, choose) in enumerate(choosers.items(), start=1):
            self._add_field(row, name, choose, "" if before is None else before.typed.get(name, ""))
        ticked = frozenset({"fullscreen"}) if before is None else before.ticked
        boxes = _FULLSCREEN | (_LATER if later else {})
        for row, (name, label) in enumerate(boxes.items(), start=len(choosers) + 1):
            self._add_tick(row, name, label, name in ticked)
        last = len(choosers) + len(boxes)
        self._message = StringVar(root, message)
        Label(root, textvariable=self._message, fg="#a40000", wraplength=_WRAP_PX, justify="left").grid(
            row=last + 1, column=0, columnspan=3, padx=12, pady=4, sticky="w"
        )
        Button(root, text="Cancel", command=root.quit).grid(row=last + 2, column=0, pady=8)
        Button(root, text="Run", command=self._run).grid(row=last + 2, column=1, pady=8, sticky="e")
        root.bind("<Escape>", lambda _: root.quit())
        root.bind("<Return>", lambda _: self._run())
        root.protocol("WM_DELETE_WINDOW", root.quit)

    def _add_field(self, row: int, name: str, choose: Any, typed: str) -> None:
        from tkinter import Button, Entry, Label, StringVar

        self._fields[name] = field = StringVar(self._root, typed)
        Label(self._root, text=_LABELS[name]).grid(row=row, column=0, sticky="e", padx=12)
        entry = Entry(self._root, textvariable=field, width=40)
        entry.grid(row=row, column=1, pady=2)
        if row == 1:
            entry.focus_force()
        if choose is not None:
            command = lambda: field.set(choose(parent=self._root) or field.get())  # noqa: E731
            Button(self._root, text="...", command=command).grid(row=row, column=2, padx=4)

    def _add_tick(self, row: int, name: str, label: str, ticked: bool) -> None:
        from tkinter import BooleanVar, Checkbutton

        self._ticks[name] = BooleanVar(self._root, ticked)
        Checkbutton(self._root, text=label, variable=self._ticks[name]).grid(row=row, column=1, sticky="w")

    def _run(self) -> None:
        typed = {name: field.get().strip() for name, field in self._fields.items()}
        entered = Entered(typed, frozenset(name for name, tick in self._ticks.items() if tick.get()))
        if entered.missing:
            self._message.set(f"Please fill in: {', '.join(entered.missing)}.")
            return
        self.entered = entered
        self._root.quit()
