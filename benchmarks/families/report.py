"""A yearly report as a PDF, set after the template of its language, with the place of every figure and name in it.

A template (``report.zh.txt``, ``report.en.txt``) has one block a line: ``#`` titles, ``!`` pages, lists and ``!filler N``
(N sentences of its own grammar, below ``=== filler``), ``@STYLE UNIT SCOPE KEYS…`` tables, and paragraphs. In paragraphs,
``{revenue}`` is the figure of the year, ``{revenue-1}`` that of the year before, ``{revenue^}`` the change between them.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from families.figures import GROUP, PARENT, Figures, Firm, amounts, read_items, read_wording
from families.setting import BOTTOM, TOP, Look, Row, Sheets
from families.tables import NOTE_OF, UNITS, CellValue, change_text, column_heads, row_cells, shown

TEXT, NAMES = "text", "names"
_HERE = Path(__file__).parent
_FIELD = re.compile(r"\{(\w+)([-+^]1?)?\}")
_SLOT = re.compile(r"<(\w+)>")
_TEXT_UNITS = {"zh": "万元", "en": "millions"}


@dataclass(frozen=True)
class Cell:
    """A figure or a name at one place.

    Attributes:
        year: that it is of, which is not always that of the report.
        key: of the item, or the office.
        column: what of the item it is, such as ``gross``; empty for the item itself.
        value: as it is printed.
        where: the group of the table, `TEXT` or `NAMES`.
        row: the label of the row; the paragraph for `TEXT`.
        heading: the title above.
    """

    firm: str
    year: int
    scope: str
    key: str
    column: str
    value: str
    file: str
    page: int
    where: str
    row: str
    heading: str


class ReportMaker:
    """Sets the report of a firm for a year.

    Args:
        figures: of the firm.
        year: of the report.
    """

    def __init__(self, figures: Figures, year: int) -> None:
        self._figures = figures
        self._firm: Firm = figures.firm
        self._language = self._firm.language
        self._year = year
        self._words: dict[str, Any] = read_wording()[self._language]["report"]
        self._labels = {item.key: item.labels[self._language] for item in reversed(read_items())}
        self._labels_in = {(item.group, item.key): item.labels[self._language] for item in read_items()}
        footer = self._words["footer"]
        self._sheets = Sheets(
            Look(self._language, self._firm.style, self._fill(self._words["header"])[0], footer)
        )
        self._cells: list[Cell] = []
        self._contents: tuple[int, str] | None = None
        self._chance = figures.chance("filler", year)

    def make(self, out: Path) -> tuple[int, list[Cell]]:
        """Write the PDF into a folder. Returns the number of its pages, and what stands where."""
        template = (_HERE / f"report.{self._language}.txt").read_text(encoding="utf-8")
        blocks, _, grammar = template.partition("=== filler\n")
        self._grammar: dict[str, list[str]] = defaultdict(list)
        for line in grammar.splitlines():
            name, _, values = line.partition("=")
            self._grammar[name] += values.split("|")
        lists: dict[str, Callable[[str], None]] = {
            "cover": self._cover, "contents": self._keep_for_contents, "filler": self._filler,
            "profile": self._profile, "officers": self._officers, "owners": self._owners,
            "children": self._children, "definitions": self._definitions,
            "page": lambda _: self._sheets.new_page(),
        }  # fmt: skip
        for block in filter(None, blocks.splitlines()):
            kind, _, rest = block.partition(" ")
            if kind.startswith("#"):
                self._sheets.heading(self._fill(rest)[0], len(kind))
            elif kind.startswith("!"):
                lists[kind[1:]](rest)
            elif kind.startswith("@"):
                self._table(kind[1:], *rest.split())
            else:
                self._paragraph(block)
        self._write_contents()
        return self._sheets.save(out / self._firm.file_of(self._year)), self._cells

    def _fill(self, text: str) -> tuple[str, list[tuple[str, int, str, str]]]:
        """A text with its fields put in, and the figures among them: key, year, column, value."""
        found = []

        def value(match: re.Match[str]) -> str:
            key, mark = match.groups()
            if key == "year":
                return str(self._year + int(mark or 0))
            if key in amounts():
                if mark == "^":
                    put = change_text(self._figures, key, self._year, self._language)
                    found.append((key, self._year, "change", re.sub(r"[^\d.%]", "", put)))
                    return put
                year = self._year + int(mark or 0)
                put = shown(self._figures, key, year, GROUP, _TEXT_UNITS[self._language])
                found.append((key, year, "", put))
                return put
            if key in self._firm.offices:
                put = self._firm.holder(key, self._year)
                found.append((key, self._year, "", put))
                return put
            plain = {"full": self._firm.full, "short": self._firm.short, "name": self._firm.name}
            return {**self._firm.words, **plain}.get(key, match.group())

        return _FIELD.sub(value, text), found

    def _note(
        self,
        page: int,
        where: str,
        row: str,
        key: str,
        year: int,
        column: str,
        value: str,
        scope: str = GROUP,
    ) -> None:
        heading = self._sheets.headings[-1][1] if self._sheets.headings else ""
        self._cells.append(
            Cell(
                self._firm.name, year, scope, key, column, value, self._firm.file_of(self._year), page, where, row, heading,
            )
        )  # fmt: skip

    def _paragraph(self, block: str) -> None:
        text, found = self._fill(block)
        page = self._sheets.paragraph(text)
        for key, year, column, value in found:
            where = NAMES if key in self._firm.offices else TEXT
            self._note(page, where, text, key, year, column, value)

    def _table(self, style: str, unit: str, scope: str, *keys: str) -> None:
        """A table of a group of items, or of the items named."""
        items: list[tuple[str, str]] = []
        for key in keys:
            found = [(item.group, item.key) for item in read_items() if item.group == key]
            items += found or [(TEXT, key)]
        columns = column_heads(style, self._language, self._year, self._firm.words.get("ending", ""))
        rows: list[Row] = []
        noted: list[tuple[str, str, list[CellValue]]] = []
        for group, key in items:
            label = self._fill(self._labels_in.get((group, key)) or self._labels[key])[0]
            if label and not key.isidentifier():  # a title between rows
                rows.append(Row(label, [""] * (len(columns) - 1)))
                noted.append((label, key, []))
                continue
            if not label or (scope == PARENT and not self._figures.of(key, self._year, scope)):
                continue  # the other language's, or not in the accounts of a parent
            minus, label = label.startswith("-"), label.removeprefix("-")
            cells = row_cells(style, self._figures, key, self._year, scope, unit, minus, keys[0])
            total = amounts()[key].startswith("=") and "*" not in amounts()[key]
            if group.startswith("n_"):
                total = key == items[-1][1]
            notes = [NOTE_OF.get(key, "")] if style in ("ends", "flows") and self._language == "zh" else []
            prefix = "$" if self._language == "en" and unit in UNITS and (total or not rows) else ""
            printed = [prefix + value if value[:1].isdigit() else value for _, _, value in cells]
            rows.append(Row(label, [*notes, *printed], 0 if total else 1, total))
            noted.append((label, key, cells))
        maker = f"编制单位：{self._firm.full}" if style in ("ends", "flows") else ""
        above = {"zh": f"{maker}|单位：{unit}  币种：人民币", "en": f"(In {unit}, except per share data)"}
        pages = self._sheets.table(
            columns, rows, above[self._language] if unit in UNITS else "", 0.3 if len(columns) > 4 else 0.42
        )
        where = items[0][0] if items[0][0] != TEXT else style
        for page, (label, key, cells) in zip(pages, noted, strict=True):
            for year, column, value in cells:
                self._note(page, where, label, key, year, column, value.strip("()"), scope)

    def _cover(self, lines: str) -> None:
        self._sheets.heading(" ")
        for number, line in enumerate(lines.split("|")):
            self._sheets.paragraph(self._fill(line)[0], "center", 20 if number < 2 else 12)
        self._sheets.headings.clear()

    def _keep_for_contents(self, title: str) -> None:
        self._sheets.heading(title)
        self._sheets.headings.clear()
        self._contents = self._sheets.page, title

    def _write_contents(self) -> None:
        page, _ = self._contents or (2, "")
        entries = [entry for entry in self._sheets.headings if entry[0] <= 2]
        step = min(20.0, (BOTTOM - TOP - 60) / len(entries))
        for number, (level, text, at) in enumerate(entries):
            self._sheets.place(page, TOP + 50 + number * step, "   " * (level - 1) + text, str(at))

    def _filler(self, count: str) -> None:
        chance, sentences = self._chance, []
        for _ in range(int(count)):
            sentence = chance.choice(self._grammar["s"])
            sentence = _SLOT.sub(lambda slot: self._slot(slot.group(1), chance), sentence)
            sentences.append(self._fill(sentence[:1].upper() + sentence[1:])[0])
        blank = "" if self._language == "zh" else " "
        while sentences:
            some = chance.randint(3, 6)
            self._sheets.paragraph(blank.join(sentences[:some]))
            sentences = sentences[some:]

    def _slot(self, name: str, chance: random.Random) -> str:
        return str(chance.randint(3, 40)) if name == "n" else chance.choice(self._grammar[name])

    def _profile(self, lines: str) -> None:
        rows, noted = [], []
        for line in lines.split("|"):
            label, _, value = line.partition("=")
            text, found = self._fill(value)
            rows.append(Row(label, [text]))
            noted.append((label, found))
        pages = self._sheets.table(("", ""), rows, label_share=0.4)
        for page, (label, found) in zip(pages, noted, strict=True):
            for key, year, column, value in found:
                self._note(page, NAMES, label, key, year, column, value)

    def _officers(self, _: str) -> None:
        rows = []
        for office, title in self._words["offices"].items():
            name = self._firm.holder(office, self._year)
            chance = self._figures.chance("officer", name)
            age, start = chance.randint(41, 60) + self._year - 2020, chance.randint(2013, 2018)
            sex = [chance.choice("男女")] if self._language == "zh" else []
            rows.append((office, Row(name, [title, *sex, str(age), str(start)])))
        pages = self._sheets.table(self._words["officers"], [row for _, row in rows], label_share=0.22)
        for page, (office, row) in zip(pages, rows, strict=True):
            self._note(page, NAMES, row.label, office, self._year, "", row.label)

    def _children(self, _: str) -> None:
        rows = [
            Row(self._fill(f"{{child{n}}}")[0], [self._fill(f"{{p{n}}}")[0], held])
            for n, held in ((1, "100.00"), (2, "67.50"))
        ]
        self._sheets.table(self._words["children"], rows)

    def _definitions(self, _: str) -> None:
        we = {"zh": f"本公司、{self._firm.short}", "en": self._firm.short}[self._language]
        term, meaning = self._fill(self._words["period"])[0].split("|")
        rows = [Row(we, [self._firm.full]), Row(term, [meaning])]
        rows += [Row(self._fill(f"{{child{n}}}")[0][:6], [self._fill(f"{{child{n}}}")[0]]) for n in (1, 2)]
        self._sheets.table(self._words["terms"], rows, label_share=0.3)

    def _owners(self, _: str) -> None:
        names = self._fill(self._words["controller"])[0].split("|")
        others = self._fill(self._words["holders"])[0].split("|")
        shares = [self._figures.of("holder1", self._year), self._figures.of("holder2", self._year)]
        capital = self._figures.of("capital", self._year) * (0.01 if self._language == "zh" else 1000)
        for place in range(8):
            shares.append(
                round(shares[-1] * self._figures.chance("holder", place, self._year).uniform(0.6, 0.9), 2)
            )
            names.append(others[place % 4].replace("{n}", str(place + 1)))
        rows = [
            Row(name, [f"{round(capital * share / 100):,}", f"{share:.2f}"])
            for name, share in zip(names, shares, strict=True)
        ]
        pages = self._sheets.table(self._words["owners"], rows)
        for place in range(2):
            value = rows[place].cells[1]
            self._note(pages[place], "owners", names[place], f"holder{place + 1}", self._year, "", value)
