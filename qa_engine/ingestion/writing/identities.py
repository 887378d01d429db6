"""What documents are, noted when they are stored; for those of an earlier version, from what is stored of them."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from qa_engine.documents.blocks import NO_FACTS, Role
from qa_engine.documents.identity.extraction import IdentityLine, document_identity
from qa_engine.documents.identity.record import DocumentIdentity
from qa_engine.documents.parsed_pdf import ParsedPdf
from qa_engine.index.catalog import Catalog
from qa_engine.index.records import FileRecord, StoredSentence
from qa_engine.ingestion.report import IngestProgress

logger = logging.getLogger("qa_engine.ingestion")

_RUNNING = frozenset({Role.HEADER, Role.FOOTER})
_AT_ONCE = 100
"""Identities that are noted in one transaction."""
_REPEATED = 3
"""A header or footer of so many pages is about the document."""


def read_identity(
    sentences: Sequence[StoredSentence], record: FileRecord, parsed: ParsedPdf | None = None
) -> DocumentIdentity:
    """The identity of a document.

    Args:
        sentences: all that it has, in order.
        record: its file.
        parsed: how it was read, for its running headers and what its metadata say; None if that is not known any more.
    """
    lines = [
        IdentityLine(one.text, one.metadata.get("page") or 0, one.metadata.get("role") == Role.HEADING)
        for one in sentences
    ]
    reports = parsed.pages if parsed is not None else ()
    running = Counter(text for page in reports for role, text in page.left_out if role in _RUNNING)
    repeated = [text for text, pages in running.most_common() if pages >= _REPEATED]
    facts = parsed.facts if parsed is not None else NO_FACTS
    identity = document_identity(lines, record.file_name, repeated, facts.title, record.pages)
    return replace(identity, author=facts.author, created=facts.created)


def identify_documents(catalog: Catalog, progress: IngestProgress) -> None:
    """Notes what the documents are that an earlier version stored. Reads no file."""
    known = catalog.identities()
    files = {record.document_id: record for record in reversed(catalog.files().values())}
    unknown = [document_id for document_id in files if document_id not in known]
    if not unknown:
        return
    progress.stage(f"reading what {len(unknown)} documents are")
    logger.info("reading what %d documents are, from their sentences", len(unknown))
    for start in range(0, len(unknown), _AT_ONCE):
        with catalog.together():
            for document_id in unknown[start : start + _AT_ONCE]:
                identity = read_identity(catalog.sentences(document_id), files[document_id])
                catalog.set_identity(document_id, identity)
    catalog.note_metadata_change()
