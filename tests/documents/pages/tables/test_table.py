"""The cells of a table, the names of its columns, and what its rows say."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.documents.blocks import Rect, Table
from qa_engine.documents.pages.tables.header_rows import count_header_rows
from qa_engine.documents.pages.tables.row_texts import column_names, markdown, markdown_row, row_texts
from qa_engine.documents.pages.tables.table import build_table
from qa_engine.documents.pages.tables.words import Word

ROWS, COLUMNS = (100.0, 120.0, 140.0, 160.0), (72.0, 172.0, 272.0, 372.0, 472.0)
RECT = Rect(72, 100, 472, 160)


def word(text: str, x: float, y: float, width: float | None = None) -> Word:
    """A word whose middle is at ``x`` and ``y``."""
    half = (6.0 * len(text) if width is None else width) / 2
    return Word(x - half, y - 6, x + half, y + 6, text)


def cells(
    *words: Word, rows: tuple[float, ...] = ROWS, columns: tuple[float, ...] = COLUMNS
) -> list[list[str]]:
    table = build_table(RECT, rows, columns, words)
    assert table is not None
    return [list(row) for row in table.rows]


def grid(*rows: list[str]) -> list[Word]:
    return [
        word(text, 122 + 100 * column, 110 + 20 * row)
        for row, texts in enumerate(rows)
        for column, text in enumerate(texts)
        if text
    ]


def table(*rows: list[str], header_rows: int = 1) -> Table:
    return Table(rows, [(0, 0, 0, 0)] * len(rows), header_rows)


# -- no table


@pytest.mark.parametrize(
    ("rows", "columns", "words"),
    [
        ((), (), grid(["a", "b"])),
        ((100.0,), COLUMNS, grid(["a", "b"])),
        (ROWS, (72.0, 472.0), grid(["a", "b"])),
        (ROWS, COLUMNS, []),
        (ROWS, COLUMNS, grid(["a"])),
        (ROWS, COLUMNS, [word("far", 300, 500), word("away", 10, 110)]),
        (ROWS, COLUMNS, [word("\u200b", 122, 110), word("a", 222, 110)]),
    ],
    ids=["no edges", "one edge", "one column", "no words", "one cell", "words elsewhere", "unseen"],
)
def test_less_than_two_cells_are_no_table(
    rows: tuple[float, ...], columns: tuple[float, ...], words: list[Word]
) -> None:
    assert build_table(RECT, rows, columns, words) is None


# -- cells


def test_words_outside_of_the_table_are_left_out_and_those_at_its_edge_are_not() -> None:
    words = grid(["a", "b", "c", "d"], ["1", "2", "3", "4"])
    edge = [word("in", 473.5, 150), word("out", 300, 165), word("out", 480, 110)]
    assert cells(*words, *edge)[2] == ["", "", "", "in"]


def test_empty_rows_and_columns_are_left_out_with_their_boxes() -> None:
    found = build_table(RECT, ROWS, COLUMNS, grid(["a", "", "", "b"], [], ["c", "", "", "d"]))
    assert found is not None
    assert [list(row) for row in found.rows] == [["a", "b"], ["c", "d"]]
    assert found.boxes == [(72, 100, 472, 120), (72, 140, 472, 160)]


def test_word_in_the_middle_of_an_edge_is_in_one_cell() -> None:
    assert cells(word("edge", 172, 120), *grid(["", "", "x"])) == [["", "x"], ["edge", ""]]


def test_text_over_an_edge_is_not_torn() -> None:
    words = [word("Net", 162, 110), word("income", 192, 110), *grid([], ["a", "b", "c", "d"])]
    assert cells(*words)[0] == ["Net income", "", "", ""]


def test_word_that_reaches_over_an_edge_a_little_stays_where_most_of_it_is() -> None:
    assert cells(word("income", 190, 110, width=44), *grid([], ["a", "b", "c", "d"]))[0] == [
        "",
        "income",
        "",
        "",
    ]


def test_numbers_that_stand_close_are_in_cells_of_their_own() -> None:
    words = [word("12", 164, 110, width=14), word("34", 180, 110, width=14), *grid(["", "", "x"])]
    assert cells(*words) == [["12", "34", "x"]]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([word("second", 122, 118), word("line", 122, 105), word("one", 145, 104)], "line one second"),
        ([word("营业", 122, 105), word("收入", 122, 117)], "营业收入"),
        ([word("\u2f00\u2f8f", 122, 110)], "一行"),
        ([word("\uf0b7", 110, 110), word("item", 130, 110)], "• item"),
        ([word("2023", 110, 110), word("年", 130, 110)], "2023年"),
    ],
    ids=["lines", "Chinese lines", "radicals", "bullet", "digits"],
)
def test_words_of_a_cell_are_joined_and_cleaned(words: list[Word], text: str) -> None:
    assert cells(*words, *grid(["", "x"]))[0][0] == text


@given(
    st.lists(st.builds(word, st.sampled_from(["a", "12", "西湖"]), st.floats(80, 460), st.floats(102, 158)))
)
def test_no_word_is_lost_or_doubled(words: list[Word]) -> None:
    found = build_table(RECT, ROWS, COLUMNS, [*words, word("xx", 80, 150), word("yy", 460, 150)])
    assert found is not None
    read = "".join(cell for row in found.rows for cell in row).replace(" ", "")
    written = "".join(w.text for w in words) + "xxyy"
    assert not Counter(written) - Counter(read)
    repeated = any(
        a and a == b for upper, lower in pairwise(found.rows) for a, b in zip(upper, lower, strict=True)
    )
    if found.header_rows < 2 and not repeated:  # a name or a label may be given to all that it spans
        assert sorted(read) == sorted(written)
    assert len({len(row) for row in found.rows}) == 1


# -- header


@pytest.mark.parametrize(
    ("rows", "count"),
    [
        ([["a", "b"]], 0),
        ([["Name", "City"], ["Ann", "Bonn"]], 1),
        ([["项目", "2023年", "2022年"], ["收入", "1", "2"]], 1),
        ([["项目", "2023", "2022"], ["收入", "1", "2"]], 1),
        ([["Date", "2023-12-31", "2022-12-31"], ["Cash", "1", "2"]], 1),
        ([["Year", "2023"], ["Sales", "5"]], 1),
        ([["甲", "1", "2"], ["乙", "3", "4"]], 0),
        ([["2020", "1.5%"], ["2021", "（3）"]], 0),
        ([["甲", "—", "n/a"], ["乙", "￥", "x"]], 0),
        ([["项目", "收入", "", "利润"], ["", "2023", "2022", ""], ["甲", "1", "2", "3"]], 2),
        ([["", "男", "女"], ["姓名", "张三", "李四"]], 1),
        ([["Group", "A", ""], ["One", "x", "y"]], 1),
        ([["", "A", "", ""], ["", "B", "C", ""], ["n", "D", "E", "F"], ["", "", "", "x"], ["1", "2", "3", "4"]], 3),
    ],
    ids=[
        "single row", "words", "years in Chinese", "bare years", "dates", "one year", "figures", "shares", "dashes",
        "two levels", "empty corner", "full first cells", "at most three",
    ],
)  # fmt: skip
def test_rows_that_name_the_columns_are_counted(rows: list[list[str]], count: int) -> None:
    assert count_header_rows(rows) == count


def test_names_over_several_columns_are_given_to_each_of_them() -> None:
    columns = (*(72.0 + 60 * n for n in range(7)), 492.0)
    centres = [(left + right) / 2 for left, right in pairwise(columns)]
    words = [
        word("SQuAD", centres[2], 110),
        word("Natural", centres[5] - 27, 110),
        word("sets", centres[5] + 9, 110),
    ]
    words += [
        word(t, x, 130) for t, x in zip(["Model", "F1", "P", "R", "F1", "P", "R"], centres, strict=True)
    ]
    words += [word(str(n), x, 150) for n, x in enumerate(centres)]
    found = build_table(Rect(72, 100, 492, 160), ROWS, columns, words)
    assert found is not None
    assert column_names(found) == [
        "Model", "SQuAD F1", "SQuAD P", "SQuAD R", "Natural sets F1", "Natural sets P", "Natural sets R",
    ]  # fmt: skip


@pytest.mark.parametrize("x", [222, 267, 272], ids=["left", "nearly centred", "centred on the edge"])
def test_name_over_two_columns_does_not_reach_the_next(x: float) -> None:
    words = [word("Item", 122, 110), word("2023", x, 110), word("Note", 422, 110)]
    found = build_table(RECT, ROWS, COLUMNS, [*words, *grid([], ["", "Q1", "Q2"], ["a", "1", "2", "b"])])
    assert found is not None
    assert column_names(found) == ["Item", "2023 Q1", "2023 Q2", "Note"]


def test_column_beside_those_of_a_common_name_gets_none() -> None:
    rows = ["Model", "Size", "P", "R"], ["a", "7B", "1", "2"]
    found = build_table(RECT, ROWS, COLUMNS, [word("Scores", 372, 110), *grid([], *rows)])
    assert found is not None
    assert column_names(found) == ["Model", "Size", "Scores P", "Scores R"]


def test_name_that_is_written_in_both_header_rows_is_given_once() -> None:
    assert column_names(table(["Item", "Sum"], ["", "Sum"], header_rows=2)) == ["Item", "Sum"]
    assert column_names(table(["a", "b"], header_rows=0)) == ["", ""]


# -- what rows say


@pytest.mark.parametrize(
    ("rows", "header_rows", "said"),
    [
        ([["项目", "2023年"], ["收入", "5"]], 1, [["项目：收入；2023年：5"]]),
        ([["Model", "Size", "F1"], ["Llama", "7B", "62"]], 1, [["Model: Llama; Size: 7B; F1: 62"]]),
        ([["", "2023"], ["Sales", "5"]], 1, [["Sales; 2023: 5"]]),
        ([["a", "b"], ["c", "d"]], 0, [["a; b"], ["c; d"]]),
        ([["项目", "值"], ["甲", "1"], ["", "2"]], 1, [["项目：甲；值：1"], ["项目：甲；值：2"]]),
        ([["项目", "值"], ["流动资产：", ""], ["现金", "1"]], 1, [["流动资产："], ["项目：现金；值：1"]]),
        ([["a", "b", "c"], ["x", "", "z"]], 1, [["a: x; c: z"]]),
        ([["a", "b"], ["x", "b"]], 1, [["a: x; b"]]),
        ([["a", "b"]], 1, []),
    ],
    ids=[
        "Chinese",
        "English",
        "no corner",
        "no header",
        "spanned",
        "heading",
        "gap",
        "name again",
        "header only",
    ],
)
def test_row_says_its_cells_with_the_names_of_their_columns(
    rows: list[list[str]], header_rows: int, said: list[list[str]]
) -> None:
    assert row_texts(table(*rows, header_rows=header_rows)) == said


def test_names_can_come_from_the_page_before() -> None:
    assert row_texts(table(["x", "1"], header_rows=0), ["Item", "Sum"]) == [["Item: x; Sum: 1"]]


def test_long_row_is_told_in_pieces_that_begin_with_the_first_cell() -> None:
    row = ["甲公司", *(f"第{number}项的说明" for number in range(20))]
    (pieces,) = row_texts(table(["名称", *("栏" * 3 for _ in range(20))], row), max_chars=60)
    assert len(pieces) > 2
    assert all(piece.startswith("名称：甲公司；") and len(piece) <= 60 for piece in pieces)
    assert all(any(cell in piece for piece in pieces) for cell in row)


def test_cell_that_is_too_long_for_a_piece_is_cut_at_its_sentences() -> None:
    rows = ["条款", "说明"], ["第一条", "合同自签字之日起生效。" * 20]
    (pieces,) = row_texts(table(*rows), max_chars=80)
    assert all(piece.startswith("条款：第一条；说明：") and len(piece) <= 80 for piece in pieces)
    assert sum(piece.count("合同自签字之日起生效。") for piece in pieces) == 20


def test_note_of_one_long_cell_is_cut() -> None:
    (pieces,) = row_texts(table(["a", "b"], ["注：数据来自年报。" * 30, ""]), max_chars=100)
    assert "".join(pieces) == "注：数据来自年报。" * 30
    assert all(len(piece) <= 100 for piece in pieces)


_cells = st.text(st.sampled_from("ab 西湖，。|1"), max_size=120).map(lambda text: " ".join(text.split()))


@given(st.lists(_cells, min_size=3, max_size=3), st.integers(50, 200))
def test_pieces_keep_every_letter_and_the_limit(row: list[str], limit: int) -> None:
    (pieces,) = row_texts(table(["x", "y", "z"], [row[0][:20], *row[1:]]), max_chars=limit)
    assert all(len(piece) <= limit for piece in pieces)
    said = "".join(pieces)
    assert all(said.count(letter) >= "".join(row[1:]).count(letter) for letter in "ab西湖1|")


# -- Markdown


def test_markdown_has_one_header_and_escapes_pipes() -> None:
    made = table(["", "A", "A"], ["n", "x|y", "z"], ["1", "a|b", ""], header_rows=2)
    assert markdown(made) == "| n | A x\\|y | A z |\n| --- | --- | --- |\n| 1 | a\\|b |  |"


def test_markdown_without_header_has_empty_names() -> None:
    assert markdown(table(["a", "b"], header_rows=0)) == "|  |  |\n| --- | --- |\n| a | b |"
    assert markdown_row([]) == "|  |"


@pytest.mark.parametrize(
    "above",
    [
        ["", "", "单位：元 币种：人民币"],
        ["编制单位：云岭机床股份有限公司", "", "单位：万元"],
        ["", "2022年12月31日", "（金额单位：人民币千元）"],
    ],
)
def test_unit_of_a_statement_above_its_header_names_no_column(above: list[str]) -> None:
    words = grid(above, ["项目", "2022年", "2021年"], ["货币资金", "1,438.20", "1,314.60"])
    assert cells(*words)[0] == ["项目", "2022年", "2021年"]


def test_unit_in_the_corner_of_a_header_stays() -> None:
    words = grid(["单位：元", "2022年", "2021年"], ["货币资金", "1,438.20", "1,314.60"])
    assert cells(*words)[0] == ["单位：元", "2022年", "2021年"]
