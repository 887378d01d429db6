"""Everything that a collection holds and finds, wherever it is, as values that can be compared."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from hash_embedding import HashEmbedding

from qa_engine import QueryEngine
from qa_engine.config import Config
from qa_engine.index.collection import collection_paths
from qa_engine.index.opening import open_catalog
from qa_engine.index.reader import IndexReader
from qa_engine.text.tokenizer import tokenize

_CLOSE = 0.03
HASH = HashEmbedding(model_name="hash")
QUESTIONS = [
    "西湖在哪里？",
    "Which planet is the largest?",
    "How many moons does Saturn have?",
    "谁在西湖边种了柳树？",
]


def content_of(storage: Path, config: Config, collection: str = "default") -> dict[str, Any]:
    """Documents with all their parts, files and facts; vectors and token vectors as digests."""
    with ExitStack() as stack:
        catalog = stack.enter_context(closing(open_catalog(storage, collection, config.index)))
        documents = catalog.numbered_documents()
        facts = catalog.facts()
        paths = collection_paths(storage, collection)
        reader = stack.enter_context(
            closing(IndexReader(paths, catalog, collection, config.index, config.bm25))
        )
        snapshot = reader.snapshot()
        parts = {}
        for name, document in documents.items():
            sentences = catalog.sentences(name)
            ids = [one.node_id for one in sentences]
            vectors = snapshot.store.vectors(ids)
            tokens = snapshot.tokens.get(ids) if snapshot.tokens is not None else {}
            assert vectors is not None or not ids
            parts[name] = {
                "row": document,
                "sentences": sentences,
                "spans": list(catalog.spans(name)),
                "tables": catalog.tables(name),
                "sections": catalog.sections_of(name),
                "identity": catalog.identity_of(name),
                "vectors": vectors.tolist() if vectors is not None else [],
                "tokens": {one: hashlib.sha256(code).hexdigest() for one, code in tokens.items()},
                "sound": catalog.is_sound(name, sentences),
            }
        return {
            "documents": parts,
            "files": catalog.files(),
            "facts": {key: value for key, value in facts.facts.items() if key != "changes"},
            "identity": catalog.identity,
            "sections": catalog.sections(),
            "codec": snapshot.tokens.codec.bits if snapshot.tokens is not None else None,
            "count": snapshot.store.count(),
            "share": catalog.chinese_share(),
            "unfinished": catalog.unfinished(),
            "published": catalog.published == catalog.changes,
            "lexical": {
                # Sentences of one score come in the order of their documents, which places number in ways of their own.
                question: sorted(
                    (
                        (round(hit.score, 6), hit.node_id)
                        for hit in snapshot.bm25.search(tokenize(question), 200)
                    ),
                    reverse=True,
                )
                for question in QUESTIONS
            },
        }


def answers_of(
    storage: Path,
    config: Config,
    collection: str = "default",
    questions: Sequence[str] = QUESTIONS,
    **options: Any,
) -> list[Any]:
    """What an engine answers: passages with their ids, order and scores, refusals, and citations."""
    options = {"embed_model": HASH, **options}
    with QueryEngine.open(storage, collection, config, **options) as engine:
        return [said(engine, question) for question in questions]


def said(engine: QueryEngine, question: str) -> Any:
    """An answer, as far as it does not depend on the clock."""
    answer = engine.query(question)
    passages = [(node.node.node_id, round(float(node.score or 0), 5)) for node in answer.source_nodes]
    return str(answer), passages, [(one.file, one.page, one.text) for one in answer.citations]


def difference(one: Any, other: Any, place: str = "") -> str:
    """Where two values differ, or nothing.

    Chroma stores vectors with a length of about 1, and a folder compares them in fewer bits than a server does, so numbers
    may differ a little.
    """
    if isinstance(one, float) and isinstance(other, float):
        return "" if abs(one - other) <= _CLOSE else f"{place}: {one} and {other}"
    if isinstance(one, dict) and isinstance(other, dict):
        if list(one) != list(other) and one.keys() != other.keys():
            return f"{place}: {sorted(map(str, one.keys() ^ other.keys()))}"
        parts = (difference(one[key], other[key], f"{place}/{key}") for key in one)
    elif isinstance(one, list | tuple) and type(one) is type(other):
        if len(one) != len(other):
            return f"{place}: {one!r} and {other!r}"
        parts = (
            difference(mine, theirs, f"{place}/{number}")
            for number, (mine, theirs) in enumerate(zip(one, other, strict=True))
        )
    else:
        return "" if one == other else f"{place}: {one!r} and {other!r}"
    return next(filter(None, parts), "")
