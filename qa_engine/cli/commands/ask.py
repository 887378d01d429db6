"""``qa-engine ask``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qa_engine.cli.display.answers import show_answer
from qa_engine.cli.display.passages import show_passages
from qa_engine.cli.opening import open_engine
from qa_engine.cli.options import (
    CollectionsOption,
    ConfigOption,
    FilterOption,
    JsonOption,
    StorageOption,
    load_config,
)
from qa_engine.cli.output import print_error, print_json

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
            help="Show the queries that were searched for, and the score and rank of each passage in every stage.",
        ),
    ] = False,
    search_only: Annotated[
        bool, typer.Option("--search-only", help="Show the passages and make no answer.")
    ] = False,
    top_k: Annotated[
        int | None,
        typer.Option(
            "--top-k",
            min=1,
            max=1000,
            help="Number of passages to answer from, or to show with --search-only [default: 5, or 10].",
        ),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            "--images", metavar="DIR", help="Write pictures of the cited pages, with the citations marked."
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Answer a question in Chinese with page citations, or refuse."""
    if images is not None:
        _check_images(images, search_only)
    settings = load_config(config)
    if top_k is not None and not search_only:
        answering = settings.answering.model_copy(update={"passages": top_k})
        settings = settings.model_copy(update={"answering": answering})
    engine = open_engine(settings, storage, collection, filters)
    if search_only:
        explanation = engine.explain(question, top_k or _DEFAULT_TOP_K)
        if json:
            from qa_engine.answering.answer import search_to_dict

            print_json(search_to_dict(question, explanation, engine.models, explain))
        else:
            show_passages(explanation, explain)
        return
    answer = engine.query(question)
    pictures: dict[int, list[str]] = {}
    failures: list[str] = []
    if images is not None:
        from qa_engine.cli.display.pictures import citation_pictures

        pictures, failures = citation_pictures(answer.citations, settings, storage, images)
    if json:
        content = answer.to_dict(explain)
        for citation in content["citations"] if images is not None else ():
            citation["images"] = pictures.get(citation["number"], [])
        print_json(content)
    else:
        show_answer(answer, len(set(collection or ())) > 1, explain, pictures)
    for failure in failures:
        print_error(failure)
    if failures:
        raise typer.Exit(1)


def _check_images(folder: Path, search_only: bool) -> None:
    """Refuses wrong arguments before the question is asked."""
    from qa_engine.errors import InputError

    if search_only:
        raise InputError(
            "--images shows the citations of an answer, and --search-only makes none: leave one out."
        )
    try:
        usable = folder.is_dir() or not folder.exists()
    except OSError:
        usable = False
    if not usable:
        raise InputError(f"{folder} is no folder and cannot become one: name another place with --images.")
