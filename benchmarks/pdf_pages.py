"""PDFs with known running matter and known sentences at page breaks, set line by line from invented text.

The sentences have no digits, and words of the headers do not occur in them, so that what is left of either in a
reader's text can be counted.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymupdf
from pdf_setting import LEADING, SIZE, PageWriter, Paragraph, Slots
from running_layouts import RunningLine, RunningMatter
from texts import SentenceMaker

SEED = 7
FLOATS = ("bare", "numbered", "footnote", "caption", "table", "hyphen")
"""What stands at the page breaks: nothing at all; a header and a page number, as in all that follow; a footnote below
and a figure with its caption above; a table; a word broken with a hyphen."""
_CHAPTER_FULL = 0.6
_CHAPTER_PAGES = 4


@dataclass(frozen=True)
class Break:
    """A sentence that begins on a page and ends on the next one."""

    sentence: str
    page: int
    kind: str


@dataclass(frozen=True)
class MadePdf:
    """A PDF with what is known about it."""

    path: Path
    name: str
    running: list[RunningLine]
    breaks: list[Break]
    sentences: list[str]
    headings: list[str]


@dataclass
class _Maker:
    """Paragraphs without end, of one or of two languages."""

    language: str
    seed: int
    texts: SentenceMaker = field(init=False)
    chance: random.Random = field(init=False)
    count: int = 0

    def __post_init__(self) -> None:
        self.texts = SentenceMaker(self.seed)
        self.chance = random.Random(self.seed)

    def sentence(self, language: str | None = None) -> str:
        return self.texts.chinese() if (language or self.language) == "zh" else self.texts.english()

    def paragraphs(self) -> Iterator[Paragraph]:
        while True:
            self.count += 1
            # In a mixed file every sixth paragraph is English.
            language = self.language
            if language == "mixed":
                language = "en" if self.count % 6 == 0 else "zh"
            sentences = [self.sentence(language) for _ in range(self.chance.randint(4, 8))]
            yield Paragraph(language, sentences)


def make_pdf(
    out: Path,
    name: str,
    language: str,
    *,
    pages: int,
    columns: int = 1,
    kind: str = "numbered",
    matter: RunningMatter | None = None,
    chapters: list[str] | None = None,
    leading: float = LEADING,
    seed: int = SEED,
) -> MadePdf:
    """Set a PDF of so many pages.

    Args:
        out: folder to write to.
        name: stem of the file.
        language: ``zh``, ``en`` or ``mixed``.
        pages: how many.
        columns: one or two.
        kind: what stands at the page breaks, one of `FLOATS`.
        matter: what stands in the margins.
        chapters: titles; each begins a page, and the running matter may name it.
        leading: points from line to line.
        seed: of the text.
    """
    maker = _Maker(language, seed)
    stream = maker.paragraphs()
    per_chapter = -(-pages // len(chapters)) if chapters else pages + 1
    made = MadePdf(out / f"{name}.pdf", name, [], [], [], [])
    paragraph, position, hyphen = next(stream), 0, False
    with pymupdf.open() as document:
        for number in range(1, pages + 1):
            writer = PageWriter(document, "en" if language == "en" else "zh")
            slots = Slots(columns, leading)
            chapter = chapters[(number - 1) // per_chapter] if chapters else ""
            for running in matter.lines(number, pages, chapter) if matter else []:
                writer.margin(running.shown, running.align, running.y)
                made.running.append(running)
            _put_floats(writer, slots, kind, number, maker)
            if chapters and (number - 1) % per_chapter == 0:
                paragraph, position = next(stream), 0
                writer.text(slots.x, slots.take(), chapter, SIZE + 3)
                slots.take()
                made.headings.append(chapter)
            crossing = paragraph.sentence_over(position)
            if crossing and (hyphen or kind != "hyphen"):
                made.breaks.append(Break(crossing, number - 1, kind))
            while slots.left:
                line = paragraph.line(position, slots.width, hyphenate=kind == "hyphen" and slots.left == 1)
                writer.text(slots.x + line.indent, slots.take(), line.text, SIZE, line.justify)
                position, hyphen = line.end, line.hyphen
                if position < len(paragraph.text):
                    continue
                made.sentences.extend(paragraph.sentences)
                paragraph, position = next(stream), 0
                if chapters and number % per_chapter == 0 and slots.filled > _CHAPTER_FULL:
                    break
        for page in document:
            page.clean_contents()  # one stream a page, as files have it
        document.subset_fonts()
        document.save(made.path, garbage=3, deflate=True)
    return made


def _put_floats(writer: PageWriter, slots: Slots, kind: str, number: int, maker: _Maker) -> None:
    if kind == "footnote":
        note = maker.sentence()
        slots.below(writer.footnote(note, slots.last_x, slots.width, slots.bottom))
    elif kind == "caption" and number > 1:
        title = maker.sentence().rstrip("。.").split("，")[0][:40]
        slots.above(writer.figure(number, title, slots.x, slots.width, slots.top))
    elif kind == "table" and number > 1:
        title = maker.sentence().rstrip("。.").split("，")[0][:40]
        if number % 2:
            slots.above(writer.table(number, title, slots.x, slots.width, slots.top))
        else:
            height = writer.table_height
            writer.table(number, title, slots.last_x, slots.width, slots.bottom - height)
            slots.below(height)


def make_breaks(out: Path, pages: int) -> list[MadePdf]:
    """Chinese and English, one and two columns, everything that `FLOATS` names."""
    made = []
    for language in ("zh", "en"):
        for columns in (1, 2):
            for number, kind in enumerate(FLOATS):
                if kind == "hyphen" and language == "zh":
                    continue
                name = f"break-{language}-{columns}-{kind}"
                matter = None if kind == "bare" else RunningMatter.simple(language)
                settings: dict[str, Any] = {"columns": columns, "kind": kind, "matter": matter}
                made.append(
                    make_pdf(out, name, language, pages=pages, seed=SEED + 10 * columns + number, **settings)
                )
    return made


def make_running(out: Path, pages: int) -> list[MadePdf]:
    """One PDF for each of the layouts of running matter."""
    return [
        make_pdf(
            out,
            f"running-{layout.name}",
            layout.language,
            pages=pages,
            columns=layout.columns,
            matter=layout,
            chapters=layout.chapters[: max(pages // _CHAPTER_PAGES, 1)] or None,
            seed=SEED + 100 + number,
        )
        for number, layout in enumerate(RunningMatter.layouts())
    ]
