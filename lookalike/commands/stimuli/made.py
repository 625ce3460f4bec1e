"""What is printed of a stimulus set that was made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lookalike.console import relative, show, show_table

if TYPE_CHECKING:
    from stimuli.sets import StimulusSet


def show_set(made: StimulusSet, out: Path, as_json: bool) -> None:
    """Print what is in a set and, if its images were matched, what that did to the cues."""
    roles = made.table.groupby(["role", "truth"]).size()
    counts = {f"{role} {truth}": int(count) for (role, truth), count in roles.items()}
    said = {"out": relative(out), "images": counts, "rejected": made.about["rejected"], "sha256": made.sha256}
    match = made.about.get("match")
    if match is None or as_json:
        show(said if match is None else said | {"match": match}, as_json)
        return
    factor = match.get("contrast_factor", 1.0)
    less = "" if factor == 1 else f"; contrast times {factor:.3f}, so that nothing is clipped"
    show(said | {"matched": f"{match['kind']}, to the {match['reference']}{less}"}, as_json)
    rows = [[name.replace("_", " "), _auc(one["before"]), _auc(one["after"])] for name, one in match["cue_auc"].items()]
    print()
    show_table([["AUC of each cue", "before", "after"], *rows])


def _auc(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
