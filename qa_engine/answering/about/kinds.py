"""What a question about documents can ask for, and the form that its wordings have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

Kind = Literal[
    "pages",
    "author",
    "issuer",
    "date",
    "title",
    "chapters",
    "outline",
    "files",
    "extreme",
    "which",
    "overview",
    "article",
    "chapter",
    "page",
]
"""``outline`` asks for the chapters in words that mean many other things as well, such as the structure of a building,
``extreme`` for the longest or the newest file, and ``which`` for the files that treat a topic."""
OF_DOCUMENTS_ALONE: frozenset[Kind] = frozenset({"pages", "chapters", "page", "chapter", "article"})
"""Kinds that nothing but a document has."""
Wordings = tuple[str, ...]
"""Patterns of whole questions. Groups: ``s``, the words that name a document; ``n`` or ``m``, a number; ``unit``, what is
counted or asked for; ``verb``, what was done at a date; ``name``, the title of a part; ``most``, an extreme; ``topic``."""


def compiled(patterns: Mapping[Kind, Wordings]) -> tuple[tuple[Kind, re.Pattern[str]], ...]:
    """The patterns of all kinds in their order, with the kind of each."""
    return tuple((kind, re.compile(one, re.I)) for kind, wordings in patterns.items() for one in wordings)
