"""The styles of a Word document in, what they say of a paragraph out: level of a heading, numbering, hidden, its role."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from qa_engine.documents.blocks import Role
from qa_engine.documents.renditions.formats.word.parts import W

_HEADING = re.compile(r"(?:heading|标题|標題|überschrift|titre)\s*([1-9])", re.I)
_TITLES = frozenset({"title", "标题", "標題", "titel", "titre"})
_CAPTIONS = frozenset({"caption", "题注", "標號", "图题", "表题"})
_CONTENTS = re.compile(r"(?:toc|目录|目錄)\s*\d", re.I)
BODY_LEVEL = 9
"""The outline level of what is no heading, counted from 0."""


@dataclass(frozen=True)
class Style:
    """What a style says, with what the styles say that it is based on.

    Attributes:
        heading: the level of headings, from 1; 0 of other text.
        list_id, list_level: the numbering, as `Numbering.label` takes it; None if the style says none.
        hidden: whether its text is hidden.
        role: of text that is no heading.
    """

    heading: int = 0
    list_id: str | None = None
    list_level: int | None = None
    hidden: bool = False
    role: Role = Role.BODY


def value(node: Any, name: str) -> str | None:
    """What a child says in its ``w:val``; None without such a child."""
    child = node.find(f"{W}{name}") if node is not None else None
    return None if child is None else child.get(f"{W}val") or ""


def is_on(node: Any, name: str) -> bool | None:
    """Whether a child switches something on; None without such a child."""
    child = node.find(f"{W}{name}") if node is not None else None
    return None if child is None else child.get(f"{W}val") not in {"0", "false", "off", "none"}


def number(text: str | None) -> int | None:
    """A number of the XML; None for anything else."""
    return int(text) if text is not None and re.fullmatch(r"\d{1,6}", text) else None


def read_styles(roots: Iterable[Any]) -> dict[str, Style]:
    """The styles by their ids; the default one of paragraphs by the empty text, too."""
    found = {style.get(f"{W}styleId") or "": style for root in roots for style in root.iter(f"{W}style")}
    styles = {one: _style(one, found) for one in found}
    for one, style in found.items():
        if style.get(f"{W}type") == "paragraph" and style.get(f"{W}default") in {"1", "true"}:
            styles[""] = styles[one]
    return styles


def _style(one: str, found: dict[str, Any]) -> Style:
    level: int | None = None
    hidden: bool | None = None
    list_id: str | None = None
    list_level: int | None = None
    role = Role.BODY
    seen: set[str] = set()
    while one in found and one not in seen:
        seen.add(one)
        style = found[one]
        name = (value(style, "name") or "").strip().lower()
        paragraph = style.find(f"{W}pPr")
        if level is None:
            level = _level(name, value(paragraph, "outlineLvl"))
        if hidden is None:
            hidden = is_on(style.find(f"{W}rPr"), "vanish")
        numbered = paragraph.find(f"{W}numPr") if paragraph is not None else None
        if numbered is not None:
            list_id = value(numbered, "numId") if list_id is None else list_id
            list_level = number(value(numbered, "ilvl")) if list_level is None else list_level
        if role is Role.BODY and _CONTENTS.match(name):
            role = Role.CONTENTS
        elif role is Role.BODY and name in _CAPTIONS:
            role = Role.CAPTION
        one = value(style, "basedOn") or ""
    if role is Role.CONTENTS:
        level = 0
    return Style(level or 0, list_id, list_level, bool(hidden), role)


def _level(name: str, outline: str | None) -> int | None:
    level = number(outline)
    if level is not None:
        return level + 1 if level < BODY_LEVEL else 0
    if (match := _HEADING.fullmatch(name)) is not None:
        return int(match[1])
    return 1 if name in _TITLES else None
