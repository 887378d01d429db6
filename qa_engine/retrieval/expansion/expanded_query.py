"""A question with its expansion, and the queries that are searched for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from llama_index.core.schema import NodeWithScore, QueryBundle

from qa_engine.retrieval.dictionary.dictionary import TranslatedWord
from qa_engine.retrieval.glossary.glossary import GlossaryTerm
from qa_engine.text.language import HAN, is_chinese

_GLOSSARY_WEIGHT, _LITERAL_WEIGHT = 1.0, 0.3
"""Weight of the query of the glossary, where the question has 1: if a term is not what documents write, such as a ratio, and
if all are. On 75 questions about Chinese documents the answer was in the first three passages for 59 with the second weight,
57 with 1 for all, and 55 without a glossary; questions about English statements do as well with either."""


@dataclass(frozen=True)
class Expansion:
    """The translation and keywords that a language model added to a question, or the reason why it added none.

    Attributes:
        translation: the question in the other language; empty without one.
        keywords: words that documents may use for what the question is about.
        error: why the model added nothing, in one sentence; None without an error.
        skipped: why the model was not asked, in one sentence; None if it was.
        cached: whether the expansion is from an earlier question.
        seconds: time that the call took; 0 if it is cached.
    """

    translation: str = ""
    keywords: tuple[str, ...] = ()
    error: str | None = None
    skipped: str | None = None
    cached: bool = False
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON object."""
        return asdict(self) | {"keywords": list(self.keywords), "seconds": round(self.seconds, 4)}


@dataclass
class ExpandedQuery(QueryBundle):
    """A LlamaIndex query whose ``query_str`` is the question as it was asked, and whose expansion is searched for as well.

    An engine asks no language model to expand such a query again, so you can also use it for a translation of your own.

    Attributes:
        expansion: what a language model added; None if none was asked.
        glossary: the terms of the glossary in the question.
        translated: words of the question in the other language, by the dictionary, for BM25.

    Example:
        >>> query = ExpandedQuery("浮标多少钱？", expansion=Expansion("What does a buoy cost?", ("price",)))
        >>> [asked.query_str for asked in queries_of(query)]
        ['浮标多少钱？', 'What does a buoy cost? price']
    """

    expansion: Expansion | None = field(default_factory=Expansion)
    glossary: tuple[GlossaryTerm, ...] = ()
    translated: tuple[TranslatedWord, ...] = ()


@dataclass
class WeightedQuery(QueryBundle):
    """A query beside the question, whose results count ``weight`` times as much as those of the question."""

    weight: float = 1.0


@dataclass
class ComparedQuery(QueryBundle):
    """What passages are compared with: the question, and what the glossary adds to it in the language of the passages."""

    related: str = ""
    translated: tuple[TranslatedWord, ...] = ()


def with_glossary(query: QueryBundle, terms: Sequence[GlossaryTerm]) -> QueryBundle:
    """The query with terms of the glossary; the query itself without any."""
    return replace(_as_expanded(query), glossary=tuple(terms)) if terms else query


def with_translation(query: QueryBundle, words: Sequence[TranslatedWord]) -> QueryBundle:
    """The query with words in the other language; the query itself without any."""
    return replace(_as_expanded(query), translated=tuple(words)) if words else query


def _as_expanded(query: QueryBundle) -> ExpandedQuery:
    if isinstance(query, ExpandedQuery):
        return query
    return ExpandedQuery(
        query.query_str,
        image_path=query.image_path,
        custom_embedding_strs=query.custom_embedding_strs,
        embedding=query.embedding,
        expansion=None,
    )


def expansion_of(query: QueryBundle) -> Expansion | None:
    """The expansion of a query; None if expanding was never tried."""
    return query.expansion if isinstance(query, ExpandedQuery) else None


def glossary_of(query: QueryBundle) -> tuple[GlossaryTerm, ...]:
    """The terms of the glossary in a query."""
    return query.glossary if isinstance(query, ExpandedQuery) else ()


def translated_of(query: QueryBundle) -> tuple[TranslatedWord, ...]:
    """The words of a query that the dictionary has in the other language."""
    return query.translated if isinstance(query, ExpandedQuery | ComparedQuery) else ()


def queries_of(query: QueryBundle) -> list[QueryBundle]:
    """The queries to search for: the question itself, then the whole expansion and the words of the glossary as one each.

    BM25 gets the translation and the keywords as one bag of words. The vector is that of the translation; without one, it is
    that of the question with the keywords, because words without a sentence have vectors of little use.
    """
    queries = [query]
    if expansion := expansion_of(query):
        words = " ".join(part for part in (expansion.translation, *expansion.keywords) if part)
        if words and words != query.query_str:
            embedded = expansion.translation or f"{query.query_str} {words}"
            queries.append(QueryBundle(words, custom_embedding_strs=[embedded]))
    if terms := glossary_of(query):
        words = " ".join(dict.fromkeys(word for term in terms for word in (*term.titles, *term.words)))
        chinese = is_chinese(query.query_str)
        embedded = related_text(terms, chinese) or related_text(terms, not chinese)
        weight = _LITERAL_WEIGHT if all(term.literal for term in terms) else _GLOSSARY_WEIGHT
        if words:
            queries.append(WeightedQuery(words, custom_embedding_strs=[embedded], weight=weight))
    return queries


def related_text(terms: Iterable[GlossaryTerm], chinese: bool) -> str:
    """The titles and words of terms in Chinese, or in other languages, as the text of a passage would have them."""
    titles: dict[str, None] = {}
    words: dict[str, None] = {}
    for term in terms:
        titles |= dict.fromkeys(title for title in term.titles if bool(HAN.search(title)) == chinese)
        words |= dict.fromkeys(word for word in term.words if bool(HAN.search(word)) == chinese)
    return "; ".join([*titles, *words])


def in_language_of(passages: Sequence[NodeWithScore], query: QueryBundle) -> QueryBundle:
    """What passages are compared with: the question, or its translation if that is in the language of most passages.

    A reranker that compares tokens tells passages in the language of its question apart much better: on XQuAD, Chinese
    questions on English text had MRR@10 .891 with the question itself and .954 with its translation. With terms of the
    glossary, it is a `ComparedQuery`.
    """
    expansion, question = expansion_of(query), query.query_str
    chinese = sum(is_chinese(passage.node.get_content()) for passage in passages) * 2 > len(passages)
    translation = expansion.translation if expansion is not None else ""
    if translation and passages and is_chinese(question) != chinese == is_chinese(translation):
        question = translation
    if related := related_text(glossary_of(query), chinese):
        return ComparedQuery(question, related=related, translated=translated_of(query))
    return query if question == query.query_str else QueryBundle(question)
