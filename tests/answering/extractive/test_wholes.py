"""What is quoted as a whole: articles, clauses, lists, rows of a table, sentences that were cut off."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from qa_engine.answering.extractive.clauses import article_range, articles_of
from qa_engine.answering.extractive.lists import list_range, with_continuation
from qa_engine.answering.extractive.question_kinds import QuestionKind
from qa_engine.answering.extractive.quotes import Quote, whole_quotes, without_repetition
from qa_engine.types import Passage, PassageSentence

LAW = (
    "第三十八条 用人单位有下列情形之一的，劳动者可以解除劳动合同：",
    "（一）未及时足额支付劳动报酬的；",
    "（二）未依法缴纳社会保险费的。",
    "用人单位强令冒险作业的，劳动者可以立即解除劳动合同。",
    "第三十九条 劳动者有下列情形之一的，用人单位可以解除劳动合同：",
    "（一）严重失职的；",
)


def sentences(
    *texts: str, section: str = "", page: int = 1, table: int | None = None
) -> list[PassageSentence]:
    return [
        PassageSentence(f"d-{number:07}", text, page, page, section=section, table=table)
        for number, text in enumerate(texts)
    ]


def quoted(question: str, around: Sequence[PassageSentence], first: int, count: int = 1) -> list[list[str]]:
    quote = Quote(Passage("d-0000000..9", ""), around, range(first, first + count))
    found = whole_quotes(quote, QuestionKind.of(question), question)
    return [[sentence.text for sentence in one.sentences] for one in found]


def test_texts_without_articles_and_lists_stay_as_they_are() -> None:
    text = sentences("西湖在杭州。", "雷峰塔在湖边。", "孤山是小岛。")
    assert articles_of(text) == [frozenset()] * 3
    assert article_range(text, 1) is None
    assert list_range(text, 1) is None
    assert quoted("有哪些岛？", text, 2) == [["孤山是小岛。"]]
    assert articles_of([]) == []


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_an_article_is_quoted_with_all_its_paragraphs_and_items(place: int) -> None:
    assert quoted("第三十八条是什么？", sentences(*LAW), place) == [list(LAW[:4])]


def test_an_article_whose_beginning_is_not_known_is_not_completed() -> None:
    assert article_range(sentences(*LAW[1:4]), 1) is None


def test_of_an_article_that_is_too_long_the_lead_in_and_the_item_are_quoted() -> None:
    long = sentences(LAW[0], *(f"（{digit}）{'其他情形' * 40}的；" for digit in "一二三四五六七"))
    lead_in, item = quoted("劳动者被拖欠报酬能解除吗？", long, 3)
    assert lead_in == [LAW[0]]
    assert item == [long[3].text]


def test_a_clause_of_a_contract_ends_where_the_next_begins() -> None:
    contract = sentences(
        "9.1 逾期交货的，支付违约金。", "累计不超过8%。", "9.2 逾期付款的。", section="第九条 违约责任"
    )
    assert quoted("逾期交货怎么办？", contract, 1) == [[contract[0].text, contract[1].text]]
    assert quoted("第九条是什么？", contract, 1) == [[one.text for one in contract]]
    assert articles_of(contract)[1] == {"9.1", "9条"}


def test_the_clauses_of_a_section_are_gathered_if_several_are_asked_for() -> None:
    contract = sentences(
        "9.1 逾期交货的，付0.1%。",
        "9.2 逾期付款的，付0.05%。",
        "9.3 泄密的，付50万元。",
        section="第九条 违约责任",
    )
    assert quoted("违约金有哪些规定？", contract, 1) == [[one.text for one in contract]]
    assert quoted("逾期付款的违约金是多少？", contract, 1) == [[contract[1].text]]


def test_a_section_ends_an_article() -> None:
    text = [*sentences(*LAW[:2], section="第四章"), *sentences("附则的内容。", section="第五章")]
    assert article_range(text, 1) == range(2)


def test_a_list_is_gathered_with_its_lead_in_only_if_a_list_is_asked_for() -> None:
    text = sentences(
        "申请流程如下：", "1. 填写申请表", "说明事由。", "2. 主管审批", "3. 交人力资源部", "结束语。"
    )
    assert quoted("申请有哪些步骤？", text, 3) == [[one.text for one in text[:5]]]
    assert quoted("谁审批？", text, 3) == [["2. 主管审批"]]


def test_a_lead_in_never_stands_without_its_items() -> None:
    text = sentences("公司须满足以下条件：", "（1）盈利；", "（2）现金充裕。", "另行公告。")
    assert quoted("分红吗？", text, 0) == [[one.text for one in text[:3]]]


def test_rows_of_one_table_are_gathered() -> None:
    rows = sentences("姓名：甲；职务：董事", "姓名：乙；职务：监事", table=1)
    assert quoted("董事和监事有哪些人？", rows, 0) == [[one.text for one in rows]]
    assert quoted("甲的职务是什么？", rows, 0) == [[rows[0].text]]


def test_a_sentence_cut_off_at_the_end_of_a_page_goes_on() -> None:
    text = [*sentences("公司在报告期内完成了新园区的建设并于"), *sentences("年底投入使用。", page=2)]
    assert with_continuation(text, range(1)) == range(2)
    assert with_continuation(sentences("短的一行", "另外一行"), range(1)) == range(1)


def test_what_is_in_another_quote_is_not_quoted_again() -> None:
    text = sentences(*LAW)
    passage = Passage("d-0000000..9", "")
    whole, part = Quote(passage, text, range(4)), Quote(passage, text, range(1, 2))
    assert without_repetition([part, whole]) == [whole]
    assert without_repetition([whole, part]) == [whole]


def test_a_whole_with_a_sentence_that_may_be_misread_is_not_quoted() -> None:
    text = sentences(*LAW)
    text[1] = text[1]._replace(doubt="font without a map")
    assert quoted("第三十八条是什么？", text, 3) == [[LAW[3]]]
    assert quoted("第三十九条是什么？", text, 4) == [list(LAW[4:])]


def text_of(*around: PassageSentence) -> str:
    return Quote(Passage("d-0000000..9", ""), around, range(len(around))).text


def test_items_of_a_list_and_rows_stand_on_lines_of_their_own_in_a_quote() -> None:
    assert text_of(*sentences(*LAW[:3])) == "\n".join(LAW[:3])
    assert text_of(*sentences("项目：浮标；数量：9", "项目：锚；数量：8", table=0)).count("\n") == 1
    assert text_of(*sentences("Bring:", "1. a rope;", "2. a lamp, which is lit", "at night.")) == (
        "Bring:\n1. a rope;\n2. a lamp, which is lit at night."
    )


def test_sentences_of_a_paragraph_stay_on_one_line_in_a_quote() -> None:
    assert text_of(*sentences("浮标漂了四十公里。", "锚断了。")) == "浮标漂了四十公里。锚断了。"
    cut_off = sentences("The price rose by", "(3) per cent.")
    assert text_of(*cut_off) == "The price rose by (3) per cent."


def test_an_english_sentence_that_refers_back_is_quoted_with_the_one_before() -> None:
    text = sentences(
        "The harbour is old.", "Boat 2-Chat is made for dialogue.", "This model comes in three sizes."
    )
    assert quoted("What sizes are there?", text, 2) == [[text[1].text, text[2].text]]
    assert quoted("What is it for?", text, 1) == [[text[1].text]]
    assert quoted("How old?", sentences("They are old."), 0) == [["They are old."]]
    before = "A sentence of no end " * 30
    assert quoted("What sizes?", sentences(before, "This model has three."), 1) == [["This model has three."]]
    apart = [*sentences("Boats float.", section="A"), *sentences("It sinks.", section="B")]
    assert quoted("What sinks?", apart, 1) == [["It sinks."]]


COURSES = (
    "学院：数学院；课程：拓扑学；学分：3",
    "学院：数学院；课程：数论；学分：2",
    "学院：物理院；课程：光学；学分：4",
)


@pytest.mark.parametrize("first_and_count", [(0, 3), (1, 1), (0, 2)])
def test_a_row_that_a_question_names_alone_is_quoted_alone(first_and_count: tuple[int, int]) -> None:
    rows = sentences(*COURSES, table=1)
    assert quoted("数论有几个学分？", rows, *first_and_count) == [[COURSES[1]]]


@pytest.mark.parametrize("question", ["有哪些课程？", "数学院有哪些课程？", "拓扑学和光学各有几个学分？"])
def test_rows_that_share_a_name_or_are_named_together_stay_together(question: str) -> None:
    rows = sentences(*COURSES, table=1)
    (found,) = quoted(question, rows, 0, 3)
    assert found == list(COURSES)
