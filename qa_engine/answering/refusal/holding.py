"""What a passage and its document hold of what a question names: years, articles, codes, sizes and names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

from qa_engine.text.chinese_names import name_parts
from qa_engine.text.identifiers import Identifier, articles_of
from qa_engine.text.periods import Period, period_of, years_of
from qa_engine.text.tokenizer import fold
from qa_engine.types import Passage

_SIMILAR_NAME = 0.8
"""Likeness from which a name in Latin letters is a name with a slip or an ending."""
_REPORT = re.compile(
    r"年报|季报|年度报告|财务报[告表]|审计报告|annual|report|10-?[KQ]|financial|statement", re.I
)
_LATIN_WORD = re.compile("[a-z]{3,}")
_HAN_RUN = re.compile("[\u4e00-\u9fff]+")


def all_text(passage: Passage) -> str:
    """Everything that a passage says of itself, with the titles above its sentences."""
    titles = dict.fromkeys(sentence.section for sentence in passage.sentences)
    noted = (str(value) for value in passage.metadata.values())
    return "\n".join(
        [passage.file_name, _identity_text(passage), *noted, passage.section, *titles, passage.text]
    )


def name_of_document(passage: Passage) -> str:
    return f"{passage.file_name}\n{_identity_text(passage)}"


def _identity_text(passage: Passage) -> str:
    known = passage.identity
    names = known.get("names", ())
    return "\n".join(
        map(str, [*(known.get(key, "") for key in ("title", "organisation", "product")), *names])
    )


def document_years(passage: Passage) -> set[int]:
    """The years that a document is about, by its identity, or by its file name.

    A year that ends in January or February is named by either of the two.
    """
    period, end = str(passage.identity.get("period", "")), str(passage.identity.get("date", ""))
    years = set(years_of(period) or years_of(re.sub("[_-]+", " ", passage.file_name)))
    if period and is_report(passage) and end[5:7] in {"01", "02"}:
        years.update(years_of(end[:4]))
    return years


def document_period(passage: Passage) -> Period:
    """The year, half or quarter that a document is about, by its identity, or by its file name."""
    known = period_of(str(passage.identity.get("period", "")))
    named = period_of(re.sub("[_-]+", " ", passage.file_name))
    return named if not known.year or (named.part and not known.part) else known


def articles(passage: Passage) -> set[int]:
    texts = [passage.section, *(sentence.text for sentence in passage.sentences)]
    return set().union(*map(articles_of, texts))


def holds(text: str, one: Identifier) -> bool:
    """Whether a folded text holds a code, a title, or all parts of a name."""
    if one.kind in {"code", "numbered"}:
        return _code_pattern(one.value).search(text) is not None
    if fold(one.value) in text:
        return True
    if one.kind == "word" and re.search(_initials(one.value), text, re.I):
        return True
    return one.kind in {"name", "word"} and all(
        _holds_part(text, one.value, part) for part in name_parts(one.value)
    )


def _initials(word: str) -> str:
    """A pattern of the words that an abbreviation stands for: graphics processing units for GPU."""
    return r"\b" + r"\w*[\s-]+(?:(?:of|the|and|for|in)\s+)*".join(map(re.escape, word))


def _holds_part(text: str, name: str, part: str) -> bool:
    """Whether a text holds a part of a name, where both may be cut wrongly.

    Of a longer part, two characters are enough; a part that the text joins with what stands before it is no word of its own.
    """
    if part in text:
        return True
    if part.isascii():
        # Who mistypes a name begins it rightly; Barrowmere is not Harrowmere.
        words = {word for word in _LATIN_WORD.findall(text.lower()) if word[0] == part[0].lower()}
        return bool(get_close_matches(part.lower(), words, 1, _SIMILAR_NAME))
    at = name.find(part)
    if len(part) > 2 or (at > 0 and name[at - 1 : at + 1] in text):
        return any(pair in text for pair in pairs(name[max(0, at - 1) : at + len(part)]))
    return re.search(".{0,3}".join(part), text) is not None  # 北大 is 北京大学


def is_report(passage: Passage) -> bool:
    return _REPORT.search(f"{passage.file_name} {passage.identity.get('kind', '')}") is not None


def _code_pattern(value: str) -> re.Pattern[str]:
    joined = r"[-–_/·.\s]*".join(map(re.escape, value))
    return re.compile(
        rf"(?<![A-Za-z]){joined}(?![0-9A-Za-z])|(?<=[-_/]){joined}(?![0-9A-Za-z])", re.IGNORECASE
    )


def pairs(text: str) -> list[str]:
    """The pairs of characters that the lexical index has for the Chinese of a text."""
    return [run[i : i + 2] for run in _HAN_RUN.findall(fold(text)) for i in range(len(run) - 1)]


def works_in(work: str) -> Iterable[str]:
    """A work as it is called, then without words before it: 采购合同 of 甲与乙的采购合同, and of 远山重工采购合同."""
    import rjieba

    yield work
    tail = re.split("[的与和及在按据照]", work)[-1]
    if tail != work and len(tail) > 1:
        yield tail
    words = rjieba.cut(tail)
    yield from filter(lambda end: len(end) > 3, ("".join(words[start:]) for start in range(1, len(words))))
