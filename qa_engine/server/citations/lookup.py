"""Finds a citation by its id: in a collection as it is now, or else among those that were sent."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from qa_engine.answering.answer import Citation
from qa_engine.errors import StorageError
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
        original: the file itself; None for a text that never was one, and for a file of another machine.
        is_elsewhere: whether the file is on another machine.
    """

    facts: CitationFacts
    file: FileRecord
    original: Original | None
    is_elsewhere: bool = False


class Citations:
    """Finds citations. Thread-safe; its methods block, so call them from threads."""

    def __init__(
        self,
        default: Sequence[str],
        catalogs: Catalogs,
        originals: Originals,
        store: CitationStore,
    ) -> None:
        """
        Args:
            default: collections that are looked through first.
            catalogs: of all collections.
            originals: of the storage.
            store: the citations that were sent.
        """
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
        problem: ProblemError | None = None
        for name in filter(sees, self._candidates(sent)):
            try:
                found = self._find_in(name, identifier, sent)
            except ProblemError as error:  # another collection may have the file itself
                problem = problem or error
                continue
            if found is not None:
                return found
        if problem is not None:
            raise problem
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
        yield from (name for name in self._catalogs.names() if name not in likely)

    def _find_in(
        self, collection: str, identifier: str, sent: Sequence[CitationFacts]
    ) -> FoundCitation | None:
        """A citation in a collection, or None if that does not hold it.

        Raises:
            ProblemError: no file of the document is what was read.
        """
        cited = self._cited(collection, identifier)
        if cited is None:
            return None
        facts = _facts(identifier, collection, cited)
        # A passage that was too long for the prompt was cited without the sentences that were left out.
        shorter = next((one for one in sent if one.collection == collection and one.boxes), None)
        if shorter is not None:
            facts = replace(shorter, file=facts.file)
        problem: ProblemError | None = None
        for file in cited.files:
            if is_document(file.path):
                return FoundCitation(facts, file, None)
            try:
                return FoundCitation(facts, file, self._originals.find(file))
            except ProblemError as error:
                problem = problem or error
        assert problem is not None
        if problem.code == "elsewhere":
            return FoundCitation(facts, cited.file, None, is_elsewhere=True)
        problem.members["citation"] = facts.to_dict()
        raise problem

    def _cited(self, collection: str, identifier: str) -> CitedSentences | None:
        try:
            with self._catalogs.opened(collection) as catalog:
                return find_citation(catalog, identifier)
        except ProblemError:  # it has been deleted
            return None
        except StorageError as error:  # another one may hold it
            logger.warning("The collection %s was passed over: %s", collection, error)
            return None


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
