"""Makes the entries of lists of references paragraphs of their own, with a role that tells them from text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from qa_engine.documents.blocks import Role
from qa_engine.documents.pages.block_roles import REFERENCES
from qa_engine.documents.text_flow.pieces import Piece

_MARK = re.compile(r"[\[【]\d{1,3}[\]】]|\d{1,3}\.\s")
_SIGNS = re.compile(r"\b(?:19|20)\d\d[a-z]?\b|arXiv|\bdoi\b|https?://|\bet al\b|\bIn Proc", re.I)
_LONG = 180
_ENTRIES = frozenset({Role.BODY, Role.LIST, Role.FOOTNOTE})


def with_references(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces; those below the title of a list of references are its entries.

    Where entries have numbers, a piece without one belongs to the entry before it: a column or page ends there. Long text
    without a year or another sign of a reference is left as it is: then the heading above it was not seen.
    """
    result: list[Piece] = []
    in_list = marked = False
    for piece in pieces:
        if piece.role is Role.HEADING:
            in_list, marked = REFERENCES.fullmatch(piece.text.strip()) is not None, False
        elif in_list and piece.role in _ENTRIES:
            text = piece.text
            begins = _MARK.match(text) is not None
            if not (begins or _SIGNS.search(text) or len(text) < _LONG):
                result.append(piece)
                continue
            marked = marked or begins
            if marked and not begins and result[-1].role is Role.REFERENCE:
                result[-1] = replace(result[-1], lines=[*result[-1].lines, *piece.lines])
                continue
            piece = replace(piece, role=Role.REFERENCE)
        result.append(piece)
    return result
