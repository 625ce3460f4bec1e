"""A small dialog for scripts that are started without arguments, as from PsychoPy Coder or Runner."""

from __future__ import annotations

import contextlib
from typing import Any

from data.errors import LookalikeError


def ask(title: str, with_study: bool) -> list[str] | None:
    """The arguments for the command line, as a person enters them; None if the dialog is cancelled.

    Raises `LookalikeError` where no dialog can be opened.
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
    dialog = _Dialog(root, title, with_study)
    try:
        root.mainloop()
    finally:
        with contextlib.suppress(tkinter.TclError):  # closed by its own button already
            root.destroy()
    return dialog.words


class _Dialog:
    """Labelled fields, a tick box and two buttons. `words` stays None unless Run is pressed with all fields filled."""

    def __init__(self, root: Any, title: str, with_study: bool) -> None:
        from tkinter import BooleanVar, Button, Checkbutton, Entry, Label, StringVar, filedialog

        self.words: list[str] | None = None
        self._root = root
        self._fullscreen = BooleanVar(root, True)
        self._fields: dict[str, Any] = {}
        root.title("Lookalike")
        Label(root, text=title).grid(row=0, column=0, columnspan=3, padx=12, pady=8)
        choosers: dict[str, Any] = {
            "stimuli": filedialog.askdirectory,
            "data": filedialog.askdirectory,
            "participant": None,
        }
        labels = {
            "stimuli": "Stimulus set or morph loops (folder)",
            "data": "Data of all participants (folder)",
            "participant": "Participant code",
        }
        if with_study:
            choosers["study"], labels["study"] = filedialog.askopenfilename, "Study file (empty: shipped example)"
        choosers["display"], labels["display"] = filedialog.askopenfilename, "Display file (empty: not calibrated)"
        for row, (name, choose) in enumerate(choosers.items(), start=1):
            self._fields[name] = field = StringVar(root)
            Label(root, text=labels[name]).grid(row=row, column=0, sticky="e", padx=12)
            entry = Entry(root, textvariable=field, width=40)
            entry.grid(row=row, column=1, pady=2)
            if row == 1:
                entry.focus_force()
            if choose is not None:
                command = lambda field=field, choose=choose: field.set(choose(parent=root) or field.get())  # noqa: E731
                Button(root, text="...", command=command).grid(row=row, column=2, padx=4)
        last = len(choosers) + 1
        Checkbutton(root, text="Full screen", variable=self._fullscreen).grid(row=last, column=1, sticky="w")
        Button(root, text="Cancel", command=root.quit).grid(row=last + 1, column=0, pady=8)
        Button(root, text="Run", command=self._run).grid(row=last + 1, column=1, pady=8, sticky="e")
        root.bind("<Escape>", lambda _: root.quit())
        root.bind("<Return>", lambda _: self._run())
        root.protocol("WM_DELETE_WINDOW", root.quit)

    def _run(self) -> None:
        given = {name: field.get().strip() for name, field in self._fields.items()}
        needed = [given[name] for name in ("stimuli", "data", "participant")]
        if not all(needed):
            return  # the dialog stays open with the empty field
        files = [word for name in ("study", "display") if given.get(name) for word in (f"--{name}", given[name])]
        # A value that begins with a dash is no option.
        self.words = [*files, *(["--fullscreen"] if self._fullscreen.get() else []), "--", *needed]
        self._root.quit()
