"""PDFs for tests, made on the spot with PyMuPDF: flowing text in Chinese and English, and files that cannot be read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pymupdf

CHINESE_FONT = "china-s"
ENGLISH_FONT = "helv"
PAGE_WIDTH, PAGE_HEIGHT = 595.0, 842.0
LEFT, RIGHT, TOP, BOTTOM = 72.0, 523.0, 90.0, 740.0
SIZE = 11.0
LEADING = 1.4
GUTTER = 24.0

_UNBREAKABLE = re.compile(r"[^\s\u2e80-\uffef]+ ?|\s|[\u2e80-\uffef]")
_NEVER_FIRST = "，。、；：？！）」』”’》"

WEST_LAKE = [
    "西湖位于浙江省杭州市西部，三面环山，水面面积约为6.38平方公里。湖中被孤山、白堤、苏堤、杨公堤分隔，"
    "按面积大小分别为外西湖、西里湖、北里湖、小南湖及岳湖五片水面。苏堤和白堤越过湖面，小瀛洲、湖心亭、"
    "阮公墩三个小岛鼎立于外西湖湖心。",
    "西湖的平均水深为2.27米，最深处约5米，最浅处不到1米。2011年6月24日，杭州西湖正式列入《世界遗产名录》。"
    "每年接待的游客超过2000万人次。",
    "雷峰塔始建于公元975年，1924年9月25日倒塌，现在的塔于2002年重建完成，高71.679米。",
]
"""Three paragraphs about the West Lake."""

SOLAR_SYSTEM = [
    "Jupiter is the largest planet in the Solar System. Its mass is 2.5 times that of all the other planets combined, "
    "e.g. more than 300 times the mass of the Earth. It takes 11.86 years to orbit the Sun once.",
    "Saturn is best known for its rings, which consist mostly of ice particles. Dr. Huygens described them in 1655. "
    "Its moon Titan is larger than the planet Mercury and has a dense atmosphere of nitrogen.",
]
"""Two paragraphs about planets."""

KEY_SENTENCE = "We release variants of this model with 7B, 13B, and 70B parameters as well."
"""The sentence of `llama_paper` that a page break, a footnote and a caption cut in two."""


def wrap(text: str, width: float, font: str = ENGLISH_FONT, size: float = SIZE) -> list[str]:
    """Lines of at most ``width`` points: broken at blanks between English words, anywhere in Chinese."""
    lines, line = [], ""
    for piece in _UNBREAKABLE.findall(text):
        too_wide = pymupdf.get_text_length((line + piece).rstrip(), font, size) > width
        if line and too_wide and piece not in _NEVER_FIRST:
            lines.append(line.rstrip())
            line = piece.lstrip()
        else:
            line += piece
    if line.strip():
        lines.append(line.rstrip())
    return lines


class PdfBuilder:
    """Places lines on pages, so that a test knows what stands where.

    Example:
        >>> builder = PdfBuilder(header="Annual report")
        >>> builder.page().lines(["The first line of a paragraph", "and its second line."])
        >>> builder.save(Path("report.pdf"))  # doctest: +SKIP
    """

    def __init__(
        self, font: str = ENGLISH_FONT, header: str | None = None, page_numbers: str | None = None
    ) -> None:
        """
        Args:
            font: of everything on the pages.
            header: running header of every page.
            page_numbers: text at the foot of every page, with ``{page}`` for its number.
        """
        self.document: Any = pymupdf.open()
        self._font = font
        self._header = header
        self._page_numbers = page_numbers
        self._page: Any = None

    def page(self) -> PdfBuilder:
        """Begins a page."""
        self._page = self.document.new_page(width=PAGE_WIDTH, height=PAGE_HEIGHT)
        if self._header:
            self.put(self._header, LEFT, 50, 9)
        if self._page_numbers:
            self.put(self._page_numbers.format(page=self.document.page_count), PAGE_WIDTH / 2 - 10, 805, 9)
        return self

    def put(self, text: str, x: float, y: float, size: float = SIZE, font: str | None = None) -> PdfBuilder:
        """One line with its baseline at ``y``."""
        self._page.insert_text((x, y), text, fontsize=size, fontname=font or self._font)
        return self

    def lines(self, lines: Sequence[str], x: float = LEFT, y: float = TOP, size: float = SIZE) -> float:
        """Lines below one another; returns the baseline for what follows them."""
        for line in lines:
            self.put(line, x, y, size)
            y += LEADING * size
        return y

    def save(self, path: Path, **options: Any) -> Path:
        """Writes the file and returns its path."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.document.save(path, **options)
        self.document.close()
        return path


def flowing_pdf(
    path: Path,
    paragraphs: Sequence[str],
    font: str = ENGLISH_FONT,
    *,
    header: str | None = None,
    page_numbers: str | None = None,
    columns: int = 1,
    lines_per_page: int = 40,
    size: float = SIZE,
) -> Path:
    """Paragraphs that flow over lines, columns and pages; a paragraph is set off by half a line.

    Args:
        path: of the file to write.
        paragraphs: the text.
        font: ``helv`` for English, ``china-s`` for Chinese.
        header: running header.
        page_numbers: running footer, with ``{page}`` for the number.
        columns: of each page.
        lines_per_page: after so many lines a column is full.
        size: of the font in points.
    """
    width = (RIGHT - LEFT - (columns - 1) * GUTTER) / columns
    builder = PdfBuilder(font, header, page_numbers)
    column, used, y = columns, 0, TOP
    for number, paragraph in enumerate(paragraphs):
        if number:
            y += 0.9 * size
        for line in wrap(paragraph, width, font, size):
            if column >= columns or used >= lines_per_page:
                column, used, y = column + 1, 0, TOP
                if column >= columns:
                    builder.page()
                    column = 0
            builder.put(line, LEFT + column * (width + GUTTER), y, size)
            used += 1
            y += LEADING * size
    if not paragraphs:
        builder.page()
    return builder.save(path)


def chinese_pdf(path: Path, paragraphs: Sequence[str] = WEST_LAKE, **layout: Any) -> Path:
    """A Chinese file with a running header and page numbers."""
    defaults: dict[str, Any] = {"header": "杭州风物志", "page_numbers": "第 {page} 页"}
    return flowing_pdf(path, paragraphs, CHINESE_FONT, **{**defaults, **layout})


def english_pdf(path: Path, paragraphs: Sequence[str] = SOLAR_SYSTEM, **layout: Any) -> Path:
    """An English file with a running header and page numbers."""
    defaults: dict[str, Any] = {"header": "A Short Guide to the Planets", "page_numbers": "{page}"}
    return flowing_pdf(path, paragraphs, ENGLISH_FONT, **{**defaults, **layout})


def llama_paper(path: Path) -> Path:
    """A paper like the one on Llama 2, in English, on four pages.

    `KEY_SENTENCE` begins at the foot of page 2 and ends on page 3; a footnote, the page number and the caption of a
    figure stand between its halves.
    """
    builder = PdfBuilder(page_numbers="{page}")
    width = RIGHT - LEFT

    def paragraph(text: str, y: float, size: float = SIZE) -> float:
        return builder.lines(wrap(text, width, size=size), y=y, size=size) + 0.9 * size

    builder.page()
    builder.put("Llama 2: Open Foundation and Fine-Tuned Chat Models", LEFT, 110, 17)
    y = paragraph(
        "In this work, we develop and release Llama 2, a collection of pretrained and fine-tuned large language models "
        "(LLMs) ranging in scale from 7 billion to 70 billion parameters. Our fine-tuned LLMs, called Llama 2-Chat, "
        "are optimized for dialogue use cases. Our models outperform open-source chat models on most benchmarks we "
        "tested, and based on our human evaluations for helpfulness and safety, may be a suitable substitute for "
        "closed-source models.",
        150,
    )
    y = paragraph("Contents", y, 14)
    for entry, page in (("Introduction", 2), ("Pretraining", 3), ("Safety", 4)):
        builder.put(f"{entry} {'. ' * 40}{page}", LEFT, y)
        y += 18

    builder.page()
    y = paragraph("1 Introduction", 95, 14)
    y = paragraph(
        "Large language models have shown great promise as highly capable AI assistants that excel in complex reasoning "
        "tasks requiring expert knowledge across a wide range of fields, including programming and creative writing. "
        "They enable interaction with humans through intuitive chat interfaces, which has led to rapid and widespread "
        "adoption among the general public.",
        y,
    )
    y = paragraph(
        "We are releasing the following models to the general public for research and commercial use. The first is Llama 2, "
        "an updated version of Llama 1, trained on a new mix of publicly available data. We also increased the size of "
        "the pretraining corpus by 40%, doubled the context length of the model, and adopted grouped-query attention "
        "(Ainslie et al., 2023).",
        y,
    )
    opening = wrap(
        "The second is Llama 2-Chat, a fine-tuned version of Llama 2 that is optimized for dialogue use cases. "
        + KEY_SENTENCE,
        width,
    )
    cut = next(i for i, line in enumerate(opening) if "70B" in line or "parameters" in line)
    if "We release" in opening[cut]:
        before, after = opening[cut].split(" and 70B", 1)
        opening[cut : cut + 1] = [before, "and 70B" + after]
        cut += 1
    builder.lines(opening[:cut], y=BOTTOM - LEADING * SIZE * (cut - 1))
    builder.lines(
        ["1 The license and the responsible use guide are available on the website of the project."],
        y=BOTTOM + 30,
        size=8,
    )

    builder.page()
    builder.document[2].draw_rect((LEFT, 80, RIGHT, 160))
    y = builder.lines(
        ["Figure 1: Helpfulness human evaluation results for Llama 2-Chat compared to other chat models."],
        y=180,
        size=10,
    )
    rest = [*opening[cut:], ""]
    rest = wrap(
        " ".join(rest).strip()
        + " We believe that the open release of LLMs, when done safely, will be a net benefit "
        "to society. Like all LLMs, Llama 2 is a new technology that carries potential risks with use.",
        width,
    )
    y = builder.lines(rest, y=y + 20) + 10
    y = paragraph("2 Pretraining", y, 14)
    paragraph(
        "Our training corpus includes a new mix of data from publicly available sources, which does not include data "
        "from Meta's products or services. We trained on 2 trillion tokens of data as this provides a good "
        "performance-cost trade-off, up-sampling the most factual sources in an effort to increase knowledge.",
        y,
    )

    builder.page()
    y = paragraph("3 Safety", 95, 14)
    y = paragraph(
        "We measured the safety of Llama 2-Chat with human raters, who judged model generations for safety violations "
        "across approximately 2,000 adversarial prompts. Llama 2-Chat has low violation percentages overall, and its "
        "safety is comparable to or better than that of the other models that we tested. To make the models safer, "
        "we used safety-specific data annotation and tuning, red-teaming, and iterative evaluations.",
        y,
    )
    paragraph(
        "It is important to note that no set of prompts can cover every case. Before deploying any application of "
        "Llama 2-Chat, developers should perform safety testing and tuning tailored to their use of the model.",
        y,
    )
    return builder.save(path)


def locked_pdf(path: Path, password: str = "geheim") -> Path:
    """A file that opens with a password only."""
    builder = PdfBuilder()
    builder.page().put("This text is secret.", LEFT, TOP)
    return builder.save(
        path, encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw=password, owner_pw=password + "-owner"
    )


def zero_byte_pdf(path: Path) -> Path:
    """A file of no bytes."""
    path.write_bytes(b"")
    return path


def broken_pdf(path: Path) -> Path:
    """A file that begins like a PDF and goes on with garbage."""
    path.write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * 20)
    return path


def not_a_pdf(path: Path) -> Path:
    """A web page with the suffix of a PDF file."""
    path.write_text("<!DOCTYPE html><html><body>Please sign in.</body></html>", encoding="utf-8")
    return path


def zero_page_pdf(path: Path) -> Path:
    """A well-formed file with no pages."""
    path.write_bytes(
        b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n"
        b"2 0 obj\n<</Type/Pages/Kids[]/Count 0>>\nendobj\n"
        b"xref\n0 3\n0000000000 65535 f \n0000000009 00000 n \n0000000056 00000 n \n"
        b"trailer\n<</Size 3/Root 1 0 R>>\nstartxref\n105\n%%EOF\n"
    )
    return path


def endless_pdf(path: Path) -> Path:
    """A page whose contents draw one another, eight times each, thirty levels deep."""
    document = pymupdf.open()
    page = document.new_page()
    form = 0
    for level in range(30):
        below, form = form, document.get_new_xref()
        resources = f"/Resources<</XObject<</A {below} 0 R>>>>" if level else ""
        document.update_object(form, f"<</Type/XObject/Subtype/Form/BBox[0 0 600 800]{resources}>>")
        document.update_stream(form, b"/A Do " * 8 if level else b"0 0 10 10 re f ")
    contents = document.get_new_xref()
    document.update_object(contents, "<<>>")
    document.update_stream(contents, b"/A Do")
    document.xref_set_key(page.xref, "Contents", f"{contents} 0 R")
    document.xref_set_key(page.xref, "Resources", f"<</XObject<</A {form} 0 R>>>>")
    document.save(path)
    document.close()
    return path


def empty_pages_pdf(path: Path, pages: int = 2) -> Path:
    """A file of blank pages."""
    builder = PdfBuilder()
    for _ in range(pages):
        builder.page()
    return builder.save(path)


def image_only_pdf(path: Path, text: str = "This page was scanned.", text_pages: int = 0) -> Path:
    """A scan: one page that is a picture of text, after ``text_pages`` pages with a text layer."""
    builder = PdfBuilder()
    for number in range(text_pages):
        builder.page().put(f"Page {number + 1} has a text layer.", LEFT, TOP)
    source = pymupdf.open()
    source.new_page(width=PAGE_WIDTH, height=PAGE_HEIGHT).insert_text((LEFT, TOP), text)
    picture = source[0].get_pixmap(dpi=50)
    builder.page()
    page = builder.document[-1]
    page.insert_image(page.rect, pixmap=picture)
    source.close()
    return builder.save(path)
