"""The parser of answers, in the browser."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from served import ServedApp

pytestmark = pytest.mark.slow
Parse = Callable[..., list[dict[str, Any]]]
_PARSE = """async ([text, known]) => {
  const main = document.querySelector("script[type=module]").src;
  const { blocksOf } = await import(new URL("ask/answer_text.js", main));
  return JSON.stringify(blocksOf(text, known));
}"""


@pytest.fixture(scope="module")
def parse(browser: Browser, example_server: ServedApp) -> Iterator[Parse]:
    context = browser.new_context()
    page = Visitor(context, example_server.url).open()
    yield lambda text, **known: json.loads(page.evaluate(_PARSE, [text, known]))
    context.close()


def told(block: dict[str, Any]) -> str:
    """A block in short: lines by ``/``, cells by ``|``, bold by ``*``, doubts by ``?``, citations by ``#``."""

    def line(spans: list[dict[str, Any]]) -> str:
        marks = {"bold": "*", "doubt": "?", "citation": "#"}
        return "".join(
            (found := "".join(mark for name, mark in marks.items() if name in span)) + span["text"] + found
            for span in spans
        )

    lines = [line(spans) for spans in block["lines"]]
    rows = ["|".join(line(cell) for cell in row) for row in block["rows"]]
    numbers = [f"{number}." for number in block["numbers"]]
    return f"{block['kind']}:{''.join(numbers)}{'/'.join(lines + rows)}"


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("", []),
        ("一\n二\n\n三", ["p:一/二", "p:三"]),
        ("**甲**乙 ** 丙 **丁", ["p:*甲*乙 ** 丙 **丁"]),
        ("答[1][2]，[3]。", ["p:答#[1]##[2]#，[3]。"]),
        ("**甲[1]**", ["p:*甲*#[1]#"]),
        ("## 标题\n文", ["h:标题", "p:文"]),
        ("- 一\n* 二\n• 三", ["ul:一/二/三"]),
        ("有：\n1. 一\n2) 二\n5. 五", ["p:有：", "ol:1.2.5.一/二/五"]),
        ("“总则\n1. 一\n2. 二”[1]", ["p:“总则/1. 一/2. 二”#[1]#"]),
        ("- 一\n  续\n完", ["ul:一\n续", "p:完"]),
        ("- 一\n1. 二", ["ul:一", "p:1. 二"]),
        ("1.5 倍\n-3 度", ["p:1.5 倍/-3 度"]),
        ("| 甲 | 乙 |\n|:--|--:|\n| 1 | [1] |\n完", ["table:甲|乙/1|#[1]#", "p:完"]),
        ("| 甲 | 乙 |\n| 1 | 2 |", ["p:| 甲 | 乙 |/| 1 | 2 |"]),
        ("“x”[1]\n〔词典释义，非译文：x 甲〕", ["p:“x”#[1]#", "gloss:〔词典释义，非译文：x 甲〕"]),
        ("<b>x</b> &amp; [a](javascript:b)", ["p:<b>x</b> &amp; [a](javascript:b)"]),
        ("甲\u202e乙\r\n丙\x1b\U000e0041", ["p:甲\\u202e乙/丙\\u001b\\u{e0041}"]),
    ],
)
def test_blocks(parse: Parse, text: str, blocks: list[str]) -> None:
    assert [told(block) for block in parse(text, cited=[1, 2])] == blocks


@pytest.mark.parametrize(
    ("text", "doubts", "line"),
    [
        ("共 37 天，137 天，37.5 天", ["37"], "共 ?37? 天，137 天，?37?.5 天"),
        ("**增长 5%**，5%5", ["5%"], "*增长 **?5%*?*，?5%?5"),
        ("（A+B）*", ["A+B", ""], "（?A+B?）*"),
        ("2024年5月", ["2024年", "2024年5月"], "?2024年5月?"),
    ],
)
def test_doubts(parse: Parse, text: str, doubts: list[str], line: str) -> None:
    (block,) = parse(text, doubts=doubts)
    assert "".join(span["text"] for span in block["lines"][0]) == text.replace("**", "")
    marked = [span["text"] for span in block["lines"][0] if span.get("doubt")]
    assert marked == line.replace("*", "").split("?")[1::2]


def test_long_text_is_parsed_in_no_time(parse: Parse) -> None:
    for text in ("**" * 50_000, "[1" * 50_000, "| " * 50_000, "- " * 50_000, "* a\n" * 20_000):
        parse(text, cited=[1], doubts=["1"])
