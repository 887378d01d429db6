"""Render question answering data sets as flowing PDFs with a questions file.

The public data sets are isolated paragraphs; documents are not. So paragraphs are set as articles with
headings, running headers and page numbers, and flow over page breaks as they do in a report.

    python benchmarks/corpus.py cmrc2018_trial.json out/cmrc
    python benchmarks/corpus.py xquad.en.json out/zh-en --questions xquad.zh.json
"""

from __future__ import annotations

import html
import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import pymupdf
import typer

PARAGRAPHS_PER_FILE = 60
SEED = 7
QUESTIONS_FILE = "questions.jsonl"

_CSS = (
    "p {font-size: 10.5px; line-height: 1.5; text-align: justify; margin: 0 0 8px 0}"
    "h3 {font-size: 13px; margin: 10px 0 4px 0}"
)
_PAGE = pymupdf.paper_rect("a4")
_TEXT_AREA = pymupdf.Rect(_PAGE.x0 + 64, _PAGE.y0 + 72, _PAGE.x1 - 64, _PAGE.y1 - 72)
# A font that MuPDF carries itself, with Latin, simplified and traditional Chinese glyphs.
_MARGIN_FONT = "china-s"
_HAN = re.compile(r"[\u4e00-\u9fff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of a data set, with its questions as they are in the file."""

    title: str
    text: str
    questions: Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Question:
    """A question and the answers that count, in the language of the documents."""

    id: str
    question: str
    answers: tuple[str, ...]
    impossible: bool
    file: str
    context: str


@dataclass(frozen=True)
class Corpus:
    """PDF files and the questions about them."""

    directory: Path
    files: tuple[Path, ...]
    questions: tuple[Question, ...]
    paragraphs: int
    pages: int


def read_paragraphs(source: Path) -> list[Paragraph]:
    """The paragraphs of a SQuAD-style JSON file, in its order.

    Raises:
        ValueError: the file has no ``data`` with ``paragraphs`` in it.
    """
    content = json.loads(source.read_text(encoding="utf-8"))
    articles = content.get("data") if isinstance(content, dict) else None
    if not articles or not all("paragraphs" in article for article in articles):
        raise ValueError(f"{source} is not SQuAD-style JSON: no data[].paragraphs[].")
    return [
        Paragraph(article.get("title") or "", paragraph["context"], paragraph["qas"])
        for article in articles
        for paragraph in article["paragraphs"]
    ]


def build_corpus(
    source: Path,
    out: Path,
    *,
    name: str | None = None,
    questions: Path | None = None,
    paragraphs_per_file: int = PARAGRAPHS_PER_FILE,
    max_paragraphs: int | None = None,
    max_questions: int | None = None,
    seed: int = SEED,
    unanswerable: bool = False,
) -> Corpus:
    """Write the PDFs and ``questions.jsonl`` of a data set into ``out``.

    Args:
        source: SQuAD-style JSON; its paragraphs become the PDFs.
        out: directory to write to; made when missing.
        name: stem of the file names; the name of ``source`` unless given.
        questions: parallel file of the same paragraphs in another language: the questions are taken from
            it by id, the answers that count stay those of ``source``.
        paragraphs_per_file: one PDF holds so many.
        max_paragraphs: only the first ones.
        max_questions: a sample of so many, drawn with ``seed``.
        seed: order of the questions, and so the sample.
        unanswerable: keep questions without an answer in the documents, too.
    """
    out.mkdir(parents=True, exist_ok=True)
    stem = name or re.sub(r"[^\w-]+", "-", source.stem)
    paragraphs = read_paragraphs(source)[:max_paragraphs]
    wordings = _wordings(questions) if questions else None
    files: list[Path] = []
    asked: list[Question] = []
    pages = 0
    for number, start in enumerate(range(0, len(paragraphs), paragraphs_per_file), start=1):
        volume = paragraphs[start : start + paragraphs_per_file]
        file = out / f"{stem}_{number:03d}.pdf"
        pages += render_pdf([(p.title, p.text) for p in volume], file, header=_header(stem, number, volume))
        files.append(file)
        asked += [q for p in volume for q in _questions(p, file.name, wordings)]
    if questions and not asked:
        raise ValueError(f"{questions} shares no question id with {source}.")
    kept = [q for q in asked if unanswerable or (q.answers and not q.impossible)]
    random.Random(seed).shuffle(kept)
    sample = tuple(kept[:max_questions])
    lines = (json.dumps(asdict(q), ensure_ascii=False) + "\n" for q in sample)
    (out / QUESTIONS_FILE).write_text("".join(lines), encoding="utf-8")
    return Corpus(out, tuple(files), sample, len(paragraphs), pages)


def render_pdf(paragraphs: Sequence[tuple[str, str]], out: Path, *, header: str) -> int:
    """Set paragraphs as (title, text) on A4 pages; a title is printed where it changes. Returns the pages."""
    raw = out.with_suffix(".story")
    story = pymupdf.Story(html=_html(paragraphs), user_css=_CSS)
    writer = pymupdf.DocumentWriter(str(raw), "")
    more = 1
    while more:
        device = writer.begin_page(_PAGE)
        more, _ = story.place(_TEXT_AREA)
        story.draw(device)
        writer.end_page()
    writer.close()
    # The story cannot know how many pages there will be, so the margins are printed afterwards.
    with pymupdf.open(raw, filetype="pdf") as document:
        pages = len(document)
        for number, page in enumerate(document, start=1):
            page.insert_text((_TEXT_AREA.x0, 48), header, fontsize=8, fontname=_MARGIN_FONT)
            footer = f"— {number} / {pages} —"
            page.insert_text(
                (_PAGE.width / 2 - 20, _PAGE.height - 36), footer, fontsize=8, fontname=_MARGIN_FONT
            )
        document.subset_fonts()
        # Without a new id, the same paragraphs make the same bytes, and so the same document ids.
        document.save(out, garbage=4, deflate=True, no_new_id=True)
    raw.unlink()
    return pages


def _html(paragraphs: Sequence[tuple[str, str]]) -> str:
    parts = []
    last = ""
    for title, text in paragraphs:
        if title and title != last:
            parts.append(f"<h3>{html.escape(title)}</h3>")
        parts.append(f"<p>{html.escape(_CONTROL.sub(' ', text))}</p>")
        last = title
    return "".join(parts)


def _header(stem: str, number: int, volume: Sequence[Paragraph]) -> str:
    """In the language of the text: a Chinese header in an English file would mislead language detection."""
    sample = volume[0].text
    if len(_HAN.findall(sample)) > len(sample) * 0.2:
        return f"{stem} 资料汇编 第{number}册"
    return f"{stem} Collected Articles, Volume {number}"


def _wordings(source: Path) -> dict[str, str]:
    return {str(q["id"]): q["question"] for p in read_paragraphs(source) for q in p.questions}


def _questions(paragraph: Paragraph, file: str, wordings: dict[str, str] | None) -> Iterator[Question]:
    for q in paragraph.questions:
        identity = str(q["id"])
        wording = q["question"] if wordings is None else wordings.get(identity)
        # Data sets hold a few questions without a word, which say nothing about retrieval.
        if not wording or not wording.strip():
            continue
        answers = tuple(sorted({a["text"] for a in q.get("answers") or [] if a.get("text")}))
        yield Question(identity, wording, answers, _is_true(q.get("is_impossible")), file, paragraph.text)


def _is_true(value: object) -> bool:
    """Some data sets write the flag as a string."""
    return str(value).lower() == "true"


def main(
    source: Annotated[Path, typer.Argument(help="SQuAD-style JSON.")],
    out: Annotated[Path, typer.Argument(help="Directory for the PDFs and questions.jsonl.")],
    name: Annotated[str | None, typer.Option(help="Stem of the file names.")] = None,
    questions: Annotated[Path | None, typer.Option(help="Parallel file in another language.")] = None,
    paragraphs_per_file: Annotated[int, typer.Option(min=1)] = PARAGRAPHS_PER_FILE,
    max_paragraphs: Annotated[int | None, typer.Option(min=1)] = None,
    max_questions: Annotated[int | None, typer.Option(min=1)] = None,
    seed: Annotated[int, typer.Option()] = SEED,
    unanswerable: Annotated[bool, typer.Option(help="Keep questions that have no answer.")] = False,
) -> None:
    """Render a SQuAD-style data set as flowing PDFs with a questions file."""
    corpus = build_corpus(
        source,
        out,
        name=name,
        questions=questions,
        paragraphs_per_file=paragraphs_per_file,
        max_paragraphs=max_paragraphs,
        max_questions=max_questions,
        seed=seed,
        unanswerable=unanswerable,
    )
    typer.echo(
        f"{len(corpus.files)} PDFs, {corpus.pages} pages, {corpus.paragraphs} paragraphs, "
        f"{len(corpus.questions)} questions in {out}"
    )


if __name__ == "__main__":
    typer.run(main)
