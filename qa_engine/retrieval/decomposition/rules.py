"""The parts of a question, by rules for Chinese and English: several questions in one, several things, several years."""

from __future__ import annotations

import re
from collections.abc import Iterable

from qa_engine.retrieval.decomposition.clauses import separate_questions, without_instructions
from qa_engine.retrieval.decomposition.items import separate_items
from qa_engine.retrieval.decomposition.years import separate_years

MAX_PARTS = 5
"""A question of more parts is searched for as one: each part costs a search, and few passages are left for each."""
_JOINTS = "和与及、跟&"
_HIDDEN = {ord(joint): 0xE000 + number for number, joint in enumerate(_JOINTS)}
_SHOWN = {hidden: shown for shown, hidden in _HIDDEN.items()}


def parts_of(question: str, terms: Iterable[str] = ()) -> list[str]:
    """The parts of a question, each a question of its own, in the order in which they are asked.

    Rules err on the side of one part: a question that is split wrongly finds less than one that is not split. What is no
    question, but tells how to word the answer ("if it is not useful, then state that and explain why"), is left out.

    Args:
        question: as it was asked.
        terms: of the glossary, as they stand in the question, such as 税金及附加: they are not divided.

    Returns:
        The parts; empty if the question has one part that is the question itself.

    Example:
        >>> parts_of("公司的注册资本和法定代表人分别是什么？")
        ['公司的注册资本是什么？', '公司的法定代表人是什么？']
        >>> parts_of("西湖有多深？")
        []
    """
    asked = without_instructions(question)
    # A letter that no text has stands for each joint in a term meanwhile.
    whole = asked
    for term in terms:
        whole = whole.replace(term, term.translate(_HIDDEN))
    parts = [
        part
        for separate in separate_questions(whole)
        for item in separate_items(separate)
        for part in separate_years(item)
    ]
    parts = list(dict.fromkeys(_tidied(part.translate(_SHOWN)) for part in parts))
    if len(parts) > MAX_PARTS:
        parts = [asked]
    return parts if len(parts) > 1 or asked != question.strip() else []


def _tidied(part: str) -> str:
    return re.sub(r"\s{2,}", " ", part).strip(" ，,;；")
