"""Questions about the reports, as people ask, with every place that answers them."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from families.figures import GROUP, PARENT, Figures, Firm, Item, read_items, read_wording
from families.report import NAMES, TEXT, Cell

STATEMENT, NOTE, KEY, RATIO, NAME, COMPARISON = (
    "statement",
    "note",
    "key figure",
    "ratio",
    "name",
    "comparison",
)
NO_FIRM, NO_YEAR, NO_MATTER = "firm not there", "year not there", "matter not there"
NOT_THERE = (NO_FIRM, NO_YEAR, NO_MATTER)
COUNTS: Mapping[str, int] = {
    STATEMENT: 50, NOTE: 30, KEY: 20, RATIO: 20, NAME: 20, COMPARISON: 20, NO_FIRM: 20, NO_YEAR: 20, NO_MATTER: 20
}  # fmt: skip
"""How many of each kind are asked."""
_STATEMENTS = ("balance", "income", "flow", "flow_en")
_STOCKS = ("balance", "n_cash", "n_age", "n_stock", "n_fixed", "n_loans")
_PEOPLE = ("n_jobs", "n_school")
_YEARS_NOT_THERE = (2012, 2013, 2025, 2026)
_OFFICES_ABROAD = ("chief", "money", "auditor")
_TRIES = 60
_PARENT_SHARE, _FOREIGN_SHARE, _APART_SHARE = 0.15, 0.3, 0.3
# Under different names, the same figure: the share of a region, and the margin of all products.
_SAME = {
    ("abroad", ""): ("region3", "share"), ("region3", "share"): ("abroad", ""),
    ("margin", ""): ("revenue", "margin"), ("revenue", "margin"): ("margin", ""),
}  # fmt: skip
# Those that mean the same in both languages, so that a Chinese question about an English report has one answer.
_FOREIGN = frozenset(
    {
        "cash", "receivables", "inventory", "goodwill", "assets", "payables", "debts", "retained",
        "equity", "revenue", "cost", "research", "operating", "pretax", "tax", "net",
        "eps", "op_cash", "capex", "dividends", "margin", "net_margin", "gearing", "research_share",
        "roe", "utilisation", "top5", "supply5", "abroad",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """What must be found: a figure or a name of one year, and everywhere it stands.

    Attributes:
        column: what of the item it is; empty for the item itself.
        places: ``file``, ``page``, ``value``, ``row``, ``heading`` and ``table`` of each place.
        others: the values of the same item in other years and firms.
    """

    year: int
    scope: str
    key: str
    column: str
    places: tuple[Mapping[str, Any], ...]
    others: tuple[str, ...]


@dataclass(frozen=True)
class FamilyQuestion:
    """A question with what must be found for it; nothing for what is not there.

    Attributes:
        file: the report of the year that is asked for, of which ``pages``, ``row``, ``column`` and ``value`` are.
    """

    id: str
    kind: str
    language: str
    question: str
    firm: str
    year: int
    file: str = ""
    pages: tuple[int, ...] = ()
    row: str = ""
    column: str = ""
    value: str = ""
    parts: tuple[Part, ...] = field(default=())

    def as_line(self) -> dict[str, Any]:
        """For a line of ``questions.jsonl``."""
        return asdict(self)


class QuestionMaker:
    """Draws questions about what stands in the reports.

    Args:
        figures: of the firms.
        cells: of all reports.
        years: that have a report.
        seed: of the draw.
    """

    def __init__(
        self, figures: Sequence[Figures], cells: Iterable[Cell], years: Sequence[int], seed: int
    ) -> None:
        self._years = years
        self._firms = [one.firm for one in figures]
        self._chance = random.Random(seed)
        self._items: dict[str, Item] = {item.key: item for item in reversed(read_items())}
        self._cells: dict[tuple[str, int, str, str, str], list[Cell]] = defaultdict(list)
        self._values: dict[tuple[str, str], set[str]] = defaultdict(set)
        for cell in cells:
            self._cells[cell.firm, cell.year, cell.scope, cell.key, cell.column].append(cell)
            self._values[cell.key, cell.column].add(cell.value)
        self._wording = read_wording()
        self._asked: set[str] = set()

    def make(self, counts: Mapping[str, int] = COUNTS) -> list[FamilyQuestion]:
        """So many questions of each kind, no two alike."""
        makers: dict[str, Callable[[Firm, int], FamilyQuestion | None]] = {
            kind: self._about_cells(kind) for kind in (STATEMENT, NOTE, KEY, RATIO)
        }
        makers |= {
            NAME: self._name, COMPARISON: self._comparison, NO_FIRM: self._no_firm, NO_YEAR: self._no_year,
            NO_MATTER: self._no_matter,
        }  # fmt: skip
        made: list[FamilyQuestion] = []
        for kind, count in counts.items():
            wanted, turn = len(made) + count, 0
            for _ in range(_TRIES * count):
                if len(made) == wanted:
                    break
                firm = self._firms[turn % len(self._firms)]
                one = makers[kind](firm, self._chance.choice(self._years))
                if one and one.question not in self._asked:
                    self._asked.add(one.question)
                    made.append(one)
                    turn += 1
            if len(made) < wanted:
                raise ValueError(f"these reports have no {count} different questions of the kind {kind!r}")
        return made

    def _about_cells(self, kind: str) -> Callable[[Firm, int], FamilyQuestion | None]:
        def fits(cell: Cell) -> bool:
            if kind == STATEMENT:
                return cell.where in _STATEMENTS
            if kind == NOTE:
                return cell.where.startswith(("n_", "owners")) and self._items[cell.key].group == cell.where
            if kind == KEY:
                return cell.where in ("key", "quarters") and cell.column != "change"
            return cell.where == TEXT and self._items[cell.key].group == "ratio"

        keys = {
            (cell.firm, cell.scope, cell.key, cell.column)
            for cells in self._cells.values() for cell in cells if fits(cell)
        }  # fmt: skip

        def make(firm: Firm, year: int) -> FamilyQuestion | None:
            scope = PARENT if kind == STATEMENT and self._chance.random() < _PARENT_SHARE else GROUP
            mine = sorted(one for one in keys if one[:2] == (firm.name, scope))
            _, _, key, column = self._chance.choice(mine)
            language = self._language(firm, key, column)
            phrase = self._phrase(firm, language, key, column, scope)
            part = self._part(firm, year, scope, key, column)
            if not phrase or not part:
                return None
            text = self._sentence(language, self._manner(key, column), firm, year, phrase)
            return self._question(kind, language, text, firm, year, [part])

        return make

    def _name(self, firm: Firm, year: int) -> FamilyQuestion | None:
        office = self._chance.choice(sorted(firm.offices))
        part = self._part(firm, year, GROUP, office, "")
        language = self._language(firm, office if office in _OFFICES_ABROAD else "", "", NAMES)
        if not part:
            return None
        text = self._sentence(language, office, firm, year, "")
        return self._question(NAME, language, text, firm, year, [part])

    def _comparison(self, firm: Firm, year: int) -> FamilyQuestion | None:
        later = year
        year = self._years[0] if self._chance.random() < _APART_SHARE else later - 1
        key = self._chance.choice(
            sorted(key for key, item in self._items.items() if item.group in _STATEMENTS)
        )
        phrase = self._phrase(firm, language := self._language(firm, key, ""), key, "", GROUP)
        parts = [self._part(firm, one, GROUP, key, "") for one in (year, later)]
        if not phrase or not all(parts) or later - year < 1:
            return None
        text = self._sentence(language, "compare", firm, year, phrase, later)
        return self._question(COMPARISON, language, text, firm, later, [part for part in parts if part])

    def _no_firm(self, firm: Firm, year: int) -> FamilyQuestion | None:
        return self._not_there(
            NO_FIRM, firm, year, self._chance.choice(self._wording["absent"][firm.language])
        )

    def _no_year(self, firm: Firm, _: int) -> FamilyQuestion | None:
        return self._not_there(NO_YEAR, firm, self._chance.choice(_YEARS_NOT_THERE), "")

    def _no_matter(self, firm: Firm, year: int) -> FamilyQuestion | None:
        pattern: str = self._chance.choice(self._wording["matters"][firm.language])
        text = pattern.format(f=self._chance.choice(firm.alias), y=year)
        return FamilyQuestion(
            f"{NO_MATTER}-{len(self._asked)}", NO_MATTER, firm.language, text, firm.name, year
        )

    def _not_there(self, kind: str, firm: Firm, year: int, name: str) -> FamilyQuestion | None:
        key = self._chance.choice(
            [key for key, item in self._items.items() if item.group in (*_STATEMENTS, *_PEOPLE, "ratio")]
        )
        if not (phrase := self._phrase(firm, firm.language, key, "", GROUP)):
            return None
        text = self._sentence(firm.language, self._manner(key, ""), firm, year, phrase, name=name)
        return FamilyQuestion(
            f"{kind}-{len(self._asked)}", kind, firm.language, text, name or firm.name, year
        )

    def _language(self, firm: Firm, key: str, column: str, where: str = "") -> str:
        foreign = firm.language == "en" and not column and (key in _FOREIGN or (where == NAMES and key))
        return "zh" if foreign and self._chance.random() < _FOREIGN_SHARE else firm.language

    def _phrase(self, firm: Firm, language: str, key: str, column: str, scope: str) -> str:
        """How the item is called in the question; empty if people do not ask for it."""
        item = self._items[key]
        label = item.labels[language].format(**firm.words)
        asked = self._chance.choice(item.asked[language] or ("",)).format(**firm.words)
        if column:
            if not asked and column not in ("margin", "cost", "share"):
                return ""
            asked = str(self._wording[language]["columns"][column]).format(a=asked, l=label)
        if asked and scope == PARENT:
            asked = self._chance.choice(self._wording[language]["parent"]).format(a=asked)
        return asked

    def _manner(self, key: str, column: str) -> str:
        item = self._items[key]
        if column in ("margin", "share") or (item.group in ("ratio", "owners")):
            return "percent"
        if item.group in _PEOPLE:
            return "people"
        return "stock" if item.group in _STOCKS or (item.group == "n_payroll" and not column) else "flow"

    def _sentence(
        self, language: str, manner: str, firm: Firm, year: int, phrase: str, later: int = 0, name: str = ""
    ) -> str:
        pattern: str = self._chance.choice(self._wording[language][manner])
        return pattern.format(f=name or self._chance.choice(firm.alias), y=year, z=later, a=phrase)

    def _part(self, firm: Firm, year: int, scope: str, key: str, column: str) -> Part | None:
        """Where it stands; None if it does not."""
        cells = list(self._cells.get((firm.name, year, scope, key, column), ()))
        if not cells:
            return None
        cells += self._cells.get((firm.name, year, scope, *_SAME.get((key, column), ("", ""))), ())
        others = self._values[key, column]
        places = [
            {
                "file": cell.file, "page": cell.page, "value": cell.value, "row": cell.row, "heading": cell.heading,
                "table": cell.where,
            }
            for cell in cells
        ]  # fmt: skip
        same = {place["value"] for place in places}
        return Part(year, scope, key, column, tuple(places), tuple(sorted(others - same)))

    def _question(
        self, kind: str, language: str, text: str, firm: Firm, year: int, parts: Sequence[Part]
    ) -> FamilyQuestion:
        file = firm.file_of(year)
        part = parts[-1]
        here = [place for place in part.places if place["file"] == file] or list(part.places)
        group = self._items[part.key].group if part.key in self._items else ""
        table = min(
            here, key=lambda place: (place["table"] != group, place["table"] == TEXT, len(place["row"]))
        )
        pages = tuple(sorted({place["page"] for place in here}))
        return FamilyQuestion(
            f"{kind}-{len(self._asked)}", kind, language, text, firm.name, year, file, pages, table["row"],
            part.column or str(part.year), table["value"], tuple(parts),
        )  # fmt: skip
