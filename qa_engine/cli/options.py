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
CollectionsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--collection",
        "-c",
        metavar="NAME",
        help="Name of a collection; may be given several times [default: default].",
    ),
]
FilterOption = Annotated[
    list[str] | None,
    typer.Option(
        "--filter",
        metavar="CONDITION",
        help="Search only where this condition holds, such as file=年报*.pdf, page=3-10, section=风险 or year>=2020; "
        "may be given several times.",
    ),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Configuration file [default: qa_engine.toml in the working directory].",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
ParserOption = Annotated[
    str | None,
    typer.Option("--parser", metavar="NAME", help="Parser of PDFs: auto, fast or layout [default: auto]."),
]
OcrOption = Annotated[
    str | None,
    typer.Option("--ocr", metavar="WHEN", help="When to use OCR: auto, never or always [default: auto]."),
]
PasswordOption = Annotated[
    list[str] | None,
    typer.Option(
        "--password", metavar="WORD", help="Password to try on locked files; may be given several times."
    ),
]


def load_config(file: Path | None) -> Config:
    """The configuration from all sources, with the named file instead of the usual one; see `Config.load`."""
    from qa_engine.config import Config

    return Config.load(file)


def with_reading_options(
    config: Config, parser: str | None, ocr: str | None, passwords: list[str] | None
) -> Config:
    """The configuration with the options about reading files.

    Raises:
        ConfigurationError: a setting does not take the value of an option.
    """
    options = {"parser": parser, "ocr": ocr, "passwords": passwords}
    changes = {name: value for name, value in options.items() if value}
    if not changes:
        return config
    documents = type(config)(documents={**config.documents.model_dump(), **changes}).documents
    return config.model_copy(update={"documents": documents})
