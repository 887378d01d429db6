"""Quotes that lack what is asked for by its kind."""

from __future__ import annotations

import pytest

from qa_engine.answering.extractive.rows import AskedLabel, Row
from qa_engine.answering.extractive.unsaid import is_empty, lacks_kind


@pytest.mark.parametrize(
    ("question", "quoted"),
    [
        ("监事会主席的手机号是多少？", "姓名：张三；职务：监事会主席；年初持股数：194,100"),
        ("合作投了多少钱？", "双方于2017年12月25日签署框架协议。"),
        ("迟到一次扣多少工资？", "每日上下班需按规定打卡签到。"),
        ("疫苗一支卖多少钱？", "研发项目：疫苗；研发投入金额：125.90"),
        ("最大不能超过多少字节？", "每条推送都包含一个 Payload。"),
        ("人力资源部的邮箱是什么？", "请联系人力资源部。"),
    ],
)
def test_a_certain_kind_of_thing_is_lacking(question: str, quoted: str) -> None:
    assert lacks_kind(question, [quoted])


@pytest.mark.parametrize(
    ("question", "quoted"),
    [
        ("销售经理的手机号是多少？", "张三，13800138000"),
        ("注册资本要多少钱？", "不得少于人民币二百万元。"),
        ("收购花了多少钱？", "项目：取得子公司支付的现金；2021年度：131,861,815.81"),
        ("迟到一次扣多少工资？", "按当日工资的50%扣发。"),
        ("请几天假要领导批？", "三天以上的，须经部门经理批准。"),
        ("堆垛机的单价是多少？", "设备：堆垛机；数量：2；单价（万元）：68"),
        ("一共用了多少个模型？", "Several models were used."),
        ("How much did it cost?", "It was done."),
    ],
)
def test_what_is_there_or_may_be_written_in_any_way_is_not(question: str, quoted: str) -> None:
    assert not lacks_kind(question, [quoted])


@pytest.mark.parametrize(
    ("question", "row", "empty"),
    [
        ("证券事务代表叫什么名字？", "姓名；董事会秘书：张三；证券事务代表：-", True),
        ("目标价格是多少元？", "目标价格：元", True),
        ("目标价格是多少元？", "目标价格：12.5元", False),
        ("董事会秘书叫什么名字？", "姓名；董事会秘书：张三；证券事务代表：-", False),
        ("2020年捐赠支出是多少？", "项目：捐赠支出；2020年：-；2019年：5", False),
    ],
)
def test_an_empty_field_does_not_answer(question: str, row: str, empty: bool) -> None:
    assert is_empty(question, AskedLabel.of(question), [Row.of(row)]) is empty


def test_without_quotes_of_rows_no_field_is_empty() -> None:
    assert not is_empty("目标价格是多少元？", AskedLabel.of("目标价格是多少元？"), [])
