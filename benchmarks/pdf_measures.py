"""What the PDF benchmarks count, on readings that are already there."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pymupdf
from pdf_pages import Break, MadePdf
from rapidfuzz.distance import Indel
from reference_markdown import normalise, sentence_key

_MARKS = re.compile(r"[*_`#\\|]")
_DIGITS = re.compile(r"\d+")
_MARGIN = 0.12
_REPEATED_SHARE = 0.2
_ROW = 4.0
_MIN_SOUGHT = 3
_LONG = 12
_MIN_BODY = 20
_LEADER = "....."
"""The dots of a table of contents, which readers may leave out."""
_BODY_SAMPLE = 1000
_MIN_STRUCK, _STRUCK = 2, 8
_UNIT = "\x00"


@dataclass(frozen=True)
class Found:
    """Of ``total`` sentences: those that are one unit, those inside one unit, those anywhere in the text."""

    equal: int
    within: int
    in_text: int
    total: int

    def __add__(self, other: Found) -> Found:
        return Found(
            self.equal + other.equal,
            self.within + other.within,
            self.in_text + other.in_text,
            self.total + other.total,
        )


NOTHING_FOUND = Found(0, 0, 0, 0)


@dataclass(frozen=True)
class Leftover:
    """Lines of running matter, and those that a reader left in its text."""

    left: int
    total: int

    def __add__(self, other: Leftover) -> Leftover:
        return Leftover(self.left + other.left, self.total + other.total)


def similarity(text: str, reference: str) -> float:
    """Indel similarity of the normalised texts, from 0 to 1."""
    return float(Indel.normalized_similarity(normalise(text), normalise(reference)))


def struck_parts(path: Path) -> list[str]:
    """What a PDF strikes out, by MuPDF's own flag, as pieces of the keys of its sentences.

    The flag is one character too wide at both ends.
    """
    texts, current = list[str](), ""
    flags = pymupdf.TEXT_PRESERVE_WHITESPACE | pymupdf.TEXT_COLLECT_STYLES
    with pymupdf.open(path) as document:
        blocks = [block for page in document for block in page.get_text("dict", flags=flags)["blocks"]]
    for span in (span for block in blocks for line in block.get("lines", ()) for span in line["spans"]):
        if span["char_flags"] & pymupdf.mupdf.FZ_STEXT_STRIKEOUT:
            current += span["text"]
        else:
            texts.append(current)
            current = ""
    keys = [sentence_key(text)[1:-1] for text in [*texts, current]]
    return [
        key[start : start + _STRUCK]
        for key in keys
        for start in range(max(len(key) - _STRUCK, 0) + 1)
        if len(key) >= _MIN_STRUCK
    ]


def find_sentences(keys: Sequence[str], units: Iterable[str], text: str) -> Found:
    """How many of the keys a reader gives whole.

    Args:
        keys: of the sentences, from `sentence_key`.
        units: what the reader gives as sentences.
        text: all that it gives.
    """
    given = [sentence_key(unit) for unit in units]
    whole = set(given)
    inside = _UNIT.join(given)
    everything = normalise(text)
    return Found(
        sum(key in whole for key in keys),
        sum(key in inside for key in keys),
        sum(key in everything for key in keys),
        len(keys),
    )


def find_breaks(breaks: Sequence[Break], units: Iterable[str], text: str) -> Found:
    """How many of the sentences that go over a page break a reader gives whole."""
    return find_sentences([sentence_key(one.sentence) for one in breaks], units, text)


def running_left(made: MadePdf, text: str) -> Leftover:
    """Known lines of the margins that are left in a text of a made PDF.

    Every appearance counts, up to the number of pages that carry the line; those that belong there (the title of a
    chapter at its beginning) do not. Longer ones are looked for first, so that none is found in another.
    """
    plain = _MARKS.sub("", unicodedata.normalize("NFKC", text))
    pages = Counter(line.sought for line in made.running)
    left = 0
    for sought, times in sorted(pages.items(), key=lambda item: -len(item[0])):
        pattern = _pattern(sought)
        found = len(pattern.findall(plain)) - made.headings.count(sought)
        plain = pattern.sub(" ", plain)
        left += min(max(found, 0), times)
    return Leftover(left, sum(pages.values()))


def _pattern(sought: str) -> re.Pattern[str]:
    """The characters with any blanks between them; a short one not inside a longer word or number."""
    characters = "".join(unicodedata.normalize("NFKC", sought).split())
    body = r"\s*".join(map(re.escape, characters))
    short = len(characters) < _LONG
    before = r"(?<![A-Za-z0-9])" if short and characters[0].isascii() else ""
    after = r"(?![A-Za-z0-9])" if short and characters[-1].isascii() else ""
    return re.compile(before + body + after)


@dataclass(frozen=True)
class BookMargins:
    """What stands again and again in the margins of a book.

    Attributes:
        lines: how often each text stands there; digits are as printed.
        elsewhere: how often each of these texts stands in the rest of the book.
        pages: of the book.
        body: lines from between the margins, a sample over the book.
    """

    lines: Counter[str]
    elsewhere: Counter[str]
    pages: int
    body: list[str]


def book_margins(path: Path) -> BookMargins:
    """Lines that stand in the top or bottom 12 % of more than 20 % of the pages, at one height, digits apart.

    This rule knows nothing of the project's: it looks at the lines of plain PyMuPDF.
    """
    places: dict[tuple[str, int], list[tuple[int, str]]] = defaultdict(list)
    every: list[str] = []
    body: list[str] = []
    with pymupdf.open(path) as document:
        pages = len(document)
        for page in document:
            height = page.rect.height
            for block in page.get_text("dict")["blocks"]:
                for line in block.get("lines", []):
                    text = normalise("".join(span["text"] for span in line["spans"]))
                    every.append(text)
                    middle = (line["bbox"][1] + line["bbox"][3]) / 2
                    if text and not _MARGIN * height < middle < (1 - _MARGIN) * height:
                        place = _DIGITS.sub("#", text), round(middle / _ROW)
                        places[place].append((page.number, text))
                    elif len(text) >= _MIN_BODY and _LEADER not in text:
                        body.append(text)
    lines: Counter[str] = Counter()
    for found in places.values():
        if len({number for number, _ in found}) > _REPEATED_SHARE * pages:
            lines.update(text for _, text in found)
    everything = "\n".join(every)
    elsewhere = Counter({text: everything.count(text) - times for text, times in lines.items()})
    return BookMargins(lines, elsewhere, pages, body[:: max(len(body) // _BODY_SAMPLE, 1)])


def book_running_left(margins: BookMargins, text: str) -> Leftover:
    """Running lines of a book that are left in a text.

    A text of at least three characters that are no digits is counted wherever it stands, less its appearances in the
    body. A shorter one, such as a page number, counts only where it is a line of its own.
    """
    plain = normalise(text)
    rows = Counter(normalise(line) for line in text.split("\n"))
    left = 0
    for sought, times in margins.lines.items():
        if len(_DIGITS.sub("", sought)) >= _MIN_SOUGHT:
            found = plain.count(sought) - max(margins.elsewhere[sought], 0)
        else:
            found = rows[sought] - max(margins.elsewhere[sought], 0)
        left += min(max(found, 0), times)
    return Leftover(left, sum(margins.lines.values()))


def book_body_kept(margins: BookMargins, text: str) -> float:
    """Share of the sampled lines of the body that a text holds: a text that is garbled holds no running matter."""
    plain = normalise(text)
    return sum(line in plain for line in margins.body) / len(margins.body) if margins.body else 1.0
