"""What a kind of task is, and what kinds with two answer keys share.

All that differs between one kind and another is asked of one object, its `Kind`: which images it draws, what
participants are told, what the right answer is, which columns its tables have, and what a simulated observer answers.
What needs a screen is in `experiments.tasks`, which looks it up by `Kind.response`; the report is in
`analysis.report`, which looks it up by `Kind.report`. So neither is imported here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

import numpy as np
import pandas as pd

from data.kinds.keys import key_read
from data.plan import Grade, Image, Layout, Plan, PlannedTrial, Presentation
from data.record import Event
from data.texts.phrases import shared
from data.trials import COLUMN_NOTES, check_order, refuse_rows, task_label

# Of kinds that show several images side by side: what their answers are called, and the columns about each.
SIDES = {"left": "the left image", "right": "the right image"}
ANSWER_COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "confidence": COLUMN_NOTES["confidence"],
    "response_time": {**COLUMN_NOTES["response_time"], "Description": "From the images' onset to the answer."},
    "confidence_time": {**COLUMN_NOTES["confidence_time"], "Description": "From the answer to the confidence answer."},
    "onset": COLUMN_NOTES["onset"],
}
_ANSWERED = ("response", "confidence", "response_time", "confidence_time", "paused_time", "unfocused_time")

Images = TypeVar("Images")
Who = TypeVar("Who")


@dataclass(frozen=True)
class Answer:
    """`response` is one of the kind's answers, or the position matched in degrees; None if none came in time.
    `confidence` is 1..k.

    Times are in s, None where nothing was timed; a confidence that was not asked for is None too.
    `more` is what else the record keeps of the answer, by name.
    """

    response: str | float | None
    confidence: int | None
    response_time: float | None
    confidence_time: float | None
    more: Mapping[str, Any] = field(default_factory=dict)


class Pool(Protocol):
    """The images of a stimulus set that a session may show."""

    def take(self, role: str, truth: str, count: int) -> list[Image]:
        """The next `count` images of a role and truth; none is handed out twice. Raises `LookalikeError`."""

    def grades(self) -> tuple[Grade, ...]:
        """The known fakes of each level of visibility, the faintest first, in random order. Raises `LookalikeError`."""


class Kind(ABC, Generic[Images, Who]):
    """A kind of task, which draws from `Images` and whose simulated observer is a `Who`."""

    shows: ClassVar[Literal["set", "loops"]]
    """What its images come from: a stimulus set or morph loops."""
    response: ClassVar[Literal["keys", "dial"]]
    """How it is answered: with two keys, or by turning an image on a dial (`experiments.tasks.modes`)."""
    answered_while_shown: ClassVar[bool]
    """Whether an image of fixed exposure may be answered before it has gone."""
    beside: ClassVar[int] = 1
    """How many images stand side by side."""
    adaptive: ClassVar[bool] = False
    """Whether the known fake that a trial shows depends on the answers before it (`data.plan.Plan.grades`)."""
    simulated_by: ClassVar[Literal["observer", "adjuster", "detector", "comparer"]] = "observer"
    """Which of the simulated observers answers it (`data.simulated`)."""
    single_images: ClassVar[bool] = False
    """Whether each trial asks about one image by itself, neither a pair nor a match, so that images are rated."""
    rated_in_one_step: ClassVar[bool] = False
    """Whether a rating from one answer to the other may take the place of answer and confidence."""
    report: ClassVar[str]
    """The name of its report (`analysis.report`)."""
    measure: ClassVar[str]
    """The statistic that its analysis gives of each participant and averages over the group.

    A kind with pairs names one of `analysis.group.pair_statistics`.
    """
    about: ClassVar[str]
    """One sentence for the sidecar of a table."""
    keys: ClassVar[Mapping[str, str]]
    """Its answers and their default keys; empty if it is not answered with keys."""
    columns: ClassVar[Mapping[str, Mapping[str, Any]]]
    """The columns of its table and what they mean, as a BIDS sidecar says it."""
    shown_column: ClassVar[str]
    """The column of a table that says what was shown."""
    answer_column: ClassVar[str]
    """The column of a table that says what was answered."""
    fields: ClassVar[tuple[str, ...]]
    """The columns that the analysis takes from a table, in order, besides participant, session and `after_gap`."""
    required: ClassVar[tuple[str, ...]]
    """Those of `fields` that an external table must have."""
    text: ClassVar[tuple[str, ...]]
    """Those of `fields` that hold text, not numbers."""
    fills: ClassVar[Mapping[str, tuple[object, str]]] = {}
    """What an external table without one of `fields` is taken to say there, and how a report words that."""
    vocabularies: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Pairs of words that a table may use for what was shown and answered, the signal first; ours is the first pair."""
    phrases: ClassVar[Mapping[str, str]]
    """What participants read of it, in English; a language file may say it otherwise, in a table of the kind's name."""
    serial: ClassVar[bool]
    """Whether its analysis asks which trial came before, so that a break between the two matters."""

    @property
    def name(self) -> str:
        """Its name in task files and plans: that of its module."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def label(self) -> str:
        """Its name in the names of tables."""
        return task_label(self.name)

    @property
    def answers(self) -> tuple[str, ...]:
        """The answers that have a key; the first is on the left unless the task file or counterbalancing says so."""
        return tuple(self.keys)

    @abstractmethod
    def refuse_layout(self, layout: Layout) -> None:
        """Raise `ValueError`, naming the setting, if a session cannot be laid out so."""

    @abstractmethod
    def refuse_presentation(self, shown: Presentation) -> None:
        """Raise `ValueError`, naming the setting, if images cannot be shown so."""

    def refuse_flow(self, shown: Presentation) -> None:
        """Raise `ValueError`, naming the setting, if its trials cannot follow one another so."""
        if shown.rating_levels and not self.rated_in_one_step:
            raise ValueError("rating_levels: this kind of task has no scale between its answers; leave it out")
        flow = shown.flow
        if self.response != "keys" and (flow.undo or flow.timeout_s is not None or flow.touch or shown.box):
            raise ValueError(
                "flow: undo, timeout_s, touch and a box are for tasks that are answered with keys; leave them out"
            )
        if self.adaptive and flow.timeout_s is not None:
            raise ValueError("flow.timeout_s: the next image depends on the answer to each; leave it out")
        asks_confidence = shown.confidence_levels and not shown.rating_levels
        if flow.undo and flow.fixation_s is None and not asks_confidence:
            raise ValueError(
                "flow.undo: without a question of confidence the next image follows at once; set fixation_s for a pause"
            )
        if flow.timeout_s is not None and shown.exposure_s is not None and flow.timeout_s <= shown.exposure_s:
            raise ValueError("flow.timeout_s: is over before the image has gone; make it longer than exposure_s")
        if shown.markers is not None:
            shown.markers.codes_of(self.answers, shown.confidence_levels, shown.rating_levels)

    @abstractmethod
    def draw(
        self, images: Images, wanted: Layout, shown: Presentation, rng: np.random.Generator
    ) -> tuple[list[PlannedTrial], ...]:
        """The practice trials, and the main and catch trials, in no order yet."""

    @abstractmethod
    def truth(self, trial: PlannedTrial) -> str:
        """The right answer, as `max_run` counts it and the table says it."""

    def is_signal(self, trial: PlannedTrial) -> bool:
        """Whether the right answer is the signal; a kind without one has trials of one truth only."""
        return not self.vocabularies or self.truth(trial) == self.vocabularies[0][0]

    def loop_block(self, trial: PlannedTrial) -> str:  # noqa: ARG002
        """Trials of one loop block stand together in a session, and a break comes before the next loop block."""
        return ""

    def say(self, plan: Plan, phrase: str, **values: object) -> str:
        """One of its `phrases`, in the plan's language, with its values filled in."""
        return plan.phrases.get(f"{self.name}.{phrase}", self.phrases[phrase]).format(**values)

    @abstractmethod
    def opening(self, plan: Plan) -> list[str]:
        """The first paragraphs of the instructions, which a task file's own text replaces."""

    def always_told(self, plan: Plan) -> list[str]:  # noqa: ARG002
        """Paragraphs of the instructions that follow the first ones, whoever wrote those."""
        return []

    @abstractmethod
    def how_to_answer(self, plan: Plan) -> str:
        """Which key or movement means what, as one paragraph of the instructions."""

    def reminder(self, plan: Plan) -> str:  # noqa: ARG002
        """Which key means what, in one line, for screens between two images; empty if there is nothing to forget."""
        return ""

    @abstractmethod
    def simulate(self, who: Who, plan: Plan, trials: Sequence[PlannedTrial]) -> list[Answer]:
        """What a simulated observer answers to these trials of a plan, one right after the other."""

    @abstractmethod
    def is_answer(self, response: Any) -> bool:
        """Whether a trial can be answered so."""

    @abstractmethod
    def row(self, trial: PlannedTrial) -> dict[str, Any]:
        """The columns of the table that the plan knows."""

    @abstractmethod
    def answered(self, trial: PlannedTrial, answer: Event) -> dict[str, Any]:
        """The columns that the record's answer to the trial knows."""

    def finish(self, table: pd.DataFrame) -> pd.DataFrame:
        """The table with the columns that follow from others."""
        return table

    @abstractmethod
    def check(self, table: pd.DataFrame, source: str) -> pd.DataFrame:
        """The table of `fields`, validated, with its numbers as numbers. Raises `LookalikeError` naming the rows."""

    def vocabulary(self, table: pd.DataFrame) -> tuple[str, str] | None:
        """The pair of words that a table uses, the signal first; None if the kind is not answered in words."""
        if not self.vocabularies:
            return None
        written = set(table[self.shown_column].dropna().unique())
        return next((pair for pair in self.vocabularies if written & set(pair)), self.vocabularies[0])


class Choice(Kind[Images, Who]):
    """A kind that is answered with one of two keys.

    Its `phrases` are `opening`, and for each answer the question to which its key says yes (`real_asked`) and what the
    key says in a word or two (`real_short`).
    """

    response = "keys"
    answered_while_shown = True
    answer_column = "response"
    needs_confidence: ClassVar[bool] = True
    """Whether a confidence must be asked for."""

    def refuse_layout(self, layout: Layout) -> None:
        if layout.trials % 2:
            raise ValueError(
                f"trials: {layout.trials} is odd; half are of one truth and half of the other, so it must be even"
            )
        if layout.confidence_levels < 2 and (self.needs_confidence or layout.confidence_levels):
            more = "needs 2 to 9" if self.needs_confidence else "takes 2 to 9, or 0 to ask for none"
            raise ValueError(f"confidence_levels: this kind of task {more}, and this is {layout.confidence_levels}")

    def refuse_presentation(self, shown: Presentation) -> None:
        fields = Presentation.model_fields
        if shown.delay_s or shown.min_start_deg != fields["min_start_deg"].default:
            raise ValueError("delay_s and min_start_deg are settings of tasks with a dial; leave them out")
        if self.beside != 3 and shown.compared_images != fields["compared_images"].default:
            raise ValueError("compared_images is a setting of tasks with triads; leave it out")
        if self.single_images and shown.separation_deg is not None:
            raise ValueError("separation_deg is a setting of tasks with pairs; leave it out")

    def opening(self, plan: Plan) -> list[str]:
        return [self.say(plan, "opening", trials=len(plan.trials))]

    def reminder(self, plan: Plan) -> str:
        if plan.rating_levels:
            return ""  # the scale is below the image, with what its ends mean
        return "     ".join(
            f"{key_read(plan.phrases, key, short=True)}: {self.say(plan, f'{answer}_short')}"
            for answer, key in plan.keys.items()
        )

    def how_to_answer(self, plan: Plan) -> str:
        if plan.rating_levels:
            return shared(plan.phrases, "rate", **rated_ends(self, plan))
        return "\n".join(
            shared(plan.phrases, "press", question=self.say(plan, f"{answer}_asked"), key=key_read(plan.phrases, key))
            for answer, key in plan.keys.items()
        )

    def is_answer(self, response: Any) -> bool:
        return response in self.answers

    def answered(self, trial: PlannedTrial, answer: Event) -> dict[str, Any]:  # noqa: ARG002
        return {name: answer.get(name) for name in _ANSWERED}

    def check(self, table: pd.DataFrame, source: str) -> pd.DataFrame:
        check_order(table, source)
        pair = self.vocabulary(table) or ()
        neither = " nor ".join(map(repr, pair))
        shown, answered = table[self.shown_column], table[self.answer_column]
        refuse_rows(~shown.isin(pair), source, f"{self.shown_column} is neither {neither}", code="unknown-word")
        unknown = ~(answered.isin(pair) | answered.isna())
        refuse_rows(unknown, source, f"{self.answer_column} is neither {neither}", code="unknown-word")
        return table


class Judged(Choice[Pool, Who]):
    """A kind that shows images of a stimulus set, judged by what they are, and is answered with one of two keys."""

    shows = "set"
    shown_column = "truth"


def rated_ends(kind: Kind[Any, Any], plan: Plan) -> dict[str, str]:
    """The lowest and the highest number of a plan's rating scale, and what each says of the image."""
    (low, low_key), (high, high_key) = sorted(plan.keys.items(), key=lambda one: one[1])
    return {
        "lowest": low_key,
        "low": kind.say(plan, f"{low}_certain"),
        "highest": high_key,
        "high": kind.say(plan, f"{high}_certain"),
    }


def planned(image: Image, role: str, right: Image | None = None) -> PlannedTrial:
    """A trial that has no place in the order yet."""
    return PlannedTrial.model_validate({"trial": 1, "role": role, "right": right, **image.model_dump()})
