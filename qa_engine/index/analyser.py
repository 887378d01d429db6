"""Text in, BM25 terms out: Chinese words and bigrams, stemmed English without stop words, numbers and codes."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from threading import local
from typing import Any

ANALYSER_VERSION = "rjieba-bigram-stem-1"
"""Recorded with the index; a query is analysed the same way or not at all."""

_RUNS = re.compile("([\u3400-\u4dbf\u4e00-\u9fff]+)|([a-z0-9]+(?:[.,][0-9]+)*)")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_PARTS = re.compile(r"[a-z]+|[0-9]+(?:[.,][0-9]+)*")
_STOP_WORDS = frozenset(
    """a about above after again all also am an and any are as at be because been before being below between both
    but by can could did do does doing down during each few for from further had has have having he her here hers
    him his how i if in into is it its itself just me more most my no nor not of off on once only or other our ours
    out over own s same she should so some such t than that the their theirs them then there these they this those
    through to too under until up very was we were what when where which while who whom why will with would you
    your yours""".split()  # noqa: SIM905 - a list would take a line a word
)
_CHINESE_STOP_WORDS = frozenset("的了是在和与及或也都就而着被把对等其之吗呢吧啊呀么这那个")
"""Single characters that mean nothing on their own; inside pairs and words they stay."""
_thread = local()


def analyse(text: str) -> list[str]:
    """The terms of a text, in order, repeated as often as they occur.

    Full-width forms and ligatures are folded (NFKC), case is ignored. A run of Han characters gives its words in
    jieba's search mode and its overlapping pairs of characters, so that neither a word unknown to the dictionary nor
    a wrong cut hides a match. Words of letters are stemmed; mixed codes (7B, gpt4) give their parts as well.
    """
    folded = unicodedata.normalize("NFKC", text).lower()
    terms: list[str] = []
    for han, latin in _RUNS.findall(folded):
        if han:
            terms.extend(_han_terms(han))
        else:
            terms.extend(_latin_terms(latin))
    return terms


def _han_terms(run: str) -> list[str]:
    if len(run) == 1:
        return [] if run in _CHINESE_STOP_WORDS else [run]
    words = [word for word in _segmenter().cut_for_search(run) if word not in _CHINESE_STOP_WORDS]
    pairs = [run[i : i + 2] for i in range(len(run) - 1)]
    return words + pairs


def _latin_terms(run: str) -> list[str]:
    if run in _STOP_WORDS:
        return []
    number = run.replace(",", "")
    if number.replace(".", "").isdigit():
        return [number]
    parts = _PARTS.findall(run)
    if len(parts) > 1:
        return [run, *(part for part in parts if len(part) > 1 and part not in _STOP_WORDS)]
    return [_stem(run)]


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    stemmer = getattr(_thread, "stemmer", None)
    if stemmer is None:
        import Stemmer

        stemmer = _thread.stemmer = Stemmer.Stemmer("english")
    return str(stemmer.stemWord(word))


def _segmenter() -> Any:
    import rjieba

    return rjieba
