"""Passages on standard output: a table of what each stage said, and the texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qa_engine.cli.output import results

if TYPE_CHECKING:
    from llama_index.core.schema import NodeWithScore
    from rich.console import Console

    from qa_engine.retrieval.explanation import Explanation, PassageExplanation

_STAGES = ("dense", "bm25", "fused", "rerank")


def show_passages(explanation: Explanation, explain: bool) -> None:
    """The passages of a question; with ``explain`` also their rank in every stage, the terms that match, and the facts."""
    console = results()
    if explanation.nodes:
        rows = explanation.passages
        _show_table(console, rows, explain)
        for row, passage in zip(rows, explanation.nodes, strict=True):
            _show_text(console, row, passage, row.terms if explain else ())
    else:
        console.print("没有找到相关段落。")
    if explain:
        _show_facts(console, explanation)


def pages(first: int | None, last: int | None) -> str:
    """A page or a range of pages."""
    return str(first) if first == last else f"{first}–{last}"


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
        table.add_row(str(row.rank), row.file, pages(row.page, row.page_end), *cells, f"{row.score or 0:.3f}")
    console.print(table, markup=False)


def _show_text(
    console: Console, row: PassageExplanation, passage: NodeWithScore, terms: Sequence[str]
) -> None:
    console.print(f"\n{row.rank}. {row.file} 第{pages(row.page, row.page_end)}页", style="bold", markup=False)
    if terms:
        console.print(f"terms: {', '.join(terms)}", style="dim", markup=False)
    console.print(passage.node.get_content(), markup=False)


def _show_facts(console: Console, explanation: Explanation) -> None:
    lines = [""]
    if (condensed := explanation.condensation) is not None:
        told = condensed.error or condensed.skipped
        lines.append(
            f"asked as it is: {told}" if told else f"asked as ({condensed.method}): {condensed.standalone}"
        )
    if (expansion := explanation.expansion) is not None:
        if told := expansion.error or expansion.skipped:
            lines.append(f"not expanded: {told}")
        else:
            added = [expansion.translation, *expansion.keywords]
            lines.append(f"expanded{' (known already)' if expansion.cached else ''}: {'; '.join(added)}")
    for given in explanation.queries:
        weights = ", ".join(f"{leg} {weight:.2f}" for leg, weight in given.weights.items())
        lines.append(f"query: {given.query}")
        lines.append(
            f"  {given.coverage:.0%} of its terms known; weights: {weights or 'none, joined by rank'}"
        )
    if len(explanation.queries) > 1:
        lines.append(f"reranked as: {explanation.rerank_query}")
    if explanation.probability is not None:
        lines.append(f"probability that the passages hold the answer: {explanation.probability:.3f}")
    lines.append(
        "seconds: " + ", ".join(f"{stage} {time:.3f}" for stage, time in explanation.timings.items())
    )
    console.print("\n".join(lines), markup=False)
