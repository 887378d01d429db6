"""What can be said about a document in answer to a question about it, each statement with the passage that it cites."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from qa_engine.answering.about.outline import Heading, article, articles, chapters, headings, part
from qa_engine.answering.about.printed import author_line, by_lines, date_line, issuer_line
from qa_engine.documents.blocks import Role
from qa_engine.documents.identity.organisations import squeezed
from qa_engine.documents.sentences.node_parser import DOUBT
from qa_engine.index.records import StoredSentence
from qa_engine.retrieval.passages.documents import SearchedDocument
from qa_engine.text.language import chinese_size
from qa_engine.text.one_line import one_line
from qa_engine.types import Passage

_LATIN_RATIO = 2.0
_MAX_TITLES, _MAX_TITLE = 60, 60
_NO_AUTHOR = re.compile(
    r"(?:admin(?:istrator)?|users?|owner|unknown|author|microsoft.*|\(?anonymous\)?|作者|用户|未知|pc|default|root|hp|lenovo|dell|windows.*"
    r"|[\W\d_]*)\d*",
    re.I,
)
"""What programs write where nobody said who the author is."""
_ABSTRACT = re.compile(
    r"^\W*(?:[0-9.]*\s*)(?:摘\s*要|内容提要|内容简介|概\s*述|abstract|executive summary|summary)\b", re.I
)
_NO_LEAD = frozenset({Role.HEADING, Role.CONTENTS, Role.CAPTION, Role.FOOTNOTE, Role.NOTE, Role.FIGURE})
_LEAST_LEAD = 10
_NO_SENTENCE = re.compile(r"^[（(][^（(]*[）)]$")
"""A line in brackets, as below the title of a law."""


@dataclass(frozen=True)
class Statement:
    """Something that is said of a document.

    Attributes:
        text: what is said.
        passage: what it cites.
        quoted: whether the text of the passage follows, as a quotation.
        after: what is said behind the citation.
    """

    text: str
    passage: Passage
    quoted: bool = False
    after: str = ""


@dataclass(frozen=True)
class DocumentFacts:
    """A document, and its sentences that may be shown.

    Attributes:
        document: the document.
        sentences: at least one.
    """

    document: SearchedDocument
    sentences: Sequence[StoredSentence]

    @property
    def name(self) -> str:
        """The name of its file, as answers write it."""
        return f"《{one_line(self.document.file.file_name)}》"

    @property
    def title(self) -> str:
        """Its title: its first line, where what is noted as the title is but the name of the file."""
        identity = one_line(self.document.identity.title)
        stem = squeezed(self.document.file.file_name.rpartition(".")[0])
        first = one_line(self.sentences[0].text)
        is_line = self.sentences[0].metadata.get("page") in {None, 1} and 2 < len(first) <= _MAX_TITLE
        return first if is_line and squeezed(identity) in {stem, ""} else identity

    @property
    def front(self) -> Passage:
        """The passage that shows what document it is: its title, or its first sentence."""
        title = squeezed(self.title)
        near = self.sentences[:20]
        place = next((at for at, one in enumerate(near) if title and title in squeezed(one.text)), 0)
        return self.document.passage([self.sentences[place]])

    def pages(self) -> list[Statement]:
        """How many pages it has."""
        return [Statement(f"{self.name}共{self.document.file.pages}页", self.front)]

    def titles(self) -> list[Statement]:
        """What its title is."""
        return [Statement(f"{self.name}的标题是“{self.title}”", self.front)] if self.title else []

    def entry(self) -> Statement:
        """Its file, title and number of pages, as in a list of files."""
        stem = squeezed(self.document.file.file_name.rpartition(".")[0])
        titled = f"，题为“{self.title}”" if self.title and squeezed(self.title) != stem else ""
        return Statement(f"{self.name}{titled}，{self.document.file.pages}页", self.front)

    def authors(self) -> list[Statement]:
        """Who its metadata, and its first page, say wrote it."""
        said = []
        noted = self.document.identity.author.strip()
        if noted and not _NO_AUTHOR.fullmatch(noted):
            said.append(Statement(f"{self.name}的 PDF 元数据中写明的作者是{one_line(noted)}", self.front))
        line = author_line(self._certain)
        if line is not None:
            said.append(Statement(f"{self.name}第1页写有", self.document.passage([line]), quoted=True))
        if not said and (lines := by_lines(self._certain)):
            said.append(Statement(f"{self.name}第1页的署名是", self.document.passage(lines), quoted=True))
        return said

    def issuers(self) -> list[Statement]:
        """Who its first page says issued it, which organisation it is of, and its author in the metadata."""
        said = []
        line = issuer_line(self._certain)
        if line is not None:
            said.append(Statement(f"{self.name}第1页写有", self.document.passage([line]), quoted=True))
        owner = one_line(self.document.identity.organisation)
        if owner and (line is None or owner not in line.text):
            said.append(Statement(f"{self.name}是{owner}的", self.front))
        shown = {one.passage.node_id for one in said if one.quoted}
        return said + [one for one in self.authors() if not (one.quoted and one.passage.node_id in shown)]

    def dates(self, created: bool) -> list[Statement]:
        """The date that is printed on it, and that in its metadata; with ``created`` the other way round."""
        said = []
        line = date_line(self._certain, self.document.file.pages)
        if line is not None:
            page = line.metadata.get("page")
            place = f"第{page}页" if page else ""
            passage = self.document.passage([line])
            said.append(Statement(f"{self.name}{place}印有", passage, quoted=True))
        date = self.document.identity.created
        if date:
            year, month, day = date.split("-")
            text = f"{self.name}的 PDF 元数据中的创建日期是{year}年{int(month)}月{int(day)}日"
            said.append(Statement(text, self.front))
        return said[::-1] if created else said

    def chapters(self, unit: str, number: int = 0) -> list[Statement]:
        """How many chapters or articles it has, and which; with a number, whether it has that one."""
        if number:
            lines = article(self.sentences, number) if unit == "条" else part(self.sentences, unit, number)
            if lines:
                return [
                    Statement(f"{self.name}有第{number}{unit}", self.document.passage(lines[:1]), quoted=True)
                ]
            lacks = f"{self.name}没有第{number}{unit}，"
            return [
                replace(one, text=lacks + one.text.removeprefix(self.name)) for one in self.chapters(unit)
            ]
        if unit == "条":
            return self._articles()
        own = chapters(self.sentences, unit)
        if not own:
            return []
        units = {heading.unit for heading in own}
        counted = (
            f"{len(own)}{units.pop()}" if len(units) == 1 and "" not in units else f"{len(own)}个一级标题"
        )
        lacks = f"没有以“{unit}”编号的标题，" if unit != "章节" and unit not in counted else ""
        names = "、".join(one_line(heading.title, _MAX_TITLE) for heading in own[:_MAX_TITLES])
        more = "等" if len(own) > _MAX_TITLES else ""
        return [Statement(f"{self.name}{lacks}共有{counted}：{names}{more}", self._listed(own))]

    def _articles(self) -> list[Statement]:
        own = articles(self.sentences)
        if len(own) < 2:
            return []
        first, last = min(own), max(own)
        passage = self.document.passage([own[last]])
        return [Statement(f"{self.name}共有{len(own)}条（第{first}条至第{last}条）", passage)]

    def _listed(self, own: Sequence[Heading]) -> Passage:
        """A passage of titles."""
        lines = [self.sentences[heading.place] for heading in own]
        return self.document.passage(lines, "\n".join(one.text for one in lines))

    def overview(self, size: float, leads: bool = False) -> list[Statement]:
        """Its title, what it begins with, and its chapters.

        Args:
            size: Chinese characters of its beginning that are quoted.
            leads: whether to quote the beginning of each chapter as well.
        """
        titled = f"题为“{self.title}”，" if self.title else ""
        said = [Statement(f"{self.name}{titled}共{self.document.file.pages}页", self.front)]
        lead = self.lead(size)
        if lead:
            said.append(Statement("开头写道", self.document.passage(lead), quoted=True))
        own = chapters(self.sentences)
        said += [Statement(one.text.removeprefix(self.name), one.passage) for one in self.chapters("章节")]
        for heading in own[:12] if leads else ():
            begin = self._beginning(self.sentences[heading.place :], size / 8)
            said += [Statement("", self.document.passage(begin), quoted=True)] if begin else []
        return said

    def lead(self, size: float) -> list[StoredSentence]:
        """Its abstract, or its first sentences of running text."""
        abstract = next(
            (
                at
                for at, one in enumerate(self.sentences[:200])
                if _ABSTRACT.match(one.text) and one.metadata.get("role") != Role.CONTENTS
            ),
            0,
        )
        return self._beginning(self.sentences[abstract:], size)

    def _beginning(self, sentences: Sequence[StoredSentence], size: float) -> list[StoredSentence]:
        found: list[StoredSentence] = []
        for one in sentences:
            usable = one.metadata.get("role") not in _NO_LEAD and not one.metadata.get(DOUBT)
            if not usable and length(found) >= size / 3:
                break
            telling = len(one.text) >= _LEAST_LEAD and not _NO_SENTENCE.match(one.text)
            if usable and (found or telling):
                found.append(one)
            if found and length(found) >= size:
                break
        return found

    def quotation(self, what: str, own: Sequence[StoredSentence], size: float) -> list[Statement]:
        """A part of it, quoted whole, or its beginning if it is longer than so many Chinese characters."""
        certain = [one for one in own if not one.metadata.get(DOUBT)]
        if not certain:
            return []
        kept = [certain[0]]
        for one in certain[1:]:
            if length([*kept, one]) > size:
                break
            kept.append(one)
        cut = len(kept) < len(certain)
        inside = [heading.title for heading in headings(own)[1:]] if cut else []
        named = (
            f"（较长，引文是其开头；其下标题有{'、'.join(inside[:20])}）"
            if inside
            else "（较长，引文是其开头）"
        )
        return [Statement(f"{self.name}{what}", self.document.passage(kept), True, named if cut else "")]

    @property
    def _certain(self) -> list[StoredSentence]:
        return [one for one in self.sentences if not one.metadata.get(DOUBT)]


def length(sentences: Sequence[StoredSentence]) -> float:
    """The length of sentences in Chinese characters."""
    return sum(chinese_size(one.text, _LATIN_RATIO) for one in sentences)
