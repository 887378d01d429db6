"""How relevant passages are to a question beside one another: late interaction, vectors, and the words that they share.

Late interaction alone was fitted to paragraphs of encyclopaedias. In reports, laws and data sheets the right row or clause
differs from its neighbours by one word, which the weakest words of the question and the rare terms that a passage shares
with it tell better.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Sequence

from qa_engine.models.late_interaction import Interaction, telling_scores
from qa_engine.retrieval.dictionary.dictionary import TranslatedWord
from qa_engine.retrieval.reranking.cross_lingual_offset import INTERACTION, language_shift
from qa_engine.text.tokenizer import fold, held_terms, tokenize
from qa_engine.types import Passage

_WHOLE, _SENTENCE, _WEAKEST, _DENSE, _COVERAGE, _TITLES = 0.35, 0.15, 0.5, 0.25, 0.7, 0.35
"""Weights of z-scores: the interaction of the whole passage, of its best sentence, the support of the question's weakest
words, the cosine, and the share of the question's terms in the passage with its titles, and in the titles alone.

Fitted as a conditional logit to 75 questions on Chinese reports, laws and data sheets, 160 on made yearly reports, 150 each
on DRCD and on SQuAD's articles, and rounded. Right passage first and among three, before and after: real documents .640,
.800 → .707, .893 (.68, .87 in five folds); made reports .544, .850 → .719, .912; DRCD .953, .993 → .980, .993; SQuAD .887,
.947 → .880, .947; Chinese questions on English articles (XQuAD, not fitted to) .733, .927 → .760, .927.
"""
_FIGURES = 3.0
"""What a passage gains that holds the figures of the question, such as 42.16 of 什么造成了42.16%的增长: among the words of a
long row they weigh little, yet hardly any other row has them."""
_FIGURE = re.compile(
    r"(?<![0-9.,A-Za-z])[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|(?<![0-9.,A-Za-z])[0-9]+\.[0-9]+(?![0-9.])"
)
_RELATED_WHOLE, _RELATED_SENTENCE, _RELATED_COVERAGE = 0.25, 0.25, 0.5
"""The same for the words that a glossary adds to the question."""


def relevance(
    question: str,
    passages: Sequence[Passage],
    interactions: Sequence[Interaction],
    lexical: float,
    translated: Sequence[TranslatedWord] = (),
) -> list[float]:
    """One number for each passage; only their differences mean something.

    Args:
        question: the question.
        passages: the candidates, at least one.
        interactions: of each passage with the question.
        lexical: how much shared words count, 0 (BM25 found nothing) to 1.
        translated: words of the question in the other language.
    """
    whole, sentence = _interaction_scores(question, passages, interactions)
    coverage, titles = term_coverage(question, passages, translated)
    signals = (
        (_WHOLE, whole),
        (_SENTENCE, sentence),
        (_WEAKEST, [interaction.weakest for interaction in interactions]),
        (_DENSE, _dense(passages)),
        (_COVERAGE * lexical, coverage),
        (_TITLES * lexical, titles),
    )
    figures = [_FIGURES * share for share in _held_figures(question, passages)]
    return [value + gain for value, gain in zip(_sum(signals), figures, strict=True)]


def related_relevance(
    related: str, passages: Sequence[Passage], interactions: Sequence[Interaction]
) -> list[float]:
    """`relevance` to the words that a glossary adds to a question, to be added to that to the question."""
    whole, sentence = _interaction_scores(related, passages, interactions)
    coverage, _ = term_coverage(related, passages)
    return _sum(((_RELATED_WHOLE, whole), (_RELATED_SENTENCE, sentence), (_RELATED_COVERAGE, coverage)))


def term_coverage(
    question: str, passages: Sequence[Passage], translated: Sequence[TranslatedWord] = ()
) -> tuple[list[float], list[float]]:
    """The share, 0 to 1, of the question's terms in each passage with the titles above it, and in these titles alone.

    The fewer of the candidates hold a term, the more it weighs; one that none holds does not count. The terms of a word that
    is translated are one, which a passage in either language can hold.
    """
    wordings = _wordings(question, translated)
    terms = frozenset(term for ways in wordings for way in ways for term in way)
    titles = [terms.intersection(tokenize(passage.section)) for passage in passages]
    texts = [own | held_terms(passage.text, terms) for own, passage in zip(titles, passages, strict=True)]
    held = [[_held(wording, own) for own in texts] for wording in wordings]
    weights = [
        math.log((len(passages) + 1) / (sum(of_word) + 0.5)) if any(of_word) else 0.0 for of_word in held
    ]
    total = sum(weights) or 1.0

    def shares(degrees: Sequence[Sequence[float]]) -> list[float]:
        return [
            sum(weight * of_word[number] for weight, of_word in zip(weights, degrees, strict=True)) / total
            for number in range(len(passages))
        ]

    return shares(held), shares([[_held(wording, own) for own in titles] for wording in wordings])


def _wordings(question: str, translated: Sequence[TranslatedWord]) -> list[list[tuple[str, ...]]]:
    """The ways to write each word of a question, as terms; what belongs to no translated word is a word of its own."""
    words: dict[str, list[tuple[str, ...]]] = {
        word.word: [
            tuple(dict.fromkeys(tokenize(word.word))),
            *(translation.stems for translation in word.translations),
        ]
        for word in translated
    }
    of_words = {term for wordings in words.values() for term in wordings[0]}
    rest: list[list[tuple[str, ...]]] = [[(term,)] for term in sorted(set(tokenize(question)) - of_words)]
    return rest + list(words.values())


def _held(wordings: Sequence[Sequence[str]], terms: Collection[str]) -> float:
    """The largest share of the terms of one wording among the given terms."""
    return max((sum(term in terms for term in one) / len(one) for one in wordings if one), default=0.0)


def _held_figures(question: str, passages: Sequence[Passage]) -> list[float]:
    """The share of the figures with a decimal point or thousands in a question that each passage holds."""
    figures = {figure.replace(",", "") for figure in _FIGURE.findall(fold(question))}
    if not figures:
        return [0.0] * len(passages)
    held = [
        {figure.replace(",", "") for figure in _FIGURE.findall(fold(passage.text))} & figures
        for passage in passages
    ]
    return [len(own) / len(figures) for own in held]


def z_scores(values: Iterable[float]) -> list[float]:
    """Distance of each value from the mean, in standard deviations; zeros if all are equal."""
    values = [float(value) for value in values]
    if not values:
        return []
    mean = sum(values) / len(values)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))
    return [(value - mean) / deviation if deviation > 1e-9 else 0.0 for value in values]


def _interaction_scores(
    question: str, passages: Sequence[Passage], interactions: Sequence[Interaction]
) -> tuple[Sequence[float], Sequence[float]]:
    """The interactions of whole passages and of their best sentences, each by `telling_scores`."""
    offsets = [language_shift(question, passage.text, INTERACTION) for passage in passages]
    pairs = list(zip(interactions, offsets, strict=True))
    whole = telling_scores([interaction.support + offset for interaction, offset in pairs]).tolist()
    best = [
        interaction.sentence + offset for interaction, offset in pairs if interaction.sentence is not None
    ]
    return whole, telling_scores(best).tolist() if len(best) == len(interactions) else whole


def _dense(passages: Sequence[Passage]) -> list[float]:
    """The cosine of each passage; of those that vectors did not find, the least of the others."""
    known = [passage.scores["dense"] for passage in passages if "dense" in passage.scores]
    least = min(known, default=0.0)
    return [passage.scores.get("dense", least) for passage in passages]


def _sum(signals: Iterable[tuple[float, Sequence[float]]]) -> list[float]:
    columns = [[weight * value for value in z_scores(values)] for weight, values in signals]
    return [sum(values) for values in zip(*columns, strict=True)]
