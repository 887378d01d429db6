"""Six ways in which files carry headers, footers and page numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

_TOP = 50.0
_BOTTOM = 806.0
_ROMAN = ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))
_ZH_CHAPTERS = [
    "第一章 降水与径流",
    "第二章 蒸发散的观测",
    "第三章 洪峰推演方法",
    "第四章 湖泊与水库",
    "第五章 泥沙输移",
    "第六章 旱涝预警",
]
_EN_CHAPTERS = [
    "Tides and Currents",
    "Breakwaters in Winter",
    "Dredging Schedules",
    "Pilot Boats and Tugs",
    "Mooring Equipment",
    "Quay Maintenance",
]


@dataclass(frozen=True)
class RunningLine:
    """A line in the margin of a page.

    Attributes:
        page: from 1.
        shown: as it is printed.
        sought: the part of it that is looked for in a reader's text.
        align: ``left``, ``center`` or ``right``.
        y: of its baseline.
    """

    page: int
    shown: str
    sought: str
    align: str
    y: float


@dataclass(frozen=True)
class RunningMatter:
    """A layout: what stands in the margins of each page.

    ``parts`` are functions of (page, pages, chapter) that give (shown, sought, align, y) or None.
    """

    name: str
    language: str
    columns: int
    parts: list[Callable[[int, int, str], tuple[str, str, str, float] | None]]
    chapters: list[str] = field(default_factory=list)

    def lines(self, page: int, pages: int, chapter: str) -> list[RunningLine]:
        """The lines of a page."""
        found = (part(page, pages, chapter) for part in self.parts)
        return [RunningLine(page, *line) for line in found if line]

    @classmethod
    def simple(cls, language: str) -> RunningMatter:
        """A header and a page number, for files that are about something else."""
        header = "南山研究院观察报告" if language == "zh" else "Annual Review of Harbour Operations"
        return cls("simple", language, 1, [_fixed(header, "left", _TOP), _number("{n}")])

    @classmethod
    def layouts(cls) -> list[RunningMatter]:
        """All six."""
        return [
            cls(
                "zh-1-dashes",
                "zh",
                1,
                [_fixed("南山研究院观察报告", "right", _TOP), _number("- {n} -", "{n}")],
            ),
            cls(
                "zh-2-alternating",
                "zh",
                2,
                [
                    _alternating("智能交通系统综述", "城市轨道学刊 第十二卷"),
                    _number("第{n}页 共{all}页", "第{n}页"),
                ],
            ),
            cls(
                "en-1-page-of",
                "en",
                1,
                [
                    _fixed("Annual Review of Harbour Operations", "left", _TOP),
                    _number("Page {n} of {all}", "Page {n}", "right"),
                ],
            ),
            cls(
                "en-2-alternating",
                "en",
                2,
                [
                    _alternating("WHITFIELD AND ARMITAGE", "JOURNAL OF COASTAL ENGINEERING"),
                    _outer_number,
                    _fixed("Published by the Coastal Society", "center", _BOTTOM),
                ],
            ),
            cls(
                "zh-1-chapters",
                "zh",
                1,
                [_fixed("现代水文学导论", "left", _TOP), _chapter("right"), _front_matter_number],
                _ZH_CHAPTERS,
            ),
            cls("en-1-roman", "en", 1, [_chapter("left"), _roman_number], _EN_CHAPTERS),
        ]


def roman(number: int) -> str:
    """A small Roman numeral.

    Example:
        >>> roman(14)
        'xiv'
    """
    text = ""
    for value, letters in _ROMAN:
        while number >= value:
            text += letters
            number -= value
    return text


_Part = Callable[[int, int, str], tuple[str, str, str, float] | None]


def _fixed(text: str, align: str, y: float) -> _Part:
    return lambda page, pages, chapter: (text, text, align, y)


def _number(shown: str, sought: str | None = None, align: str = "center") -> _Part:
    def part(page: int, pages: int, chapter: str) -> tuple[str, str, str, float]:
        filled = [text.format(n=page, all=pages) for text in (shown, sought or shown)]
        return filled[0], filled[1], align, _BOTTOM

    return part


def _alternating(odd: str, even: str) -> _Part:
    return lambda page, pages, chapter: (odd, odd, "right", _TOP) if page % 2 else (even, even, "left", _TOP)


def _chapter(align: str) -> _Part:
    return lambda page, pages, chapter: (chapter, chapter, align, _TOP)


def _outer_number(page: int, pages: int, chapter: str) -> tuple[str, str, str, float]:
    # On the side where the header is not.
    return str(page), str(page), "left" if page % 2 else "right", _TOP


def _front_matter_number(page: int, pages: int, chapter: str) -> tuple[str, str, str, float]:
    front = pages // 3
    text = roman(page) if page <= front else str(page - front)
    return text, text, "center", _BOTTOM


def _roman_number(page: int, pages: int, chapter: str) -> tuple[str, str, str, float]:
    return roman(page), roman(page), "center", _BOTTOM
