"""The lexical index against a slow and obvious implementation of the formula, and on disk."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence
from pathlib import Path

import bm25s
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_engine.config import Bm25Config
from qa_engine.errors import StorageError
from qa_engine.index.bm25.folder import Bm25Folder
from qa_engine.index.bm25.index import Bm25Hit, Bm25Index, TermGroup
from qa_engine.index.bm25.segment import Bm25Segment, DocumentTerms, StoredSegment, term_key

K1, B = 1.2, 0.75

Documents = Sequence[Sequence[Sequence[str]]]


def build(documents: Documents, context: int = 0, k1: float = K1, b: float = B) -> Bm25Index:
    segment = Bm25Segment.build([DocumentTerms(f"d{n}", of) for n, of in enumerate(documents)], context)
    return Bm25Index([StoredSegment("memory", segment)], k1, b)


def reference(
    documents: Documents, query: Sequence[str], context: int = 0, k1: float = K1, b: float = B
) -> dict[str, float]:
    """Lucene's BM25, term by term: ``ln(1 + (N - df + .5) / (df + .5)) * tf / (tf + k1 (1 - b + b length / mean))``."""
    rows = {}
    for number, sentences in enumerate(documents):
        for at in range(len(sentences)):
            window = sentences[max(0, at - context) : at + context + 1]
            rows[f"d{number}-{at:07d}"] = [term for sentence in window for term in sentence]
    mean = sum(map(len, rows.values())) / len(rows) if rows else 0.0
    scores = {}
    for identifier, row in rows.items():
        score = 0.0
        for term in query:
            df = sum(term in other for other in rows.values())
            if term in row:
                idf = math.log(1 + (len(rows) - df + 0.5) / (df + 0.5))
                tf = row.count(term)
                score += idf * tf / (tf + k1 * (1 - b + b * len(row) / mean))
        if score > 0:
            scores[identifier] = score
    return scores


def as_dict(hits: Sequence[Bm25Hit]) -> dict[str, float]:
    return {hit.node_id: hit.score for hit in hits}


_sentence = st.lists(st.sampled_from("abcdefg"), max_size=6)
_documents = st.lists(st.lists(_sentence, max_size=5), max_size=4)


@given(
    _documents,
    st.lists(st.sampled_from("abcdefgxyz"), max_size=5),
    st.integers(0, 2),
    st.sampled_from([(1.2, 0.75), (0.9, 0.4), (2.0, 0.0), (1.5, 1.0)]),
)
@settings(max_examples=60, deadline=None)
def test_scores_are_those_of_the_formula(
    documents: Documents, query: list[str], context: int, parameters: tuple[float, float]
) -> None:
    expected = reference(documents, query, context, *parameters)
    found = as_dict(build(documents, context, *parameters).search(query, 1000))
    assert found == pytest.approx(expected, rel=1e-4)


@given(_documents, st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=5), st.integers(1, 8))
@settings(max_examples=40, deadline=None)
def test_top_k_are_the_best_in_order(documents: Documents, query: list[str], top_k: int) -> None:
    every = reference(documents, query)
    hits = build(documents).search(query, top_k)
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert scores == pytest.approx(sorted(every.values(), reverse=True)[:top_k], rel=1e-4)


def test_rows_without_a_matching_term_are_not_returned() -> None:
    index = build([[["lake"], ["tower"], ["bridge"]]])
    assert [hit.node_id for hit in index.search(["lake"], 10)] == ["d0-0000000"]


def test_equal_scores_come_in_reading_order() -> None:
    index = build([[["lake"]] * 5])
    assert [hit.node_id for hit in index.search(["lake"], 5)] == [f"d0-{n:07d}" for n in range(5)]


@pytest.mark.parametrize("documents", [[], [[]], [[[]]], [[[], []], []]])
def test_index_without_terms_finds_nothing(documents: Documents, tmp_path: Path) -> None:
    index = build(documents)
    assert index.search(["lake"], 5) == []
    assert index.look_up(["lake"]).coverage == 0
    assert saved(index, tmp_path).load(1).search(["lake"], 5) == []


@pytest.mark.parametrize("query", [[], ["unknown"], ["unknown", "words"]])
def test_query_without_known_terms_finds_nothing(query: list[str]) -> None:
    assert build([[["lake"]]]).search(query, 5) == []


def test_length_counts_all_sentences_also_empty_ones() -> None:
    assert len(build([[["a"], []], [], [["b"]]])) == 3


def test_ids_are_right_after_documents_without_sentences() -> None:
    index = build([[], [["lake"]], [], [["tower"], ["lake", "lake"]]])
    assert {hit.node_id for hit in index.search(["lake"], 5)} == {"d1-0000000", "d3-0000001"}


def test_neighbours_count_within_a_document_and_not_beyond() -> None:
    index = build([[["lake"], ["tower"], ["bridge"]], [["wall"]]], context=1)
    assert {hit.node_id for hit in index.search(["lake"], 5)} == {"d0-0000000", "d0-0000001"}
    assert {hit.node_id for hit in index.search(["wall"], 5)} == {"d1-0000000"}


def test_coverage_is_the_share_of_distinct_terms_that_occur() -> None:
    index = build([[["lake", "tower"]]])
    assert index.look_up(["lake", "lake", "unknown"]).coverage == 0.5
    assert index.look_up(["lake", "tower"]).coverage == 1
    assert index.look_up([]).coverage == 0
    assert index.look_up(["tower", "unknown", "lake", "tower"]).matches == ["tower", "lake"]


def saved(index: Bm25Index, path: Path, published: int = 1) -> Bm25Folder:
    """The index on disk, as a published state."""
    folder = Bm25Folder(path)
    folder.write_manifest(
        published, [folder.add(stored.segment) for stored in index.segments], context_sentences=0
    )
    return folder


@given(
    _documents,
    st.lists(st.sampled_from("abcdefgxyz"), max_size=5),
    st.data(),
)
@settings(max_examples=60, deadline=None)
def test_scores_depend_on_what_counts_and_not_on_how_it_is_divided(
    documents: Documents, query: list[str], data: st.DataObject
) -> None:
    names = [f"d{number}" for number in range(len(documents))]
    parts: list[list[int]] = [[], [], []]
    for number in range(len(documents)):
        parts[data.draw(st.integers(0, 2))].append(number)
    dead = frozenset(data.draw(st.sets(st.sampled_from(names)))) if names else frozenset()
    index = Bm25Index(
        [
            StoredSegment(
                str(part), Bm25Segment.build([DocumentTerms(names[n], documents[n]) for n in part], 1), dead
            )
            for part in parts
        ],
        K1,
        B,
    )
    counting = [of if name not in dead else [] for name, of in zip(names, documents, strict=True)]
    assert as_dict(index.search(query, 1000)) == pytest.approx(reference(counting, query, 1), rel=1e-4)
    assert index.document_ids == set(names) - dead
    assert len(index) == sum(map(len, counting))
    known = {term for of in counting for sentence in of for term in sentence}
    assert index.look_up(query).matches == [term for term in dict.fromkeys(query) if term in known]


def test_scores_are_those_of_bm25s() -> None:
    chance = random.Random(0)
    rows = [[chance.choice("abcdefghijklmnop") for _ in range(chance.randrange(1, 30))] for _ in range(200)]
    peer = bm25s.BM25(k1=K1, b=B, method="lucene")
    peer.index(rows, create_empty_token=False, show_progress=False)
    for query in (["a"], ["b", "c", "p"], ["d", "d", "e"]):
        expected = {f"d0-{row:07d}": score for row, score in enumerate(peer.get_scores(query)) if score > 0}
        assert as_dict(build([rows]).search(query, 200)) == pytest.approx(expected, rel=1e-4)


def test_saved_index_gives_the_same_results(tmp_path: Path) -> None:
    index = build([[["西湖", "杭州"], ["杭州", "lake"]], [["lake"], ["塔"] * 5]], context=1)
    loaded = saved(index, tmp_path).load(1)
    assert len(loaded) == len(index)
    for query in (["西湖"], ["杭州", "lake"], ["塔", "塔"], ["unknown"]):
        assert loaded.search(query, 10) == index.search(query, 10)
        assert loaded.look_up(query).coverage == index.look_up(query).coverage


def test_settings_of_the_formula_need_no_new_index(tmp_path: Path) -> None:
    folder = saved(build([[["lake"], ["lake"] * 3]]), tmp_path)
    once = folder.load(1).search(["lake"], 2)
    again = folder.load(1, Bm25Config(k1=0.1)).search(["lake"], 2)
    assert [hit.score for hit in once] != [hit.score for hit in again]


def test_states_have_segments_in_common_and_what_none_uses_is_deleted(tmp_path: Path) -> None:
    folder = saved(build([[["lake"]]]), tmp_path)
    _, (kept,) = folder.segments(1)
    dropped = folder.add(Bm25Segment.build([DocumentTerms("x", [["tower"]])], 0))
    folder.write_manifest(2, [kept, dropped], 0)
    folder.write_manifest(3, [kept], 0)
    assert folder.load(2).search(["tower"], 1)
    (tmp_path / "segments" / "half.writing").mkdir()
    folder.delete_others([1, 3])
    assert sorted(path.name for path in tmp_path.glob("*.json")) == ["1.json", "3.json"]
    assert [path.name for path in (tmp_path / "segments").iterdir()] == [kept.name]
    assert folder.load(3).search(["lake"], 1)


def test_terms_have_keys_of_their_own() -> None:
    terms = ["", "a", "b", "西湖", "\ud800", "lake"]
    assert len({term_key(term) for term in terms}) == len(terms)
    assert all(0 <= term_key(term) < 2**64 for term in terms)


def test_index_of_another_tokenizer_is_refused_with_both_names(tmp_path: Path) -> None:
    folder = saved(build([[["lake"]]]), tmp_path)
    manifest = folder.manifest(1)
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "analyser": "whitespace-0"}))
    with pytest.raises(StorageError, match=r"whitespace-0.*qa-engine rebuild"):
        folder.load(1)


def test_missing_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be opened"):
        Bm25Folder(tmp_path / "nowhere").load(1)


def test_damaged_manifest_is_refused(tmp_path: Path) -> None:
    folder = saved(build([[["lake"]]]), tmp_path)
    for text in ("{", "[]", "{}", "null"):
        folder.manifest(1).write_text(text)
        with pytest.raises(StorageError, match="cannot be opened"):
            folder.load(1)


@pytest.mark.parametrize("truncate", [False, True])
def test_any_missing_or_truncated_file_is_refused(truncate: bool, tmp_path: Path) -> None:
    files = ["documents.json", *(f"{name}.npy" for name in ("keys", "starts", "rows", "counts", "lengths"))]
    for number, victim in enumerate(files):
        folder = saved(build([[["lake"], ["tower"]]]), tmp_path / str(number))
        _, (stored,) = folder.segments(1)
        path = folder.folder / "segments" / stored.name / victim
        assert path.is_file()
        if truncate:
            path.write_bytes(path.read_bytes()[:-1])
        else:
            path.unlink()
        with pytest.raises(StorageError, match="cannot be opened"):
            folder.load(1)


def test_numbers_are_as_short_as_the_segment_allows(tmp_path: Path) -> None:
    small = Bm25Segment.build([DocumentTerms("d", [["a", "b"], ["b"]])], 0)
    assert (small.rows.dtype, small.counts.dtype, small.starts.dtype) == ("uint16", "uint8", "uint16")
    large = Bm25Segment.build([DocumentTerms("d", [["a"]] * 70_000)], 0)
    assert (large.rows.dtype, large.starts.dtype) == ("uint32", "uint32")
    large.save(tmp_path / "large")
    index = Bm25Index([StoredSegment("large", Bm25Segment.load(tmp_path / "large"))])
    assert [hit.node_id for hit in index.search(["a"], 70_000)][-1] == "d-0069999"


def test_term_that_a_sentence_repeats_without_end_counts_as_very_often() -> None:
    index = build([[["a"] * 300, ["a"] * 200, ["b"]]], b=0)
    first, second = index.search(["a"], 2)
    assert first.node_id == "d0-0000000"
    assert first.score == pytest.approx(second.score, rel=0.01)


def test_terms_that_were_looked_up_are_searched_for_without_looking_again() -> None:
    index = build([[["lake", "lake"], ["tower"]], [["lake"]]])
    found = index.look_up(["tower", "lake", "tower", "unknown"])
    assert found.matches == ["tower", "lake"]
    assert found.coverage == pytest.approx(2 / 3)
    assert found.frequencies.tolist() == [1, 2, 0]
    assert index.search(found, 3) == index.search(["tower", "lake", "tower", "unknown"], 3)
    assert index.look_up([]).coverage == 0


GROUPS = [TermGroup({"a": 1.0, "b": 0.5}), TermGroup({"c": 1 / 3, "d": 1 / 3, "e": 1 / 3}, times=2)]


def by_groups(documents: Documents, query: Sequence[str], groups: Sequence[TermGroup]) -> dict[str, float]:
    """`reference`, and each group as a term: its tf the weighted sum, its df the sum of what it counts, at most 1 a row."""
    rows = {f"d{number}-{at:07d}": row for number, of in enumerate(documents) for at, row in enumerate(of)}
    mean = sum(map(len, rows.values())) / len(rows) if rows else 0.0
    scores = reference(documents, query)
    for group in groups:
        counts = group.weights
        df = sum(min(1.0, sum(counts.get(term, 0.0) for term in set(row))) for row in rows.values())
        idf = group.times * math.log(1 + (len(rows) - df + 0.5) / (df + 0.5))
        for identifier, row in rows.items():
            tf = sum(counts.get(term, 0.0) for term in row)
            if tf:
                score = idf * tf / (tf + K1 * (1 - B + B * len(row) / mean))
                scores[identifier] = scores.get(identifier, 0.0) + score
    return scores


@settings(max_examples=60)
@given(st.lists(st.lists(_sentence, min_size=1, max_size=4), min_size=1, max_size=5))
def test_terms_of_a_group_count_as_one(documents: Documents) -> None:
    index = build(documents)
    found = as_dict(index.search(index.look_up(["f"], GROUPS), 100))
    assert found == pytest.approx(by_groups(documents, ["f"], GROUPS), rel=1e-4)


def test_groups_count_the_same_however_the_index_is_divided_and_without_the_dead() -> None:
    documents = [[["a", "x"], ["b", "b"]], [["a", "b"], ["y"]], [["a"], ["a", "c", "d"]]]
    parts = [
        Bm25Segment.build([DocumentTerms(f"d{n}", of) for n, of in part], 0)
        for part in ([(0, documents[0]), (9, documents[2])], [(1, documents[1])])
    ]
    stored = [StoredSegment("one", parts[0], frozenset({"d9"})), StoredSegment("two", parts[1])]
    divided = Bm25Index(stored, K1, B)
    statistics = divided.look_up([], GROUPS)
    assert as_dict(divided.search(statistics, 10)) == pytest.approx(
        by_groups(documents[:2], [], GROUPS), rel=1e-4
    )
    assert statistics.groups[0].matches == {"a", "b"}
    assert statistics.groups[1].frequency == 0


def test_a_group_that_occurs_nowhere_changes_nothing() -> None:
    index = build([[["a", "b"], ["a"]]])
    groups = [TermGroup({"z": 1.0}), TermGroup({})]
    assert index.search(index.look_up(["a"], groups), 10) == index.search(["a"], 10)
