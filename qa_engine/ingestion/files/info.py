"""Information about the files of a collection, for people and for machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from qa_engine.index.catalog import Catalog
from qa_engine.index.records import FileRecord, Scalar
from qa_engine.index.search_engine.catalog import SharedCatalog
from qa_engine.ingestion.files.state import FileState, file_state, is_gone


@dataclass(frozen=True)
class FileLine:
    """A file in the list of a collection.

    Attributes:
        file: its name.
        path: where it was ingested from; ``upload:/NAME`` for an uploaded file.
        pages: the number of its pages.
        nodes: the number of its sentences.
        ingested_at: when its content was read, in UTC.
        copies: paths of the other files of the same content, which share its sentences.
        gone: whether nothing is at its path any more. Of a collection in a search engine, whose files may be on other
            machines, nobody knows: False.
    """

    file: str
    path: str
    pages: int
    nodes: int
    ingested_at: str
    copies: list[str]
    gone: bool

    def to_dict(self) -> dict[str, Any]:
        """One of the objects of ``list --json``."""
        return asdict(self)


@dataclass(frozen=True)
class FileInfo:
    """Everything that a collection knows about one file; see `FileLine`.

    Attributes:
        size: in bytes.
        chinese_share: the share of its sentences, 0 to 1, that are in Chinese.
        sections: the titles above its sentences, each path of titles once, in order.
        tables: each in Markdown.
        metadata: the metadata of the file, from tables, sidecars and readers.
        awaits_ocr: pages that were left out for lack of OCR.
        state: the state of the file on the disk, compared with its record.
        document_id: names its content in the ids of its sentences.
        identity: what the document is, by its own words and the metadata, see `DocumentIdentity.to_dict`.
    """

    file: str
    path: str
    size: int
    ingested_at: str
    pages: int
    nodes: int
    chinese_share: float
    sections: list[str]
    tables: list[str]
    metadata: dict[str, Scalar]
    copies: list[str]
    awaits_ocr: int
    state: FileState
    document_id: str
    identity: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON object of ``show FILE --json``."""
        return asdict(self)


def list_files(catalog: Catalog) -> list[FileLine]:
    """The files of a collection, by path."""
    records, storage = list(catalog.files().values()), catalog.path.parents[1]
    shared = isinstance(catalog, SharedCatalog)
    paths: dict[str, list[str]] = {}
    for record in records:
        paths.setdefault(record.document_id, []).append(record.path)
    return [
        FileLine(
            record.file_name,
            record.path,
            record.pages,
            record.nodes,
            record.ingested_at,
            _others(paths[record.document_id], record),
            not shared and is_gone(record, storage),
        )
        for record in records
    ]


def file_info(catalog: Catalog, record: FileRecord) -> FileInfo:
    """Everything about one file of a collection, from the catalog and from the disk."""
    copies = [other.path for other in catalog.files_of([record.document_id]).get(record.document_id, [])]
    return FileInfo(
        file=record.file_name,
        path=record.path,
        size=record.size,
        ingested_at=record.ingested_at,
        pages=record.pages,
        nodes=record.nodes,
        chinese_share=round(record.chinese_nodes / record.nodes, 3) if record.nodes else 0.0,
        sections=catalog.sections_of(record.document_id),
        tables=catalog.tables(record.document_id),
        metadata=record.metadata,
        copies=_others(copies, record),
        awaits_ocr=record.awaits_ocr,
        state=file_state(record, catalog.path.parents[1], isinstance(catalog, SharedCatalog)),
        document_id=record.document_id,
        identity=catalog.identity_of(record.document_id).corrected(record.metadata).to_dict(),
    )


def _others(paths: Sequence[str], record: FileRecord) -> list[str]:
    return [path for path in paths if path != record.path]
