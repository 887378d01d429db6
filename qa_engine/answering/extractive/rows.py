"""Rows of tables and key-value pairs: their texts as label and cells, and how well these match what is asked."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from qa_engine.answering.across_languages.asked_words import AskedWords
from qa_engine.answering.extractive.question_kinds import QuestionKind
from qa_engine.retrieval.glossary.glossary import GlossaryTerm
from qa_engine.text.periods import parts_of_year, without_periods, years_of
from qa_engine.text.tokenizer import fold, tokenize

_PART = re.compile(r"；|; ")
_NAME = re.compile(r"：|: ")
_VALUE = re.compile(r"[-–—(（]?[$¥￥€]?\s*[0-9][0-9,]*(?:\.[0-9]+)?\s*[)）]?\s*(?:[%％‰]|[^\W\d]{1,4})?")
_FIGURE = re.compile(
    r"[(（]?[-–—+]?\s*[$¥￥€]?\s*[0-9][0-9,]*(?:\.[0-9]+)?\s*[%％]?\s*[)）]?|[-–—]|不适用|N/?A", re.IGNORECASE
)
_INDEX = re.compile(r"[0-9]+(?:\.[0-9]+)*[.、]?")
_THIS_PERIOD = re.compile(
    r"本[期年]|报告期|期末|年末|当[期年]|current|this year|ending balance", re.IGNORECASE
)
_LAST_PERIOD = re.compile(
    r"(?<![比较])上[期年]|去年|期初|年初|前[期年]|prior|previous|last year|opening balance", re.IGNORECASE
)
_CHANGE = re.compile(r"增[减长幅加]|变动|同比|环比|change|growth|yoy", re.IGNORECASE)
_FILLER = re.compile(
    r"是多少|有多少|多少|是什么|什么|哪[些个里家]?|怎[么样]|如何|请问|一共|总共|分别|告诉我|的|了|吗|呢|[?？，,。、：:]"
)
_NOT_TRANSLATED = AskedWords(())
_OTHER_WORDS = 0.8
"""A label in the words of a glossary matches so well: they may be another name, or only a part of what is asked for."""


@dataclass(frozen=True)
class Cell:
    """A cell of a row.

    Attributes:
        name: the name of its column, or its key; empty without one.
        text: what it says.
    """

    name: str
    text: str

    @property
    def is_figure(self) -> bool:
        """Whether it is a number or stands for a missing one."""
        return _FIGURE.fullmatch(self.text.strip()) is not None


@dataclass(frozen=True)
class Row:
    """A row of a table, or key-value pairs.

    Attributes:
        label: what names the row: its first cell, or the only key; empty for pairs.
        corner: the name of the column of labels; empty without one.
        cells: the other cells; all cells if there is no label.
    """

    label: str
    corner: str
    cells: tuple[Cell, ...]

    @classmethod
    @lru_cache(maxsize=2048)
    def of(cls, text: str) -> Row:
        """The row of a text such as ``项目：营业收入；2020年：1,581；2019年：1,127`` or ``法定代表人：张三``.

        Args:
            text: as `qa_engine.documents.pages.tables.row_texts` makes it.
        """
        parts = [_cell(part.strip()) for part in _PART.split(text) if part.strip()]
        if not parts:
            return cls("", "", ())
        first, *others = parts
        if not others:
            return cls(first.name, "", (Cell("", first.text),)) if first.name else cls("", "", (first,))
        if _INDEX.fullmatch(first.text) and others[0].name and not others[0].is_figure and others[1:]:
            first, *others = others  # behind a column of numbers: No.: 1.1.5；参数：内阻；规格：≤0.45mΩ
        if first.name and (first.is_figure or first.name == first.text):
            return cls("", "", tuple(parts))
        return cls(first.text, first.name, tuple(others))

    @property
    def values(self) -> str:
        """What its cells say, without the names of the columns."""
        return " ".join(cell.text for cell in self.cells)


def _is_precise(cell: Cell, precise: re.Pattern[str]) -> bool:
    return bool(precise.search(f"{cell.name}：{cell.text}"))


def _cell(part: str) -> Cell:
    pieces = _NAME.split(part, maxsplit=1)
    return (
        Cell(pieces[0].strip(), pieces[1].strip())
        if len(pieces) == 2 and pieces[1].strip()
        else Cell("", part)
    )


@dataclass(frozen=True)
class AskedLabel:
    """The words of a question that may name a row or a column.

    Attributes:
        terms: of the question without periods, question words and the words that only name the document.
        others: the same with other words for a term of a glossary.
        translated: the words of the question in the other language.
    """

    terms: frozenset[str]
    others: tuple[frozenset[str], ...] = ()
    translated: AskedWords = _NOT_TRANSLATED

    @classmethod
    def of(
        cls,
        question: str,
        names: Collection[str] = (),
        glossary: Sequence[GlossaryTerm] = (),
        translated: AskedWords = _NOT_TRANSLATED,
    ) -> AskedLabel:
        """
        Args:
            question: as it was asked.
            names: terms that only name the document.
            glossary: the terms of a glossary in the question, with what documents write for them.
            translated: the words of the question in the other language.
        """

        def terms(text: str) -> frozenset[str]:
            return frozenset(tokenize(_FILLER.sub(" ", without_periods(fold(text))))) - frozenset(names)

        others = {terms(question.replace(term.term, word)) for term in glossary for word in term.words}
        return cls(terms(question), tuple(others), translated)

    @cached_property
    def all_terms(self) -> frozenset[str]:
        """The terms, with those of the other words and of translations."""
        return self.terms.union(*self.others, self.translated.stems)

    def may_match(self, text: str) -> bool:
        """Whether a text holds a term at all; much sooner said than how well a label matches."""
        lower = text.lower()
        return any(term in lower for term in self.all_terms)

    def match(self, *labels: str) -> float:
        """How well a label, or several together, match, 0 to 1: the harmonic mean of the share of their terms that are
        asked for, which weighs more, and of the share of the asked terms that they hold.

        So an exact label comes before a longer one, and the words of the question before those of the glossary.
        """
        terms = frozenset[str]().union(*map(label_terms, labels))
        if self.all_terms.isdisjoint(terms):
            return 0.0
        return max(
            _match(self.terms, terms),
            *(_OTHER_WORDS * _match(other, terms) for other in self.others),
            self.translated.match(terms),
        )

    def share(self, label: str) -> float:
        """The share of the terms of a label that are asked for, 0 to 1."""
        terms = label_terms(label)
        return len(terms & (self.terms | self.translated.stems)) / len(terms) if terms else 0.0


@lru_cache(maxsize=4096)
def label_terms(label: str) -> frozenset[str]:
    """The terms of a label without its unit, its number and the periods in it."""
    bare = re.sub(
        r"[(（][^()（）]{1,8}[)）]|^[一二三四五六七八九十0-9]{1,2}[、.．]|^其中[:：]|^[加减][:：]",
        " ",
        fold(label),
    )
    return frozenset(tokenize(without_periods(bare)))


def _match(asked: frozenset[str], terms: frozenset[str]) -> float:
    """The weighted harmonic mean of precision and recall; precision weighs twice as much, as questions are long."""
    shared = len(asked & terms)
    return 1.25 * shared / (0.25 * len(asked) + len(terms)) if shared else 0.0


def label_match(row: Row, asked: AskedLabel, title: str = "") -> float:
    """How well the label of a row, the name of a column, or both match what is asked, 0 to 1.

    Args:
        row: the row.
        asked: what is asked for.
        title: of its table, whose words may complete the label.
    """
    names = {cell.name for cell in row.cells if cell.name}
    keys = [(row.label,), *((name,) for name in names), *((row.label, name) for name in names)]
    best = max((asked.match(*key) for key in keys), default=0.0)
    if title and row.label:
        best = max(best, *(asked.match(title, *key) for key in keys))
    return best


def period_match(text: str, kind: QuestionKind, document_year: int | None) -> int:
    """1 if a text names a period that is asked for, -1 if it names only others, 0 if it names or is asked for none.

    Args:
        text: of a sentence, or the name of a column.
        kind: of the question.
        document_year: the year that 本期 stands for; None if it is not known.
    """
    verdict = 0
    if kind.years:
        named = set(years_of(text))
        if not named and document_year is not None:
            if _LAST_PERIOD.search(text):
                named.add(document_year - 1)
            elif _THIS_PERIOD.search(text):
                named.add(document_year)
        if named:
            verdict = 1 if named & kind.years else -1
    if kind.quarters and verdict >= 0 and (parts := parts_of_year(text)):
        verdict = -1 if kind.quarters.isdisjoint(parts) else 1
    return verdict


def row_period_match(row: Row, kind: QuestionKind, document_year: int | None) -> int:
    """`period_match` of a row: of its columns, or else of its label and cells."""
    columns = [period_match(cell.name, kind, document_year) for cell in row.cells if cell.name]
    for found in (columns, [period_match(f"{row.corner} {row.label} {row.values}", kind, document_year)]):
        if 1 in found:
            return 1
        if -1 in found:
            return -1
    return 0


def asked_cells(
    row: Row, asked: AskedLabel, kind: QuestionKind, document_year: int | None = None
) -> Sequence[Cell]:
    """The cells of a row that are asked for; all cells if no column is.

    Columns are chosen by the asked period, then by their names: those of the best match, if the question names them and
    not all are named alike. A question for a growth takes the column of changes, if there is one.

    Args:
        row: the row.
        asked: what is asked for.
        kind: of the question.
        document_year: the year that 本期 stands for; None if it is not known.
    """
    cells = [cell for cell in row.cells if cell.text]
    periods = {cell.name: period_match(cell.name, kind, document_year) for cell in cells}
    changes = [cell for cell in cells if _CHANGE.search(cell.name)]
    if kind.compares and changes:
        return [cell for cell in changes if periods[cell.name] >= 0] or changes
    if 1 in periods.values():
        cells = [cell for cell in cells if periods[cell.name] == 1]
    elif -1 in periods.values():
        cells = [cell for cell in cells if periods[cell.name] == 0] or cells
    matches = {cell.name: asked.share(cell.name) for cell in cells if cell.name}
    best = max(matches.values(), default=0.0)
    if best >= 0.5 and len(matches) > 1:
        named = {cell for cell in cells if matches.get(cell.name, 0.0) >= 0.7 * best}
        if kind.precise and not any(_is_precise(cell, kind.precise) for cell in named):
            named.update(cell for cell in cells if _is_precise(cell, kind.precise))
        return [cell for cell in cells if cell in named]
    return cells
