"""The scores of candidates, without a search engine, against the embedded index."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_engine.config import Bm25Config
from qa_engine.index.bm25.index import Bm25Index, TermGroup
from qa_engine.index.bm25.segment import Bm25Segment, DocumentTerms, StoredSegment
from qa_engine.index.search_engine.contents.sentences import indexed_term
from qa_engine.index.search_engine.terms.candidates import Candidates, SearchedGroup, SearchedTerms

_WORDS = [*"abcdef", "年假", "x" * 400, "\ud800", "two words"]
_MANY = ["a"] * 300
_sentence = st.lists(st.sampled_from(_WORDS), max_size=8) | st.just(_MANY)
_group = st.dictionaries(st.sampled_from(_WORDS), st.sampled_from([1.0, 0.5, 1 / 3]), max_size=3)


def candidates(sentences: Sequence[Sequence[str]], terms: SearchedTerms) -> Candidates:
    """Sentences as hits of a search engine."""
    hits = [
        {
            "sort": [1.0, 1, ordinal],
            "_source": {
                "number": 1,
                "ordinal": ordinal,
                "t": " ".join(map(indexed_term, one)),
                "t_count": len(one),
            },
        }
        for ordinal, one in enumerate(sentences)
    ]
    return Candidates.of(hits, "t", terms)


@given(
    st.lists(_sentence, min_size=1, max_size=6),
    st.lists(st.sampled_from(_WORDS), max_size=6),
    st.lists(st.builds(TermGroup, _group, st.integers(1, 2)), max_size=2),
    st.sampled_from([(1.2, 0.75), (0.9, 0.0), (2.0, 1.0), (0.0, 0.5)]),
)
@settings(max_examples=150)
def test_scores_are_those_of_the_embedded_index(
    sentences: list[list[str]], terms: list[str], groups: list[TermGroup], parameters: tuple[float, float]
) -> None:
    k1, b = parameters
    segment = Bm25Segment.build([DocumentTerms("d", sentences)], 0)
    index = Bm25Index([StoredSegment("memory", segment)], k1, b)
    known = index.look_up(terms, groups)
    mean = float(np.mean([len(one) for one in sentences])) or 1.0
    rarity = [np.log(1 + (len(sentences) - n + 0.5) / (n + 0.5)) for n in known.frequencies.tolist()]
    weights = np.where(known.frequencies > 0, known.times * np.array(rarity or [0.0])[: len(known.terms)], 0)
    searched = SearchedTerms(
        known.terms,
        known.times,
        [],
        known.frequencies,
        tuple(
            SearchedGroup(
                own.times, own.weights, [], own.frequency, own.rarity, own.matches, tuple(one.weights)
            )
            for one, own in zip(groups, known.groups, strict=True)
        ),
        weights.astype(np.float32),
        dict.fromkeys(_WORDS, 1.0),
    )
    scores = candidates(sentences, searched).scores(searched, Bm25Config(k1=k1, b=b), mean)
    expected = {hit.node_id: hit.score for hit in index.search(known, 100)}
    assert scores.tolist() == pytest.approx(
        [expected.get(f"d-{place:07d}", 0.0) for place in range(len(sentences))], rel=1e-5
    )


@pytest.mark.parametrize(
    "term", ["", " ", "two words", "a\u3000b", "\x00", "\ud800", "x" * 201, "\U0002000b" * 60]
)
def test_what_is_not_one_word_to_lucene_is_indexed_by_its_digest(term: str) -> None:
    indexed = indexed_term(term)
    assert indexed.startswith("#")
    assert len(indexed) == 33
    assert indexed != indexed_term(f"{term}x")


@pytest.mark.parametrize("term", ["lake", "年假", "x" * 200, "3.5%", "#"])
def test_words_are_indexed_as_they_are(term: str) -> None:
    assert indexed_term(term) == term
