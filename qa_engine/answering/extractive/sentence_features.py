"""What says how well each of several sentences answers a question: features that can be compared within the question."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache

from qa_engine.answering.across_languages.asked_words import NAMING_WEIGHT, AskedWords, HeldShares, is_across
from qa_engine.answering.extractive.question_kinds import QuestionKind
from qa_engine.answering.extractive.rows import (
    AskedLabel,
    Cell,
    Row,
    label_match,
    period_match,
    row_period_match,
)
from qa_engine.retrieval.dictionary.dictionary import Dictionary
from qa_engine.retrieval.glossary.glossary import Glossary
from qa_engine.retrieval.reranking.cross_lingual_offset import INTERACTION, language_shift
from qa_engine.text.tokenizer import fold, tokenize

_PARENT_COMPANY = re.compile(
    r"(?<!归属于)(?<!归属)(?<!归)母公司(?!所有者|股东|的?净利|净利|[和与及、])|单体报?表|\bparent company\b",
    re.IGNORECASE,
)
_NET = re.compile(r"净|\bnet\b", re.IGNORECASE)
_PAIR = re.compile(
    r"[^\w（(]{0,3}(?:[(（]?[0-9一二三四五六七八九十]{1,2}[)）.、]\s*)?([^：:。；，,;\s]{2,14})[：:]\s*(\S.*)"
)
_ENUMERATION = re.compile(
    r"[^、]{1,14}、[^、]{1,14}(?:、|和|及|以及|与)|第一.+第二|[（(]1[)）].+[（(]2[)）]|[①一]、?.+[②二]、|\bfirst\b.+\bsecond\b"
    r"|\b[^,;.]{2,40}, [^,;.]{2,40},? (?:and|or) \w"
)
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕"
    "丁任卢姚沈钟姜崔谭陆范汪廖石贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万钱戴严孔汤"
)
_PERSON = re.compile(
    r"\b[A-Z][a-z]+(?: [A-Z]\.)? [A-Z][a-z]{2,}\b|[\u4e00-\u9fff]{1,4}·[\u4e00-\u9fff]{1,4}"
    rf"|(?:[：:为是由、，；。\s]|^)[{_SURNAMES}][\u4e00-\u9fff]{{1,2}}(?=[、，；。,;\s（(A-Z]|先生|女士|$)"
    r"|先生|女士|等人"
)
"""What may be the name of a person."""
_COUNTING = re.compile(
    r"^\s*(?:[（(]?[0-9一二三四五六七八九十]{1,3}[)）、．]|[0-9]{1,2}\.(?![0-9])"
    r"|[0-9]{1,2}(?:\.[0-9]{1,2}){1,3}(?=\s|[\u4e00-\u9fff])(?!\s*[万亿元年月米个倍吨]))"
    r"|第[0-9一二三四五六七八九十百]+[条章节款项](?:之[一二三四五六七八九十])?"
)
"""Numbers of sentences and articles, which answer nothing."""
_CHANCE = frozenset({"fiscal"})
"""A term that matches by chance: it stands above many columns of years."""
_REPORT_YEAR = re.compile(r"(20[0-9]{2})\s*(?:年|[Aa]nnual|10-?[KQ])")
_ANY_COMPANY = frozenset(tokenize("公司企业单位 公司 企业 单位 有限公司 company"))
"""Terms in the names of many documents that tell none: a question about rules of 公司 is not about the firm whose report has
the word in its title."""
_FULL_TRUST = 0.5
"""From this share of the question's terms on that the candidates hold together, shares of these terms count in full."""


@dataclass(frozen=True)
class Candidate:
    """A sentence that may be quoted.

    Attributes:
        text: the sentence.
        rank: rank of its passage, from 0. The sentences of a passage follow one another, in reading order.
        support: how well it supports the question, -1 to 1.
        titles: the titles above it.
        quotable: whether it may be quoted; a heading may not, but its words count beside others.
        table: number of the table that it is a row of.
        document: what names its document: the title, the organisation, the name of the file.
        articles: the articles and clauses that it stands in, see `clauses.articles_of`.
        listed: whether it is an item or the lead-in of a list.
        part: the part of the question that its passage was found for; empty for a question of one part.
        place: its place among the sentences of its passage and around it, from 0; None if they follow one another.
    """

    text: str
    rank: int
    support: float = 0.0
    titles: str = ""
    quotable: bool = True
    table: int | None = None
    document: str = ""
    articles: frozenset[str] = frozenset()
    listed: bool = False
    part: str = ""
    place: int | None = None

    @property
    def pair(self) -> Row | None:
        """Its label and what it says; also of a line of text that is a key and its value, such as • 邮箱：hr@example.com."""
        if self.table is None and (line := _PAIR.match(self.text)):
            return Row(line[1], "", (Cell("", line[2]),))
        return self.row

    @property
    def row(self) -> Row | None:
        """Its label and cells; None for running text."""
        return Row.of(self.text) if self.table is not None else None


@dataclass(frozen=True)
class SentenceFeatures:
    """The features of a sentence that say how well it answers the question.

    Attributes:
        support: how well the sentence supports the question, -1 to 1.
        rank: rank of its passage, from 0.
        with_before: share, 0 to 1, of the question's terms that are in the sentence or in the one before it.
        with_titles: share of these terms that are in the sentence or in the titles above it.
        time: 1 if the question asks for a time, and the sentence holds one that is not in the question; else 0.
        number: the same for a number.
        place: 1 if the question asks for a place, and the sentence may hold one; else 0.
        reason: 1 if the question asks for a reason, and the sentence may hold one; else 0.
        precise: 1 if it may hold the more precise kind of thing that is asked for, such as a ratio; else 0.
        label: for a row, how well its label and the names of its columns match what is asked, 0 to 1; else 0.
        period: 1 if it is of a period that is asked for, -1 if it is of others only; else 0.
        scope: -1 if it is of the parent company alone, and the question is not; 1 if both are; else 0.
        document: share of the question's terms that name documents that its own document's name holds, 0 to 1.
        article: 1 if it stands in the article that is asked for; else 0.
        person: 1 if it asks who somebody is, and the sentence may name a person; else 0.
        enumerates: 1 if several things are asked for, and it is of a list or names several; else 0.
        gross: 1 if a net amount is asked for, and it is a row whose label says nothing of one; else 0.
    """

    support: float
    rank: float
    with_before: float
    with_titles: float
    time: float = 0.0
    number: float = 0.0
    place: float = 0.0
    reason: float = 0.0
    precise: float = 0.0
    label: float = 0.0
    period: float = 0.0
    scope: float = 0.0
    document: float = 0.0
    article: float = 0.0
    person: float = 0.0
    enumerates: float = 0.0
    gross: float = 0.0

    def values(self) -> tuple[float, ...]:
        """The numbers, in the order of `FEATURES`."""
        return tuple(getattr(self, name) for name in FEATURES)


FEATURES = tuple(field.name for field in fields(SentenceFeatures))


def sentence_features(
    question: str,
    candidates: Sequence[Candidate],
    glossary: Glossary | None = None,
    dictionary: Dictionary | None = None,
) -> list[SentenceFeatures]:
    """The features of each candidate.

    The terms are those of BM25: traditional and simplified characters are the same, and question words are left out. The
    fewer candidates hold a term, the more it weighs. A term that no candidate holds does not count. If these are most of
    the question's terms, as between two languages, the others match by chance, and their shares are made smaller.

    Args:
        question: the question as it was asked.
        candidates: the sentences, passage by passage.
        glossary: what documents write for the terms of questions, which counts as these in running text; None for nothing.
        dictionary: has the words of questions in the other language, for sentences in that; None for nothing.
    """
    question_terms = set(tokenize(question)) - _CHANCE
    kind = QuestionKind.of(question)
    naming = naming_terms(question, candidates)
    translated = AskedWords.of(question, dictionary, [candidate.text for candidate in candidates])
    across = [bool(translated.words) and is_across(question, candidate.text) for candidate in candidates]
    held = HeldShares(translated, [one.text for one in candidates], across, naming)
    known = glossary.terms(question) if glossary is not None else ()
    meant = [
        ([word.lower() for word in term.words], question_terms.intersection(tokenize(term.term)))
        for term in known
    ]

    @cache
    def shared_terms(text: str) -> frozenset[str]:
        return frozenset(question_terms.intersection(tokenize(text))) if text else frozenset()

    def written(candidate: Candidate) -> set[str]:
        # The labels of rows are compared with these words as a whole.
        if not meant or candidate.table is not None:
            return set()
        text = fold(candidate.text).lower()
        return {term for words, terms in meant if any(word in text for word in words) for term in terms}

    matches = [shared_terms(candidate.text) | written(candidate) for candidate in candidates]
    within = [terms for terms, is_other in zip(matches, across, strict=True) if not is_other]
    counts = Counter(term for terms in within for term in terms)
    weights = {
        term: math.log((len(within) + 1) / (count + 0.5)) * (NAMING_WEIGHT if term in naming else 1.0)
        for term, count in counts.items()
    }
    total = sum(weights.values())
    trust = min(1.0, len(counts) / (_FULL_TRUST * len(question_terms))) if question_terms else 0.0

    def share(terms: set[str] | frozenset[str]) -> float:
        # In a fixed order: sums of floats differ by their order, and sets have none.
        weight = sum(weights[term] for term in sorted(terms) if term in weights)
        return trust * weight / total if total > 0 else 0.0

    telling = naming - _ANY_COMPANY
    asked = AskedLabel.of(question, naming, known, translated)
    answering = _answering(kind, fold(question), candidates)
    of_net = bool(_NET.search(question))
    of_parent = bool(_PARENT_COMPANY.search(question))
    features = []
    for index, candidate in enumerate(candidates):
        row, pair = candidate.row, candidate.pair
        # A row needs no sentence before it: that is another row, and may hold the label that is asked for.
        follows = index > 0 and candidates[index - 1].rank == candidate.rank and row is None
        before = matches[index - 1] if follows else frozenset()
        if across[index]:
            with_before = held.share(candidate.text, candidates[index - 1].text if follows else "")
            with_titles = held.share(candidate.text, candidate.titles)
        else:
            with_before = share(matches[index] | before)
            with_titles = share(matches[index] | shared_terms(candidate.titles))
        year = report_year(candidate.document, candidate.titles)
        parents = (
            bool(_PARENT_COMPANY.search(candidate.titles))
            and "合并" not in candidate.titles.rpartition("›")[2]
        )
        features.append(
            SentenceFeatures(
                # Of texts in two languages, those in the language of the question would always be ahead.
                candidate.support
                + (language_shift(question, candidate.text, INTERACTION) if across[index] else 0.0),
                candidate.rank,
                with_before,
                with_titles,
                label=label_match(pair, asked, candidate.titles.rpartition("›")[2]) if pair else 0.0,
                period=row_period_match(row, kind, year) if row else period_match(candidate.text, kind, year),
                scope=(1.0 if of_parent else -1.0) if parents else 0.0,
                document=len(shared_terms(candidate.document) & telling) / len(telling) if telling else 0.0,
                article=float(kind.article in candidate.articles),
                enumerates=float(
                    kind.gathers and (candidate.listed or bool(_ENUMERATION.search(candidate.text)))
                ),
                gross=float(of_net and row is not None and not _NET.search(f"{row.label} {row.corner}")),
                **answering[index],
            )
        )
    return features


def report_year(*names: str) -> int | None:
    """The year that a document reports on, by the first of its names that says so; None if none does."""
    return next((int(year[1]) for name in names if (year := _REPORT_YEAR.search(name))), None)


def naming_terms(question: str, candidates: Sequence[Candidate]) -> frozenset[str]:
    """The terms of a question that are in the names of the candidates' documents."""
    names = dict.fromkeys(candidate.document for candidate in candidates)
    return frozenset(tokenize(question)) & {term for name in names for term in tokenize(name)}


def _answering(kind: QuestionKind, question: str, candidates: Sequence[Candidate]) -> list[dict[str, float]]:
    """For each candidate the features of the kind of thing that is asked for; empty if it holds no such thing.

    A time or a number that stands in the question itself answers nothing, nor does one in the name of a column.
    """
    known = set(kind.answers.findall(question)) if kind.answers and kind.name in {"time", "number"} else set()
    found = []
    for candidate in candidates:
        row = candidate.row
        text = _COUNTING.sub(" ", fold(candidate.text))
        signs = {}
        if kind.answers and set(kind.answers.findall(fold(row.values) if row else text)) - known:
            signs[kind.name] = 1.0
        # What the cells of a row count or measure may stand in the title of the table.
        titled = f"{candidate.titles.rpartition('›')[2]}；{text}" if row and kind.counts_people else text
        if kind.precise and kind.precise.search(titled):
            signs["precise"] = 1.0
        figures_only = row is not None and all(cell.is_figure for cell in row.cells)
        named = f"{row.label} {row.values}" if row else candidate.text
        if kind.asks_person and not figures_only and _PERSON.search(named):
            signs["person"] = 1.0
        found.append(signs)
    return found
