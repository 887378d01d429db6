"""What was left out of a file, in few words."""

from __future__ import annotations

from qa_engine.documents.parsed_pdf import LeftOut, PageReport, left_out


def reports(*pages: list[tuple[str, str]]) -> list[PageReport]:
    return [PageReport(number, None, "fast", left_out=texts) for number, texts in enumerate(pages, 1)]


def test_nothing_left_out() -> None:
    assert left_out([]) == left_out(reports([], [])) == []


def test_text_is_named_once_with_its_first_page_and_the_number_of_its_pages() -> None:
    pages = [
        [("header", f"Annual report, sheet {number}"), ("page_number", "– " * number)]
        for number in range(1, 6)
    ]
    pages[1].append(("figure", "Sales\nin  millions"))
    assert left_out(reports([], *pages)) == [
        LeftOut("header", "Annual report, sheet 1", 2, 5),
        LeftOut("page_number", "–", 2, 5),
        LeftOut("figure", "Sales in millions", 3, 1),
    ]


def test_list_is_bounded_whatever_was_left_out() -> None:
    listed = left_out(reports([("figure", f"{chr(0x4E00 + number)}" * 500) for number in range(300)]))
    assert len(listed) == 50
    assert {len(item.text) for item in listed} == {121}
