"""HTML pages: what is read of them, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.pdf.reading import read_pdf
from qa_engine.documents.renditions.formats.html import content_of
from qa_engine.errors import DocumentError


def texts(html: str) -> list[str]:
    return [element.text for element in content_of(html, "a.html").elements if element.table is None]


def parsed(folder: Path, data: bytes):  # type: ignore[no-untyped-def]
    path = folder / "a.html"
    path.write_bytes(data)
    return read_pdf(path, ReadingOptions())


@pytest.mark.parametrize(
    "data",
    [b"<html></html>", b"<nav><a href='x'>Home</a></nav>", b"<script>1</script>", b"<!-- 1 -->", b"<!-- 1"],
)
def test_page_without_text_says_so(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DocumentError, match=r"a\.html has no text") as found:
        parsed(tmp_path, data)
    assert found.value.reason == "no_text"


def test_scripts_styles_forms_and_what_is_hidden_are_no_text() -> None:
    html = (
        "<body><script>alert(1)</script><style>p{}</style><p>正文。</p><form><select><option>甲</select></form>"
        "<p hidden>藏一</p><p style='display: none'>藏二</p><div aria-hidden='true'>藏三</div></body>"
    )
    assert texts(html) == ["正文。"]


def test_navigation_is_left_out_and_reported() -> None:
    html = (
        "<body><header><ul><li>首页</li></ul></header><nav>产品 价格</nav><div class='side breadcrumb'>首页 > 制度</div>"
        f"<main><h1>休假</h1><p>{'正式员工每年有十天年假。' * 3}</p></main><footer>版权所有</footer></body>"
    )
    content = content_of(html, "a.html")
    assert [element.text for element in content.elements] == ["休假", "正式员工每年有十天年假。" * 3]
    assert sorted(content.left_out) == sorted(
        ("navigation", text) for text in ("首页", "产品 价格", "首页 > 制度", "版权所有")
    )


def test_text_in_something_named_menu_is_read_if_it_is_most_of_the_page() -> None:
    assert (
        texts("<body><div class='menu'><p>宫保鸡丁三十八元。</p></div><p>店名</p></body>")[0]
        == "宫保鸡丁三十八元。"
    )


def test_headings_lists_and_preformatted_text_keep_their_form() -> None:
    html = "<h2>二</h2><ol start=3><li>甲<ul><li>乙</li></ul></li><li>丙</li></ol><pre>a\n  b</pre>丁<br>戊"
    elements = content_of(html, "a.html").elements
    assert [(element.role.value, element.text, element.level) for element in elements] == [
        ("heading", "二", 2),
        ("list", "3. 甲", 1),
        ("list", "• 乙", 2),
        ("list", "4. 丙", 1),
        ("body", "a\n  b", 0),
        ("body", "丁", 0),
        ("body", "戊", 0),
    ]


def test_rows_of_a_table_have_the_names_of_its_columns(tmp_path: Path) -> None:
    html = (
        "<table><caption>编制</caption><tr><th rowspan=2>部门<th colspan=2>人数<tr><th>男<th>女"
        "<tr><td>研发<td>20<td>30</table>"
    )
    found = parsed(tmp_path, html.encode())
    rows = [text for paragraph in found.paragraphs for text in paragraph.row_texts]
    assert rows == ["部门：研发；人数 男：20；人数 女：30"]


@pytest.mark.parametrize(
    ("encoding", "head"),
    [
        ("gbk", ""),
        ("gb18030", "<meta charset='gb2312'>"),
        ("utf-8-sig", ""),
        ("utf-16", ""),
        ("big5", "<meta charset=big5>"),
    ],
)
def test_encodings(tmp_path: Path, encoding: str, head: str) -> None:
    text = "年資計算" if encoding == "big5" else "年假十天，按入职年限计算。"
    assert parsed(tmp_path, f"<html><head>{head}</head><p>{text}</p></html>".encode(encoding)).text == text


def test_spans_without_bounds_are_bounded() -> None:
    html = "<table><tr><td colspan=999999999>甲<td>乙<tr><td rowspan='-3'>丙<td>丁</table>"
    (element,) = content_of(html, "a.html").elements
    assert element.table is not None
    assert max(cell.columns for row in element.table.rows for cell in row) <= 1000


def test_depth_is_no_recursion() -> None:
    """libxml2 gives up what is too deep; the rest is read."""
    assert texts("<p>浅处。</p>" + "<div>" * 20_000 + "深处" + "</div>" * 20_000)[0] == "浅处。"
