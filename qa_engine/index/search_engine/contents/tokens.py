"""The quantised token vectors of sentences, in a search engine."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qa_engine.documents.sentences.node_ids import split_node_id
from qa_engine.index.search_engine.connection.client import SearchEngine
from qa_engine.index.search_engine.contents.sentences import Numbers, numbered_sentences, sentence_key
from qa_engine.index.search_engine.registry import RegisteredCollection
from qa_engine.index.vectors.token_store import sealed, unsealed
from qa_engine.models.token_codes import TokenCodec


class SearchEngineTokens:
    """Quantised token vectors by sentence, as `TokenStore` keeps them in a file. Thread-safe.

    They have a generation in their ids: those that a rebuild makes stand beside those that readers use.
    """

    def __init__(
        self,
        engine: SearchEngine,
        collection: RegisteredCollection,
        codec: TokenCodec,
        numbers: Numbers,
        generation: str,
    ) -> None:
        self.engine = engine
        self.generation = generation
        self.index = collection.tokens
        self.codec = codec
        self._numbers = numbers

    def put(self, node_ids: Sequence[str], tokens: Sequence[NDArray[np.float32] | bytes]) -> None:
        """Stores the token vectors of each sentence, see `TokenStore.put`."""
        split = [split_node_id(identifier) for identifier in node_ids]
        numbers = self._numbers(dict.fromkeys(document_id for document_id, _ in split))
        codes = (vectors if isinstance(vectors, bytes) else self.codec.encode(vectors) for vectors in tokens)
        self.engine.bulk(
            self.index,
            (
                (
                    {
                        "index": {
                            "_id": self._key(numbers[document_id], ordinal),
                            "routing": str(numbers[document_id]),
                        }
                    },
                    {
                        "number": numbers[document_id],
                        "generation": self.generation,
                        "codes": base64.b64encode(sealed(code)).decode(),
                    },
                )
                for (document_id, ordinal), code in zip(split, codes, strict=True)
            ),
        )

    def get(self, node_ids: Sequence[str]) -> dict[str, bytes]:
        """The codes of those of the sentences that are there; damaged ones count as lost. One request."""
        known = numbered_sentences(node_ids, self._numbers)
        sources = self.engine.get_many(
            self.index,
            [self._key(number, ordinal) for _, number, ordinal in known],
            routing=[str(number) for _, number, _ in known],
            realtime=True,
        )
        codes: dict[str, bytes] = {}
        for (identifier, _, _), source in zip(known, sources, strict=True):
            code = (
                unsealed(base64.b64decode(source["codes"]), self.codec.bytes_per_token)
                if source is not None
                else None
            )
            if code is not None:
                codes[identifier] = code
        return codes

    def delete_numbered(self, number: int, count: int) -> None:
        """Deletes the token vectors of the first ``count`` sentences of a document, by its number."""
        self.engine.bulk(
            self.index,
            (
                ({"delete": {"_id": self._key(number, ordinal), "routing": str(number)}}, None)
                for ordinal in range(count)
            ),
        )

    def delete(self, document_id: str) -> None:
        """Nothing: the token vectors of a document are deleted with its number, see `delete_numbered`."""

    def close(self) -> None:
        """Nothing is open."""

    def _key(self, number: int, ordinal: int) -> str:
        return f"{sentence_key(number, ordinal)}-{self.generation}"


def delete_generation(engine: SearchEngine, collection: RegisteredCollection, generation: str) -> None:
    """Deletes the token vectors of a generation that nobody uses any more.

    Raises:
        StorageError: not everything could be deleted.
        ServiceUnavailableError: the search engine is not there.
    """
    engine.delete_matching(collection.tokens, [{"term": {"generation": generation}}])


def new_generation() -> str:
    """A generation that no token vectors have."""
    return secrets.token_hex(4)


def pack_codec(codec: TokenCodec, generation: str) -> str:
    """A codec and the generation of its token vectors, as a fact of the catalog."""
    centre = base64.b64encode(codec.centre.astype("<f4").tobytes()).decode()
    return json.dumps({"bits": codec.bits, "centre": centre, "generation": generation})


def unpack_codec(packed: str) -> TokenCodec:
    """The codec that `pack_codec` packed."""
    facts = json.loads(packed)
    return TokenCodec(facts["bits"], np.frombuffer(base64.b64decode(facts["centre"]), "<f4"))
