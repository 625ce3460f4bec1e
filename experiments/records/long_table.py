"""Every trial of every session of a task as one long CSV table, for other programs.

It is made from the exported tables, so a session that has none yet is exported first (`experiments.records.bids`).
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from data.bids import BehFile, beh_files, read_beh, read_sidecar
from data.errors import LookalikeError
from data.files import read_table, refuse_occupied, write_table
from data.shipped import DEFAULT_TASK
from data.trials import COLUMNS, KEYS, SESSION_FACTS, TEXT_COLUMNS

NAME_THE_TASK = "name one of them with --task"
_SIDES = ("left_id", "left_file", "middle_id", "right_id", "right_file", "real_id", "real_file", "fake_id")
_TEXTS = (*TEXT_COLUMNS, *_SIDES, "loop", "after_gap", "key_mapping")


def write_long_table(data: Path, out: Path, task: str = DEFAULT_TASK) -> int:
    """Write all trials of all sessions of a task, whatever their role, to one CSV file.

    Columns are those of the tables, also those that only some tables have, and what the sidecars say of a session
    (`data.trials.SESSION_FACTS`). `lookalike analyze` and `data.external_tables` read the file back.

    Parameters
    ----------
    data : Path
        Folder with the data of all participants.
    out : Path
        New CSV file.
    task : str, optional
        Name of the task, as in the tables' file names.

    Returns
    -------
    int
        How many trials were written.

    Raises
    ------
    LookalikeError
        If `out` exists, its folder does not (`no-such-folder`), or there is no table of this task.

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
    >>> experiments.write_long_table(Path("data"), Path("trials.csv"))
    100
    """
    out = new_file(out)
    tables = []
    for file in beh_files(data, task, NAME_THE_TASK):
        table, sidecar = _whole(file), read_sidecar(file.path)
        tables.append(table.assign(**{column: sidecar.get(key) for column, key in SESSION_FACTS.items()}))
    long = pd.concat([table.astype(object) for table in tables], ignore_index=True)
    write_table(out, long.astype({"confidence": "Int64"} if "confidence" in long else {}))
    return len(long)


def new_file(out: Path) -> Path:
    """`out`, which does not exist yet, in a folder that does. Raises `LookalikeError` otherwise."""
    refuse_occupied(out)
    if not Path(out).parent.is_dir():
        raise LookalikeError("no-such-folder", f"{Path(out).parent}: no such folder; make it first")
    return Path(out)


def read_all_columns(file: BehFile) -> pd.DataFrame:
    """A session's table as it is on disk, of any kind of task; ids and words are text."""
    return read_table(file.path, ("trial", "role"), text=_TEXTS)


def is_of_single_images(table: pd.DataFrame) -> bool:
    """Whether the trials of a table show one image each, neither a pair nor a match."""
    return not {"left_id", "fake_id", "target_deg"} & set(table.columns)


def _whole(file: BehFile) -> pd.DataFrame:
    """A session's table with all its columns; one of single images is validated."""
    whole = read_all_columns(file)
    if not is_of_single_images(whole):
        whole.insert(0, "participant", file.participant)
        whole.insert(1, "session", file.session)
        return whole
    more = [name for name in whole.columns if name not in (*KEYS, *COLUMNS, *SESSION_FACTS)]
    table = read_beh(file)
    table[more] = whole[more]
    return table
