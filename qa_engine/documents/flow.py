"""Joins the lines of a file into its running text, across lines, columns and pages.

Captions and footnotes that stand between two halves of a paragraph are moved behind it, so that the sentence
around them stays whole.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qa_engine.documents.page_lines import Line

_CJK = "\u2e80-\u2fdf\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef\u2018-\u201d\u2026"
_CJK_EDGE = re.compile(f"[{_CJK}]")
_TERMINAL = re.compile(r"[。！？!?；;：:…][”’\"')）」』】]*$|\.[”’\"')]*$")
_CAPTION = re.compile(
    r"(图|圖|表|附图|附表)\s*[\d一二三四五六七八九十A-Z]|(figure|fig\.|table)\s*[\dA-Z]+\s*[.:|]", re.I
)
_LIST_ITEM = re.compile(
    r"[•●▪■◆–—‣·]\s*\S|[(（]?(\d{1,3}|[a-z]|[ivx]{1,4}|[一二三四五六七八九十]{1,3})[)）、]|\d{1,3}\.(?!\d)\s*\S"
    r"|第[一二三四五六七八九十百零〇\d]{1,6}[章节節条條款编編篇]|[-*]\s+\S"
)
_HYPHEN_END = re.compile(r"([A-Za-z]+)-$")
_WORD = re.compile(r"[A-Za-z]+(?:-[A-Za-z]+)*")
_FOOTNOTE_SIZE = 0.87
_HEADING_SIZE = 1.12
_SAME_SIZE = 0.08


@dataclass(frozen=True)
class Span:
    """Characters ``start`` to ``end`` of the text are this rectangle of this page (points, from 1)."""

    start: int
    end: int
    page: int
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True)
class FlowingText:
    """Paragraphs separated by newlines, and the place of every line."""

    text: str
    spans: list[Span]


@dataclass
class _Block:
    lines: list[Line]
    role: str


def flow(pages: Sequence[Sequence[Line]], heights: Sequence[float]) -> FlowingText:
    """The running text of a file.

    Args:
        pages: the lines of each page in reading order, without running matter.
        heights: the height of each page in points.
    """
    body_size = _body_size(pages)
    paragraphs: list[list[Line]] = []
    deferred: list[list[Line]] = []
    current: list[Line] = []
    for block in _blocks(pages, heights, body_size):
        if block.role in {"caption", "footnote"}:
            target = deferred if current else paragraphs
            target.extend(_split(block.lines))
            continue
        for line in block.lines:
            if current and not _continues(current, line, block, body_size):
                paragraphs.append(current)
                paragraphs.extend(deferred)
                current, deferred = [], []
            current.append(line)
    if current:
        paragraphs.append(current)
    paragraphs.extend(deferred)
    return _assemble(paragraphs)


def _body_size(pages: Iterable[Iterable[Line]]) -> float:
    sizes = Counter[float]()
    for lines in pages:
        for line in lines:
            sizes[round(line.size * 2) / 2] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 10.0


def _blocks(pages: Sequence[Sequence[Line]], heights: Sequence[float], body_size: float) -> Iterable[_Block]:
    for lines, height in zip(pages, heights, strict=True):
        grouped: list[list[Line]] = []
        for line in lines:
            if grouped and grouped[-1][-1].block == line.block:
                grouped[-1].append(line)
            else:
                grouped.append([line])
        for group in grouped:
            yield _Block(group, _role(group, height, body_size))


def _role(lines: Sequence[Line], height: float, body_size: float) -> str:
    if _CAPTION.match(lines[0].text):
        return "caption"
    size = Counter(round(line.size, 1) for line in lines).most_common(1)[0][0]
    if size < _FOOTNOTE_SIZE * body_size and lines[0].y0 > 0.5 * height:
        return "footnote"
    if size > _HEADING_SIZE * body_size:
        return "heading"
    return "body"


def _split(lines: Sequence[Line]) -> list[list[Line]]:
    """Captions and footnotes: a paragraph each, several footnotes of one block apart."""
    parts: list[list[Line]] = []
    for line in lines:
        new = not parts or (_TERMINAL.search(parts[-1][-1].text) and line.x0 <= lines[0].x0 + 1)
        if new or not parts:
            parts.append([line])
        else:
            parts[-1].append(line)
    return parts


def _continues(paragraph: Sequence[Line], line: Line, block: _Block, body_size: float) -> bool:
    """Whether a line goes on with the paragraph that the lines before it began."""
    last = paragraph[-1]
    if abs(last.size - line.size) > _SAME_SIZE * max(last.size, line.size):
        return False
    terminal = bool(_TERMINAL.search(last.text))
    same_block = last.page == line.page and last.block == line.block
    full = _is_full(last, paragraph, line, block)
    if _LIST_ITEM.match(line.text):
        # 第四条 or (b) at the start of a line may be a reference within a sentence; a bullet is none.
        below = line.text[0] not in "第(（" and abs(line.x0 - paragraph[0].x0) < line.size
        next_item = below and _LIST_ITEM.match(paragraph[0].text)
        if terminal or not full or not same_block or next_item:
            return False
    if same_block:
        indented = line.x0 > min(other.x0 for other in block.lines) + 1.2 * line.size
        return not (terminal and (not full or indented))
    if terminal or line.size > _HEADING_SIZE * body_size:
        return False
    if last.page != line.page or line.y0 < last.y0 - last.size:
        return full or len(paragraph) > 1 or line.text[0].islower()
    return full and line.y0 - last.y1 < 1.5 * (last.y1 - last.y0)


def _is_full(last: Line, paragraph: Sequence[Line], line: Line, block: _Block) -> bool:
    """Whether a line reaches the right edge of its column, so that the text after it may be the same paragraph."""
    peers = [other for other in paragraph[-6:] if other.page == last.page and abs(other.x0 - last.x0) < 60]
    edge = max(other.x1 for other in peers)
    if last.page == line.page:
        if last.block == line.block:
            edge = max(edge, *(other.x1 for other in block.lines))
        elif abs(line.x0 - last.x0) < 60:
            edge = max(edge, line.x1)
    if len(peers) == 1 and last.page != line.page:
        edge = max(edge, last.x0 + (line.x1 - line.x0))
    return last.x1 > edge - 2.2 * last.size


def _assemble(paragraphs: Sequence[Sequence[Line]]) -> FlowingText:
    words = Counter(
        word.lower() for lines in paragraphs for line in lines for word in _WORD.findall(line.text)
    )
    pieces: list[str] = []
    spans: list[Span] = []
    length = 0
    for number, lines in enumerate(paragraphs):
        if number:
            pieces.append("\n")
            length += 1
        for index, line in enumerate(lines):
            text = line.text
            following = lines[index + 1].text if index + 1 < len(lines) else None
            if following is not None:
                text = _line_end(text, following, words)
            spans.append(Span(length, length + len(text), line.page, line.x0, line.y0, line.x1, line.y1))
            pieces.append(text)
            length += len(text)
    return FlowingText("".join(pieces), spans)


def _line_end(text: str, following: str, words: Counter[str]) -> str:
    """The line with what joins it to the next: nothing in Chinese, a blank in English, a hyphen undone or kept."""
    if text.endswith("\u00ad"):
        return text[:-1]
    hyphen = _HYPHEN_END.search(text)
    rest = _WORD.match(following)
    if hyphen and rest and following[0].islower():
        left, right = hyphen.group(1).lower(), rest.group().split("-")[0].lower()
        compound, whole = words[f"{left}-{right}"], words[left + right]
        return text if compound > whole else text[:-1]
    if _CJK_EDGE.match(text[-1]) or _CJK_EDGE.match(following[0]):
        return text
    return f"{text} "
