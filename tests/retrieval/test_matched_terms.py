"""Readable words for the terms that BM25 matched."""

from __future__ import annotations

import pytest

from qa_engine.retrieval.explanation import matched_terms
from qa_engine.text.tokenizer import tokenize


@pytest.mark.parametrize(
    ("query", "text", "expected"),
    [
        ("", "西湖", []),
        ("？！", "西湖", []),
        ("量子计算", "西湖位于杭州", []),
        ("雷峰塔有多高", "雷峰塔高71.679米", ["雷峰塔", "高"]),
        ("雷峰塔和西湖", "西湖边的雷峰塔", ["雷峰塔", "西湖"]),
        ("the largest planets", "Jupiter is the largest planet", ["largest", "planets"]),
        ("How large is Jupiter?", "JUPITER", ["Jupiter"]),
        ("屏幕显示Ｅ-04", "显示E-04时", ["显示", "E-04"]),
        ("Llama2的7B模型", "the 7B model", ["7B"]),
        ("臺灣的資料庫", "台湾的资料", ["臺灣的資料"]),
        ("GB/T19001标准", "按GB/T 19001-2016执行", ["GB/T19001"]),
        ("1,000 units", "1000 pieces", ["1,000"]),
        ("塔 塔", "塔", ["塔"]),
    ],
)
def test_words_of_the_query_that_a_text_has(query: str, text: str, expected: list[str]) -> None:
    assert matched_terms(query, set(tokenize(text))) == expected
