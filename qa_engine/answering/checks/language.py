"""Decides whether an answer is Chinese, whatever terms of other languages it holds."""

from __future__ import annotations

import re

from qa_engine.text.citation_marks import CITATION
from qa_engine.text.tokenizer import HAN_CLASS

_HAN = re.compile(f"[{HAN_CLASS}]")
_OTHER_SCRIPT = re.compile(
    "[\u3041-\u3096\u30a1-\u30fa\uac00-\ud7a3\u0400-\u052f\u0590-\u06ff\u0900-\u0e7f]|[\u0370-\u03ff](?=[\u0370-\u03ff])"
)
"""Kana, Hangul, Cyrillic, Hebrew, Arabic, the scripts of India and Thailand, and Greek words, which are no formulas."""
_WORD = re.compile(r"(?<![^\W_])[A-Za-zÀ-ɏ][A-Za-zÀ-ɏ'’-]*(?![^\W_])")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_QUOTED = re.compile(
    r"“[^”]{0,999}”|「[^」]{0,999}」|『[^』]{0,999}』|《[^》]{0,999}》|\"[^\"\n]*\"|（[^（）]*）|\([^()]*\)"
)
"""Bounded, so that quotation marks that are opened again and again are read in linear time."""
_ADDRESS = re.compile(r"https?://\S+|(?<!\S)\S+@\S+")
# Small words that make a sentence out of names: a name has them in capitals only (The Who).
_SENTENCE_WORDS = frozenset(
    """is are was were be been has have had does do did can could will would should may not the this that these those it its
    there they their which who because when with from about into per est sont les des une dans pour avec pas que qui ist sind
    der das und nicht eine mit für von es los las una con para por como più è sono che della não os uma""".split()  # noqa: SIM905
)
_PLAIN_WORDS = frozenset(
    """use uses used using take takes took contain contains include includes require requires support supports cost costs
    show shows said say says equal equals mean means provide provides consist consists need needs run runs make makes made
    get gets got come comes came begin begins began start starts started end ends ended build built found founded establish
    established locate located base based call called train trained released published increased decreased rose fell grew
    more less than over about only both each all any no yes thousand million billion trillion hundred percent day days week
    weeks month months year years hour hours minute minutes people parameters tokens layers""".split()  # noqa: SIM905
)
"""Words, in small letters, of short English sentences and quantities: names and terms alone do without them."""
_BEGINNINGS = frozenset("It They There This That These Those He She We You Yes No The".split())  # noqa: SIM905
_NAME_WORDS = 8
"""An answer that is nothing but a name has at most this many words."""


def is_chinese_answer(text: str) -> bool:
    """Whether a text counts as Chinese: it is Chinese, or it holds nothing but names, numbers or code.

    Quotations, text in brackets, and code may be in any language.

    Example:
        >>> is_chinese_answer("作者是 Geoffrey Hinton[1]。"), is_chinese_answer("Geoffrey Hinton[1]")
        (True, True)
        >>> is_chinese_answer("The model has 7B parameters [1]."), is_chinese_answer("7 billion parameters")
        (False, False)
    """
    bare = _ADDRESS.sub("", CITATION.sub("", _CODE.sub("", text)))
    running = _QUOTED.sub("", bare)
    if not (_HAN.search(running) or _WORD.search(running) or _OTHER_SCRIPT.search(running)):
        running = bare
    han, other = len(_HAN.findall(running)), len(_OTHER_SCRIPT.findall(running))
    words = _WORD.findall(running)
    small = [word for word in words if word[0].islower()]
    sentence_words = sum(word in _SENTENCE_WORDS for word in small)
    if other > 3 and other * 4 > han:
        return False
    if not han:
        plain = sentence_words or not _PLAIN_WORDS.isdisjoint(small) or (small and words[0] in _BEGINNINGS)
        return not plain and len(small) < 4 and len(words) <= _NAME_WORDS
    return len(words) < 6 or han >= len(words) or not (sentence_words or len(small) >= 5)
