"""Values of cells as a spreadsheet shows them: numbers, dates, percentages and truth values."""

from __future__ import annotations

import datetime
import re
from typing import Any

_LITERAL = re.compile(r'"([^"]*)"|\\(.)|\[\$([^\]-]*)[^\]]*\]|\[[^\]]*\]|_.|\*.')
_PATTERN = re.compile(r"[#0?][#0?,]*(?:\.[#0?]+)?")
_MIDNIGHT = datetime.time()


def shown_value(value: Any, number_format: str) -> str:
    """The text that a cell shows.

    Args:
        value: of the cell, as openpyxl gives it.
        number_format: the code of its format, such as ``0.00%``.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return _date(value, number_format)
    if isinstance(value, datetime.timedelta):
        minutes, seconds = divmod(int(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    if isinstance(value, int | float):
        return _number(value, number_format)
    return str(value).strip()


def _date(value: datetime.datetime | datetime.date | datetime.time, code: str) -> str:
    if isinstance(value, datetime.time):
        return value.strftime("%H:%M:%S" if value.second else "%H:%M")
    chinese = "年" in code
    with_day = "d" in code.lower() or "日" in code or not ("m" in code.lower() or "月" in code)
    if chinese:
        day = f"{value.year}年{value.month}月" + (f"{value.day}日" if with_day else "")
    else:
        day = f"{value.year:04}-{value.month:02}" + (f"-{value.day:02}" if with_day else "")
    if isinstance(value, datetime.datetime) and value.time() != _MIDNIGHT:
        return f"{day} {value.strftime('%H:%M:%S' if value.second else '%H:%M')}"
    return day


def _number(value: float, code: str) -> str:
    """A number by the first part of its format, or as short as it can be written."""
    sections = code.split(";")
    negative = value < 0 and len(sections) > 1
    section = sections[1] if negative else sections[0]
    plain = _LITERAL.sub(lambda found: found[1] or found[2] or found[3] or "", section)
    pattern = _PATTERN.search(plain)
    if pattern is None or "E" in plain:
        return _general(value)
    percent = "%" in plain
    decimals = len(pattern[0].partition(".")[2])
    scaled = abs(value) if negative else value
    scaled = scaled * 100 if percent else scaled
    text = f"{scaled:,.{decimals}f}" if "," in pattern[0] else f"{scaled:.{decimals}f}"
    return (plain[: pattern.start()] + text + plain[pattern.end() :]).strip()


def _general(value: float) -> str:
    if isinstance(value, int) or value.is_integer():
        return str(int(value)) if abs(value) < 1e15 else f"{value:.10g}"
    return f"{value:.10g}"
