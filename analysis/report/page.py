"""One report page for every task: what it says, as data, and the self-contained HTML made from it.

Text may hold `**bold**`, `` `code` `` and the symbols A_z and d_a; methods also `{key}`, which cites a work of
`analysis.report.references` (`{key+key}` two at once). Everything else is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from typing import ClassVar, Literal

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from analysis.report.references import Citations


@dataclass(frozen=True)
class Heading:
    """A heading inside a section."""

    block: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True)
class Small:
    """Small print."""

    block: ClassVar[str] = "small"
    text: str


@dataclass(frozen=True)
class Note:
    """A framed note; `lead` stands in bold before the first paragraph. A warning is framed in another colour."""

    block: ClassVar[str] = "note"
    lead: str
    paragraphs: tuple[str, ...]
    kind: Literal["verdict", "note", "warning"] = "note"


@dataclass(frozen=True)
class Fact:
    """One number that a reader looks for first, with what it is and how sure it is."""

    name: str
    value: str
    detail: str


@dataclass(frozen=True)
class Facts:
    """A row of numbers that a reader looks for first."""

    block: ClassVar[str] = "facts"
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Table:
    """A table as printed: the first cell of a row names it, and a second line in a cell is set small.

    Columns hold numbers except those in `words` (places from 0; the first is always words). `note` stands below.
    """

    block: ClassVar[str] = "table"
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: tuple[int, ...] = ()
    note: str = ""


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure, its file's name, its caption and the text that stands for it where it cannot be seen."""

    block: ClassVar[str] = "picture"
    name: str
    figure: Figure
    caption: str
    alt: str


_VERDICT = "Verdict: "
Block = str | Heading | Small | Note | Facts | Table | Picture  # a text is a paragraph


@dataclass(frozen=True, eq=False)
class Section:
    """A titled part of the page."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, eq=False)
class Page:
    """What a report says.

    `warnings` stand above everything else. `methods` are paragraphs that can be copied into a paper; the works they
    cite follow as references. `inputs` maps what was read to its SHA-256, `versions` software to its version.
    """

    title: str
    subtitle: str
    summary: tuple[Block, ...]
    sections: tuple[Section, ...]
    methods: tuple[str, ...]
    inputs: Mapping[str, str]
    versions: Mapping[str, str]
    warnings: tuple[Note, ...] = field(default=())

    def blocks(self) -> Iterator[Block]:
        """Everything on the page but its warnings and methods, in order."""
        yield from self.summary
        for section in self.sections:
            yield from section.blocks

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """Every figure on the page, in order."""
        return tuple(one for one in self.blocks() if isinstance(one, Picture))

    @property
    def verdicts(self) -> tuple[Note, ...]:
        """The verdict, one for each kind of observer."""
        return tuple(one for one in self.summary if isinstance(one, Note) and one.kind == "verdict")


def verdict_note(verdict: str, paragraphs: tuple[str, ...]) -> Note:
    """The framed verdict, in the words and the case of the console and the summary."""
    return Note(f"{_VERDICT}{verdict}.", paragraphs, "verdict")


def verdict_of(note: Note) -> str:
    """The verdict of such a note."""
    return note.lead.removeprefix(_VERDICT).rstrip(".")


def without_pictures(page: Page) -> Page:
    """The page without its figures, and without sections that show nothing else."""

    def rest(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
        return tuple(one for one in blocks if not isinstance(one, Picture))

    sections = tuple(replace(one, blocks=rest(one.blocks)) for one in page.sections)
    return replace(page, summary=rest(page.summary), sections=tuple(one for one in sections if one.blocks))


def doubts_of(doubts: Sequence[str]) -> tuple[Note, ...]:
    """A warning of values that look implausible, if there are any (`data.external_tables.read.TrialTable.doubts`)."""
    if not doubts:
        return ()
    sentences = tuple(f"{doubt[0].upper()}{doubt[1:]}." for doubt in doubts)
    return (Note("Some values look implausible. They were taken as they are.", sentences, "warning"),)


def to_html(page: Page, vectors: Mapping[str, bytes]) -> str:
    """The page as one self-contained HTML file; `vectors` are its pictures' SVG files by name."""
    works = Citations()
    methods = [_with_citations(text, works) for text in page.methods]
    templates = Environment(
        loader=_Templates(), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    templates.filters.update(marked=_marked, cell=_cell)
    pictures = {one.name: _inline(vectors[one.name], one) for one in page.pictures}
    return templates.get_template("page.html").render(
        page=page, methods=methods, references=works.cited(), pictures=pictures
    )


class _Templates(BaseLoader):
    """The HTML files of this package."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str | None, None]:  # noqa: ARG002
        try:
            return (files("analysis.report") / template).read_text(encoding="utf-8"), None, None
        except FileNotFoundError:
            raise TemplateNotFound(template) from None


def _with_citations(text: str, works: Citations) -> str:
    return re.sub(r"\{([a-z0-9+]+)\}", lambda found: works.cite(*found[1].split("+")), text)


def _marked(text: str, symbols: bool = True) -> Markup:
    safe = str(escape(text))
    safe = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", safe)
    safe = re.sub(r"`(.+?)`", r"<code>\1</code>", safe)
    return Markup(re.sub(r"\b([Ad])_([za])\b", r"\1<sub>\2</sub>", safe) if symbols else safe)


def _cell(text: str, symbols: bool = False) -> Markup:
    first, *second = text.split("\n", 1)
    small = Markup(' <small class="ci">{}</small>').format(_marked(second[0], symbols)) if second else Markup("")
    return _marked(first, symbols) + small


def _inline(vector: bytes, picture: Picture) -> Markup:
    """The drawing alone: inside HTML the XML declaration, document type and metadata have no place.

    Matplotlib escapes all text that it draws, so the drawing is safe to embed as it is.
    """
    drawing = vector.decode("utf-8")
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing[drawing.index("<svg") :], flags=re.DOTALL)
    # Ids are unique within a drawing only, and a page holds several.
    drawing = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{picture.name}-", drawing)
    wide = re.search(r'<svg [^>]*width="([0-9.]+)pt"', drawing)
    style = f' style="max-width: {1.3 * float(wide[1]):.0f}pt"' if wide else ""  # a small figure stays small
    return Markup(drawing.replace("<svg ", f'<svg role="img" aria-label="{escape(picture.alt)}"{style} ', 1))
