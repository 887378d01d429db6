"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from qa_engine.config import Config

StorageOption = Annotated[
    Path | None, typer.Option("--storage", metavar="DIR", help="Folder of the index [default: storage].")
]
CollectionOption = Annotated[
    str | None,
    typer.Option("--collection", "-c", metavar="NAME", help="Name of the collection [default: default]."),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="TOML file instead of qa_engine.toml in the working directory."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]


def load_config(file: Path | None) -> Config:
    """The configuration, from the named file or as usual."""
    import os

    from qa_engine.config import ENV_PREFIX, Config

    if file is not None:
        os.environ[f"{ENV_PREFIX}CONFIG"] = str(file)
    return Config()
