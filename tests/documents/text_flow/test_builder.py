"""Lines in, running text out: joined over lines, columns and pages, with nothing lost and every place known."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pdf_factory import (
    CHINESE_FONT,
    ENGLISH_FONT,
    KEY_SENTENCE,
    LEFT,
    SOLAR_SYSTEM,
    WEST_LAKE,
    PdfBuilder,
    chinese_pdf,
    english_pdf,
    flowing_pdf,
    llama_paper,
)

from qa_engine.documents.blocks import Block, Line, Page, Role, RunningText
from qa_engine.documents.pages.block_roles import assign_roles, body_size
from qa_engine.documents.pdf.reading import read_pdf
from qa_engine.documents.text_flow.builder import build_text

HEIGHT = 800.0
WIDE = 500.0


def line(
    text: str,
    y: float = 100,
    *,
    page: int = 1,
    block: int = 0,
    x0: float = 72,
    x1: float = WIDE,
    size: float = 11,
) -> Line:
    return Line(text, page, x0, y, x1, y + 1.2 * size, size=size, block=block)


def joined(*lines: Line) -> str:
    return flowing(*lines).text


def flowing(*lines: Line) -> RunningText:
    last = max((line.page for line in lines), default=0)
    pages = [Page(number, 595, HEIGHT, "fast") for number in range(1, last + 1)]
    for page in pages:
        here = [line for line in lines if line.page == page.number]
        blocks = [list(block) for _, block in groupby(here, key=lambda line: line.block)]
        page.blocks = [Block(Role.BODY, block) for block in blocks]
    size = body_size(pages)
    assign_roles(pages, size)
    return build_text(pages, size)


# -- lines of one paragraph


def test_chinese_lines_are_joined_without_a_blank() -> None:
    assert joined(line("西湖位于浙江省"), line("杭州市西部。", 115)) == "西湖位于浙江省杭州市西部。"


def test_english_lines_are_joined_with_one_blank() -> None:
    assert joined(line("Jupiter is the"), line("largest planet.", 115)) == "Jupiter is the largest planet."


@pytest.mark.parametrize(
    ("first", "second", "whole"),
    [
        ("模型的参数量为", "70B，上下文", "模型的参数量为70B，上下文"),
        ("参数量为 70B", "的模型", "参数量为 70B的模型"),
        ("他说：“好”", "然后走了", "他说：“好”然后走了"),
    ],
)
def test_no_blank_where_chinese_meets_other_script(first: str, second: str, whole: str) -> None:
    assert joined(line(first), line(second, 115)) == whole


def test_hyphenation_is_undone() -> None:
    assert (
        joined(line("a collection of pre-"), line("trained models", 115))
        == "a collection of pretrained models"
    )


def test_hyphen_of_a_compound_is_kept_if_the_text_writes_it_so_elsewhere() -> None:
    text = joined(
        line("the well-known method"), line("is a well-", 115), line("known one", 130), line("indeed", 145)
    )
    assert "is a well-known one" in text


def test_hyphen_before_a_capital_or_after_a_digit_is_kept() -> None:
    assert "Llama-Chat" in joined(line("the model Llama-"), line("Chat is", 115)).replace("- ", "-")
    assert "2-" in joined(line("pages 2-"), line("5 of it", 115))


def test_soft_hyphen_is_removed() -> None:
    assert joined(line("devel\u00ad"), line("opment of", 115)) == "development of"


# -- paragraphs


def test_short_last_line_with_a_full_stop_ends_a_paragraph() -> None:
    text = joined(
        line("The first paragraph goes over the whole width"),
        line("and ends here.", 115, x1=150),
        line("The second one begins after it.", 130),
    )
    assert text.split("\n") == [
        "The first paragraph goes over the whole width and ends here.",
        "The second one begins after it.",
    ]


def test_indented_line_begins_a_paragraph() -> None:
    text = joined(
        line("第一段到这里结束。"),
        line("第二段缩进两个字，从这里开始，", 115, x0=94),
        line("并且继续下去。", 130),
    )
    assert text.split("\n") == ["第一段到这里结束。", "第二段缩进两个字，从这里开始，并且继续下去。"]


def test_full_stop_at_the_right_edge_does_not_end_a_paragraph() -> None:
    assert "\n" not in joined(
        line("One sentence ends at the edge."), line("Another follows in the same block.", 115)
    )


def test_heading_stands_alone() -> None:
    text = joined(
        line("Results", size=16, block=0, x1=130),
        line("We found that the", 130, block=1),
        line("method works.", 145, block=1),
    )
    assert text.split("\n") == ["Results", "We found that the method works."]


@pytest.mark.parametrize("marker", ["• ", "1. ", "(2) ", "（三）", "第3条 ", "a) ", "- "])
def test_items_of_a_list_are_paragraphs(marker: str) -> None:
    text = joined(line(f"{marker}first", 100, x1=200), line(f"{marker}second", 115, x1=400))
    assert len(text.split("\n")) == 2


@pytest.mark.parametrize("marker", ["• ", "1. ", "3、", "a) ", "- "])
def test_short_items_of_one_length_are_paragraphs_too(marker: str) -> None:
    text = joined(line(f"{marker}first", 100, x1=200), line(f"{marker}other", 115, x1=200))
    assert len(text.split("\n")) == 2


def test_reference_to_an_article_at_the_start_of_a_line_is_no_new_article() -> None:
    assert "\n" not in joined(line("第三条 当事人应当依照本法"), line("第四条的规定履行义务。", 115))


def test_number_at_the_start_of_a_line_is_no_list_item() -> None:
    assert "\n" not in joined(
        line("the model was trained on more than"), line("2.5 trillion tokens of text", 115)
    )


def test_new_block_after_an_unfinished_full_line_continues_it() -> None:
    assert "\n" not in joined(
        line("this line is full and has no full stop", 100, block=0),
        line("so it goes on here.", 115, block=1),
    )


def test_new_block_far_below_begins_a_paragraph() -> None:
    assert "\n" in joined(
        line("a line without a full stop", 100, block=0), line("text far below it", 300, block=1)
    )


# -- columns and pages


def test_sentence_goes_on_in_the_next_column() -> None:
    assert "\n" not in joined(
        line("the left column ends in the middle", 700, x0=72, x1=280, block=0),
        line("of a sentence.", 100, x0=300, x1=508, block=1),
    )


def test_sentence_goes_on_over_the_page_break() -> None:
    assert (
        joined(
            line("第一页的最后一行没有", 685),
            line("句号，所以句子", 700),
            line("在第二页继续。", 100, page=2),
        )
        == "第一页的最后一行没有句号，所以句子在第二页继续。"
    )


def test_finished_sentence_does_not_go_on_over_the_page_break() -> None:
    assert "\n" in joined(line("The page ends here.", 700), line("Another paragraph begins.", 100, page=2))


@pytest.mark.parametrize(
    "caption", ["Figure 3: Accuracy by size.", "Table 2. Results", "图3 准确率", "表 1：结果"]
)
def test_caption_does_not_interrupt_a_sentence(caption: str) -> None:
    text = joined(
        line("We release variants", 685, block=0),
        line("with 7B, 13B,", 700, block=0),
        line(caption, 100, page=2, block=0, size=10),
        line("and 70B parameters.", 200, page=2, block=1),
    )
    assert text.split("\n") == ["We release variants with 7B, 13B, and 70B parameters.", caption]


def test_footnote_does_not_interrupt_a_sentence() -> None:
    text = joined(
        line("The sentence is cut", 660, block=0),
        line("by the end of", 675, block=0),
        line("1 A footnote in small print.", 740, block=1, size=8),
        line("the page.", 100, page=2, block=0),
    )
    assert text.split("\n") == ["The sentence is cut by the end of the page.", "1 A footnote in small print."]


def test_caption_before_any_text_is_kept() -> None:
    assert joined(line("Figure 1: A cat.", size=11)) == "Figure 1: A cat."


@pytest.mark.parametrize("opening", list("（「“《【［["))
def test_line_that_ends_with_an_opening_bracket_goes_on(opening: str) -> None:
    first, second = (
        f"会员有下列情形之一的，自动退会：（一）欠缴会费；{opening}",
        "二）泄露巢址的，第六条也适用。",
    )
    assert joined(line(first), line(second, 115, x1=300)) == first + second
    assert joined(line(first, 700), line(second, 100, page=2, x1=300)) == first + second


def test_bracket_at_the_end_or_the_start_of_an_english_line_has_no_blank() -> None:
    assert (
        joined(line("the model ("), line("see below", 115), line(") is new", 130))
        == "the model (see below) is new"
    )


@pytest.mark.parametrize(
    "texts",
    [
        ("甲方：临水市排水公司", "乙方：河谷建设集团有限责任公司", "签订日期：2024年5月8日"),
        ("项目名称（全称）：城南泵站迁建", "法定代表人：张三"),
        ("Party A: Norrland Turbines", "Party B: Harbour Works Ltd", "Date: 8 May 2024"),
    ],
    ids=lambda texts: texts[0],
)
def test_lines_with_labels_are_apart(texts: tuple[str, ...]) -> None:
    form = [line(text, 100 + 15 * number, x1=100 + 9 * len(text)) for number, text in enumerate(texts)]
    assert joined(*form) == "\n".join(texts)


def test_line_with_a_label_and_the_paragraph_below_are_apart() -> None:
    date, first, second = (
        "签发日期：2023年11月6日",
        "本办法适用于全部仓库的出入库管理，各部门应当指定专人",
        "负责登记。",
    )
    text = joined(line(date, x1=220), line(first, 115), line(second, 130, x1=130))
    assert text == f"{date}\n{first}{second}"


def test_records_of_one_line_a_page_are_apart() -> None:
    first, second = "2024-06-01 进水量3200立方米，浊度0.3 NTU", "2024-06-02 进水量3237立方米，浊度0.4 NTU"
    assert joined(line(first), line(second, page=2)) == f"{first}\n{second}"


def test_address_of_e_mail_ends_a_line_of_chinese_and_no_sentence_of_english() -> None:
    assert joined(line("邮箱：a.b@kysec.cn", 100), line("北京", 115)) == "邮箱：a.b@kysec.cn\n北京"
    assert "a@b.cn for" in joined(line("You may write to a@b.cn", 100), line("for more of it.", 115))


def test_unit_of_a_table_and_the_line_below_are_apart() -> None:
    assert (
        joined(line("($ in millions)", 100), line("Reserves for losses", 115))
        == "($ in millions)\nReserves for losses"
    )


def test_colon_in_a_paragraph_is_no_label() -> None:
    first = "双方经友好协商，就城南污水泵站迁建工程的设计、采购、施工及验收等有关事项达成协议，具体"
    assert (
        joined(line(first), line("内容如下：一是设计，二是采购。", 115, x1=280))
        == f"{first}内容如下：一是设计，二是采购。"
    )
    note = "注意：本合同一式四份，甲乙双方各执两份，自双方法定代表人签字并加盖公章之日起生效，有效期自"
    assert joined(line(note), line("起始日期：见附件一。", 115, x1=280)) == f"{note}起始日期：见附件一。"


def test_empty_file() -> None:
    nothing = RunningText("", [], [], [()], [])
    assert build_text([], 10.0) == nothing
    assert build_text([Page(1, 595, HEIGHT, "fast"), Page(2, 595, HEIGHT, "fast")], 10.0) == nothing


# -- whole files


@pytest.mark.parametrize("lines_per_page", [1, 2, 3, 40])
def test_chinese_paragraphs_survive_any_page_length(lines_per_page: int, tmp_path: Path) -> None:
    text = read_pdf(chinese_pdf(tmp_path / "a.pdf", lines_per_page=lines_per_page, header=None)).text
    if lines_per_page > 1:
        assert text.split("\n") == WEST_LAKE
    else:
        assert text.replace("\n", "") == "".join(WEST_LAKE)


@pytest.mark.parametrize(("columns", "lines_per_page"), [(1, 2), (1, 40), (2, 3), (2, 40)])
def test_english_paragraphs_survive_columns_and_pages(
    columns: int, lines_per_page: int, tmp_path: Path
) -> None:
    path = english_pdf(tmp_path / "a.pdf", columns=columns, lines_per_page=lines_per_page, header=None)
    assert read_pdf(path).text.split("\n") == SOLAR_SYSTEM


@pytest.mark.parametrize("font", [CHINESE_FONT, ENGLISH_FONT])
def test_headers_and_page_numbers_are_not_in_the_text(font: str, tmp_path: Path) -> None:
    paragraphs = WEST_LAKE if font == CHINESE_FONT else SOLAR_SYSTEM
    path = flowing_pdf(
        tmp_path / "a.pdf",
        paragraphs,
        font,
        header="Header 2024",
        page_numbers="- {page} -",
        lines_per_page=2,
    )
    parsed = read_pdf(path)
    assert len(parsed.pages) >= 3
    assert "Header" not in parsed.text
    assert "- 1 -" not in parsed.text
    assert parsed.text.split("\n") == paragraphs


def test_key_sentence_of_the_paper_is_whole_and_spans_two_pages(tmp_path: Path) -> None:
    parsed = read_pdf(llama_paper(tmp_path / "llama.pdf"))
    start = parsed.text.index(KEY_SENTENCE)
    touched = {
        span.page for span in parsed.spans if span.start < start + len(KEY_SENTENCE) and span.end > start
    }
    assert touched == {2, 3}
    assert "Figure 1: Helpfulness human evaluation results" in parsed.text
    assert "The license and the responsible use guide" in parsed.text


def test_text_of_mixed_sizes_keeps_every_word(tmp_path: Path) -> None:
    builder = PdfBuilder()
    for page in range(3):
        builder.page()
        for row, size in enumerate((8, 11, 16, 11, 9, 20)):
            builder.put(f"word{page}x{row}", LEFT, 150 + 60 * row, size)
    text = read_pdf(builder.save(tmp_path / "a.pdf")).text
    assert all(f"word{page}x{row}" in text for page in range(3) for row in range(6))


# -- properties

_words = st.text(st.sampled_from("abc 西湖，。.-"), min_size=1, max_size=12).map(str.strip).filter(bool)
_lines = st.builds(
    line,
    _words,
    st.integers(60, 740).map(float),
    page=st.integers(1, 3),
    block=st.integers(0, 4),
    x0=st.sampled_from([72.0, 94.0, 300.0]),
    x1=st.sampled_from([200.0, 350.0, 500.0]),
    size=st.sampled_from([8.0, 11.0, 16.0]),
)


@given(st.lists(_lines, max_size=25))
def test_every_line_is_in_the_text_at_its_span(lines: list[Line]) -> None:
    result = flowing(*lines)
    assert len(result.spans) == len(lines)
    assert [span.start for span in result.spans] == sorted(span.start for span in result.spans)
    found = sorted((result.text[s.start : s.end].strip(), s.page, s.y0) for s in result.spans)
    expected = sorted((line.text, line.page, line.y0) for line in lines)
    for (text, *place), (original, *original_place) in zip(found, expected, strict=True):
        assert place == original_place or len(lines) > 1
        assert text in {original, original[:-1]} or len(lines) > 1
    kept = sorted(result.text.replace("-", "").replace(" ", "").replace("\n", ""))
    assert kept == sorted("".join(line.text for line in lines).replace("-", "").replace(" ", ""))


@given(st.lists(_lines, max_size=25))
def test_spans_are_disjoint_and_cover_all_but_newlines(lines: list[Line]) -> None:
    result = flowing(*lines)
    covered = [False] * len(result.text)
    for span in result.spans:
        for at in range(span.start, span.end):
            assert not covered[at]
            covered[at] = True
    assert all(covered[at] or result.text[at] == "\n" for at in range(len(result.text)))
