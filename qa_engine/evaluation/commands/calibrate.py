"""``qa-engine calibrate``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qa_engine.cli.options import CollectionOption, ConfigOption, JsonOption, StorageOption, load_config
from qa_engine.cli.output import print_json, results
from qa_engine.errors import InputError
from qa_engine.evaluation import require_packages

if TYPE_CHECKING:
    from qa_engine.config import Config
    from qa_engine.evaluation.calibration import Calibration, Refusals
    from qa_engine.index.catalog import Catalog
    from qa_engine.index.collection import CollectionPaths


def calibrate(
    questions: Annotated[
        Path | None,
        typer.Argument(
            metavar="QUESTIONS.jsonl",
            help='Lines such as {"question": "…", "answers": ["…"]} or {"question": "…", "answerable": false}.',
            show_default=False,
        ),
    ] = None,
    collection: CollectionOption = None,
    storage: StorageOption = None,
    false_refusals: Annotated[
        float,
        typer.Option(
            "--false-refusals",
            min=0.001,
            max=0.5,
            help="Share of the answerable questions that may be refused.",
        ),
    ] = 0.05,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Measure, and store nothing.")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Forget the calibration of the collection.")] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Fit to a collection when to refuse, from questions whose answers are known."""
    if reset == (questions is not None):
        raise InputError("Name a file of questions, or give --reset without one.")
    if questions is not None:
        require_packages()

    from qa_engine.index.collection import require_collection

    settings = load_config(config)
    root = storage if storage is not None else settings.storage
    name = collection or settings.collection
    paths = require_collection(root, name)
    if questions is None:
        from qa_engine.answering.stored_relevance import forget_calibration

        with _writing(paths, settings) as catalog:
            had = forget_calibration(catalog)
        if json:
            print_json({"collection": name, "reset": had})
        else:
            results().print(
                f"The calibration of {name} is forgotten." if had else f"{name} had no calibration.",
                markup=False,
            )
        return

    from qa_engine.answering.stored_relevance import store_calibration
    from qa_engine.cli.counting import counted_progress
    from qa_engine.engine import QueryEngine
    from qa_engine.evaluation.calibration import calibrate as fit_calibration
    from qa_engine.evaluation.questions.labelled import read_questions
    from qa_engine.parts import build_parts, built_in_relevance
    from qa_engine.retrieval.rerank import name_of

    labelled = read_questions(questions)
    # Retrieval alone decides: no language model is asked.
    offline = settings.model_copy(
        update={
            "llm": settings.llm.model_copy(update={"model": None}),
            "retrieval": settings.retrieval.model_copy(update={"expansion": "none"}),
        }
    )
    parts = build_parts(root, name, offline, None, None)
    with counted_progress("asking") as progress:
        calibration = fit_calibration(
            QueryEngine(**vars(parts)),
            offline,
            labelled,
            false_refusals,
            built_in_relevance(offline),
            parts.relevance,
            progress,
        )
    if not dry_run:
        with _writing(paths, settings) as catalog:
            store_calibration(
                catalog,
                calibration.model,
                name_of(parts.reranker),
                {
                    "answerable": calibration.answerable,
                    "unanswerable": calibration.unanswerable,
                    "false_refusals": false_refusals,
                },
            )
    if json:
        print_json({"collection": name, "stored": not dry_run, **calibration.to_dict()})
        return
    _show(name, calibration, stored=not dry_run)


@contextmanager
def _writing(paths: CollectionPaths, settings: Config) -> Iterator[Catalog]:
    """The catalog of a collection, with the right to write."""
    from qa_engine.index.catalog import Catalog
    from qa_engine.index.writer_lock import writer_lock

    with (
        writer_lock(paths.root, settings.ingestion.lock_timeout_seconds),
        closing(Catalog(paths.catalog)) as catalog,
    ):
        yield catalog


def _show(name: str, calibration: Calibration, stored: bool) -> None:
    from rich.table import Table

    console = results()
    console.print(
        f"{calibration.answerable} questions with an answer, {calibration.unanswerable} without one "
        f"({calibration.asked_again} asked once more with their file left out).",
        markup=False,
    )
    table = Table()
    for column in ("", "answerable, refused", "unanswerable, refused"):
        table.add_column(column, justify="right" if column else "left")
    if calibration.before is not None:
        table.add_row("before", *_percent(calibration.before))
    table.add_row("calibrated", *_percent(calibration.after))
    console.print(table)
    what = "is stored with" if stored else "was not stored with"
    console.print(
        f"The calibration {what} {name}; threshold {calibration.model.threshold:.3f}.", markup=False
    )


def _percent(refusals: Refusals) -> tuple[str, str]:
    return f"{refusals.false:.1%}", f"{refusals.recall:.1%}"
