"""Ratings in the input format of iMRMC, the FDA's program for multi-reader, multi-case studies.

They are taken from the exported tables, so a session that has none yet is exported first (`experiments.records.bids`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from data.bids import BehFile, beh_files, read_beh, read_sidecar
from data.errors import LookalikeError
from data.files import write_text
from data.shipped import DEFAULT_TASK
from data.trials import rating
from experiments.records.long_table import NAME_THE_TASK, is_of_single_images, new_file, read_all_columns


@dataclass(frozen=True)
class ImrmcCounts:
    """The contents of an iMRMC file.

    Attributes
    ----------
    readers, real, generated : int
        Participants, and distinct real and generated images.
    scores : int
        Ratings written.
    unrated : int
        Main trials left out because they have no rating.

    Examples
    --------
    >>> import experiments
    >>> counts = experiments.ImrmcCounts(readers=6, real=50, generated=50, scores=598, unrated=2)
    >>> counts.real + counts.generated
    100
    """

    readers: int
    real: int
    generated: int
    scores: int
    unrated: int


def write_imrmc(
    data: Path, out: Path, task: str = DEFAULT_TASK, session: int = 1, observer: str | None = None
) -> ImrmcCounts:
    """Write the main trials of one session number, of all participants, in iMRMC's format.

    A free-text head gives the numbers of readers, cases and modalities. Rows `readerID,caseID,modalityID,score`
    follow: first `-1,case,0,truth` for each case, 1 for a generated image (the signal) and 0 for a real one; then the
    scores, signed ratings of which larger is more generated-looking. Ids are whole numbers, which every program that
    reads the format accepts; the head says what they stand for. Images of different sets are different cases.

    Parameters
    ----------
    data : Path
        Folder with the data of all participants.
    out : Path
        New file.
    task : str, optional
        Name of the task, as in the tables' file names.
    session : int, optional
        Session number, from 1.
    observer : {"human", "scripted", "simulated"}, optional
        Only sessions answered by observers of this kind; needed where several kinds answered.

    Returns
    -------
    ImrmcCounts
        Numbers of readers, images and scores.

    Raises
    ------
    LookalikeError
        If `out` exists, several kinds of observers answered and none was named (`mixed-observers`), nothing was
        rated (`no-ratings`), an image has two truths (`contradictory-truth`), or the task's trials are pairs or matches
        (`wrong-task`).

    References
    ----------
    Gallas, B. D. (2017). iMRMC user manual, "Input file". U.S. Food and Drug Administration.

    Examples
    --------
    >>> import experiments
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from stimuli.sets import Candidate, Layout, build_set
    >>> rng = np.random.default_rng(1)
    >>> real, generated = ([Candidate(rng.random((16, 16), dtype=np.float32), f"{source}:{n}") for n in range(50)]
    ...                    for source in ("patch", "seed"))
    >>> stimuli = build_set(Path("stimuli"), real, generated, Layout(main=100), {})
    >>> setup = experiments.Setup("simulated", window=False)
    >>> result = experiments.run_first_session(stimuli.folder, Path("data"), "sim1", setup=setup)
    >>> experiments.write_imrmc(Path("data"), Path("study.imrmc"))
    ImrmcCounts(readers=1, real=50, generated=50, scores=100, unrated=0)
    """
    out = new_file(out)
    files = _of_kind(
        [file for file in beh_files(data, task, NAME_THE_TASK) if file.session == session], data, session, observer
    )
    if not is_of_single_images(read_all_columns(files[0])):
        raise LookalikeError(
            "wrong-task",
            f"{data}: iMRMC's format is for ratings of single images, and task {task} has pairs or matches; leave out "
            "--imrmc (--long takes every task)",
        )
    tables = [_scores(file) for file in files]
    trials = pd.concat(tables, ignore_index=True)
    scored = trials[trials["score"].notna()]
    if scored.empty:
        raise LookalikeError(
            "no-ratings", f"{data}: no main trial of session {session} has an answer with a confidence"
        )
    cases = scored.drop_duplicates("case").sort_values("case")
    split = scored.groupby("case")["truth"].nunique()
    if (split > 1).any():
        raise LookalikeError(
            "contradictory-truth", f"{data}: {split.idxmax()[1]} is real in one table and generated in another"
        )
    reader_ids = {code: number for number, code in enumerate(sorted(scored["participant"].unique()), start=1)}
    case_ids = {case: number for number, case in enumerate(cases["case"], start=1)}
    generated = int((cases["truth"] == "generated").sum())
    counts = ImrmcCounts(len(reader_ids), len(cases) - generated, generated, len(scored), len(trials) - len(scored))
    lines = [
        f"Real or generated images, session {session}, main trials, by Lookalike.",
        "Cases with signal are the generated images. Scores are signed ratings: larger is more generated-looking.",
        *(
            f"{name}: {count}"
            for name, count in (("NR", counts.readers), ("N0", counts.real), ("N1", generated), ("NM", 1))
        ),
        *(f"reader {number} is {code}" for code, number in reader_ids.items()),
        *(f"case {number} is {case[1]} of set {case[0][:12] or 'not stated'}" for case, number in case_ids.items()),
        "BEGIN DATA:",
        *(f"-1,{case_ids[row.case]},0,{int(row.truth == 'generated')}" for row in cases.itertuples()),
        *(f"{reader_ids[row.participant]},{case_ids[row.case]},1,{row.score:g}" for row in scored.itertuples()),
    ]
    write_text(out, "\n".join(lines) + "\n")
    return counts


def _of_kind(files: Sequence[BehFile], data: Path, session: int, observer: str | None) -> list[BehFile]:
    kinds = {file: str(read_sidecar(file.path).get("Observer")) for file in files}
    if observer is None and len(set(kinds.values())) > 1:
        found = " and ".join(sorted(set(kinds.values())))
        raise LookalikeError(
            "mixed-observers",
            f"{data}: {found} observers answered session {session}; name one kind with --observer",
        )
    kept = [file for file in files if observer in (None, kinds[file])]
    if not kept:
        raise LookalikeError(
            "no-such-session", f"{data}: no session {session}{f' by a {observer} observer' if observer else ''}"
        )
    return kept


def _scores(file: BehFile) -> pd.DataFrame:
    """A session's main trials with case (set, image) and score."""
    table, sidecar = read_beh(file), read_sidecar(file.path)
    main = table[table["role"] == "main"]
    # Where the set is not stated, the same id may mean different images for different participants.
    images: Any = sidecar.get("StimulusSetSHA256") or f"of {file.participant}"
    cases = [(images, image) for image in main["stimulus_id"]]
    return main.assign(case=cases, score=rating(main["response"], main["confidence"]))
