"""Letter-spaced words are read as words, and what only looks like them is not."""

from __future__ import annotations

import time

import pymupdf
import pytest
from pdf_factory import ENGLISH_FONT, LEFT, PdfBuilder

from qa_engine.documents.blocks import Line
from qa_engine.documents.pages.lines.letter_spacing import (
    Word,
    has_letter_spacing,
    without_letter_spacing,
)
from qa_engine.documents.pages.lines.text_layer import read_page_lines


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("合同编号：  H T - 2 0 2 4 - 0 3 1 7", "合同编号：  HT-2024-0317"),
        ("编号：H T 2 0 2 4", "编号：HT2024"),
        ("￥ 3 , 8 6 0 , 0 0 0 . 0 0 元", "￥3,860,000.00元"),
        ("2 0 2 4 年 5 月 8 日", "2024年5月8日"),
        ("日期：2 0 2 5 年3 月1 7 日起", "日期：2025年3月17日起"),
        ("C O N T R A C T  N O . 7 1", "CONTRACT  NO.71"),
        ("账号：6 2 2 2 0 2 1", "账号：6222021"),
    ],
)
def test_letter_spaced_word_is_joined(raw: str, read: str) -> None:
    assert has_letter_spacing(raw)
    assert without_letter_spacing(raw, (), 12) == read


@pytest.mark.parametrize(
    "raw",
    [
        "A B C D A B",
        "1 2 3 4 5 6",
        "3 5 4 4 2 5",
        "y = a x + b",
        "Y N Y Y N N",
        "x y z u v w",
        "他 是 一 个 人",
        "This is a b c line",
        "W I F I",
    ],
)
def test_other_single_characters_stay_apart(raw: str) -> None:
    assert not has_letter_spacing(raw)


def spaced(text: str, gap: float, word_gap: float) -> tuple[str, list[Word]]:
    words, x = [], 0.0
    for character in text:
        if character == " ":
            x += word_gap - gap
        else:
            words.append(Word(character, x, x + 6))
            x += 6 + gap
    return " ".join(word.text for word in words), words


def test_wider_gaps_are_between_words() -> None:
    raw, words = spaced("SALES CONTRACT", 3, 14)
    assert without_letter_spacing(raw, words, 12) == "SALES CONTRACT"


def test_uneven_gaps_are_those_of_columns() -> None:
    raw, words = spaced("HK7QX2", 3, 0)
    moved = [
        Word(word.text, word.x0 + index % 2 * 6, word.x1 + index % 2 * 6) for index, word in enumerate(words)
    ]
    assert without_letter_spacing(raw, moved, 12) == raw
    far, apart = spaced("HK7QX2", 30, 0)
    assert without_letter_spacing(far, apart, 12) == far


def lines_of(builder: PdfBuilder) -> list[Line]:
    with pymupdf.open(stream=builder.document.tobytes(), filetype="pdf") as document:
        return read_page_lines(document[0], 1).lines


def test_letter_spacing_of_a_page_is_read_by_its_gaps() -> None:
    builder = PdfBuilder().page()
    x = LEFT
    for character in "SALES CONTRACT":
        if character != " ":
            builder.put(character, x, 100)
        x += 5 if character == " " else pymupdf.get_text_length(character, ENGLISH_FONT, 11) + 2.5
    assert [line.text for line in lines_of(builder)] == ["SALES CONTRACT"]


@pytest.mark.parametrize("text", ["a " * 50_000, "1 ：" * 30_000, "A 1 " * 30_000])
def test_line_of_single_characters_without_end_is_no_trap(text: str) -> None:
    start = time.process_time()
    if has_letter_spacing(text):
        without_letter_spacing(text, (), 12)
    assert time.process_time() - start < 2
