"""Finds a citation by its id: in a collection as it is now, or else among those that were sent."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from qa_engine.answering.answer import Citation
from qa_engine.errors import StorageError
from qa_engine.index.collection import list_collections
from qa_engine.index.documents.citations import CitedSentences, cited_range, find_citation
from qa_engine.index.records import FileRecord
from qa_engine.ingestion.files.state import is_document
from qa_engine.server.citations.store import CitationFacts, CitationStore
from qa_engine.server.documents.catalogs import Catalogs
from qa_engine.server.documents.originals import Original, Originals
from qa_engine.server.problems import ProblemError

logger = logging.getLogger("qa_engine.server")

_MAX_SENTENCES = 1000
"""Ids of longer ranges are those of no citation, and would be a way to read whole files at once."""


@dataclass(frozen=True)
class FoundCitation:
    """A citation whose document is still the one that was cited.

    Attributes:
        facts: what it says.
        file: that it is in, as the collection knows it.
        original: the file itself; None for a text that never was one.
    """

    facts: CitationFacts
    file: FileRecord
    original: Original | None


class Citations:
    """Finds citations. Thread-safe; its methods block, so call them from threads."""

    def __init__(
        self,
        storage: Path,
        default: Sequence[str],
        catalogs: Catalogs,
        originals: Originals,
        store: CitationStore,
    ) -> None:
        """
        Args:
            storage: the folder of the index.
            default: collections that are looked through first.
            catalogs: of the storage.
            originals: of the storage.
            store: the citations that were sent.
        """
        self._storage = storage
        self._default = default
        self._catalogs = catalogs
        self._originals = originals
        self._store = store

    def remember(self, citations: Iterable[Citation]) -> None:
        """Keeps citations that are being sent; see `CitationStore.remember`."""
        self._store.remember(citations)

    def forget(self, collection: str) -> None:
        """Drops what was sent of a collection; see `CitationStore.forget`."""
        self._store.forget(collection)

    def find(self, identifier: str, sees: Callable[[str], bool]) -> FoundCitation:
        """A citation by its id.

        Args:
            identifier: of the citation.
            sees: whether the client may see a collection; others are not looked through.

        Raises:
            ProblemError: ``not_found``; or ``gone`` if the document has changed since or was removed, with what was cited as
                ``citation``, as far as that is known.
        """
        cited = cited_range(identifier)
        if cited is None or cited.last - cited.first >= _MAX_SENTENCES:
            raise _not_found(identifier)
        sent = [citation for citation in self._store.find(identifier) if sees(citation.collection)]
        for name in self._candidates(sent):
            if sees(name) and (found := self._find_in(name, identifier)) is not None:
                return found
        if not sent:
            raise _not_found(identifier)
        raise ProblemError(
            "gone",
            f"{sent[0].file!r} has changed since it was cited, or is no longer in the collection.",
            citation=sent[0].to_dict(),
        )

    def _candidates(self, sent: Sequence[CitationFacts]) -> Iterator[str]:
        """Collections that may hold a citation, the likeliest first, each once."""
        likely = dict.fromkeys([*(citation.collection for citation in sent), *self._default])
        yield from likely
        yield from (name for name in list_collections(self._storage) if name not in likely)

    def _find_in(self, collection: str, identifier: str) -> FoundCitation | None:
        try:
            with self._catalogs.opened(collection) as catalog:
                cited = find_citation(catalog, identifier)
        except ProblemError:  # it has been deleted
            return None
        except StorageError as error:  # another one may hold it
            logger.warning("The collection %s was passed over: %s", collection, error)
            return None
        if cited is None:
            return None
        facts = _facts(identifier, collection, cited)
        if is_document(cited.file.path):
            return FoundCitation(facts, cited.file, None)
        try:
            return FoundCitation(facts, cited.file, self._originals.find(cited.file))
        except ProblemError as problem:
            problem.members["citation"] = facts.to_dict()
            raise


def _not_found(identifier: str) -> ProblemError:
    return ProblemError(
        "not_found",
        f"There is no citation {identifier!r}.",
        "Ask again: the id may be that of an earlier version of the document.",
    )


def _facts(identifier: str, collection: str, cited: CitedSentences) -> CitationFacts:
    return CitationFacts(
        identifier,
        collection,
        cited.file.file_name,
        cited.page,
        cited.page_end,
        cited.page_label,
        cited.section,
        cited.text,
        cited.boxes,
    )
