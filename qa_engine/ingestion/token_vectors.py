"""The token store of a collection, as the writer opens it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from qa_engine.config import Config, EmbeddingConfig
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import CollectionPaths, gives_token_vectors
from qa_engine.index.vectors.token_store import TOKEN_BITS, TOKEN_FILE, TokenStore, token_file
from qa_engine.ingestion.report import IngestProgress
from qa_engine.models.token_codes import TokenCodec

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding


def kept_token_bits(config: EmbeddingConfig, embed_model: BaseEmbedding | None = None) -> Literal[0, 2, 4]:
    """Bits a dimension of the token vectors that a run keeps, 0 for none: only the local model gives any.

    Args:
        config: the settings.
        embed_model: a model that the caller brought instead of the configured one.
    """
    return config.token_bits if gives_token_vectors(config, embed_model) else 0


def open_token_store(
    catalog: Catalog, paths: CollectionPaths, config: EmbeddingConfig, embed_model: BaseEmbedding
) -> TokenStore | None:
    """The store for the token vectors of this run, or None if none are kept.

    Raises:
        StorageError: the file cannot be opened or made.
    """
    from qa_engine.models.embedding import LocalEmbedding

    bits = kept_token_bits(config, embed_model)
    if not bits or not isinstance(embed_model, LocalEmbedding):
        catalog.set_meta(**{TOKEN_BITS: "0"})
        return None
    known = existing_token_store(catalog, paths)
    if known is not None and known.codec.bits == bits:
        return known
    made = TokenStore(paths.tokens(bits), TokenCodec.of(embed_model.encoder, bits))
    catalog.set_meta(**{TOKEN_BITS: str(bits), TOKEN_FILE: made.path.name})
    return made


def existing_token_store(catalog: Catalog, paths: CollectionPaths) -> TokenStore | None:
    """The store that is there, to delete from; None without one."""
    path = token_file(catalog, paths)
    return TokenStore(path) if path is not None else None


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
    from qa_engine.ingestion.maintenance.reembedding import Reembedding

    progress.stage(
        f"making the token vectors of {catalog.node_count()} stored sentences (embedding.token_bits = {wanted})"
    )
    Reembedding(catalog, where, config, embed_model, progress).run("tokens")
