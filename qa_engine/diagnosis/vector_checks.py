"""The sentences, vectors and token vectors of a collection against what its catalog says of its documents."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from shlex import quote

import numpy as np
from filelock import Timeout

from qa_engine.config import LOCAL, IndexConfig
from qa_engine.diagnosis.catalog_checks import CollectionView
from qa_engine.diagnosis.report import Check, failed, first_names, ok, quantity, warning
from qa_engine.diagnosis.sqlite_faults import SqliteFault, find_sqlite_fault, sqlite_connection
from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.errors import (
    AuthenticationFailedError,
    ConfigurationError,
    ServiceUnavailableError,
    StorageError,
)
from qa_engine.index.records import FileRecord
from qa_engine.index.search_engine.catalog import SharedCatalog
from qa_engine.index.search_engine.contents.document_store import UNKNOWN
from qa_engine.index.vectors.chroma_folder import look_through
from qa_engine.index.vectors.locations import EMBEDDED, VectorLocation, open_vectors
from qa_engine.index.vectors.token_store import TOKEN_BITS, TOKEN_FILE, TokenStore
from qa_engine.index.vectors.vector_store import SentenceVectorStore

_SAMPLE = 2000
"""The number of vectors that are read as a sample, spread over the collection."""
_NEAR = 0.01
"""How far the length of a vector of the local model may be from 1."""
_SERVER_SECONDS = 20.0


def check_sentences(view: CollectionView) -> Check:
    """Whether the catalog holds the texts of the sentences of the live documents, as they were stored."""
    check = _compare(
        "the catalog", view.catalog.sentence_ids(), view, view.commands.read_again, view.start_over()
    )
    if check.status == "failed":
        return check
    documents, paths, unproved = view.catalog.damaged()
    if documents or paths:
        paths |= {record.path for record in view.files_of(documents)}
        records = [view.files[path] for path in sorted(paths) if path in view.files]
        names = first_names(record.path for record in records) or first_names(sorted(documents))
        repair = view.commands.read_again(records) if records else view.start_over()
        return failed(f"What the catalog says is not what was stored, of {names}.", repair, may_lag=True)
    if unproved:
        return warning(
            f"{quantity(unproved, 'document')} of an earlier version, without checksums that show damage.",
            view.commands.rebuild(),
        )
    return check


def check_vectors(view: CollectionView, index: IndexConfig, server: bool) -> Check:
    """Whether Chroma holds the sentences of the live documents, and no others."""
    commands, location = view.commands, VectorLocation.of(view.catalog)
    if location is None:
        if view.live:
            return failed("The catalog does not say where the vectors are.", view.start_over())
        return ok("No vectors yet.")
    embedded = location.store == EMBEDDED
    if not embedded and index.url is not None and not server:
        return failed(
            f"The vectors are on the Chroma server at {index.url}, which cannot be asked: see chroma_server.",
            "export QA_ENGINE_INDEX__URL=…",
        )
    anew = commands.embed_again(view.paths.chroma) if embedded else commands.rebuild("--embedding")
    database = view.paths.chroma / "chroma.sqlite3"
    if embedded and index.url is None and not database.is_file():
        # Chroma would make a new one.
        return failed(f"There is no {database}: the vectors are lost.", anew)
    quick = index.model_copy(update={"timeout_seconds": min(index.timeout_seconds, _SERVER_SECONDS)})
    try:
        if embedded and index.url is None:
            look_through(view.paths.chroma, location.name)
        store = SentenceVectorStore(open_vectors(view.paths, view.catalog, quick))
        stored = {identifier for batch in store.identifiers() for identifier in batch}
        damage = _vector_damage(store, sorted(stored), (view.catalog.identity or {}).get("provider") == LOCAL)
    except AuthenticationFailedError as error:
        return failed(str(error), "export QA_ENGINE_INDEX__TOKEN=…")
    except ConfigurationError as error:
        return failed(str(error), commands.rebuild("--vectors"))
    except ServiceUnavailableError as error:
        return failed(str(error), "export QA_ENGINE_INDEX__URL=…")
    except StorageError as error:
        passing = isinstance(error.__context__, Timeout)
        denied = not os.access(view.paths.chroma, os.R_OK | os.W_OK | os.X_OK)
        repair = commands.doctor() if passing else commands.permit() if denied else anew
        return failed(str(error), repair, may_lag=True)
    if damage:
        return failed(damage, anew, may_lag=True)
    return _compare("Chroma", stored, view, commands.bring_back, commands.rebuild("--vectors"))


def check_tokens(view: CollectionView) -> Check:
    """Whether the token vectors, if they are kept, are those of the live documents."""
    bits = int(view.catalog.meta(TOKEN_BITS) or 0)
    if not bits:
        return ok("None are kept (embedding.token_bits).")
    file = view.paths.root / (view.catalog.meta(TOKEN_FILE) or view.paths.tokens(bits).name)
    again = view.commands.rebuild("--embedding")
    if not file.is_file():
        if view.live:
            return failed(f"There is no {file}: reranking has to encode passages.", again, may_lag=True)
        return ok("None yet.")
    fault = find_sqlite_fault(file)
    stored: set[str] = set()
    if fault is None:
        try:
            stored = _stored_tokens(file, bits)
            if damaged := _damaged_tokens(file):
                fault = SqliteFault("damaged", f"holds {quantity(damaged, 'sentence')} that are damaged")
        except StorageError:
            fault = SqliteFault("damaged", "is damaged")
        except sqlite3.Error as error:
            fault = SqliteFault.of(error)
        except ValueError as error:
            fault = SqliteFault("damaged", f"cannot be used ({error})")
    if fault is not None:
        anew = f"rm {quote(str(file))} && {again}" if fault.damaged else view.commands.for_fault(fault)
        return failed(f"The token vectors' file {file} {fault.clause}.", anew, may_lag=not fault.damaged)
    return _compare("the token vectors", stored, view, lambda records: again, again)


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


def _damaged_tokens(file: Path) -> int:
    store = TokenStore(file)
    try:
        return store.damaged()
    finally:
        store.close()


def _compare(
    what: str,
    stored: set[str],
    view: CollectionView,
    bring_back: Callable[[Sequence[FileRecord]], str],
    take_out: str,
) -> Check:
    """Whether the nodes in a store are those of the catalog."""
    expected = {name: _node_ids(name, nodes) for name, nodes in view.live.items()}
    missing = {name: ids - stored for name, ids in expected.items() if not ids <= stored}
    orphans = stored.difference(*expected.values())
    for documents in view.unfinished.values():
        orphans.difference_update(*(_node_ids(name, nodes) for name, nodes in documents.items()))
    if orphans and (uncounted := _uncounted(view)):
        orphans = {one for one in orphans if one.rpartition("-")[0] not in uncounted}
    if missing:
        records = view.files_of(missing)
        lost = sum(map(len, missing.values()))
        whose = first_names(record.path for record in records) or first_names(sorted(missing))
        also = f"; there are also {_orphan_clause(orphans)}" if orphans else ""
        message = f"{quantity(lost, 'sentence')} of {view.nodes} missing in {what}, of {whose}{also}."
        return failed(message, bring_back(records) if records else take_out, may_lag=True)
    if orphans:
        return failed(f"In {what} there are {_orphan_clause(orphans)}.", take_out, may_lag=True)
    return ok(f"{quantity(view.nodes, 'sentence')}, those of the catalog.")


def _uncounted(view: CollectionView) -> set[str]:
    """Documents whose sentences nobody has counted: workers are storing them, perhaps although they were given up."""
    writing = {name for name, nodes in view.unfinished["writing"].items() if nodes == UNKNOWN}
    abandoned = view.catalog.abandoned() if isinstance(view.catalog, SharedCatalog) else []
    return writing.union(one.document_id for one in abandoned).difference(view.live)


def _node_ids(document_id: str, nodes: int) -> set[str]:
    return {node_id(document_id, ordinal) for ordinal in range(nodes)}


def _vector_damage(store: SentenceVectorStore, identifiers: Sequence[str], normalised: bool) -> str:
    """A sentence about damage in a sample of the vectors; empty if the sample is sound."""
    sample = list(identifiers[:: max(1, len(identifiers) // _SAMPLE)])
    try:
        vectors = [np.array(node.get_embedding()) for node in store.with_vectors(sample)]
    except StorageError as error:
        return f"Vectors cannot be read ({error.__cause__ or error})."
    norms = [float(np.linalg.norm(vector)) for vector in vectors]
    if not np.isfinite(norms).all() or (normalised and (np.abs(np.array(norms) - 1) > _NEAR).any()):
        return "There are vectors that no model made."
    sizes = {len(vector) for vector in vectors}
    if len(sizes) <= 1:
        return ""
    return f"Vectors of several lengths are stored: {first_names(map(str, sorted(sizes)))}."


def _orphan_clause(orphans: set[str]) -> str:
    return f"{quantity(len(orphans), 'sentence')} that no document of the catalog has ({first_names(sorted(orphans))})"
