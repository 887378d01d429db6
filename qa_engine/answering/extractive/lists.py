"""Lists: the items that follow the same lead-in, the rows of the same table, and sentences that go on behind a break."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa_engine.text.tokenizer import fold
from qa_engine.types import PassageSentence

_FAMILIES = tuple(
    map(
        re.compile,
        (
            r"[（(][一二三四五六七八九十]{1,3}[)）]",
            r"[（(][0-9]{1,2}[)）]",
            r"[0-9]{1,2}(?:[、．)）]|\.(?![0-9]))",
            r"[一二三四五六七八九十]{1,3}、",
            r"[①-⑳⑴-⒇]",
            r"[•●■◆▪➢✓·○\uf0a7-\uf0fc]|[-–—*]\s",
            r"[（(]?[A-Za-z][)）.]\s*(?![a-z])",
            r"[0-9]{1,2}\.[0-9]{1,2}(?![0-9.%％]|\s*[万亿元年月米个倍])",
            r"第[一二三四五六七八九十][步,，、]|步骤\s*[一二三四五六七八九十0-9]|[Ss]tep\s*[0-9]",
            r"其[一二三四五六七八九十](?:[,，、]|是)|[一二三四五六七八九]是",
        ),
    )
)
"""The marks that items begin with, one family each."""
_LEAD_IN = re.compile(r"[:：]\s*$|下列|如下|以下|之一的?[,，]?|the following", re.IGNORECASE)
_ENDS_WITH_COLON = re.compile(r"[:：]\s*$")
_ENDED = re.compile(r"[。！？；!?;:：.…]\s*[”’\"'）)」』]*\s*$")
_PART = re.compile(r"；|; ")
_MAX_BETWEEN = 6
"""An item may have so many further sentences, or items of its own."""
_LONG = 200
"""A sentence that ends without a mark, and is longer, was cut off; shorter ones are lines of a list or a form."""


def family_of(text: str) -> int | None:
    """The number of the family of marks that a text begins with; None if it begins with none."""
    stripped = text.lstrip()
    return next((number for number, mark in enumerate(_FAMILIES) if mark.match(stripped)), None)


def begins_item(before: PassageSentence, sentence: PassageSentence) -> bool:
    """Whether a sentence begins an item on a line of its own: it has a mark, and follows text that is complete."""
    ended = before.role != sentence.role or _ENDED.search(before.text) is not None
    return (ended or family_of(before.text) is not None) and family_of(sentence.text) is not None


def list_range(sentences: Sequence[PassageSentence], place: int) -> range | None:
    """The list that a sentence is an item or the lead-in of: the lead-in and all items.

    Args:
        sentences: of a document, in reading order.
        place: index of the sentence.

    Returns:
        The range; None if the sentence belongs to no list of two items at least.
    """
    first = place
    family = family_of(sentences[place].text) if _is_text(sentences[place]) else None
    follows = place + 1 < len(sentences) and _together(sentences[place], sentences[place + 1])
    if follows and _LEAD_IN.search(sentences[place].text):
        inner = family_of(sentences[place + 1].text)
        if inner is not None and inner != family:
            last = _last(sentences, place + 1, inner)
            return range(place, last + 1)
    if family is None:
        return None
    items = 1
    between = 0
    for index in range(place - 1, -1, -1):
        if not _together(sentences[index], sentences[place]):
            break
        if family_of(sentences[index].text) == family:
            first, items, between = index, items + 1, 0
        elif (between := between + 1) > _MAX_BETWEEN:
            break
    last = _last(sentences, place, family)
    items += sum(family_of(sentences[index].text) == family for index in range(place + 1, last + 1))
    if items < 2:
        return None
    if (
        first > 0
        and _together(sentences[first - 1], sentences[first])
        and _LEAD_IN.search(sentences[first - 1].text)
    ):
        first -= 1
    return range(first, last + 1)


def rows_range(sentences: Sequence[PassageSentence], place: int) -> range:
    """The rows of the table that a row belongs to, as far as they are among the sentences."""
    table, role = sentences[place].table, sentences[place].role
    first = last = place
    while first > 0 and (sentences[first - 1].table, sentences[first - 1].role) == (table, role):
        first -= 1
    while last + 1 < len(sentences) and (sentences[last + 1].table, sentences[last + 1].role) == (
        table,
        role,
    ):
        last += 1
    return range(first, last + 1)


def row_named_alone(question: str, sentences: Sequence[PassageSentence], rows: range) -> int | None:
    """The row of a table that a question names by a cell, if it names no cell of the other rows that is not in this one.

    Such a question asks for that row, and not for all of them.

    Args:
        question: as it was asked.
        sentences: of a document, in reading order.
        rows: the table, by `rows_range`.

    Returns:
        Its index; None if there is no such row.
    """
    folded = fold(question)
    named = {place: {text for text in _cells(sentences[place].text) if text in folded} for place in rows}
    first = max(named, key=lambda place: len(named[place]))
    others = set[str]().union(*(texts for place, texts in named.items() if place != first))
    return first if others < named[first] else None


def _cells(row: str) -> set[str]:
    """What the cells of a row say, those that are long enough to be named."""
    parts = (re.split(r"[:：]\s*", part, maxsplit=1)[-1] for part in _PART.split(row))
    return {text for part in parts if len(text := fold(part).strip()) > 1}


def with_continuation(sentences: Sequence[PassageSentence], quote: range) -> range:
    """A quote with what it needs to be read: the items behind a lead-in, and the rest of a sentence that was cut off."""
    last = quote.stop - 1
    if _is_text(sentences[last]) and _ENDS_WITH_COLON.search(sentences[last].text):
        found = list_range(sentences, last)
        if found is not None and found.start <= last < found.stop - 1:
            return range(quote.start, found.stop)
    while last + 1 < len(sentences) and _is_cut_off(sentences[last], sentences[last + 1]):
        last += 1
    return range(quote.start, last + 1)


def _is_cut_off(sentence: PassageSentence, following: PassageSentence) -> bool:
    """Whether a sentence goes on in the next one: it ends without a mark, at its greatest length or the end of a page."""
    if not (_is_text(sentence) and _is_text(following)) or _ENDED.search(sentence.text):
        return False
    if sentence.role != following.role or family_of(following.text) is not None:
        return False
    turns_page = (
        following.page is not None and sentence.page_end is not None and following.page > sentence.page_end
    )
    return sentence.section == following.section and (len(sentence.text) >= _LONG or turns_page)


def _last(sentences: Sequence[PassageSentence], place: int, family: int) -> int:
    """The last sentence of the list with an item at ``place``."""
    last = place
    for index in range(place + 1, min(len(sentences), place + 60)):
        if not _together(sentences[index], sentences[place]):
            break
        if family_of(sentences[index].text) == family:
            last = index
        elif index - last > _MAX_BETWEEN:
            break
    # The last item may have items of its own, or a sentence that was cut off.
    inner = family_of(sentences[last + 1].text) if last + 1 < len(sentences) else None
    if (
        inner is not None
        and inner != family
        and _together(sentences[last], sentences[last + 1])
        and _LEAD_IN.search(sentences[last].text)
    ):
        return _last(sentences, last + 1, inner)
    return last


def _together(one: PassageSentence, other: PassageSentence) -> bool:
    return _is_text(one) and _is_text(other) and one.section == other.section


def _is_text(sentence: PassageSentence) -> bool:
    return sentence.table is None and sentence.role not in {"heading", "contents"}
