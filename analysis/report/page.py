"""The report as one self-contained page: what was found in plain words, figures, tables, methods."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pandas as pd
from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound
from markupsafe import Markup, escape

from analysis.agreement.items import extremes
from analysis.group.group import Group
from analysis.group.participants import Estimators, Participant
from analysis.mrmc.other_methods import MOST
from analysis.report.references import Citations
from analysis.trials import Trials
from data.study import StudyFile

if TYPE_CHECKING:
    from analysis.image_cues.detectability import Detectability

_ALT = {
    "figure5": "Rating ROC curve of every participant; the numbers are in the table below.",
    "forest": "d′ of every participant with its interval, and the mean of all.",
    "ratings": "How often every participant gave each rating to real and to generated images.",
    "calibration": "Share of correct answers at each confidence.",
    "retest": "First answers against the answers of the retest, for real and for generated images.",
    "serial": "How much an answer leans on the trial before, per participant.",
    "items": "The images most often called generated, and least often.",
}


class _Templates(BaseLoader):
    """The HTML files of this package."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str | None, None]:  # noqa: ARG002
        try:
            return (files("analysis.report") / template).read_text(encoding="utf-8"), None, None
        except FileNotFoundError:
            raise TemplateNotFound(template) from None


def render_page(
    trials: Trials,
    participants: Sequence[Participant],
    groups: Sequence[Group],
    study: StudyFile | None,
    summary: Mapping[str, Any],
    items: pd.DataFrame,
    areas: pd.DataFrame,
    given_away: Detectability | None,
    related: pd.DataFrame | None,
    drawings: Mapping[str, bytes],
    by: Estimators,
) -> str:
    """The page. `drawings` are SVG files by name."""
    return (
        environment()
        .get_template("report.html")
        .render(
            participants=participants,
            groups=groups,
            study=study,
            by=by,
            summary=summary,
            sessions=records(trials.sessions),
            audit=records(trials.audit),
            filled=trials.filled,
            areas=records(areas) if len(areas) <= MOST else [],
            given_away=given_away,
            noisy=given_away.as_people(groups[0].dprime.mean) if given_away and len(groups) == 1 else [],
            related=[] if related is None else records(related[related["p_holm"] < 0.05]),
            relations=0 if related is None else int(related["p_holm"].notna().sum()),
            extremes=records(extremes(items, 5)) if len(groups) == 1 else [],
            figures={name: inline(vector, _ALT[name]) for name, vector in drawings.items()},
            retested=[one for one in participants if one.retest is not None],
            reasons=_reasons(participants),
        )
    )


def environment() -> Environment:
    """The templates of this package, with the filters that print numbers, and citations numbered anew."""
    templates = Environment(
        loader=_Templates(), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    templates.filters.update(number=number, share=_share, p=p_phrase, known=_known)
    works = Citations()
    templates.globals.update(cite=works.cite, cited=works.cited)
    return templates


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as dictionaries, with None for what is missing."""
    rows = table.to_dict("records")
    return [{str(key): None if pd.isna(value) else value for key, value in row.items()} for row in rows]


def inline(vector: bytes, title: str) -> Markup:
    """The drawing alone: inside HTML the XML declaration, document type and metadata have no place.

    Matplotlib escapes every text it draws, so the drawing is safe to embed as it is.
    """
    drawing = vector.decode("utf-8")
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing[drawing.index("<svg") :], flags=re.DOTALL)
    # Ids are unique within a drawing only, and a page holds several.
    drawing = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{_slug(title)}-", drawing)
    wide = re.search(r'<svg [^>]*width="([0-9.]+)pt"', drawing)
    style = f' style="max-width: {1.3 * float(wide[1]):.0f}pt"' if wide else ""  # a small figure stays small
    return Markup(drawing.replace("<svg ", f'<svg role="img" aria-label="{escape(title)}"{style} ', 1))


def _reasons(participants: Sequence[Participant]) -> list[tuple[str, str]]:
    """Why a value in the participants' table is undefined, as (participant, reason)."""
    return [
        (one.name, reason)
        for one in participants
        for reason in (one.yesno.reason, one.roc.reason, one.retest.reason if one.retest else None)
        if reason
    ]


def number(value: float, digits: int = 2) -> str:
    """`0.05`, `−0.20` with a true minus sign, or `n/a`."""
    if math.isnan(value):
        return "n/a"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    rounded = round(value, digits) + 0.0  # + 0.0 turns −0 into 0
    return f"{rounded:.{digits}f}".replace("-", "−")


def _share(value: float, digits: int = 2) -> str:
    """A number in [0, 1] without its leading zero: `.53`."""
    return number(value, digits).removeprefix("0")


def _known(value: float | None, digits: int = 2) -> str:
    """A share, or `n/a` for what is missing."""
    return "n/a" if value is None else _share(value, digits)


def p_phrase(value: float) -> str:
    """A p value: `p = .03`, `p < .001`, or `p n/a`."""
    if math.isnan(value):
        return "p n/a"
    return "p < .001" if value < 0.001 else f"p = {_share(value, 3 if value < 0.1 else 2)}"


def _slug(title: str) -> str:
    return re.sub(r"[^a-z]+", "", title.lower())[:12]
