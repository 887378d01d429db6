"""``qa-engine chat``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from qa_engine.cli.display.answers import show_answer
from qa_engine.cli.opening import open_engine
from qa_engine.cli.options import CollectionsOption, ConfigOption, FilterOption, StorageOption, load_config
from qa_engine.cli.output import messages, print_error, print_json, print_message

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
            "--json", help="Print one JSON object for each question, one a line, on standard output."
        ),
    ] = False,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain", help="Show the standalone question, and the score and rank of each passage."
        ),
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Answer the questions of a conversation, which may refer back.

    Questions are read line by line: from the terminal until Ctrl-D, or from standard input. The line /reset starts a new
    conversation.
    """
    settings = load_config(config)
    session = open_engine(settings, storage, collection, filters).chat()
    interactive = sys.stdin.isatty()
    names = session.engine.collections
    if interactive:
        print_message(f"Ask about {', '.join(names)}. {_RESET} starts a new conversation, Ctrl-D ends.")
    exit_code = 0
    for line in _lines(interactive):
        question = line.strip()
        if question == _RESET:
            session.reset()
        elif question:
            exit_code = _answer(session, question, json, explain, len(names) > 1) or exit_code
    if exit_code and not interactive:
        raise typer.Exit(exit_code)


def _lines(interactive: bool) -> Iterator[str]:
    """Lines from the terminal, each behind a prompt, or from standard input."""
    if not interactive:
        yield from (line.decode("utf-8", "replace") for line in sys.stdin.buffer)
        return
    while True:
        try:
            yield messages.input(_PROMPT, markup=True)
        except EOFError:
            messages.print()
            return


def _answer(session: ChatSession, question: str, json: bool, explain: bool, several: bool) -> int:
    """Answers one question. An error is printed, and the conversation goes on. Returns the exit code of the error, or 0."""
    from qa_engine.errors import QAEngineError

    try:
        answer = session.ask(question)
    except QAEngineError as error:
        print_error(str(error))
        if json:
            print_json({"question": question, "error": str(error)})
        return error.exit_code
    if json:
        print_json(answer.to_dict(explain))
    else:
        _show_standalone(answer)
        show_answer(answer, several, explain)
    return 0


def _show_standalone(answer: Answer) -> None:
    condensation = None if answer.explanation is None else answer.explanation.condensation
    if condensation is not None and condensation.standalone != condensation.question:
        messages.print_line(f"→ {condensation.standalone}", style="dim")
