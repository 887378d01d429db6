"""The collections of a search engine: which there are, and the names of their indices."""

from __future__ import annotations

import hashlib
import re
import secrets
import shlex
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, NamedTuple

from qa_engine.config import Bm25Config
from qa_engine.errors import ConfigurationError, StorageError
from qa_engine.index.search_engine.connection.client import SearchEngine
from qa_engine.index.search_engine.indices import create_index, delete_index

FORMAT = 1
"""Version of the indices and of the log."""
CollectionState = Literal["active", "arriving", "leaving"]
_COLLECTION, _ARRIVING = "collection", "arriving"
"""Kinds of documents of the registry: those of collections that there are, and of those that there are not yet."""
REMOVAL = "removal"
"""Kind of the documents about collections that are being removed."""
SUFFIXES = ("sentences", "documents", "tokens")
"""What the names of the indices of a collection end with."""
_PAGE = 1000
_STATE_MAPPING = {
    "dynamic": False,
    "properties": {
        "mark": {"type": "keyword"},
        "kind": {"type": "keyword"},
        "position": {"type": "long"},
    },
}


class LogBase(NamedTuple):
    """The state that a log begins after.

    Attributes:
        position, token: of the last change that is in it.
        parts: the number of documents that hold its rows.
        size: the characters in them.
    """

    position: int = 0
    token: str = ""
    parts: int = 0
    size: int = 0


@dataclass(frozen=True)
class RegisteredCollection:
    """A collection that the search engine holds.

    Attributes:
        name: its name.
        mark: 12 hexadecimal digits that no other collection has had, not even one of the same name before.
        indices: what the names of its indices begin with.
        base: the state that its log begins after.
        format: see `FORMAT`.
        state: ``arriving`` while it is moved here, and nobody sees it; ``leaving`` while it is moved away, and nobody
            writes to it; else ``active``.
        origin: where it is moved from, as a part of a message; empty if it was made here.
    """

    name: str
    mark: str
    indices: str
    base: LogBase
    format: int
    state: CollectionState = "active"
    origin: str = ""

    @classmethod
    def of(cls, source: Mapping[str, Any]) -> RegisteredCollection:
        """What a document of the registry says."""
        return cls(
            source["name"],
            source["mark"],
            source["indices"],
            LogBase(*source["base"]),
            source["format"],
            source.get("state", "active"),
            source.get("origin", ""),
        )

    def source(self) -> dict[str, Any]:
        """The document of the registry that says so."""
        kind = _ARRIVING if self.state == "arriving" else _COLLECTION
        return {"kind": kind, **asdict(self), "base": list(self.base)}

    @property
    def sentences(self) -> str:
        """Name of the index with the sentences and their terms."""
        return f"{self.indices}-sentences"

    @property
    def documents(self) -> str:
        """Name of the index with the places of lines, the tables and the sections of documents."""
        return f"{self.indices}-documents"

    @property
    def tokens(self) -> str:
        """Name of the index with the token vectors."""
        return f"{self.indices}-tokens"


class Registry:
    """The collections of a search engine, under the prefix of the configuration."""

    def __init__(self, engine: SearchEngine) -> None:
        self.engine = engine
        self.state = f"{engine.config.search_prefix}-state"
        """Name of the index with the registry, the logs and the leases of all collections."""

    @staticmethod
    def document(name: str) -> str:
        """Id of the document about a collection."""
        normal = unicodedata.normalize("NFC", name).strip()
        return f"collection:{hashlib.sha256(normal.encode()).hexdigest()[:32]}"

    def find(self, name: str) -> RegisteredCollection | None:
        """The collection of a name, or None; one that is still moved here does not count.

        Raises:
            StorageError: another version of qa_engine made it.
            ServiceUnavailableError, AuthenticationFailedError: see `SearchEngine.request`.
        """
        entry = self.entry(name)
        return entry if entry is not None and entry.state != "arriving" else None

    def entry(self, name: str) -> RegisteredCollection | None:
        """What is registered under a name, whatever its state. Raises as `find` does."""
        reply = self.engine.request("GET", f"/{self.state}/_doc/{self.document(name)}", accept={404})
        if not reply.body or not reply.body.get("found"):
            return None
        return checked(reply.body["_source"])

    def names(self) -> list[str]:
        """The names of all collections, sorted. One request for a thousand of them.

        Whoever makes or removes a collection waits until this shows it.
        """
        return sorted(source["name"] for source in self.sources(_COLLECTION))

    def sources(self, kind: str) -> Iterator[dict[str, Any]]:
        """The sources of the documents of a kind in the state index."""
        body = {"size": _PAGE, "query": {"term": {"kind": kind}}, "sort": [{"mark": "asc"}]}
        return (hit["_source"] for hit in self.engine.hits(self.state, body, accept={404}))

    def create(
        self, name: str, bm25: Bm25Config, mark: str | None = None, origin: str = ""
    ) -> RegisteredCollection:
        """The collection of a name; made with its indices if there is none.

        Args:
            name: of the collection.
            bm25: saturation and normalisation, which the similarity of its terms has.
            mark: of a collection that is moved here, from ``origin``: it is ``arriving`` until `set_state` says otherwise.
            origin: see `RegisteredCollection`.

        Raises:
            ConfigurationError: a collection of this name is just moved here, another one than that with the mark.
            StorageError, ServiceUnavailableError, AuthenticationFailedError: see `find`.
        """
        config = self.engine.config
        self._create_index(self.state, _STATE_MAPPING, shards=1, refresh="1s")
        found = self.entry(name)
        if found is None:
            own = mark or new_mark()
            readable = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]
            indices = "-".join(filter(None, [config.search_prefix, readable, own]))
            normal = unicodedata.normalize("NFC", name).strip()
            state: CollectionState = "arriving" if mark else "active"
            new = RegisteredCollection(normal, own, indices, LogBase(), FORMAT, state, origin)
            # Two may do so at once: the second finds what the first has made.
            path = f"/{self.state}/_create/{self.document(name)}"
            self.engine.request("PUT", path, new.source(), params={"refresh": "true"}, accept={409})
            found = self.entry(name)
            if found is None:
                raise StorageError(
                    f"The collection {name!r} was removed while it was made: run the same command again."
                )
        if found.state == "arriving" and found.mark != mark:
            raise ConfigurationError(
                f"A collection {name!r} is being moved to the search engine at {self.engine.url}, from {found.origin}: "
                f"complete that first, there, with qa-engine move --collection {shlex.quote(name)}."
            )
        similarity = {"type": "BM25", "k1": bm25.k1, "b": bm25.b}
        sentences = {
            "dynamic": False,
            "properties": {
                "number": {"type": "integer"},
                "ordinal": {"type": "integer"},
                "page": {"type": "integer", "doc_values": False},
                "page_end": {"type": "integer", "doc_values": False},
            },
        }
        self._create_index(found.sentences, sentences, config.search_shards, similarity=similarity)
        numbered = {"dynamic": False, "properties": {"number": {"type": "integer"}}}
        self._create_index(found.documents, numbered, config.search_shards)
        generations = {"generation": {"type": "keyword"}}
        tokens = {"dynamic": False, "properties": {"number": {"type": "integer"}} | generations}
        self._create_index(found.tokens, tokens, config.search_shards)
        return found

    def set_state(self, collection: RegisteredCollection, state: CollectionState) -> RegisteredCollection:
        """Notes that a collection has another state from now on; once more does nothing.

        Raises:
            StorageError: the collection was removed, or is changed by another process at the same time.
        """
        path = f"/{self.state}/_doc/{self.document(collection.name)}"
        reply = self.engine.request("GET", path, accept={404})
        found = checked(reply.body["_source"]) if reply.body and reply.body.get("found") else None
        if found is None or found.mark != collection.mark:
            raise StorageError(
                f"The collection {collection.name!r} was removed meanwhile: run the same command again."
            )
        changed = replace(found, state=state)
        version = {"if_seq_no": reply.body["_seq_no"], "if_primary_term": reply.body["_primary_term"]}
        params = {**version, "refresh": "true"}
        reply = self.engine.request("PUT", path, changed.source(), params=params, accept={409})
        if reply.status == 409 and self.entry(collection.name) != changed:
            raise StorageError(
                f"The collection {collection.name!r} is changed by another process: run the same command again."
            )
        return changed

    def remove(self, collection: RegisteredCollection) -> None:
        """Takes a collection out of the registry, then deletes what it is made of here."""
        self.take_out(collection)
        self.delete_contents(collection.mark, collection.indices)

    def take_out(self, collection: RegisteredCollection) -> None:
        """Takes a collection out of the registry: from then on nobody finds it. Nothing if it is out already."""
        path = f"/{self.state}/_doc/{self.document(collection.name)}"
        reply = self.engine.request("GET", path, accept={404})
        if reply.status == 404 or reply.body["_source"]["mark"] != collection.mark:
            return
        params = {"if_seq_no": reply.body["_seq_no"], "if_primary_term": reply.body["_primary_term"]}
        reply = self.engine.request("DELETE", path, params=params | {"refresh": "true"}, accept={404, 409})
        if reply.status == 409:  # its writer has just let the log begin anew, or another one has taken it out
            self.take_out(collection)

    def delete_contents(self, mark: str, indices: str) -> None:
        """Deletes the indices, the log and the lease of a collection that is out of the registry, as far as they are there.

        Args:
            mark, indices: see `RegisteredCollection`.
        """
        for suffix in SUFFIXES:
            delete_index(self.engine, f"{indices}-{suffix}")
        self.engine.request("POST", f"/{self.state}/_refresh", accept={404})
        rest = {"bool": {"filter": {"term": {"mark": mark}}, "must_not": {"term": {"kind": REMOVAL}}}}
        self.engine.request(
            "POST",
            f"/{self.state}/_delete_by_query",
            {"query": rest},
            params={"conflicts": "proceed", "refresh": "true"},
            accept={404},
        )

    def _create_index(
        self,
        name: str,
        mapping: Mapping[str, Any],
        shards: int,
        similarity: Mapping[str, Any] | None = None,
        refresh: str = "-1",
    ) -> None:
        settings: dict[str, Any] = {
            "number_of_shards": shards,
            "number_of_replicas": self.engine.config.search_replicas,
            # What is stored is seen when it is published, and that refreshes.
            "refresh_interval": refresh,
        }
        if similarity is not None:
            settings["similarity"] = {"terms": similarity}
        create_index(self.engine, name, settings, mapping)


def new_mark() -> str:
    """A mark that no collection has."""
    return secrets.token_hex(6)


def checked(source: Mapping[str, Any]) -> RegisteredCollection:
    """What a document of the registry says, if this version can read it.

    Raises:
        StorageError: another version of qa_engine made it.
    """
    if source.get("format") != FORMAT:
        raise StorageError(
            f"The collection {source.get('name')!r} in the search engine has format {source.get('format')}, this version "
            f"reads {FORMAT}: use the version of qa_engine that made it, or ingest its files into a new collection."
        )
    return RegisteredCollection.of(source)
