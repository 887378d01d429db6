"""The lexical index in a real search engine against the embedded one, over the same sentences."""

from __future__ import annotations

import random
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from search_server import SearchCluster

from qa_engine.config import Bm25Config, IndexConfig
from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.errors import StorageError
from qa_engine.index.bm25.index import Bm25Hit, Bm25Index, TermGroup
from qa_engine.index.bm25.segment import Bm25Segment, DocumentTerms, StoredSegment
from qa_engine.index.records import StoredSentence
from qa_engine.index.search_engine.connection.client import SearchEngine
from qa_engine.index.search_engine.contents.sentences import SearchEngineTexts, SentenceIndex
from qa_engine.index.search_engine.registry import Registry
from qa_engine.index.search_engine.terms.lexical import SearchEngineLexicalIndex

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
one_version = pytest.mark.parametrize("search_server", ["opensearch-2"], indirect=True)

Sentences = Sequence[Sequence[str]]
Rank = dict[str, float]
_FIELD = "terms_test"
_ODD = [
    "x" * 300,
    "x" * 299,
    "\ud800",
    "\U0002000b" * 150,
    "two words",
    "\u3000",
    "",
    "年假",
    "#",
    "a-b",
    "\x00",
]


@dataclass
class Twins:
    """A state in the search engine, and the same state in memory. Documents that are in neither state may be there, too."""

    server: SearchCluster
    shards: int = 1
    config: Bm25Config = field(default_factory=lambda: Bm25Config(context_sentences=0))

    def __post_init__(self) -> None:
        self.engine = SearchEngine(
            IndexConfig(
                search_url=self.server.url,
                search_prefix=f"t{secrets.token_hex(4)}",
                search_shards=self.shards,
                search_replicas=0,
            )
        )
        self.collection = Registry(self.engine).create("twins", self.config)
        self.stored = SentenceIndex(self.engine, self.collection)
        self.stored.declare_terms(_FIELD)

    def put(self, number: int, sentences: Sentences) -> None:
        """Stores a document."""
        texts = [
            StoredSentence(node_id(f"d{number}", ordinal), "a text", {"page": 1}, 0, 6)
            for ordinal in range(len(sentences))
        ]
        self.stored.put(number, texts, sentences, _FIELD, self.config.context_sentences)

    def delete(self, number: int, sentences: Sentences) -> None:
        self.stored.delete(number, len(sentences))

    def searched(self, documents: Mapping[str, tuple[int, int]], **config: float) -> SearchEngineLexicalIndex:
        self.stored.refresh()
        own = self.config.model_copy(update=config)
        return SearchEngineLexicalIndex(
            self.engine, self.collection.sentences, _FIELD, documents, own, self.texts(documents)
        )

    def texts(self, documents: Mapping[str, tuple[int, int]]) -> SearchEngineTexts:
        return SearchEngineTexts(
            self.stored, lambda ids: {one: documents[one][0] for one in ids if one in documents}
        )

    def both(
        self, visible: Mapping[int, Sentences], others: Mapping[int, Sentences] | None = None, **config: float
    ) -> tuple[SearchEngineLexicalIndex, Bm25Index]:
        """The state with some documents, by their numbers; ``others`` are stored as well."""
        for number, sentences in sorted({**visible, **(others or {})}.items()):
            self.put(number, sentences)
        return self.searched(sizes(visible), **config), embedded(
            visible, self.config.model_copy(update=config)
        )


def sizes(visible: Mapping[int, Sentences]) -> dict[str, tuple[int, int]]:
    return {f"d{number}": (number, len(sentences)) for number, sentences in visible.items()}


def embedded(visible: Mapping[int, Sentences], config: Bm25Config) -> Bm25Index:
    documents = [DocumentTerms(f"d{number}", sentences) for number, sentences in sorted(visible.items())]
    segment = Bm25Segment.build(documents, config.context_sentences)
    return Bm25Index([StoredSegment("memory", segment)], config.k1, config.b)


def invented(
    chance: random.Random, documents: int, sentences: int, words: int = 3000
) -> dict[int, list[list[str]]]:
    """Documents whose words are as frequent as words are, with sentences that are empty, repeated, odd, or very long."""
    vocabulary = [f"w{rank}" for rank in range(words)]
    weights = [1 / (rank + 2) for rank in range(words)]
    made: dict[int, list[list[str]]] = {}
    for number in range(1, documents + 1):
        own: list[list[str]] = []
        for _ in range(chance.randint(0, 2 * sentences)):
            kind = chance.random()
            length = 0 if kind < 0.03 else 3000 if kind > 0.999 else chance.randint(1, 60)
            one = chance.choices(vocabulary, weights, k=length)
            if kind > 0.95:
                one += chance.choices(_ODD, k=2)
            if own and 0.5 < kind < 0.55:
                one = list(chance.choice(own))
            own.append(one)
        made[number] = own
    return made


def questions(
    chance: random.Random, count: int, words: int = 3000
) -> list[tuple[list[str], list[TermGroup]]]:
    """Terms of the documents and others, and translated words of which a stem counts 1, 1/2, or 1/3."""
    weights = [1 / (rank + 20) for rank in range(words)]
    vocabulary = [*(f"w{rank}" for rank in range(words)), "unknown", *_ODD]
    weights += [0.001] * (len(vocabulary) - words)
    asked = []
    for _ in range(count):
        terms = chance.choices(vocabulary, weights, k=chance.randint(0, 20))
        groups = [
            TermGroup(
                {
                    term: 1 / chance.choice([1, 1, 2, 3])
                    for term in chance.choices(vocabulary, weights, k=chance.randint(0, 6))
                },
                chance.randint(1, 2),
            )
            for _ in range(chance.choice([0, 0, 1, 4]))
        ]
        asked.append((terms, groups))
    return asked


def assert_same(found: Sequence[Bm25Hit], expected: Sequence[Bm25Hit], every: Rank, what: object) -> None:
    """The same sentences in the same order with the same scores, but for those that are equal as far as floats go."""
    assert [hit.score for hit in found] == pytest.approx([hit.score for hit in expected], rel=1e-5), what
    assert len({hit.node_id for hit in found}) == len(found), what
    for hit in found:
        assert hit.score == pytest.approx(every[hit.node_id], rel=1e-5), what
    ties = [hit for hit, other in zip(found, expected, strict=True) if hit.node_id != other.node_id]
    for hit in ties:
        equal = [other for other, score in every.items() if score == pytest.approx(hit.score, rel=1e-5)]
        assert len(equal) > 1, (what, hit)


def compare(
    ours: SearchEngineLexicalIndex,
    theirs: Bm25Index,
    terms: Sequence[str],
    groups: Sequence[TermGroup],
    top_k: int = 50,
    scope: set[str] | None = None,
) -> None:
    found, expected = ours.look_up(terms, groups), theirs.look_up(terms, groups)
    what = terms, groups, scope
    assert found.frequencies.tolist() == expected.frequencies.tolist(), what
    for own, other in zip(found.groups, expected.groups, strict=True):
        assert own.frequency == pytest.approx(other.frequency, rel=1e-9, abs=1e-9), what
        assert own.rarity == pytest.approx(other.rarity, rel=1e-9), what
        assert own.matches == other.matches, what
    rows: Any = None if scope is None else ours.rows_of(scope)
    mask = None if scope is None else theirs.rows_of(scope)
    every = {hit.node_id: hit.score for hit in theirs.search(expected, sys.maxsize, mask)}
    hits = ours.search(found, top_k, rows)
    assert_same(hits, theirs.search(expected, top_k, mask), every, what)
    order = [(-hit.score, int(hit.node_id[1:].split("-")[0]), hit.node_id) for hit in hits]
    assert order == sorted(order), what


@pytest.mark.parametrize("shards", [1, 3])
def test_300_questions_find_the_same(search_server: SearchCluster, shards: int) -> None:
    chance = random.Random(shards)
    visible = invented(chance, 60, 30)
    ours, theirs = Twins(search_server, shards).both(visible)
    assert len(ours) == len(theirs)
    assert ours.document_ids == theirs.document_ids
    names = sorted(ours.document_ids)
    for number, (terms, groups) in enumerate(questions(chance, 300)):
        scope = set(chance.sample(names, chance.randint(0, len(names)))) if number % 3 == 0 else None
        compare(ours, theirs, terms, groups, scope=scope)


@one_version
@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("context", [0, 2])
def test_what_is_not_of_the_state_counts_for_nothing(
    search_server: SearchCluster, shards: int, context: int
) -> None:
    """Documents that were replaced, deleted, abandoned or not yet published are in the index, and Lucene counts them."""
    chance = random.Random(7)
    made = invented(chance, 80, 25, 1000)
    twins = Twins(search_server, shards, Bm25Config(context_sentences=context))
    visible = {number: one for number, one in made.items() if number % 4 and number < 70}
    # A word that is rare in the state, and frequent in what is not of it.
    rare = [["w999", "elsewhere", *one] for one in made[4]]
    others = {number: rare + one for number, one in made.items() if number not in visible}
    visible[41] = [*visible[41], ["elsewhere"], ["elsewhere", "w1", "w2", "w3"]]
    ours, theirs = twins.both(visible, others)
    for number in (4, 8, 12, 16):
        twins.delete(number, others[number])
    # Deleted and not refreshed: still found.
    compare(ours, theirs, ["elsewhere", "w5"], [])
    ours = twins.searched(sizes(visible))
    compare(ours, theirs, ["elsewhere"], [], top_k=1)
    for terms, groups in questions(chance, 100, 1000):
        compare(ours, theirs, [*terms, "elsewhere"], groups)
        compare(ours, theirs, terms, groups, top_k=3)


@one_version
@given(data=st.data())
@settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
def test_no_sentence_that_is_among_the_best_is_missed(
    search_server: SearchCluster, data: st.DataObject
) -> None:
    """Few candidates, lengths that Lucene rounds, words that it takes for frequent, other settings than the index has."""
    chance = random.Random(data.draw(st.integers(0, 10**6)))
    vocabulary = "abcdefghij"

    def sentence() -> list[str]:
        length = data.draw(st.sampled_from([1, 2, 5, 39, 41, 47, 90, 127, 300]))
        return chance.choices(vocabulary, [1, 1, 1, 1, 2, 2, 3, 5, 8, 20], k=length)

    def document() -> list[list[str]]:
        return [sentence() for _ in range(chance.randint(1, 80))]

    visible = {number: document() for number in range(1, data.draw(st.integers(2, 6)))}
    others = {number: document() for number in range(10, data.draw(st.integers(10, 14)))}
    visible[20] = document()
    twins = Twins(search_server, data.draw(st.sampled_from([1, 2])))
    twins.both(visible, others)
    for number in others:
        if data.draw(st.booleans()):
            twins.delete(number, others[number])
    config = {
        "k1": data.draw(st.sampled_from([1.2, 1.2, 0.3, 3.0])),
        "b": data.draw(st.sampled_from([0.75, 0.75, 0.0, 1.0])),
    }
    ours, theirs = (
        twins.searched(sizes(visible), **config),
        embedded(visible, twins.config.model_copy(update=config)),
    )
    for _ in range(6):
        terms = chance.choices(vocabulary, k=chance.randint(0, 5))
        groups = [
            TermGroup({term: 1 / chance.randint(1, 3) for term in chance.choices(vocabulary, k=4)})
        ] * chance.randint(0, 1)
        compare(ours, theirs, terms, groups, top_k=chance.randint(1, 4))
    Registry(twins.engine).remove(twins.collection)


@one_version
def test_all_sentences_of_a_document_of_30000(search_server: SearchCluster) -> None:
    """A search engine returns 10,000 hits at once."""
    long = [[f"w{place % 7}", "common"] for place in range(30_000)]
    ours, theirs = Twins(search_server).both({1: [["common"]], 2: long, 3: [["w3"]]})
    compare(ours, theirs, ["w3", "common"], [], top_k=sys.maxsize, scope={"d2"})
    compare(ours, theirs, ["w3"], [], top_k=12_000)
    assert len(ours.search(["common"], sys.maxsize, ours.rows_of({"d2"}))) == 30_000


@one_version
def test_equal_sentences_come_in_the_order_of_their_documents(search_server: SearchCluster) -> None:
    visible = {number: [["lake", "tower"]] * 40 for number in range(1, 12)}
    ours, _ = Twins(search_server, 3).both(visible)
    expected = [node_id(f"d{number}", ordinal) for number in (1, 2) for ordinal in range(40)][:50]
    assert [hit.node_id for hit in ours.search(["lake"], 50)] == expected


@one_version
def test_scope_of_more_documents_than_a_condition_takes(search_server: SearchCluster) -> None:
    """Every second of 140,000 numbers, of which few have sentences."""
    made = {number: [[f"w{number % 50}", "common"]] for number in range(1000, 141_000, 700)}
    twins = Twins(search_server)
    ours, theirs = twins.both(made)
    everything = {f"d{number}" for number in range(0, 141_000, 2)}
    documents = sizes(made) | {name: (int(name[1:]), 0) for name in everything if int(name[1:]) not in made}
    wide = twins.searched(documents)
    compare(wide, theirs, ["w3", "common"], [], scope=everything)
    odd = set(sorted(everything)[::2]) | {"d1700"}
    compare(wide, theirs, ["w3", "common"], [], scope=odd)
    compare(ours, theirs, ["common"], [], scope=set())


@one_version
@pytest.mark.parametrize("within", [None, 1, 3])
@pytest.mark.parametrize("at_least", [1, 2, 5])
def test_documents_that_hold_terms(search_server: SearchCluster, within: int | None, at_least: int) -> None:
    chance = random.Random(3)
    visible = invented(chance, 40, 10, 200)
    others = {number + 100: one for number, one in invented(chance, 10, 10, 200).items()}
    visible[200] = [["w1", "w2"]]
    ours, theirs = Twins(search_server, 2, Bm25Config(context_sentences=1)).both(visible, others)
    for _ in range(20):
        terms = chance.choices([f"w{rank}" for rank in range(20)], k=chance.randint(1, 3))
        assert ours.documents_holding(terms, within, at_least) == theirs.documents_holding(
            terms, within, at_least
        )


@one_version
@pytest.mark.parametrize("visible", [{}, {1: []}, {1: [[]]}, {1: [[], []], 2: [], 5: [[]]}], ids=str)
def test_index_without_terms_finds_nothing(
    search_server: SearchCluster, visible: dict[int, Sentences]
) -> None:
    ours, _ = Twins(search_server).both(visible)
    assert ours.search(["lake"], 5) == []
    assert ours.search(ours.look_up(["lake"], [TermGroup({"lake": 1, "pond": 0.5})]), 5) == []
    assert ours.look_up(["lake"]).coverage == 0
    assert ours.documents_holding(["lake"]) == set()


@one_version
def test_index_that_lacks_sentences_is_refused(search_server: SearchCluster) -> None:
    twins = Twins(search_server)
    twins.both({1: [["lake"]]})
    with pytest.raises(
        StorageError, match="holds 1 sentences of the published state instead of 2: run qa-engine rebuild"
    ):
        twins.searched({"d1": (1, 2)})


@one_version
def test_texts_come_with_the_hits(search_server: SearchCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks for the texts of the hits next gets them without a request."""
    twins = Twins(search_server)
    twins.both({1: [["lake"], ["tower"]], 2: [["lake", "bridge"]]})
    documents = {"d1": (1, 2), "d2": (2, 1)}
    texts = twins.texts(documents)
    ours = SearchEngineLexicalIndex(
        twins.engine, twins.collection.sentences, _FIELD, documents, twins.config, texts
    )
    sent: list[str] = []
    request = twins.engine.request
    monkeypatch.setattr(twins.engine, "request", lambda *a, **k: (sent.append(a[1]), request(*a, **k))[1])
    hits = ours.search(["lake"], 5)
    assert [path.split("/")[-1] for path in sent] == ["_mtermvectors", "_search"]
    assert [one.text for one in texts.get([hit.node_id for hit in hits]).values()] == ["a text"] * 2
    assert ours.search(["lake"], 5) == hits
    assert len(sent) == 3
    texts.forget()
    assert len(texts.get([hit.node_id for hit in hits])) == 2
    assert len(sent) == 4
