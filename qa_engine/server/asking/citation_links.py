"""What HTTP adds to citations and passages: ids of their files, addresses of their pages for people, and images."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from qa_engine.answering.answer import Citation
from qa_engine.index.documents.citations import cited_range
from qa_engine.index.records import FileRecord
from qa_engine.server.citations.links import citation_url, page_path
from qa_engine.server.documents.catalogs import Catalogs


class CitationLinks:
    """Makes the citations and passages of one answer ready to be sent. Its methods block, so call them from threads."""

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
        return self._linked(citation.to_dict(), citation.id)

    def linked_passage(self, passage: dict[str, Any]) -> dict[str, Any]:
        """A passage as `passage_to_dict` makes it, with the same links.

        Raises:
            ProblemError: its collection has been deleted.
            StorageError: the catalog cannot be read.
        """
        return self._linked(passage, passage["node_id"])

    def _linked(self, content: dict[str, Any], identifier: str) -> dict[str, Any]:
        record = self._file(content["collection"], content["node_id"], content["file"])
        if record is None:
            return {**content, "file_id": None, "url": None, "pages": []}
        first, last = content["page"] or 0, content["page_end"] or 0
        return {
            **content,
            "file_id": record.file_id,
            "url": citation_url(self._request, identifier),
            "pages": [
                {"page": page, "image": page_path(self._request, content["collection"], record, page, ".svg")}
                for page in range(first, last + 1)
                if page > 0
            ],
        }

    def _file(self, collection: str, node_id: str, file_name: str) -> FileRecord | None:
        """The file of some sentences: of several with the same content, the one of the same name."""
        cited = cited_range(node_id)
        if not collection or cited is None:
            return None
        key = collection, cited.document_id
        if key not in self._files:
            with self._catalogs.opened(collection) as catalog:
                self._files[key] = catalog.files_of([cited.document_id]).get(cited.document_id, [])
        files = self._files[key]
        return next((one for one in files if one.file_name == file_name), files[0] if files else None)
