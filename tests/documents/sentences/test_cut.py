"""What is too long is cut at the best mark into pieces of about the same length."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.documents.sentences.splitting import cut


def pieces(text: str, max_chars: int) -> list[str]:
    return [text[begin:end] for begin, end in cut(text, 0, len(text), max_chars)]


@pytest.mark.parametrize("length", [0, 1, 100])
def test_what_fits_is_left_alone(length: int) -> None:
    assert pieces("字" * length, 100) == ["字" * length]


@pytest.mark.parametrize("unit", ["字", "a", "1", "（", "”"])
def test_no_mark_gives_equal_pieces_and_no_tail(unit: str) -> None:
    assert [len(piece) for piece in pieces(unit * 405, 400)] == [203, 202]
    assert [len(piece) for piece in pieces(unit * 1201, 400)] in ([301, 300, 300, 300], [300, 301, 300, 300])


@pytest.mark.parametrize(
    ("best", "worse"),
    [
        ("；", "，、 。"),
        (";", ",: "),
        ("。", "，、 "),
        ("！”", "，、 "),
        (". ", ", "),
        ("，", "、 "),
        (", ", " : "),
        ("、", " "),
    ],
)
def test_best_mark_wins(best: str, worse: str) -> None:
    text = "".join(f"一些文字{mark}" for mark in worse * 5)
    text = text + "一些文字" + best + text
    first, *_ = pieces(text, len(text) - 5)
    assert first.endswith("一些文字" + best.strip())


def test_contents_page_is_cut_between_its_entries() -> None:
    entries = [f"{number}.1 标题，内容；说明 … {number * 3}" for number in range(1, 40)]
    for piece in pieces(" ".join(entries), 100):
        assert set(piece.strip().split(" ", 0)) and piece.strip().split(" … ")[-1].isdigit()
        assert piece.strip()[0].isdigit() and " 标题" in piece


def test_english_is_cut_between_words() -> None:
    words = ["wonderful"] * 60
    assert " ".join(piece.strip() for piece in pieces(" ".join(words), 100)).split() == words


@pytest.mark.parametrize(
    "whole", ["12,345.67", "Transformer", "www.example.com/a", "《很长的，书名》", "（见，附表）", "3.2%"]
)
def test_number_word_title_and_remark_stay_whole(whole: str) -> None:
    for between in ("", "汉字", "、", "，"):
        text = (whole + between + "的") * 40
        assert text.count(whole) == sum(piece.count(whole) for piece in pieces(text, 60))


def test_no_piece_begins_with_a_closing_mark_or_ends_with_an_opening_one() -> None:
    for piece in pieces("文字（文字）“文字”！" * 30, 50):
        assert piece[0] not in "）”！" and piece[-1] not in "（“"


def test_title_longer_than_the_limit_is_cut_all_the_same() -> None:
    assert all(len(piece) <= 50 for piece in pieces("《" + "字" * 70 + "》" + "字" * 20, 50))


_units = st.sampled_from(
    ["字", "a", "1", "，", "；", "。", ". ", ", ", " ", "《", "》", "（", "）", "…", " … 3 ", "3.2"]
)


@given(st.lists(_units, max_size=400).map("".join), st.integers(1, 120))
def test_pieces_are_the_text_fit_the_limit_and_are_no_crumbs(text: str, limit: int) -> None:
    found = pieces(text, limit)
    assert "".join(found) == text
    assert all(len(piece) <= limit for piece in found)
    if len(found) > 1:
        assert min(map(len, found)) >= limit // 6


@pytest.mark.parametrize("unit", ["…", "… 1", "（", "《a》", ",1", "a", " ", "；", ".)"])
def test_time_grows_with_the_length_only(unit: str) -> None:
    text = (unit * 200_000)[:200_000]
    began = time.process_time()
    cut(text, 0, len(text), 4000)
    assert time.process_time() - began < 2
