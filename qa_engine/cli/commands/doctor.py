"""``qa-engine doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from qa_engine.cli.options import CollectionsOption, ConfigOption, JsonOption, StorageOption, load_config
from qa_engine.cli.output import print_json, results

if TYPE_CHECKING:
    from qa_engine.diagnosis.report import Diagnosis

_STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red"}


def doctor(
    storage: StorageOption = None,
    collection: CollectionsOption = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Check collections, models and services; change nothing.

    Prints the command that repairs each fault.
    """
    settings = load_config(config)
    from qa_engine.diagnosis.doctor import diagnose

    diagnosis = diagnose(storage, collection or None, settings)
    if json:
        print_json(diagnosis.to_dict())
    else:
        _show(diagnosis)
    raise typer.Exit(2 if diagnosis.empty else 1 if diagnosis.failed else 0)


def _show(diagnosis: Diagnosis) -> None:
    console = results()
    heading: str | None = ""
    for check in diagnosis.checks:
        if check.collection != heading:
            heading = check.collection
            title = f"Collection {heading}" if heading is not None else f"Storage {diagnosis.storage}"
            console.print_line(title, style="bold")
        console.print(f"  {check.status:<8}", style=_STYLES[check.status], end="")
        console.print_line(f"{check.check}: {check.message}")
        if check.command:
            console.print_line(f"          → {check.command}")
    warnings = sum(check.status == "warning" for check in diagnosis.checks)
    console.print(f"{len(diagnosis.checks)} checks, {diagnosis.failed} failed, {warnings} with a warning")
