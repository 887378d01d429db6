"""Assembles the command from its sub-commands, and turns every error into one sentence and an exit code."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

import typer

from qa_engine.cli.calibrate_command import calibrate
from qa_engine.cli.commands.ask import ask
from qa_engine.cli.commands.chat import chat
from qa_engine.cli.commands.collections import collections, list_files
from qa_engine.cli.commands.config import config
from qa_engine.cli.commands.delete import delete
from qa_engine.cli.commands.doctor import doctor
from qa_engine.cli.commands.ingest import ingest
from qa_engine.cli.commands.inspect import inspect
from qa_engine.cli.commands.models import models_app
from qa_engine.cli.commands.rebuild import rebuild
from qa_engine.cli.commands.show import show
from qa_engine.cli.evaluate_command import evaluate
from qa_engine.cli.judge_command import judge
from qa_engine.cli.output import say_error
from qa_engine.cli.questions_command import questions_app
from qa_engine.errors import QAEngineError

DEBUG_VARIABLE = "QA_ENGINE_DEBUG"
_INTERRUPTED = 130
_INTERRUPTION = "Interrupted. What was completed is kept; run the same command again to go on."
_WRITING_MODULE = "qa_engine.ingestion.writing.publishing"

app = typer.Typer(
    name="qa-engine",
    help="Document question answering: PDFs in, Chinese answers with page citations out.\n\n"
    "Exit codes: 0 done; 1 done, but some files failed; 2 wrong usage or configuration; "
    "3 a needed service, model or index is not available.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(ingest)
app.command()(ask)
app.command()(chat)
app.command("list")(list_files)
app.command()(show)
app.command()(delete)
app.command()(inspect)
app.command()(evaluate)
app.command()(calibrate)
app.command()(judge)
app.command()(rebuild)
app.command()(collections)
app.command()(doctor)
app.command()(config)
app.add_typer(questions_app, name="questions")
app.add_typer(models_app, name="models")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command and exits the process with the documented code. No traceback reaches the user."""
    _quiet_libraries()
    try:
        app(args=list(arguments) if arguments is not None else None, prog_name="qa-engine")
    except SystemExit as end:
        if end.code == _INTERRUPTED:  # Typer has caught it
            say_error(_INTERRUPTION)
        _leave(end.code if isinstance(end.code, int) else 0)
    except QAEngineError as error:
        _show_traceback()
        say_error(str(error))
        _leave(error.exit_code)
    except KeyboardInterrupt:
        say_error(_INTERRUPTION)
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output, such as head, has gone; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 - the last resort of a command line
        _show_traceback()
        say_error(
            f"Unexpected {type(error).__name__}: {error}. This is a fault of qa_engine; "
            f"set {DEBUG_VARIABLE}=1 to see where it happened."
        )
        sys.exit(1)
    _leave(0)


def run_script(command: str) -> NoReturn:
    """Runs a sub-command with the arguments of the process: the body of the files in ``scripts/``."""
    main([command, *sys.argv[1:]])


def _leave(code: int) -> NoReturn:
    """Ends the process. One that only read does not take its libraries apart first, which takes 0.7 s."""
    if _WRITING_MODULE in sys.modules:
        sys.exit(code)
    with suppress(BrokenPipeError):
        sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _show_traceback() -> None:
    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exc()


def _quiet_libraries() -> None:
    """Standard output belongs to the answer, standard error to our own words."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    logging.getLogger().setLevel(logging.ERROR)
