"""Makes the vectors of stored sentences anew beside those that readers use, and swaps them when all are there."""

from __future__ import annotations

import json
import shlex
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.schema import TextNode

from qa_engine.config import Config
from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.errors import StorageError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import CollectionPaths, embedding_identity
from qa_engine.index.vectors.chroma_rows import node_of
from qa_engine.index.vectors.locations import VectorLocation, collection_beside, open_location
from qa_engine.index.vectors.token_store import TOKEN_BITS, TOKEN_FILE, TokenStore
from qa_engine.index.vectors.vector_store import SentenceVectorStore
from qa_engine.ingestion.embedding_windows import ContextEmbedding
from qa_engine.ingestion.publishing import drop_former, leave_behind, publish
from qa_engine.ingestion.report import IngestProgress
from qa_engine.ingestion.token_vectors import existing_token_store, kept_token_bits
from qa_engine.models.embedding import LocalEmbedding, build_embedding
from qa_engine.models.token_codes import TokenCodec

Task = Literal["embedding", "vectors", "tokens"]
"""``embedding``: vectors and token vectors of another model; ``vectors``: the same vectors in another place; ``tokens``:
token vectors alone."""
_REBUILD = "rebuild"
"""Fact of the catalog: a rebuild that is under way."""
_TOGETHER = 700
"""Sentences that are embedded together, so that short documents fill batches."""


@dataclass(frozen=True)
class _Target:
    """What a rebuild makes. Recorded, so that an interrupted one goes on where it was."""

    task: Task
    identity: str
    place: VectorLocation | None
    token_bits: Literal[0, 2, 4]
    token_file: str

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def recorded(cls, catalog: Catalog) -> _Target | None:
        value = catalog.meta(_REBUILD)
        if not value:
            return None
        facts = json.loads(value)
        place = VectorLocation(**facts.pop("place")) if facts["place"] else facts.pop("place")
        return cls(**facts, place=place)

    def is_like(self, other: _Target) -> bool:
        """Whether both are the same but for the names that were drawn for them."""
        places = [None if one.place is None else (one.place.store, one.place.url) for one in (self, other)]
        facts = [(one.task, one.identity, one.token_bits) for one in (self, other)]
        return places[0] == places[1] and facts[0] == facts[1]


class Reembedding:
    """One rebuild of the vectors of a collection, by the holder of the right to write."""

    def __init__(
        self,
        catalog: Catalog,
        where: CollectionPaths,
        config: Config,
        embed_model: BaseEmbedding | None,
        progress: IngestProgress,
    ) -> None:
        self._catalog = catalog
        self._where = where
        self._config = config
        self._embed_model = embed_model
        self._progress = progress

    def run(self, task: Task) -> int:
        """Does it, or what is left of it, and returns the number of sentences done.

        Raises:
            ModelUnavailableError, ServiceUnavailableError: the embedding model, or the Chroma server, is not there.
            StorageError: something cannot be read or written; the old vectors are served meanwhile.
        """
        drop_former(self._catalog, self._where, self._config.index)
        source = self._source() if task == "vectors" else None
        target = self._begun(task)
        embedding = self._model(target)
        done = 0
        rebuilt = self._catalog.rebuilt()
        live = self._catalog.live_documents()
        left = {name: count for name, count in live.items() if name not in rebuilt}
        self._progress.start(len(left))
        store = embedding.vector_store
        for documents in _groups(left):
            nodes = self._nodes(documents, left, source)
            if source is not None:
                assert store is not None
                store.add(list(nodes))
            else:
                embedding(nodes)
            self._catalog.mark_rebuilt(documents)
            done += len(nodes)
            for name in documents:
                self._progress.document_done(name)
        for name in rebuilt.keys() - live.keys():
            if isinstance(store, SentenceVectorStore):
                store.delete_sentences(name, rebuilt[name])
            if embedding.token_store is not None:
                embedding.token_store.delete(name)
        if embedding.token_store is not None:
            embedding.token_store.close()
        self._switch(target)
        drop_former(self._catalog, self._where, self._config.index)
        return done

    def _source(self) -> SentenceVectorStore:
        """The vectors that there are, wherever they are."""
        place = VectorLocation.of(self._catalog)
        assert place is not None
        index = self._config.index.model_copy(update={"url": place.url})
        return SentenceVectorStore(open_location(self._where, place, index, self._catalog.published))

    def _begun(self, task: Task) -> _Target:
        """The rebuild that is under way, if it is this one; else a new one."""
        wanted = self._wanted(task)
        recorded = _Target.recorded(self._catalog)
        if recorded is not None and recorded.is_like(wanted):
            return recorded
        with self._catalog.together():
            if recorded is not None:
                leave_behind(self._catalog, recorded.place, recorded.token_file)
            self._catalog.forget_rebuilt()
            self._catalog.set_meta(**{_REBUILD: wanted.to_json()})
        return wanted

    def _wanted(self, task: Task) -> _Target:
        identity = (
            json.dumps(embedding_identity(self._config.embedding, self._embed_model))
            if task == "embedding"
            else self._catalog.meta("identity") or ""
        )
        place = None if task == "tokens" else VectorLocation.fresh(self._catalog, self._config.index)
        bits: Literal[0, 2, 4] = (
            0 if task == "vectors" else kept_token_bits(self._config.embedding, self._embed_model)
        )
        mark = uuid.uuid4().hex[:8]
        return _Target(task, identity, place, bits, f"tokens-{bits}bit-{mark}.sqlite" if bits else "")

    def _model(self, target: _Target) -> ContextEmbedding:
        """Embeds into the places of the target."""
        embed_model = self._embed_model or build_embedding(self._config.embedding, self._progress.stage)
        store = None
        if target.place is not None:
            store = SentenceVectorStore(
                collection_beside(self._where, target.place, self._config.index),
                folder=self._where.chroma if target.place.url is None else None,
            )
        tokens = None
        if target.token_bits and isinstance(embed_model, LocalEmbedding):
            path = self._where.root / target.token_file
            codec = None if path.is_file() else TokenCodec.of(embed_model.encoder, target.token_bits)
            tokens = TokenStore(path, codec)
        return ContextEmbedding(
            embed_model=embed_model,
            pass_chars=self._config.embedding.pass_chars,
            context_sentences=self._config.embedding.context_sentences,
            report=self._progress.sentences_done,
            token_store=tokens,
            vector_store=store,
        )

    def _nodes(
        self, documents: Sequence[str], counts: dict[str, int], source: SentenceVectorStore | None
    ) -> list[TextNode]:
        """The sentences of documents, in order: with their vectors from where these are, or without from the catalog."""
        if source is None:
            return [node_of(sentence) for name in documents for sentence in self._catalog.sentences(name)]
        ids = [node_id(name, ordinal) for name in documents for ordinal in range(counts[name])]
        found = {node.node_id: node for node in source.with_vectors(ids)}
        if missing := sum(identifier not in found for identifier in ids):
            collection = shlex.quote(self._catalog.meta("name") or "")
            raise StorageError(
                f"{missing:,} of {len(ids):,} sentences have no vector to be moved: make them again, from the texts "
                f"that are kept, with qa-engine rebuild --embedding --collection {collection}."
            )
        return [found[identifier] for identifier in ids]

    def _switch(self, target: _Target) -> None:
        """Has readers use the new vectors from now on."""
        with self._catalog.together():
            if target.task != "vectors":
                old_tokens = existing_token_store(self._catalog, self._where)
                old_file = old_tokens.path.name if old_tokens is not None else ""
                if old_tokens is not None:
                    old_tokens.close()
            else:
                old_file = ""
            leave_behind(
                self._catalog,
                VectorLocation.of(self._catalog) if target.place is not None else None,
                old_file,
            )
            if target.place is not None:
                target.place.record(self._catalog)
            if target.task != "vectors":
                self._catalog.set_meta(**{TOKEN_BITS: str(target.token_bits), TOKEN_FILE: target.token_file})
            self._catalog.set_meta(**{"identity": target.identity, _REBUILD: ""})
            self._catalog.forget_rebuilt()
            self._catalog.count_change()
            publish(self._catalog, self._where, self._config.bm25, self._progress)


def _groups(documents: dict[str, int]) -> Iterator[list[str]]:
    """Documents with so many sentences, in groups of some hundred sentences."""
    group: list[str] = []
    size = 0
    for name, count in documents.items():
        group.append(name)
        size += count
        if size >= _TOGETHER:
            yield group
            group, size = [], 0
    if group:
        yield group
