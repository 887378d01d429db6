"""Text files: what is a paragraph, a heading and an entry of a list."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.pdf.reading import read_pdf
from qa_engine.documents.renditions.formats.plain_text import elements, paragraphs
from qa_engine.errors import DocumentError


def roles(text: str) -> list[tuple[str, str]]:
    return [(one.role.value, one.text) for one in elements(list(paragraphs(text)))]


def headings(text: str) -> list[str]:
    return [words for role, words in roles(text) if role == "heading"]


@pytest.mark.parametrize("data", [b"", b" \n\t\n", b"\xef\xbb\xbf", b"\x00" * 100])
def test_file_without_text_says_so(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "空.txt"
    path.write_bytes(data)
    with pytest.raises(DocumentError) as caught:
        read_pdf(path, ReadingOptions())
    assert caught.value.reason in {"no_text", "empty"}


@pytest.mark.parametrize(
    "text",
    [
        "一、签到\n二、开会\n三、散会\n四、晚餐",
        "姓名：张三\n\n部门：研发部门，在三楼办公，分机号是八八零一。",
        "苹果\n\n梨\n\n桃",
        "第一条 为了规范休假管理，制定本办法。\n第二条 本办法适用于全体员工，试用期员工除外。",
        "2024-03-05 10:00:01 INFO started\n2024-03-05 10:00:02 ERROR the disk of the first server is full.",
        "1. 打开电源。\n2. 等待两分钟。",
        "他说了什么？\n\n他说，年假从今年起有十天，明年有十二天。",
    ],
)
def test_lists_pairs_and_sentences_are_no_headings(text: str) -> None:
    assert headings(text) == []


def test_numbers_make_headings_and_their_order_makes_sections(tmp_path: Path) -> None:
    path = tmp_path / "制度.txt"
    path.write_text(
        "第一章 总则\n一、目的\n为了规范休假。\n二、范围\n适用于全体员工。\n第二章 休假\n年假十天。",
        encoding="gbk",
    )
    assert read_pdf(path, ReadingOptions()).sections == [
        (),
        ("第一章 总则",),
        ("第一章 总则", "一、目的"),
        ("第一章 总则", "二、范围"),
        ("第二章 休假",),
    ]


def test_short_line_alone_above_a_paragraph_is_its_heading() -> None:
    text = (
        "Annual leave\n\nEmployees have ten days of annual leave in each calendar year.\n\n"
        "病假\n\n病假需要医院证明，并且在三日内提交。"
    )
    assert headings(text) == ["Annual leave", "病假"]


def test_wrapped_lines_are_joined_and_entries_are_not() -> None:
    text = (
        "The quick brown fox jumps over the lazy dog and runs into the\n"
        "forest, where it meets another fox that is as quick as itself\n"
        "and much less brown than the one that has jumped over the dog\n"
        "- the first entry of a list, which is long enough to be on two\n"
        "  lines\n"
        "- the second entry of the list, which is nearly as long as that\n"
    )
    assert [(role, words[:9], words[-6:]) for role, words in roles(text)] == [
        ("body", "The quick", "he dog"),
        ("list", "- the fir", " lines"),
        ("list", "- the sec", "s that"),
    ]


def test_indent_of_all_lines_begins_no_paragraph() -> None:
    lines = [
        "   a line of a text that is indented as a whole, as in memos",
        "   and this is the next line of the same paragraph of it, too",
    ]
    assert len(list(paragraphs("\n".join(lines * 4)))) == 1


def test_chinese_lines_are_joined_without_a_blank() -> None:
    line = "公司为员工提供带薪年休假并且按照工作年限计算天数，"
    assert [one.text for one in paragraphs("\n".join([line] * 5))] == [line * 5]
