"""Markdown files: what is read of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.pdf.reading import read_pdf
from qa_engine.documents.renditions.formats.markdown import content_of
from qa_engine.errors import DocumentError


def found(text: str) -> list[tuple[str, str, int]]:
    return [(one.role.value, one.text, one.level) for one in content_of(text).elements]


@pytest.mark.parametrize(
    "text", ["", "---\ntitle: 甲\n---\n", "# \n", "<!-- 无 -->\n", "[甲]: http://a.example\n"]
)
def test_file_without_text_says_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "空.md"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DocumentError) as caught:
        read_pdf(path, ReadingOptions())
    assert caught.value.reason in {"no_text", "empty"}


@pytest.mark.parametrize("text", ["> " * 5000 + "甲", "- " * 5000 + "甲", "[" * 20_000, "*a " * 20_000])
def test_depth_and_open_marks_end(text: str) -> None:
    content_of(text)


@pytest.mark.parametrize(
    "front",
    [
        "---\ntitle: '手册'\nauthor: 人事部\ndate: 2024-03-05\n---\n",
        '+++\ntitle = "手册"\nauthor = "人事部"\n+++\n',
    ],
)
def test_front_matter_is_facts_and_no_text(front: str) -> None:
    content = content_of(f"{front}正文。")
    assert (content.title, content.author) == ("手册", "人事部")
    assert [one.text for one in content.elements] == ["正文。"]


def test_rule_at_the_beginning_is_no_front_matter() -> None:
    assert [text for _, text, _ in found("---\n\n正文。\n")] == ["正文。"]


def test_footnotes_are_read_also_if_nothing_refers_to_them() -> None:
    text = "年假十天[^1]。\n\n[^1]: 试用期除外。\n\n[^注]: 另有规定的从其规定。\n"
    assert found(text) == [
        ("body", "年假十天。", 0),
        ("footnote", "试用期除外。", 0),
        ("footnote", "另有规定的从其规定。", 0),
    ]


def test_headings_of_both_kinds_and_their_attributes() -> None:
    assert found("休假\n===\n\n年假\n---\n\n### 天数 {#days}\n") == [
        ("heading", "休假", 1),
        ("heading", "年假", 2),
        ("heading", "天数", 3),
    ]


def test_nested_lists_tasks_and_code() -> None:
    text = "3. 甲\n   - [x] 乙\n     第二行\n4. 丙\n\n```sh\na  b\n```\n"
    assert found(text) == [
        ("list", "3. 甲", 1),
        ("list", "• [x] 乙第二行", 2),
        ("list", "4. 丙", 1),
        ("body", "a  b", 0),
    ]


def test_pipes_in_cells() -> None:
    (element,) = content_of("| 键 | 义 |\n|---|---|\n| `a\\|b` | 甲\\|乙<br>丙 |\n").elements
    assert element.table is not None
    assert [[cell.text for cell in row] for row in element.table.rows] == [["键", "义"], ["a|b", "甲|乙 丙"]]


def test_html_inside_is_read_as_html() -> None:
    text = "<table><tr><th>部门<th>人数<tr><td>研发<td>20</table>\n\n<p align=center>说明</p>\n\n<script>x</script>\n"
    elements = content_of(text).elements
    assert elements[0].table is not None
    assert [one.text for one in elements[1:]] == ["说明"]


def test_formulas_keep_their_signs_and_prices_are_none() -> None:
    assert found("当 $a_1 * b_2 * c$ 时。\n\n$$\nE = mc^2\n$$\n\n费用 $5 至 $10。") == [
        ("body", "当 a_1 * b_2 * c 时。", 0),
        ("formula", "E = mc^2", 0),
        ("body", "费用 $5 至 $10。", 0),
    ]
