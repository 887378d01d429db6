"""BM25's terms, made readable again: which words of a query a text matches."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Set

from qa_engine.index.analyser import HAN, analyse, fold

_RUNS = re.compile(rf"[{HAN}]+|[^\W{HAN}]+(?:[-./,&:][^\W{HAN}]+)*")
_HAN = re.compile(f"[{HAN}]")


def matched_terms(query: str, terms: Set[str]) -> list[str]:
    """The words of a query that a text matches, in the order of the query and as they stand in it.

    The analyser stems English and cuts Chinese into words and overlapping pairs of characters. Words are shown unstemmed,
    and what overlaps is shown as one.

    Args:
        query: what was searched for.
        terms: the terms of the text, from `analyse`.

    Example:
        >>> matched_terms("雷峰塔的largest towers？", set(analyse("The tower 雷峰塔")))
        ['雷峰塔', 'towers']
    """
    found: dict[str, None] = {}
    for match in _RUNS.finditer(unicodedata.normalize("NFKC", query)):
        run = match[0]
        matched = [term for term in analyse(run) if term in terms]
        folded = fold(run)
        in_place = _HAN.match(run) and len(folded) == len(run)
        shown = _spans(run, folded, matched) if in_place else [run] if matched else []
        found.update(dict.fromkeys(shown))
    return list(found)


def _spans(run: str, folded: str, terms: Iterable[str]) -> list[str]:
    """The parts of a run of Chinese that terms cover; terms that overlap, not those that only touch, are one part."""
    places = sorted(
        {
            (match.start(), match.start() + len(term))
            for term in terms
            for match in re.finditer(f"(?={re.escape(term)})", folded)
        }
    )
    spans: list[tuple[int, int]] = []
    for start, end in places:
        if spans and start < spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return [run[start:end] for start, end in spans]
