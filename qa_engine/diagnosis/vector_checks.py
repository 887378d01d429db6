"""The sentences, vectors and token vectors of a collection against what its catalog says of its documents."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from shlex import quote

from filelock import Timeout

from qa_engine.config import IndexConfig
from qa_engine.diagnosis.catalog_checks import CollectionView
from qa_engine.diagnosis.commands import Commands
from qa_engine.diagnosis.report import Check, failed, first_names, ok, quantity
from qa_engine.diagnosis.sqlite_faults import SqliteFault, find_sqlite_fault, sqlite_connection
from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.errors import (
    AuthenticationFailedError,
    ConfigurationError,
    ServiceUnavailableError,
    StorageError,
)
from qa_engine.index.catalog import Catalog
from qa_engine.index.records import FileRecord
from qa_engine.index.vectors.locations import EMBEDDED, VectorLocation, open_vectors
from qa_engine.index.vectors.token_store import TOKEN_BITS, TOKEN_FILE
from qa_engine.index.vectors.vector_store import SentenceVectorStore

_SAMPLE = 200
"""The number of vectors that are read as a sample, spread over the collection."""
_SERVER_SECONDS = 20.0


def check_sentences(catalog: Catalog, view: CollectionView, commands: Commands) -> Iterator[Check]:
    """Whether the catalog holds the texts of the sentences of the live documents."""
    anew = commands.start_over(view.files.values())
    yield _compare("sentences", "the catalog", catalog.sentence_ids(), view, commands.read_again, anew)


def check_vectors(
    catalog: Catalog, view: CollectionView, commands: Commands, index: IndexConfig, server: bool
) -> Iterator[Check]:
    """Whether Chroma holds the sentences of the live documents, and no others."""
    location = VectorLocation.of(catalog)
    if location is None:
        if view.live:
            anew = commands.start_over(view.files.values())
            yield failed("vectors", "The catalog does not say where the vectors are.", anew)
        else:
            yield ok("vectors", "No vectors yet.")
        return
    if location.store != EMBEDDED and index.url is not None and not server:
        yield failed(
            "vectors",
            f"The vectors are on the Chroma server at {index.url}, which cannot be asked: see chroma_server.",
            "export QA_ENGINE_INDEX__URL=…",
        )
        return
    anew = (
        commands.embed_again(view.paths.chroma)
        if location.store == EMBEDDED
        else commands.rebuild("--embedding")
    )
    database = view.paths.chroma / "chroma.sqlite3"
    if location.store == EMBEDDED and index.url is None and not database.is_file():
        # Chroma would make a new one.
        yield failed("vectors", f"There is no {database}: the vectors are lost.", anew)
        return
    quick = index.model_copy(update={"timeout_seconds": min(index.timeout_seconds, _SERVER_SECONDS)})
    try:
        store = SentenceVectorStore(open_vectors(view.paths, catalog, quick))
        stored = {identifier for batch in store.identifiers() for identifier in batch}
        damage = _vector_damage(store, sorted(stored))
    except AuthenticationFailedError as error:
        yield failed("vectors", str(error), "export QA_ENGINE_INDEX__TOKEN=…")
        return
    except ConfigurationError as error:
        yield failed("vectors", str(error), commands.rebuild("--vectors"))
        return
    except ServiceUnavailableError as error:
        yield failed("vectors", str(error), "export QA_ENGINE_INDEX__URL=…")
        return
    except StorageError as error:
        passing = isinstance(error.__context__, Timeout)
        denied = not os.access(view.paths.chroma, os.R_OK | os.W_OK | os.X_OK)
        repair = commands.doctor() if passing else commands.permit() if denied else anew
        yield failed("vectors", str(error), repair, may_lag=True)
        return
    if damage:
        yield failed("vectors", damage, anew, may_lag=True)
        return
    yield _compare("vectors", "Chroma", stored, view, commands.bring_back, commands.rebuild("--vectors"))


def check_tokens(catalog: Catalog, view: CollectionView, commands: Commands) -> Iterator[Check]:
    """Whether the token vectors, if they are kept, are those of the live documents."""
    bits = int(catalog.meta(TOKEN_BITS) or 0)
    if not bits:
        yield ok("token_vectors", "None are kept (embedding.token_bits).")
        return
    file = view.paths.root / (catalog.meta(TOKEN_FILE) or view.paths.tokens(bits).name)
    again = commands.rebuild("--embedding")
    if not file.is_file():
        if view.live:
            yield failed(
                "token_vectors", f"There is no {file}: reranking has to encode passages.", again, may_lag=True
            )
        else:
            yield ok("token_vectors", "None yet.")
        return
    fault = find_sqlite_fault(file)
    stored: set[str] = set()
    if fault is None:
        try:
            stored = _stored_tokens(file, bits)
        except sqlite3.Error as error:
            fault = SqliteFault.of(error)
        except ValueError as error:
            fault = SqliteFault("damaged", f"cannot be used ({error})")
    if fault is not None:
        anew = f"rm {quote(str(file))} && {again}" if fault.damaged else commands.for_fault(fault)
        yield failed(
            "token_vectors", f"The token vectors' file {file} {fault.clause}.", anew, not fault.damaged
        )
        return
    yield _compare("token_vectors", "the token vectors", stored, view, lambda records: again, again)


def _stored_tokens(file: Path, bits: int) -> set[str]:
    """The sentences whose token vectors are in a file.

    Raises:
        ValueError: the file was made for another number of bits.
    """
    with sqlite_connection(file) as connection:
        made_for = [row[0] for row in connection.execute("SELECT bits FROM codec")]
        if made_for != [bits]:
            raise ValueError(f"made for {made_for} bits, the catalog says {bits}")
        rows = connection.execute(
            "SELECT document_id, ordinal FROM sentences JOIN documents ON document = number"
        )
        return {node_id(document_id, ordinal) for document_id, ordinal in rows}


def _compare(
    check: str,
    what: str,
    stored: set[str],
    view: CollectionView,
    bring_back: Callable[[Sequence[FileRecord]], str],
    take_out: str,
) -> Check:
    """Whether the nodes in a store are those of the catalog."""
    expected = {
        name: {node_id(name, ordinal) for ordinal in range(nodes)} for name, nodes in view.live.items()
    }
    missing = {name: ids - stored for name, ids in expected.items() if not ids <= stored}
    allowed = set().union(*expected.values())
    for documents in view.unfinished.values():
        allowed.update(
            node_id(name, ordinal) for name, nodes in documents.items() for ordinal in range(nodes)
        )
    orphans = stored - allowed
    if missing:
        records = view.files_of(set(missing))
        lost = sum(map(len, missing.values()))
        whose = first_names(record.path for record in records) or first_names(sorted(missing))
        also = f"; there are also {_orphan_clause(orphans)}" if orphans else ""
        message = f"{quantity(lost, 'sentence')} of {view.nodes} missing in {what}, of {whose}{also}."
        return failed(check, message, bring_back(records) if records else take_out, may_lag=True)
    if orphans:
        return failed(check, f"In {what} there are {_orphan_clause(orphans)}.", take_out, may_lag=True)
    return ok(check, f"{quantity(view.nodes, 'sentence')}, those of the catalog.")


def _vector_damage(store: SentenceVectorStore, identifiers: Sequence[str]) -> str:
    """A sentence about damage in a sample of the vectors; empty if the sample is sound."""
    sample = list(identifiers[:: max(1, len(identifiers) // _SAMPLE)])
    try:
        sizes = {len(node.get_embedding()) for node in store.with_vectors(sample)}
    except StorageError as error:
        return f"Vectors cannot be read ({error.__cause__ or error})."
    return (
        ""
        if len(sizes) <= 1
        else f"Vectors of several lengths are stored: {first_names(map(str, sorted(sizes)))}."
    )


def _orphan_clause(orphans: set[str]) -> str:
    return f"{quantity(len(orphans), 'sentence')} that no document of the catalog has ({first_names(sorted(orphans))})"
