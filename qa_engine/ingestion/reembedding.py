"""Makes the vectors of stored sentences anew beside those that readers use, and swaps them when all are there."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.schema import TextNode

from qa_engine.config import Config, IndexConfig
from qa_engine.documents.node_parser import node_id
from qa_engine.index.catalog import Catalog
from qa_engine.index.chroma import VectorPlace, collection_beside, drop_place, open_place
from qa_engine.index.collection import CollectionPaths, embedding_identity
from qa_engine.index.token_store import TOKEN_BITS, TOKEN_FILE, TokenStore, token_file
from qa_engine.index.vector_store import SentenceVectorStore
from qa_engine.ingestion.neighbour_embedding import NeighbourEmbedding
from qa_engine.ingestion.publishing import publish
from qa_engine.ingestion.report import IngestProgress
from qa_engine.ingestion.token_vectors import existing_token_store, kept_token_bits
from qa_engine.models.embedding import LocalEmbedding, build_embedding
from qa_engine.models.token_codes import TokenCodec

Task = Literal["embedding", "vectors", "tokens"]
"""``embedding``: vectors and token vectors of another model; ``vectors``: the same vectors in another place; ``tokens``:
token vectors alone."""
_REBUILD, _FORMER = "rebuild", "former_vectors"
"""Facts of the catalog: a rebuild that is under way, and what it has left to be deleted."""
_TOGETHER = 700
"""Sentences that are embedded together, so that short documents fill batches."""


@dataclass(frozen=True)
class _Target:
    """What a rebuild makes. Recorded, so that an interrupted one goes on where it was."""

    task: Task
    identity: str
    place: VectorPlace | None
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
        place = VectorPlace(**facts.pop("place")) if facts["place"] else facts.pop("place")
        return cls(**facts, place=place)

    def is_like(self, other: _Target) -> bool:
        """Whether both are the same but for the names that were drawn for them."""
        places = [None if one.place is None else (one.place.store, one.place.url) for one in (self, other)]
        facts = [(one.task, one.identity, one.token_bits) for one in (self, other)]
        return places[0] == places[1] and facts[0] == facts[1]


def change_token_bits(
    catalog: Catalog,
    where: CollectionPaths,
    config: Config,
    embed_model: BaseEmbedding | None,
    progress: IngestProgress,
) -> None:
    """Makes the token vectors of all stored sentences as the configuration now wants them, if that has changed.

    Raises:
        ModelUnavailableError: the embedding model is not there.
    """
    wanted = kept_token_bits(config.embedding, embed_model)
    there = token_file(catalog, where)
    recorded = int(catalog.meta(TOKEN_BITS) or 0)
    if wanted == recorded and (there is not None or not wanted):
        return
    if not catalog.live_documents():
        return
    if not wanted:
        catalog.set_meta(**{TOKEN_BITS: "0"})
        if there is not None:
            there.unlink(missing_ok=True)
        return
    progress.stage(
        f"making the token vectors of {catalog.node_count()} stored sentences (embedding.token_bits = {wanted})"
    )
    Reembedding(catalog, where, config, embed_model, progress).run("tokens")


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
        source = self._source()
        target = self._begun(task)
        embedding = self._model(target, source)
        done = 0
        rebuilt = self._catalog.rebuilt()
        live = self._catalog.live_documents()
        left = {name: count for name, count in live.items() if name not in rebuilt}
        self._progress.start(len(left))
        store = embedding.vector_store
        for documents in _groups(left):
            nodes = self._nodes(source, documents, left, with_vectors=task == "vectors")
            if task == "vectors":
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
        place = VectorPlace.of(self._catalog)
        assert place is not None
        index = self._config.index.model_copy(update={"url": place.url})
        return SentenceVectorStore(open_place(self._where, place, index, self._catalog.published))

    def _begun(self, task: Task) -> _Target:
        """The rebuild that is under way, if it is this one; else a new one."""
        wanted = self._wanted(task)
        recorded = _Target.recorded(self._catalog)
        if recorded is not None and recorded.is_like(wanted):
            return recorded
        with self._catalog.together():
            if recorded is not None:
                self._leave_behind(recorded.place, recorded.token_file)
            self._catalog.forget_rebuilt()
            self._catalog.set_meta(**{_REBUILD: wanted.to_json()})
        return wanted

    def _wanted(self, task: Task) -> _Target:
        identity = (
            json.dumps(embedding_identity(self._config.embedding, self._embed_model))
            if task == "embedding"
            else self._catalog.meta("identity") or ""
        )
        place = None if task == "tokens" else VectorPlace.fresh(self._catalog, self._config.index)
        bits: Literal[0, 2, 4] = (
            0 if task == "vectors" else kept_token_bits(self._config.embedding, self._embed_model)
        )
        mark = uuid.uuid4().hex[:8]
        return _Target(task, identity, place, bits, f"tokens-{bits}bit-{mark}.sqlite" if bits else "")

    def _model(self, target: _Target, source: SentenceVectorStore) -> NeighbourEmbedding:
        """Embeds into the places of the target."""
        embed_model = self._embed_model or build_embedding(self._config.embedding, self._progress.stage)
        store = None
        if target.place is not None:
            store = SentenceVectorStore(
                collection_beside(self._where, source._collection, target.place, self._config.index),
                folder=self._where.chroma if target.place.url is None else None,
            )
        tokens = None
        if target.token_bits and isinstance(embed_model, LocalEmbedding):
            path = self._where.root / target.token_file
            codec = None if path.is_file() else TokenCodec.of(embed_model.encoder, target.token_bits)
            tokens = TokenStore(path, codec)
        return NeighbourEmbedding(
            embed_model=embed_model,
            context_sentences=self._config.embedding.context_sentences,
            report=self._progress.sentences_done,
            token_store=tokens,
            vector_store=store,
        )

    @staticmethod
    def _nodes(
        source: SentenceVectorStore, documents: Sequence[str], counts: dict[str, int], with_vectors: bool
    ) -> list[TextNode]:
        """The sentences of some documents, in order."""
        ids = [node_id(name, ordinal) for name in documents for ordinal in range(counts[name])]
        found = (
            {node.node_id: node for node in source.with_vectors(ids)}
            if with_vectors
            else source.sentences(ids)
        )
        return [found[identifier] for identifier in ids if identifier in found]

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
            self._leave_behind(VectorPlace.of(self._catalog) if target.place is not None else None, old_file)
            if target.place is not None:
                target.place.record(self._catalog)
            if target.task != "vectors":
                self._catalog.set_meta(**{TOKEN_BITS: str(target.token_bits), TOKEN_FILE: target.token_file})
            self._catalog.set_meta(**{"identity": target.identity, _REBUILD: ""})
            self._catalog.forget_rebuilt()
            self._catalog.count_change()
            publish(self._catalog, self._where, self._config.bm25, self._progress)

    def _leave_behind(self, place: VectorPlace | None, tokens: str) -> None:
        """Notes what is to be deleted; see `drop_former`."""
        former = json.loads(self._catalog.meta(_FORMER) or "[]")
        former.append({"place": asdict(place) if place is not None else None, "token_file": tokens})
        self._catalog.set_meta(**{_FORMER: json.dumps(former)})


def drop_former(catalog: Catalog, where: CollectionPaths, config: IndexConfig) -> None:
    """Deletes vectors that a rebuild has replaced, or that one which was given up has made.

    Raises:
        ServiceUnavailableError: they are on a Chroma server that does not answer.
    """
    for former in json.loads(catalog.meta(_FORMER) or "[]"):
        if former["place"] is not None:
            drop_place(where, VectorPlace(**former["place"]), config, catalog.published)
        if former["token_file"]:
            (where.root / former["token_file"]).unlink(missing_ok=True)
    if catalog.meta(_FORMER):
        catalog.set_meta(**{_FORMER: ""})


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
