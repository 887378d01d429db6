"""``qa-engine calibrate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qa_engine.cli.options import CollectionOption, ConfigOption, JsonOption, StorageOption, load_config
from qa_engine.cli.output import print_json
from qa_engine.errors import InputError
from qa_engine.evaluation import require_packages
from qa_engine.evaluation.commands import print_outcome, print_sentence, print_table

if TYPE_CHECKING:
    from qa_engine.config import Config
    from qa_engine.evaluation.calibration import Calibration


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
    settings = load_config(config)
    root = storage if storage is not None else settings.storage
    name = collection or settings.collection
    if questions is None:
        _forget(root, name, settings, json)
        return
    require_packages()
    calibration = _calibrate(root, name, settings, questions, false_refusals, dry_run)
    if json:
        print_json({"collection": name, "stored": not dry_run, **calibration.to_dict()})
    else:
        _show(name, calibration, stored=not dry_run)


def _forget(root: Path, name: str, settings: Config, as_json: bool) -> None:
    from qa_engine.answering.refusal.calibration import forget_calibration
    from qa_engine.index.opening import writable_catalog

    with writable_catalog(root, name, settings, create=False) as (_, catalog):
        existed = forget_calibration(catalog)
    sentence = f"The calibration of {name} is forgotten." if existed else f"{name} had no calibration."
    print_outcome(as_json, {"collection": name, "reset": existed}, sentence)


def _calibrate(
    root: Path, name: str, settings: Config, questions: Path, false_refusals: float, dry_run: bool
) -> Calibration:
    """The calibration of a collection, stored with it unless ``dry_run``."""
    from qa_engine.answering.refusal.calibration import store_calibration
    from qa_engine.assembly import assemble, built_in_calibration
    from qa_engine.cli.display.progress import counted_progress
    from qa_engine.engine import QueryEngine
    from qa_engine.evaluation.calibration import calibrate as fit_calibration
    from qa_engine.evaluation.questions.labelled import read_questions
    from qa_engine.index.opening import writable_catalog
    from qa_engine.retrieval.reranking.rerank import name_of

    labelled = read_questions(questions)
    # Retrieval alone decides: no language model is asked.
    offline = settings.model_copy(
        update={
            "llm": settings.llm.model_copy(update={"model": None}),
            "retrieval": settings.retrieval.model_copy(update={"expansion": "none"}),
        }
    )
    parts = assemble(root, name, offline, None, None)
    prior = built_in_calibration(offline)
    with QueryEngine(**vars(parts)) as engine, counted_progress("asking") as progress:
        calibration = fit_calibration(
            engine, offline, labelled, false_refusals, prior, parts.answerability, progress
        )
    if not dry_run:
        facts = {key: getattr(calibration, key) for key in ("answerable", "unanswerable", "false_refusals")}
        with writable_catalog(root, name, settings, create=False) as (_, catalog):
            store_calibration(catalog, calibration.model, name_of(parts.reranker), facts)
    return calibration


def _show(name: str, calibration: Calibration, stored: bool) -> None:
    print_sentence(
        f"{calibration.answerable} questions with an answer, {calibration.unanswerable} without one "
        f"({calibration.asked_again} asked once more with their file left out)."
    )
    refusals_by_label = {"before": calibration.before, "calibrated": calibration.after}
    rows = [
        [label, f"{refusals.false:.1%}", f"{refusals.recall:.1%}"]
        for label, refusals in refusals_by_label.items()
        if refusals is not None
    ]
    print_table(["", "answerable, refused", "unanswerable, refused"], rows)
    verb = "is stored with" if stored else "was not stored with"
    print_sentence(f"The calibration {verb} {name}; threshold {calibration.model.threshold:.3f}.")
