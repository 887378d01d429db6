"""The same text as PDF, Word, Markdown, HTML, plain text and EPUB: what is retrieved and quoted, and how fast it is read.

    python benchmarks/formats.py cmrc2018_trial.json
    python benchmarks/formats.py xquad.en.json --questions xquad.zh.json

The paragraphs of the data set are set as PDFs (``corpus.py``), and written with the same headings in the other formats.
Each format is ingested into a storage of its own, and asked the same questions. ``gold quoted`` is the share of the
questions with a citation that holds the answer, ``refused`` that of those that get none; ``same quotes`` is the share
whose quotes are those of the PDF, white space aside. Speed is that of one process with all of a format's files, from
the file to its text with positions, without embedding; the median of the rounds, and processor time beside it, which
tells a slow reader from a busy machine. Sheets, slides and mails are read, too, but not asked: their text is laid out
otherwise. ``--speed-only`` asks nothing.
"""

from __future__ import annotations

import csv
import html
import statistics
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Annotated, Any

import typer
from asking import Scores, progress_console
from corpus import PARAGRAPHS_PER_FILE, SEED, Corpus, Paragraph, read_paragraphs
from data_options import (
    MAX_QUESTIONS,
    ConfigFile,
    Data,
    MaxParagraphs,
    MaxQuestions,
    Out,
    ParagraphsPerFile,
    Questions,
    Sample,
    Seed,
)
from pipelines import texts
from report import RESULTS, Report, measured_settings, publish
from rich.progress import track

from qa_engine import Config, QueryEngine, ingest
from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.pdf.reading import read_pdf
from qa_engine.evaluation.metrics.ranking import TOP_K, first_hit, squash

PDF = "pdf"
Part = tuple[str, str]
"""The title, empty if it is that of the paragraph before, and the text of a paragraph."""


def parts_of(paragraphs: Sequence[Paragraph]) -> list[Part]:
    """The paragraphs of a file, each title once."""
    last = ""
    parts = []
    for one in paragraphs:
        parts.append((one.title if one.title != last else "", " ".join(one.text.split())))
        last = one.title
    return parts


def write_markdown(parts: Sequence[Part], path: Path) -> None:
    """Writes a Markdown file. What Markdown takes for marks is escaped."""
    signs = str.maketrans({sign: f"\\{sign}" for sign in r"\`*_{}[]<>()#+-.!|~&"})
    lines = [
        line for title, text in parts for line in (f"### {title}" if title else "", text.translate(signs))
    ]
    path.write_text("\n\n".join(filter(None, lines)) + "\n", encoding="utf-8")


def write_text(parts: Sequence[Part], path: Path) -> None:
    """Writes a text file."""
    lines = [line for part in parts for line in part if line]
    path.write_text("\n\n".join(lines) + "\n", encoding="utf-8")


def write_html(parts: Sequence[Part], path: Path) -> None:
    """Writes an HTML page."""
    lines = [
        f"<h3>{html.escape(title)}</h3>" * bool(title) + f"<p>{html.escape(text)}</p>"
        for title, text in parts
    ]
    path.write_text(
        f"<!DOCTYPE html><html><head><meta charset='utf-8'></head><body>{''.join(lines)}</body></html>",
        encoding="utf-8",
    )


def write_word(parts: Sequence[Part], path: Path) -> None:
    """Writes a Word document."""
    import docx

    document = docx.Document()
    for title, text in parts:
        if title:
            document.add_heading(title, 3)
        document.add_paragraph(text)
    document.save(str(path))


def write_epub(parts: Sequence[Part], path: Path) -> None:
    """Writes an EPUB book of one chapter."""
    lines = [
        f"<h3>{html.escape(title)}</h3>" * bool(title) + f"<p>{html.escape(text)}</p>"
        for title, text in parts
    ]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        book.writestr(
            "META-INF/container.xml",
            '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="book.opf" media-type="application/oebps-package+xml"/>'
            "</rootfiles></container>",
        )
        book.writestr(
            "book.opf",
            '<package version="3.0" xmlns="http://www.idpf.org/2007/opf"><manifest>'
            '<item id="text" href="text.xhtml" media-type="application/xhtml+xml"/>'
            '</manifest><spine><itemref idref="text"/></spine></package>',
        )
        book.writestr(
            "text.xhtml",
            '<html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head>'
            f"<body>{''.join(lines)}</body></html>",
        )


def write_workbook(parts: Sequence[Part], path: Path) -> None:
    """Writes a workbook with a row for each paragraph."""
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("text")
    sheet.append(["title", "text"])
    for part in parts:
        sheet.append(part)
    book.save(path)


def write_csv(parts: Sequence[Part], path: Path) -> None:
    """Writes a table with a row for each paragraph."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("title", "text"), *parts])


def write_slides(parts: Sequence[Part], path: Path) -> None:
    """Writes a slide for each paragraph."""
    import pptx

    show = pptx.Presentation()
    for title, text in parts:
        slide = show.slides.add_slide(show.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = text
    show.save(str(path))


def write_mail(parts: Sequence[Part], path: Path) -> None:
    """Writes a mail whose text is all paragraphs."""
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = path.stem, "one@example.org", "two@example.org"
    mail.set_content("\n\n".join(line for part in parts for line in part if line) + "\n")
    path.write_bytes(mail.as_bytes())


WRITERS: dict[str, Callable[[Sequence[Part], Path], None]] = {
    "docx": write_word,
    "md": write_markdown,
    "html": write_html,
    "txt": write_text,
    "epub": write_epub,
}
READ_ONLY: dict[str, Callable[[Sequence[Part], Path], None]] = {
    "xlsx": write_workbook,
    "csv": write_csv,
    "pptx": write_slides,
    "eml": write_mail,
}


def write_formats(sample: Sample, corpus: Corpus, folder: Path) -> dict[str, list[Path]]:
    """The files of each format, that of PDFs included."""
    paragraphs = read_paragraphs(sample.data)[: sample.max_paragraphs]
    files: dict[str, list[Path]] = {PDF: list(corpus.files)}
    for name, write in {**WRITERS, **READ_ONLY}.items():
        files[name] = []
        (folder / name).mkdir()
        for number, pdf in enumerate(corpus.files):
            start = number * sample.paragraphs_per_file
            path = folder / name / f"{pdf.stem}.{name}"
            write(parts_of(paragraphs[start : start + sample.paragraphs_per_file]), path)
            files[name].append(path)
    return files


def measure_speed(files: dict[str, list[Path]], rounds: int) -> dict[str, dict[str, float]]:
    """Pages a second of each format, by the median round of wall and of processor time."""
    seconds: dict[str, list[tuple[float, float, int]]] = {name: [] for name in files}
    for _ in range(rounds + 1):
        for name, paths in files.items():
            started, started_cpu = time.perf_counter(), time.process_time()
            pages = sum(len(read_pdf(path, ReadingOptions()).pages) for path in paths)
            seconds[name].append((time.perf_counter() - started, time.process_time() - started_cpu, pages))
    # The first round imports what it needs.
    return {
        name: {
            "pages": float(runs[0][2]),
            "pages_per_second": runs[0][2] / statistics.median(run[0] for run in runs[1:]),
            "pages_per_cpu_second": runs[0][2] / statistics.median(run[1] for run in runs[1:]),
        }
        for name, runs in seconds.items()
    }


def measure_answers(
    name: str, files: Sequence[Path], corpus: Corpus, storage: Path, config: Config
) -> tuple[Scores, list[list[str]], dict[str, float]]:
    """What is retrieved and quoted of the files of one format, and the shares of what is quoted right and refused.

    Raises:
        RuntimeError: a file cannot be read.
    """
    started = time.perf_counter()
    report = ingest(list(files), storage=storage, config=config)
    if report.failures:
        raise RuntimeError(f"{len(report.failures)} files failed, first: {report.failures[0].message}")
    engine = QueryEngine.open(storage=storage, config=config)
    scores = Scores(name, report.nodes, time.perf_counter() - started)
    quotes = []
    gold, refused = [], []
    for question in track(corpus.questions, name, console=progress_console, transient=True):
        begun = time.perf_counter()
        passages = texts(engine.retrieve(question.question, top_k=TOP_K))
        scores.add(question, passages, time.perf_counter() - begun)
        answer: Any = engine.query(question.question)
        quotes.append([squash(citation.text) for citation in answer.citations])
        gold.append(first_hit(quotes[-1], question.answers) is not None)
        refused.append(answer.refused)
    engine.close()
    return scores, quotes, {"gold_quoted": statistics.fmean(gold), "refused": statistics.fmean(refused)}


def main(
    data: Data,
    questions: Questions = None,
    max_questions: MaxQuestions = MAX_QUESTIONS,
    max_paragraphs: MaxParagraphs = None,
    paragraphs_per_file: ParagraphsPerFile = PARAGRAPHS_PER_FILE,
    seed: Seed = SEED,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of reading, besides a first one.")] = 3,
    speed_only: Annotated[
        bool, typer.Option("--speed-only", help="Read the files, and ask nothing.")
    ] = False,
    out: Out = RESULTS,
    config: ConfigFile = None,
) -> None:
    """Measure what the format of a text changes."""
    settings = Config.load(config)
    sample = Sample(data, questions, max_questions, max_paragraphs, paragraphs_per_file, seed)
    with tempfile.TemporaryDirectory(prefix="qa-benchmark-") as scratch:
        folder = Path(scratch)
        corpus = sample.corpus(folder / "pdf")
        files = write_formats(sample, corpus, folder)
        speed = measure_speed(files, rounds)
        measured = {
            name: measure_answers(name, paths, corpus, folder / "storages" / name, settings)
            for name, paths in files.items()
            if name not in READ_ONLY and not speed_only
        }
    results: dict[str, dict[str, float]] = {}
    for name, (scores, quotes, shares) in measured.items():
        base, base_quotes, base_shares = measured[PDF][0].summary(), *measured[PDF][1:]
        same = [one == other for one, other in zip(quotes, base_quotes, strict=True)]
        mrr = scores.summary()[f"MRR@{TOP_K}"]
        results[name] = {
            **scores.summary(),
            "mrr_difference": mrr - base[f"MRR@{TOP_K}"],
            "same_quotes": statistics.fmean(same),
            **shares,
            "gold_difference": shares["gold_quoted"] - base_shares["gold_quoted"],
        }
    counts = [sample.counts(corpus)]
    reports = [
        Report(
            f"Speed of formats: {sample.title}",
            ["format", "pages", "pages/s", "pages/CPU s"],
            [
                [
                    name,
                    f"{row['pages']:.0f}",
                    f"{row['pages_per_second']:.1f}",
                    f"{row['pages_per_cpu_second']:.1f}",
                ]
                for name, row in speed.items()
            ],
            counts,
        )
    ]
    rows = [
        [
            name,
            f"{row[f'MRR@{TOP_K}']:.3f}",
            f"{row['mrr_difference']:+.3f}",
            f"{row['gold_quoted']:.3f}",
            f"{row['gold_difference']:+.3f}",
            f"{row['refused']:.3f}",
            f"{row['same_quotes']:.3f}",
        ]
        for name, row in results.items()
    ]
    columns = ["format", f"MRR@{TOP_K}", "to PDF", "gold quoted", "to PDF", "refused", "same quotes"]
    if rows:
        reports.insert(0, Report(f"Formats: {sample.title}", columns, rows, counts))
    content = {
        **sample.result(corpus),
        "formats": results,
        "speed": speed,
        "settings": measured_settings(settings),
    }
    publish(out, sample.stem("formats"), reports, content)


if __name__ == "__main__":
    typer.run(main)
