"""Pictures of pages with citations marked: for ``qa-engine show`` and ``qa-engine ask --images``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from qa_engine.cli.opening import open_catalog
from qa_engine.cli.output import print_message
from qa_engine.text.control_characters import without_controls

if TYPE_CHECKING:
    from qa_engine.answering.answer import Citation
    from qa_engine.config import Config, DocumentsConfig
    from qa_engine.documents.pdf.rendering import PageBox
    from qa_engine.index.records import FileRecord

DPI = 110
"""Resolution of a picture, unless another is named."""
_MAX_NAME_BYTES = 255
"""Longest file name that common file systems take."""


def pdf_of(record: FileRecord, storage: Path, shared: bool = False) -> Path:
    """The path of an ingested file. Warns if the file has changed since it was ingested.

    Args:
        record: of the file.
        storage: the folder that its collection is in.
        shared: whether the collection has files of other machines.

    Raises:
        InputError: the file is gone or on another machine, or its state cannot be read.
    """
    from qa_engine.errors import InputError
    from qa_engine.ingestion.files.state import content_path, is_in_storage

    path = content_path(record, storage)
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        if shared:
            raise InputError(
                f"{record.path} is not on this machine, so its pages cannot be drawn: run the command on the machine that "
                "has it, or open the citation on the server that it was uploaded to."
            ) from None
        raise InputError(
            f"{record.path} is gone: put it back, or ingest the collection with --prune."
        ) from None
    except OSError as error:
        raise InputError(
            f"{record.path} cannot be read ({error.strerror or error}): check its permissions."
        ) from error
    # A copy of the storage keeps its files as they are, and not their times.
    modified_ns = record.modified_ns if is_in_storage(record.path) else status.st_mtime_ns
    if (status.st_size, modified_ns) != (record.size, record.modified_ns):
        print_message(
            f"warning: {record.file_name} has changed since it was ingested; the marks may be out of place."
        )
    return path


def write_pictures(
    pdf: Path,
    boxes: Sequence[PageBox],
    out: Path,
    dpi: int,
    config: DocumentsConfig,
    storage: Path,
    name: str,
    option: str = "--out",
) -> list[str]:
    """Writes a picture of each page that has a box.

    Args:
        pdf: the file whose pages are rendered, in a process of its own.
        boxes: the rectangles to mark.
        out: a folder, made if missing; with ``--out`` also the name of the one picture.
        dpi: resolution.
        config: limits and passwords.
        storage: keeps the renditions of files that are no PDF.
        name: how the names of the pictures in a folder begin.
        option: the option that names ``out``, for messages.

    Returns:
        The paths of the pictures, as text that can be printed.

    Raises:
        InputError: a picture cannot be written.
        DocumentError: the file cannot be rendered.
    """
    from qa_engine.documents.files import path_text
    from qa_engine.documents.pdf.rendering import render_boxes
    from qa_engine.documents.processes.parsing_pool import reading_options, run_in_worker
    from qa_engine.errors import InputError
    from qa_engine.index.disk.atomic_file import make_folder, open_private

    if not boxes:
        return []
    is_file = option == "--out" and out.suffix.lower() == ".png"
    pages = len({box.page for box in boxes})
    if is_file and pages > 1:
        raise InputError(f"The citation is on {pages} pages: name a folder instead of {out}.")
    images: dict[int, bytes] = run_in_worker(
        pdf, config, render_boxes, pdf, list(boxes), dpi, reading_options(config, storage)
    )
    paths = []
    for page, image in images.items():
        path = out if is_file else out / _picture_name(name, page)
        try:
            make_folder(path.parent)
            with open_private(path, "wb") as file:
                file.write(image)
        except OSError as error:
            raise InputError(
                f"{path} cannot be written ({error.strerror or error}): name another place with {option}."
            ) from error
        paths.append(path_text(path))
    return paths


def _picture_name(name: str, page: int) -> str:
    """The file name of the picture of a page, without control characters, shortened where file systems would refuse it."""
    suffix = f"-p{page}.png"
    return (
        without_controls(name)
        .encode(errors="ignore")[: _MAX_NAME_BYTES - len(suffix)]
        .decode(errors="ignore")
        + suffix
    )


def citation_pictures(
    citations: Sequence[Citation], settings: Config, storage: Path | None, out: Path
) -> tuple[dict[int, list[str]], list[str]]:
    """Writes pictures of the citations of an answer into a folder. A picture that fails does not stop the others.

    Returns:
        The paths of the pictures by the number of the citation; and a sentence for each failure.
    """
    from qa_engine.documents.pdf.rendering import PageBox
    from qa_engine.errors import QAEngineError

    # Each collection is read once, and each file is looked up, and warned about, once.
    files = cache(partial(_files, settings, storage))
    pdfs: dict[str, Path] = {}
    pictures: dict[int, list[str]] = {}
    failures: dict[str, None] = {}
    for citation in citations:
        try:
            record = _cited_file(citation, files(citation.collection))
            if record.document_id not in pdfs:
                shared = settings.index.search_url is not None
                pdfs[record.document_id] = pdf_of(record, storage or settings.storage, shared)
            boxes = [PageBox(box.page, box.x0, box.y0, box.x1, box.y1) for box in citation.boxes]
            name = f"{citation.number}-{Path(record.file_name).stem}"
            pdf = pdfs[record.document_id]
            pictures[citation.number] = write_pictures(
                pdf, boxes, out, DPI, settings.documents, storage or settings.storage, name, "--images"
            )
        except QAEngineError as error:
            failures[str(error)] = None
    return pictures, list(failures)


def _files(settings: Config, storage: Path | None, collection: str) -> dict[str, FileRecord]:
    """The files of a collection by their documents."""
    with open_catalog(settings, storage, collection or None) as catalog:
        return {file.document_id: file for file in catalog.files().values()}


def _cited_file(citation: Citation, files: Mapping[str, FileRecord]) -> FileRecord:
    from qa_engine.documents.sentences.node_ids import document_id_of
    from qa_engine.errors import InputError

    record = files.get(document_id_of(citation.node_id))
    if record is None:
        raise InputError(f"{citation.file} is no longer in the collection: ask again.")
    return record
