"""The text of a line as it is read: without what nobody sees, and with blanks only where they divide words."""

from __future__ import annotations

import re

from qa_engine.text.language import HAN_RANGES
from qa_engine.text.radicals import FOLDED

_HAN = f"\u2e80-\u2fdf{HAN_RANGES}"
_WIDE = f"{_HAN}\u3000-\u303f\uff00-\uffef"
_HAN_CHARACTER = re.compile(f"[{_HAN}]")
_CONTROL = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef]"
)
"""Control characters, and those that nobody sees: of no width, that turn the direction of text, tags, variants of glyphs."""
_BLANKS = re.compile("[ \t\u00a0\u2000-\u200a\u202f\u205f\u3000]+")
_LEADER = re.compile(r"(?:[ ]?[.·․…⋯]){5,}[ ]?")
"""The dots that lead to a page number in a table of contents."""
_TEMPLATE_FIELD = re.compile(r"\[Table_\w*\]\s?")
"""Names of fields, which reports made from Word templates contain as invisible text."""
_HAN_BLANK = re.compile(f"(?<=[{_WIDE}]) (?=[{_WIDE}])")
_DIGIT_BLANK = re.compile(
    f"(?<=[{_HAN}]) (?=[\\d%％‰])|(?<=[{_HAN}\\d][\\d%％‰]) (?=[{_HAN}])|(?<=[\\d%％‰]) (?=[，。、；：）])"
)
_NUMBERING = re.compile(
    r"(第[一二三四五六七八九十百零〇\d.]+[章节節条條款编編篇部分]+|[一二三四五六七八九十]+|附录\w?"
    r"|\d{1,2}(?:\.\d{1,2})*\.?(?= [^年月日个家人名位次元万亿%％])) "
)
_SYMBOL_BULLET = re.compile("^[\uf06c\uf06e\uf075\uf076\uf09f\uf0a7\uf0a8\uf0b7\uf0d8\uf0fc\uf0e8]+ ?")
"""Bullets of symbol fonts."""
_PRIVATE = re.compile("[\ue000-\uf8ff\ufffd]")
_WIDE_POINT = re.compile(r"(?<=\d)．(?=\d)")
_VERTICAL_FORM = re.compile("[\ufe10-\ufe19\ufe30-\ufe48]")
_VERTICAL_FORMS = str.maketrans(
    "︐︑︒︓︔︕︖︗︘︙︰︱︲︳︵︶︷︸︹︺︻︼︽︾︿﹀﹁﹂﹃﹄﹇﹈",
    "，、。：；！？〖〗…‥—–_（）｛｝〔〕【】《》〈〉「」『』［］",
)
"""Marks of vertical text, and the ordinary ones."""


def count_han(text: str) -> int:
    """How many Han characters a text holds."""
    return len(_HAN_CHARACTER.findall(text))


def clean(raw: str) -> str:
    """The text of a line without control characters and private-use characters, bullets apart.

    Several blanks become one. There is none between Han characters, and none between them and digits; Latin words keep
    their blanks, and so does the number of a heading.
    """
    text = _BLANKS.sub(" ", _CONTROL.sub("", raw).translate(FOLDED))
    text = _LEADER.sub(" … ", _TEMPLATE_FIELD.sub("", text)).strip()
    if _PRIVATE.search(text):
        text = _PRIVATE.sub("", _SYMBOL_BULLET.sub("• ", text)).strip()
    if not text or text.isascii():
        return text
    text = _WIDE_POINT.sub(".", text)
    if _VERTICAL_FORM.search(text):
        text = text.translate(_VERTICAL_FORMS)
    numbering = _NUMBERING.match(text)
    start = numbering.end() if numbering else 0
    rest = _HAN_BLANK.sub("", text[start:])
    # Twice: in 表 4 所示 the second blank matches only after the first is gone.
    return text[:start] + _DIGIT_BLANK.sub("", _DIGIT_BLANK.sub("", rest))
