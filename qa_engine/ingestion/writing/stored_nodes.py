"""The nodes and token vectors of a collection, as the writer opens, cleans up and replaces them."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from qa_engine.config import Config, EmbeddingConfig
from qa_engine.documents.sentences.node_ids import node_id, split_node_id
from qa_engine.errors import StorageError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import CollectionPaths, gives_token_vectors
from qa_engine.index.records import StoredSentence
from qa_engine.index.search_engine.catalog import SharedCatalog
from qa_engine.index.search_engine.contents.document_store import UNKNOWN
from qa_engine.index.search_engine.contents.tokens import SearchEngineTokens, delete_generation
from qa_engine.index.vectors.locations import EMBEDDED, VectorLocation, drop_location, open_vectors
from qa_engine.index.vectors.row_fence import RowFence
from qa_engine.index.vectors.token_store import TOKEN_BITS, TOKEN_FILE, TokenStore, token_file
from qa_engine.ingestion.report import IngestProgress
from qa_engine.models.token_codes import TokenCodec
from qa_engine.text.tokenizer import tokenize

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding

    from qa_engine.index.vectors.vector_store import SentenceVectorStore

logger = logging.getLogger("qa_engine.ingestion")

_AT_ONCE = 100
"""Documents that are deleted from a search engine's collection in one transaction."""
_SURELY_ENDED_SECONDS = 24 * 3600
"""After so long, a process that has lost its right is taken to store nothing more."""
_SUPERSEDED = "former_vectors"
"""Fact of the catalog: vectors that are to be deleted."""

TokenBits = Literal[0, 2, 4]
"""Bits a dimension of stored token vectors; 0 if none are stored."""


def bm25_text(sentence: StoredSentence) -> str:
    """The text of a sentence for BM25: its words, and the title it stands under.

    A section names what its sentences speak of, and they often do not. Measured on 300 questions of the CMRC 2018 trial
    set, MRR@10 rose from .943 to .957. In front of what is embedded the title helped nowhere (XQuAD, Chinese questions
    on English documents: answers within 600 characters .787 without, .760 with it).
    """
    from qa_engine.documents.blocks import SECTION_MARK
    from qa_engine.documents.sentences.node_parser import SECTION  # imports LlamaIndex

    title = str(sentence.metadata.get(SECTION, "")).rpartition(SECTION_MARK)[2]
    return sentence.text if not title or title in sentence.text else f"{title}\n{sentence.text}"


def row_fence(catalog: Catalog) -> RowFence | None:
    """What keeps a writer of a search engine's collection from the rows of later ones; None in the storage."""
    if not isinstance(catalog, SharedCatalog):
        return None
    return RowFence(catalog.numbers, lambda: catalog.last_number, catalog.require_right)


class StoredNodes:
    """The nodes of a collection and their token vectors, opened when they are needed. For the one writer."""

    def __init__(self, catalog: Catalog, paths: CollectionPaths, config: Config) -> None:
        self.tokens: TokenStore | SearchEngineTokens | None = None
        self.in_work: set[str] = set()
        """Documents that the workers of this run are storing just now: they are not unfinished."""
        self._catalog = catalog
        self._paths = paths
        self._config = config
        self._store: SentenceVectorStore | None = None

    @property
    def store(self) -> SentenceVectorStore:
        """The nodes; made if there are none."""
        if self._store is None:
            from qa_engine.index.vectors.vector_store import SentenceVectorStore

            collection = open_vectors(self._paths, self._catalog, self._config.index, create=True)
            location = VectorLocation.of(self._catalog)
            embedded = location is not None and location.store == EMBEDDED
            self._store = SentenceVectorStore(
                collection, folder=self._paths.chroma if embedded else None, fence=row_fence(self._catalog)
            )
        return self._store

    def vectors(self, document_id: str, count: int) -> NDArray[np.float32] | None:
        """The vectors of the first ``count`` sentences of a document; None if they are on a server, or some are missing."""
        location = VectorLocation.of(self._catalog)
        if location is None or location.store != EMBEDDED:
            return None
        return self.store.vectors([node_id(document_id, ordinal) for ordinal in range(count)])

    def open_tokens(self, embed_model: BaseEmbedding) -> TokenStore | SearchEngineTokens | None:
        """The store for the token vectors of a run with this model, made if need be; None if none are stored.

        Raises:
            StorageError: the file cannot be opened or made.
        """
        from qa_engine.models.embedding import LocalEmbedding

        self._close_tokens()
        bits = token_bits(self._config.embedding, embed_model)
        if not bits or not isinstance(embed_model, LocalEmbedding):
            self._catalog.set_meta(**{TOKEN_BITS: "0"})
            return None
        if isinstance(self._catalog, SharedCatalog):
            codec = self._catalog.codec()
            if codec is None or codec.bits != bits:
                self._catalog.keep_tokens(TokenCodec.of(embed_model.encoder, bits))
            self.tokens = self._catalog.open_tokens()
            return self.tokens
        self.tokens = existing_token_store(self._catalog, self._paths)
        if self.tokens is not None and self.tokens.codec.bits != bits:
            self._close_tokens()
        if self.tokens is None:
            self.tokens = TokenStore(self._paths.tokens(bits), TokenCodec.of(embed_model.encoder, bits))
            self._catalog.set_meta(**{TOKEN_BITS: str(bits), TOKEN_FILE: self.tokens.path.name})
        return self.tokens

    def delete_unfinished(self) -> None:
        """Deletes what an interrupted run left, and what was replaced or removed unless readers still ask for it."""
        self._delete("writing")
        if self._catalog.published == self._catalog.changes:
            self._delete("stale")
        if isinstance(self._catalog, SharedCatalog):
            self._delete_abandoned(self._catalog)

    def correct_names(self) -> None:
        """Has nodes name one of the files that have them: they keep the name of the first file that was read.

        A copy may stay where that file went, or was renamed. Our own answers take names from the catalog; this is for
        whoever opens Chroma with stock LlamaIndex. Chroma comes first, so that a run that is cut off is made good by the
        next one, which finds the old name in the catalog.
        """
        if self._catalog.published == self._catalog.changes:
            return
        misnamed = self._catalog.misnamed_documents()
        files = self._catalog.files_of(list(misnamed))
        with self._catalog.together():
            for document_id, nodes in misnamed.items():
                name = files[document_id][0].file_name
                self.store.rename_file(document_id, nodes, name)
                self._catalog.rename_sentences(document_id, name)

    def retokenize(self, progress: IngestProgress, again: bool = False) -> None:
        """Makes the BM25 terms of the stored sentences anew, if another tokenizer made them or ``again``. Reads no file."""
        if self._catalog.terms_are_current() and not again:
            return
        live = self._catalog.live_documents()
        if live:
            progress.stage(f"analysing {sum(live.values())} sentences again, for BM25")
            logger.info("analysing %d sentences again, for BM25", sum(live.values()))
        for document_id, count in live.items():
            sentences = self._catalog.sentences(document_id)
            if again and isinstance(self._catalog, SharedCatalog):
                if len(sentences) < count:
                    sentences = self._lost_sentences(self._catalog, document_id, count)
                own = [tokenize(bm25_text(sentence)) for sentence in sentences]
                self._catalog.restore_sentences(document_id, sentences, own)
                continue
            terms: list[list[str]] = [[] for _ in range(count)]
            for sentence in sentences:
                terms[split_node_id(sentence.node_id)[1]] = tokenize(bm25_text(sentence))
            self._catalog.replace_terms(document_id, terms)
        self._catalog.note_terms()

    def _lost_sentences(self, catalog: SharedCatalog, document_id: str, count: int) -> list[StoredSentence]:
        """The sentences of a document that the search engine has lost, from Chroma.

        Raises:
            StorageError: Chroma does not have them as they were stored.
        """
        ids = [node_id(document_id, ordinal) for ordinal in range(count)]
        stored = self.store.stored_sentences(ids)
        sentences = [stored[identifier] for identifier in ids if identifier in stored]
        if len(sentences) < count or not catalog.is_sound(document_id, sentences):
            files = catalog.files_of([document_id]).get(document_id, [])
            raise StorageError(
                f"The search engine has lost sentences of {files[0].file_name if files else document_id!r}, and Chroma does "
                "not have them as they were stored: have the file read again; qa-engine doctor prints the command."
            )
        logger.info(
            "the sentences of document %s were lost in the search engine, Chroma has them", document_id
        )
        return sentences

    def token_bits_changed(self, embed_model: BaseEmbedding | None) -> bool:
        """Whether stored sentences have other token vectors than the configuration wants; see `token_bits`."""
        bits = token_bits(self._config.embedding, embed_model)
        if isinstance(self._catalog, SharedCatalog):
            codec = self._catalog.codec()
            return bits != (codec.bits if codec is not None else 0) and bool(self._catalog.live_documents())
        is_there = not bits or token_file(self._catalog, self._paths) is not None
        if is_there and bits == int(self._catalog.meta(TOKEN_BITS) or 0):
            return False
        return bool(self._catalog.live_documents())

    def token_name(self) -> str:
        """The name of the file of the token vectors, or their generation in a search engine; empty without any."""
        if isinstance(self._catalog, SharedCatalog):
            return self._catalog.token_generation if self._catalog.codec() is not None else ""
        file = token_file(self._catalog, self._paths)
        return file.name if file is not None else ""

    def supersede(self, location: VectorLocation | None, tokens: str) -> None:
        """Notes vectors that readers will not use any more; `drop_superseded` deletes them.

        Args:
            location: where the vectors are; None if they stay.
            tokens: name of the file of token vectors, or their generation in a search engine; empty if they stay.
        """
        superseded = json.loads(self._catalog.meta(_SUPERSEDED) or "[]")
        superseded.append({"place": asdict(location) if location is not None else None, "token_file": tokens})
        self._catalog.set_meta(**{_SUPERSEDED: json.dumps(superseded)})

    def drop_superseded(self) -> None:
        """Deletes vectors that a rebuild has replaced, or that a rebuild which was given up has made.

        Raises:
            ServiceUnavailableError: they are on a Chroma server that does not answer.
        """
        superseded = json.loads(self._catalog.meta(_SUPERSEDED) or "[]")
        if not superseded:
            return
        for entry in superseded:
            if entry["place"] is not None:
                drop_location(self._paths, VectorLocation(**entry["place"]), self._config.index)
            if entry["token_file"] and isinstance(self._catalog, SharedCatalog):
                log = self._catalog.log
                delete_generation(log.engine, log.collection, entry["token_file"])
            elif entry["token_file"]:
                (self._paths.root / entry["token_file"]).unlink(missing_ok=True)
        logger.info("superseded vectors removed: %d", len(superseded))
        self._catalog.set_meta(**{_SUPERSEDED: ""})

    def close(self) -> None:
        """Closes what was opened."""
        self._close_tokens()
        store, self._store = self._store, None
        if store is not None:
            store.close()

    def _close_tokens(self) -> None:
        tokens, self.tokens = self.tokens, None
        if tokens is not None:
            tokens.close()

    def _delete(self, state: str) -> None:
        unfinished = [one for one in self._catalog.unfinished(state) if one[0] not in self.in_work]
        if unfinished and self.tokens is None:
            self.tokens = existing_token_store(self._catalog, self._paths)
        unread = [document_id for document_id, nodes in unfinished if nodes == UNKNOWN]
        if unread and isinstance(self._catalog, SharedCatalog):
            self.store.delete_documents(unread)
            self._catalog.forget_unread(unread)
            unfinished = [one for one in unfinished if one[1] != UNKNOWN]
        # In a search engine, each transaction is a request.
        at_once = _AT_ONCE if isinstance(self._catalog, SharedCatalog) else 1
        for start in range(0, len(unfinished), at_once):
            with self._catalog.together():
                for document_id, nodes in unfinished[start : start + at_once]:
                    self.store.delete_sentences(document_id, nodes)
                    if isinstance(self.tokens, TokenStore):
                        self.tokens.delete(document_id)
                    self._catalog.forget(document_id)
        if unfinished or unread:
            logger.info("%d documents of state %r deleted", len(unfinished) + len(unread), state)

    def _delete_abandoned(self, catalog: SharedCatalog) -> None:
        """Deletes once more what documents had that were given up, when nobody can be storing it any more."""
        abandoned = catalog.abandoned(before=time.time() - _SURELY_ENDED_SECONDS)
        if not abandoned:
            return
        known = catalog.numbers([one.document_id for one in abandoned])
        # The vectors of a document that was stored again are those of its sentences, whoever stored them last.
        self.store.delete_documents([one.document_id for one in abandoned if one.document_id not in known])
        catalog.forget_abandoned(abandoned)
        logger.info("%d documents that were given up are deleted once more", len(abandoned))


def superseded_vectors(catalog: Catalog) -> list[VectorLocation]:
    """Places of vectors that a rebuild has replaced, and that are not deleted yet."""
    superseded = json.loads(catalog.meta(_SUPERSEDED) or "[]")
    return [VectorLocation(**entry["place"]) for entry in superseded if entry["place"] is not None]


def token_bits(config: EmbeddingConfig, embed_model: BaseEmbedding | None = None) -> TokenBits:
    """Bits a dimension of the token vectors that a run stores: only the local model returns any.

    ``embed_model`` is a model of the caller that replaces the configured one.
    """
    return config.token_bits if gives_token_vectors(config, embed_model) else 0


def existing_token_store(catalog: Catalog, paths: CollectionPaths) -> TokenStore | None:
    """The file with the token vectors that are there; None without any, and if they are in a search engine."""
    if isinstance(catalog, SharedCatalog):
        return None
    path = token_file(catalog, paths)
    return TokenStore(path) if path is not None else None
