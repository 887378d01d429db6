"""An answer on standard output: its text, reasons to doubt it, its citations, and with ``--explain`` its passages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from qa_engine.cli.display.passages import show_passages
from qa_engine.cli.output import OutputConsole, results
from qa_engine.documents.places import has_own_pages
from qa_engine.text.one_line import one_line

if TYPE_CHECKING:
    from qa_engine.answering.answer import Answer, Citation

_QUOTE_CHARS = 300
"""Characters of a citation that are shown."""


def show_answer(
    answer: Answer, several: bool, explain: bool, pictures: Mapping[int, Sequence[str]] | None = None
) -> None:
    """Prints an answer and its citations.

    Args:
        answer: what is printed.
        several: whether several collections were asked, so that each citation names its own.
        explain: also print how its passages were found, and the models.
        pictures: paths of pictures by the number of the citation.
    """
    console = results()
    console.print(answer.response)
    for warning in _warnings(answer):
        console.print_line(warning, style="yellow")
    for nearest in answer.nearest:
        console.print_line(f"{nearest.text}：{nearest.file}")
    for citation in answer.citations:
        _show_citation(console, citation, several)
        for picture in (pictures or {}).get(citation.number, ()):
            console.print_line(f"    {picture}")
    if explain and answer.explanation is not None:
        show_passages(answer.explanation, explain=True)
        models = ", ".join(f"{role} {name}" for role, name in answer.models.items())
        console.print_line(f"models: {models}")


def _show_citation(console: OutputConsole, citation: Citation, several: bool) -> None:
    collection = f"{citation.collection}: " if several else ""
    place = f"{collection}{citation.file} {citation.place}"
    section = f"  {citation.section}" if citation.section and has_own_pages(citation.file) else ""
    console.print()
    console.print_line(f"[{citation.number}] {place}{section}", style="bold")
    console.print(f"    {one_line(citation.text, _QUOTE_CHARS)}")
    console.print(f"    {citation.id}", style="dim")


def _warnings(answer: Answer) -> Iterator[str]:
    """Reasons to doubt an answer of a language model."""
    if answer.unverified:
        yield "This answer cites no passage."
    if answer.foreign:
        yield "This answer is not Chinese."
    if answer.unsupported:
        yield f"In no passage: {'、'.join(answer.unsupported)}"
