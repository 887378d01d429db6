"""Lines of fonts without a proper map: noticed one by one, where the rest of the page is fine."""

from __future__ import annotations

from pathlib import Path

import pymupdf
import pytest
from pdf_factory import WEST_LAKE

from qa_engine.documents.pages.lines.doubts import LOST, RARE, line_doubt, unmapped_fonts
from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.pdf.reading import read_pdf
from qa_engine.documents.pdf_document import PdfDocument
from qa_engine.documents.sentences.node_parser import SentenceNodeParser

NAMES = ["张翀宇", "叶堃", "魏钊", "赵珺瑶", "李祎", "孙赟", "周旻"]
DIGITS = "㐀丂丄丅七㐄丆丏丒丠"
"""What ten digits come out as where a map is wrong."""


def font_blocks(*texts: str, font: str = "F1") -> list[dict[str, object]]:
    return [{"lines": [{"spans": [{"font": font, "text": text} for text in texts]}]}]


@pytest.mark.parametrize(
    "text",
    ["", "39,700", "西湖平均水深为2.27米。", "\uf0b7 第一项", "岚峤智能装备有限公司", "哔哩哔哩（B站）", "阈值与熵",
     "李鬣、欧阳翯两人", "Größe: 12 µm", "α ≤ β，其中 x∈X"],
)  # fmt: skip
def test_proper_text_is_not_doubted(text: str) -> None:
    assert line_doubt(text, [{"font": "F1", "text": text}], frozenset()) == ""


def test_font_for_the_rare_characters_of_names_is_not_doubted() -> None:
    rare = [character for name in NAMES for character in name if character in "翀堃钊珺瑶祎赟旻"]
    assert unmapped_fonts(font_blocks(*rare)) == frozenset()
    assert unmapped_fonts(font_blocks(*WEST_LAKE)) == frozenset()


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("共有\ue012\ue013\ue014名学生", LOST),
        ("营业收入为\ufffd\ufffd\ufffd万元", LOST),
        ("营业收入为㐀丂丄万元", RARE),
        ("净利率为1㐀丂，上年为9", RARE),
        ("每股丂.丄元", RARE),
    ],
)
def test_line_with_lost_or_rare_digits_is_doubted(text: str, doubt: str) -> None:
    assert line_doubt(text, [], frozenset()) == doubt


def test_font_of_digits_without_a_map_is_found_by_its_runs() -> None:
    blocks = font_blocks("丂丠", "㐄七丂", "丅丆㐀") + font_blocks(*WEST_LAKE, font="F2")
    assert unmapped_fonts(blocks) == {"F1"}
    spans = [{"font": "F2", "text": "员工人数"}, {"font": "F1", "text": "七丂"}]
    assert line_doubt("员工人数七丂", spans, frozenset({"F1"})) == RARE
    assert line_doubt("员工人数七丂", spans, frozenset()) == ""


def broken_digits(path: Path) -> Path:
    """A page whose digits are of a font that maps them to rare Han characters; the rest of it is fine."""
    document = pymupdf.open()
    page = document.new_page()
    rows = [("公司员工总数为", "2", "4", "1", "人。"), ("年产量达到", "3", "9", "0", "吨。")]
    for number, text in enumerate(WEST_LAKE[1].split("。")[:2]):
        page.insert_text((72, 80 + 20 * number), f"{text}。", fontname="china-s", fontsize=10)
    for number, (before, *digits, after) in enumerate(rows):
        x, y = 72.0, 160 + 40 * number
        page.insert_text((x, y), before, fontname="china-s", fontsize=10)
        x += 10 * len(before)
        page.insert_text((x, y), "".join(digits), fontname="helv", fontsize=10)
        page.insert_text((x + 17, y), after, fontname="china-s", fontsize=10)
    pairs = "\n".join(f"<{ord(str(digit)):02x}> <{ord(DIGITS[digit]):04x}>" for digit in range(10))
    cmap = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n"
        f"1 begincodespacerange <00> <ff> endcodespacerange\n10 beginbfchar\n{pairs}\nendbfchar\nendcmap end end"
    )
    (font,) = [entry[0] for entry in page.get_fonts() if entry[3] == "Helvetica"]
    stream = document.get_new_xref()
    document.update_object(stream, "<<>>")
    document.update_stream(stream, cmap.encode())
    document.xref_set_key(font, "ToUnicode", f"{stream} 0 R")
    document.save(path)
    return path


def test_sentences_with_digits_of_a_broken_font_carry_the_doubt(tmp_path: Path) -> None:
    path = broken_digits(tmp_path / "staff.pdf")
    parsed = read_pdf(path, ReadingOptions(ocr="never", parser="fast"))
    nodes = SentenceNodeParser().get_nodes_from_documents([PdfDocument.of(parsed, path)])
    doubts = {node.get_content(): node.metadata.get("doubt") for node in nodes}
    assert [text for text, doubt in doubts.items() if doubt == RARE] == [
        "公司员工总数为丄七丂人。",
        "年产量达到丅丠㐀吨。",
    ]
    assert len(doubts) > 2
    assert all(doubt is None for text, doubt in doubts.items() if "西湖" in text)
