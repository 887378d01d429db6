"""The text of a line as it is read."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.documents.pages.lines.cleaning import clean


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("对数据 进行 检查", "对数据进行检查"),
        ("第1322 和第3518 个样本", "第1322和第3518个样本"),
        ("部分特征如表 4 所示", "部分特征如表4所示"),
        ("2018 年 11 月 10 日", "2018年11月10日"),
        ("增长 3.2 %", "增长3.2 %"),
        ("第一章 总则", "第一章 总则"),
        ("3.4 重复值处理", "3.4 重复值处理"),
        ("12 月的报告", "12月的报告"),
        ("使用 Llama 2 模型", "使用 Llama 2 模型"),
        ("one two  three", "one two three"),
        ("水深2．27米", "水深2.27米"),
        ("\uf0b7 first item", "• first item"),
        ("\uf06c 重点", "• 重点"),
        ("a\ue123b\ufffdc", "abc"),
        ("\u2f00\u2f8f", "一行"),
        ("[Table_Summary] 摘要", "摘要"),
        ("\ufb01nd", "find"),
        ("\x02\u200b", ""),
        ("\u3000\u3000段落", "段落"),
    ],
)
def test_line_is_cleaned(raw: str, cleaned: str) -> None:
    assert clean(raw) == cleaned


@given(st.text(max_size=60))
def test_cleaning_loses_no_han_character_and_leaves_no_private_one(raw: str) -> None:
    cleaned = clean(raw)
    assert cleaned == cleaned.strip()
    assert not any(unicodedata.category(character) == "Co" for character in cleaned if character < "\uffff")
    han = re.compile("[\u4e00-\u9fff]")
    assert [c for c in han.findall(cleaned) if c in raw] == han.findall(raw) or "[Table_" in raw
