"""Whether citations point to where the answer is."""

from __future__ import annotations

from collections.abc import Sequence

from qa_engine.evaluation.gold_match import gold_texts, in_gold_file, on_gold_page, quotes_evidence
from qa_engine.evaluation.ranking import holds_any
from qa_engine.evaluation.results import CitationResult, Gold


def is_correct(text: str, file: str, page: int, page_end: int, gold: Gold) -> bool | None:
    """Whether a citation supports the gold answer.

    It is of the gold file, if one is named, and there on the gold page, or holds a gold answer or the evidence, or quotes a
    part of the evidence. If the gold names a file alone, being of it is enough.

    Returns:
        None if the gold names nothing to compare with.
    """
    texts = gold_texts(gold)
    if not texts and not gold.file:
        return None
    if not in_gold_file(file, gold):
        return False
    if on_gold_page(file, page, page_end, gold) or holds_any(text, texts) or quotes_evidence(text, gold):
        return True
    return not texts and gold.page is None


def citation_precision(citations: Sequence[CitationResult]) -> float | None:
    """Share of the citations, 0 to 1, that are correct; None without one that can be judged."""
    judged = [citation.correct for citation in citations if citation.correct is not None]
    return sum(judged) / len(judged) if judged else None


def citation_recall(citations: Sequence[CitationResult]) -> float:
    """1 if the place that the gold names is cited, else 0: gold names one place a question."""
    return float(any(citation.correct for citation in citations))
