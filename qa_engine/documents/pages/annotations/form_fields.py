"""The filled fields of a form: their values are taken out of the painted page, and set beside their labels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from qa_engine.documents.blocks import Rect
from qa_engine.documents.pages.lines.cleaning import clean, count_han

_HIDDEN = 2
_NO_VIEW = 32
_PASSWORD = 1 << 13
_PUSH_BUTTON = 1 << 16
_OFF = frozenset({"", "Off"})


@dataclass(frozen=True)
class FormField:
    """A field of a form.

    Attributes:
        name: what the file calls it: its tooltip, else its name.
        rect: on the page, in points.
        value: its text, a line for each paragraph; of a list, the texts that it shows; empty for a check box.
        checked: for a check box or a radio button, whether it is on; None for others.
    """

    name: str
    rect: Rect
    value: str = ""
    checked: bool | None = None

    @property
    def filled(self) -> bool:
        return bool(self.value or self.checked)

    def at(self, rect: Sequence[float]) -> FormField:
        """The field at another place."""
        return replace(self, rect=Rect(*rect))


def take_fields(page: Any) -> list[FormField]:
    """The fields of a ``pymupdf.Page`` that can be seen, their rectangles on the page as it is shown.

    They are hidden on the page in memory: values that are painted as text stand apart from their labels, and a tick is a
    letter of ZapfDingbats. Buttons, signatures and passwords are not among them; passwords are hidden, too.
    """
    from pymupdf import mupdf

    fields = []
    widget = mupdf.pdf_first_widget(page._pdf_page())
    while widget.m_internal:
        flags = mupdf.pdf_annot_flags(widget)
        item = mupdf.pdf_annot_obj(widget)
        kind = mupdf.pdf_to_name(_inherited(item, "FT"))
        field_flags = mupdf.pdf_to_int(_inherited(item, "Ff"))
        if (
            not flags & (_HIDDEN | _NO_VIEW)
            and kind != "Sig"
            and not (kind == "Btn" and field_flags & _PUSH_BUTTON)
        ):
            box = mupdf.pdf_bound_annot(widget)
            rect = Rect(box.x0, box.y0, box.x1, box.y1)
            mupdf.pdf_set_annot_flags(widget, flags | _HIDDEN)
            if kind == "Btn":
                fields.append(FormField(_name(item), rect, checked=_is_on(item)))
            elif not (kind == "Tx" and field_flags & _PASSWORD):
                texts = list(_texts(item))
                comma = "、" if count_han("".join(texts)) else ", "
                fields.append(FormField(_name(item), rect, (comma if kind == "Ch" else "\n").join(texts)))
        widget = mupdf.pdf_next_widget(widget)
    return fields


def _inherited(item: Any, key: str) -> Any:
    from pymupdf import mupdf

    return mupdf.pdf_dict_get_inheritable(item, mupdf.pdf_new_name(key))


def _name(item: Any) -> str:
    """The tooltip of a field; else the last part of its name, without the numbers that Acrobat gives (``Name[0]``)."""
    from pymupdf import mupdf

    tooltip = clean(mupdf.pdf_to_text_string(_inherited(item, "TU")))
    name = clean(mupdf.pdf_to_text_string(_inherited(item, "T")))
    return tooltip or re.sub(r"\[\d+\]$", "", name.rsplit(".", 1)[-1])


def _is_on(item: Any) -> bool:
    """Whether a box is ticked: its appearance says so; where it has none, its value."""
    from pymupdf import mupdf

    state = mupdf.pdf_dict_gets(item, "AS")
    return mupdf.pdf_to_name(state if state.m_internal else _inherited(item, "V")) not in _OFF


def _texts(item: Any) -> Iterator[str]:
    """The paragraphs of a field's value; of a list, the texts that are shown for the values."""
    from pymupdf import mupdf

    value = _inherited(item, "V")
    values = [mupdf.pdf_array_get(value, index) for index in range(mupdf.pdf_array_len(value))]
    options = _inherited(item, "Opt")
    shown: dict[str, str] = {}
    for index in range(mupdf.pdf_array_len(options)):
        option = mupdf.pdf_array_get(options, index)
        if mupdf.pdf_array_len(option) == 2:
            exported, text = (
                mupdf.pdf_to_text_string(mupdf.pdf_array_get(option, place)) for place in (0, 1)
            )
            shown[exported] = text
    for single in values or [value]:
        text = mupdf.pdf_load_stream_or_string_as_utf8(single) if single.m_internal else ""
        yield from (line for part in shown.get(text, text).splitlines() if (line := clean(part)))
