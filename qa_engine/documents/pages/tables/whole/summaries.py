"""What a table is about, in one text: title, unit, names of columns and rows, no figures.

A row says one thing, and a question about a margin or about capital intensity shares no word with it. The text of the whole
table is embedded and searched beside the rows, and a hit on it brings the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from qa_engine.documents.blocks import Table
from qa_engine.documents.pages.tables.values import Kind, kind
from qa_engine.documents.pages.tables.whole.statements import standard_names, statement_of
from qa_engine.text.language import is_chinese

MIN_ROWS = 3
"""A table with fewer rows below its header is found by these."""
_MAX_CHINESE, _MAX_LATIN = 450, 1200
"""Characters of a text: what the embedding model reads at once."""
_MAX_LABEL = {True: 30, False: 70}
"""Characters of one label, Chinese or not: a sentence in a cell is no label."""
_MAX_COLUMNS = 0.3
"""The names of columns take this share of the text at most."""
_MAX_TITLE = 0.4
_WORDS = frozenset({Kind.WORDS, Kind.CODE})
_NO_TITLE = re.compile(r"^.*(法定代表人|负责人)\s?[:：]\s?\S{1,8}(\s|$)|[□☐√✓☑☒■]\s?(不?适用|是|否)")
"""The signatures below the statement before, and ticks."""
_FIGURE = re.compile(r"[$¥￥€£]\s?\d[\d,.]*|\b\d{1,3}(,\d{3})+(\.\d+)?\b")


@dataclass
class TableSummary:
    """The parts of one table, which may go on over several pages, as they come in.

    Attributes:
        title: the lines above it and its caption.
        columns: their names.
        labels: of its rows, in order.
        rows: how many rows it has below its header.
        continues: the statement that it goes on with, in other columns; empty without one.
    """

    title: str
    columns: list[str]
    labels: list[str] = field(default_factory=list)
    rows: int = 0
    continues: str = ""

    def add(self, table: Table) -> None:
        """Adds the rows of a table, or of the part of it on one page."""
        body = table.rows[table.header_rows :]
        self.rows += len(body)
        for row in body:
            self.labels.extend(row[::2] if table.key_value and not len(row) % 2 else _label(row))

    @property
    def statement(self) -> str:
        """Which statement it is, see `statement_of`; empty for any other table."""
        inside = self.labels[:1] if self.rows > MIN_ROWS else []
        return statement_of(" ".join([self.title, *inside]), self.labels, self.columns) or self.continues

    @property
    def text(self) -> str:
        """What it is about; empty for a table of few rows."""
        if self.rows < MIN_ROWS:
            return ""
        labels = list(_distinct(self.labels))
        columns = list(_distinct(self.columns))
        chinese = is_chinese("".join([self.title, *columns, *labels]))
        room = _MAX_CHINESE if chinese else _MAX_LATIN
        mark, stop = ("、", "。") if chinese else ("; ", ". ")
        title = " ".join(_NO_TITLE.sub("", self.title).split())[: int(_MAX_TITLE * room)]
        names = standard_names(self.statement)
        titles = " ".join(part for part in (title, f"({names})" if names else "") if part)
        head = _joined(columns, mark, int(_MAX_COLUMNS * room))
        head = (f"列：{head}" if chinese else f"Columns: {head}") if head else ""
        left = room - len(titles) - len(head)
        rows = _joined(labels, mark, left)
        rows = (f"行：{rows}" if chinese else f"Rows: {rows}") if rows else ""
        return stop.join(part for part in (titles, head, rows) if part)


def _label(row: Sequence[str]) -> list[str]:
    """The first words of a row: before them there may be a number, or the label of a cell that spans rows is missing."""
    return next(([cell] for cell in row if kind(cell) in _WORDS), [])


def _distinct(texts: Iterable[str]) -> Iterable[str]:
    """Texts once each, in their order, in one line, short and without amounts."""
    seen = set()
    for text in texts:
        short = " ".join(_FIGURE.sub("", text).split())
        short = short[: _MAX_LABEL[is_chinese(short)]].strip(" :：;；,，")
        if short and short not in seen:
            seen.add(short)
            yield short


def _joined(texts: Sequence[str], mark: str, room: int) -> str:
    """As many texts as there is room for."""
    joined = ""
    for text in texts:
        longer = f"{joined}{mark}{text}" if joined else text
        if len(longer) > room:
            break
        joined = longer
    return joined
