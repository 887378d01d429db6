"""Articles of laws, and chapters and clauses, that a question names: which documents hold them, and what is next to them."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from functools import cached_property

from qa_engine.answering.answer import Nearest
from qa_engine.answering.refusal.holding import articles, name_of_document, pairs, works_in
from qa_engine.retrieval.passages.sources import PassageSources
from qa_engine.text.identifiers import Identifier, articles_of
from qa_engine.text.tokenizer import fold
from qa_engine.types import Passage

_NEAR_ARTICLES = 60
"""Articles that are looked up above a missing one; below it all are, so that the last one is told."""
_MOST_ARTICLES = 1500
FIRST_SENTENCES = 20
"""A document whose first sentences name a work is that work."""
_CLAUSE_AT_START = re.compile(r"\W*([0-9]{1,2}(?:\.[0-9]{1,2}){1,3})(?![0-9.%％]|\s*[万亿元年月米个倍])")
_ARTICLE_AT_START = re.compile(
    r"\W*(?:第\s*|[Aa]rticle\s+|[Cc]lause\s+)([0-9]{1,4}|[〇零一二三四五六七八九十百千两]{1,9})(?=\s*条|\W)"
)
_ENOUGH_CLAUSES = 3
"""Sentences that begin with the number of a clause, from which a document is one of clauses."""


class Articles:
    """Looks up the articles and clauses of one question in the collections and among its candidates."""

    def __init__(
        self, passages: Sequence[Passage], sources: PassageSources | None, same_language: bool
    ) -> None:
        """
        Args:
            passages: the candidates, best first.
            sources: looks up documents; None if there is nothing but the candidates.
            same_language: whether question and documents are in one language.
        """
        self._passages, self._sources, self._same_language = passages, sources, same_language

    def works(self, one: Identifier) -> Set[str]:
        """The documents that are the work that an article belongs to, or that name both together."""
        for work in works_in(one.work):
            found = {identifier for identifier, title in self._titles.items() if work in title}
            if self._sources is not None:
                found |= self._sources.documents_holding(pairs(work), within=FIRST_SENTENCES)
            if found:
                return found | self._documents([f"第{one.value}条", *pairs(one.work)])
            if one.marked:
                return self._documents([f"第{one.value}条", *pairs(work)])
        return set()

    def hold(self, one: Identifier, inside: Sequence[Passage]) -> bool:
        """Whether the documents of some passages have an article or a clause."""
        documents = {passage.document_id for passage in inside}
        if one.kind == "clause":
            return bool(self._documents([one.value]) & documents) or not self._is_numbered(one, inside)
        if one.marked and self._same_language and not self.works(one):
            return False
        if self._documents([f"第{one.value}条"]) & documents:
            return True
        return any(int(one.value) in articles(passage) for passage in inside)

    def begins(self, one: Identifier, passage: Passage) -> bool:
        """Whether a sentence or the section of a passage begins with an article or a clause."""
        titles = (title.strip() for title in passage.section.split(">"))
        form = _ARTICLE_AT_START if one.kind == "article" else _CLAUSE_AT_START
        texts = [*titles, *(sentence.text for sentence in passage.sentences if sentence.table is None)]
        found = {match[1] for text in texts if (match := form.match(fold(text)))}
        if one.kind == "article":
            return int(one.value) in set().union(*(articles_of(f"第{number}条") for number in found))
        return one.value in found

    def has_annex(self, one: Identifier) -> bool:
        """Whether the collections hold an annex, as 附件三 or 附件3; also if they hold no other one of that name."""
        word, number = re.fullmatch("([^0-9]+)([0-9]+)", one.value).groups()  # type: ignore[union-attr]
        if self._holds_annex(word, int(number)):
            return True
        return not any(self._holds_annex(word, other) for other in range(1, int(number) + _ENOUGH_CLAUSES))

    def _holds_annex(self, word: str, number: int) -> bool:
        import cn2an

        chinese = f"{word}{cn2an.an2cn(number)}".replace("一十", "十")
        form = re.compile(rf"{chinese}(?![一二三四五六七八九十])|{word}\s*{number}(?![0-9.])")
        if any(form.search(fold(f"{passage.section}\n{passage.text}")) for passage in self._passages):
            return True
        return bool(self._documents(pairs(chinese)))

    def nearest(self, one: Identifier, inside: Sequence[Passage]) -> list[Nearest]:
        """The articles before and behind one that is missing, or the clause before it."""
        files = {passage.document_id: passage.file_name for passage in inside}
        if one.kind == "clause":
            return self._nearest_clauses(one, inside, files)
        if one.marked and not self.works(one):
            return []
        number, found = int(one.value), []
        below = range(min(number, _MOST_ARTICLES) - 1, 0, -1)
        for others in (below, range(number + 1, number + _NEAR_ARTICLES)):
            for other in others:
                holding = self._documents([f"第{other}条"]) & set(files)
                if holding:
                    found.append(Nearest(f"第{other}条", "article", str(other), files[min(holding)]))
                    break
        return sorted(found, key=lambda near: abs(int(near.value) - number))

    def _nearest_clauses(
        self, one: Identifier, inside: Sequence[Passage], files: dict[str, str]
    ) -> list[Nearest]:
        for other in _others(one.value):
            if holding := self._documents([other]) & set(files):
                return [Nearest(other, "clause", other, files[min(holding)])]
        before = [other for other in _clauses(inside) if _parts(other) < _parts(one.value)]
        if before:
            last = max(before, key=_parts)
            return [Nearest(last, "clause", last, inside[0].file_name)]
        return []

    def _is_numbered(self, one: Identifier, inside: Sequence[Passage]) -> bool:
        """Whether the document of the best passage has other clauses, or chapters, that are called as one that it lacks."""
        if any(inside[0].document_id in self._documents([other]) for other in _others(one.value)):
            return True
        return "." in one.value and len(_clauses(inside)) >= _ENOUGH_CLAUSES

    @cached_property
    def _titles(self) -> dict[str, str]:
        """What documents are called, by document id."""
        titles = {passage.document_id: fold(name_of_document(passage)) for passage in self._passages}
        if self._sources is not None:
            for identifier, name in self._sources.file_names().items():
                titles.setdefault(identifier, fold(name))
        return titles

    def _documents(self, terms: Sequence[str]) -> Set[str]:
        return self._sources.documents_holding(terms) if self._sources is not None and terms else set()


def _clauses(inside: Sequence[Passage]) -> set[str]:
    """The clauses that sentences of the document of the best passage begin with."""
    own = [passage for passage in inside if passage.document_id == inside[0].document_id]
    texts = [sentence.text for passage in own for sentence in passage.sentences if sentence.table is None]
    return {match[1] for text in texts if (match := _CLAUSE_AT_START.match(text))}


def _parts(clause: str) -> list[int]:
    return [int(part) for part in re.findall("[0-9]+", clause)]


def _others(clause: str) -> list[str]:
    """The clauses before one, the nearest first: ``4.1.5`` to ``4.1.1`` for ``4.1.6``, ``第7章`` for ``第8章``."""
    before, number, after = re.fullmatch(r"(.*?)([0-9]+)(\D*)", clause).groups()  # type: ignore[union-attr]
    return [f"{before}{other}{after}" for other in range(int(number) - 1, 0, -1)]
