"""Finds who wrote a paper: what stands between its title and its abstract, names, institutions and addresses.

The division of the first page into title, authors and abstract is that of GROBID's header model (Lopez, 2009); here the size
of the title and the word before the abstract tell it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa_engine.documents.blocks import Block, Page, Role

_ABSTRACT = re.compile(r"(?:abstract|summary)\b|(?:内容)?摘\s*要", re.I)
_PROSE = re.compile(r"(?:\b[a-z]{2,}[,;]? ){4}[a-z]{2,}|[，。].*[，。]")
"""Four words in a row that begin with small letters, or clauses: no names and institutions."""
_MAY_BE = frozenset({Role.BODY, Role.HEADING, Role.LIST, Role.FOOTNOTE, Role.TABLE})


def mark_authors(pages: Sequence[Page]) -> None:
    """Gives blocks between the title and the abstract of a paper the role of its authors; other files stay as they are.

    Args:
        pages: of one file; the roles of all blocks are set.
    """
    page = pages[0] if pages else None
    end = None if page is None else _abstract(page.blocks)
    if page is None or end is None:
        return
    block, line = end
    if line:
        whole = page.blocks[block]
        page.blocks[block : block + 1] = [
            Block(whole.role, whole.lines[:line]),
            Block(whole.role, whole.lines[line:]),
        ]
        block += 1
    headings = [number for number, one in enumerate(page.blocks[:block]) if one.role is Role.HEADING]
    if not headings:
        return
    title = max(headings, key=lambda number: (page.blocks[number].lines[0].size, -number))
    for one in page.blocks[title + 1 : block]:
        text = " ".join(line.text for line in one.lines)
        if one.role in _MAY_BE and not _PROSE.search(text):
            one.role, one.table = Role.AUTHORS, None
    for number, one in enumerate(page.blocks):
        for each in one.lines:
            each.block = number


def _abstract(blocks: Sequence[Block]) -> tuple[int, int] | None:
    """The block and the line that the abstract begins in."""
    for number, block in enumerate(blocks):
        if block.role in {Role.BODY, Role.HEADING, Role.LIST}:
            for place, line in enumerate(block.lines):
                if _ABSTRACT.match(line.text):
                    return number, place
    return None
