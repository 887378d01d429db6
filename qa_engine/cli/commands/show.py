"""``qa-engine show``, and the pictures of ``qa-engine ask --images``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qa_engine.cli.options import (
    CollectionOption,
    ConfigOption,
    JsonOption,
    PasswordOption,
    StorageOption,
    load_config,
    with_reading,
)
from qa_engine.cli.output import print_json, results, say

if TYPE_CHECKING:
    from qa_engine.answering.answer import Citation
    from qa_engine.config import Config, DocumentsConfig
    from qa_engine.documents.rendering import PageBox
    from qa_engine.index.catalog import Catalog
    from qa_engine.index.records import FileRecord

_ID = re.compile(r"(?P<document>.+)-(?P<first>\d{1,10})(\.\.(?P<last>\d{1,10}))?")
_DPI = 110
_MAX_NAME_BYTES = 255


def show(
    citation: Annotated[
        str,
        typer.Argument(
            metavar="CITATION|FILE",
            help="The id of a citation, as ask shows it; or the path or the name of a file of the collection.",
            show_default=False,
        ),
    ],
    collection: CollectionOption = None,
    storage: StorageOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="PATH", help="Folder for the images, or a name ending in .png [default: .]."
        ),
    ] = None,
    dpi: Annotated[int, typer.Option("--dpi", min=30, max=600, help="Resolution.")] = _DPI,
    password: PasswordOption = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Render the pages that a citation is on, with the cited sentences marked; or say what is known about a file."""
    from qa_engine.cli.display.files import file_of, show_file

    settings = with_reading(load_config(config), None, None, password)
    with _opened(settings, storage, collection) as catalog:
        name = collection if collection is not None else settings.collection
        file = file_of(catalog, citation, name)
        if file is not None:
            show_file(catalog, file, name, json)
            return
        record, text, boxes = _find(citation, catalog)
    images = _render(
        _located(record), boxes, out or Path(), dpi, settings.documents, Path(record.file_name).stem
    )
    pages = sorted({box.page for box in boxes})
    if json:
        print_json(
            {
                "id": citation,
                "file": record.file_name,
                "path": record.path,
                "page": pages[0],
                "page_end": pages[-1],
                "text": text,
                "boxes": [box._asdict() for box in boxes],
                "images": images,
            }
        )
        return
    console = results()
    where = str(pages[0]) if len(pages) == 1 else f"{pages[0]}–{pages[-1]}"
    console.print(f"{record.file_name} 第{where}页", style="bold", markup=False)
    console.print(text, markup=False)
    for image in images:
        console.print(image, markup=False)


@contextmanager
def _opened(settings: Config, storage: Path | None, collection: str | None) -> Iterator[Catalog]:
    """The catalog of a collection that exists."""
    from qa_engine.index.catalog import Catalog
    from qa_engine.index.collection import require_collection

    name = collection if collection is not None else settings.collection
    paths = require_collection(storage if storage is not None else settings.storage, name)
    catalog = Catalog(paths.catalog)
    try:
        yield catalog
    finally:
        catalog.close()


def _find(citation: str, catalog: Catalog) -> tuple[FileRecord, str, list[PageBox]]:
    """The file, the text and the places that an id stands for."""
    from qa_engine.documents.rendering import PageBox
    from qa_engine.documents.sentences.node_ids import node_id
    from qa_engine.documents.sentences.node_parser import lines_between
    from qa_engine.documents.sentences.splitting import join_sentences
    from qa_engine.errors import InputError
    from qa_engine.index.sentence_texts import SentenceTexts

    parsed = _ID.fullmatch(citation.strip())
    if parsed is None:
        from qa_engine.index.files.matching import near_names

        near = near_names(catalog.files().values(), citation)
        offer = f" Did you mean the file {' or '.join(near)}?" if near else ""
        raise InputError(
            f"{citation!r} is not the id of a citation, nor a file of the collection: ids of qa-engine ask look like "
            f"0f3a…-0000012 or 0f3a…-0000012..15, and qa-engine list names the files.{offer}"
        )
    document_id, first = parsed["document"], int(parsed["first"])
    last = int(parsed["last"] or first)
    record = next(iter(catalog.files_of([document_id]).get(document_id, [])), None)
    if record is None or not first <= last < record.nodes:
        raise InputError(
            f"There is no sentence {citation!r} in this collection: its file may have changed since; ask again."
        )
    texts = SentenceTexts(catalog.path)
    nodes = list(texts.get([node_id(document_id, ordinal) for ordinal in range(first, last + 1)]).values())
    texts.close()
    spans = catalog.spans(document_id)
    boxes: dict[PageBox, None] = {}
    for node in nodes:
        for span in lines_between(spans, node.start_char_idx or 0, node.end_char_idx or 0):
            boxes[PageBox(span.page, span.x0, span.y0, span.x1, span.y1)] = None
    if not boxes:
        raise InputError(f"Nothing is known about the place of {citation!r}: ingest its file again.")
    text = join_sentences([node.text for node in nodes], [node.metadata["paragraph"] for node in nodes])
    return record, text, list(boxes)


def _located(record: FileRecord) -> Path:
    """Where the file of a record is; says so if it has changed since it was ingested.

    Raises:
        InputError: it is gone, or may not be looked at.
    """
    from qa_engine.documents.files import text_path
    from qa_engine.errors import InputError

    path = text_path(record.path)
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            f"{record.path} is gone: put it back, or ingest the collection with --prune."
        ) from None
    except OSError as error:
        raise InputError(
            f"{record.path} cannot be read ({error.strerror or error}): check permissions."
        ) from error
    if (status.st_size, status.st_mtime_ns) != (record.size, record.modified_ns):
        say(f"warning: {record.file_name} has changed since it was ingested; the marks may be out of place.")
    return path


def _render(
    path: Path,
    boxes: Sequence[PageBox],
    out: Path,
    dpi: int,
    config: DocumentsConfig,
    name: str,
    option: str = "--out",
) -> list[str]:
    """Writes a picture of each page that the boxes are on, and returns where they are, as text that can be printed.

    Args:
        path: of the PDF.
        boxes: what is marked.
        out: a folder, made if missing, or the name of the one picture.
        dpi: resolution.
        config: limits and passwords.
        name: that the pictures in a folder begin with.
        option: which names ``out``, for messages.

    Raises:
        InputError: a picture cannot be written.
        DocumentError: the file cannot be rendered.
    """
    from qa_engine.documents.files import path_text
    from qa_engine.documents.parsing_pool import reading_options, run_in_worker
    from qa_engine.documents.rendering import render_boxes
    from qa_engine.errors import InputError

    named = option == "--out" and out.suffix.lower() == ".png"
    pages = len({box.page for box in boxes})
    if named and pages > 1:
        raise InputError(f"The citation is on {pages} pages: name a folder instead of {out}.")
    images: dict[int, bytes] = run_in_worker(
        path, config, render_boxes, path, list(boxes), dpi, reading_options(config)
    )
    written = []
    for page, image in images.items():
        target = out if named else out / _picture_name(name, page)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(image)
        except OSError as error:
            raise InputError(
                f"{target} cannot be written ({error.strerror or error}): name another place with {option}."
            ) from error
        written.append(path_text(target))
    return written


def _picture_name(name: str, page: int) -> str:
    """A file name for a page; cut where file systems would refuse it."""
    end = f"-p{page}.png"
    return name.encode()[: _MAX_NAME_BYTES - len(end)].decode(errors="ignore") + end


def citation_images(
    citations: Sequence[Citation], settings: Config, storage: Path | None, out: Path
) -> tuple[dict[int, list[str]], list[str]]:
    """Writes the pictures of the citations of an answer into a folder.

    Returns:
        The paths of the pictures by citation number, and what went wrong: a picture that cannot be made must not cost
        the answer.
    """
    from qa_engine.errors import QAEngineError

    images: dict[int, list[str]] = {}
    failures: dict[str, None] = {}
    known: dict[str, dict[str, FileRecord]] = {}
    places: dict[str, Path] = {}  # looked up, and warned about, once for each file
    for citation in citations:
        try:
            name = citation.collection
            if name not in known:
                with _opened(settings, storage, name or None) as catalog:
                    known[name] = {file.document_id: file for file in catalog.files().values()}
            images[citation.number] = _citation_image(citation, known[name], places, settings.documents, out)
        except QAEngineError as error:
            failures[str(error)] = None
    return images, list(failures)


def _citation_image(
    citation: Citation,
    records: dict[str, FileRecord],
    places: dict[str, Path],
    config: DocumentsConfig,
    out: Path,
) -> list[str]:
    from qa_engine.documents.rendering import PageBox
    from qa_engine.documents.sentences.node_ids import document_id_of
    from qa_engine.errors import InputError

    document_id = document_id_of(citation.node_id)
    if document_id not in records:
        raise InputError(f"{citation.file} is no longer in the collection: ask again.")
    record = records[document_id]
    if document_id not in places:
        places[document_id] = _located(record)
    boxes = [PageBox(box.page, box.x0, box.y0, box.x1, box.y1) for box in citation.boxes]
    if not boxes:
        return []
    name = f"{citation.number}-{Path(record.file_name).stem}"
    return _render(places[document_id], boxes, out, _DPI, config, name, "--images")
