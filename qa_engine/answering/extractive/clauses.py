"""Articles of laws and clauses of contracts: where they begin and end among the sentences of a document."""

from __future__ import annotations

from collections.abc import Sequence

from qa_engine.answering.extractive.question_kinds import article_at_start
from qa_engine.types import PassageSentence

_NO_TEXT = {"heading", "contents"}


def articles_of(sentences: Sequence[PassageSentence]) -> list[frozenset[str]]:
    """For each sentence the articles and clauses that it stands in: ``39条``, or ``9.2`` and the ``9条`` above it.

    Args:
        sentences: of a document, in reading order. What began before the first of them is not known.
    """
    found = []
    article = clause = section = ""
    for sentence in sentences:
        if sentence.section != section:
            section, article, clause = sentence.section, "", ""
        titled = article_at_start(section.rpartition("›")[2]) if section else ""
        number = article_at_start(sentence.text) if sentence.table is None else ""
        if number.endswith("条") or "条之" in number:
            article, clause = number, ""
        elif "." in number:
            clause = number
        elif number:
            article = clause = ""
        found.append(frozenset(one for one in (article, clause, titled) if one))
    return found


def article_range(sentences: Sequence[PassageSentence], place: int, asked: str = "") -> range | None:
    """The sentences of the article or clause that a sentence stands in, with all its paragraphs and items.

    Args:
        sentences: of a document, in reading order.
        place: index of the sentence.
        asked: the article that is asked for: if it is the section of the sentence, all of the section is the article.

    Returns:
        The range; None if the sentence is in no article, or if its beginning is not among the sentences.
    """
    section = sentences[place].section
    if not _is_text(sentences[place]):
        return None
    if asked and asked == article_at_start(section.rpartition("›")[2]):
        return _of_section(sentences, place)
    first = place
    while not (number := _starts(sentences[first])):
        first -= 1
        if first < 0 or sentences[first].section != section or not _is_text(sentences[first]):
            return None
    last = place
    while last + 1 < len(sentences):
        following = sentences[last + 1]
        if following.section != section or not _is_text(following):
            break
        if (other := _starts(following)) and not (number.endswith("条") and "." in other):
            break
        last += 1
    return range(first, last + 1)


def _is_text(sentence: PassageSentence) -> bool:
    return sentence.role not in _NO_TEXT and sentence.table is None


def _starts(sentence: PassageSentence) -> str:
    """The number of the article or clause that begins with a sentence; empty if none does."""
    number = article_at_start(sentence.text)
    return number if "." in number or "条" in number else ""


def _of_section(sentences: Sequence[PassageSentence], place: int) -> range:
    section = sentences[place].section
    first = last = place
    while first > 0 and sentences[first - 1].section == section and sentences[first - 1].role not in _NO_TEXT:
        first -= 1
    while last + 1 < len(sentences) and sentences[last + 1].section == section:
        last += 1
    return range(first, last + 1)
