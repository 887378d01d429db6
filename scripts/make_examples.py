"""Makes the example PDFs in ``examples`` from the texts in ``example_texts``.

    python scripts/make_examples.py [FOLDER]

A line of a text is a paragraph; ``# ``, ``## `` and ``### `` make headings, ``> `` names the running header. Text flows
over page breaks, and every page has its header and its number, as in documents of real life. The PDFs contain their
font, reduced to the characters that occur.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pymupdf

HERE = Path(__file__).parent
SIZES = {"# ": 17.0, "## ": 13.0, "### ": 11.5, "": 10.5}
LEADING = 1.4
MARGIN = 56.0
HEADER_Y = 30.0
PAGE_WIDTH, PAGE_HEIGHT = pymupdf.paper_size("a5")

# What stays together on a line: a word or number, or a character with the punctuation that must not begin a line.
_UNIT = re.compile(r"[!-~]+ ?|[^!-~][，。；：、！？）”》]*|\s")


class Layout:
    """Sets paragraphs on the pages of one document."""

    def __init__(self, header: str, is_latin: bool) -> None:
        self.document = pymupdf.open()
        self._font = pymupdf.Font("helv" if is_latin else "china-s")
        self._header = header
        self._is_latin = is_latin
        self._y = PAGE_HEIGHT
        self._writer = pymupdf.TextWriter((0, 0, PAGE_WIDTH, PAGE_HEIGHT))

    def add(self, text: str, size: float) -> None:
        """A paragraph or a heading below what is there, on as many pages as it takes."""
        is_heading = size != SIZES[""]
        self._y += size * (0.9 if is_heading else 0.35)
        needed = size * LEADING * (3 if is_heading else 1)
        for line in self._lines(text, size):
            if self._y + needed > PAGE_HEIGHT - MARGIN:
                self._new_page()
            self._y += size * LEADING
            self._write(line, MARGIN, self._y, size)

    def finish(self) -> pymupdf.Document:
        """The document, its last page written."""
        self._writer.write_text(self.document[-1])
        self.document.set_metadata({"title": self._header, "creator": "qa_engine examples"})
        self.document.subset_fonts()
        return self.document

    def _new_page(self) -> None:
        if self.document.page_count:
            self._writer.write_text(self.document[-1])
        self.document.new_page(width=PAGE_WIDTH, height=PAGE_HEIGHT)
        self._writer = pymupdf.TextWriter(self.document[-1].rect)
        number = self.document.page_count
        label = f"Page {number}" if self._is_latin else f"第 {number} 页"
        self._write(self._header, MARGIN, HEADER_Y, 8)
        self._write(label, (PAGE_WIDTH - self._font.text_length(label, 8)) / 2, PAGE_HEIGHT - 24, 8)
        self._y = MARGIN

    def _write(self, text: str, x: float, y: float, size: float) -> None:
        self._writer.append((x, y), text, font=self._font, fontsize=size)

    def _lines(self, text: str, size: float) -> Iterator[str]:
        line = ""
        for unit in _UNIT.findall(text):
            if line and self._font.text_length((line + unit).rstrip(), size) > PAGE_WIDTH - 2 * MARGIN:
                yield line.rstrip()
                line = ""
            line += unit
        yield line.rstrip()


def make_pdf(source: Path, target: Path) -> None:
    """Sets one text as a PDF."""
    header, *lines = source.read_text(encoding="utf-8").splitlines()
    text = "\n".join(lines)
    layout = Layout(header.removeprefix("> "), is_latin=text.isascii())
    for line in lines:
        mark = next(mark for mark in ("# ", "## ", "### ", "") if line.startswith(mark))
        layout.add(line.removeprefix(mark), SIZES[mark])
    layout.finish().save(target, garbage=4, deflate=True, deflate_fonts=True, no_new_id=True)


def main() -> None:
    """Makes all PDFs."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent / "examples"
    folder.mkdir(parents=True, exist_ok=True)
    for source in sorted((HERE / "example_texts").glob("*.txt")):
        target = folder / f"{source.stem}.pdf"
        make_pdf(source, target)
        with pymupdf.open(target) as document:
            print(f"{target}: {document.page_count} pages, {target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
