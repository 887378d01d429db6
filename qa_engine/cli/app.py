"""The command line with its sub-commands. Each error ends as one sentence on standard error and an exit code."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer
from typer.core import TyperGroup

from qa_engine.cli.commands.ask import ask
from qa_engine.cli.commands.chat import chat
from qa_engine.cli.commands.collections import collections, list_files
from qa_engine.cli.commands.config import config
from qa_engine.cli.commands.delete import delete
from qa_engine.cli.commands.doctor import doctor
from qa_engine.cli.commands.ingest import ingest
from qa_engine.cli.commands.inspect import inspect
from qa_engine.cli.commands.models import models_app
from qa_engine.cli.commands.move import move
from qa_engine.cli.commands.rebuild import rebuild
from qa_engine.cli.commands.show import show
from qa_engine.cli.output import print_error, show_log_records
from qa_engine.errors import InputError, QAEngineError
from qa_engine.models.runtime.onnx_runtime import disable_telemetry
from qa_engine.text.control_characters import show_controls, show_controls_on_line
from qa_engine.text.one_line import is_text

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

COMMAND_GROUP = "qa_engine.commands"
"""Entry points of this group are commands: functions for Typer, or Typer apps with commands of their own."""

DEBUG_VARIABLE = "QA_ENGINE_DEBUG"
_INTERRUPTED = 130
_INTERRUPTION = "Interrupted. What was completed is kept; run the same command again to go on."
_WRITING_MODULE = "qa_engine.ingestion.writing.publishing"


class CommandGroup(TyperGroup):
    """The commands that are registered below, and those of entry points, which are imported when they are needed."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(dict.fromkeys([*super().list_commands(ctx), *_entry_points()]))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        command = super().get_command(ctx, cmd_name)
        if command is None and (entry_point := _entry_points().get(cmd_name)) is not None:
            command = self.commands[cmd_name] = _load_command(entry_point)
        return command

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        with _readable_usage_errors():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        with _readable_usage_errors():
            return super().invoke(ctx)


@contextmanager
def _readable_usage_errors() -> Iterator[None]:
    """Usage errors, which Click prints, show the control characters of what was typed, such as the name of a file."""
    try:
        yield
    except Exception as error:
        message = getattr(error, "format_message", None)
        if message is not None:
            text = show_controls_on_line(message())
            error.format_message = lambda: text  # type: ignore[attr-defined]
        raise


@cache
def _entry_points() -> dict[str, EntryPoint]:
    """The entry points of `COMMAND_GROUP` by name: of the installed packages, and of a checkout that is not installed."""
    import tomllib
    from importlib.metadata import EntryPoint, entry_points

    declared: dict[str, str] = {}
    with suppress(FileNotFoundError, KeyError):
        project = Path(__file__).parents[2] / "pyproject.toml"
        declared = tomllib.loads(project.read_text("utf-8"))["project"]["entry-points"][COMMAND_GROUP]
    commands = {name: EntryPoint(name, value, COMMAND_GROUP) for name, value in declared.items()}
    return commands | {entry_point.name: entry_point for entry_point in entry_points(group=COMMAND_GROUP)}


def _load_command(entry_point: EntryPoint) -> Any:
    """The Click command of an entry point. Typer may bring a Click of its own, so the class has no name here."""
    parent = typer.Typer(add_completion=False, rich_markup_mode=None)
    command = entry_point.load()
    if isinstance(command, typer.Typer):
        parent.add_typer(command, name=entry_point.name)
    else:
        parent.command(entry_point.name)(command)
    return typer.main.get_group(parent).commands[entry_point.name]


app = typer.Typer(
    name="qa-engine",
    cls=CommandGroup,
    help="Document question answering: PDFs and other documents in, Chinese answers with page citations out.\n\n"
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
app.command()(rebuild)
app.command()(move)
app.command()(collections)
app.command()(doctor)
app.command()(config)
app.add_typer(models_app, name="models")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs a command, and ends the process with the documented exit code. Tracebacks are shown only for debugging."""
    _set_up_process()
    try:
        app(args=list(arguments) if arguments is not None else None, prog_name="qa-engine")
    except SystemExit as end:
        if end.code == _INTERRUPTED:  # Typer has caught it
            print_error(_INTERRUPTION)
        _leave(end.code if isinstance(end.code, int) else 0)
    except QAEngineError as error:
        _show_traceback()
        print_error(str(error))
        _leave(error.exit_code)
    except KeyboardInterrupt:
        print_error(_INTERRUPTION)
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:
        # The process that read our output, such as head, has ended.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 - the last resort of a command line
        _show_traceback()
        undecodable = [word for word in arguments or sys.argv[1:] if not is_text(word)]
        if isinstance(error, UnicodeError) and undecodable:
            print_error(f"The argument {undecodable[0]!r} holds bytes that are no text: write it in UTF-8.")
            sys.exit(InputError.exit_code)
        print_error(
            f"Unexpected {type(error).__name__}: {error}. This is a fault of qa_engine: "
            f"set {DEBUG_VARIABLE}=1 to see where it happened."
        )
        sys.exit(1)
    _leave(0)


def run_script(command: str) -> NoReturn:
    """Runs a sub-command with the arguments of the process: the body of the files in ``scripts/``."""
    main([command, *sys.argv[1:]])


def _leave(code: int) -> NoReturn:
    """Ends the process. If it has written nothing, libraries are not unloaded first, which would take 0.7 s."""
    if _WRITING_MODULE in sys.modules:
        sys.exit(code)
    with suppress(BrokenPipeError):
        sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _show_traceback() -> None:
    if os.environ.get(DEBUG_VARIABLE):
        print(show_controls(traceback.format_exc()), end="", file=sys.stderr)


def _set_up_process() -> None:
    """Sets what the libraries of this process read at import, and which log records are shown."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    disable_telemetry()
    show_log_records(logging.INFO if os.environ.get(DEBUG_VARIABLE) else logging.WARNING)
