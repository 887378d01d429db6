"""Numbers of lines in the margin: out; numbers of lists and tables: stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from pdf_factory import CHINESE_FONT, ENGLISH_FONT, PdfBuilder, wrap

from qa_engine.documents.blocks import Line
from qa_engine.documents.pages.lines.line_numbers import without_line_numbers
from qa_engine.documents.pages.page_reader import ReadingOptions
from qa_engine.documents.pdf.reading import read_pdf

PROSE = (
    "第一条 承租人应当在每季度首月的十日前支付租金，逾期超过三十日的，出租人有权解除合同并收回房屋，押金不予退还。"
    "承租人不得擅自改变房屋的结构和用途，需要装修的，应当事先取得出租人的书面同意，费用由承租人自行承担。"
    "租赁期届满，承租人应当将房屋恢复原状，经出租人验收合格后退还押金；双方可以另行约定续租，租金随市场调整。"
) * 5
ARGUMENT = (
    "The court below held that the lease had expired and that no notice was required, because the tenant had left the "
    "premises in March and had returned the keys to the agent of the owner, who accepted them without reservation. "
) * 5


def prose(font: str) -> list[str]:
    return wrap(PROSE if font == CHINESE_FONT else ARGUMENT, 380, font)


def numbered(
    path: Path,
    lines: Sequence[str],
    font: str,
    *,
    x: float,
    every: int = 1,
    first: int = 1,
    leading: float = 22,
) -> str:
    builder = PdfBuilder(font)
    for page in range(2):
        builder.page()
        for row, text in enumerate(lines if page == 0 else reversed(lines)):
            y = 110 + row * leading
            builder.put(text, 110, y)
            number = first + row + page * len(lines) * (first > 1)
            if number % every == 0:
                builder.put(str(number), x, y)
    return read_pdf(builder.save(path), ReadingOptions(parser="fast", ocr="never")).text


@pytest.mark.parametrize("font", [CHINESE_FONT, ENGLISH_FONT])
@pytest.mark.parametrize(
    "layout",
    [
        {"x": 80},
        {"x": 98},
        {"x": 520},
        {"x": 80, "every": 5},
        {"x": 80, "first": 101},
        {"x": 80, "leading": 14},
    ],
    ids=str,
)
def test_numbers_of_lines_are_out(tmp_path: Path, font: str, layout: dict[str, float]) -> None:
    lines = prose(font)
    text = numbered(tmp_path / "a.pdf", lines, font, **layout)  # type: ignore[arg-type]
    plain = numbered(tmp_path / "b.pdf", lines, font, x=80, every=1000)
    assert "".join(text.split()) == "".join(plain.split())


def test_numbers_that_were_left_out_are_reported(tmp_path: Path) -> None:
    numbered(tmp_path / "a.pdf", prose(ENGLISH_FONT), ENGLISH_FONT, x=80)
    report = read_pdf(tmp_path / "a.pdf", ReadingOptions(parser="fast", ocr="never")).pages[0]
    assert ("line_number", f"1–{len(prose(ENGLISH_FONT))}") in report.left_out


def test_transcript_with_short_and_empty_lines() -> None:
    spoken = {
        2: "PROCEEDINGS",
        4: "MR. ADAMS: May it please the court:",
        5: "the question here is whether the",
        7: "Yes.",
    }
    lines = [piece(str(number), 80, 24 * number, 90) for number in range(1, 26)]
    lines += [piece(text, 130, 24 * number, 130 + 7 * len(text)) for number, text in spoken.items()]
    kept, numbers = without_line_numbers(lines)
    assert [line.text for line in kept] == list(spoken.values())
    assert numbers == list(range(1, 26))


def piece(text: str, x0: float, y0: float, x1: float) -> Line:
    return Line(text, 1, x0, y0, x1, y0 + 12, size=11, block=0)


def test_two_numbers_are_enough_if_they_count_from_the_first_line() -> None:
    going_on = "and so the text goes on and on to the edge of the"
    lines = [piece(going_on, 110, 20 * n, 450) for n in range(1, 13)]
    fives = [piece(str(n), 80, 20 * n, 90) for n in (5, 10)]
    assert without_line_numbers([*lines, *fives])[1] == [5, 10]
    others = [piece(str(n), 80, 20 * n - 60, 90) for n in (5, 10)]
    assert without_line_numbers([*lines, *others])[1] == []


CITIES = ["上海", "北京", "广州", "深圳", "天津", "重庆", "成都", "武汉", "西安", "南京", "杭州", "苏州"]


@pytest.mark.parametrize(
    "lines",
    [
        [piece(f"{n} {city}", 80, 20 * n, 140) for n, city in enumerate(CITIES, 1)],
        [piece(f"{n} {city}市各区县的年末常住人口和户籍人口统计表。", 80, 20 * n, 420) for n, city in enumerate(CITIES, 1)],
        [
            cell
            for n, city in enumerate(CITIES, 1)
            for cell in (piece(str(n), 80, 20 * n, 90), piece(city, 150, 20 * n, 180), piece("12.5", 420, 20 * n, 450))
        ],
        [piece(str(5 * n), 80, 400 - 20 * n, 90) for n in range(1, 9)] + [piece("The rest is prose.", 110, 100, 420)],
        [piece(f"{n * n} of the lines that make a paragraph, which", 80, 20 * n, 420) for n in range(1, 13)],
        [piece(str(n), 80, 20 * n, 90) for n in range(1, 13)],
        [],
    ],
    ids=["list", "sentences", "table", "axis", "squares", "nothing beside", "empty"],
)  # fmt: skip
def test_other_numbers_stay(lines: list[Line]) -> None:
    assert without_line_numbers(lines) == (lines, [])


def test_place_of_a_line_moves_with_its_text() -> None:
    going_on = "and so the text goes on and on to the edge, "
    lines = [piece(f"{n} {going_on}", 80, 20 * n, 420) for n in range(1, 13)]
    lines[3] = replace(lines[3], cuts=((20, 200.0),))
    kept, _ = without_line_numbers(lines)
    assert kept[3].text == going_on
    assert kept[3].cuts == ((18, 200.0),)
    assert kept[3].x0 > 80
