"""What of some sentences is quoted: unhappy paths, signs that decide, and what is bought at which length."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.answering.extractive.sentence_choice import (
    FEATURES,
    WEIGHTS,
    Candidate,
    answer_probabilities,
    best_row_worth,
    chosen_sentences,
    sentence_features,
)
from qa_engine.retrieval.glossary.files import GlossaryEntry
from qa_engine.retrieval.glossary.glossary import Glossary

TOWER = "雷峰塔有多高？"
PARTS = [
    Candidate("西湖在杭州的西面，三面环山。", 0, 0.80),
    Candidate("雷峰塔在西湖的南岸，2002年重建。", 0, 0.88),
    Candidate("塔高71.679米，共有五层。", 0, 0.86),
    Candidate("孤山在湖中，是一个小岛。", 0, 0.78),
]


def texts(question: str, candidates: list[Candidate], quotes: int = 2) -> list[list[str]]:
    chosen = chosen_sentences(question, candidates, quotes)
    return [[candidates[place].text for place in quote] for quote in chosen]


def test_nothing_is_chosen_from_nothing() -> None:
    assert chosen_sentences(TOWER, [], 2) == []
    assert sentence_features(TOWER, []) == []
    assert answer_probabilities([]) == []


def test_what_may_not_be_quoted_is_not() -> None:
    assert chosen_sentences(TOWER, [replace(one, quotable=False) for one in PARTS], 2) == []
    others = [replace(one, quotable="塔高" not in one.text) for one in PARTS]
    assert all("71.679" not in text for quote in texts(TOWER, others) for text in quote)


@pytest.mark.parametrize("question", ["", "？？？", "什么？", "How?", "多少", "🙂", "的" * 500])
def test_questions_without_a_word_of_use_still_choose_the_best_support(question: str) -> None:
    (first, *_) = texts(question, PARTS)
    assert PARTS[1].text in first


def test_a_row_that_is_asked_for_stands_out_and_rows_beside_it_do_not() -> None:
    rows = ["项目：货币资金；2022年：1,438.20", "项目：存货；2022年：831.50", "项目：商誉；2022年：56.10"]
    table = [Candidate(row, 0, 0.84, table=1) for row in rows]
    asked, other = (best_row_worth(f"2022年的{what}是多少？", table) for what in ("商誉", "碳排放量"))
    assert asked > 0.6 > 0.5 > other
    apart = [
        *(replace(row, part="2022年的商誉") for row in table),
        *(replace(row, part="2022年的专利") for row in table),
    ]
    assert best_row_worth("2022年的商誉和专利", apart) < 0.5
    assert best_row_worth(TOWER, []) == 0.0
    assert best_row_worth(TOWER, [replace(PARTS[0], quotable=False)]) == 0.0


def test_equal_sentences_are_quoted_once() -> None:
    twice = [replace(PARTS[2], rank=rank, support=0.9) for rank in range(3)]
    assert texts(TOWER, twice, quotes=5) == [[PARTS[2].text]]


def test_sentences_of_equal_worth_keep_their_order() -> None:
    long = "这是一段很长的话，" * 200
    candidates = [Candidate(f"{long}{name}。", 0, 0.9) for name in "甲乙丙"]
    assert chosen_sentences("问题", candidates, 2) == [range(1)]


def test_a_sentence_without_characters_costs_nothing_and_does_no_harm() -> None:
    assert texts(TOWER, [Candidate("", 0, 0.9), *PARTS])


def test_neighbours_are_one_quote_in_reading_order() -> None:
    (quote,) = texts(TOWER, [PARTS[1], replace(PARTS[2], support=0.88)], quotes=1)
    assert quote == [PARTS[1].text, PARTS[2].text]


@pytest.mark.parametrize(
    "apart", [{"rank": 1}, {"titles": "孤山"}, {"table": 3}], ids=["passage", "section", "table"]
)
def test_neighbours_that_are_not_one_text_are_two_quotes(apart: dict[str, object]) -> None:
    second = replace(PARTS[2], support=0.92, **apart)  # type: ignore[arg-type]
    assert len(texts(TOWER, [PARTS[1], second])) == 2
    assert len(texts(TOWER, [PARTS[1], second], quotes=1)) == 1


def test_where_one_sentence_is_plainly_best_it_stands_alone() -> None:
    candidates = [replace(one, support=0.95 if "塔高" in one.text else 0.7) for one in PARTS]
    assert texts(TOWER, candidates) == [[PARTS[2].text]]


def test_many_sentences_of_equal_worth_are_not_all_quoted() -> None:
    islands = [Candidate(f"湖中有小岛{name}。", 0, 0.8) for name in "甲乙丙丁戊己"]
    assert [len(quote) for quote in texts("有哪些小岛？", islands)] == [3]


def test_a_long_sentence_needs_a_higher_probability() -> None:
    first = Candidate("雷峰塔在西湖的南岸。", 0, 0.90)
    short, long = Candidate("雷峰塔有五层。", 1, 0.90), Candidate("雷峰塔有五层。" + "文" * 400, 1, 0.90)
    assert len(texts("雷峰塔", [first, short])) == 2
    assert len(texts("雷峰塔", [first, long])) == 1


@pytest.mark.parametrize(
    ("question", "sign", "answer", "other"),
    [
        ("雷峰塔有多高？", "number", "塔高71.679米。", "塔非常高。"),
        ("雷峯塔有幾層？", "number", "塔有五层。", "塔有许多层。"),
        ("How many planets are there?", "number", "There are eight of them.", "There are many."),
        ("2002年有多少游客？", "number", "游客有三百万人。", "2002年游客很多。"),
        ("雷峰塔哪一年重建？", "time", "2002年重建。", "塔后来重建。"),
        ("雷峰塔建于什么时候？", "time", "建于10世纪。", "建于很久以前，有50人参加。"),
        ("When was it built?", "time", "It was built in May.", "It was built by monks."),
        ("西湖在哪里？", "place", "位于杭州市。", "湖水很清。"),
        ("Where is the lake?", "place", "It is located in Hangzhou.", "It is deep."),
        ("塔为什么倒塌？", "reason", "因为塔砖被盗。", "塔在下午倒塌。"),
    ],
)
def test_what_is_asked_for_is_a_sign(question: str, sign: str, answer: str, other: str) -> None:
    found = sentence_features(question, [Candidate(answer, 0), Candidate(other, 0)])
    assert [getattr(one, sign) for one in found] == [1.0, 0.0]
    others = {"time", "number", "place", "reason"} - {sign}
    assert not any(getattr(one, other) for one in found for other in others)


def test_words_of_the_question_may_be_in_the_sentence_before_or_in_the_titles() -> None:
    before, answer = Candidate("雷峰塔在西湖边。", 0), Candidate("它高71.679米。", 0)
    follows = sentence_features(TOWER, [before, answer])[1]
    elsewhere = sentence_features(TOWER, [before, replace(answer, rank=1)])[1]
    titled = sentence_features(TOWER, [before, replace(answer, rank=1, titles="雷峰塔 › 建筑")])[1]
    assert follows.with_before > elsewhere.with_before
    assert titled.with_titles > elsewhere.with_titles


def test_traditional_characters_are_the_same_words() -> None:
    simplified, traditional = (
        sentence_features(question, [Candidate("雷峰塔高71.679米。", 0), Candidate("西湖在杭州。", 0)])
        for question in ("雷峰塔有多高？", "雷峰塔有多高？".replace("峰", "峯"))
    )
    assert simplified == traditional


def test_chance_words_between_two_languages_count_little() -> None:
    english = [Candidate("The tower had 5 floors in 2002.", 0), Candidate("The lake is wide.", 0)]
    asked = "2002年重建以后雷峰塔的地宫里一共出土了多少件珍贵的文物？"
    found, _ = sentence_features(asked, english)
    same, _ = sentence_features("How many floors had the tower in 2002?", english)
    assert 0 < found.with_titles < 0.5 < same.with_titles


def test_every_sign_has_a_weight_in_its_order() -> None:
    assert tuple(WEIGHTS) == FEATURES


sentences = st.builds(
    Candidate,
    text=st.text(max_size=60) | st.sampled_from([one.text for one in PARTS]),
    rank=st.integers(0, 2),
    support=st.floats(-1, 1),
    titles=st.sampled_from(["", "雷峰塔"]),
    quotable=st.booleans(),
    table=st.none() | st.integers(0, 1),
)


@given(
    question=st.text(max_size=30) | st.just(TOWER),
    found=st.lists(sentences, max_size=12),
    quotes=st.integers(1, 4),
)
def test_whatever_there_is_quotes_are_few_and_apart(
    question: str, found: list[Candidate], quotes: int
) -> None:
    candidates = sorted(found, key=lambda one: one.rank)
    chosen = chosen_sentences(question, candidates, quotes)
    assert len(chosen) <= quotes
    assert bool(chosen) == any(one.quotable for one in candidates)
    places = [place for quote in chosen for place in quote]
    assert len(places) == len(set(places))
    assert all(candidates[place].quotable for place in places)
    assert all(len({candidates[place].rank for place in quote}) == 1 for quote in chosen)
    assert len(places) <= quotes + 1
    assert chosen == chosen_sentences(question, candidates, quotes)


REVENUE = Candidate("项目：营业收入；2022年：39,700；2021年：36,500", 1, 0.85, table=0)


def first(question: str, candidates: list[Candidate], glossary: Glossary | None = None) -> str:
    return candidates[chosen_sentences(question, candidates, 1, glossary)[0].start].text


def test_the_row_with_the_asked_label_and_period_is_quoted() -> None:
    others = [
        replace(REVENUE, text="项目：营业成本；2022年：20,700；2021年：18,500"),
        replace(REVENUE, text="项目：其中：境外营业收入；2022年：1,700；2021年：1,500"),
        replace(REVENUE, text="项目：营业收入；2018年：9,700；2017年：6,500"),
    ]
    for place in range(4):
        assert first("2022年营业收入是多少？", [*others[:place], REVENUE, *others[place:]]) == REVENUE.text


def test_the_longest_label_that_is_asked_for_is_quoted() -> None:
    whole = replace(REVENUE, text="Fiscal years: Total assets; 2022: $3,312; 2021: $3,415")
    part = replace(REVENUE, text="Total current assets; 2022: $1,825; 2021: $1,883")
    assert first("How did total current assets change in fiscal 2022?", [whole, part]) == part.text
    assert first("How did total assets change in fiscal 2022?", [part, whole]) == whole.text


def test_the_group_comes_before_the_parent_company_unless_that_is_asked_for() -> None:
    group, parent = (
        replace(REVENUE, titles="合并利润表"),
        replace(REVENUE, text=REVENUE.text + "；", titles="母公司利润表"),
    )
    assert first("2022年营业收入是多少？", [parent, group]) == group.text
    assert first("母公司2022年营业收入是多少？", [group, parent]) == parent.text
    assert first("2022年归属于母公司股东的营业收入是多少？", [parent, group]) == group.text


def test_words_that_only_name_the_document_do_not_pull() -> None:
    named = Candidate(
        "甲乙生物股份有限公司2022年年度报告经董事会审议，甲乙生物保证营业的真实。",
        0,
        0.85,
        document="甲乙生物",
    )
    row = replace(REVENUE, rank=0, document="甲乙生物")
    assert first("甲乙生物2022年的营业收入是多少？", [named, row]) == row.text


def test_the_asked_article_is_quoted_and_not_one_that_names_it() -> None:
    own = Candidate("第三十九条 劳动者有下列情形之一的：", 1, 0.85, articles=frozenset({"39条"}))
    other = Candidate(
        "第二十一条 除本法第三十九条规定的情形外，不得解除。", 0, 0.9, articles=frozenset({"21条"})
    )
    assert first("第39条说什么？", [other, own]) == own.text


def test_a_glossary_names_the_label() -> None:
    glossary = Glossary([GlossaryEntry(("归母净利润",), ("归属于上市公司股东的净利润",))])
    rows = [
        replace(REVENUE, text=f"项目：{label}；2022年：7,700；2021年：6,500")
        for label in ("少数股东损益", "归属于上市公司股东的净利润")
    ]
    assert first("归母净利润是多少？", rows, glossary) == rows[1].text


def test_running_text_may_have_the_words_of_a_glossary() -> None:
    question, glossary = "谁来管钥匙？", Glossary([GlossaryEntry(("管钥匙",), ("保管钥匙", "门禁管理"))])
    sentences = [Candidate("办公用品由前台登记。", 0, 0.84), Candidate("门禁管理由行政部负责。", 0, 0.84)]
    with_words, without = (
        sentence_features(question, sentences, one)[1].with_titles for one in (glossary, None)
    )
    assert with_words > without == 0.0


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("董事会秘书是谁？", "董事会秘书：柯以恒；证券事务代表：沈七"),
        ("Who was the counsel in 2021?", "General counsel: Ruth Amberley"),
    ],
)
def test_who_somebody_is_is_no_row_of_figures(question: str, answer: str) -> None:
    candidates = [replace(REVENUE, rank=0), replace(REVENUE, text=answer, rank=0)]
    assert first(question, candidates) == answer
    assert [one.person for one in sentence_features(question, candidates)] == [0.0, 1.0]


def test_each_part_of_a_question_has_one_quote() -> None:
    of_parts = [
        replace(one, part=part, support=0.95 if one is best else 0.6)
        for part, best in (("雷峰塔有多高？", PARTS[2]), ("孤山在哪里？", PARTS[3]))
        for one in PARTS
    ]
    chosen = chosen_sentences("雷峰塔有多高，孤山在哪里？", of_parts, 2)
    assert [of_parts[quote.start].text for quote in chosen] == [PARTS[2].text, PARTS[3].text]
    assert [of_parts[quote.start].part for quote in chosen] == ["雷峰塔有多高？", "孤山在哪里？"]


@pytest.mark.parametrize("text", ["陈立（分析师）", "吴雪SAC执业证书编号：S1234567890123"])
def test_name_before_a_bracket_or_a_code_may_be_the_person(text: str) -> None:
    candidates = [Candidate("负责准备本报告的所有分析师保证观点客观。", 0), Candidate(text, 0)]
    features = sentence_features("这份研报的两位分析师叫什么？", candidates)
    assert [one.person for one in features] == [0.0, 1.0]


def test_company_in_the_title_of_a_report_does_not_name_it() -> None:
    report = Candidate("公司重视培训。", 0, document="临江生物股份有限公司2020年年度报告")
    handbook = Candidate("入职培训为期一周。", 0, document="员工手册")
    asked = sentence_features("刚进公司的培训要多久？", [report, handbook])
    assert [one.document for one in asked] == [0.0, 0.0]
    named = sentence_features("临江生物公司的培训要多久？", [report, handbook])
    assert [one.document for one in named] == [1.0, 0.0]


def test_numbers_of_sentences_and_articles_answer_nothing() -> None:
    counted = ["（4）经理事会半数以上同意。", "3.2 由理事会决定。", "第二十一条 依照第八条办理。"]
    features = sentence_features(
        "要多少人同意？", [Candidate(text, 0, 0.8) for text in [*counted, "须有8人同意。"]]
    )
    assert [one.number for one in features] == [0.0, 0.0, 0.0, 1.0]


def test_a_name_is_a_surname_with_a_name_and_not_any_short_words() -> None:
    sentences = ["负责编写：本期各组，", "责任编辑：孙立新", "由让·雷诺主编"]
    features = sentence_features("责任编辑是谁？", [Candidate(text, 0, 0.8) for text in sentences])
    assert [one.person for one in features] == [0.0, 1.0, 1.0]


def test_a_net_amount_is_not_a_gross_one() -> None:
    rows = ["项目：经营活动现金流入小计；2022年：881.2", "项目：经营活动现金净额；2022年：93.5"]
    table = [Candidate(row, 0, 0.84, table=1) for row in rows]
    assert texts("2022年经营活动现金净流入是多少？", table)[0] == [rows[1]]
    assert texts("2022年经营活动现金流入是多少？", table)[0] == [rows[0]]
