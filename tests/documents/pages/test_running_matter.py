"""Headers, footers and page numbers: left out; body text in the margin: kept."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from qa_engine.documents.blocks import HEADERS_FOOTERS, Block, Line, Page, Role
from qa_engine.documents.pages.running_matter import mark_headers_footers

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
    page = Page(1, 595, HEIGHT, "layout", [Block(Role.HEADER, [line("Once only", 30, 1)])])
    mark_headers_footers([page])
    assert page.blocks[0].role is Role.HEADER
