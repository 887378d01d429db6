"""``qa-engine chat``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from qa_engine.cli.options import CollectionsOption, ConfigOption, FilterOption, StorageOption, load_config
from qa_engine.cli.output import messages, print_json, results, say, say_error

if TYPE_CHECKING:
    from qa_engine.answering.answer import Answer
    from qa_engine.conversation.session import ChatSession

_PROMPT = "\n[bold]>[/bold] "
_RESET = "/reset"


def chat(
    collection: CollectionsOption = None,
    storage: StorageOption = None,
    filters: FilterOption = None,
    json: Annotated[
        bool,
        typer.Option(
            "--json", help="Print one JSON object a line on standard output, one for each question."
        ),
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show why: the standalone question, and what each stage said.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Answer questions that lean on those before, from one or several collections.

    Questions come line by line: from the terminal until Ctrl-D, or from standard input. The line /reset begins anew.
    """
    from qa_engine.cli.commands.ask import load_model_ahead

    settings = load_config(config)
    load_model_ahead(settings)
    from qa_engine.engine import QueryEngine
    from qa_engine.retrieval.filters.expressions import parse_filters

    conditions = parse_filters(filters or ())
    session = QueryEngine.open(storage, collection or None, settings, filters=conditions).chat()
    interactive = sys.stdin.isatty()
    if interactive:
        say(f"Ask about {', '.join(session.engine.collections)}. {_RESET} begins anew, Ctrl-D ends.")
    several = len(session.engine.collections) > 1
    failed = 0
    for line in _lines(interactive):
        question = line.strip()
        if question == _RESET:
            session.reset()
        elif question:
            failed = _answer(session, question, json, explain, several) or failed
    if failed and not interactive:
        raise typer.Exit(failed)


def _lines(interactive: bool) -> Iterator[str]:
    """Lines from the terminal, each asked for, or from standard input."""
    if not interactive:
        yield from (line.decode("utf-8", "replace") for line in sys.stdin.buffer)
        return
    while True:
        try:
            yield messages.input(_PROMPT)
        except EOFError:
            messages.print()
            return


def _answer(session: ChatSession, question: str, json: bool, explain: bool, several: bool) -> int:
    """Answers one question; one that fails is told, and the conversation goes on. Returns its exit code."""
    from qa_engine.errors import QAEngineError

    try:
        answer = session.ask(question)
    except QAEngineError as error:
        say_error(str(error))
        if json:
            print_json({"question": question, "error": str(error)})
        return error.exit_code
    if json:
        content = answer.to_dict()
        if explain and answer.explanation is not None:
            content["explanation"] = answer.explanation.to_dict()
        print_json(content)
    else:
        _show(answer, explain, several)
    return 0


def _show(answer: Answer, explain: bool, several: bool) -> None:
    from qa_engine.cli.commands.ask import show_answer
    from qa_engine.cli.display.passages import show_passages

    told = answer.explanation
    condensed = None if told is None else told.condensation
    if condensed is not None and condensed.standalone != condensed.question:
        messages.print(f"→ {condensed.standalone}", style="dim", markup=False)
    show_answer(answer, {}, several)
    if explain and told is not None:
        show_passages(told, explain=True)
        models = ", ".join(f"{role} {name}" for role, name in answer.models.items())
        results().print(f"models: {models}", markup=False)
