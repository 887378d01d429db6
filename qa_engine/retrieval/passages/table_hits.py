"""Hits on tables: which table a hit belongs to, how the hits on one table raise it, and which tables go first."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from llama_index.core.schema import BaseNode, NodeWithScore

from qa_engine.documents.blocks import SECTION_MARK, Role
from qa_engine.documents.pages.tables.whole.statements import PARENT, of_parent
from qa_engine.documents.sentences.node_ids import split_node_id
from qa_engine.index.records import StoredSentence
from qa_engine.types import SCORES, Passage, passage_of, with_changes

_RAISE, _MAX_RAISE = 0.1, 0.3
"""The share of its score by which each further hit of a table raises the first, and by how much all of them together."""
_WANTED_GAIN = 0.3
"""What a statement gains that a question wants. Over 68 questions for figures and ratios of four filings, of the kind that
analysts ask, the statement was first for .62 instead of .56, and among the first five for .99 instead of .94; over made
families of reports nothing changed. With .6, it went before notes that answer better."""
_PARENT_LOSS = 0.6
"""What a table of the parent company alone loses of its final score, a mean of z-scores; what it gains, and a statement of
the group loses, where the parent company is asked for.

Over made families of reports the right page was first for .48 of the questions for rows of statements without it."""


def raised_tables(hits: Sequence[NodeWithScore]) -> list[NodeWithScore]:
    """Hits in the order of their scores, after the first hit of each table was raised by the others of its table.

    The scores of several rows, and that of what the table is about, say more together than one sentence that scores as
    well.
    """
    firsts: dict[tuple[str, int], NodeWithScore] = {}
    extra: dict[str, float] = {}
    for hit in hits:
        table = table_of(hit.node)
        if table is None:
            continue
        first = firsts.setdefault((split_node_id(hit.node_id)[0], table), hit)
        if first is not hit:
            extra[first.node_id] = extra.get(first.node_id, 0.0) + _RAISE * (hit.score or 0.0)
    if not extra:
        return list(hits)
    result = []
    for hit in hits:
        if hit.node_id in extra:
            score = (hit.score or 0.0) + min(extra[hit.node_id], _MAX_RAISE * (hit.score or 0.0))
            hit = NodeWithScore(node=_with_fused(hit.node, score), score=score)
        result.append(hit)
    return sorted(result, key=lambda hit: -(hit.score or 0.0))


def _with_fused(node: BaseNode, score: float) -> BaseNode:
    scores = {**node.metadata.get(SCORES, {}), "fused": score}
    return node.model_copy(update={"metadata": {**node.metadata, SCORES: scores}})


def best_rows(hits: Sequence[NodeWithScore]) -> dict[tuple[str, int | None], int]:
    """The ordinal of the best row that was found of each table, by document and number of the table."""
    rows: dict[tuple[str, int | None], int] = {}
    for hit in hits:
        if table_of(hit.node) is not None and not is_summary(hit.node):
            document_id, ordinal = split_node_id(hit.node_id)
            rows.setdefault((document_id, table_of(hit.node)), ordinal)
    return rows


def is_summary(sentence: BaseNode | StoredSentence) -> bool:
    """Whether it is what a table is about, and no text of a page."""
    return sentence.metadata.get("role") == Role.TABLE_SUMMARY


def table_of(sentence: BaseNode | StoredSentence) -> int | None:
    """The number of the table that a sentence is a row of; None for other text."""
    table = sentence.metadata.get("table")
    return int(table) if table is not None else None


def by_statement(
    nodes: Sequence[NodeWithScore], question: str, wanted: Collection[str] = ()
) -> list[NodeWithScore]:
    """Reranked passages, with the statements that a question wants before prose, and the group before its parent company.

    A filing has the same rows twice, under the same names: a question for the company's total assets means the group's,
    unless it names the parent company.

    Args:
        nodes: the passages, best first.
        question: as it was asked.
        wanted: the kinds of statements in which the figures that it asks for stand, such as ``balance_sheet``.

    Returns:
        The passages by their new scores; in the order they had if none has changed.
    """
    asked = of_parent(question)
    changed: dict[int, NodeWithScore] = {}
    for number, node in enumerate(nodes):
        passage = passage_of(node)
        gain = _WANTED_GAIN if passage.statement.removeprefix(PARENT) in wanted else 0.0
        if _is_of_parent(passage):
            gain += _PARENT_LOSS if asked else -_PARENT_LOSS
        elif asked and passage.statement:
            gain -= _PARENT_LOSS
        if gain:
            changed[number] = with_changes(node, passage, score=(passage.score or 0.0) + gain)
    if not changed:
        return list(nodes)
    result = [changed.get(number, node) for number, node in enumerate(nodes)]
    return sorted(result, key=lambda node: -(node.score or 0.0))


def _is_of_parent(passage: Passage) -> bool:
    """Whether a passage shows a table of the parent company alone, by its statement or by the titles above it."""
    if passage.statement:
        return passage.statement.startswith(PARENT)
    title = " ".join(passage.section.split(SECTION_MARK)[-2:])
    return any(sentence.table is not None for sentence in passage.sentences) and of_parent(title)
