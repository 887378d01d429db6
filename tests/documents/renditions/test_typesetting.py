"""Elements as pages: the text is that of the elements, and the boxes are where the ink is."""

from __future__ import annotations

import pymupdf
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_engine.documents.blocks import Role, RunningText
from qa_engine.documents.renditions.elements import Cell, Content, Element, ElementTable
from qa_engine.documents.renditions.typesetting import SLIDE, typeset, typeset_pages
from qa_engine.documents.text_flow.builder import build_text

WORDS = st.text(st.sampled_from("年假制度适用于正式员工，。abc ﬁ-<>&'\""), min_size=1, max_size=400).filter(
    lambda text: bool(text.strip())
)


def running_text(content: Content) -> RunningText:
    rendition = typeset(content)
    assert rendition.pages is not None
    return build_text(rendition.pages, 11.0)


@settings(max_examples=40, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=6))
def test_paragraphs_are_those_of_the_source(texts: list[str]) -> None:
    assert running_text(Content([Element(Role.BODY, text) for text in texts])).text.split("\n") == [
        text.strip() for text in texts
    ]


def test_paragraph_over_a_page_break_is_one_with_boxes_on_both_pages() -> None:
    text = "正式员工每年有十天年假，按入职年限计算。" * 200
    found = running_text(Content([Element(Role.BODY, text), Element(Role.BODY, "其后。")]))
    assert found.text == f"{text}\n其后。"
    assert {span.page for span in found.spans} >= {1, 2}


def test_table_over_a_page_break_keeps_the_names_of_its_columns() -> None:
    rows = [[Cell("部门"), Cell("人数")], *([Cell(f"部{n}"), Cell(str(n))] for n in range(120))]
    found = running_text(Content([Element(Role.TABLE, table=ElementTable(rows))]))
    texts = [text for paragraph in found.paragraphs for text in paragraph.row_texts]
    assert texts == [f"部门：部{n}；人数：{n}" for n in range(120)]
    assert len(found.tables) == 1
    assert len({span.page for span in found.spans}) > 1


def test_cell_over_rows_is_in_each_of_them() -> None:
    rows = [
        [Cell("部门"), Cell("人数", columns=2)],
        [Cell("研发", rows=2), Cell("20"), Cell("30")],
        [Cell("21"), Cell("31")],
    ]
    found = running_text(Content([Element(Role.TABLE, table=ElementTable(rows))]))
    texts = [text for paragraph in found.paragraphs for text in paragraph.row_texts]
    assert texts == ["部门：研发；人数：20；人数：30", "部门：研发；人数：21；人数：31"]


def test_levels_of_headings_make_the_paths_of_sections() -> None:
    headings = [("第二章", 1), ("1 总则", 2), ("一、适用", 3), ("附则", 2)]
    found = running_text(Content([Element(Role.HEADING, text, level) for text, level in headings]))
    assert found.sections == [
        (),
        ("第二章",),
        ("第二章", "1 总则"),
        ("第二章", "1 总则", "一、适用"),
        ("第二章", "附则"),
    ]


def test_boxes_hold_the_ink_of_their_words() -> None:
    rendition = typeset(
        Content([Element(Role.BODY, "第一句在这里。第二句在那里。"), Element(Role.BODY, "末段。")])
    )
    assert rendition.pages is not None
    found = build_text(rendition.pages, 11.0)
    page = pymupdf.open(stream=rendition.pdf, filetype="pdf")[0]
    for span in found.spans:
        words = page.get_textbox(pymupdf.Rect(span.x0, span.y0, span.x1, span.y1)).strip()
        assert words == found.text[span.start : span.end].strip()


def test_each_part_of_pages_that_grow_is_one_page() -> None:
    parts = [
        Content([Element(Role.BODY, f"第{n}张。" + "内容很多。" * 20 * n) for _ in range(n * 4)])
        for n in (1, 5, 2)
    ]
    rendition = typeset_pages(parts, SLIDE)
    assert rendition.pages is not None
    assert [page.blocks[0].lines[0].text[:3] for page in rendition.pages] == ["第1张", "第5张", "第2张"]
    assert rendition.pages[1].height > rendition.pages[0].height == SLIDE.height


def test_markup_in_text_is_text() -> None:
    text = '<script>alert(1)</script> <img src="file:///etc/passwd"> &lt;'
    assert running_text(Content([Element(Role.BODY, text)])).text == text
