"""Made PDFs hold the running lines and the broken sentences that they say they hold."""

from __future__ import annotations

from pathlib import Path

import pymupdf
import pytest
from pdf_pages import make_pdf
from pdf_setting import Paragraph, Slots
from reference_markdown import normalise
from running_layouts import RunningMatter, roman


def page_texts(path: Path) -> list[str]:
    with pymupdf.open(path) as document:
        return [normalise(page.get_text()) for page in document]


@pytest.mark.parametrize(
    ("language", "columns", "kind"),
    [("zh", 2, "bare"), ("en", 1, "footnote"), ("en", 2, "caption"), ("zh", 1, "table")],
)
def test_broken_sentences_are_on_two_pages(tmp_path: Path, language: str, columns: int, kind: str) -> None:
    made = make_pdf(tmp_path, "made", language, pages=4, columns=columns, kind=kind)
    texts = page_texts(made.path)
    assert len(texts) == 4
    assert made.breaks
    for one in made.breaks:
        sentence = normalise(one.sentence)
        first, second = texts[one.page - 1], texts[one.page]
        assert sentence not in first + second or kind == "bare"
        parts = [n for n in range(1, len(sentence)) if sentence[:n] in first and sentence[n:] in second]
        assert parts, one


def test_a_word_is_broken_at_the_end_of_the_page(tmp_path: Path) -> None:
    made = make_pdf(tmp_path, "made", "en", pages=4, columns=2, kind="hyphen")
    assert made.breaks
    texts = page_texts(made.path)
    for one in made.breaks:
        assert texts[one.page - 1].endswith("-")
        assert normalise(one.sentence) in texts[one.page - 1][:-1] + texts[one.page]


def test_the_floats_are_there(tmp_path: Path) -> None:
    def text(kind: str, language: str) -> str:
        return "".join(page_texts(make_pdf(tmp_path, "made", language, pages=3, kind=kind).path))

    assert "Figure2." in text("caption", "en")
    table = text("table", "zh")
    assert "表2" in table and "27.1" in table


@pytest.mark.parametrize("layout", RunningMatter.layouts(), ids=lambda layout: layout.name)
def test_running_lines_are_on_their_pages(tmp_path: Path, layout: RunningMatter) -> None:
    made = make_pdf(
        tmp_path,
        "made",
        layout.language,
        pages=4,
        columns=layout.columns,
        matter=layout,
        chapters=layout.chapters[:2] or None,
    )
    texts = page_texts(made.path)
    assert {line.page for line in made.running} == {1, 2, 3, 4}
    for line in made.running:
        assert normalise(line.shown) in texts[line.page - 1]
        assert normalise(line.sought) in normalise(line.shown)
    assert made.headings == layout.chapters[:2]
    everything = "".join(texts)
    for heading in made.headings:
        on_pages = sum(line.sought == heading for line in made.running)
        assert everything.count(normalise(heading)) == on_pages + 1


def test_the_body_has_no_digits(tmp_path: Path) -> None:
    made = make_pdf(tmp_path, "made", "mixed", pages=3)
    assert not any(char.isdigit() for text in page_texts(made.path) for char in text)
    assert any(text.isascii() for text in made.sentences)
    assert any(not text.isascii() for text in made.sentences)


def test_the_lines_of_a_paragraph_are_the_paragraph() -> None:
    for language, sentences in (
        ("zh", ["甲乙丙丁，戊己庚。", "子丑寅卯。"]),
        ("en", ["One two three four.", "Five six."]),
    ):
        paragraph = Paragraph(language, sentences)
        position, lines = 0, []
        while position < len(paragraph.text):
            line = paragraph.line(position, 60)
            lines.append(line.text)
            position = line.end
        assert ("" if language == "zh" else " ").join(lines) == paragraph.text
        assert len(lines) > 2
        assert all(line[0] not in "，。" for line in lines)


def test_the_sentence_at_a_place() -> None:
    paragraph = Paragraph("en", ["One two.", "Three four."])
    assert paragraph.sentence_over(0) is None
    assert paragraph.sentence_over(4) == "One two."
    assert paragraph.sentence_over(9) is None
    assert paragraph.sentence_over(12) == "Three four."


def test_places_skip_what_is_kept_free() -> None:
    slots = Slots(columns=2, leading=100, top=0, bottom=250)
    slots.above(100)
    assert slots.left == 5
    places = []
    while slots.left:
        places.append((slots.x, slots.take()))
    assert len({x for x, _ in places}) == 2
    assert places[0][1] > 100
    assert [y for _, y in places] == [110.5, 210.5, 10.5, 110.5, 210.5]
    with pytest.raises(IndexError):
        slots.take()


def test_roman_numerals() -> None:
    assert [roman(n) for n in (1, 4, 9, 14, 29)] == ["i", "iv", "ix", "xiv", "xxix"]
