"""Passages on standard output: a table of their scores in each stage, their texts, and how they were found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from qa_engine.cli.output import page_range, results

if TYPE_CHECKING:
    from llama_index.core.schema import NodeWithScore
    from rich.console import Console

    from qa_engine.retrieval.explanation import Explanation, PassageExplanation

_STAGES = ("dense", "bm25", "fused", "rerank")


def show_passages(explanation: Explanation, explain: bool) -> None:
    """Prints the passages of a question.

    Args:
        explanation: the passages, and how they were found.
        explain: also print the rank of each in every stage, the terms that match, the queries and their weights.
    """
    console = results()
    if explanation.nodes:
        rows = explanation.passages
        _show_table(console, rows, explain)
        for row, passage in zip(rows, explanation.nodes, strict=True):
            _show_text(console, row, passage, row.terms if explain else ())
    else:
        console.print("没有找到相关段落。")
    if explain:
        lines = ["", *_condensation(explanation), *_expansion(explanation), *_search(explanation)]
        console.print("\n".join(lines), markup=False)


def _show_table(console: Console, rows: Sequence[PassageExplanation], explain: bool) -> None:
    from rich.table import Table

    table = Table(caption="score, and in brackets the rank in the stage" if explain else None)
    for name in ("#", "file", "page", *_STAGES, "score"):
        table.add_column(name, justify="left" if name == "file" else "right")
    for row in rows:
        cells = []
        for stage in _STAGES:
            rank = f"\n({row.ranks[stage]})" if explain and stage in row.ranks else ""
            cells.append(f"{row.scores[stage]:.3f}{rank}" if stage in row.scores else "–")
        pages = page_range(row.page, row.page_end)
        table.add_row(str(row.rank), row.file, pages, *cells, f"{row.score or 0:.3f}")
    console.print(table, markup=False)


def _show_text(
    console: Console, row: PassageExplanation, passage: NodeWithScore, terms: Sequence[str]
) -> None:
    pages = page_range(row.page, row.page_end)
    console.print(f"\n{row.rank}. {row.file} 第{pages}页", style="bold", markup=False)
    if terms:
        console.print(f"terms: {', '.join(terms)}", style="dim", markup=False)
    console.print(passage.node.get_content(), markup=False)


def _condensation(explanation: Explanation) -> Iterator[str]:
    condensation = explanation.condensation
    if condensation is None:
        return
    if reason := condensation.error or condensation.skipped:
        yield f"asked as it is: {reason}"
    else:
        yield f"asked as ({condensation.method}): {condensation.standalone}"


def _expansion(explanation: Explanation) -> Iterator[str]:
    expansion = explanation.expansion
    if expansion is None:
        return
    if reason := expansion.error or expansion.skipped:
        yield f"not expanded: {reason}"
    else:
        cached = " (from memory)" if expansion.cached else ""
        yield f"expanded{cached}: {'; '.join([expansion.translation, *expansion.keywords])}"


def _search(explanation: Explanation) -> Iterator[str]:
    for query in explanation.queries:
        weights = ", ".join(f"{leg} {weight:.2f}" for leg, weight in query.weights.items())
        yield f"query: {query.query}"
        yield f"  {query.coverage:.0%} of its terms known; weights: {weights or 'none, joined by rank'}"
    if len(explanation.queries) > 1:
        yield f"reranked as: {explanation.judged_as}"
    if explanation.probability is not None:
        yield f"probability that the passages hold the answer: {explanation.probability:.3f}"
    stages = ", ".join(f"{stage} {time:.3f}" for stage, time in explanation.timings.items())
    yield f"seconds: {stages}"
