"""Names of firms that no dictionary knows."""

from __future__ import annotations

import pytest

from qa_engine.text.firm_names import firm_names


@pytest.mark.parametrize(
    "question",
    [
        "",
        "有没有补充医疗保险？",
        "高端医疗器械有哪些？",
        "某某投资局在生物股份持多少股？",
        "这家科技公司的股份有多少？",
        "What is the revenue?",
    ],
)
def test_general_words_and_what_is_cut_wrongly_are_no_names(question: str) -> None:
    assert list(firm_names(question)) == []


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("泽宁重工2023年的营收是多少？", ("泽宁重工", "泽宁")),
        ("2021年云汐川精机的折旧有多少？", ("云汐川精机", "云汐川")),
        ("截至2022年底，南澜医疗器械的股本是多少？", ("南澜医疗器械", "南澜")),
    ],
)
def test_the_part_that_tells_a_firm_from_others(question: str, name: tuple[str, str]) -> None:
    assert list(firm_names(question)) == [name]
