"""What a question counts or measures, and which texts hold such a value."""

from __future__ import annotations

import pytest

from qa_engine.answering.extractive.measures import asked_measure


@pytest.mark.parametrize(
    "question",
    [
        "",
        "🙂",
        "几乎没有人来过吗？",
        "门票有哪几种？",
        "营业收入是多少？",
        "门票多少钱？",
        "好几天没人接电话怎么办？",
    ],
)
def test_questions_that_name_no_unit_measure_nothing(question: str) -> None:
    assert asked_measure(question) is None


@pytest.mark.parametrize(
    ("question", "holds", "lacks"),
    [
        ("食堂几点开门？", "午餐11:30开始", "每天供应24道菜"),
        ("食堂几点开门？", "上午9点开门", "共有9个窗口"),
        ("每月几号交房租？", "每月5日前支付租金", "租金为5千元"),
        ("押金多久退还？", "退房后7个工作日内退还，即7天", "押金为7000元"),
        ("这台水泵有多重？", "净重：42 kg", "额定功率：42 kW"),
        ("围墙多高？", "围墙高2.4米", "围墙造价2.4万元"),
        ("产假有多少天？", "产假为一百二十八天", "共有128名员工"),
        ("去年产了多少万吨？", "产量为31.5万吨", "产值为31.5亿元"),
        ("最长可以录多少秒？", "不超过45秒", "不超过45次"),
        ("设备按多少年折旧？", "设备；折旧年限（年）：10", "设备；残值率（%）：10"),
        ("额定电压是多少？", "额定电压220V", "额定功率220W"),
        ("产假有多少天？", "Maternity leave lasts 98 days.", "There are 98 employees."),
        ("训练了多久？", "It took about three and 5 hours.", "It took 5 machines."),
        ("编码器有几层？", "The encoder has 6 identical layers.", "The encoder has 6 identical heads."),
        ("塔有多高？", "The tower is 324 metres tall.", "The tower cost 324 dollars."),
        ("How many days of leave are there?", "年假为10天", "共有10人"),
        ("How heavy is the pump?", "净重：42 kg", "额定功率：42 kW"),
        ("How long is paternity leave?", "陪产假：15天", "陪产假：15人"),
        ("What time does it open?", "上午9:30开门", "共有9个窗口"),
    ],
)
def test_values_in_the_asked_unit(question: str, holds: str, lacks: str) -> None:
    measure = asked_measure(question)
    assert measure is not None
    assert measure.search(holds)
    assert not measure.search(lacks)
