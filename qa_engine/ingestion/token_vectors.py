"""The token store of a collection, as the writer opens it."""

from __future__ import annotations

from typing import Literal

from llama_index.core.base.embeddings.base import BaseEmbedding

from qa_engine.config import LOCAL, EmbeddingConfig
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import CollectionPaths
from qa_engine.index.token_store import TOKEN_BITS, TokenStore
from qa_engine.models.embedding import LocalEmbedding
from qa_engine.models.token_codes import TokenCodec


def kept_token_bits(config: EmbeddingConfig, embed_model: BaseEmbedding | None = None) -> Literal[0, 2, 4]:
    """Bits a dimension of the token vectors that a run keeps, 0 for none: only the local model gives any.

    Args:
        config: the settings.
        embed_model: a model that the caller brought instead of the configured one.
    """
    local = config.provider == LOCAL if embed_model is None else isinstance(embed_model, LocalEmbedding)
    return config.token_bits if local else 0


def open_token_store(
    catalog: Catalog, paths: CollectionPaths, config: EmbeddingConfig, embed_model: BaseEmbedding
) -> TokenStore | None:
    """The store for the token vectors of this run, or None if none are kept.

    The store of another number of bits goes: its files are read again in this run, and passages whose token vectors are
    not there yet are encoded for the question.

    Raises:
        StorageError: the file cannot be opened or made.
    """
    bits = kept_token_bits(config, embed_model)
    recorded = int(catalog.meta(TOKEN_BITS) or 0)
    if recorded not in (0, bits):
        paths.tokens(recorded).unlink(missing_ok=True)
    catalog.set_meta(**{TOKEN_BITS: str(bits)})
    if not bits or not isinstance(embed_model, LocalEmbedding):
        return None
    path = paths.tokens(bits)
    return TokenStore(path, None if path.is_file() else TokenCodec.of(embed_model.encoder, bits))


def existing_token_store(catalog: Catalog, paths: CollectionPaths) -> TokenStore | None:
    """The store that is there, to delete from; None without one."""
    path = paths.tokens(int(catalog.meta(TOKEN_BITS) or 0))
    return TokenStore(path) if path.is_file() else None
