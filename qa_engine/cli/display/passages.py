"""Passages on standard output: a table of their scores in each stage, their texts, and how they were found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from qa_engine.cli.output import page_range, print_table, results
from qa_engine.documents.places import place_text
from qa_engine.text.control_characters import show_controls_on_line

if TYPE_CHECKING:
    from qa_engine.retrieval.explanation import Explanation, PassageExplanation

_STAGES = ("dense", "bm25", "fused", "rerank")
_NUMBERS = ("#", "page", *_STAGES, "score")
"""The columns of the table, beside that of the file."""


def show_passages(explanation: Explanation, explain: bool) -> None:
    """Prints the passages of a question.

    Args:
        explanation: the passages, and how they were found.
        explain: also print the rank of each in every stage, the terms that match, the queries and their weights.
    """
    from qa_engine.types import passage_of

    console = results()
    if explanation.nodes:
        rows = explanation.passages
        caption = "score, and in brackets the rank in the stage" if explain else None
        cells = (_cells(row, explain) for row in rows)
        print_table(("#", "file", *_NUMBERS[1:]), cells, _NUMBERS, caption=caption)
        for row, passage in zip(rows, explanation.nodes, strict=True):
            found = passage_of(passage)
            place = place_text(row.file, row.page, row.page_end, found.page_label, found.section)
            console.print()
            console.print_line(f"{row.rank}. {row.file} {place}", style="bold")
            if explain and row.terms:
                console.print_line(f"terms: {', '.join(row.terms)}", style="dim")
            console.print(passage.node.get_content())
    else:
        console.print("没有找到相关段落。")
    if explain:
        console.print()
        for line in _explanation(explanation):
            console.print_line(line)


def _cells(row: PassageExplanation, explain: bool) -> list[str]:
    cells = [str(row.rank), show_controls_on_line(row.file), page_range(row.page, row.page_end)]
    for stage in _STAGES:
        rank = f"\n({row.ranks[stage]})" if explain and stage in row.ranks else ""
        cells.append(f"{row.scores[stage]:.3f}{rank}" if stage in row.scores else "–")
    return [*cells, f"{row.score or 0:.3f}"]


def _explanation(explanation: Explanation) -> Iterator[str]:
    """Lines about the way from the question to the passages."""
    if condensation := explanation.condensation:
        if reason := condensation.error or condensation.skipped:
            yield f"asked as it is: {reason}"
        else:
            yield f"asked as ({condensation.method}): {condensation.standalone}"
    if expansion := explanation.expansion:
        if reason := expansion.error or expansion.skipped:
            yield f"not expanded: {reason}"
        else:
            cached = " (from memory)" if expansion.cached else ""
            yield f"expanded{cached}: {'; '.join([expansion.translation, *expansion.keywords])}"
    for part in explanation.parts:
        yield f"part: {part}"
    for term in explanation.glossary:
        yield f"glossary: {term.term} → {'; '.join([*term.titles, *term.words])}"
    for word in explanation.translated:
        found = "; ".join(one.text for one in word.translations)
        yield f"translated: {word.word} → {found or 'in no document'}"
    if explanation.translated:
        from qa_engine.retrieval.dictionary.cedict import ATTRIBUTION

        yield f"  by {ATTRIBUTION}"
    for query in explanation.queries:
        weights = ", ".join(f"{name} {weight:.2f}" for name, weight in query.weights.items())
        yield f"query: {query.query}"
        yield f"  {query.coverage:.0%} of its terms known; weights: {weights or 'none, joined by rank'}"
    if len(explanation.queries) > 1:
        yield f"reranked as: {explanation.rerank_query}"
    if explanation.missing:
        yield f"in no document that fits: {', '.join(explanation.missing)}"
    if explanation.probability is not None:
        yield f"probability that the passages hold the answer: {explanation.probability:.3f}"
    stages = ", ".join(f"{stage} {time:.3f}" for stage, time in explanation.timings.items())
    yield f"seconds: {stages}"
