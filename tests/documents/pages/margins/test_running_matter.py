"""Headers, footers and page numbers: left out; body text in the margin: kept."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from qa_engine.documents.blocks import HEADERS_FOOTERS, Block, Line, Page, Role
from qa_engine.documents.pages.margins.running_matter import mark_headers_footers

HEIGHT = 800.0


def line(text: str, y: float, page: int) -> Line:
    return Line(text, page, 72, y, 500, y + 12, size=11, block=0)


def pages(count: int, *texts: tuple[str, float]) -> list[list[Line]]:
    """Pages with the same lines; ``{n}`` stands for the page number."""
    body = [("body text {n} " + "x" * row, 200.0 + 20 * row) for row in range(6)]
    return [
        [line(text.format(n=page), y, page) for text, y in (*texts, *body)] for page in range(1, count + 1)
    ]


def marked(of: Sequence[Sequence[Line]]) -> list[Page]:
    read = [
        Page(number, 595, HEIGHT, "fast", [Block(Role.BODY, [line]) for line in lines])
        for number, lines in enumerate(of, 1)
    ]
    mark_headers_footers(read)
    return read


def running(of: Sequence[Sequence[Line]]) -> set[str]:
    return {
        line.text
        for page in marked(of)
        for block in page.blocks
        if block.role in HEADERS_FOOTERS
        for line in block.lines
    }


@pytest.mark.parametrize(
    "number",
    [
        "7",
        "- 7 -",
        "— 7 —",
        "Page 7",
        "page 7 of 12",
        "7/12",
        "第7页",
        "第 7 页 共 12 页",
        "第7页，共12页",
        "xiv",
        "p. 7",
    ],
)
@pytest.mark.parametrize("y", [20.0, 780.0])
def test_page_number_in_the_margin_is_found_on_a_single_page(number: str, y: float) -> None:
    assert running(pages(1, (number, y))) == {number}


@pytest.mark.parametrize("text", ["2023", "7B", "第7章", "Page seven", "7 apples", "12 of the 14 members"])
def test_other_text_in_the_margin_of_one_page_is_kept_unless_it_is_a_number(text: str) -> None:
    assert running(pages(1, (text, 20))) <= {"2023"}


def test_page_number_amid_the_page_is_text() -> None:
    assert running(pages(1, ("7", 400))) == set()


@pytest.mark.parametrize(
    ("numbers", "found"),
    [
        (["12", "7", "31", "9"], set[str]()),
        (["2020", "2020", "2020", "2020"], set[str]()),
        (["1", "2", "41", "40"], set[str]()),
        (["8", "9", "10", "11"], {"8", "9", "10", "11"}),
        (["i", "ii", "1", "2", "3"], {"1", "2", "3"}),
    ],
    ids=["measurements", "year", "two alike", "all", "from a chapter on"],
)
def test_number_below_the_text_is_that_of_its_page_if_it_counts(numbers: list[str], found: set[str]) -> None:
    texts = [
        [line(f"body text of {number}", 250, page), line(number, 300 + 50 * page, page)]
        for page, number in enumerate(numbers, 1)
    ]
    assert running(texts) == found


def test_number_beside_a_footer_is_found_in_a_piece_of_its_own_and_behind_its_words() -> None:
    def footer(page: int) -> list[Line]:
        if page == 2:
            return [line("请阅读重要声明 2", 775, page)]
        left, right = line("请阅读重要声明", 775, page), line(str(page), 775, page)
        right.x0 = 520
        left.x1 = 200
        return [left, right]

    of = [[line(f"正文{page}说明", 300, page), *footer(page)] for page in range(1, 6)]
    assert running(of) == {"请阅读重要声明", "请阅读重要声明 2", "1", "3", "4", "5"}


def test_header_on_three_pages_is_found() -> None:
    assert running(pages(3, ("Annual report", 30))) == {"Annual report"}


def test_header_with_a_number_that_counts_is_found() -> None:
    assert running(pages(3, ("Chapter 2 · {n}", 30))) == {"Chapter 2 · 1", "Chapter 2 · 2", "Chapter 2 · 3"}


def test_headers_of_odd_and_even_pages_are_both_found() -> None:
    six = [
        [line("left header" if page % 2 else "right header", 30, page), line(f"body {page}", 400, page)]
        for page in range(1, 7)
    ]
    assert running(six) == {"left header", "right header"}


def test_header_whose_blanks_and_height_vary_a_little_is_found() -> None:
    varying = [[line(text, y, n), line(f"body {n}", 400, n)] for n, (text, y) in enumerate(
        [("Annual report", 30.0), ("Annual  report", 31.5), ("Annual report", 33.0)], 1
    )]  # fmt: skip
    assert len(running(varying)) == 2
    assert all(page.blocks[0].role is Role.HEADER for page in marked(varying))


def test_same_words_on_two_pages_of_many_are_kept() -> None:
    few = pages(4)
    few[0].insert(0, line("Introduction", 30, 1))
    few[2].insert(0, line("Introduction", 30, 3))
    assert running(few) == set()


def test_header_on_both_pages_of_a_short_file_is_found() -> None:
    assert running(pages(2, ("Annual report", 30))) == {"Annual report"}


def test_words_that_repeat_on_one_page_only_are_kept() -> None:
    once = [[line("same", 30, 1), line("same", 34, 1), line("body", 400, 1)]]
    assert running(once) == set()


def test_body_text_in_the_margin_is_kept() -> None:
    different = [
        [line(f"{words} begins at the very top", 30, n), line(f"{words} ends at the very foot", 780, n)]
        for n, words in enumerate(("One sentence", "Another one", "A third sentence"), 1)
    ]
    assert running(different) == set()


def test_repeated_line_amid_the_pages_is_kept() -> None:
    assert running(pages(5, ("The court finds as follows:", 300))) == set()


def test_no_pages_and_empty_pages() -> None:
    assert running([]) == set()
    assert running([[], []]) == set()


@pytest.mark.parametrize(
    ("number", "label"),
    [
        ("7", "7"),
        ("- 7 -", "7"),
        ("第7页，共12页", "7"),
        ("xiv", "xiv"),
        ("Page 7 of 12", "7"),
        ("7/12", "7"),
    ],
)
def test_printed_number_is_the_label_of_the_page(number: str, label: str) -> None:
    (page,) = marked(pages(1, (number, 780)))
    assert page.label == label
    assert [block.role for block in page.blocks if block.role in HEADERS_FOOTERS] == [Role.PAGE_NUMBER]


def test_page_without_a_number_keeps_the_label_of_the_file() -> None:
    page = Page(1, 595, HEIGHT, "fast", label="A-1")
    mark_headers_footers([page])
    assert page.label == "A-1"


def test_title_of_a_short_chapter_where_others_have_theirs_is_found() -> None:
    titles = ["One", "One", "One", "Two", "Three", "Three", "Three", "Three"]
    chapters = [[line(title, 30, n), line(f"body {n}", 400, n)] for n, title in enumerate(titles, 1)]
    assert running(chapters) == {"One", "Two", "Three"}


def test_header_and_footer_are_told_apart() -> None:
    (page, *_) = marked(pages(3, ("Annual report", 30), ("Confidential", 780)))
    roles = {block.lines[0].text: block.role for block in page.blocks}
    assert (roles["Annual report"], roles["Confidential"]) == (Role.HEADER, Role.FOOTER)


def test_what_a_layout_model_calls_a_header_stays_one() -> None:
    text = Block(Role.BODY, [line("body", 300, 1)])
    page = Page(1, 595, HEIGHT, "layout", [Block(Role.HEADER, [line("Once only", 30, 1)]), text])
    mark_headers_footers([page])
    assert page.blocks[0].role is Role.HEADER


# -- figures that differ from page to page


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("水位埋深为 {} m", [3.4, 2.9, 4.1, 3.8, 3.4]),
        ("第{}号观测井：水位已测", [1, 2, 3, 4, 5]),
        ("Temperature {} °C", [20, 21, 22, 23, 24]),
        ("Balance: {}", [104, 93, 210, 77, 81]),
        ("日志 2024-05-0{}", [1, 2, 3, 4, 5]),
        ("Sample pH 7.{}", [1, 2, 3, 4, 5]),
        ("取水样品{}", [1, 2, 3, 4, 5]),
    ],
)
@pytest.mark.parametrize("y", [30.0, 780.0])
def test_figures_that_are_no_page_numbers_are_text(text: str, values: Sequence[float], y: float) -> None:
    measured = pages(len(values))
    for number, value in enumerate(values, 1):
        measured[number - 1].append(line(text.format(value), y, number))
    assert running(measured) == set()


@pytest.mark.parametrize(
    "numbers",
    [
        ["3-1", "3-2", "3-3", "4-1", "4-2", "4-3"],
        [
            "第 1 页 共 3 页 A版",
            "第 2 页 共 3 页 A版",
            "第 3 页 共 3 页 A版",
            "第 1 页 共 2 页 A版",
            "第 2 页 共 2 页 A版",
        ],
        ["Preface ix", "Preface x", "Preface xi", "Preface xii"],
        ["12 Summary", "14 Summary", "16 Summary"],
        ["2 二〇二三年度", "3 二〇二三年度", "4 二〇二三年度"],
        ["水资源公报1", "水资源公报2", "水资源公报3"],
        ["第一页", "第二页", "第三页"],
        ["版本 2.0 2024-03-01 第1页", "版本 2.0 2024-03-01 第2页", "版本 2.0 2024-03-01 第3页"],
    ],
    ids=lambda texts: texts[0],
)
def test_figures_that_count_up_with_the_pages_are_running_matter(numbers: Sequence[str]) -> None:
    counting = pages(len(numbers))
    for number, text in enumerate(numbers, 1):
        counting[number - 1].append(line(text, 780, number))
    assert running(counting) == set(numbers)


def test_bare_number_that_does_not_count_with_the_others_is_text() -> None:
    numbered = pages(6)
    for number, text in enumerate(["1", "2", "3", "4", "2031", "6"], 1):
        numbered[number - 1].append(line(text, 780, number))
    assert running(numbered) == {"1", "2", "3", "4", "6"}


def test_what_is_filled_in_on_each_page_is_text() -> None:
    log = pages(9, ("编制部门：水务所", 30))
    for number, name in enumerate("张李王张李王张李王", 1):
        log[number - 1].append(line(f"值班员：{name}工", 780, number))
    assert running(log) == {"编制部门：水务所"}


def test_bare_number_that_a_layout_model_calls_a_footer_is_text_unless_it_counts() -> None:
    read = [Page(n, 595, HEIGHT, "layout", [Block(Role.BODY, [line("body", 300, n)])]) for n in range(1, 6)]
    for number, (page, total) in enumerate(zip(read, (2200, 2511, 2780, 3104, 3377), strict=True), 1):
        page.blocks += [
            Block(Role.FOOTER, [line(str(total), 700, number)]),
            Block(Role.FOOTER, [line(str(number), 780, number)]),
        ]
    mark_headers_footers(read)
    assert [[block.role for block in page.blocks][1:] for page in read] == [
        [Role.FOOTNOTE, Role.PAGE_NUMBER]
    ] * 5


# -- what says something


@pytest.mark.parametrize(
    "text",
    [
        "本报告仅供内部使用，未经许可不得外传。",
        "请务必阅读正文之后的免责条款部分",
        "Please read the important disclosures at the end of this report",
        "服务热线：8800-3377",
        "检测员：周敏",
    ],
)
def test_sentence_or_notice_that_repeats_is_kept_once(text: str) -> None:
    read = marked(pages(5, (text, 780), ("年度报告", 30)))
    kept = [page.number for page in read for block in page.blocks if block.role is Role.FOOTNOTE]
    assert kept == [1]
    assert sum(block.role is Role.FOOTER for page in read for block in page.blocks) == 4
    assert "年度报告" in running(pages(5, (text, 780), ("年度报告", 30)))


def test_content_where_others_have_their_header_is_kept() -> None:
    texts = ["岩土手册"] * 6 + ["单桩承载力为 850 kN", "Results are given below.", "2.3 桩基检测", "余桩"]
    for_each = pages(len(texts))
    for number, text in enumerate(texts, 1):
        for_each[number - 1].append(line(text, 30, number))
    assert running(for_each) == {"岩土手册", "余桩"}


def test_line_that_repeats_here_and_there_is_kept() -> None:
    report = pages(40)
    for number in (2, 11, 19, 33):
        report[number - 1].append(line("不适用", 30, number))
    assert running(report) == set()


def test_title_that_is_larger_than_the_header_with_its_words_is_kept() -> None:
    manual = pages(4, ("员工手册", 30))
    manual[0][0].size = 20
    assert [len([b for b in page.blocks if b.role is Role.HEADER]) for page in marked(manual)] == [0, 1, 1, 1]


@pytest.mark.parametrize("text", ["样品 {n}", "本页无正文", "QY-{n} 合格"])
def test_file_of_one_line_a_page_is_not_emptied(text: str) -> None:
    alone = [[line(text.format(n=number), 780, number)] for number in range(1, 6)]
    assert len(running(alone)) < 5
    assert any(block.role not in HEADERS_FOOTERS for page in marked(alone) for block in page.blocks)


def test_blank_page_with_a_header_stays_blank() -> None:
    book = pages(5, ("Annual report", 30))
    book[3] = book[3][:1]
    assert [block.role for block in marked(book)[3].blocks] == [Role.HEADER]


@pytest.mark.parametrize("role", [Role.HEADER, Role.FOOTER])
def test_what_a_layout_model_calls_a_header_is_text_if_it_is_a_sentence_or_stands_alone(role: Role) -> None:
    texts = {1: "Submitted to the committee on the third of May.", 3: "No charging"}
    read = [
        Page(number, 595, HEIGHT, "layout", [Block(Role.BODY, [line("body", 300, number)])])
        for number in range(1, 6)
    ]
    for number, text in texts.items():
        read[number - 1].blocks.append(Block(role, [line(text, 700 + 5 * number, number)]))
    mark_headers_footers(read)
    assert [block.role for number in texts for block in read[number - 1].blocks] == [
        Role.BODY,
        Role.FOOTNOTE,
    ] * 2


def test_header_of_wide_margins_is_found() -> None:
    assert running(pages(4, ("CHAPTER 2. THE WELL {n}", 110))) == {
        f"CHAPTER 2. THE WELL {n}" for n in range(1, 5)
    }
