"""How well PDFs are read: characters, whole sentences, running matter, sentences over page breaks, hostile files.

    python benchmarks/pdf_quality.py --self-made-only
    python benchmarks/pdf_quality.py markdown_tester/dataset --book pumpkin_book.pdf --hostile pdf_hostile

The reference is a folder with ``sample/*.pdf`` and ``gt/*.md``, as https://github.com/intsig-textin/markdown_tester
has it in ``dataset/``. The book is any long PDF with running headers, such as that of
https://github.com/datawhalechina/pumpkin-book/releases. A hostile folder holds PDFs and a ``manifest.json``: a list of
``{"file", "category", "password"}``; test files of https://github.com/mozilla/pdf.js (``test/pdfs``) are a good source.

Beside ours, without OCR unless a row says so, stand plain PyMuPDF ``get_text``, ``pymupdf4llm.to_markdown`` without
OCR, as it is and with ``header=False, footer=False`` (``margins off``), and ``extract_text`` of pypdf. Ours can be read by
several parsers (``--parser``, repeatable).

1. **Characters.** Indel similarity of the text to the reference, both normalised by ``reference_markdown.normalise``: no
   Markdown, HTML or LaTeX markup, NFKC, no blanks. Per file, and the mean. The reference holds some running matter,
   which counts against who takes it out.
2. **Sentences.** The reference's prose is cut by a rule that is not the project's (``reference_markdown``). A sentence is
   ``whole`` if, after normalisation and without what is not a letter or digit at both ends, it equals one unit of the
   reader; ``within`` if it stands inside one; ``in text`` if it stands anywhere in all that the reader gives, in one
   piece. Units of ours are the nodes. A peer's text is cut by the same independent rule, page by page, in two ways: line
   breaks end a unit (``lines``), or only blank lines do and line breaks are taken out (``joined``). Sentences of which the
   PDF strikes a part out, by MuPDF's flag, are not counted: the reference holds them, and no reader should.
3. **Running matter.** PDFs with known headers, footers and page numbers are made here; counted are the lines of
   the margins that are left in the text, the sentences of the body that are still there in one piece, and, where chapters
   give the header its text, their headings that were lost. In the book, the margins' lines are found by a rule on
   plain PyMuPDF's lines (``pdf_measures.book_margins``).
4. **Page breaks.** PDFs are made here whose sentences go over page breaks, with a footnote, a figure or a table between
   the halves, or a hyphen in the word at the break. ``whole`` as above; for the peers, the pages are put one after the
   other before they are cut (``joined``), which favours them.
5. **Hostile files.** Each in a child process with a time limit, through ``parse_files``; ``pdf_hostile.judge`` says what
   counts as right.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from pdf_hostile import outcomes_json, run_hostile
from pdf_measures import (
    book_body_kept,
    book_margins,
    book_running_left,
    find_breaks,
    find_sentences,
    running_left,
    similarity,
    struck_parts,
)
from pdf_pages import MadePdf, make_breaks, make_running
from pdf_quality_tables import (
    book_report,
    breaks_report,
    hostile_report,
    running_report,
    sentences_report,
    similarity_report,
)
from pdf_readers import OURS, PARSERS, Reader, Reading, UnavailableError, read_get_text, readers, safely
from reference_markdown import reference_sentences, sentence_key
from report import RESULTS, Report, publish
from rich.console import Console

_WAYS = ("lines", "joined")
_TEXT_LAYER_CHARS = 20

progress_console = Console(stderr=True)


def measure_reference(data: Path, chosen: dict[str, Reader]) -> dict[str, Any]:
    """Similarity and whole sentences of every file that has a reference."""
    files = [path for path in sorted((data / "sample").glob("*.pdf")) if _reference(data, path).exists()]
    if not files:
        raise typer.BadParameter(f"{data} has no sample/*.pdf with gt/*.md.")
    results: dict[str, Any] = {}
    for path in files:
        markdown = _reference(data, path).read_text(encoding="utf-8")
        struck = struck_parts(path)
        keys = [key for key in reference_sentences(markdown) if not any(part in key for part in struck)]
        text_layer = len(read_get_text(path).text.strip()) > _TEXT_LAYER_CHARS
        entry: dict[str, Any] = {"sentences": len(keys), "text_layer": text_layer}
        entry |= {"similarity": {}, "found": {}, "failures": {}}
        for name, reader in chosen.items():
            reading = _read(name, reader, path)
            if reading is None:
                continue
            entry["similarity"][name] = similarity(reading.text, markdown)
            if reading.failure:
                entry["failures"][name] = reading.failure
            for label, units in _units(name, reading):
                entry["found"][label] = vars(find_sentences(keys, units, reading.text))
        results[path.stem] = entry
    return results


def measure_running(made: list[MadePdf], chosen: dict[str, Reader]) -> dict[str, Any]:
    """What is left of the margins of each made PDF, and whether the body is complete."""
    results: dict[str, Any] = {}
    for name, reader in chosen.items():
        for pdf in made:
            reading = _read(name, reader, pdf.path)
            if reading is None:
                break
            left = running_left(pdf, reading.text)
            body = find_sentences([sentence_key(text) for text in pdf.sentences], [], reading.text)
            headings = find_sentences([sentence_key(text) for text in pdf.headings], [], reading.text)
            results.setdefault(name, {})[pdf.name] = {
                **vars(left),
                "body_kept": body.in_text,
                "body": body.total,
                "headings_lost": headings.total - headings.in_text,
                "headings": headings.total,
            }
    return results


def measure_breaks(made: list[MadePdf], chosen: dict[str, Reader]) -> dict[str, Any]:
    """Sentences over page breaks by reader and by what stands at the break."""
    results: dict[str, Any] = {}
    for name, reader in chosen.items():
        for pdf in made:
            reading = _read(name, reader, pdf.path)
            if reading is None:
                break
            found = find_breaks(pdf.breaks, reading.units("joined", whole_file=True), reading.text)
            results.setdefault(name, {})[pdf.name] = vars(found)
    return results


def measure_book(path: Path, chosen: dict[str, Reader]) -> dict[str, Any]:
    """Running lines of a book that are left."""
    margins = book_margins(path)
    results: dict[str, Any] = {"pages": margins.pages, "different": len(margins.lines), "left": {}}
    for name, reader in chosen.items():
        reading = _read(name, reader, path)
        if reading is not None:
            left = vars(book_running_left(margins, reading.text))
            results["left"][name] = {**left, "body_kept": book_body_kept(margins, reading.text)}
    return results


def _reference(data: Path, path: Path) -> Path:
    return data / "gt" / f"{path.stem}.md"


def _read(name: str, reader: Reader, path: Path) -> Reading | None:
    started = time.perf_counter()
    try:
        reading = safely(reader, path)
    except UnavailableError as error:
        progress_console.print(f"{name}: {error}", style="dim")
        return None
    seconds = time.perf_counter() - started
    failed = f" ({reading.failure})" if reading.failure else ""
    progress_console.print(f"{name}: {path.name}, {seconds:.1f} s{failed}", style="dim", markup=False)
    return reading


def _units(name: str, reading: Reading) -> list[tuple[str, list[str]]]:
    if name.startswith(OURS):
        return [(name, reading.units())]
    return [(f"{name}, {way}", reading.units(way)) for way in _WAYS]


def main(
    data: Annotated[Path | None, typer.Argument(help="Folder with sample/*.pdf and gt/*.md.")] = None,
    parser: Annotated[list[str] | None, typer.Option(help=f"Ours: {', '.join(PARSERS)}; repeatable.")] = None,
    ocr: Annotated[
        str, typer.Option(help="auto: ours also with OCR, where it is installed; or never.")
    ] = "auto",
    peers: Annotated[bool, typer.Option(help="Also what others make of the same files.")] = True,
    hostile: Annotated[Path | None, typer.Option(help="Folder of hostile PDFs with manifest.json.")] = None,
    hostile_timeout: Annotated[float, typer.Option(help="Seconds for four pages of a hostile file.")] = 120,
    book: Annotated[Path | None, typer.Option(help="A long PDF with running headers.")] = None,
    self_made_only: Annotated[bool, typer.Option(help="Only the PDFs that are made here.")] = False,
    self_made: Annotated[bool, typer.Option(help="Make PDFs for running matter and page breaks.")] = True,
    made_pages: Annotated[int, typer.Option(min=6, help="Pages of each made PDF.")] = 16,
    out: Annotated[Path, typer.Option(help="Directory for the JSON and Markdown results.")] = RESULTS,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the JSON here as well.")] = None,
) -> None:
    """Read PDFs with qa_engine and with its peers, and compare."""
    if ocr not in ("auto", "never"):
        raise typer.BadParameter("--ocr is auto or never.")
    if data is None and not (self_made_only or hostile or book):
        raise typer.BadParameter("Name a data folder, or give --self-made-only.")
    parsers = parser or list(PARSERS)
    chosen = readers(parsers, ocr, peers)
    without_ocr = {name: reader for name, reader in chosen.items() if not name.endswith("+OCR")}
    results: dict[str, Any] = {"parsers": parsers, "ocr": ocr, "made_pages": made_pages}
    reports: list[Report] = []
    if data and not self_made_only:
        results["reference"] = measure_reference(data, chosen)
        reports += [similarity_report(results["reference"]), sentences_report(results["reference"])]
    if self_made or self_made_only:
        with tempfile.TemporaryDirectory(prefix="qa-benchmark-") as scratch:
            progress_console.print("making PDFs")
            running, broken = make_running(Path(scratch), made_pages), make_breaks(Path(scratch), made_pages)
            results["running"] = measure_running(running, without_ocr)
            results["breaks"] = measure_breaks(broken, without_ocr)
        reports += [running_report(results["running"]), breaks_report(results["breaks"])]
    if book and not self_made_only:
        results["book"] = measure_book(book, without_ocr)
        reports.append(book_report(results["book"]))
    if hostile and not self_made_only:
        outcomes = run_hostile(hostile, _hostile_parser(parsers), ocr, hostile_timeout)
        results["hostile"] = outcomes_json(outcomes)
        reports.append(hostile_report(outcomes, _hostile_parser(parsers)))
    publish(out, "pdf_quality", reports, results)
    if json_file:
        json_file.write_text(json.dumps(results, ensure_ascii=False, indent=1), encoding="utf-8")


def _hostile_parser(parsers: list[str]) -> str:
    """The first that the pool can be told to use."""
    from pdf_readers import documents_config

    for parser in parsers:
        try:
            documents_config(parser)
        except UnavailableError:
            continue
        return parser
    return "fast"


if __name__ == "__main__":
    os.environ.setdefault("TQDM_DISABLE", "1")
    typer.run(main)
