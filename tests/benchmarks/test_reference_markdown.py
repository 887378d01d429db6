"""Normalisation, and the rule that cuts the sentences of a reference."""

from __future__ import annotations

import pytest
from reference_markdown import cut_sentences, join_lines, normalise, reference_sentences, sentence_key


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# 标题 １\n\n**粗** 体", "标题1粗体"),
        ("| a | b |\n|:--|--:|\n| 1 | 2 |", "ab12"),
        ('<table border="1"><tr><td style="x: y">甲</td><td>&lt;5&amp;</td></tr></table>', "甲<5&"),
        ("a < b and c > d", "a<bandc>d"),
        ("$x^{*}=\\frac{x-\\mu}{\\sigma}$", "x=x-μσ"),
        ("100\\% of $N_{head}$", "100%ofNhead"),
        ("![图](a.png) 见 [链接](http://x.y/z)", "见链接"),
        ("- 一\n* 二\n> 三", "一二三"),
        ("- 5 -", "5-"),
        ("①ﬁne：\u00adx\u200b", "1fine:x"),
        ("**==> picture [10 x 20] intentionally omitted <==**文", "文"),
        ("<br>甲<br/>乙", "甲乙"),
        ("", ""),
    ],
)
def test_only_characters_are_left(text: str, expected: str) -> None:
    assert normalise(text) == expected


def test_a_table_is_the_same_in_html_in_markdown_and_plain() -> None:
    html = "<table><tr><th>年</th><th>值</th></tr><tr><td>2020</td><td>1.5</td></tr></table>"
    markdown = "|年|值|\n|---|---|\n|2020|1.5|"
    assert normalise(html) == normalise(markdown) == normalise("年\n值\n2020\n1.5")


def test_a_key_ignores_what_stands_around_the_words() -> None:
    assert sentence_key("● “今天下雨。”") == sentence_key("今天下雨") == "今天下雨"
    assert sentence_key("甲，乙。") != sentence_key("甲乙。")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("甲乙。丙丁！“戊？”己", ["甲乙。", "丙丁！", "“戊？”", "己"]),
        ("It rains. The sun shines! Why? Who knows", ["It rains.", "The sun shines!", "Why?", "Who knows"]),
        (
            "See Fig. 3 and p. 7 of it. J. Smith wrote it.",
            ["See Fig. 3 and p. 7 of it.", "J. Smith wrote it."],
        ),
        ("约3.5米。见A.B节", ["约3.5米。", "见A.B节"]),
        ("", []),
    ],
)
def test_the_independent_rule(text: str, expected: list[str]) -> None:
    assert cut_sentences(text) == expected


def test_lines_are_joined_by_script() -> None:
    assert join_lines("今天\n下雨") == "今天下雨"
    assert join_lines("It \n rains") == "It rains"
    assert join_lines("使用 PDF\nfiles 文\nA") == "使用 PDF files 文A"


REFERENCE = """# 这是一个很长很长的标题。

这是第一句完整的话。这是第二句完整
的话！短句。

<table><tr><td>这是表格里的一句话。</td></tr></table>

| 这也是表格里的一句话。 | 乙 |
|---|---|

- 列表里的第一项说了一句话。
- 列表里的第二项也说了一句话。
$$x = 1$$

这一段没有说完就到了页末，于是参考文本在这里被切成了两半，中间什么标点也没有，就这样断

开了，后一半不能算是一个句子。它后面的这一句又是完整的。

版权所有，不得转载，违者必究。

版权所有，不得转载，违者必究。

没有句号的一行文字不算句子
"""


def test_the_sentences_of_a_reference() -> None:
    assert reference_sentences(REFERENCE) == [
        "这是第一句完整的话",
        "这是第二句完整的话",
        "列表里的第一项说了一句话",
        "列表里的第二项也说了一句话",
        "它后面的这一句又是完整的",
    ]
