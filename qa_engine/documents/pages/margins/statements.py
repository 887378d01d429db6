"""Tells sentences, notices and addresses, which people ask about, from the titles that stand in the margins of pages."""

from __future__ import annotations

import re

from qa_engine.documents.pages.block_roles import LABEL, TERMINAL

_NOTICE = re.compile(
    r"请|应当|不得|严禁|禁止|未经|仅供|必须|不构成|：[\s_＿]*$|\b(please|must|shall|may not|do not|not be|is|are)\b",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"(电话|热线|传真|地址|邮箱|\b(?:tel|phone|fax|e-?mail|hotline)\b)[.:：\s]*(?:\S ?){5}", re.IGNORECASE
)
"""What people ask about, though it may stand on every page."""
FORMULA = re.compile(r"(?<!\S)[=≤≥]|[□■☐☑☒√]")
"""Formulas, and boxes that are ticked."""
_CLAUSE = re.compile("[，；]")
_HAN_CHARACTERS, _WORDS = 8, 4
"""A sentence, a clause or a notice has at least so many Han characters, or words in other scripts."""
_AUTHORS = re.compile("[^:：]*等[ ]?[:：]")
_FORM_LINE = 40
"""Most characters of a line of a form; journals put authors and title there, which are longer."""
_HAN = re.compile("[\u3400-\u9fff]")


def says_something(text: str) -> bool:
    """Whether a text is a sentence, a clause, a notice, an address or the line of a form, and not a title."""
    if _ADDRESS.search(text) or FORMULA.search(text) or _is_form_line(text):
        return True
    if len(_HAN.findall(text)) < _HAN_CHARACTERS and len(text.split()) < _WORDS:
        return False
    return any(pattern.search(text) for pattern in (TERMINAL, _CLAUSE, _NOTICE))


def _is_form_line(text: str) -> bool:
    """Whether a text is a label with its value (甲方：…), and neither a chapter nor authors with their title (张三等：…)."""
    if len(text) > _FORM_LINE or not _HAN.match(text) or text[0] == "第" or _AUTHORS.match(text):
        return False
    return LABEL.match(text) is not None
