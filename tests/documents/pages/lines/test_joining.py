"""Pieces joined to lines, and lines to running text: a blank, nothing, or a hyphen that goes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.documents.blocks import Line
from qa_engine.documents.pages.lines.joining import (
    baseline_overlap,
    join_pieces,
    line_end,
    rows_of,
    word_counts,
)


def piece(text: str, x0: float = 72, y0: float = 100, x1: float | None = None, **more: object) -> Line:
    fields: dict[str, object] = {"y1": y0 + 12, "size": 10.0, "block": 0, **more}
    return Line(text, 1, x0, y0, x0 + 6 * len(text) if x1 is None else x1, **fields)  # type: ignore[arg-type]


def texts(rows: list[list[Line]]) -> list[list[str]]:
    return [[piece.text for piece in row] for row in rows]


# -- rows


def test_no_pieces_make_no_rows() -> None:
    assert rows_of([]) == []


@pytest.mark.parametrize(
    ("second", "same"),
    [
        (piece("b", 200), True),
        (piece("b", 200, 104), True),
        (piece("b", 200, 98, y1=104.5, size=6), True),
        (piece("b", 200, 107), False),
        (piece("b", 200, 112), False),
        (piece("b", 200, 106, y1=106), False),
    ],
    ids=["level", "a little lower", "a raised number", "half a line lower", "next line", "no height"],
)
def test_pieces_are_of_one_row_if_they_are_beside_each_other(second: Line, same: bool) -> None:
    assert (len(rows_of([piece("a"), second])) == 1) is same


def test_rows_come_from_top_to_bottom_and_their_pieces_from_left_to_right() -> None:
    pieces = [piece("d", 300, 130), piece("b", 300, 101), piece("c", 72, 130), piece("a", 72, 100)]
    assert texts(rows_of(pieces)) == [["a", "b"], ["c", "d"]]


def test_lines_that_lie_close_are_not_chained_into_one_row() -> None:
    pieces = [piece(str(number), 72, 100 + 9 * number) for number in range(20)]
    assert [len(row) for row in rows_of(pieces)] == [1] * 20


_pieces = st.builds(
    piece, st.sampled_from(["a", "bc"]), st.floats(0, 500), st.floats(0, 300), y1=st.floats(0, 320)
)


@given(st.lists(_pieces, max_size=25))
def test_every_piece_is_in_one_row(pieces: list[Line]) -> None:
    found = [id(piece) for row in rows_of(pieces) for piece in row]
    assert sorted(found) == sorted(id(piece) for piece in pieces)
    assert all(row == sorted(row, key=lambda piece: piece.x0) for row in rows_of(pieces))


# -- joining


def test_joined_line_spans_its_pieces_and_takes_the_look_of_the_longest() -> None:
    row = [
        piece("1", 72, 98, size=14.0, bold=True, block=3),
        piece("Introduction", 100, 100, y1=115, size=12.0, block=4),
    ]
    line = join_pieces(row)
    assert (line.text, line.size, line.bold, line.block) == ("1 Introduction", 12.0, False, 3)
    assert (line.x0, line.y0, line.x1, line.y1) == (72, 98, 172, 115)


def test_places_where_sentences_may_end_move_with_their_pieces() -> None:
    row = [piece("A. B", cuts=((3, 80.0),)), piece("C. D", 200, cuts=((3, 210.0),))]
    assert join_pieces(row).cuts == ((3, 80.0), (5, 200), (8, 210.0))


@pytest.mark.parametrize(
    ("texts", "gaps", "whole"),
    [
        ("合同书", (60, 60), "合同书"),
        ("合同书", (60, 90), "合 同 书"),
        ("ABC", (60, 60), "A B C"),
        (["合同", "书"], (60,), "合同 书"),
    ],
)
def test_spread_title_has_no_blanks(texts: Sequence[str], gaps: Sequence[float], whole: str) -> None:
    row, x = [], 100.0
    for text, gap in zip(texts, (*gaps, 0), strict=True):
        row.append(piece(text, x, x1=x + 12 * len(text)))
        x += gap
    assert join_pieces(row).text == whole


def test_single_piece_stays_as_it_is() -> None:
    line = piece("A. B", cuts=((3, 80.0),), bold=True)
    assert join_pieces([line]) == line


# -- overlap


@pytest.mark.parametrize(
    ("second", "share"),
    [
        (piece("b"), 1.0),
        (piece("b", y0=106), 0.5),
        (piece("b", y0=103, y1=109), 1.0),
        (piece("b", y0=112), 0.0),
        (piece("b", y0=118), -0.5),
    ],
    ids=["level", "half", "inside", "touching", "apart"],
)
def test_overlap_is_the_share_of_the_lower_of_two_lines(second: Line, share: float) -> None:
    assert baseline_overlap(piece("a"), second) == pytest.approx(share)
    assert baseline_overlap(second, piece("a")) == pytest.approx(share)


def test_overlap_of_lines_without_height_is_no_division_by_zero() -> None:
    flat = piece("a", y1=100)
    assert baseline_overlap(flat, flat) == 0.0


# -- line ends

NONE = Counter[str]()


def joined_lines(text: str, following: str, *elsewhere: str) -> str:
    return line_end(text, following, word_counts(elsewhere)) + following


# -- hyphens


@pytest.mark.parametrize(
    ("text", "following", "elsewhere", "whole"),
    [
        ("we develop pre-", "trained models", "", "we develop pretrained models"),
        ("the well-", "known one", "a well-known method", "the well-known one"),
        ("the well-", "known one", "wellknown, wellknown, well-known", "the wellknown one"),
        ("the state-of-the-", "art model", "", "the state-of-the-art model"),
        ("the state-", "of-the-art model", "", "the state-of-the-art model"),
        ("we use fine-tun-", "ing here", "tuning", "we use fine-tuning here"),
        ("Pre- and post-train-", "ing", "training", "Pre- and post-training"),
        ("both pre-", "and post-training", "", "both pre- and post-training"),
        ("a thous-", "and times", "thousand", "a thousand times"),
        ("the Llama-", "Chat model", "", "the Llama-Chat model"),
        ("the GPT-", "4 model", "", "the GPT-4 model"),
        ("from 2010–", "2015 on", "", "from 2010–2015 on"),
        ("pages 2-", "5 of it", "", "pages 2-5 of it"),
        ("a 10-", "year plan", "", "a 10-year plan"),
        ("and/", "or", "", "and/or"),
        ("devel\u00ad", "opment", "", "development"),
        ("the Über-", "sicht", "", "the Übersicht"),
        ("a dash -", "and more", "", "a dash - and more"),
        ("采用fine-", "tuning方法", "fine-tuning", "采用fine-tuning方法"),
        ("感染COVID-", "19的患者", "", "感染COVID-19的患者"),
    ],
    ids=str,
)
def test_hyphen_at_the_end_of_a_line(text: str, following: str, elsewhere: str, whole: str) -> None:
    assert joined_lines(text, following, elsewhere) == whole


def test_words_are_counted_without_regard_to_case_and_chinese_is_left_out() -> None:
    counts = word_counts(["Well-known methods", "采用well-known方法"])
    assert counts == Counter({"well-known": 2, "methods": 1})


# -- addresses


@pytest.mark.parametrize("end", ["/", "-", "_", "=", "&", "?", "."])
@pytest.mark.parametrize("start", ["https://a.org/x", "http://a.org", "www.a.org/x"])
def test_address_goes_on_without_a_blank(start: str, end: str) -> None:
    assert joined_lines(f"see {start}{end}", "path", "") == f"see {start}{end}path"


@pytest.mark.parametrize(
    ("text", "following"),
    [("See https://a.org.", "The next"), ("See https://a.org", "for more"), ("See www.a.org/ for", "more")],
    ids=["full stop", "no mark", "words after it"],
)
def test_address_that_is_over_is_followed_by_a_blank(text: str, following: str) -> None:
    assert joined_lines(text, following) == f"{text} {following}"


# -- Chinese, English, and both


@pytest.mark.parametrize(
    ("text", "following", "whole"),
    [
        ("西湖位于", "杭州市", "西湖位于杭州市"),
        ("Jupiter is", "large", "Jupiter is large"),
        ("模型使用", "Llama 2", "模型使用Llama 2"),
        ("使用 Llama", "模型", "使用 Llama模型"),
        ("参数为", "70亿", "参数为70亿"),
        ("共 70", "亿元", "共 70亿元"),
        ("in 2019", "2020 models", "in 2019 2020 models"),
        ("三个模型，", "OK", "三个模型，OK"),
        ("the model", "（见附录）", "the model（见附录）"),
        ("（Llama）", "is", "（Llama）is"),
        ("３．５", "percent", "３．５percent"),
        ("他说：“好”", "然后", "他说：“好”然后"),
        ("他说：“好”", "OK", "他说：“好”OK"),
        ("他说", "“好”", "他说“好”"),
        ("use Llama", "“好”", "use Llama“好”"),
        ("he said “yes”", "and left", "he said “yes” and left"),
        ("he said", "“yes”", "he said “yes”"),
        ("the teachers’", "room", "the teachers’ room"),
        ("and so on…", "but then", "and so on… but then"),
        ("等等…", "but", "等等…but"),
        ("”", "x", "” x"),
        ("x", "y", "x y"),
    ],
    ids=str,
)
def test_blank_between_lines(text: str, following: str, whole: str) -> None:
    assert joined_lines(text, following) == whole


_texts = st.text(st.sampled_from("ab A9-–/.…’”“，。西湖\u00adé"), min_size=1, max_size=12).map(str.strip)


@given(_texts.filter(bool), _texts.filter(bool))
def test_nothing_but_a_hyphen_is_lost_and_nothing_but_a_blank_is_added(text: str, following: str) -> None:
    end = line_end(text, following, NONE)
    assert end in {text, f"{text} "} or (text[-1] in "-\u00ad" and end == text[:-1])


@pytest.mark.parametrize("text", ["a" * 100_000, "a" * 100_000 + "1-", "a-" * 50_000 + "1-", "www." * 30_000])
def test_line_of_a_hundred_thousand_letters_is_no_trap(text: str) -> None:
    start = time.process_time()
    assert line_end(text, "b", NONE).startswith(text)
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("left", "gap", "right", "joined"),
    [
        ("第1", 3, "章总则", "第1章总则"),
        ("第", 3, "12条", "第12条"),
        ("第1", 20, "季度", "第1 季度"),
        ("1", 3, "总则", "1 总则"),
    ],
)
def test_number_in_another_font_is_part_of_its_word(left: str, gap: float, right: str, joined: str) -> None:
    pieces = [Line(left, 1, 72, 100, 92, 112, 12, 0), Line(right, 1, 92 + gap, 100, 200, 112, 12, 0)]
    assert join_pieces(pieces).text == joined
