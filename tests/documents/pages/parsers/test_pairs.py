"""Labels beside their values, made pairs: what looks like them and is not comes first."""

from __future__ import annotations

from pathlib import Path

import pytest
from pdf_factory import CHINESE_FONT, PdfBuilder

from qa_engine.documents.blocks import Line, Rect, Role
from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.pages.parsers.layout import build_blocks
from qa_engine.documents.pages.parsers.layout_model import LayoutBox
from qa_engine.documents.pages.parsers.pairs import take_pairs
from qa_engine.documents.pages.tables.row_texts import row_texts
from qa_engine.documents.pages.tables.rules import Rule, Rules
from qa_engine.documents.pages.tables.words import Word
from qa_engine.documents.pdf.reading import read_pdf

SIZE = 10.0


def piece(text: str, y: float, x0: float, right: float | None = None, bold: bool = False) -> Line:
    """A line at a place: it begins at ``x0``, or ends at ``right``."""
    width = SIZE * sum(1.0 if ord(character) > 0x2E7F else 0.5 for character in text)
    left = x0 if right is None else right - width
    return Line(text, 1, left, y, left + width, y + 12, SIZE, 0, bold)


def column(texts: list[str], x0: float, top: float = 100, leading: float = 16) -> list[Line]:
    return [piece(text, top + leading * number, x0) for number, text in enumerate(texts) if text]


def pairs(*pieces: Line) -> list[list[str]]:
    """The rows of all lists of pairs."""
    return [list(row) for block in take_pairs(pieces)[0] if block.table for row in block.table.rows]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ([], []),
        (["西湖位于市西部。", "水深约为二米，", "游客很多。"], ["雷峰塔建于宋，", "现在的塔重建于", "本世纪初。"]),
        (["绪论", "方法", "结果"], ["1", "9", "31"]),
        (["Ann Lee", "Uppsala"], ["Bo Chen", "Xiamen"]),
        (["授权代表：沈甲", "日期：3月2日"], ["授权代表：周乙", "日期：3月2日"]),
        (["1.", "2.", "3."], ["first of all", "then the rest", "and the end"]),
        (["x + y", "2020", "31"], ["= 3", "= 4", "= 5"]),
    ],
    ids=["nothing", "columns of text", "contents", "authors", "signatures", "list", "no words"],
)  # fmt: skip
def test_what_is_no_label_beside_a_value_is_left_alone(left: list[str], right: list[str]) -> None:
    pieces = [*column(left, 72), *column(right, 240)]
    assert take_pairs(pieces) == ([], pieces)


def test_third_column_makes_a_table_that_is_left_alone() -> None:
    keys, values = ["规格型号", "数量", "单价"], ["LQ-1", "LQ-2", "LQ-3"]
    assert pairs(*column(keys, 72), *column(values, 200), *column(values, 330)) == []


def test_column_of_text_beside_a_box_is_no_third_column() -> None:
    prose = column(["本季度销量增长的主要原因是春节备货提前到来和渠道下沉"] * 12, 72, 60)
    keys, values = ["行业", "6个月评级", "当前价格"], ["食品饮料", "买入（维持评级）", "73.32元"]
    found = pairs(
        *prose, *column(keys, 380), *[piece(value, 100 + 16 * n, 0, 560) for n, value in enumerate(values)]
    )
    assert found == [["行业", "食品饮料"], ["6个月评级", "买入（维持评级）"], ["当前价格", "73.32元"]]


def test_two_pairs_need_usual_labels() -> None:
    assert pairs(*column(["春天", "秋天"], 72), *column(["种树", "收割"], 240)) == []
    assert pairs(*column(["甲方", "乙方"], 72), *column(["澄湖公司", "岚峤公司"], 240)) == [
        ["甲方", "澄湖公司"],
        ["乙方", "岚峤公司"],
    ]


def test_colons_and_bold_labels_tell_pairs() -> None:
    values = column(["铝", "黑", "随机"], 240)
    assert pairs(*column(["外壳", "颜色", "配件"], 72), *values) == []
    assert pairs(*column(["外壳：", "颜色：", "配件："], 72), *values)[0] == ["外壳", "铝"]
    bold = [
        piece(text, 100 + 16 * number, 72, bold=True) for number, text in enumerate(["外壳", "颜色", "配件"])
    ]
    assert pairs(*bold, *values)[2] == ["配件", "随机"]


def test_label_of_two_lines_around_its_value_is_whole() -> None:
    pieces = [
        piece("总市值(亿元)", 100, 72), piece("35.4", 100, 0, 300),
        piece("流通股本(百万", 120, 72), piece("483.97", 127, 0, 300), piece("股)", 134, 72),
        piece("负债率(%)", 154, 72), piece("65.10", 154, 0, 300),
    ]  # fmt: skip
    assert pairs(*pieces) == [
        ["总市值(亿元)", "35.4"],
        ["流通股本(百万股)", "483.97"],
        ["负债率(%)", "65.10"],
    ]


def test_index_in_two_columns_is_no_list_of_pairs() -> None:
    left = column(
        ["peer review, 12", "permissions:", "licences, 40", "permission culture:", "piracy, 66"], 72
    )
    right = column([f"entry {number}, 1{number}" for number in range(5)], 240)
    assert pairs(*left, *right) == []


def test_first_row_names_the_numbers_below() -> None:
    left, right = ["Fiscal Year", "Fiscal 2024", "Thereafter"], ["Amount", "61", "56"]
    (block,), _ = take_pairs([*column(left, 72), *column(right, 240)])
    assert block.table is not None
    assert row_texts(block.table) == [
        ["Fiscal Year: Fiscal 2024; Amount: 61"],
        ["Fiscal Year: Thereafter; Amount: 56"],
    ]


def test_year_above_the_values_names_them() -> None:
    pieces = [
        *column(["", "营业收入", "营业成本", "毛利"], 72),
        *column(["2023年", "39,700", "21,600", "18,100"], 240),
    ]
    (block,), rest = take_pairs(pieces)
    assert rest == []
    assert block.table is not None and not block.table.key_value
    assert row_texts(block.table)[0] == ["营业收入；2023年: 39,700"]


def test_labelled_values_of_one_row_are_fields() -> None:
    row = [
        piece("法定代表人：张某", 100, 72),
        piece("会计主管：孙某", 100, 240),
        piece("审核：袁某", 100, 400),
    ]
    blocks, rest = take_pairs(row)
    assert [(block.role, block.lines[0].text) for block in blocks] == [
        (Role.FIELD, part.text) for part in row
    ]
    assert rest == []
    addresses = [*column(["上海", "电话：021-5550"], 72), *column(["北京", "电话：010-5550"], 240)]
    assert take_pairs(addresses) == ([], addresses)
    unit = [piece("单位：元", 100, 300), piece("币种：人民币", 100, 400)]
    assert take_pairs(unit) == ([], unit)


def test_title_between_two_boxes_parts_them() -> None:
    pieces = [
        *column(["评级", "目标价", "", "总股本", "净资产"], 72),
        *column(["买入", "21元", "", "4.8", "5.4"], 240),
    ]
    blocks, rest = take_pairs([*pieces, piece("基本数据", 132, 72)])
    assert [len(block.lines) for block in blocks] == [2, 2]
    assert [line.text for line in rest] == ["基本数据"]


def test_sign_of_a_currency_and_a_second_line_belong_to_the_value() -> None:
    pieces = [
        *column(["Price", "Address"], 72), piece("$", 100, 240), piece("21", 100, 290, 300),
        piece("83 Tower Road", 116, 240), piece("Bristol", 128, 240),
    ]  # fmt: skip
    assert pairs(*pieces) == [["Price", "$ 21"], ["Address", "83 Tower Road Bristol"]]


def test_titles_of_boxes_are_captions_where_the_model_sees_a_table_without_cells() -> None:
    pieces = [piece("基本数据", 84, 72), *column(["评级", "目标价"], 72), *column(["买入", "21元"], 240)]
    blocks = build_blocks(pieces, [LayoutBox(Role.TABLE, Rect(70, 80, 300, 140))], [], 595, 842)
    assert [(block.role, block.table is None) for block in blocks] == [
        (Role.CAPTION, True),
        (Role.TABLE, False),
    ]


@pytest.mark.parametrize(
    ("first", "bold", "rules", "keys"),
    [
        (("Leasehold land", "Over lease term"), False, Rules(), True),
        (("Leasehold land", "Over lease term"), True, Rules(), False),
        (("Leasehold land", "Over lease term"), False, Rules([Rule(114, 70, 400)], []), False),
        (("Leasehold land", "Over lease term"), False, Rules(shades=[Rect(70, 98, 420, 114)]), False),
        (("Asset", "Description"), False, Rules(), False),
        (("Party", "Lease term"), False, Rules(), False),
    ],
    ids=["plain", "bold", "ruled", "shaded", "name of values", "usual name"],
)
def test_plain_first_row_between_no_rules_is_a_pair(
    first: tuple[str, str], bold: bool, rules: Rules, keys: bool
) -> None:
    texts = [
        first,
        ("Buildings", "Up to many years"),
        ("Machinery", "Some years"),
        ("Leases", "Lease term or less"),
    ]
    pieces = [
        piece(text, 100 + 16 * number, x, bold=bold and not number)
        for number, row in enumerate(texts)
        for x, text in zip((72, 240), row, strict=True)
    ]
    words = [Word(line.x0, line.y0, line.x1, line.y1, line.text) for line in pieces]
    box = LayoutBox(Role.TABLE, Rect(70, 98, 420, 166), [98, 114, 130, 146, 166], [70, 230, 420])
    (block,) = build_blocks(pieces, [box], words, 595, 842, lambda: rules)
    assert block.table is not None
    assert (block.table.header_rows, block.table.key_value) == ((0, True) if keys else (1, False))


def test_each_pair_of_a_cover_is_a_sentence_with_its_box(tmp_path: Path) -> None:
    builder = PdfBuilder(CHINESE_FONT)
    page = builder.page()
    for number, (label, value) in enumerate(
        [("合同编号", "HT-2024-17"), ("甲方（买方）", "澄湖公司"), ("签订日期", "2024年5月8日")]
    ):
        page.lines([label], x=110, y=200 + 28 * number)
        page.lines([value], x=240, y=200 + 28 * number)
    document = read_pdf(builder.save(tmp_path / "cover.pdf"), ReadingOptions(parser="fast"))
    texts = [text for paragraph in document.paragraphs for text in paragraph.row_texts]
    assert texts == ["合同编号：HT-2024-17", "甲方（买方）：澄湖公司", "签订日期：2024年5月8日"]
    assert all(span.x0 < 115 and span.x1 > 280 for span in document.spans)
