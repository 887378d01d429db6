"""Sentences of Chinese, English and mixed text, as ranges of characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.documents.sentences.splitting import (
    SPLITTER_VERSION,
    join_sentences,
    split_sentences,
)
from qa_engine.text.language import is_chinese


def sentences(text: str, max_chars: int = 400) -> list[str]:
    return [text[s.start : s.end] for s in split_sentences(text, max_chars)]


@pytest.mark.parametrize(
    "expected",
    [
        ["西湖位于杭州。", "它三面环山！", "你去过西湖吗？"],
        ["今年增长3.2%，收入1,234.56元。", "明年继续增长。"],
        ["根据第3.2.1条，合同有效。", "双方无异议。"],
        ["他说：“今天不去了。”", "然后他走了出去。"],
        ["这件事情说来话长……后来他就离开了。", "再也没有回来。"],
        ["模型Llama 2有7B、13B和70B三种。", "最大的是70B模型。"],
        ["The planet is large.", "Its mass is 2.5 times that of the others."],
        ["Growth was 3.2% in spring.", "Sales reached 1,234.56 dollars."],
        ["Some fruits, e.g. apples, are red.", "Others are not red."],
        ["See Fig. 3 for the results.", "They are clear enough."],
        ["This follows Ainslie et al. (2023) closely.", "We agree with them."],
        ["Dr. Huygens saw the rings.", "He was surprised."],
        ["The U.S. economy grew.", "Nobody expected it."],
        ['He said "Stop!" and left.', "Nobody followed him."],
        ["Is it safe?", "Yes, it is safe!", "We tested it well."],
    ],
    ids=lambda expected: expected[0][:24],
)
def test_sentences_of_a_paragraph(expected: list[str]) -> None:
    between = "" if is_chinese(expected[0]) else " "
    assert sentences(between.join(expected)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "增长率为3.2%",
        "共计1,234.56元",
        "e.g. apples",
        "Smith et al. found it",
        "Fig. 3 shows",
        "第3.2.1条规定",
    ],
)
def test_full_stop_that_ends_nothing_cuts_nothing(text: str) -> None:
    assert sentences(text) == [text]


def test_short_pieces_join_the_sentence_after_them() -> None:
    assert sentences("好。西湖位于杭州市西部。") == ["好。西湖位于杭州市西部。"]


def test_short_last_piece_joins_the_sentence_before_it() -> None:
    assert sentences("西湖位于杭州市西部。是的。") == ["西湖位于杭州市西部。是的。"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("西湖位于杭州市西部。 ）杭州三面环山。", ["西湖位于杭州市西部。 ）", "杭州三面环山。"]),
        ("The lake is large. ” It is deep, too.", ["The lake is large. ”", "It is deep, too."]),
        ("(1). 西湖位于杭州市西部。", ["(1). 西湖位于杭州市西部。"]),
        ("3.1.2.4.1. The lake is large.", ["3.1.2.4.1. The lake is large."]),
        ("Figure 3. The lake in spring.", ["Figure 3. The lake in spring."]),
        ("图3.1. 西湖的春天景色。", ["图3.1. 西湖的春天景色。"]),
        ("The lake is large. 1,234.56.", ["The lake is large. 1,234.56."]),
        ("a! b! c! d! e! f! The lake is large.", ["a! b! c!", "d! e! f!", "The lake is large."]),
        ("The lake is large. Yes!", ["The lake is large. Yes!"]),
    ],
    ids=lambda value: value[:16] if isinstance(value, str) else "",
)
def test_fragment_joins_what_it_belongs_to(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_fragments_join_nothing_in_another_paragraph() -> None:
    assert sentences("西湖位于杭州市西部。\n）\n1.\nYes!\nThe lake is large.") == [
        "西湖位于杭州市西部。",
        "）",
        "1.",
        "Yes!",
        "The lake is large.",
    ]


def test_short_paragraph_of_its_own_is_kept() -> None:
    assert sentences("结论\n西湖位于杭州市西部。\n完") == ["结论", "西湖位于杭州市西部。", "完"]


def test_paragraphs_are_counted() -> None:
    text = "第一段第一句话。第一段第二句话。\n\n第三段只有一句话。"
    assert [s.paragraph for s in split_sentences(text)] == [0, 0, 2]


@pytest.mark.parametrize("text", ["", " ", "\n", " \n\t\n "])
def test_nothing_gives_nothing(text: str) -> None:
    assert split_sentences(text) == []


def test_overlong_sentence_is_cut_at_clause_marks() -> None:
    clauses = [f"第{n}个分句的内容在这里" for n in range(40)]
    pieces = sentences("，".join(clauses) + "。", max_chars=100)
    assert len(pieces) > 4
    assert all(len(piece) <= 100 for piece in pieces)
    assert all(piece.endswith("，") for piece in pieces[:-1])
    assert "".join(pieces) == "，".join(clauses) + "。"


def test_closing_quotation_mark_is_not_cut_off_what_it_closes() -> None:
    words = ", ".join(f"“word{number},”" for number in range(30)).replace(",”,", ",”")
    pieces = [words[item.start : item.end] for item in split_sentences(words, 100)]
    assert len(pieces) > 2
    assert not any(piece.startswith("”") for piece in pieces)


def test_overlong_sentence_leaves_no_tail() -> None:
    assert [len(piece) for piece in sentences("字" * 250, max_chars=100)] == [84, 83, 83]
    assert [len(piece) for piece in sentences("西湖位于杭州。" + "字" * 405)] == [7, 203, 202]


_pieces = st.sampled_from(
    ["。", "！", "？", ".", "!", "?", "…", "……", "”", "“", '"', "（", "）", "，", ",", "；", "\n", "\n\n", " ", "  ", "\t",
     "\u3000", "；", "、", "：", "「", "」", "『", "《", "》", "(", ")", "[", "]", "'", "[3]", "1.", "一、", "（一）", "．",
     "他说", "The ", "et al.", "Inc.", "Fig.", "2", "%",
     "西湖", "杭州", "abc", "Dr", "e.g.", "3.14", "1,234", "A", "𠮷", "é", "\U0001f600", "\u200d", "-"]
)  # fmt: skip
_texts = st.one_of(st.lists(_pieces, max_size=60).map("".join), st.text(max_size=120))


@given(_texts, st.integers(50, 120))
def test_ranges_are_ordered_disjoint_and_within_the_text(text: str, limit: int) -> None:
    found = split_sentences(text, limit)
    end = 0
    for sentence in found:
        assert end <= sentence.start < sentence.end <= len(text)
        end = sentence.end


@given(_texts, st.integers(50, 120))
def test_every_character_but_white_space_is_in_a_sentence(text: str, limit: int) -> None:
    outside = list(text)
    for sentence in split_sentences(text, limit):
        outside[sentence.start : sentence.end] = [""] * (sentence.end - sentence.start)
    assert not "".join(outside).strip()


@given(_texts, st.integers(50, 120))
def test_no_sentence_crosses_a_newline_or_the_limit_or_begins_with_blanks(text: str, limit: int) -> None:
    for sentence in split_sentences(text, limit):
        piece = text[sentence.start : sentence.end]
        assert "\n" not in piece
        assert piece == piece.strip()
        assert len(piece) <= limit
        assert sentence.paragraph == text[: sentence.start].count("\n")


# -- putting sentences together again


@pytest.mark.parametrize(
    ("before", "after", "blank"),
    [
        ("One.", "Two.", True),
        ("In 2020.", "3 people came.", True),
        ("“One.”", "“Two.”", True),
        ("(One.)", "[2] Two.", True),
        ("一句。", "二句。", False),
        ("一句。", "Two.", False),
        ("“一句。”", "“二句。”", False),
        ("「一句。」", "「二句。」", False),
        ("他说“一句。”", "Two words.", False),
        ("“一句。”", "2021年二句。", False),
        ("这是一句.", "这是二句.", False),
        ("增长3.2%", "2021年又增长。", False),
        ("（一）总则", "（二）细则", False),
        ("图3", "一句话。", False),
        ("We use Llama 2.", "它有七十亿个参数。", True),
        ("It is good.", "“一句话。”", True),
        ("It is good.", "（一句话。）", False),
        ("使用 GPU", "模型更快", False),
        ("使用 GPU", "“模型”更快", False),
        ("一句", "Two", False),
        ("café", "Zoë", True),
        ("3.", "4.", True),
    ],
)
def test_join_puts_a_blank_between_english_and_none_inside_chinese(
    before: str, after: str, blank: bool
) -> None:
    assert join_sentences([before, after]) == before + " " * blank + after


def test_join_puts_a_newline_between_paragraphs() -> None:
    assert join_sentences(["标题", "正文。", "又一句。"], [0, 1, 1]) == "标题\n正文。又一句。"


def test_version_of_the_splitter_is_new() -> None:
    assert SPLITTER_VERSION == "sentencex-2"


def test_join_of_nothing_and_of_one() -> None:
    assert join_sentences([]) == ""
    assert join_sentences(["a"], [4]) == "a"


@given(st.lists(st.sampled_from(["一句话在这里。", "One sentence here.", "Two more words!"]), max_size=6))
def test_split_and_join_are_inverse_within_a_script(parts: list[str]) -> None:
    for script in (True, False):
        same = [part for part in parts if is_chinese(part) is script]
        assert sentences(join_sentences(same)) == same
