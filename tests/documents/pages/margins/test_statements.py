"""What in the margins says something, and what is only a title."""

from __future__ import annotations

import pytest

from qa_engine.documents.pages.margins.statements import says_something


@pytest.mark.parametrize(
    "text",
    [
        "未经书面许可，任何人不得复制。",
        "本报告仅供内部使用",
        "请务必阅读正文后的重要声明部分",
        "甲方：云州市水务局",
        "客服热线：400-810-1234",
        "This page must not be copied",
        "Phone: 020 7946 0018",
        "□适用 √不适用",
    ],
)
def test_statements(text: str) -> None:
    assert says_something(text)


@pytest.mark.parametrize(
    "text",
    [
        "二〇二三年年度报告",
        "第三章 电气：总则",
        "沈望舒等: 早龄期混凝土的裂缝模拟",
        "沈望舒：基于统一相场理论的早龄期混凝土化热力多场耦合裂缝模拟与抗裂性能预测及其应用",
        "Annual Report 2023",
        "12",
        "",
    ],
)
def test_titles(text: str) -> None:
    assert not says_something(text)
