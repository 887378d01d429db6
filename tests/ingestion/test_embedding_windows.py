"""Which sentences share an embedding window, and which vector each gets of it."""

from __future__ import annotations

import numpy as np
import pytest
from hash_embedding import HashEmbedding
from hypothesis import given, settings
from hypothesis import strategies as st
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode

from qa_engine.ingestion.embedding_windows import (
    LATIN_RATIO,
    SLICE,
    EmbeddedSentences,
    EmbeddingWindow,
    embed_windows,
    embedding_windows,
    first_occurrences,
    sliced,
    with_repeats,
)
from qa_engine.models.e5.encoder import PASSAGE_PREFIX
from qa_engine.models.embedding import LocalEmbedding
from qa_engine.models.token_codes import TokenCodec
from qa_engine.text.language import chinese_size

CHINESE = "乙型肝炎疫苗应当在出生后一天之内接种。"
ENGLISH = "The first dose is given on the day of birth."


def sentence(text: str, document: str = "a", section: str = "") -> TextNode:
    return TextNode(
        text=text,
        metadata={"section": section},
        excluded_embed_metadata_keys=["section"],
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=document)},
    )


def shared(*nodes: TextNode, chars: int = 70) -> list[EmbeddingWindow]:
    return embedding_windows(nodes, LocalEmbedding(), chars, 1)  # the model itself is not loaded


def contents(windows: list[EmbeddingWindow]) -> list[list[str]]:
    return [[each.text[start:end] for start, end in each.sentences] for each in windows]


def test_sentences_share_a_window_up_to_its_size() -> None:
    ten = "一二三四五六七八九。"
    assert contents(shared(*[sentence(ten)] * 5, chars=30)) == [[ten] * 3, [ten] * 2]


def test_other_scripts_have_three_times_the_room() -> None:
    words = "Twenty-nine characters there."
    assert contents(shared(*[sentence(words)] * 4, chars=30)) == [[words] * 3, [words]]


def test_what_is_longer_goes_alone() -> None:
    long = "长" * 80 + "。"
    found = contents(shared(sentence("一。"), sentence(long), sentence("二。")))
    assert found == [["一。"], [long], ["二。"]]


@pytest.mark.parametrize("apart", [{"section": "另一节"}, {"document": "b"}])
def test_windows_end_with_a_section_and_with_a_document(apart: dict[str, str]) -> None:
    assert contents(shared(sentence("一。"), sentence("二。", **apart))) == [["一。"], ["二。"]]


def test_other_models_get_each_sentence_with_its_neighbours() -> None:
    windows = embedding_windows(
        [sentence("一。"), sentence("二。"), sentence("三。")], HashEmbedding(), 70, 1
    )
    assert [each.text for each in windows] == ["一。二。", "一。二。三。", "二。三。"]
    assert contents(windows) == [["一。"], ["二。"], ["三。"]]
    assert not any(each.is_shared for each in windows)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([CHINESE, ENGLISH, "短。", "长" * 90]),
            st.sampled_from("ab"),
            st.sampled_from("xy"),
        )
    ),
    st.integers(1, 150),
)
def test_every_sentence_is_in_one_window_and_no_window_is_too_large(
    drawn: list[tuple[str, str, str]], chars: int
) -> None:
    drawn.sort(key=lambda each: each[1])
    windows = shared(*(sentence(*each) for each in drawn), chars=chars)
    assert [text for each in contents(windows) for text in each] == [text for text, _, _ in drawn]
    for each in contents(windows):
        assert len(each) == 1 or sum(chinese_size(text, LATIN_RATIO) for text in each) <= chars


def test_slices_of_a_document_are_embedded_apart_wherever_it_stands() -> None:
    """The same windows, and so the same vectors, whichever files are embedded with it, and on whatever machine."""
    long = [sentence(f"第{number}句。", "long") for number in range(SLICE + 40)]
    before = [sentence(f"另{number}句。", "before") for number in range(300)]
    alone = shared(*long)
    assert shared(*before, *long)[-len(alone) :] == alone
    assert [sum(len(each.sentences) for each in part) for part in sliced(alone)] == [SLICE, 40]


class TestEmbedding:
    def windows(self, *texts: str, chars: int = 70) -> list[EmbeddingWindow]:
        return shared(*map(sentence, texts), chars=chars)

    def test_a_sentence_is_the_mean_of_its_own_tokens(self, local_model: object) -> None:
        model = LocalEmbedding()
        [both] = self.windows(CHINESE, ENGLISH)
        found = embed_windows([both], model, None)
        [text] = model.encoder.encode([both.text], PASSAGE_PREFIX)
        for vector, (first, last) in zip(found.vectors, both.sentences, strict=True):
            own = [row for row, (start, end) in enumerate(text.offsets) if end > first and start < last]
            expected = text.vectors[own].mean(axis=0)
            assert vector == pytest.approx(expected / np.linalg.norm(expected), abs=1e-3)
        assert found.codes is None

    def test_the_context_is_in_the_vector(self, local_model: object) -> None:
        model = LocalEmbedding()
        alone, together = (
            embed_windows(self.windows("它位于杭州。", before, chars=chars), model, None).vectors[0]
            for before, chars in (("西湖很美。", 1), ("西湖很美。", 70))
        )
        assert 0.8 < float(alone @ together) < 0.995

    def test_words_are_kept_and_marks_are_not(self, local_model: object) -> None:
        model = LocalEmbedding()
        codec = TokenCodec.of(model.encoder, 4)
        found = embed_windows(self.windows(CHINESE, "——。", ENGLISH), model, codec)
        assert found.codes is not None
        sizes = [len(code) // codec.bytes_per_token for code in found.codes]
        [english] = model.encoder.encode([ENGLISH], PASSAGE_PREFIX)
        words = [token for token in english.ids if not model.encoder.is_punctuation(token)]
        assert sizes[0] > 5
        assert sizes[1:] == [0, len(words)]

    def test_text_without_any_token_has_a_vector(self, local_model: object) -> None:
        model = LocalEmbedding()
        codec = TokenCodec.of(model.encoder, 4)
        found = embed_windows(self.windows("\u200b", "一。"), model, codec)
        assert np.isfinite(found.vectors).all()
        assert np.linalg.norm(found.vectors, axis=1) == pytest.approx([1, 1], abs=1e-5)

    def test_the_same_window_is_embedded_once(
        self, local_model: object, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        model = LocalEmbedding()
        codec = TokenCodec.of(model.encoder, 4)
        one, two = self.windows(CHINESE * 4, ENGLISH, chars=40)
        seen: list[str] = []
        encode = model.encoder.encode

        def encoding(texts: list[str], prefix: str) -> object:
            seen.extend(texts)
            return encode(texts, prefix)

        monkeypatch.setattr(model.encoder, "encode", encoding)
        slices = [[one, two, one]]
        [found] = with_repeats(
            slices, (embed_windows(part, model, codec) for part in first_occurrences(slices))
        )
        assert seen == [one.text, two.text]
        assert found.codes is not None
        (first, second), third = found.vectors[:2], found.vectors[2:]
        assert (third == first).all()
        assert abs(float(first @ second)) < 0.99
        assert found.codes[2] == found.codes[0] != found.codes[1]

    @pytest.mark.parametrize("codes", [True, False])
    def test_what_is_the_same_in_several_slices_is_embedded_with_the_first_of_them(self, codes: bool) -> None:
        one, two, three = (EmbeddingWindow(text, ((0, 1), (1, 2)), True) for text in ("ab", "cd", "ef"))
        slices = [[one, two, one], [two], [three, one]]
        parts = first_occurrences(slices)
        assert parts == [[one, two], [], [three]]
        numbers = {window: 2.0 * row for row, window in enumerate((one, two, three))}

        def computed(windows: list[EmbeddingWindow]) -> EmbeddedSentences:
            rows = [numbers[window] + row for window in windows for row in range(2)]
            vectors = np.array(rows, np.float32).reshape(-1, 1) if rows else np.empty((0, 0), np.float32)
            return EmbeddedSentences(vectors, [bytes([int(row)]) for row in rows] if codes else None)

        found = list(with_repeats(slices, map(computed, parts)))
        expected = [[0, 1, 2, 3, 0, 1], [2, 3], [4, 5, 0, 1]]
        assert [each.vectors[:, 0].tolist() for each in found] == expected
        assert [each.codes for each in found] == [
            [bytes([row]) for row in rows] if codes else None for rows in expected
        ]

    def test_nothing_is_embedded_for_nothing(self, local_model: object) -> None:
        assert list(sliced(self.windows())) == []
