"""Years and parts of years in texts and questions, in several spellings."""

from __future__ import annotations

import pytest

from qa_engine.text.periods import (
    asked_periods,
    date_in,
    names_part,
    part_of_year,
    parts_of_year,
    period_of,
    without_periods,
    years_of,
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "编号20201234",
        "2,020,202",
        "12,022 元",
        "1,999",
        "2022.50",
        "电话 010-20221234",
        "20年以上工龄",
        "20世纪90年代",
        "Rule 14A",
        "滨河路2030号",
        "Q130",
    ],
)
def test_other_numbers_are_no_years(text: str) -> None:
    assert years_of(text) == []


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("2022年和2021年，又是2022年", [2022, 2021]),
        ("FY2022 revenue, FY21 and F.Y. 20", [2022, 2021, 2020]),
        ("2020年多少,2019年呢", [2020, 2019]),
        ("2020,2021", [2020, 2021]),
        ("2022A: 5；2025E: 6；26E: 7", [2022, 2025, 2026]),
        ("24年的销量", [2024]),
        ("24-26年的增速，21/22/23年的价格", [2024, 2026, 2021, 2022, 2023]),
        ("98年的销量", [1998]),
        ("24Q1, 3Q23 and Q1 of FY22", [2024, 2023, 2022]),
        ("2023/24财年", [2023, 2024]),
        ("2020/11/27", [2020]),
        ("二〇二五年", [2025]),
        ("Act of 1934", [1934]),
    ],
)
def test_years_in_many_writings(text: str, years: list[int]) -> None:
    assert years_of(text) == years


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("四季如春", []),
        ("a quarter of it", []),
        ("the first quarterback", []),
        ("influenza H1N1", []),
        ("FAQ1", []),
        ("半年内付清", []),
        ("第三季度", ["Q3"]),
        ("24Q1", ["Q1"]),
        ("一季报和2Q", ["Q1", "Q2"]),
        ("second-quarter revenue", ["Q2"]),
        ("Fourth quarter", ["Q4"]),
        ("上半年", ["H1"]),
        ("2020年半年度报告", ["H1"]),
        ("下半年", ["H2"]),
    ],
)
def test_parts_of_a_year(text: str, parts: list[str]) -> None:
    assert parts_of_year(text) == parts
    assert part_of_year(text) == (parts[0] if parts else "")


@pytest.mark.parametrize(
    ("text", "label", "chinese"),
    [
        ("nonsense", "", ""),
        ("2024Q2", "2024Q2", "2024年第二季度"),
        ("FY2023", "2023", "2023年"),
        ("2020年半年度", "2020H1", "2020年上半年"),
    ],
)
def test_the_period_that_a_short_text_names(text: str, label: str, chinese: str) -> None:
    period = period_of(text)
    assert (period.label, period.chinese) == (label, chinese)


def test_dates() -> None:
    assert date_in("2024年13月5日") == date_in("nothing") == ""
    assert date_in("于 2024年3月5日签署") == period_of("2024-03-05").end == "2024-03-05"


def test_a_bare_number_of_a_question_is_a_year_in_english_alone() -> None:
    assert [*asked_periods("型号2020的重量"), *asked_periods("工作12年了有几天年假")] == []
    assert list(asked_periods("How many of the 2000 employees left?")) == []
    assert [*asked_periods("20年质保的产品有哪些"), *asked_periods("满21年的员工")] == []
    assert [period.label for _, period in asked_periods("What was the revenue in 2020?")] == ["2020"]
    assert [period.label for _, period in asked_periods("占比,2021-2022年各是多少")] == ["2021", "2022"]


def test_texts_without_the_words_for_periods() -> None:
    assert without_periods("2023年营业收入本期").split() == ["营业收入"]


@pytest.mark.parametrize(
    ("question", "labels"),
    [
        ("2020年度的收入", ["2020"]),
        ("二零二零年的收入", ["2020"]),
        ("'20年的收入", ["2020"]),
        ("21年苇塘的粮食总产量", ["2021"]),
        ("2020财年的收入", ["2020"]),
        ("FY20的收入", ["2020"]),
        ("Q3 2023的收入", ["2023Q3"]),
        ("2023年第3季度的收入", ["2023Q3"]),
        ("2023年三季度的收入", ["2023Q3"]),
        ("H1 2024的收入", ["2024H1"]),
        ("2023年下半年的收入", ["2023H2"]),
        ("2023版价目表", ["2023"]),
        ("What was revenue in the first half of 2024?", ["2024H1"]),
        ("去年的收入", []),
    ],
)
def test_periods_as_people_type_them(question: str, labels: list[str]) -> None:
    assert [period.label for _, period in asked_periods(question)] == labels


def test_a_part_is_named_together_with_its_year() -> None:
    assert names_part("2023年第四季度简报，印发日期：2024年1月12日", 2023, "Q4")
    assert not names_part("2023年第四季度简报，印发日期：2024年1月12日", 2024, "Q4")
    assert not names_part("第四季度的信访举报在全市的通报会上作了说明，2024年1月印发", 2024, "Q4")
    assert names_part("Q4 2023", 2023, "Q4")
