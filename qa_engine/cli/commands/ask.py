"""``qa-engine ask``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qa_engine.cli.display.passages import pages, show_passages
from qa_engine.cli.options import (
    CollectionsOption,
    ConfigOption,
    FilterOption,
    JsonOption,
    StorageOption,
    load_config,
)
from qa_engine.cli.output import print_json, results, say, say_error

if TYPE_CHECKING:
    from qa_engine.answering.answer import Answer
    from qa_engine.config import Config
    from qa_engine.retrieval.explanation import Explanation

_DEFAULT_TOP_K = 10


def ask(
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help="In Chinese or English.", show_default=False)
    ],
    collection: CollectionsOption = None,
    storage: StorageOption = None,
    filters: FilterOption = None,
    json: JsonOption = False,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Show why: what was searched for, and the score and rank of passages in every stage.",
        ),
    ] = False,
    search_only: Annotated[
        bool, typer.Option("--search-only", help="Show the passages and make no answer.")
    ] = False,
    top_k: Annotated[
        int | None,
        typer.Option(
            "--top-k", min=1, max=1000, help="Passages to search for, or to answer from [default: 10, 5]."
        ),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option("--images", metavar="DIR", help="Write the cited pages with the citations marked."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Answer a question from one or several collections, in Chinese and with page citations, or refuse."""
    if images is not None:
        _check_images(images, search_only)
    settings = load_config(config)
    if top_k is not None and not search_only:
        answering = settings.answering.model_copy(update={"passages": top_k})
        settings = settings.model_copy(update={"answering": answering})
    load_model_ahead(settings)
    from qa_engine.engine import QueryEngine
    from qa_engine.retrieval.filters.expressions import parse_filters

    conditions = parse_filters(filters or ())
    engine = QueryEngine.open(storage, collection or None, settings, filters=conditions)
    if search_only:
        _show_search(
            question, engine.explain(question, top_k or _DEFAULT_TOP_K), json, explain, engine.models
        )
        return
    answer = engine.query(question)
    pictures: dict[int, list[str]] = {}
    failures: list[str] = []
    if images is not None:
        from qa_engine.cli.commands.show import citation_images

        pictures, failures = citation_images(answer.citations, settings, storage, images)
    if json:
        content = answer.to_dict()
        for citation in content["citations"] if images is not None else ():
            citation["images"] = pictures.get(citation["number"], [])
        if explain and answer.explanation is not None:
            content["explanation"] = answer.explanation.to_dict()
        print_json(content)
    else:
        show_answer(answer, pictures, several=len(set(collection or ())) > 1)
        if explain and answer.explanation is not None:
            show_passages(answer.explanation, explain=True)
            models = ", ".join(f"{role} {name}" for role, name in answer.models.items())
            results().print(f"models: {models}", markup=False)
    for failure in failures:
        say_error(failure)
    if failures:
        raise typer.Exit(1)


def _check_images(folder: Path, search_only: bool) -> None:
    """Refuses what can be told to be wrong before a model is asked."""
    from qa_engine.errors import InputError

    if search_only:
        raise InputError("--images shows what an answer cites, and --search-only makes none: leave one out.")
    try:
        usable = folder.is_dir() or not folder.exists()
    except OSError:
        usable = False
    if not usable:
        raise InputError(f"{folder} is no folder and cannot become one: name another place with --images.")


def load_model_ahead(settings: Config) -> None:
    """Loads the local model while the other libraries are imported."""
    if settings.embedding.provider != "local":
        return
    from qa_engine.errors import QAEngineError
    from qa_engine.models.e5.shared import shared_encoder

    def load() -> None:
        try:
            shared_encoder(progress=say)
        except QAEngineError:
            return  # raised again, to the user, where the model is used

    Thread(target=load, daemon=True).start()


def show_answer(answer: Answer, pictures: dict[int, list[str]], several: bool) -> None:
    """The answer on standard output, and its citations with their pictures; of several collections, with their names."""
    console = results()
    console.print(answer.response, markup=False)
    for mark in _marks(answer):
        console.print(mark, style="yellow", markup=False)
    for citation in answer.citations:
        text = " ".join(citation.text.split())
        section = f"  {citation.section}" if citation.section else ""
        collection = f"{citation.collection}: " if several else ""
        place = f"{collection}{citation.file} 第{pages(citation.page, citation.page_end)}页"
        console.print(
            f"\n[{citation.number}] {place}{section}",
            style="bold",
            markup=False,
        )
        console.print(f"    {text if len(text) <= 300 else text[:300] + '…'}", markup=False)
        console.print(f"    {citation.id}", style="dim", markup=False)
        for picture in pictures.get(citation.number, ()):
            console.print(f"    {picture}", markup=False)


def _marks(answer: Answer) -> Iterator[str]:
    """What to know before an answer of a language model is believed."""
    if answer.unverified:
        yield "This answer cites no passage."
    if answer.foreign:
        yield "This answer is not Chinese."
    if answer.unsupported:
        yield f"In no passage: {'、'.join(answer.unsupported)}"


def _show_search(
    question: str, explanation: Explanation, as_json: bool, explain: bool, models: dict[str, str]
) -> None:
    if not as_json:
        show_passages(explanation, explain)
        return
    from qa_engine.answering.answer import passage_to_dict

    nothing: dict[str, Any] = {"answer": None, "refused": None, "probability": None, "citations": []}
    rows = [passage_to_dict(rank, passage) for rank, passage in enumerate(explanation.nodes, 1)]
    told = {"explanation": explanation.to_dict()} if explain else {}
    print_json({"question": question, **nothing, "passages": rows, "timings": {}, "models": models, **told})
