"""What a question asks for: periods, articles, lists and kinds of thing, in several spellings."""

from __future__ import annotations

import pytest

from qa_engine.answering.extractive.question_kinds import (
    QuestionKind,
    article_at_start,
    article_of,
)


@pytest.mark.parametrize("question", ["", "？", "🙂", "的" * 300])
def test_questions_without_a_word_of_use_ask_for_nothing_in_particular(question: str) -> None:
    assert QuestionKind.of(question) == QuestionKind()


@pytest.mark.parametrize(
    ("text", "article"),
    [
        ("第三十九条说什么", "39条"),
        ("第 39 条", "39条"),
        ("第一百二十条", "120条"),
        ("第二十条之一", "20条之一"),
        ("合同9.2条", "9.2"),
        ("违约金是9.2万元", ""),
    ],
)
def test_articles(text: str, article: str) -> None:
    assert article_of(text) == article


@pytest.mark.parametrize(
    ("text", "article"),
    [
        ("第十条 建立劳动关系，应当订立合同。", "10条"),
        ("9.2 甲方逾期付款的", "9.2"),
        ("依照第十条的规定", ""),
        ("9.2%的利率", ""),
        ("9.2万元", ""),
    ],
)
def test_a_text_begins_with_an_article_or_does_not(text: str, article: str) -> None:
    assert article_at_start(text) == article


@pytest.mark.parametrize(
    ("question", "answer", "other"),
    [
        ("毛利率是多少？", "毛利率为28.1%", "毛利为28.1亿元"),
        ("给出什么评级？", "维持“买入”评级", "维持盈利预测"),
        ("联系电话是多少？", "电话：0471-6539434", "代码：600201"),
        ("怎么发邮件？", "hr@example.com", "三楼人力资源部"),
        ("有多少员工？", "共有员工300人", "收入300元"),
        ("罚款金额是多少？", "罚款5,000元", "罚款的决定"),
        ("什么条件下可以解除？", "有下列情形之一的", "可以解除"),
        ("执业证书号是多少？", "S0790520030001", "分析师"),
        ("出货时电压是多少？", "3.30±0.01V，25℃", "25℃下的容量为50Ah"),
        ("违约金最高能要多少？", "违约金不得超过培训费用", "违约金3,000元"),
        ("比能量至少是多少？", "≥185 Wh/Kg", "≥625 Wh"),
    ],
)
def test_precise_kinds(question: str, answer: str, other: str) -> None:
    precise = QuestionKind.of(question).precise
    assert precise is not None
    assert precise.search(answer)
    assert not precise.search(other)


def test_unit_is_only_wanted_where_an_amount_is() -> None:
    assert QuestionKind.of("内阻涨到什么程度就不能再用了？").precise is None


def test_who_asks_why_an_amount_changed_wants_no_amount() -> None:
    kind = QuestionKind.of("固定资产比年初增加42.16%，是什么造成的？")
    assert (kind.name, kind.precise) == ("reason", None)


def test_why_comes_before_other_kinds() -> None:
    assert QuestionKind.of("为什么短时间内发很多通知，只收到一条？").name == "reason"
    assert QuestionKind.of("停机是什么时间？原因是什么？").name == "time"


def test_lists_and_differences() -> None:
    assert QuestionKind.of("列出所有子公司").gathers
    assert not QuestionKind.of("公司叫什么").gathers
    assert QuestionKind.of("2022年比2021年增长多少？").compares
    assert not QuestionKind.of("2022年营业收入是多少？").compares
