"""The invented firms and their figures: the same item of a year is the same wherever a report shows it.

What a statement adds up is added up here; the rest is a share of the revenue with seeded noise. The firms are in
``firms.toml``, the items in ``items.csv``, where ``amount`` is one of

- ``0.22``: a share of the revenue, another one each year; ``!0.1``: the same amount each year;
- ``=a+b-c*0.5``: a sum of other items; a factor varies from year to year;
- ``/a/b``: a for each b (a share has a par value of one); ``%a-b%c``: a less b in percent of c;
- ``~78``: about so many percent; ``#310``: about so many people.
"""

from __future__ import annotations

import csv
import functools
import random
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

YEARS = (2020, 2021, 2022, 2023)
"""The years that have a report."""
GROUP, PARENT = "group", "parent"
_HERE = Path(__file__).parent
_FIRST = 2015
_TERM = re.compile(r"([+-]?)([a-z]\w*)(?:\*([\d.]+))?")
_PARENT_SHARE = 0.57
_ONLY_GROUP = frozenset({"minority", "goodwill", "minority_net", "acquired"})


@dataclass(frozen=True)
class Item:
    """A line of ``items.csv``: its labels in reports, and the words that people ask for it with."""

    group: str
    key: str
    amount: str
    labels: dict[str, str]
    asked: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Firm:
    """A firm of ``firms.toml``.

    Attributes:
        words: what its templates put in: places, products, regions, codes.
        offices: by office, who holds it from which year on.
    """

    name: str
    language: str
    full: str
    short: str
    alias: tuple[str, ...]
    file: str
    revenue: float
    growth: float
    style: str
    words: dict[str, str]
    offices: dict[str, dict[int, str]]

    def holder(self, office: str, year: int) -> str:
        """Who holds an office at the end of a year."""
        entries = self.offices[office]
        return entries[max(start for start in entries if start <= year)]

    def file_of(self, year: int) -> str:
        """The name of the PDF of a year."""
        return self.file.format(y=year)


@functools.cache
def read_items() -> tuple[Item, ...]:
    """All lines, in the order of the tables."""
    with (_HERE / "items.csv").open(encoding="utf-8") as lines:
        return tuple(
            Item(
                row["group"],
                row["key"],
                row["amount"],
                {"zh": row["zh"], "en": row["en"]},
                {
                    language: tuple(filter(None, row[f"asked_{language}"].split(";")))
                    for language in ("zh", "en")
                },
            )
            for row in csv.DictReader(lines)
        )


@functools.cache
def amounts() -> dict[str, str]:
    """How each item comes about, by its key."""
    return {item.key: item.amount for item in read_items() if item.amount}


def read_firms() -> list[Firm]:
    """The firms, in the order of the file."""
    tables: dict[str, dict[str, Any]] = tomllib.loads((_HERE / "firms.toml").read_text(encoding="utf-8"))
    plain = ("language", "full", "short", "file", "revenue", "growth", "style", "words")
    return [
        Firm(
            name,
            **{key: table[key] for key in plain},
            alias=tuple(table["alias"]),
            offices={
                key: {int(year): who for year, who in entries.items()}
                for key, entries in table.items()
                if isinstance(entries, dict) and key != "words"
            },
        )
        for name, table in tables.items()
    ]


@functools.cache
def read_wording() -> dict[str, Any]:
    """The words of ``wording.toml``, by language."""
    return tomllib.loads((_HERE / "wording.toml").read_text(encoding="utf-8"))


class Figures:
    """The figures of a firm, in the smallest unit that its statements show: cents in Chinese, thousands in English.

    Args:
        firm: whose.
        seed: other figures for another seed.
    """

    def __init__(self, firm: Firm, seed: int) -> None:
        self.firm = firm
        self._seed = seed
        self._unit = 0.01 if firm.language == "zh" else 1000.0
        self._known: dict[tuple[str, int, str], float] = {}

    def of(self, key: str, year: int, scope: str = GROUP) -> float:
        """An item of a year; whole for amounts and people, a ratio with two decimals."""
        found = self._known.get((key, year, scope))
        if found is None:
            found = self._known[key, year, scope] = self._compute(key, year, scope)
        return found

    def chance(self, *about: object) -> random.Random:
        """Drawn anew for the same subject, the same numbers come."""
        return random.Random(f"{self._seed} {self.firm.name} {about}")

    @staticmethod
    def kind(key: str) -> str:
        """``amount``, ``share`` (of a stock), ``ratio`` (percent) or ``people``."""
        amount = amounts()[key]
        kinds = {"/": "share", "%": "ratio", "~": "ratio", "#": "people"}
        if amount[0] == "=":
            return Figures.kind(_TERM.match(amount[1:]).group(2))  # type: ignore[union-attr]
        return kinds.get(amount[0], "amount")

    def _compute(self, key: str, year: int, scope: str) -> float:
        if scope == PARENT and key in _ONLY_GROUP:
            return 0
        amount = amounts()[key]
        noise = self.chance(key, year, scope).uniform
        if amount[0] == "=":
            total = 0.0
            for sign, other, factor in _TERM.findall(amount[1:]):
                value = self.of(other, year, scope)
                if factor:
                    value = round(value * float(factor) * noise(0.8, 1.25))
                total += -value if sign == "-" else value
            return total
        if amount[0] == "/":
            above, below = amount[1:].split("/")
            return round(self.of(above, year, scope) / self.of(below, year, scope), 2)
        if amount[0] == "%":
            above, *less, below = re.split("[%-]", amount[1:])
            top = self.of(above, year, scope) - sum(self.of(other, year, scope) for other in less)
            return round(100 * top / self.of(below, year, scope), 2)
        if amount[0] == "~":
            return round(float(amount[1:]) * noise(0.85, 1.18), 2)
        if amount[0] == "#":
            scale = self.firm.revenue / 3e9 * self.firm.growth ** (year - YEARS[0])
            return round(float(amount[1:]) * scale * noise(0.9, 1.1))
        if amount[0] == "!":
            share = 1.0 if scope == GROUP else _PARENT_SHARE
            return round(float(amount[1:]) * self.firm.revenue * share / self._unit)
        if key == "revenue":
            return round(self._revenue(year) * (1 if scope == GROUP else _PARENT_SHARE) * noise(0.99, 1.01))
        return round(float(amount) * self.of("revenue", year, scope) * noise(0.94, 1.07))

    def _revenue(self, year: int) -> float:
        revenue = self.firm.revenue / self._unit
        for passed in range(_FIRST, year):
            revenue *= self.firm.growth * self.chance("growth", passed).uniform(0.95, 1.05)
        return revenue / self.firm.growth ** (YEARS[0] - _FIRST)
