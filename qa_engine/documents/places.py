"""How people call the place of a passage, in Chinese: pages of a PDF, headings of a text, slides, ranges of cells, mails."""

from __future__ import annotations

from pathlib import PurePath

from qa_engine.documents.blocks import SECTION_MARK
from qa_engine.documents.formats import format_of
from qa_engine.text.one_line import one_line

_SLIDES, _SHEETS, _MAILS = frozenset({"pptx", "ppt"}), frozenset({"xlsx", "csv", "xls"}), frozenset({"eml"})
_PICTURES = frozenset({"image"})
_MAX_SECTION = 80


def has_own_pages(file_name: PurePath | str) -> bool:
    """Whether the pages of a file are those that people know: of a PDF, and not of its rendition."""
    return format_of(file_name) is None


def place_text(
    file_name: PurePath | str,
    page: int | None,
    page_end: int | None = None,
    label: str = "",
    section: str = "",
) -> str:
    """The place of a passage within its file; empty if nothing is known of it.

    Args:
        file_name: of the file; its ending tells the format.
        page, page_end: its pages, from 1; those of the rendition for a file that is no PDF.
        label: the label of its place, as of `SentenceNodeParser`.
        section: the titles above it.

    Example:
        >>> place_text("手册.pdf", 3, 4), place_text("手册.docx", 3, 3, "", "休假 › 年假")
        ('第3–4页', '“休假 › 年假”（转换后第3页）')
        >>> place_text("汇报.pptx", 3), place_text("表.xlsx", 1, 1, "销售!A3:F3", "销售")
        ('第3张幻灯片', '工作表“销售”A3:F3')
    """
    pages = "" if not page else f"{page}" if not page_end or page_end <= page else f"{page}–{page_end}"
    kind = format_of(file_name)
    if kind is None:
        return f"第{pages}页" if pages else ""
    if kind.name in _SLIDES:
        return f"第{pages}张幻灯片" if pages else ""
    titles = [part for part in one_line(section).split(SECTION_MARK) if part]
    if kind.name in _SHEETS:
        return _cells(label, titles)
    if kind.name in _MAILS and titles:
        return f"邮件“{_cut(titles[0])}”"
    if kind.name in _PICTURES:
        return f"第{pages}幅" if pages and (page or 1) + (page_end or 1) > 2 else "图片"
    converted = f"转换后第{pages}页" if pages else ""
    if not titles:
        return converted
    return f"“{_cut(SECTION_MARK.join(titles))}”" + (f"（{converted}）" if converted else "")


def _cells(label: str, titles: list[str]) -> str:
    """A range of cells with the name of its sheet."""
    sheet, mark, cells = label.rpartition("!")
    if mark:
        name = sheet[1:-1].replace("''", "'") if sheet[:1] == "'" else sheet
        return f"工作表“{_cut(name)}”{cells}"
    return cells or (f"工作表“{_cut(titles[0])}”" if titles else "")


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_SECTION else f"{text[: _MAX_SECTION - 1]}…"
