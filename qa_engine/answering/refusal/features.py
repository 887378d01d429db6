"""Numbers that say how strongly passages support a question."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from llama_index.core.schema import NodeWithScore

from qa_engine.answering.extractive.question_kinds import QuestionKind
from qa_engine.answering.refusal.content_words import ComparedText, ContentWord
from qa_engine.text.language import is_chinese
from qa_engine.text.tokenizer import fold, tokenize
from qa_engine.types import Passage, passage_of

FEATURES = (
    "support",
    "weakest",
    "lead",
    "coverage",
    "dense",
    "asked",
    "kind",
    "translated",
    "missing_names",
)
"""The features that an `AnswerabilityModel` weighs; see `AnswerabilityFeatures`."""
PAIRS = ("zh-zh", "en-en", "zh-en", "en-zh")
"""The languages of question and passage; ``en`` stands for every language but Chinese."""
NEUTRAL = 0.85
"""About the middle of supports within a language: a feature that is not known is this one, less itself."""
_HELD = 0.6
"""About the middle of `AnswerabilityFeatures.translated`, for questions without a word that could be translated."""
_SHARE_PER_SUPPORT = 10.0
"""What a passage lacks of the highest support counts as so much less of the words.

Of 343 Chinese questions with and without an article on English encyclopaedias, 90 % of those without it are told apart where
3 % of the others are refused; without the term 79 %, and by the words of the passage with the highest support alone 47 %.
"""
_ASKED = (-0.02, 0.02)
"""Bounds of ``asked``: a noun in other words than the passage's must not outweigh all the rest."""
_OTHER_KIND = 0.03
"""By so much at most ``kind`` is below the support of the best passage: what was asked for may be written in another way."""


@dataclass(frozen=True)
class AnswerabilityFeatures:
    """Numbers that say how strongly the passages that an answer may use support the question.

    Attributes:
        support: the highest score of the reranker.
        weakest: the highest support of a question's least supported quarter of words; 0 with a cross-encoder.
        lead: how far ``support`` is above the median of all candidates. If the answer is missing, many passages are about
            as good; and anything that a language or a collection adds to all scores cancels out.
        coverage: the highest share of the question's BM25 terms that one passage has.
        dense: the highest cosine of a sentence with the question.
        asked: the highest support of a question's least supported noun, less `NEUTRAL` and within bounds; 0 between
            languages.
        kind: the highest support by a sentence that holds the kind of thing that is asked for, less `NEUTRAL`; by any
            sentence if the question asks for no certain kind; 0 between languages.
        translated: between languages, the highest share of the question's words and numbers that one passage holds, by a
            dictionary, weighted by how rare they are, less what the passage lacks of ``support``, see `_SHARE_PER_SUPPORT`;
            0 within a language. If the answer is missing, what is alike in meaning and what holds the words differ.
        missing_names: between languages, the number of names and codes in Latin letters that no passage holds.
        pair: one of `PAIRS`, of the passage with the highest support.
    """

    support: float
    weakest: float
    lead: float
    coverage: float
    dense: float
    pair: str
    asked: float = 0.0
    kind: float = 0.0
    translated: float = 0.0
    missing_names: float = 0.0

    @classmethod
    def of(
        cls,
        question: str,
        candidates: Sequence[NodeWithScore],
        used: int,
        with_coverage: bool = True,
        between: Sequence[ContentWord] = (),
    ) -> AnswerabilityFeatures:
        """
        Args:
            question: the question as the passages were compared with it.
            candidates: at least one passage, best first.
            used: number of candidates that the answer may use.
            with_coverage: whether to tokenize the texts for their coverage, which is 0 otherwise.
            between: the words of the question for passages in the other language, see `words_between`.
        """
        passages = [passage_of(candidate) for candidate in candidates]
        supports = [passage.scores["rerank"] for passage in passages if "rerank" in passage.scores]
        scores = [passage.scores for passage in passages]
        best = max(passages[:used], key=lambda passage: passage.scores.get("rerank", -math.inf))
        support = best.scores.get("rerank", 0.0)
        pair = pair_of(question, best.text)
        asked = [one["asked"] for one in scores[:used] if "asked" in one]
        kind = _kind_support(question, passages[:used], support)
        same = pair in {"zh-zh", "en-en"}
        return cls(
            support=support,
            weakest=max(one.get("weakest", 0.0) for one in scores[:used]),
            lead=support - median(supports) if supports else 0.0,
            coverage=_coverage(question, passages[:used]) if with_coverage else 0.0,
            dense=max((one["dense"] for one in scores if "dense" in one), default=0.0),
            pair=pair,
            asked=max(_ASKED[0], min(_ASKED[1], max(asked) - NEUTRAL)) if asked and same else 0.0,
            kind=kind - NEUTRAL if kind is not None and same else 0.0,
            translated=0.0 if same else _share_held(passages[:used], between),
            missing_names=0 if same else _missing_names(passages[:used], between),
        )

    def values(self) -> list[float]:
        """The numbers, in the order of `FEATURES`."""
        return [getattr(self, feature) for feature in FEATURES]


def _kind_support(question: str, passages: Sequence[Passage], support: float) -> float | None:
    """The highest support by a sentence with the kind of thing that is asked for; None if no sentence was compared.

    ``support`` is that by the best passage, see `_OTHER_KIND`.
    """
    sentences = [one for passage in passages for one in passage.sentences if one.support is not None]
    if not sentences:
        return None
    kind = QuestionKind.of(question)
    pattern = kind.precise or kind.answers
    known = set() if pattern is None else set(pattern.findall(fold(question)))
    for sentence in sorted(sentences, key=lambda one: -(one.support or 0.0)):
        if pattern is None or set(pattern.findall(fold(sentence.text))) - known:
            return max(sentence.support or 0.0, support - _OTHER_KIND)
    return support - _OTHER_KIND


def _share_held(passages: Sequence[Passage], between: Sequence[ContentWord]) -> float:
    """The value of ``translated``, see `AnswerabilityFeatures`."""
    words = [word for word in between if not word.is_name]
    rarity = sum(word.rarity for word in words)
    if not rarity:
        return _HELD
    supports = [passage.scores.get("rerank", 0.0) for passage in passages]
    shares = (_weighted(words, _compared(passage)) / rarity for passage in passages)
    lacks = (max(supports) - support for support in supports)
    return max(share - _SHARE_PER_SUPPORT * lack for share, lack in zip(shares, lacks, strict=True))


def _weighted(words: Sequence[ContentWord], text: ComparedText) -> float:
    return sum(word.rarity * word.held_by(text) for word in words)


def _missing_names(passages: Sequence[Passage], between: Sequence[ContentWord]) -> int:
    """The number of names and codes that no passage holds."""
    texts = [_compared(passage) for passage in passages]
    names = [word for word in between if word.is_name]
    return sum(not any(name.held_by(text) == 1 for text in texts) for name in names)


def _compared(passage: Passage) -> ComparedText:
    return ComparedText(passage.text, passage.section, passage.file_name)


def _coverage(question: str, passages: Sequence[Passage]) -> float:
    terms = set(tokenize(question))
    shared = (len(terms.intersection(tokenize(passage.text))) for passage in passages)
    return max(shared) / max(1, len(terms))


def pair_of(question: str, passage: str) -> str:
    """The languages of a question and a passage, one of `PAIRS`."""
    return f"{_language(question)}-{_language(passage)}"


def _language(text: str) -> str:
    return "zh" if is_chinese(text) else "en"
