"""Copies the content of a collection to another place, document by document; a copy that was cut off is completed."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qa_engine.config import Config
from qa_engine.documents.sentences.node_ids import node_id, split_node_id
from qa_engine.errors import StorageError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import CollectionPaths
from qa_engine.index.documents.transfer import NumberedDocument
from qa_engine.index.records import DocumentParts, StoredSentence
from qa_engine.index.search_engine.catalog import SharedCatalog
from qa_engine.index.search_engine.contents.tokens import SearchEngineTokens
from qa_engine.index.vectors.locations import VectorLocation
from qa_engine.index.vectors.token_store import TOKEN_BITS, TOKEN_FILE, TokenStore
from qa_engine.ingestion.maintenance.reembedding import document_batches
from qa_engine.ingestion.report import IngestProgress
from qa_engine.ingestion.writing.publishing import publish
from qa_engine.ingestion.writing.stored_nodes import StoredNodes, bm25_text, existing_token_store
from qa_engine.models.token_codes import TokenCodec
from qa_engine.text.tokenizer import tokenize

logger = logging.getLogger("qa_engine.ingestion")

Tokens = TokenStore | SearchEngineTokens


@dataclass(frozen=True)
class Place:
    """A collection in one of its places, which this process may write to.

    Attributes:
        paths: of its folder in the storage.
        catalog: its catalog.
        config: with the addresses of this place.
    """

    paths: CollectionPaths
    catalog: Catalog
    config: Config

    def tokens(self) -> Tokens | None:
        """The token vectors that are there; None if none are kept."""
        if isinstance(self.catalog, SharedCatalog):
            return self.catalog.open_tokens()
        return existing_token_store(self.catalog, self.paths)

    def nodes(self) -> StoredNodes:
        """The nodes, to be closed."""
        return StoredNodes(self.catalog, self.paths, self.config)


class CollectionCopy:
    """Brings what a collection holds in one place to another one, where nobody sees it yet.

    Documents keep their ids and their numbers. Nothing is read or embedded: texts, vectors and token vectors are copied, and
    terms too, unless they were in a search engine, which has them with those of the neighbours: then they are made anew.
    """

    def __init__(self, source: Place, target: Place, progress: IngestProgress) -> None:
        self._source = source
        self._target = target
        self._progress = progress

    def run(self) -> int:
        """Copies what is missing, publishes it in the new place, and returns the number of sentences that were copied.

        Raises:
            StorageError: the source is damaged, or the target cannot be written.
            ServiceUnavailableError: a service of either place is not there.
        """
        self._progress.stage("comparing the two places")
        with closing(self._source.nodes()) as source, closing(self._target.nodes()) as target:
            self._prepare_tokens()
            missing = self._begin(target)
            done = self._copy(missing, source, target) if missing else 0
            self._require_all_vectors(target)
        self._target.catalog.take_over(self._source.catalog.facts())
        self._publish()
        return done

    def _prepare_tokens(self) -> None:
        """Has the target keep token vectors as the source does."""
        source, target = self._source.tokens(), self._target.tokens()
        try:
            if _is_same(source.codec if source else None, target.codec if target else None):
                return
            self._target.catalog.give_up(list(self._target.catalog.live_documents()))
            if source is None:
                self._target.catalog.set_meta(**{TOKEN_BITS: "0"})
            elif isinstance(self._target.catalog, SharedCatalog):
                self._target.catalog.keep_tokens(source.codec)
            else:
                path = self._target.paths.tokens(source.codec.bits)
                path.unlink(missing_ok=True)
                TokenStore(path, source.codec).close()
                bits = str(source.codec.bits)
                self._target.catalog.set_meta(**{TOKEN_BITS: bits, TOKEN_FILE: path.name})
        finally:
            for opened in (source, target):
                if opened is not None:
                    opened.close()

    def _begin(self, target: StoredNodes) -> dict[str, NumberedDocument]:
        """Deletes what the source has no more, announces what the target lacks, and returns it."""
        catalog = self._target.catalog
        wanted = self._source.catalog.numbered_documents()
        there = catalog.numbered_documents()
        gone = [one for name, one in there.items() if name not in wanted or wanted[name].number != one.number]
        gone += [one for one in there.values() if one.state == "stale" and one not in gone]
        if wanted and VectorLocation.of(catalog) is None:
            VectorLocation.fresh(catalog, self._target.config.index).record(catalog)
        if gone:
            catalog.give_up([one.document_id for one in gone])
            tokens = self._target.tokens()
            for one in gone:
                target.store.delete_sentences(one.document_id, one.nodes)
                if isinstance(tokens, TokenStore):
                    tokens.delete(one.document_id)
                catalog.forget(one.document_id)
            if tokens is not None:
                tokens.close()
        left = {one.document_id: one.state for one in there.values() if one not in gone}
        catalog.announce_numbered(one for name, one in wanted.items() if name not in left)
        missing = {name: one for name, one in wanted.items() if left.get(name) != "live"}
        if left:
            logger.info(
                "continuing a copy: %d of %d documents are done", len(wanted) - len(missing), len(wanted)
            )
        return missing

    def _copy(self, missing: dict[str, NumberedDocument], source: StoredNodes, target: StoredNodes) -> int:
        self._progress.stage(f"copying {sum(one.nodes for one in missing.values()):,} sentences")
        self._progress.start(len(missing))
        source_tokens, target_tokens = self._source.tokens(), self._target.tokens()
        done = 0
        try:
            for batch in document_batches({name: one.nodes for name, one in missing.items()}):
                ids = [node_id(name, ordinal) for name in batch for ordinal in range(missing[name].nodes)]
                parts = {name: self._parts(missing[name]) for name in batch}
                if ids:
                    self._copy_vectors(ids, source, target)
                if source_tokens is not None and target_tokens is not None:
                    codes = source_tokens.get(ids)
                    target_tokens.put(list(codes), list(codes.values()))
                with self._target.catalog.together():
                    for name in batch:
                        self._target.catalog.take_in(missing[name], parts[name])
                done += len(ids)
                for name in batch:
                    self._progress.document_done(name)
        finally:
            for opened in (source_tokens, target_tokens):
                if opened is not None:
                    opened.close()
        return done

    def _copy_vectors(self, ids: Sequence[str], source: StoredNodes, target: StoredNodes) -> None:
        nodes = {node.node_id: node for node in source.store.with_vectors(ids)}
        if lacking := sum(identifier not in nodes for identifier in ids):
            raise StorageError(
                f"{lacking:,} of {len(ids):,} sentences have no vector to be moved: make them again, from the texts that "
                f"are kept, with qa-engine rebuild --embedding --collection {self._name()}."
            )
        target.store.add([nodes[identifier] for identifier in ids])

    def _parts(self, document: NumberedDocument) -> DocumentParts:
        """What a document is made of in the source.

        Raises:
            StorageError: it is not as it was stored.
        """
        catalog, name = self._source.catalog, document.document_id
        sentences = catalog.sentences(name)
        ordinals = [split_node_id(one.node_id)[1] for one in sentences]
        if ordinals != list(range(document.nodes)) or not catalog.is_sound(name, sentences):
            files = catalog.files_of([name]).get(name, [])
            raise StorageError(
                f"The text of {files[0].file_name if files else name!r} is not as it was stored: have it read again before "
                "the collection is moved; qa-engine doctor prints the command."
            )
        return DocumentParts(
            spans=catalog.spans(name),
            terms=self._terms(name, sentences),
            tables=catalog.tables(name),
            sections=catalog.sections_of(name),
            sentences=sentences,
        )

    def _terms(self, name: str, sentences: Sequence[StoredSentence]) -> Sequence[Sequence[str]]:
        catalog = self._source.catalog
        if isinstance(catalog, SharedCatalog):
            return [tokenize(bm25_text(one)) for one in sentences]
        (stored,) = catalog.terms([name])
        return stored.sentences[: len(sentences)]  # of none, an empty line is stored

    def _require_all_vectors(self, target: StoredNodes) -> None:
        expected = self._target.catalog.node_count()
        if expected and (found := target.store.count()) < expected:
            raise StorageError(
                f"Of {expected:,} vectors, {found:,} are in the new place: the collection there was changed by another "
                "program, or lost; the collection stays where it is."
            )

    def _publish(self) -> None:
        target = self._target
        target.catalog.note_terms()
        if target.catalog.changes == 0:
            target.catalog.count_change()
        with closing(target.nodes()) as nodes:
            publish(target.catalog, target.paths, target.config.bm25, self._progress, nodes, anew=True)

    def _name(self) -> str:
        return shlex.quote(self._source.catalog.meta("name") or Path(self._source.paths.root).name)


def _is_same(one: TokenCodec | None, other: TokenCodec | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.bits == other.bits and bool(np.array_equal(one.centre, other.centre))
