"""Entries of lists of references are paragraphs with a role of their own."""

from __future__ import annotations

from qa_engine.documents.blocks import Block, Line, Page, Role, Table
from qa_engine.documents.text_flow.builder import build_text
from qa_engine.documents.text_flow.pieces import Piece
from qa_engine.documents.text_flow.references import with_references


def piece(role: Role, *texts: str) -> Piece:
    return Piece(role, [Line(text, 1, 50, 100, 300, 110, 10, 0) for text in texts])


def shown(*pieces: Piece) -> list[tuple[str, str]]:
    return [(one.role.value, one.text) for one in with_references(pieces)]


def test_no_pieces() -> None:
    assert with_references([]) == []


def test_entries_end_at_the_next_heading() -> None:
    assert [role for role, _ in shown(
        piece(Role.BODY, "[1] shows it."),
        piece(Role.HEADING, "6. References"),
        piece(Role.LIST, "A. Lund. 2019. Buoys."),
        piece(Role.BODY, "B. Strand. 2020. Moorings."),
        piece(Role.TABLE, "1 2"),
        piece(Role.HEADING, "A Appendix"),
        piece(Role.BODY, "Buoys drifted."),
    )] == ["body", "heading", "reference", "reference", "table", "heading", "body"]  # fmt: skip


def test_entry_goes_on_behind_the_end_of_a_column() -> None:
    assert shown(
        piece(Role.HEADING, "参考文献"),
        piece(Role.LIST, "[1] 林舟. 浮标的"),
        piece(Role.BODY, "回收. 海岸, 2019."),
        piece(Role.LIST, "[2] 高帆. 锚链. 海岸, 2020."),
    )[1:] == [
        ("reference", "[1] 林舟. 浮标的 回收. 海岸, 2019."),
        ("reference", "[2] 高帆. 锚链. 海岸, 2020."),
    ]


def test_long_text_below_the_list_is_text() -> None:
    text = "The buoys that were lost in the gale drifted to the north. " * 5
    assert shown(piece(Role.HEADING, "References"), piece(Role.BODY, text))[1][0] == "body"


def test_a_section_about_references_is_no_list() -> None:
    found = shown(piece(Role.HEADING, "Use of references"), piece(Role.BODY, "They are checked in 2019."))
    assert found[1][0] == "body"


def test_a_table_behind_the_list_is_not_in_the_section_of_the_references() -> None:
    def block(role: Role, text: str, table: Table | None = None) -> Block:
        return Block(role, [Line(text, 1, 50, 100, 300, 110, 10, 0)], table)

    rows = Table([["Buoy", "Depth"], ["A", "7"]], [(50, 100, 300, 110)] * 2)
    page = Page(1, 600, 800, "layout")
    page.blocks = [
        block(Role.HEADING, "Drift of Buoys"),
        block(Role.HEADING, "2 References"),
        block(Role.LIST, "[1] A. Lund. Buoys. 2019."),
        block(Role.TABLE, "A 7", rows),
        block(Role.CAPTION, "Table 3: Depths."),
    ]
    text = build_text([page], 10)
    sections = {one.role.value: text.sections[one.section] for one in text.paragraphs}
    assert sections["reference"][-1] == "2 References"
    assert sections["table"] == (*sections["reference"][:-1], "Table 3: Depths.")
