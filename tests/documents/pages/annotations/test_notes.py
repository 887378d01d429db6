"""Notes of readers on a page: sticky notes, replies, comments on marked text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pymupdf
import pytest
from pdf_factory import CHINESE_FONT, LEFT, PdfBuilder

from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.pdf.reading import read_pdf
from qa_engine.documents.pdf_document import PdfDocument
from qa_engine.documents.sentences.node_parser import SentenceNodeParser

TEXT = "一期工程计划于明年四月开工，由项目部负责。"
HIDDEN = 2


class NotedPdf:
    """A page with one sentence, and notes on it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._builder = PdfBuilder(CHINESE_FONT).page().put(TEXT, LEFT, 120)
        self.page: Any = self._builder.document[0]

    def note(
        self,
        text: str,
        y: float = 100,
        author: str = "",
        reply_to: Any = None,
        flags: int = 4,
        state: str = "",
    ) -> Any:
        return self.finish(self.page.add_text_annot((500, y), text), text, author, reply_to, flags, state)

    def mark(self, text: str, kind: str = "highlight", **options: Any) -> Any:
        quads = self.page.search_for("明年四月")
        return self.finish(getattr(self.page, f"add_{kind}_annot")(quads), text, **options)

    def finish(
        self,
        annotation: Any,
        text: str,
        author: str = "",
        reply_to: Any = None,
        flags: int = 4,
        state: str = "",
    ) -> Any:
        annotation.set_info(content=text, title=author)
        annotation.update()
        annotation.set_flags(flags)
        document = self.page.parent
        if reply_to is not None:
            document.xref_set_key(annotation.xref, "IRT", f"{reply_to.xref} 0 R")
        if state:
            document.xref_set_key(annotation.xref, "StateModel", "(Review)")
            document.xref_set_key(annotation.xref, "State", f"({state})")
        return annotation

    def sentences(self) -> list[tuple[str, str]]:
        """Role and text of each sentence."""
        path = self._builder.save(self._path)
        self.parsed = read_pdf(path, ReadingOptions(ocr="never"))
        nodes = SentenceNodeParser().get_nodes_from_documents([PdfDocument.of(self.parsed, path)])
        return [(node.metadata.get("role", "body"), node.get_content()) for node in nodes]


@pytest.fixture
def noted(tmp_path: Path) -> NotedPdf:
    return NotedPdf(tmp_path / "a.pdf")


def test_notes_that_say_nothing_or_are_hidden_add_nothing(noted: NotedPdf) -> None:
    noted.note("")
    noted.note(" \r\n ")
    noted.note("旧的意见。", flags=HIDDEN)
    noted.mark("")
    noted.page.add_line_annot((10, 10), (50, 50))
    assert noted.sentences() == [("body", TEXT)]


def test_notes_follow_the_text_and_are_not_joined_to_it(noted: NotedPdf) -> None:
    noted.mark("采购部看过：交期九十天。", "underline")
    noted.note("开工改到六月十五日，\r土建图纸未批。", author="王工")
    assert noted.sentences() == [
        ("body", TEXT),
        ("note", "批注（王工）：开工改到六月十五日，"),
        ("note", "土建图纸未批。"),
        ("note", "批注：采购部看过：交期九十天。"),
    ]
    assert all(span.page == 1 and span.x1 > span.x0 for span in noted.parsed.spans)


def test_english_note_and_author(noted: NotedPdf) -> None:
    noted.note("Moved to 15 June.", author="J. Wang\n(Civil)")
    assert noted.sentences()[1] == ("note", "Note (J. Wang (Civil)): Moved to 15 June.")


def test_comment_that_copies_the_marked_text_is_no_note(noted: NotedPdf) -> None:
    noted.mark("明年 四月")
    assert noted.sentences() == [("body", TEXT)]


def test_replies_follow_what_they_answer_even_with_hidden_marks(noted: NotedPdf) -> None:
    first = noted.note("能提前吗？", y=100, author="王工")
    noted.note("其他意见在会上讨论。", y=200)
    noted.note("不能，图纸未批。", y=300, author="李工", reply_to=first, flags=HIDDEN | 4)
    noted.note("Accepted set by 李工", y=300, reply_to=first, flags=HIDDEN | 4, state="Accepted")
    assert [text for _, text in noted.sentences()[1:]] == [
        "批注（王工）：能提前吗？",
        "批注（李工）：不能，图纸未批。",
        "批注：其他意见在会上讨论。",
    ]


def test_reply_to_a_hidden_note_is_hidden(noted: NotedPdf) -> None:
    first = noted.note("旧的意见。", flags=HIDDEN)
    noted.note("同意旧的意见。", reply_to=first)
    assert noted.sentences() == [("body", TEXT)]


def test_text_painted_by_an_annotation_is_text_of_the_page_once(noted: NotedPdf) -> None:
    noted.page.add_freetext_annot((72, 300, 400, 330), "Approved by the board.", fontsize=11)
    assert noted.sentences()[1:] == [("body", "Approved by the board.")]


def test_painted_comment_with_a_line_to_its_place_is_a_note(noted: NotedPdf) -> None:
    comment = noted.page.add_freetext_annot((300, 108, 420, 124), "Change to May.", fontsize=11)
    comment.set_info(title="Wang")
    noted.page.parent.xref_set_key(comment.xref, "IT", "/FreeTextCallout")
    assert noted.sentences() == [("body", TEXT), ("note", "Note (Wang): Change to May.")]


def test_stamp_is_read_once(noted: NotedPdf) -> None:
    noted.finish(noted.page.add_stamp_annot((400, 300, 500, 340)), "Approved")
    assert [text for _, text in noted.sentences()].count("Note: Approved") == 0


def test_damaged_note_does_not_stop_the_page(noted: NotedPdf, monkeypatch: pytest.MonkeyPatch) -> None:
    noted.note("开工改到六月。")

    def fails(*_: Any) -> None:
        raise RuntimeError("code=7: cycle in tree")

    monkeypatch.setattr(pymupdf.Page, "first_annot", property(fails))
    assert noted.sentences() == [("body", TEXT)]
    assert noted.parsed.pages[0].doubts == ["its notes cannot be read (code=7: cycle in tree)"]


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_place_of_a_note_on_a_turned_page(turn: int, tmp_path: Path) -> None:
    document = pymupdf.open()
    page = document.new_page(width=400, height=600)
    page.insert_text((100, 300), "A line that is turned.", rotate=turn)
    page.add_text_annot((50, 80), "Check this line.")
    document.save(tmp_path / "a.pdf")
    parsed = read_pdf(tmp_path / "a.pdf", ReadingOptions(ocr="never"))
    assert parsed.text == "A line that is turned.\nNote: Check this line."
    span = parsed.spans[-1]
    assert abs(span.x0 - 50) < 20 and abs(span.y0 - 80) < 20, span
