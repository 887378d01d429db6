"""The parts of a collection in a search engine against what its log says: indices, sentences, terms, contents and tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qa_engine.diagnosis.catalog_checks import CollectionView
from qa_engine.diagnosis.report import Check, failed, first_names, ok, quantity, warning
from qa_engine.diagnosis.search_engine_checks import curl
from qa_engine.diagnosis.shared_collection import SharedCollection
from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.index.search_engine.catalog import SharedCatalog
from qa_engine.index.search_engine.catalog_contents import PUBLISHED_TERMS
from qa_engine.index.vectors.token_store import TOKEN_BITS
from qa_engine.ingestion.files.state import file_state
from qa_engine.ingestion.files.uploads import is_upload

_BUCKETS = 1000
_SAMPLED = 100_000
"""Sentences that are compared with their checksums; of larger collections, those of documents spread over it."""
_SAMPLED_TOKENS = 2000


def check_indices(shared: SharedCollection) -> Check:
    """Whether the indices are there, with the replicas and the similarity of the configuration."""
    engine, registered = shared.registry.engine, shared.registered
    names = (registered.sentences, registered.documents, registered.tokens)
    found: dict[str, Mapping[str, Any]] = {}
    for name in names:
        reply = engine.request("GET", f"/{name}/_settings", accept={404})
        if reply.status == 200:
            (one,) = reply.body.values()
            found[name] = one["settings"]["index"]
    if lost := [name for name in names if name not in found]:
        return failed(
            f"There is no index {first_names(lost)}: restore it from a snapshot, or make the collection anew.",
            shared.snapshots(),
        )
    wanted = engine.config.search_replicas
    if other := [name for name, one in found.items() if int(one["number_of_replicas"]) != wanted]:
        return warning(
            f"{first_names(other)}: another number of replicas than index.search_replicas = {wanted}, which holds for new "
            "collections.",
            curl(engine, "PUT", f"/{','.join(other)}/_settings", {"index": {"number_of_replicas": wanted}}),
        )
    stored = found[registered.sentences].get("similarity", {}).get("terms", {})
    bm25 = shared.config.bm25
    similarity = {"type": "BM25", "k1": bm25.k1, "b": bm25.b}
    if (float(stored.get("k1", -1)), float(stored.get("b", -1))) != (bm25.k1, bm25.b):
        index = registered.sentences
        change = curl(engine, "PUT", f"/{index}/_settings", {"index": {"similarity": {"terms": similarity}}})
        return warning(
            f"{index} chooses candidates with k1 = {stored.get('k1')}, b = {stored.get('b')}, the configuration says "
            f"{bm25.k1} and {bm25.b}: scores are those of the configuration, and a candidate may be missed.",
            f"{curl(engine, 'POST', f'/{index}/_close')} && {change} && {curl(engine, 'POST', f'/{index}/_open')}",
        )
    return ok(f"{first_names(names)}: {quantity(wanted, 'replica')}, k1 = {bm25.k1}, b = {bm25.b}.")


def check_shared_published(view: CollectionView, catalog: SharedCatalog) -> Check:
    """Whether readers see all that is stored."""
    commands, published = view.commands, view.published
    if view.changes != published:
        message = f"Readers see state {published}, the catalog is at {view.changes}: a run has not ended, or was cut off."
        repair = commands.ingest(view.files.values()) if view.files else commands.rebuild()
        return failed(message, repair, may_lag=True)
    if not published:
        return failed("Nothing was published yet: no run has ended.", commands.ingest(), may_lag=True)
    visible = {document_id: nodes for document_id, (_, nodes) in catalog.visible().items()}
    if visible != view.live:
        wrong = sorted(visible.items() ^ view.live.items())
        message = f"State {published} does not have the documents of the catalog: {first_names(name for name, _ in wrong)}."
        return failed(message, commands.rebuild(), may_lag=True)
    return ok(f"Readers see state {published}, the last one.")


def check_shared_sentences(shared: SharedCollection, view: CollectionView, catalog: SharedCatalog) -> Check:
    """Whether the sentences of the live documents are there, each once, as they were stored, and no others."""
    index = shared.registered.sentences
    ordinals = {"ordinals": {"stats": {"field": "ordinal"}}}
    found = {
        number: (int(bucket["doc_count"]), int(bucket["ordinals"]["sum"] or 0))
        for number, bucket in _by_number(shared, index, aggregations=ordinals).items()
    }
    numbers = catalog.numbers(view.live)
    expected = {number: view.live[name] for name, number in numbers.items()}
    sums = {number: nodes * (nodes - 1) // 2 for number, nodes in expected.items()}
    names = {number: name for name, number in numbers.items()}
    counts = {number: found.get(number, (0, 0))[0] for number in expected}
    if missing := {
        number: expected[number] - count for number, count in counts.items() if count < expected[number]
    }:
        return _lost(view, [names[number] for number in missing], sum(missing.values()), index)
    if doubled := [number for number, count in counts.items() if count > expected[number]]:
        extra = sum(counts[number] - expected[number] for number in doubled)
        records = view.files_of(names[number] for number in doubled)
        message = f"{quantity(extra, 'sentence')} too many in {index}, of {first_names(one.path for one in records)}."
        return failed(message, view.commands.read_again(records), may_lag=True)
    if other := [number for number, nodes in expected.items() if nodes and found[number][1] != sums[number]]:
        return _lost(view, [names[number] for number in other], len(other), index)
    if orphans := sorted(found.keys() - expected.keys() - _unfinished(view, catalog)):
        return _orphans(shared, index, orphans, sum(found[number][0] for number in orphans))
    return _check_checksums(view, catalog)


def check_contents(shared: SharedCollection, view: CollectionView, catalog: SharedCatalog) -> Check:
    """Whether the places of lines, tables and sections of the live documents are there, and can be read."""
    index = shared.registered.documents
    found = _by_number(shared, index).keys()
    numbers = catalog.numbers(view.live)
    if missing := [name for name, number in numbers.items() if number not in found]:
        return _lost(view, missing, len(missing), index, "document")
    damaged = []
    for name in _sample(view.live):
        try:
            catalog.spans(name)
            catalog.tables(name)
            catalog.sections_of(name)
        except Exception:  # noqa: BLE001 - damaged contents raise anything
            damaged.append(name)
    if damaged:
        records = view.files_of(damaged)
        message = f"What {index} holds of {first_names(one.path for one in records)} cannot be read."
        return failed(message, view.commands.read_again(records))
    if orphans := sorted(found - set(numbers.values()) - _unfinished(view, catalog)):
        return _orphans(shared, index, orphans, len(orphans), "document")
    return ok(f"{quantity(len(numbers), 'document')}, those of the catalog.")


def check_shared_terms(shared: SharedCollection, view: CollectionView, catalog: SharedCatalog) -> Check:
    """Whether every sentence has its terms, made by this version, and readers search in them."""
    again = view.commands.rebuild()
    if view.live and not catalog.terms_are_current():
        return failed(
            "The terms were made by another tokenizer, or with another bm25.context_sentences.",
            again,
            may_lag=True,
        )
    field = catalog.meta(PUBLISHED_TERMS) or catalog.field
    if view.published == view.changes and field != catalog.field:
        return failed(
            f"Readers search in the field {field}, and not in {catalog.field}.", again, may_lag=True
        )
    without = {"bool": {"must_not": {"exists": {"field": f"{field}_count"}}}}
    found = _by_number(shared, shared.registered.sentences, without)
    lacking = [name for name, number in catalog.numbers(view.live).items() if number in found]
    if lacking:
        records = view.files_of(lacking)
        message = f"Sentences without terms, of {first_names(one.path for one in records)}."
        return failed(message, again, may_lag=True)
    return ok(f"The terms of {quantity(view.nodes, 'sentence')} are those of this version ({field}).")


def check_shared_tokens(shared: SharedCollection, view: CollectionView, catalog: SharedCatalog) -> Check:
    """Whether the token vectors, if they are kept, are those of the live documents."""
    again = view.commands.rebuild("--embedding")
    if not int(catalog.meta(TOKEN_BITS) or 0):
        return ok("None are kept (embedding.token_bits).")
    store = catalog.open_tokens()
    if store is None:
        return failed("The codec of the token vectors is not recorded.", again)
    index = shared.registered.tokens
    found = _by_number(shared, index)
    numbers = catalog.numbers(view.live)
    missing = sum(
        max(0, view.live[name] - (int(found[number]["doc_count"]) if number in found else 0))
        for name, number in numbers.items()
    )
    if missing:
        return failed(
            f"The token vectors of {quantity(missing, 'sentence')} are missing in {index}: passages are encoded anew.",
            again,
            may_lag=True,
        )
    every = [node_id(name, ordinal) for name, nodes in view.live.items() for ordinal in range(nodes)]
    sample = every[:: max(1, len(every) // _SAMPLED_TOKENS)]
    sound = sum(len(store.get(sample[start : start + 500])) for start in range(0, len(sample), 500))
    if sound < len(sample):
        message = (
            f"The token vectors of {len(sample) - sound} of {quantity(len(sample), 'sentence')} are damaged."
        )
        return failed(message, again, may_lag=True)
    if orphans := sorted(found.keys() - set(numbers.values()) - _unfinished(view, catalog)):
        count = sum(int(found[number]["doc_count"]) for number in orphans)
        return _orphans(shared, index, orphans, count)
    return ok(f"Those of {quantity(view.nodes, 'sentence')}.")


def check_shared_files(view: CollectionView) -> Check:
    """Which files this machine has as they were ingested. Others need not be here: answers do not need them."""
    states = {
        path: file_state(record, view.commands.storage, shared=True) for path, record in view.files.items()
    }
    here = {path: state for path, state in states.items() if state != "elsewhere"}
    changed = [view.files[path] for path, state in here.items() if state == "changed" and not is_upload(path)]
    elsewhere = len(states) - len(here)
    message = f"Of {quantity(len(states), 'file')}, {len(here)} on this machine"
    if changed:
        names = first_names(record.path for record in changed)
        return warning(
            f"{message}, of which {len(changed)} changed ({names}).", view.commands.ingest(changed)
        )
    if elsewhere:
        return ok(f"{message}; of the others no page can be shown here.")
    return ok(f"{quantity(len(states), 'file')} as ingested.")


def _check_checksums(view: CollectionView, catalog: SharedCatalog) -> Check:
    sample = _sample(view.live)
    states = {name: catalog.is_damaged(name) for name in sample}
    if damaged := [name for name, state in states.items() if state]:
        records = view.files_of(damaged)
        message = f"Sentences are not what was stored, of {first_names(one.path for one in records)}."
        return failed(message, view.commands.read_again(records), may_lag=True)
    compared = "all" if len(sample) == len(view.live) else f"those of {quantity(len(sample), 'document')}"
    return ok(f"{quantity(view.nodes, 'sentence')}, those of the catalog; {compared} as they were stored.")


def _sample(live: Mapping[str, int]) -> list[str]:
    """All documents, or some that are spread over the collection."""
    names = list(live)
    step = max(1, -(-sum(live.values()) // _SAMPLED))
    return names[::step]


def _by_number(
    shared: SharedCollection,
    index: str,
    query: Mapping[str, Any] | None = None,
    aggregations: Mapping[str, Any] | None = None,
) -> dict[int, Mapping[str, Any]]:
    """The buckets of an index by the numbers of documents, after a refresh."""
    shared.registry.engine.refresh(index)
    found: dict[int, Mapping[str, Any]] = {}
    after: Mapping[str, Any] | None = None
    while True:
        sources = [{"number": {"terms": {"field": "number"}}}]
        composite: dict[str, Any] = {"size": _BUCKETS, "sources": sources}
        if after is not None:
            composite["after"] = after
        numbers = {"composite": composite, **({"aggs": aggregations} if aggregations else {})}
        body: dict[str, Any] = {"size": 0, "aggs": {"numbers": numbers}}
        if query is not None:
            body["query"] = query
        result = shared.search(index, body)["aggregations"]["numbers"]
        found |= {int(bucket["key"]["number"]): bucket for bucket in result["buckets"]}
        after = result.get("after_key")
        if after is None or not result["buckets"]:
            return found


def _unfinished(view: CollectionView, catalog: SharedCatalog) -> set[int]:
    """Numbers that readers pass over, and whose parts the next writer deletes."""
    begun = [name for documents in view.unfinished.values() for name in documents]
    return {*catalog.numbers(begun).values(), *(one.number for one in catalog.abandoned())}


def _lost(
    view: CollectionView, documents: Sequence[str], count: int, index: str, noun: str = "sentence"
) -> Check:
    records = view.files_of(documents)
    whose = first_names(record.path for record in records) or first_names(sorted(documents))
    message = f"{quantity(count, noun)} missing in {index}, of {whose}."
    return failed(message, view.commands.read_again(records) if records else view.start_over(), may_lag=True)


def _orphans(
    shared: SharedCollection, index: str, numbers: Sequence[int], count: int, noun: str = "sentence"
) -> Check:
    delete = {"query": {"terms": {"number": list(numbers)}}}
    return failed(
        f"In {index} there {'is' if count == 1 else 'are'} {quantity(count, noun)} of numbers that no document has "
        f"({first_names(map(str, numbers))}).",
        curl(shared.registry.engine, "POST", f"/{index}/_delete_by_query?refresh=true", delete),
        may_lag=True,
    )
