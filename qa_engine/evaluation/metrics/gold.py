"""Whether a passage or a citation is what the gold of a question names: by its text, or by file and page.

Gold names texts and places of the documents, never ids of nodes: it stays true when files are cut in another way.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qa_engine.evaluation.metrics.ranking import holds_any, squash
from qa_engine.evaluation.records import CitationResult, Gold
from qa_engine.text.language import is_chinese

_WORD = re.compile(r"[^\W\d_]{3}")


@dataclass(frozen=True)
class Excerpt:
    """A text of a document, its PDF, and its first and last page, from 1; None if they are not known."""

    text: str
    file: str
    page: int | None
    page_end: int | None


def gold_texts(gold: Gold) -> list[str]:
    """The texts of which a passage that answers holds at least one."""
    return [text for text in (*gold.answers, gold.evidence) if text]


def in_gold_file(file: str, gold: Gold) -> bool:
    """Whether a file is the one that the gold names; True if it names none."""
    return not gold.file or _name(file) == _name(gold.file)


def on_gold_page(excerpt: Excerpt, gold: Gold) -> bool | None:
    """Whether the pages of an excerpt include the gold page; None if the gold names no page of a file."""
    if not gold.file or gold.page is None:
        return None
    first, last = excerpt.page, excerpt.page_end
    return in_gold_file(excerpt.file, gold) and first is not None and first <= gold.page <= (last or first)


def is_gold(passage: Excerpt, gold: Gold) -> bool | None:
    """Whether a retrieved passage is the one to be found.

    It holds a gold answer or the gold evidence, in the gold file if one is named. Without such a text, or if the passage
    is in another language than all of them, it is on the gold page; without a page, it is of the gold file.

    Returns:
        None if the gold names nothing that could be found.
    """
    if not names_place(gold):
        return None
    if not in_gold_file(passage.file, gold):
        return False
    on_page = on_gold_page(passage, gold)
    if texts := gold_texts(gold):
        return holds_any(passage.text, texts) or (
            not shares_language([passage.text], texts) and bool(on_page)
        )
    return on_page is not False


def names_place(gold: Gold) -> bool:
    """Whether the gold names anything that could be found: a text, or a file."""
    return bool(gold_texts(gold) or gold.file)


def shares_language(passages: Iterable[str], texts: Iterable[str]) -> bool:
    """Whether one of the texts could stand in one of the passages word for word; numbers and codes can in any."""
    languages = {_language(passage) for passage in passages}
    return any((language := _language(text)) is None or language in languages for text in texts)


def is_correct(citation: Excerpt, gold: Gold) -> bool | None:
    """Whether a citation supports the gold answer.

    It is of the gold file, if one is named, and there on the gold page, or holds a gold answer or the evidence, or quotes a
    part of the evidence. If the gold names only a file, a citation of that file is correct.

    Returns:
        None if the gold names nothing to compare with.
    """
    if not names_place(gold):
        return None
    if not in_gold_file(citation.file, gold):
        return False
    texts, quoted = gold_texts(gold), squash(citation.text)
    if on_gold_page(citation, gold) or holds_any(citation.text, texts):
        return True
    is_part_of_evidence = bool(quoted) and quoted in squash(gold.evidence)
    return is_part_of_evidence or (not texts and gold.page is None)


def citation_precision(citations: Sequence[CitationResult]) -> float | None:
    """Share of the citations, 0 to 1, that are correct; None without one that can be judged."""
    verdicts = [citation.correct for citation in citations if citation.correct is not None]
    return sum(verdicts) / len(verdicts) if verdicts else None


def citation_recall(citations: Sequence[CitationResult]) -> float:
    """1 if the place that the gold names is cited, else 0: gold names one place a question."""
    return float(any(citation.correct for citation in citations))


def _language(text: str) -> str | None:
    """``zh`` or ``other``; None for a text without a word."""
    if is_chinese(text):
        return "zh"
    return "other" if _WORD.search(text) else None


def _name(file: str) -> str:
    """The name of a file without its folder, in one form of Unicode."""
    return unicodedata.normalize("NFC", file.replace("\\", "/").rpartition("/")[2]).casefold()
