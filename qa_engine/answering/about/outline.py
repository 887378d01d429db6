"""The outline of a document: its chapters, articles and pages, as its stored sentences tell them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from qa_engine.answering.about.numerals import ROMAN, ordinal
from qa_engine.answering.extractive.clauses import article_range
from qa_engine.answering.extractive.question_kinds import article_at_start
from qa_engine.documents.blocks import SECTION_MARK, Role
from qa_engine.documents.identity.organisations import squeezed
from qa_engine.index.records import StoredSentence
from qa_engine.retrieval.passages.builder import passage_sentence

_NUMERAL = r"[0-9]{1,3}|[〇零一二三四五六七八九十百]{1,5}"
_NUMBERED = re.compile(
    rf"^\W*(?:第\s*(?P<han>{_NUMERAL})\s*(?P<unit>章|节|编|篇|卷|部分)"
    rf"|(?P<word>chapter|section|part)\s+(?P<number>[0-9]{{1,3}}|{ROMAN})\b"
    r"|(?P<plain>[0-9]{1,2})(?:[.．、](?![0-9])|\s)\s*(?=[^\W\d])|(?P<item>[一二三四五六七八九十]{1,3})、)",
    re.I,
)
_WORDS = {"chapter": "章", "section": "节", "part": "部分"}
_CONTENTS = re.compile(r"^\W*(?:目\s*[录次]|contents|table of contents)\W*$", re.I)
_CALLED_ALIKE = {
    chinese: f"{chinese}|{english}"
    for chinese, english in (
        ("摘要", "abstract|executive summary|summary|内容提要"),
        ("引言", "introduction|绪论|导言|前言"),
        ("导言", "introduction|引言"),
        ("前言", "preface|foreword|introduction|序言|引言"),
        ("结论", "conclusion|conclusions|结语"),
        ("结语", "conclusion|conclusions|结论"),
        ("附录", "appendix|附件"),
        ("附件", "annex|appendix|schedule|附录"),
        ("致谢", "acknowledgements|acknowledgments|acknowledgement"),
        ("参考文献", "references|bibliography"),
    )
}
_CALLED_ALIKE |= {
    english: f"{english}|{names}" for names in _CALLED_ALIKE.values() for english in names.split("|")[1:]
}
"""What else the parts are called that many documents have."""
_LEAST_BELOW = 3
"""Titles below the last one of several that make it the title of the whole."""
_SENTENCES = 8
"""Sentences of a part that has no title of its own."""
_LINE = 40
"""A line of so many characters that begins with the number of a chapter is its title."""
_ALIKE = {"篇": "编", "卷": "编"}
_ABOVE = frozenset({"编", "部分"})
"""What is above chapters, which may be counted anew in each."""
_REFERS = re.compile(r"^\W*第[^条]{1,9}条(?:之.)?(?:规定|所|的|第|中(?:规定|所|的|，)|及|和|、|，|至|或|与)")
"""A sentence that begins with the number of an article and speaks of it."""


@dataclass(frozen=True)
class Heading:
    """A title of the outline.

    Attributes:
        path: it with the titles above it, from the outermost on.
        place: index of the first sentence that stands under it, which is the title itself as a rule.
        unit: what it is numbered as: ``章``, ``节``, ``编`` or ``部分``; empty without a word for it.
        number: its number; 0 without one.
    """

    path: tuple[str, ...]
    place: int
    unit: str = ""
    number: int = 0

    @property
    def title(self) -> str:
        """The title alone."""
        return self.path[-1]


def headings(sentences: Sequence[StoredSentence]) -> list[Heading]:
    """The titles that sentences stand under, in order, each once, without that of the contents."""
    found: dict[tuple[str, ...], Heading] = {}
    for place, sentence in enumerate(sentences):
        if sentence.metadata.get("role") == Role.CONTENTS:
            continue
        path = tuple(filter(None, str(sentence.metadata.get("section") or "").split(SECTION_MARK)))
        for depth in range(1, len(path) + 1):
            own = path[:depth]
            if own not in found and not _CONTENTS.match(own[-1]):
                found[own] = Heading(own, place, *_number(own[-1]))
    return list(found.values())


def chapters(sentences: Sequence[StoredSentence], unit: str = "章节") -> list[Heading]:
    """The chapters of a document, or what else it is divided into; empty if that is not known.

    Args:
        sentences: all of the document.
        unit: what is asked for, see `AboutQuestion.unit`. Where nothing is numbered so, the outermost titles are meant.
    """
    outline = headings(sentences)
    wanted = ("章", "节") if unit == "章节" else (unit,)
    for one in wanted:
        own = _once([heading for heading in outline if heading.unit == one])
        if not own:
            own = _once(_lines(sentences, one))
        if len(own) > 1 or (own and unit != "章节"):
            return own
    return _outermost(outline)


def part(sentences: Sequence[StoredSentence], unit: str, number: int) -> list[StoredSentence]:
    """The sentences of the chapter, or other part, of a number (-1: the last one); empty if there is none."""
    own = chapters(sentences, unit)
    if unit == "节" and not any(heading.unit == unit for heading in own):
        # “Section 3” of an English paper is what its titles number alone.
        own = [heading for heading in headings(sentences) if not heading.unit and heading.number] or own
    if number > 0 and not any(heading.unit or heading.number for heading in own):
        # 第三部分 of a text whose titles have no numbers is the third one.
        wanted = own[number - 1 : number]
    else:
        wanted = own[-1:] if number < 0 else [heading for heading in own if heading.number == number]
    return _under(sentences, wanted[0], own) if wanted else []


def section(sentences: Sequence[StoredSentence], name: str) -> list[StoredSentence]:
    """The sentences of the part that is called so, or whose title ends or begins so; empty if there is none."""
    outline = headings(sentences)
    wanted = [squeezed(one) for one in _CALLED_ALIKE.get(name.lower(), name).split("|")]
    for fits in (str.__eq__, str.endswith, str.startswith):
        for heading in outline:
            title = squeezed(_NUMBERED.sub("", heading.title))
            if any(fits(title, one) for one in wanted):
                return _under(sentences, heading, outline)
    for place, one in enumerate(sentences):
        if one.metadata.get("role") != Role.CONTENTS and any(_begins(one.text, name) for name in wanted):
            return list(sentences[place : place + _SENTENCES])
    return []


def _begins(text: str, name: str) -> bool:
    """Whether a sentence begins with the name of a part, as with 摘要：."""
    spaced = r"\s*".join(map(re.escape, name))
    return bool(re.match(rf"\W*{spaced}\s*(?:[:：.—–-]|$)", text, re.I))


def _under(
    sentences: Sequence[StoredSentence], first: Heading, own: Sequence[Heading]
) -> list[StoredSentence]:
    """The sentences that stand under a title, up to the next one of its kind."""
    depth = len(first.path)
    if _path(sentences[first.place])[:depth] == first.path:
        return [one for one in sentences[first.place :] if _path(one)[:depth] == first.path]
    after = [heading.place for heading in own if heading.place > first.place]
    return list(sentences[first.place : min(after, default=len(sentences))])


def article(sentences: Sequence[StoredSentence], number: int) -> list[StoredSentence]:
    """The sentences of an article, as 第七条 or Article 7 begins it (-1: the last one); empty if there is none.

    Where nothing is called an article, it is what the titles number alone, as those of an English contract do.
    """
    found = _article_places(sentences)
    if not found:
        return [] if number < 0 else part(sentences, "节", number)
    places = found.get(max(found) if number < 0 else number, [])
    if not places:
        return []
    parts = [passage_sentence(one) for one in sentences]
    own = article_range(parts, places[0], f"{number}条") or range(places[0], places[0] + 1)
    return list(sentences[own.start : own.stop])


def articles(sentences: Sequence[StoredSentence]) -> dict[int, StoredSentence]:
    """The first sentence of each article, by its number."""
    return {number: sentences[places[0]] for number, places in sorted(_article_places(sentences).items())}


def on_page(sentences: Sequence[StoredSentence], page: int) -> list[StoredSentence]:
    """The sentences that begin or end on a page, from 1."""
    return [
        one
        for one in sentences
        if (first := one.metadata.get("page")) is not None
        and first <= page <= (one.metadata.get("page_end") or first)
    ]


def _article_places(sentences: Sequence[StoredSentence]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for place, sentence in enumerate(sentences):
        text = sentence.text
        if sentence.metadata.get("role") == Role.CONTENTS or sentence.metadata.get("table") is not None:
            continue
        begins = article_at_start(text)
        if not begins.endswith("条"):
            english = re.match(rf"\W*article\s+([0-9]{{1,3}}|{ROMAN})\b", text, re.I)
            begins = f"{ordinal(english[1])}条" if english is not None else ""
        if begins and begins[:-1].isdigit() and not _REFERS.match(text):
            found.setdefault(int(begins[:-1]), []).append(place)
    return found


def _lines(sentences: Sequence[StoredSentence], unit: str) -> list[Heading]:
    """Short lines that begin as titles of chapters do, where the outline has none."""
    found = []
    for place, sentence in enumerate(sentences):
        role = sentence.metadata.get("role")
        if (
            len(sentence.text) <= _LINE
            and role not in {Role.CONTENTS, Role.TABLE}
            and sentence.text[-1:] not in "。；"
        ):
            own, number = _number(sentence.text)
            if own == unit and number:
                found.append(Heading((sentence.text.strip(),), place, own, number))
    return found


def _once(titles: Sequence[Heading]) -> list[Heading]:
    """Titles of different numbers; below each part that chapters are counted anew in, if there is one."""
    found: dict[tuple[object, ...], Heading] = {}
    for heading in titles:
        above = tuple(title for title in heading.path[:-1] if _number(title)[0] in _ABOVE | {"章"})
        found.setdefault((above, heading.number), heading)
    return list(found.values())


def _outermost(outline: Sequence[Heading]) -> list[Heading]:
    """The outermost titles of which there are several, such as those below the title of a document."""
    above: tuple[str, ...] = ()
    while True:
        own = [one for one in outline if one.path[:-1] == above]
        last = own[-1].path if own else ()
        below = sum(one.path[:-1] == last for one in outline) if last else 0
        # Lines above the title of a document are titles as well, with nothing below.
        alone = all(one.path[:-1] != other.path for other in own[:-1] for one in outline)
        if len(own) != 1 and not (alone and below >= _LEAST_BELOW):
            return own if len(own) > 1 else []
        above = last


def _path(sentence: StoredSentence) -> tuple[str, ...]:
    return tuple(filter(None, str(sentence.metadata.get("section") or "").split(SECTION_MARK)))


def _number(title: str) -> tuple[str, int]:
    """What a title is numbered as, and its number."""
    match = _NUMBERED.match(title)
    if match is None:
        return "", 0
    unit = _ALIKE.get(match["unit"], match["unit"]) or _WORDS.get((match["word"] or "").lower(), "")
    return unit, ordinal(match["han"] or match["number"] or match["plain"] or match["item"])
