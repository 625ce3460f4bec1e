"""The trial table: one row per judged image, the meeting point of experiments and analysis.

On disk it is BIDS behavioural data (`sub-<participant>/ses-<session>/beh/*_beh.tsv`, Brain Imaging
Data Structure 1.10, "Behavioral experiments with no neural recordings"); in memory a pandas frame.

| column          | unit, range       | meaning                                                     |
|-----------------|-------------------|-------------------------------------------------------------|
| participant     | letters, digits   | random code, never a name (from `sub-` on disk)              |
| session         | 1, 2, ...         | 1 is the main measure; later ones are retests (from `ses-`)  |
| trial           | 1, 2, ...         | place in the session's order                                 |
| stimulus_id     | text              | id in the stimulus set                                       |
| stim_file       | text              | file in the stimulus set                                     |
| role            | main | practice | catch | only `main` trials are measured                     |
| truth           | real | generated  | what the image is                                            |
| response        | real | generated  | what the participant said                                    |
| confidence      | 1..k              | 1 is least sure                                              |
| response_time   | s                 | image onset to the real/generated answer                     |
| confidence_time | s                 | the real/generated answer to the confidence answer           |
| onset           | s                 | image onset on the session's clock (0 is the session's start) |

A table may also have `condition`, the part of the study that a trial belongs to (`analysis.conditions`); one image may
then be judged once in each.

Tables that Lookalike records also have `block`, `after_gap`, `paused_time`, `unfocused_time` and `key_mapping`, and
what their trial flow adds (`AROUND_NOTES` and `FLOW_NOTES` say what they mean). A reader needs none of them;
`after_gap` is read where a table has it, so that no trial counts as the neighbour of one before a break. Tables of
other kinds of task have columns of their own (`data.kinds`), named in their sidecars.

The sidecar of a session's table also says where the session came from: `TaskName`,
`StimulusSetSHA256` (of stimuli.csv), `StudySHA256` (of the study file, or absent), `PlanSHA256`,
`Seed`, `Observer` (human | scripted | simulated), `Started` (ISO 8601, UTC), `Complete` (whether
every trial was answered), `ConfidenceLevels` (k), `DaysSinceFirstSession` (retests only) and
`LookalikeVersion`. `stim_file` is relative to the folder `stimuli` beside the `sub-*` folders.

`data.bids` finds, reads and writes these tables.

The *signal* is `generated`: a hit is "generated" said of a generated image. `rating` joins
response and confidence into one signed number, larger = more generated-looking.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.arrays import Floats
from data.errors import LookalikeError

TRUTHS = ("real", "generated")
ROLES = ("main", "practice", "catch")
OBSERVERS = ("human", "scripted", "simulated")
COLUMNS = (
    "trial",
    "stimulus_id",
    "stim_file",
    "role",
    "truth",
    "response",
    "confidence",
    "response_time",
    "confidence_time",
    "onset",
)
KEYS = ("participant", "session")
# What the sidecar says of a whole session, as columns of one long table: column to the sidecar's key.
SESSION_FACTS = {
    "observer": "Observer",
    "complete": "Complete",
    "started": "Started",
    "days_since_first": "DaysSinceFirstSession",
    "confidence_levels": "ConfidenceLevels",
    "seed": "Seed",
    "stimulus_set_sha256": "StimulusSetSHA256",
    "study_sha256": "StudySHA256",
    "plan_sha256": "PlanSHA256",
    "lookalike_version": "LookalikeVersion",
}

TEXT_COLUMNS = ("stimulus_id", "stim_file", "role", "truth", "response")
NUMBER_COLUMNS = ("confidence", "response_time", "confidence_time", "onset")
_LABEL = re.compile(r"[A-Za-z0-9]+")
_LONGEST_LABEL = 40  # file names hold it twice and more, and must fit into 255 bytes
_WINDOWS_DEVICE = re.compile(r"con|prn|aux|nul|(com|lpt)[0-9]", re.IGNORECASE)


def rating(response: npt.ArrayLike, confidence: npt.ArrayLike) -> Floats:
    """Join response and confidence into one signed number, larger for more generated-looking.

    Parameters
    ----------
    response : array_like of str, shape (trials,)
        `real`, `generated`, or missing.
    confidence : array_like of float, shape (trials,)
        1 (least sure) to k, or NaN.

    Returns
    -------
    ndarray of float64, shape (trials,)
        +confidence for "generated", −confidence for "real", NaN where either is missing.

    Examples
    --------
    >>> from data import rating
    >>> rating(["generated", "real", None], [4, 2, 3])
    array([ 4., -2., nan])
    """
    said = np.asarray(response, dtype=object)
    sign = np.where(said == "generated", 1.0, np.where(said == "real", -1.0, np.nan))
    return np.asarray(sign * np.asarray(confidence, dtype=float), dtype=np.float64)


def split_rating(rating: npt.ArrayLike, middle: float, high: str = "generated") -> tuple[npt.NDArray[Any], Floats]:
    """Response and confidence of ratings on one scale; signed again by `rating` they have the order of the ratings.

    A rating above the middle says `high` ("generated" or "real"), any other the opposite. Confidence is the distance
    from the middle, half a step more on a scale of whole numbers without a middle one.

    Parameters
    ----------
    rating : array_like of float, shape (trials,)
        Numbers on any scale, or NaN.
    middle : float
        The middle of the scale, finite.
    high : {"generated", "real"}
        What the upper half says.

    Returns
    -------
    response : ndarray of object, shape (trials,)
        "real", "generated", or None.
    confidence : ndarray of float64, shape (trials,)
        0 or more, or NaN.

    Examples
    --------
    >>> from data.trials import split_rating
    >>> response, confidence = split_rating([1, 2, 3, 4, 5, 6], 3.5)
    >>> response.tolist()
    ['real', 'real', 'real', 'generated', 'generated', 'generated']
    >>> confidence.tolist()
    [3.0, 2.0, 1.0, 1.0, 2.0, 3.0]
    """
    given = np.asarray(rating, dtype=np.float64)
    there = ~np.isnan(given)
    other = "real" if high == "generated" else "generated"
    response = np.where(given > middle, high, other).astype(object)
    response[~there] = None
    halves = bool((given[there] % 1 == 0).all()) and middle % 1 == 0.5
    return response, np.abs(given - middle) + (0.5 if halves else 0)


def after_gap(frame: pd.DataFrame, source: str) -> pd.Series:
    """Whether a break or a resume came just before each trial, as the column `after_gap` says in words.

    A missing word, no, false and 0 mean that none did; yes, true, 1 and the gaps that tables of sessions name (break,
    resume, missed, ...) mean that one did. Without the column there was none. Raises `LookalikeError` for another word;
    `source` is what its message names.
    """
    if "after_gap" not in frame:
        return pd.Series(False, index=frame.index)
    words = frame["after_gap"].astype(str).str.lower()
    said = words.isin(_GAP)
    unknown = frame["after_gap"].notna() & ~said & ~words.isin(_NO_GAP)
    if unknown.any():
        word = frame.loc[unknown, "after_gap"].iloc[0]
        refuse_rows(
            unknown,
            source,
            f"after_gap is {word!r}, none of {', '.join((*_NO_GAP[:3], *_GAP[:-1]))}",
            "correct the table, or say what it means (--words after_gap:...=yes)",
            code="unknown-word",
        )
    return frame["after_gap"].notna() & said


def check_label(label: str, what: str = "participant") -> str:
    """Return `label` if it is 1 to 40 letters and digits (BIDS) and not the name of a Windows device.

    Otherwise raise `LookalikeError`.
    """
    if not _LABEL.fullmatch(label):
        raise LookalikeError("bad-label", f"{what} {label!r}: use letters and digits only, for example 'k7q2m'")
    if len(label) > _LONGEST_LABEL:
        raise LookalikeError(
            "bad-label", f"{what} {label[:12]}...: has {len(label)} characters; use {_LONGEST_LABEL} at most"
        )
    if _WINDOWS_DEVICE.fullmatch(label):
        raise LookalikeError(
            "bad-label", f"{what} {label!r}: is the name of a device on Windows; use another, for example 'k7q2m'"
        )
    return label


def check_order(frame: pd.DataFrame, source: str) -> None:
    """Check the columns that tables of every kind of task have: session, trial, role.

    Raises `LookalikeError`, naming `source` and the rows at fault, for a session or trial that is not a positive
    whole number, an unknown role, and a trial number used twice in one session.
    """
    for name in ("session", "trial"):
        number = pd.to_numeric(frame[name], errors="coerce")
        bad = ~((number >= 1) & (number % 1 == 0))
        refuse_rows(bad, source, f"{name} is not 1, 2, 3, ...", code="not-a-whole-number")
    refuse_rows(~frame["role"].isin(ROLES), source, f"role is none of {', '.join(ROLES)}", code="unknown-word")
    twice = frame.duplicated([*KEYS, "trial"], keep=False)
    refuse_rows(twice, source, "trial number is used twice in one session", code="repeated-trial")


def task_label(name: str) -> str:
    """A task's name as it stands in the names of tables: its letters and digits."""
    return re.sub("[^A-Za-z0-9]", "", name)


def validate(frame: pd.DataFrame, source: str, any_scale: bool = False) -> pd.DataFrame:
    """Check a trial table against the contract, naming `source` and the rows at fault.

    Missing responses and confidences are allowed (an unanswered trial is data); a word outside
    the contract, a trial or confidence that is not a positive whole number, a time that is not a number,
    a repeated trial or a stimulus judged twice in one session is not. With `any_scale`, as in tables of other
    programs, a confidence may be any number from 0 up. Raises `LookalikeError`.
    """
    missing = [column for column in (*KEYS, *COLUMNS) if column not in frame.columns]
    if missing:
        raise LookalikeError("missing-column", f"{source}: column {', '.join(missing)} is missing")
    unknown = ~frame["truth"].isin(TRUTHS)
    refuse_rows(unknown, source, "truth is neither 'real' nor 'generated'", code="unknown-word")
    unknown = ~(frame["response"].isin(TRUTHS) | frame["response"].isna())
    refuse_rows(unknown, source, "response is neither 'real' nor 'generated'", code="unknown-word")
    confidence = pd.to_numeric(frame["confidence"], errors="coerce")
    if any_scale:
        bad = frame["confidence"].notna() & ~((confidence >= 0) & (confidence < np.inf))
        refuse_rows(bad, source, "confidence is not a number from 0 up", code="not-a-number")
    else:
        bad = frame["confidence"].notna() & ~((confidence >= 1) & (confidence % 1 == 0))
        refuse_rows(bad, source, "confidence is not 1, 2, 3, ...", code="not-a-whole-number")
    for column in ("response_time", "confidence_time", "onset"):
        seconds = pd.to_numeric(frame[column], errors="coerce")
        bad = frame[column].notna() & seconds.isna()
        refuse_rows(bad, source, f"{column} is not a number of seconds", code="not-a-number")
    missing_id = frame["stimulus_id"].isna() | frame["stimulus_id"].isin(("", "n/a"))
    refuse_rows(missing_id, source, "stimulus_id is missing", code="missing-value")
    check_order(frame, source)
    judged = [*KEYS, "stimulus_id", *(("condition",) if "condition" in frame else ())]
    twice = frame.duplicated(judged, keep=False)
    refuse_rows(twice, source, "stimulus was judged twice in one session", code="repeated-stimulus")
    return frame


def refuse_rows(
    bad: pd.Series,
    source: str,
    why: str,
    cure: str = "correct the table or exclude the session",
    *,
    code: str,
) -> None:
    """Raise `LookalikeError` naming the rows where `bad` is true, if any.

    `bad` is in the order on disk, unless its index is called `row` and names each row.
    """
    if bad.any():
        # Row 1 is the header, so the first trial is row 2, as a spreadsheet counts.
        places = np.flatnonzero(bad.to_numpy())[:5]
        rows = ", ".join(str(bad.index[place] if bad.index.name == "row" else place + 2) for place in places)
        more = "" if bad.sum() <= 5 else f" and {int(bad.sum()) - 5} more"
        raise LookalikeError(code, f"{source}: {why} (row {rows}{more}); {cure}")


COLUMN_NOTES: dict[str, dict[str, Any]] = {
    "trial": {"Description": "Place of the trial in the session's order, from 1."},
    "stimulus_id": {"Description": "Id of the image in the stimulus set."},
    "stim_file": {"Description": "File of the image in the stimulus set."},
    "role": {
        "Description": "What the trial is for; only main trials are measured.",
        "Levels": {
            "main": "measured",
            "practice": "before the measure",
            "catch": "known fake, shows that the observer can see",
        },
    },
    "truth": {
        "Description": "What the image is.",
        "Levels": {"real": "cut from a real mammogram", "generated": "made by the generator"},
    },
    "response": {
        "Description": "What the participant said the image is.",
        "Levels": {"real": "said real", "generated": "said generated"},
    },
    "confidence": {"Description": "How sure the participant was, from 1 (least) up."},
    "response_time": {"Description": "From image onset to the real/generated answer.", "Units": "s"},
    "confidence_time": {"Description": "From the real/generated answer to the confidence answer.", "Units": "s"},
    "onset": {"Description": "Image onset on the session's clock.", "Units": "s"},
}
AROUND_NOTES: dict[str, dict[str, Any]] = {
    "block": {"Description": "Part of the session, from 1; breaks lie between blocks. Missing for practice."},
    "after_gap": {
        "Description": "Whether the trial is the first one after a gap, so that the one before it was long ago.",
        "Levels": {
            "no": "it is not",
            "break": "after the break between two blocks",
            "resume": "after the session had stopped and was started again",
            "resume-seen": "likewise, and its images had been on screen before the session stopped",
        },
    },
    "paused_time": {
        "Description": "How long, between onset and confidence, the question whether to stop was up.",
        "Units": "s",
    },
    "unfocused_time": {
        "Description": "How long, between onset and confidence, the window did not have the keyboard.",
        "Units": "s",
    },
    "key_mapping": {
        "Description": "The two answers and their keys in this session; of a rating scale, the numbers at its ends."
    },
}
GAPS_OF_A_LIMIT = {
    "missed": "after a trial that was not answered in time",
    "repeat": "shown once more at the end of the session, as it was not answered in time",
}
_GAPS = (*AROUND_NOTES["after_gap"]["Levels"], *GAPS_OF_A_LIMIT)
_NO_GAP = ("no", "false", "0", "0.0")
_GAP = (*(gap for gap in _GAPS if gap not in _NO_GAP), "yes", "true", "1", "1.0")
FLOW_NOTES: dict[str, dict[str, Any]] = {
    "exposure_time": {
        "Description": "How long the image, or the images of a pair, actually stayed: from onset to mask or blank.",
        "Units": "s",
    },
    "fixation_time": {"Description": "How long the fixation mark actually stood before the image.", "Units": "s"},
    "rating_category": {
        "Description": "The rating, from 1 (certainly real) up to certainly generated, whichever number was pressed. "
        "response and confidence follow from it: which half of the scale, and how far from its middle."
    },
    "times_undone": {
        "Description": "How often an answer to the image was taken back before the next one; response is the last."
    },
    "first_response": {"Description": "The first response to the image, which is another one if it was a slip."},
    "times_missed": {"Description": "How often the image was shown and not answered in time."},
}
