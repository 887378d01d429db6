"""``qa-engine questions``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qa_engine.cli.options import CollectionOption, ConfigOption, JsonOption, StorageOption, load_config
from qa_engine.cli.output import print_error
from qa_engine.errors import InputError
from qa_engine.evaluation.commands import print_outcome

questions_app = typer.Typer(
    help="Questions whose answers are known: import them, or make them from a collection.",
    no_args_is_help=True,
)
_OutOption = Annotated[
    Path, typer.Option("--out", metavar="QUESTIONS.jsonl", help="File to write; it must not exist yet.")
]


@questions_app.command("import")
def import_file(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="SQuAD-style .json, .csv, .tsv or .jsonl.", show_default=False),
    ],
    out: _OutOption,
    json: JsonOption = False,
) -> None:
    """Turn a data set (SQuAD, CMRC, DRCD) or a table (CSV) into labelled questions."""
    from qa_engine.evaluation.questions.datasets import import_questions
    from qa_engine.evaluation.questions.labelled import write_questions

    _check_new(out)
    questions = import_questions(file)
    write_questions(out, questions)
    answerable = sum(question.answerable for question in questions)
    print_outcome(
        json,
        {"questions": len(questions), "answerable": answerable, "out": str(out)},
        f"{len(questions)} questions are in {out}, {answerable} of them with an answer.",
    )


@questions_app.command("generate")
def generate(
    out: _OutOption,
    count: Annotated[int, typer.Option("--count", min=1, max=100_000, help="Number of questions.")] = 50,
    collection: CollectionOption = None,
    storage: StorageOption = None,
    llm: Annotated[
        bool, typer.Option("--llm", help="Have the configured language model make them, one call each.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the choice of sentences.")] = 7,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Make questions from the sentences of a collection, each with its answer and its place, for you to check."""
    _check_new(out)
    settings = load_config(config)

    from qa_engine.cli.display.progress import counted_progress
    from qa_engine.evaluation.questions.labelled import write_questions
    from qa_engine.evaluation.questions.llm_generator import (
        PASSAGE_CHARS,
        GeneratedQuestions,
        generate_with_llm,
    )
    from qa_engine.evaluation.questions.rule_generator import generate_questions
    from qa_engine.evaluation.questions.sampling import sampled_passages
    from qa_engine.index.reader import open_collections
    from qa_engine.models.llm import build_llm

    root = storage if storage is not None else settings.storage
    name = collection or settings.collection
    model = build_llm(settings.llm) if llm else None
    (reader,) = open_collections(root, [name], settings.embedding, None, settings.index, settings.bm25)
    if model is None:
        made = GeneratedQuestions(generate_questions(sampled_passages(reader, seed), count))
    else:
        passages = sampled_passages(reader, seed, PASSAGE_CHARS)
        with counted_progress("asking") as progress:
            made = generate_with_llm(model, passages, count, progress=progress)
    reasons = ", ".join(f"{failed} {reason}" for reason, failed in made.failures.items())
    failures = f" (calls without a question: {reasons})" if reasons else ""
    if not made.questions:
        raise made.stopped or InputError(
            f"No question could be made from {name}: it has too few sentences that state something plainly{failures}."
        )
    write_questions(out, made.questions)
    number = len(made.questions)
    fewer = f", fewer than the {count} that were asked for" if number < count else ""
    print_outcome(
        json,
        {"collection": name, "questions": number, "failures": dict(made.failures), "out": str(out)},
        f"{number} questions are in {out}{fewer}{failures}. Check them before you rely on them.",
    )
    if made.stopped is not None:
        print_error(str(made.stopped))
        raise typer.Exit(made.stopped.exit_code)


def _check_new(out: Path) -> None:
    if out.exists():
        raise InputError(
            f"{out} is there already, and somebody may have checked it: name another file with --out."
        )
