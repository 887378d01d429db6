"""The body of a Word document in, its elements out: text as it is accepted, with numbers, notes, text boxes and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from qa_engine.documents.blocks import Role
from qa_engine.documents.renditions.elements import Element
from qa_engine.documents.renditions.formats.word.numbering import BULLET, Numbering
from qa_engine.documents.renditions.formats.word.parts import W
from qa_engine.documents.renditions.formats.word.styles import BODY_LEVEL, Style, is_on, number, value
from qa_engine.documents.renditions.formats.word.tables import rows_of, table_of
from qa_engine.text.one_line import one_line

DELETED = "deleted"
"""The role of what is left out because a tracked change deletes it."""
HIDDEN = "hidden"
_MAX_LEFT_OUT = 120
_MAX_LEVEL = 6
_MAX_HEADING = 200
"""A paragraph with more characters is no heading, whatever its style."""
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_ALTERNATIVE = "{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent"
_CONTAINERS = frozenset(
    W + name for name in ("ins", "moveTo", "sdt", "sdtContent", "customXml", "smartTag", "hyperlink")
) | {W + name for name in ("fldSimple", "bdo", "dir", "ruby", "rubyBase")}
_REMOVED = {W + "del", W + "moveFrom"}
_BREAKS = {W + "br", W + "cr"}
_BLANKS = {W + "tab", W + "ptab"}
_BOX_HOLDERS = {W + "drawing", W + "pict", W + "object", _ALTERNATIVE}
_TEXT_BOX = W + "txbxContent"
_SYMBOLS = {"F0FE": "☑", "F052": "☑", "F0A8": "☐", "F06F": "☐", "F0FC": "✓", "F0FB": "✗", "F0B7": BULLET}
_NOTE_ROLES = {"footnote": Role.FOOTNOTE, "endnote": Role.FOOTNOTE, "comment": Role.NOTE}


class BodyReader:
    """Goes through a body once. Its XML is at most as deep as libxml2 allows (256), so recursion ends."""

    def __init__(
        self, styles: Mapping[str, Style], numbering: Numbering, notes: Mapping[tuple[str, str], Any]
    ) -> None:
        """Takes what a body refers to.

        Args:
            styles: by `read_styles`.
            numbering: counts the paragraphs.
            notes: footnotes, endnotes and comments, by their kind and id.
        """
        self._styles = styles
        self._numbering = numbering
        self._notes = notes
        self._waiting: list[tuple[Role, str]] = []
        """Notes that are referred to by the paragraph or table that is being read."""
        self._endnotes: list[tuple[Role, str]] = []
        self._boxes: list[Any] = []
        self.left_out: list[tuple[str, str]] = []

    def elements(self, body: Any) -> Iterator[Element]:
        """The elements of a body; endnotes are the last ones."""
        yield from self._blocks(body)
        for role, text in self._endnotes:
            yield Element(role, text)

    def _blocks(self, parent: Any) -> Iterator[Element]:
        for node in parent:
            if node.tag == W + "p":
                yield from self._paragraph(node)
            elif node.tag == W + "tbl":
                yield from self._table(node)
            elif node.tag in _CONTAINERS:
                yield from self._blocks(node)
            elif node.tag in _REMOVED:
                self._leave_out(DELETED, node)
            else:
                continue
            if node.tag not in _CONTAINERS:
                yield from self._after()

    def _after(self) -> Iterator[Element]:
        """The text boxes and notes that belong to what was read last."""
        while self._boxes:
            yield from self._blocks(self._boxes.pop(0))
        waiting, self._waiting = self._waiting, []
        for role, text in waiting:
            yield Element(role, text)

    def _paragraph(self, node: Any) -> Iterator[Element]:
        properties = node.find(f"{W}pPr")
        identity = value(properties, "pStyle") or ""
        style = self._styles.get(identity) or self._styles.get("") or Style()
        text = "".join(self._runs(node, style.hidden))
        removed = properties is not None and properties.find(f"{W}rPr/{W}del") is not None
        if removed and not text.strip():
            return
        # Empty paragraphs are counted, too.
        label, place = self._label(properties, identity, style)
        if not text.strip():
            return
        level = number(value(properties, "outlineLvl"))
        heading = style.heading if level is None else (level + 1 if level < BODY_LEVEL else 0)
        if heading and len(text) <= _MAX_HEADING:
            yield Element(Role.HEADING, label + one_line(text), min(heading, _MAX_LEVEL))
            return
        # A number such as 第三条 begins a paragraph, and no entry of a list.
        listed = bool(label) and not label.startswith("第") and style.role is Role.BODY
        if listed:
            yield Element(Role.LIST, label + one_line(text), place + 1)
            return
        for line in text.split("\n"):
            if words := label + one_line(line):
                yield Element(style.role, words)
            label = ""

    def _label(self, properties: Any, identity: str, style: Style) -> tuple[str, int]:
        """The number of a paragraph, and its level from 0."""
        own = properties.find(f"{W}numPr") if properties is not None else None
        list_id, place = value(own, "numId"), number(value(own, "ilvl"))
        if list_id is None:
            list_id = style.list_id
            if list_id is not None and place is None:
                place = style.list_level
                if place is None:
                    place = self._numbering.level_of_style(list_id, identity)
        place = place or 0
        return (self._numbering.label(list_id, place) if list_id else ""), place

    def _runs(self, parent: Any, hidden: bool) -> Iterator[str]:
        for node in parent:
            if node.tag == W + "r":
                yield from self._run(node, hidden)
            elif node.tag in _CONTAINERS:
                yield from self._runs(node, hidden)
            elif node.tag in _REMOVED:
                self._leave_out(DELETED, node)
            elif node.tag in {_MATH + "oMath", _MATH + "oMathPara"}:
                yield _formula(node)
            elif node.tag == _ALTERNATIVE:
                self._find_boxes(node)

    def _run(self, run: Any, hidden: bool) -> Iterator[str]:
        properties = run.find(f"{W}rPr")
        own = is_on(properties, "vanish")
        if own is None and (named := self._styles.get(value(properties, "rStyle") or " ")) is not None:
            own = named.hidden or None
        if hidden if own is None else own:
            self._leave_out(HIDDEN, run)
            return
        for node in run:
            tag = node.tag
            if tag == W + "t":
                yield node.text or ""
            elif tag in _BLANKS:
                yield " "
            elif tag in _BREAKS:
                yield " " if node.get(f"{W}type") in {"page", "column"} else "\n"
            elif tag == W + "noBreakHyphen":
                yield "-"
            elif tag == W + "sym":
                yield _SYMBOLS.get((node.get(f"{W}char") or "").upper(), "")
            elif tag == W + "ruby":
                yield from self._runs(node, hidden)
            elif tag in _BOX_HOLDERS:
                self._find_boxes(node)
            elif isinstance(tag, str) and tag.endswith("Reference"):
                self._refer(tag[len(W) : -len("Reference")], node.get(f"{W}id") or "")

    def _find_boxes(self, node: Any) -> None:
        """Notes the text boxes of a drawing; of alternatives, those of the first one that has any."""
        alternatives = [node] if node.tag == _ALTERNATIVE else list(node.iter(_ALTERNATIVE))
        for alternative in alternatives:
            for choice in alternative:
                if boxes := list(choice.iter(_TEXT_BOX)):
                    self._boxes += [box for box in boxes if not _is_within(box, boxes)]
                    break
        if not alternatives:
            boxes = list(node.iter(_TEXT_BOX))
            self._boxes += [box for box in boxes if not _is_within(box, boxes)]

    def _refer(self, kind: str, identity: str) -> None:
        note = self._notes.get((kind, identity))
        if note is None or kind not in _NOTE_ROLES:
            return
        text = one_line(" ".join("".join(self._runs(part, False)) for part in note.iter(f"{W}p")))
        if text:
            (self._endnotes if kind == "endnote" else self._waiting).append((_NOTE_ROLES[kind], text))

    def _leave_out(self, role: str, node: Any) -> None:
        if text := one_line("".join(_raw_text(node)), _MAX_LEFT_OUT):
            self.left_out.append((role, text))

    def _table(self, node: Any) -> Iterator[Element]:
        rows = rows_of(node, lambda row: self._leave_out(DELETED, row))
        table = table_of(rows, self._cell_text)
        if table is None:
            for row in rows:
                for cell in row.cells:
                    yield from self._blocks(cell)
            return
        yield Element(Role.TABLE, table=table)

    def _cell_text(self, cell: Any) -> str:
        """The text of a cell, with that of a table in it."""
        return one_line(" ".join(element_text(element) for element in self._blocks_of_cell(cell)))

    def _blocks_of_cell(self, cell: Any) -> Iterator[Element]:
        # The notes of a table are behind it: what a cell refers to waits until the table has ended.
        waiting, self._waiting = self._waiting, []
        for element in self._blocks(cell):
            if element.role in {Role.FOOTNOTE, Role.NOTE}:
                waiting.append((element.role, element.text))
            else:
                yield element
        self._waiting = waiting


def element_text(element: Element) -> str:
    """What an element says; of a table, its cells one after the other."""
    if element.table is None:
        return element.text
    return " ".join(cell.text for row in element.table.rows for cell in row)


def _is_within(box: Any, boxes: list[Any]) -> bool:
    return any(other is not box and other in boxes for other in box.iterancestors(_TEXT_BOX))


def _raw_text(node: Any) -> Iterator[str]:
    for part in node.iter(W + "t", W + "delText"):
        yield part.text or ""


def _formula(node: Any) -> str:
    """A formula on one line: fractions with a stroke, powers and indices with their signs."""
    name = node.tag[len(_MATH) :] if isinstance(node.tag, str) and node.tag.startswith(_MATH) else ""
    if name == "t":
        return node.text or ""
    parts: list[str] = [_formula(child) for child in node if _shown(child)]
    sign: Callable[[str, str], str] | None = {
        "f": lambda above, below: f"{_grouped(above)}/{_grouped(below)}",
        "sSup": lambda base, power: f"{base}^{_grouped(power)}",
        "sSub": lambda base, index: f"{base}_{_grouped(index)}",
    }.get(name)
    return sign(*parts) if sign is not None and len(parts) == 2 else "".join(parts)


def _shown(node: Any) -> bool:
    return isinstance(node.tag, str) and not node.tag.endswith("Pr")


def _grouped(text: str) -> str:
    return text if len(text) < 2 or text.isalnum() else f"({text})"
