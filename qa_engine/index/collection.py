"""A collection on disk: where its parts are, what it was made with, and how it is opened for reading."""

from __future__ import annotations

import hashlib
import re
import shlex
import unicodedata
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_engine.config import LOCAL, EmbeddingConfig
from qa_engine.errors import CollectionNotFoundError, ConfigurationError, InputError, StorageError
from qa_engine.text.one_line import is_text

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
_RESERVED = re.compile(r"c-[0-9a-f]{16}|(con|prn|aux|nul|com\d|lpt\d)(\..*)?|.*\.")
"""Plain names that are no names of folders: what other names become, and what Windows takes for devices or cuts short."""
_STORAGE_FOLDERS = {"uploads"}
"""Folders of the storage that are no collections."""
_MAX_NAME = 200
_CATALOG = "catalog.sqlite"
REPLICAS = "replica-*.sqlite"
"""The names of the copies of a catalog that is in a search engine."""


@dataclass(frozen=True)
class CollectionPaths:
    """The paths of the parts of one collection."""

    root: Path

    @property
    def catalog(self) -> Path:
        """The SQLite file of the catalog."""
        return self.root / _CATALOG

    @property
    def replicas(self) -> list[Path]:
        """The copies of the catalog, of a collection whose state is in a search engine."""
        return sorted(self.root.glob(REPLICAS))

    @property
    def chroma(self) -> Path:
        """The folder of Chroma."""
        return self.root / "chroma"

    def tokens(self, bits: int) -> Path:
        """The SQLite file of the token vectors, with a number of bits a dimension."""
        return self.root / f"tokens-{bits}bit.sqlite"

    @property
    def bm25(self) -> Path:
        """The folder of the BM25 index."""
        return self.root / "bm25"


def collection_paths(storage: Path, name: str) -> CollectionPaths:
    """The paths of a collection, which need not exist.

    Any name is good, Chinese ones too; Chroma's own rules (3 to 512 ASCII characters) do not apply.

    Raises:
        InputError: the name is empty, longer than 200 characters, or holds control characters or bytes that are no text;
            or the path of the storage cannot be one, or is one that Chroma cannot open.
    """
    place = str(storage.absolute())
    if "\0" in place or not is_text(place):
        raise InputError(
            f"{place!r} cannot be the folder of the storage: name one whose path is plain UTF-8."
        )
    normal = unicodedata.normalize("NFC", name).strip()
    if not normal or len(normal) > _MAX_NAME or any(unicodedata.category(c) in {"Cc", "Cs"} for c in normal):
        raise InputError(
            f"{name!r} cannot be the name of a collection: use 1 to {_MAX_NAME} printable characters."
        )
    if _PLAIN.fullmatch(normal) and normal.lower() == normal:
        plain = CollectionPaths(storage / normal)
        if normal in _STORAGE_FOLDERS and not plain.catalog.is_file():
            return _hashed(storage, normal)
        if not _RESERVED.fullmatch(normal) or _belongs_to(plain, normal):
            return plain
    return _hashed(storage, normal)


def _hashed(storage: Path, name: str) -> CollectionPaths:
    """The paths of a collection whose name cannot be that of its folder."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return CollectionPaths(storage / f"c-{digest}")


def _belongs_to(paths: CollectionPaths, name: str) -> bool:
    """Whether a folder is there, from before its name was reserved or with a catalog that is lost, and no other's."""
    from qa_engine.index.catalog import Catalog

    if not paths.root.is_dir():
        return False
    try:
        with closing(Catalog(paths.catalog)) as catalog:
            return catalog.meta("name") in {None, name}
    except StorageError:
        return True


def list_collections(storage: Path) -> list[str]:
    """The names of the collections in a storage folder, sorted."""
    from qa_engine.index.catalog import Catalog

    names = []
    for path in sorted(storage.glob(f"*/{_CATALOG}")) if storage.is_dir() else []:
        try:
            with closing(Catalog(path)) as catalog:
                names.append(catalog.meta("name") or path.parent.name)
        except StorageError:  # a damaged collection, or one of another version, is listed by its folder
            names.append(path.parent.name)
    return sorted(names)


def require_collection(storage: Path, name: str) -> CollectionPaths:
    """The paths of a collection that exists.

    Raises:
        CollectionNotFoundError: the collection does not exist; the message lists those that do.
    """
    paths = collection_paths(storage, name)
    if paths.catalog.is_file():
        return paths
    names = list_collections(storage)
    if names:
        raise CollectionNotFoundError(
            f"There is no collection {name!r} in {storage}; there are: {', '.join(names)}."
        )
    raise CollectionNotFoundError(
        f"There is no collection {name!r} in {storage}, nor any other: ingest PDFs first (qa-engine ingest PATH)."
    )


def gives_token_vectors(config: EmbeddingConfig, embed_model: BaseEmbedding | None = None) -> bool:
    """Whether the model, the configured one or one that the caller brought, gives a vector for each token of a text."""
    if embed_model is None:
        return config.provider == LOCAL
    from qa_engine.models.embedding import LocalEmbedding

    return isinstance(embed_model, LocalEmbedding)


def embedding_identity(config: EmbeddingConfig, embed_model: BaseEmbedding | None = None) -> dict[str, Any]:
    """The facts that decide whether two vectors can be compared, as far as they are known without computing a vector.

    ``embed_model`` is a model that the caller brought instead of the configured one.
    """
    context: dict[str, Any] = {
        "pass_chars": config.pass_chars if gives_token_vectors(config, embed_model) else 0
    }
    if not context["pass_chars"]:
        context["context_sentences"] = config.context_sentences
    if embed_model is not None:
        return {"provider": embed_model.class_name(), "model": embed_model.model_name, **context}
    return {
        "provider": config.provider,
        "model": config.model,
        "dimensions": config.dimensions,
        "query_prefix": "query: " if config.provider == LOCAL else config.query_prefix,
        "text_prefix": "passage: " if config.provider == LOCAL else config.text_prefix,
        **context,
    }


def identity_differences(
    identity: dict[str, Any], other: dict[str, Any], keys: Iterable[str] | None = None
) -> list[str]:
    """The keys, all of ``identity`` if None are given, in which two results of `embedding_identity` differ.

    If there are none, the vectors can be compared.
    """
    return [key for key in keys or identity if identity.get(key) != other.get(key)]


def identity_description(identity: dict[str, Any], keys: Iterable[str]) -> str:
    """The values of an identity under some keys, as a part of a message."""
    return ", ".join(f"{key} = {identity.get(key)!r}" for key in keys)


def require_identity(
    stored: dict[str, Any] | None,
    config: EmbeddingConfig,
    collection: str,
    embed_model: BaseEmbedding | None = None,
) -> None:
    """Refuses to mix vectors of different models.

    Raises:
        ConfigurationError: the collection was made with another embedding than the configured one.
        StorageError: the collection has no identity, so no file was ever ingested completely.
    """
    if stored is None:
        raise StorageError(
            f"The collection {collection!r} was never completed: run qa-engine ingest on its files again."
        )
    configured = embedding_identity(config, embed_model)
    if different := identity_differences(configured, stored):
        raise ConfigurationError(
            f"The collection {collection!r} was embedded with {identity_description(stored, different)}, but the "
            f"configuration says {identity_description(configured, different)}: set [embedding] back, embed it again "
            f"(qa-engine rebuild --embedding --collection {shlex.quote(collection)}), or ingest the files into "
            "another collection (qa-engine ingest PATH --collection NAME)."
        )
