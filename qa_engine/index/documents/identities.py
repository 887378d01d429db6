"""The identities of the documents of a collection: facts of the catalog, so that collections of earlier versions need no
migration, and earlier versions read the collections of this one."""

from __future__ import annotations

from qa_engine.documents.identity.record import DocumentIdentity
from qa_engine.index.documents.checksums import DocumentChecksums

DOCUMENT_IDENTITY = "document_identity"
"""Prefix of the facts of the catalog with the identities of documents."""
_METADATA_CHANGES = "metadata_changes"


class DocumentIdentities(DocumentChecksums):
    """The part of the catalog that knows what the documents are."""

    def identities(self) -> dict[str, DocumentIdentity]:
        """The identities that were read, by document id; what users noted is not in them."""
        start = f"{DOCUMENT_IDENTITY} "
        rows = self._rows(
            "SELECT key, value FROM meta WHERE key >= ? AND key < ?", (start, f"{DOCUMENT_IDENTITY}!")
        )
        return {key.removeprefix(start): DocumentIdentity.unpacked(value) for key, value in rows}

    def identity_of(self, document_id: str) -> DocumentIdentity:
        """The identity of one document; without one, nothing is known of it."""
        value = self.meta(f"{DOCUMENT_IDENTITY} {document_id}")
        return DocumentIdentity.unpacked(value) if value is not None else DocumentIdentity()

    def set_identity(self, document_id: str, identity: DocumentIdentity) -> None:
        """Notes what a document is."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO meta VALUES (?, ?)",
                (f"{DOCUMENT_IDENTITY} {document_id}", identity.packed()),
            )

    @property
    def metadata_changes(self) -> int:
        """How often the metadata of files changed without another state being published, since readers see it at once."""
        return int(self.meta(_METADATA_CHANGES) or 0)

    def note_metadata_change(self) -> None:
        """Tells readers to look at the metadata of files and the identities of documents again."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO meta VALUES (?, '1') "
                "ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1",
                (_METADATA_CHANGES,),
            )
