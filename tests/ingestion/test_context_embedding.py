"""What is embedded for a sentence: it and its neighbours, of the same section."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hash_embedding import HashEmbedding
from llama_index.core.schema import TextNode
from pydantic import Field

from qa_engine.ingestion.embedding_windows import ContextEmbedding


class Recording(HashEmbedding):
    seen: list[str] = Field(default_factory=list)

    def _get_text_embedding(self, text: str) -> list[float]:
        self.seen.append(text)
        return super()._get_text_embedding(text)


def embedded(sentences: Sequence[tuple[str, str]], reach: int) -> list[str]:
    """The texts that are embedded for sentences, each with its section."""
    model = Recording()
    nodes = [
        TextNode(text=text, metadata={"section": section}, excluded_embed_metadata_keys=["section"])
        for text, section in sentences
    ]
    done = ContextEmbedding(embed_model=model, context_sentences=reach)(nodes)
    assert [node.get_content() for node in done] == [text for text, _ in sentences]
    assert all(node.embedding for node in done)
    return model.seen


@pytest.mark.parametrize(
    ("reach", "expected"),
    [
        (0, ["一。", "二。", "三。", "四。"]),
        (1, ["一。二。", "一。二。三。", "二。三。四。", "三。四。"]),
        (3, ["一。二。三。四。"] * 4),
    ],
)
def test_neighbours_are_embedded_together(reach: int, expected: list[str]) -> None:
    assert embedded([(text, "") for text in ("一。", "二。", "三。", "四。")], reach) == expected


def test_neighbours_across_a_heading_are_not() -> None:
    sentences = [("一。", "甲"), ("乙", "乙"), ("三。", "乙"), ("丙", "乙 › 丙"), ("五。", "乙 › 丙")]
    assert embedded(sentences, 2) == ["一。", "乙三。", "乙三。", "丙五。", "丙五。"]


def test_long_chinese_neighbours_are_shortened_on_the_far_side() -> None:
    before, after = "前" * 200 + "。", "后" * 200 + "。"
    [_, middle, _] = embedded([(before, ""), ("中。", ""), (after, "")], 1)
    assert middle == before[-150:] + "中。" + after[:150]


def test_nothing_is_embedded_for_nothing() -> None:
    assert embedded([], 1) == []
