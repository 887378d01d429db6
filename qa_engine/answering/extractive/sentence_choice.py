"""Chooses the sentences that answer a question, by features that can be compared within the question.

Support alone finds a sentence about the right thing. Two further signs tell more often which of several such sentences
answers: the sentence, its titles and the sentence before it hold the words of the question between them; and the sentence
holds a number, a date, a place or a reason if the question asks for one.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache

from qa_engine.answering.extractive.question_kinds import QuestionKind
from qa_engine.answering.extractive.rows import (
    AskedLabel,
    Cell,
    Row,
    label_match,
    label_terms,
    period_match,
    row_period_match,
)
from qa_engine.retrieval.glossary.glossary import Glossary
from qa_engine.text.language import chinese_size
from qa_engine.text.tokenizer import fold, tokenize

_NAMING_WEIGHT = 0.25
"""A term of the question that is in the name of a document counts so much as another: it tells which document is meant, and
pulls towards the pages that repeat the name. Not nothing, as 劳动合同法 is about 劳动合同."""
_PARENT_COMPANY = re.compile(
    r"(?<!归属于)(?<!归属)(?<!归)母公司(?!所有者|股东|的?净利|净利|[和与及、])|单体报?表|\bparent company\b",
    re.IGNORECASE,
)
_PAIR = re.compile(
    r"[^\w（(]{0,3}(?:[(（]?[0-9一二三四五六七八九十]{1,2}[)）.、]\s*)?([^：:。；，,;\s]{2,14})[：:]\s*(\S.*)"
)
_ENUMERATION = re.compile(
    r"[^、]{1,14}、[^、]{1,14}(?:、|和|及|以及|与)|第一.+第二|[（(]1[)）].+[（(]2[)）]|[①一]、?.+[②二]、|\bfirst\b.+\bsecond\b"
)
_PERSON = re.compile(
    r"\b[A-Z][a-z]+(?: [A-Z]\.)? [A-Z][a-z]{2,}\b|(?:[：:为是由、\s]|^)[\u4e00-\u9fff]{2,4}(?=[、，；。,;\s]|先生|女士|$)"
    r"|先生|女士|等人"
)
"""What may be the name of a person."""
_OTHER_DOCUMENT = 0.3
"""A sentence of another document is quoted as well only if it is worth so much of what the best is."""
_CHANCE = re.compile(r"[的了是吗呢][\u4e00-\u9fff]$|fiscal$")
"""Terms that match by chance: a pair of characters from across two words, and a word above many columns of years."""
_REPORT_YEAR = re.compile(r"(20[0-9]{2})\s*(?:年|[Aa]nnual|10-?[KQ])")
_FULL_TRUST = 0.5
"""From this share of the question's terms on that the candidates hold together, shares of these terms count in full."""
WEIGHTS: Mapping[str, float] = {
    "support": 30.5,
    "rank": -0.7,
    "with_before": 1.1,
    "with_titles": 4.5,
    "time": 2.4,
    "number": 1.5,
    "place": 1.0,
    "reason": 1.3,
    "precise": 3.0,
    "label": 1.7,
    "period": 1.7,
    "scope": 2.6,
    "document": 1.5,
    "article": 2.5,
    "person": 2.0,
    "enumerates": 1.8,
    "qualified": -1.1,
}
"""Weights of `SentenceFeatures` in a conditional logit (McFadden, 1974): the probability of a sentence is the softmax,
over the candidates, of the weighted sum of its features.

Fitted as `benchmarks/quotes.py --fit` does to 600 questions on the training split of CMRC 2018, each once with and once
without the titles of its sections, because many documents have none, together with 75 questions on Chinese reports, laws,
contracts, manuals and books, and with 124 on annual reports of invented firms (`benchmarks/reports.py`), then rounded. In
five folds the most probable sentence is right for .70 to .75 of the questions on real documents, if one is; ridges
and weights of the sets make less of a difference than folds. For ``person`` there were few questions.
"""
PRICE = 0.001
"""The probability of an answer that each quoted Chinese character has to add at least. A lower price buys more answers
with longer quotes, see docs/benchmarks.md."""
_ASKED_FOR = 0.4
"""A label that matches so well is asked for."""
_LATIN_RATIO = 1.7
"""So many characters of other scripts cost what one Chinese character costs: their sentences are longer, and say no more."""


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
        qualified: 1 if its label is that of another row and more, as 其中 or 扣除… , which is not asked for, or less than
            that of another row, all of which is asked for; else 0.
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
    qualified: float = 0.0

    def values(self) -> tuple[float, ...]:
        """The numbers, in the order of `FEATURES`."""
        return tuple(getattr(self, name) for name in FEATURES)


FEATURES = tuple(field.name for field in fields(SentenceFeatures))


def chosen_sentences(
    question: str, candidates: Sequence[Candidate], max_quotes: int, glossary: Glossary | None = None
) -> list[range]:
    """The sentences to quote, the most probable quote first.

    The sentence whose probability exceeds its price by most is always quoted. Further ones are quoted, in this order, as
    long as they are worth their price: if it is plain which sentence answers, it stands alone. Quoted neighbours become one
    quote, so that an answer that runs over two sentences comes in one piece.

    Args:
        question: the question as it was asked.
        candidates: the sentences of the passages, passage by passage in reading order; those of one part of the question
            before those of the next.
        max_quotes: greatest number of quotes. Together they have one sentence more than that at most: if many sentences
            are about as probable, each would be worth its price, but together they would be no short answer any more. Of a
            question of several parts, each part has one quote instead.
        glossary: what documents write for the terms of questions; None for nothing.

    Returns:
        Quotes as ranges of indices of ``candidates``; empty if no candidate is quotable.
    """
    by_part: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        by_part[candidate.part].append(candidate)
    most = max_quotes if len(by_part) == 1 else 1
    quotes: list[range] = []
    offset = 0
    for part, own in by_part.items():
        chosen = _chosen(part or question, own, most, glossary)
        quotes += [range(offset + quote.start, offset + quote.stop) for quote in chosen]
        offset += len(own)
    return quotes


def best_row_worth(question: str, candidates: Sequence[Candidate], glossary: Glossary | None = None) -> float:
    """How far the best sentence stands out, if it is a row whose label is asked for: its probability, less its price.

    Near 0 if many rows answer about as badly, up to 1 if one matches what is asked, and no other does; 0 if the best is no
    such row, since a sentence may stand out for no more than being the only one about the subject. Of several parts, the
    least of theirs.
    """
    by_part: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        by_part[candidate.part].append(candidate)
    least = 1.0 if candidates else 0.0
    for part, own in by_part.items():
        features = sentence_features(part or question, own, glossary)
        worths = _worths(own, features)
        asked = bool(worths) and features[worths[0][0]].label >= _ASKED_FOR
        least = min(least, worths[0][1] if asked else 0.0)
    return least


def _chosen(
    question: str, candidates: Sequence[Candidate], max_quotes: int, glossary: Glossary | None
) -> list[range]:
    """The sentences to quote for a question of one part."""
    features = sentence_features(question, candidates, glossary)
    worths = _worths(candidates, features)
    chosen = [index for index, _ in worths[:1]]
    for index, worth in worths[1:]:
        if worth <= 0 or len(chosen) > max_quotes:
            break
        if (
            candidates[index].document != candidates[chosen[0]].document
            and worth < _OTHER_DOCUMENT * worths[0][1]
        ):
            continue
        if candidates[index].table is not None and features[index].label < features[chosen[0]].label:
            continue  # a row beside the one that is asked for
        is_repeated = any(candidates[index].text == candidates[other].text for other in chosen)
        if not is_repeated and len(_quotes([*chosen, index], candidates)) <= max_quotes:
            chosen.append(index)
    return _quotes(chosen, candidates)


def _worths(candidates: Sequence[Candidate], features: Sequence[SentenceFeatures]) -> list[tuple[int, float]]:
    """The quotable candidates with what each is worth: its probability, less the price of its length; the best first."""
    quotable = [index for index, candidate in enumerate(candidates) if candidate.quotable]
    probabilities = answer_probabilities([features[index] for index in quotable])
    worths = [
        (index, probability - PRICE * chinese_size(candidates[index].text, _LATIN_RATIO))
        for index, probability in zip(quotable, probabilities, strict=True)
    ]
    return sorted(worths, key=lambda one: -one[1])


def answer_probabilities(features: Sequence[SentenceFeatures]) -> list[float]:
    """The probabilities that each sentence is the one that answers, if one of them does; they sum up to 1."""
    scores = [
        sum(weight * value for weight, value in zip(WEIGHTS.values(), one.values(), strict=True))
        for one in features
    ]
    highest = max(scores, default=0.0)
    powers = [math.exp(score - highest) for score in scores]
    total = sum(powers)
    return [power / total for power in powers]


def sentence_features(
    question: str, candidates: Sequence[Candidate], glossary: Glossary | None = None
) -> list[SentenceFeatures]:
    """The features of each candidate.

    The terms are those of BM25: traditional and simplified characters are the same, and question words are left out. The
    fewer candidates hold a term, the more it weighs. A term that no candidate holds does not count. If these are most of
    the question's terms, as between two languages, the others match by chance, and their shares are made smaller.

    Args:
        question: the question as it was asked.
        candidates: the sentences, passage by passage.
        glossary: what documents write for the terms of questions; None for nothing.
    """
    question_terms = {term for term in tokenize(question) if not _CHANCE.match(term)}
    kind = QuestionKind.of(question)

    naming = naming_terms(question, candidates)

    @cache
    def shared_terms(text: str) -> frozenset[str]:
        return frozenset(question_terms.intersection(tokenize(text))) if text else frozenset()

    matches = [question_terms.intersection(tokenize(candidate.text)) for candidate in candidates]
    counts = Counter(term for terms in matches for term in terms)
    weights = {
        term: math.log((len(candidates) + 1) / (count + 0.5)) * (_NAMING_WEIGHT if term in naming else 1.0)
        for term, count in counts.items()
    }
    total = sum(weights.values())
    trust = min(1.0, len(counts) / (_FULL_TRUST * len(question_terms))) if question_terms else 0.0

    def share(terms: set[str] | frozenset[str]) -> float:
        # In a fixed order: sums of floats differ by their order, and sets have none.
        weight = sum(weights[term] for term in sorted(terms) if term in weights)
        return trust * weight / total if total > 0 else 0.0

    asked = AskedLabel.of(question, naming, glossary.terms(question) if glossary is not None else ())
    labels = {row.label for candidate in candidates if (row := candidate.row) and row.label}
    answering = _answering(kind, fold(question), candidates)
    of_parent = bool(_PARENT_COMPANY.search(question))
    features = []
    for index, candidate in enumerate(candidates):
        row, pair = candidate.row, candidate.pair
        # A row needs no sentence before it: that is another row, and may hold the label that is asked for.
        follows = index > 0 and candidates[index - 1].rank == candidate.rank and row is None
        before = matches[index - 1] if follows else set()
        year = report_year(candidate.document, candidate.titles)
        parents = (
            bool(_PARENT_COMPANY.search(candidate.titles))
            and "合并" not in candidate.titles.rpartition("›")[2]
        )
        features.append(
            SentenceFeatures(
                candidate.support,
                candidate.rank,
                share(matches[index] | before),
                share(matches[index] | shared_terms(candidate.titles)),
                label=label_match(pair, asked, candidate.titles.rpartition("›")[2]) if pair else 0.0,
                period=row_period_match(row, kind, year) if row else period_match(candidate.text, kind, year),
                scope=(1.0 if of_parent else -1.0) if parents else 0.0,
                document=len(shared_terms(candidate.document)) / len(naming) if naming else 0.0,
                article=float(kind.article in candidate.articles),
                enumerates=float(
                    kind.gathers and (candidate.listed or bool(_ENUMERATION.search(candidate.text)))
                ),
                qualified=float(row is not None and _is_qualified(row.label, labels, asked)),
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


def _is_qualified(label: str, labels: Collection[str], asked: AskedLabel) -> bool:
    """Whether another row's label is nearer to the question: this one says more than is asked, or less than another does."""
    return any(
        len(other) > 1
        and other != label
        and (
            (other in label and asked.match(other) > 0 and asked.share(label.replace(other, " ")) < 0.5)
            or (asked.share(other) == 1 and label_terms(label) < label_terms(other))
        )
        for other in labels
    )


def _answering(kind: QuestionKind, question: str, candidates: Sequence[Candidate]) -> list[dict[str, float]]:
    """For each candidate the features of the kind of thing that is asked for; empty if it holds no such thing.

    A time or a number that stands in the question itself answers nothing, nor does one in the name of a column.
    """
    known = set(kind.answers.findall(question)) if kind.answers and kind.name in {"time", "number"} else set()
    found = []
    for candidate in candidates:
        row = candidate.row
        text = fold(candidate.text)
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


def _quotes(chosen: Sequence[int], candidates: Sequence[Candidate]) -> list[range]:
    """The chosen sentences as runs of neighbours, in the order in which their best sentences were chosen."""
    runs: list[range] = []
    for index in sorted(chosen):
        if runs and runs[-1].stop == index and _are_neighbours(candidates[index - 1], candidates[index]):
            runs[-1] = range(runs[-1].start, index + 1)
        else:
            runs.append(range(index, index + 1))
    return sorted(runs, key=lambda run: min(chosen.index(index) for index in run))


def _are_neighbours(first: Candidate, second: Candidate) -> bool:
    """Whether two sentences, the second behind the first, can be read as one text."""
    if first.place is not None and second.place != first.place + 1:
        return False
    return (first.rank, first.titles, first.table) == (second.rank, second.titles, second.table)
