"""Finds a text in the sentences of a file, as a reader types it: in any case and width, with or without blanks."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from qa_engine.documents.blocks import Role
from qa_engine.documents.pdf.rendering import PageBox, boxes_between
from qa_engine.index.catalog import Catalog
from qa_engine.text.language import HAN_RANGES

_HAN = f"[{HAN_RANGES}]"
_BESIDE_HAN = re.compile(rf"(?<={_HAN})\s+|\s+(?={_HAN})")
_BLANKS = re.compile(r"\s+")
_CHARACTER = re.compile("(?s).[\u0300-\u036f\u3099\u309a]*")
"""A character with the accents that stand behind it."""


@dataclass(frozen=True)
class FoundSentence:
    """A sentence that holds what was looked for.

    Attributes:
        id: which citations name it by.
        text: of it.
        start, end: the characters of the text that were found first, from 0.
        page, page_end: that it begins and ends on, from 1.
        boxes: of its lines.
    """

    id: str
    text: str
    start: int
    end: int
    page: int
    page_end: int
    boxes: list[PageBox]


def find_in_document(
    catalog: Catalog, document_id: str, wanted: str, limit: int
) -> tuple[list[FoundSentence], bool]:
    """The first sentences of a document that hold a text, in order, and whether there are more of them.

    Args:
        catalog: of the collection.
        document_id: of the document.
        wanted: the text; one of nothing but blanks is found nowhere.
        limit: sentences, at most.
    """
    folded = fold(wanted).strip()
    if not folded:
        return [], False
    found = []
    for sentence in catalog.sentences(document_id):
        # What a table is about is no text of the page.
        if sentence.metadata.get("role") == Role.TABLE_SUMMARY or folded not in fold(sentence.text):
            continue
        found.append(sentence)
        if len(found) > limit:
            break
    spans = catalog.spans(document_id)
    return [
        FoundSentence(
            one.node_id,
            one.text,
            *place_of(folded, one.text),
            one.metadata.get("page", 0),
            one.metadata.get("page_end", 0),
            list(dict.fromkeys(boxes_between(spans, one.start_char_idx, one.end_char_idx))),
        )
        for one in found[:limit]
    ], len(found) > limit


def fold(text: str) -> str:
    """A text with nothing that makes no difference to a reader: case, width, and blanks beside Chinese characters.

    Example:
        >>> fold("ＡＢＣ 公司　2024  Annual")
        'abc公司2024 annual'
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _BLANKS.sub(" ", _BESIDE_HAN.sub("", folded))


def place_of(folded: str, text: str) -> tuple[int, int]:
    """Where a folded text stands in a text that holds it: its first character, and the one behind its last.

    Example:
        >>> place_of("公司2024", "ＡＢＣ 公司 2024")
        (4, 11)
    """
    characters: list[str] = []
    places: list[tuple[int, int]] = []
    for match in _CHARACTER.finditer(text):
        part = unicodedata.normalize("NFKC", match[0]).casefold()
        characters.append(part)
        places += [match.span()] * len(part)
    whole = "".join(characters)
    ignored = {at for blanks in _BESIDE_HAN.finditer(whole) for at in range(*blanks.span())}
    ignored |= {at for blanks in _BLANKS.finditer(whole) for at in range(blanks.start() + 1, blanks.end())}
    kept = [at for at in range(len(whole)) if at not in ignored]
    first = "".join(" " if whole[at].isspace() else whole[at] for at in kept).find(folded)
    if first < 0:  # characters that only together fold into what was found
        return 0, len(text)
    return places[kept[first]][0], places[kept[first + len(folded) - 1]][1]
