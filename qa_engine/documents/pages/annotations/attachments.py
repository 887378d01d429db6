"""The files inside a PDF file, and forms that only Acrobat can show: not read, and reported by name."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from qa_engine.text.one_line import one_line

ATTACHMENT, XFA_FORM = "attachment", "form"
"""Roles of what is left out: a file inside of the file, and a form whose contents MuPDF cannot show."""
_MATHML = "application/mathml+xml"
"""LaTeX attaches each formula of a tagged file once more, in this form."""
_MAX_NAMES = 10
_MAX_NAME = 80


def not_read(document: Any) -> list[tuple[str, str]]:
    """What a ``pymupdf.Document`` holds besides its pages: role and name of each attached file, and of an XFA form.

    A PDF package is a cover page with attached files. A dynamic XFA form has one page, which asks to open it elsewhere.
    """
    from pymupdf import mupdf

    pdf = mupdf.pdf_document_from_fz_document(document)
    found = []
    tree = mupdf.pdf_load_name_tree(pdf, mupdf.pdf_new_name("EmbeddedFiles"))
    for index in range(mupdf.pdf_dict_len(tree) if tree.m_internal else 0):
        key = mupdf.pdf_to_name(mupdf.pdf_dict_get_key(tree, index))
        specification = mupdf.pdf_dict_get_val(tree, index)
        stream = mupdf.pdf_dict_gets(mupdf.pdf_dict_gets(specification, "EF"), "F")
        if mupdf.pdf_to_name(mupdf.pdf_dict_gets(stream, "Subtype")) != _MATHML:
            found.append((ATTACHMENT, file_name(specification, key)))
    root = mupdf.pdf_dict_gets(mupdf.pdf_trailer(pdf), "Root")
    form = mupdf.pdf_dict_gets(root, "AcroForm")
    fields = mupdf.pdf_array_len(mupdf.pdf_dict_gets(form, "Fields")) if form.m_internal else 0
    if form.m_internal and mupdf.pdf_dict_gets(form, "XFA").m_internal:
        dynamic = mupdf.pdf_to_bool(mupdf.pdf_dict_gets(root, "NeedsRendering"))
        if dynamic or not fields:
            found.append((XFA_FORM, "XFA"))
    return found


def file_name(specification: Any, key: str = "") -> str:
    """The name in a file specification of MuPDF on one line, with its control characters written out; else its key."""
    from pymupdf import mupdf

    names = (mupdf.pdf_dict_get_text_string(specification, mupdf.pdf_new_name(name)) for name in ("UF", "F"))
    text = next((name for name in names if name.strip()), key) or "without a name"
    return one_line("".join(_visible(character) for character in text), _MAX_NAME)


def _visible(character: str) -> str:
    if unicodedata.category(character) not in {"Cc", "Cf", "Cs"}:
        return character
    return f"\\u{ord(character):04x}"


def clauses(left_out: Iterable[tuple[str, str]]) -> Iterator[str]:
    """A clause about the attached files, and one about an XFA form, if they are among what was left out."""
    entries = list(left_out)
    names = [text for role, text in entries if role == ATTACHMENT]
    if names:
        more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
        what = (
            "1 attached file is not read" if len(names) == 1 else f"{len(names)} attached files are not read"
        )
        yield f"{what}: {', '.join(names[:_MAX_NAMES])}{more}"
    if any(role == XFA_FORM for role, _ in entries):
        yield "the contents of its form (XFA) cannot be read: print it to a PDF file in Acrobat, and read that"
