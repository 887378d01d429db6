"""What HTTP adds to a citation: the id of its file, the address of its page for people, and the images of its pages."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from starlette.requests import Request

from qa_engine.answering.answer import Citation
from qa_engine.index.documents.citations import cited_range
from qa_engine.index.records import FileRecord
from qa_engine.server.citations.links import citation_url, page_path
from qa_engine.server.documents.catalogs import Catalogs


class CitationLinks:
    """Makes the citations of one answer ready to be sent. Its methods block, so call them from threads."""

    def __init__(self, request: Request, catalogs: Catalogs) -> None:
        """
        Args:
            request: that asked.
            catalogs: of the storage.
        """
        self._request = request
        self._catalogs = catalogs
        self._files: dict[tuple[str, str], list[FileRecord]] = {}

    def linked(self, citation: Citation) -> dict[str, Any]:
        """A citation for JSON. One that is of no file of its collection has no links.

        Raises:
            ProblemError: its collection has been deleted.
            StorageError: the catalog cannot be read.
        """
        record = self._file(citation)
        if record is None:
            return {**asdict(citation), "file_id": None, "url": None, "pages": []}
        return {
            **asdict(citation),
            "file_id": record.file_id,
            "url": citation_url(self._request, citation.id),
            "pages": [
                {"page": page, "image": page_path(self._request, citation.collection, record, page, "svg")}
                for page in range(citation.page, citation.page_end + 1)
                if page > 0
            ],
        }

    def _file(self, citation: Citation) -> FileRecord | None:
        """The file of a citation: of several with the same content, the one of the same name."""
        cited = cited_range(citation.node_id)
        if not citation.collection or cited is None:
            return None
        key = citation.collection, cited.document_id
        if key not in self._files:
            with self._catalogs.opened(citation.collection) as catalog:
                self._files[key] = catalog.files_of([cited.document_id]).get(cited.document_id, [])
        files = self._files[key]
        return next((one for one in files if one.file_name == citation.file), files[0] if files else None)
