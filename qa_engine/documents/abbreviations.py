"""English words before a full stop that ends no sentence, and words after one that begin a sentence."""

from __future__ import annotations

import re

_LATIN = r"[A-Za-z\u00c0-\u024f]"
_LAST_WORD = re.compile(rf"(?<!{_LATIN})(?:{_LATIN}{{1,2}}\.)+{_LATIN}{{1,2}}$|{_LATIN}+$|\d+$")
_LONGEST = 16


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


NEVER_END = _set(
    "mr mrs ms dr prof fig figs eq eqs eqn eqns sec secs ref refs tab chap ch vol vols vs cf approx ca viz pp e.g i.e "
    "thm lem prop def cor suppl incl excl resp proc trans int conf gen col lt sgt capt gov rev hon dept univ "
    "natl sci phys lett comput commun"
)
"""Titles, pointers, measures: never the end of a sentence, not even before The. In lower case."""
MAY_END = _set(
    "a.m p.m ph.d m.d b.a m.a b.sc m.sc u.s u.k e.u u.n inc ltd co corp bros etc al jr sr st spp sp subsp var ed eds "
    "est tel ext acad max avg ex pt seq mass w.r.t i.i.d d.c jan feb mar apr jun jul aug sep sept oct nov dec"
)
"""The end of a sentence only if one of ``STARTERS`` follows. In lower case."""
WORDS = _set("me may ill ok ore art miss no id con fed med res del")
"""What sentencex takes for abbreviations, and is mostly a word."""
STARTERS = _set(
    "A After Although All An And As At Because Both But By Despite Did Do Does During Each Even Every Finally First For "
    "From Furthermore Given Has Have He Hence Her Here His How However If In Instead Is It Its Later Many Moreover Most "
    "Nobody No None Not Nothing Now On One Once Only Or Other Others Our Second She Similarly Since So Some Such Table "
    "That The Their Then There Therefore These They This Those Though Three Through Thus To Today Two Under Unlike Until "
    "Using Was We Were What When Where Whether Which While Who Why With Within Without Yes Yet You Your"
)
"""Words that begin sentences, and hardly ever a name."""


def last_word(text: str, end: int) -> str:
    """The word, abbreviation (without its last full stop) or number that stands directly before ``end``, or nothing."""
    found = _LAST_WORD.search(text, max(0, end - _LONGEST), end)
    return found[0] if found else ""
