"""``qa-engine show``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qa_engine.cli.display.pictures import DPI, pdf_of, write_pictures
from qa_engine.cli.opening import open_catalog
from qa_engine.cli.options import (
    CollectionOption,
    ConfigOption,
    JsonOption,
    PasswordOption,
    StorageOption,
    load_config,
    with_reading_options,
)
from qa_engine.cli.output import print_json, print_message, results

if TYPE_CHECKING:
    from qa_engine.config import Config
    from qa_engine.index.catalog import Catalog
    from qa_engine.index.documents.citations import CitedSentences
    from qa_engine.index.records import FileRecord


def show(
    citation: Annotated[
        str,
        typer.Argument(
            metavar="CITATION|FILE",
            help="The id of a citation, as ask prints it; or the path or the name of a file of the collection.",
            show_default=False,
        ),
    ],
    collection: CollectionOption = None,
    storage: StorageOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="PATH", help="Folder for the pictures, or a name ending in .png [default: .]."
        ),
    ] = None,
    dpi: Annotated[int, typer.Option("--dpi", min=30, max=600, help="Resolution of the pictures.")] = DPI,
    password: PasswordOption = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show a citation on its pages, or the facts about a file.

    Writes a picture of each page, with the cited sentences marked.
    """
    from qa_engine.documents.places import place_text

    settings = with_reading_options(load_config(config), None, None, password)
    name = collection if collection is not None else settings.collection
    with open_catalog(settings, storage, collection) as catalog:
        file = _find_file(catalog, citation, name)
        if file is not None:
            _show_file(catalog, file, name, json)
            return
        cited = _find_citation(catalog, citation)
    record = cited.file
    place = place_text(record.file_name, cited.page, cited.page_end, cited.page_label, cited.section)
    images = _pictures(settings, storage or settings.storage, cited, out or Path(), dpi)
    if json:
        print_json(
            {
                "id": citation,
                "file": record.file_name,
                "path": record.path,
                "page": cited.page,
                "page_end": cited.page_end,
                "place": place,
                "text": cited.text,
                "boxes": [box._asdict() for box in cited.boxes],
                "images": images,
            }
        )
        return
    results().print_line(f"{record.file_name} {place}", style="bold")
    results().print(cited.text)
    for image in images:
        results().print_line(image)


def _pictures(settings: Config, storage: Path, cited: CitedSentences, out: Path, dpi: int) -> list[str]:
    """Pictures of the pages of a citation; none, and a message that says so, if no machine but another has the file."""
    from qa_engine.errors import InputError
    from qa_engine.ingestion.files.state import is_gone

    shared = settings.index.search_url is not None
    record = next((one for one in cited.files if not is_gone(one, storage)), cited.file)
    try:
        pdf = pdf_of(record, storage, shared)
    except InputError as error:
        if not shared:
            raise
        print_message(f"warning: {error}")
        return []
    name = Path(record.file_name).stem
    return write_pictures(pdf, cited.boxes, out, dpi, settings.documents, storage, name)


def _show_file(catalog: Catalog, record: FileRecord, collection: str, as_json: bool) -> None:
    from qa_engine.cli.display.files import show_file
    from qa_engine.ingestion.files.info import file_info

    info = file_info(catalog, record)
    if as_json:
        print_json({"collection": collection, **info.to_dict()})
    else:
        show_file(info)


def _find_file(catalog: Catalog, name: str, collection: str) -> FileRecord | None:
    """The file that a path, a name or a pattern stands for; None if there is none.

    Raises:
        InputError: it stands for several.
    """
    from qa_engine.errors import InputError
    from qa_engine.index.files.matching import matching_files

    matches = matching_files(catalog.files().values(), name)
    if len(matches) > 1:
        paths = [record.path for record in matches[:10]]
        more = f" and {len(matches) - 10} more" if len(matches) > 10 else ""
        raise InputError(
            f"{name!r} stands for {len(matches)} files of the collection {collection!r}: name one of "
            f"{', '.join(paths)}{more}."
        )
    return matches[0] if matches else None


def _find_citation(catalog: Catalog, identifier: str) -> CitedSentences:
    """The sentences that the id of a citation stands for.

    Raises:
        InputError: it is no id, or none of this collection; or the collection does not know where they are.
    """
    from qa_engine.errors import InputError
    from qa_engine.index.documents.citations import cited_range, find_citation

    if cited_range(identifier.strip()) is None:
        raise _not_an_id(catalog, identifier)
    cited = find_citation(catalog, identifier.strip())
    if cited is None:
        raise InputError(
            f"There is no sentence {identifier!r} in this collection: its file may have changed since; ask again."
        )
    if not cited.boxes:
        raise InputError(
            f"The collection does not know where {identifier!r} is on its page: ingest its file again."
        )
    return cited


def _not_an_id(catalog: Catalog, identifier: str) -> Exception:
    from qa_engine.errors import InputError
    from qa_engine.index.files.matching import near_names

    near = near_names(catalog.files().values(), identifier)
    offer = f" Did you mean the file {' or '.join(near)}?" if near else ""
    return InputError(
        f"{identifier!r} is not the id of a citation, nor a file of the collection: ids of qa-engine ask look like "
        f"0f3a…-0000012 or 0f3a…-0000012..15, and qa-engine list names the files.{offer}"
    )
