"""Makes new vectors for stored sentences beside those that readers use, and switches to them when they are complete."""

from __future__ import annotations

import json
import logging
import shlex
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Literal

from llama_index.core.schema import TextNode

from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.errors import StorageError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import embedding_identity
from qa_engine.index.search_engine.catalog import SharedCatalog
from qa_engine.index.search_engine.contents.tokens import (
    SearchEngineTokens,
    new_generation,
    pack_codec,
    unpack_codec,
)
from qa_engine.index.vectors.chroma_rows import node_of
from qa_engine.index.vectors.locations import VectorLocation, open_location
from qa_engine.index.vectors.token_store import TOKEN_BITS, TOKEN_FILE, TokenStore, token_file
from qa_engine.index.vectors.vector_store import SentenceVectorStore
from qa_engine.ingestion.embedding_windows import ContextEmbedding
from qa_engine.ingestion.writing.publishing import publish
from qa_engine.ingestion.writing.session import WriteSession
from qa_engine.ingestion.writing.stored_nodes import StoredNodes, TokenBits, row_fence, token_bits
from qa_engine.models.embedding import LocalEmbedding, build_embedding
from qa_engine.models.token_codes import Bits, TokenCodec

logger = logging.getLogger("qa_engine.ingestion")

Task = Literal["embedding", "vectors", "tokens"]
"""``embedding``: vectors and token vectors by the configured model; ``vectors``: the same vectors in another location;
``tokens``: token vectors only."""
_CODEC = "rebuild_codec"
"""Fact of the catalog of a collection in a search engine: the codec of the token vectors that are being made."""
_REBUILD = "rebuild"
"""Fact of the catalog: the rebuild that is under way."""
BATCH_SENTENCES = 700
"""Sentences that are embedded together, so that short documents fill batches."""


@dataclass(frozen=True)
class _Target:
    """What a rebuild makes. The catalog records it, so that an interrupted rebuild can be continued."""

    task: Task
    identity: str
    place: VectorLocation | None
    token_bits: TokenBits
    token_file: str
    """The name of the file of token vectors; of a collection in a search engine, their generation."""

    @classmethod
    def recorded(cls, catalog: Catalog) -> _Target | None:
        facts = json.loads(catalog.meta(_REBUILD) or "null")
        if facts is None:
            return None
        place = VectorLocation(**facts["place"]) if facts["place"] else None
        return cls(**{**facts, "place": place})

    def is_like(self, other: _Target) -> bool:
        """Whether both are the same except for the random names of their locations."""
        facts, others = (
            (one.task, one.identity, one.token_bits, one.place and (one.place.store, one.place.url))
            for one in (self, other)
        )
        return facts == others


def vectors_under_way(catalog: Catalog) -> list[VectorLocation]:
    """The place of vectors that a rebuild is making, or was when it was cut off."""
    target = _Target.recorded(catalog)
    return [target.place] if target is not None and target.place is not None else []


class Reembedding:
    """One rebuild of the vectors of a collection, in a session that holds the right to write."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session
        self._catalog = session.catalog
        self._paths = session.paths
        self._config = session.config

    def run(self, task: Task) -> int:
        """Rebuilds, or completes what an interrupted rebuild left, and returns the number of sentences done.

        Raises:
            ModelUnavailableError, ServiceUnavailableError: the embedding model, or the Chroma server, is not there.
            StorageError: something cannot be read or written; readers use the old vectors meanwhile.
        """
        self._session.nodes.drop_superseded()
        with ExitStack() as stack:
            source = self._source() if task == "vectors" else None
            target = self._resume_or_begin(task)
            embedding = self._embedding(target)
            for opened in (source, embedding.vector_store, embedding.token_store):
                if isinstance(opened, SentenceVectorStore | TokenStore):
                    stack.callback(opened.close)
            done = self._fill(embedding, source)
        self._switch(target)
        self._session.nodes.drop_superseded()
        return done

    def _fill(self, embedding: ContextEmbedding, source: SentenceVectorStore | None) -> int:
        """Embeds, or copies from the source, the sentences of all documents that are not done yet."""
        done = 0
        rebuilt = self._catalog.rebuilt()
        live = self._catalog.live_documents()
        remaining = {name: count for name, count in live.items() if name not in rebuilt}
        if rebuilt:
            logger.info("continuing a rebuild: %d of %d documents are done", len(rebuilt), len(live))
        self._session.progress.start(len(remaining))
        store = embedding.vector_store
        for documents in document_batches(remaining):
            nodes = self._nodes(documents, remaining, source)
            if source is not None:
                assert store is not None
                store.add(list(nodes))
            else:
                embedding(nodes)
            self._catalog.mark_rebuilt(documents)
            done += len(nodes)
            for name in documents:
                self._session.progress.document_done(name)
        for name in rebuilt.keys() - live.keys():
            if isinstance(store, SentenceVectorStore):
                store.delete_sentences(name, rebuilt[name])
            if embedding.token_store is not None:
                embedding.token_store.delete(name)
        return done

    def _source(self) -> SentenceVectorStore:
        """The vectors that readers use now."""
        location = VectorLocation.of(self._catalog)
        assert location is not None
        index = self._config.index.model_copy(update={"url": location.url})
        return SentenceVectorStore(open_location(self._paths, location, index, self._catalog.published))

    def _resume_or_begin(self, task: Task) -> _Target:
        """The rebuild that is under way, if it is for the same target; otherwise a new one."""
        target = self._new_target(task)
        recorded = _Target.recorded(self._catalog)
        if recorded is not None and recorded.is_like(target):
            return recorded
        with self._catalog.together():
            if recorded is not None:
                self._session.nodes.supersede(recorded.place, recorded.token_file)
            self._catalog.forget_rebuilt()
            self._catalog.set_meta(**{_REBUILD: json.dumps(asdict(target)), _CODEC: ""})
        return target

    def _new_target(self, task: Task) -> _Target:
        settings, embed_model = self._config.embedding, self._session.embed_model
        identity = self._catalog.meta("identity") or ""
        if task == "embedding":
            identity = json.dumps(embedding_identity(settings, embed_model))
        place = None if task == "tokens" else VectorLocation.fresh(self._catalog, self._config.index)
        bits = 0 if task == "vectors" else token_bits(settings, embed_model)
        file = ""
        if bits:
            in_cluster = isinstance(self._catalog, SharedCatalog)
            file = new_generation() if in_cluster else f"tokens-{bits}bit-{uuid.uuid4().hex[:8]}.sqlite"
        return _Target(task, identity, place, bits, file)

    def _embedding(self, target: _Target) -> ContextEmbedding:
        """The embedding that writes into the stores of the target."""
        embed_model = self._session.embed_model or build_embedding(
            self._config.embedding, self._session.progress.stage
        )
        store = None
        if target.place is not None:
            store = SentenceVectorStore(
                open_location(self._paths, target.place, self._config.index, None, create=True),
                folder=self._paths.chroma if target.place.url is None else None,
                fence=row_fence(self._catalog),
            )
        tokens = None
        if target.token_bits and isinstance(embed_model, LocalEmbedding):
            tokens = self._tokens(target, target.token_bits, embed_model)
        return ContextEmbedding(
            embed_model=embed_model,
            pass_chars=self._config.embedding.pass_chars,
            context_sentences=self._config.embedding.context_sentences,
            on_progress=self._session.progress.sentences_done,
            token_store=tokens,
            vector_store=store,
        )

    def _tokens(
        self, target: _Target, bits: Bits, embed_model: LocalEmbedding
    ) -> TokenStore | SearchEngineTokens:
        """Where the target's token vectors go; the codec is made when it is begun, and kept."""
        catalog = self._catalog
        if not isinstance(catalog, SharedCatalog):
            path = self._paths.root / target.token_file
            codec = None if path.is_file() else TokenCodec.of(embed_model.encoder, bits)
            return TokenStore(path, codec)
        packed = catalog.meta(_CODEC)
        if not packed:
            codec = TokenCodec.of(embed_model.encoder, bits)
            packed = pack_codec(codec, target.token_file)
            catalog.set_meta(**{_CODEC: packed})
        return catalog.tokens_of(unpack_codec(packed), target.token_file)

    def _nodes(
        self, documents: Sequence[str], counts: dict[str, int], source: SentenceVectorStore | None
    ) -> list[TextNode]:
        """The sentences of documents, in order: with their vectors from where these are, or without from the catalog."""
        if source is None:
            return [node_of(sentence) for name in documents for sentence in self._catalog.sentences(name)]
        ids = [node_id(name, ordinal) for name in documents for ordinal in range(counts[name])]
        nodes = {node.node_id: node for node in source.with_vectors(ids)}
        if missing := sum(identifier not in nodes for identifier in ids):
            collection = shlex.quote(self._catalog.meta("name") or "")
            raise StorageError(
                f"{missing:,} of {len(ids):,} sentences have no vector to be moved: make them again, from the texts "
                f"that are kept, with qa-engine rebuild --embedding --collection {collection}."
            )
        return [nodes[identifier] for identifier in ids]

    def _switch(self, target: _Target) -> None:
        """Has readers use the new vectors from now on."""
        with self._catalog.together():
            old_location = VectorLocation.of(self._catalog) if target.place is not None else None
            old_tokens = self._session.nodes.token_name() if target.task != "vectors" else ""
            self._session.nodes.supersede(old_location, old_tokens)
            if target.place is not None:
                target.place.record(self._catalog)
            if target.task != "vectors" and isinstance(self._catalog, SharedCatalog):
                packed = self._catalog.meta(_CODEC) if target.token_file else None
                codec = unpack_codec(packed) if packed else None
                self._catalog.keep_tokens(codec, target.token_file)
            elif target.task != "vectors":
                self._catalog.set_meta(**{TOKEN_BITS: str(target.token_bits), TOKEN_FILE: target.token_file})
            self._catalog.set_meta(**{"identity": target.identity, _REBUILD: "", _CODEC: ""})
            self._catalog.forget_rebuilt()
            self._catalog.count_change()
            nodes = self._session.nodes
            nodes.close()  # it may have the old vectors open
            anew = target.task == "embedding"
            publish(self._catalog, self._paths, self._config.bm25, self._session.progress, nodes, anew)


def give_up_rebuild(catalog: Catalog, nodes: StoredNodes) -> None:
    """Gives up the rebuild that is under way, if any; `StoredNodes.drop_superseded` deletes what it has made."""
    recorded = _Target.recorded(catalog)
    if recorded is not None:
        with catalog.together():
            nodes.supersede(recorded.place, recorded.token_file)
            catalog.forget_rebuilt()
            catalog.set_meta(**{_REBUILD: ""})


def change_token_bits(session: WriteSession) -> None:
    """Makes the token vectors of all stored sentences as the configuration wants them, or deletes them for 0 bits.

    Raises:
        ModelUnavailableError: the embedding model is not there.
    """
    catalog = session.catalog
    bits = token_bits(session.config.embedding, session.embed_model)
    if not bits:
        stored = token_file(catalog, session.paths)
        if isinstance(catalog, SharedCatalog):
            with catalog.together():
                session.nodes.supersede(None, session.nodes.token_name())
                catalog.keep_tokens(None)
            session.nodes.drop_superseded()
            return
        catalog.set_meta(**{TOKEN_BITS: "0"})
        if stored is not None:
            stored.unlink(missing_ok=True)
        return
    session.progress.stage(
        f"making the token vectors of {catalog.node_count()} stored sentences (embedding.token_bits = {bits})"
    )
    Reembedding(session).run("tokens")


def document_batches(documents: dict[str, int]) -> Iterator[list[str]]:
    """Documents with their numbers of sentences, in batches of at least `BATCH_SENTENCES` sentences but the last."""
    batch: list[str] = []
    size = 0
    for name, count in documents.items():
        batch.append(name)
        size += count
        if size >= BATCH_SENTENCES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
