"""Chinese names that no dictionary knows: firms, places and persons."""

from __future__ import annotations

import pytest

from qa_engine.text.chinese_names import firm_names, person_names, place_names


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


def test_a_company_is_named_by_what_stands_before_its_trade() -> None:
    assert list(firm_names("宏达食品有限公司的代表人是谁？")) == [("宏达食品有限公司", "宏达")]
    assert list(firm_names("被告在哪里投了保险？")) == []


@pytest.mark.parametrize(
    "question",
    [
        "本市的停车费是多少？",
        "各市县的超市有几家？",
        "小区里的农村房屋怎么登记？",
        "城市化率是多少？",
        "在香港上市的公司有哪些？",
        "在夜市的摊位多少钱？",
        "华东师范大学有几个校区？",
        "What?",
        "",
    ],
)
def test_general_words_are_no_places(question: str) -> None:
    assert list(place_names(question)) == []


@pytest.mark.parametrize(
    ("question", "place"),
    [
        ("霖川市的停车场免费吗？", ("霖川市", "霖川")),
        ("简报里，龙汀县的达标率是多少？", ("龙汀县", "龙汀")),
        ("桑陌镇2022年的人口", ("桑陌镇", "桑陌")),
        ("白浪镇水厂由谁联系？", ("白浪镇", "白浪")),
        ("泵业在栖梧市的网点有几个？", ("栖梧市", "栖梧")),
        ("2023年华南地区的收入是多少？", ("华南地区", "华南")),
    ],
)
def test_towns_and_counties(question: str, place: tuple[str, str]) -> None:
    assert list(place_names(question)) == [place]


@pytest.mark.parametrize(
    "question",
    [
        "粽子的叶子是什么？",
        "安卓手机在哪里买？",
        "约翰·马林是哪里人？",
        "王先生去哪了？",
        "李建国发明了什么？",
    ],
)
def test_only_who_is_asked_about_as_a_person_is_one(question: str) -> None:
    assert list(person_names(question)) == []


@pytest.mark.parametrize(
    ("question", "person"),
    [
        ("李建国是哪一方的代表人？", "李建国"),
        ("赵铁柱分管什么？", "赵铁柱"),
        ("王立新的电话是多少？", "王立新"),
        ("魏长庚是从哪一年开始当总经理的？", "魏长庚"),
    ],
)
def test_persons(question: str, person: str) -> None:
    assert list(person_names(question)) == [person]
