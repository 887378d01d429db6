"""A small data set with real text, and pipelines and models that several benchmarks are tested with."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

# Scripts beside the package, not part of it: only their own tests import them.
sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

from corpus import Question
from models.test_cross_encoder import tiny_model as tiny_model
from pipelines import Pipeline

ARTICLES = {
    "西湖": (
        "西湖位于浙江省杭州市西部，三面环山，水面面积约为6.38平方公里。",
        "西湖的水面有多大？",
        "6.38平方公里",
    ),
    "长江": ("长江发源于青藏高原的唐古拉山脉，全长约6300公里，注入东海。", "长江注入哪片海？", "东海"),
    "黄河": ("黄河全长约5464公里，是中国第二长河，流经九个省区。", "黄河流经多少个省区？", "九个省区"),
    "泰山": (
        "泰山位于山东省泰安市，主峰玉皇顶海拔1545米，素有五岳之首之称。",
        "泰山的主峰叫什么？",
        "玉皇顶",
    ),
}
QUESTIONS = [
    Question(f"q{number}", f"问题{number}", (f"答案{number}",), False, "a.pdf", "") for number in range(4)
]


@pytest.fixture
def squad(tmp_path: Path) -> Path:
    """SQuAD-style JSON: four articles, and a question about each."""
    data = [
        {
            "title": title,
            "paragraphs": [
                {
                    "context": text,
                    "qas": [{"id": title, "question": question, "answers": [{"text": answer}]}],
                }
            ],
        }
        for title, (text, question, answer) in ARTICLES.items()
    ]
    file = tmp_path / "places.json"
    file.write_text(json.dumps({"data": data}, ensure_ascii=False), encoding="utf-8")
    return file


@pytest.fixture
def questions() -> list[Question]:
    """Four questions whose answers `made_up` pipelines know."""
    return QUESTIONS


@pytest.fixture
def made_up() -> Callable[[str, str], Pipeline]:
    """Makes a pipeline by what it returns: the answer ``first`` or ``second``, or ``nothing``."""
    kinds: dict[str, Callable[[str], list[str]]] = {
        "first": lambda question: [f"甲 答案{question[-1]}", "乙"],
        "second": lambda question: ["甲" * 400, f"答案{question[-1]}"],
        "nothing": lambda _: [],
    }
    return lambda name, kind: Pipeline(name, kinds[kind], nodes=10, build_seconds=1.5)
