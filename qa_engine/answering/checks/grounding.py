"""What an answer says that the passages do not: numbers, dates and names that occur in none of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from unicodedata import normalize

from llama_index.core.schema import MetadataMode, NodeWithScore

from qa_engine.answering.checks.terms import (
    RAISED,
    Found,
    Vocabulary,
    comparable,
    unknown_quoted,
    unknown_terms,
)
from qa_engine.retrieval.passages import TABLES
from qa_engine.text.citation_marks import CITATION, CITATION_RUN
from qa_engine.text.language import is_chinese
from qa_engine.text.numbers import TextNumbers, parse_number
from qa_engine.text.prompt_sanitizer import visible

_NOT_SAID = re.compile(
    # Code, addresses, formulas' commands, citations in words, and what numbers a list.
    r"https?://\S+|\\[A-Za-z]+"
    r"|(?:资料|来源|文献|段落)\s*\d{1,3}(?:\s*[、,，和与及至-]\s*(?:资料|来源|文献|段落)?\s*\d{1,3}(?!\d))*"
    r"|^[ \t>#*•·-]*(?:[（(]?\d{1,2}(?:[)）、]|[.．:：](?!\d))|[（(]?[一二三四五六七八九十]{1,3}[)）、.．])"
    r"|[（(]\d{1,2}[)）]|(?<![\w.])\d{1,2}[)）]|[①-⒛⓪-⓿❶-➓㈠-㈩㊀-㊉]"
    r"|(?:第|其|步骤|要点|方面)\s*[0-9一二三四五六七八九十]{1,3}\s*[，,、：:]",
    re.MULTILINE,
)
_DIGITS = r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?"
_NUMERAL = r"[〇零一二两三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟]"
_DATE = re.compile(
    rf"(?:(?P<y>[0-9]{{4}}|[〇零一二三四五六七八九]{{4}})\s*年\s*)?(?<![0-9])(?P<m>[0-9]{{1,2}}|{_NUMERAL}{{1,2}})\s*月"
    rf"(?:\s*(?P<d>[0-9]{{1,2}}|{_NUMERAL}{{1,3}})\s*[日号])?(?!球|亮|饼)"
    r"|(?<![0-9./-])(?P<y2>[0-9]{4})[-/.](?P<m2>0?[1-9]|1[0-2])[-/.](?P<d2>[0-9]{1,2})(?![0-9./-])"
)
_FRACTION = re.compile(
    rf"(?<!{_NUMERAL})(?<![0-9])({_NUMERAL}{{1,24}}|[0-9]{{1,9}})分之({_DIGITS}|{_NUMERAL}+(?:点{_NUMERAL}+)?)"
)
_NUMBER = re.compile(
    rf"(?<![A-Za-z0-9.,_])(?<![A-Za-z]-)({_DIGITS})"
    r"(?:\s?(十万|百万|千万|十亿|百亿|千亿|万亿|[百千万亿](?![米瓦克]))|\s?(%|‰|个百分点)|([A-Za-z]{1,6})(?![A-Za-z0-9]))?"
)
_CHINESE_NUMBER = re.compile(rf"{_NUMERAL}{{2,}}(?:点{_NUMERAL}+)?|{_NUMERAL}点{_NUMERAL}+")
_MEASURES = r"(?:年|个月|日|天|岁|元|美元|米|公里|千米|公斤|千克|吨|小时|分钟|秒|周|星期|倍|章|条|页|度)"
_SINGLE = re.compile(rf"(?<!{_NUMERAL})([二两三四五六七八九十])(?={_MEASURES})")
_YEAR = re.compile(r"[一二][〇零一二三四五六七八九]{3}|[一二三四五六七八九]*[〇零][〇零一二三四五六七八九]*")
_PLACES, _COUNTS = re.compile(r"[十百千万亿拾佰仟]"), re.compile(r"[一二两三四五六七八九壹贰叁肆伍陆柒捌玖]")


def unsupported(text: str, question: str, passages: Sequence[NodeWithScore]) -> list[str]:
    """The numbers, dates and names of an answer that occur neither in a passage nor in the question.

    Compared is what is meant: 12% is 百分之十二, 1,200 is 1200, 2024年5月 is May 2024, 300万 is 3 million; width, case,
    accents, endings, and traditional and simplified characters do not count. Citations and the numbers of lists are
    nothing that has to occur. Names are words of Latin letters, and Chinese between 《》, “”, 「」 and the like; the latter
    are not looked for where what is cited behind them is in another language, which names them otherwise.

    Args:
        text: the normalised answer.
        question: as it was asked.
        passages: those that the model has seen, as ``[n]`` counts them.

    Returns:
        Each as it stands in the answer, once, in its order.

    Example:
        >>> from llama_index.core.schema import TextNode
        >>> passage = NodeWithScore(node=TextNode(text="Founded in May 2024 with 1,200 people."))
        >>> unsupported("公司于2024年5月成立，有1200人[1]，2025年增至一千五百人。", "公司何时成立？", [passage])
        ['2025', '一千五百']
    """
    text = visible(text)
    shown = [visible(_shown(passage)) for passage in passages]
    known = "\n".join([visible(question), *shown])
    # Also read as the answer is: what citations, list numbers and dates leave of odd texts would be unknown otherwise.
    claims = _claims(known)
    evidence = comparable("\n".join([known, claims, _blank(_DATE, claims)]))
    vocabulary, figures = Vocabulary(evidence), TextNumbers.of(evidence)
    scales = {char for char in "百千万亿" if char in evidence}
    bare = _claims(text)
    found = [*_dates(bare, figures)]
    bare = _blank(_DATE, bare)
    found += [*_numbers(bare, figures, scales), *unknown_terms(bare, vocabulary)]
    found += _quoted(text, vocabulary, [is_chinese(passage) for passage in shown])
    return list(dict.fromkeys(item.text for item in sorted(found, key=lambda item: item.start)))


def _quoted(text: str, vocabulary: Vocabulary, chinese: Sequence[bool]) -> Iterator[Found]:
    """Chinese names that are not there, as far as the passages cited for them can hold Chinese names."""
    runs = [
        (run.start(), [int(number) for number in CITATION.findall(run[0])])
        for run in CITATION_RUN.finditer(text)
    ]
    for name in unknown_quoted(text, vocabulary):
        cited = next((numbers for start, numbers in runs if start > name.start), [])
        known = [chinese[number - 1] for number in cited if number <= len(chinese)]
        if all(known) if known else any(chinese):
            yield name


def _shown(passage: NodeWithScore) -> str:
    """What the prompt shows of a passage."""
    metadata = passage.node.metadata
    head = [metadata.get(key) for key in ("file_name", "section", "page", "page_end", "page_label")]
    texts = [passage.node.get_content(metadata_mode=MetadataMode.NONE), *metadata.get(TABLES, ())]
    return "\n".join(str(part) for part in [*head, *texts] if part is not None)


def _narrow(text: str) -> str:
    """Full-width forms in their narrow ones, every character in its place; signs that number a list stay."""
    return "".join(
        char if "①" <= char <= "➓" or len(narrow := normalize("NFKC", char)) != 1 else narrow for char in text
    )


def _blank(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda match: " " * len(match[0]), text)


def _claims(text: str) -> str:
    """A text with blanks in the place of what claims nothing."""
    return _blank(_NOT_SAID, _blank(CITATION, _narrow(_blank(RAISED, text))))


def _dates(text: str, figures: TextNumbers) -> Iterator[Found]:
    for match in _DATE.finditer(text):
        year, month, day = (match[name] or match[f"{name}2"] for name in "ymd")
        value = parse_number(month)
        known_month = value is None or int(value) in figures.months
        if not known_month or not all(_holds(figures, part) for part in (year, day) if part):
            yield Found(match.start(), "".join(match[0].split()))


def _numbers(text: str, figures: TextNumbers, scales: set[str]) -> Iterator[Found]:
    for match in _FRACTION.finditer(text):
        whole, part = parse_number(match[1]), parse_number(match[2])
        if whole is None or part is None:  # characters that make no number are no claim
            continue
        known = part in figures.numbers and (whole in {"100", "1000"} or whole in figures.numbers)
        if not known and not _holds_share(figures, part):
            yield Found(match.start(), match[0])
    text = _blank(_FRACTION, text)
    for match in _NUMBER.finditer(text):
        digits, scale, percent, unit = match.groups()
        known = _holds_number(figures, scales, digits, scale) or (
            # 7B is 70亿.
            _holds(figures, digits + unit.lower())
            if unit and unit.lower() in {"k", "m", "b", "t", "bn", "mn"}
            else False
        )
        if not known and not (percent and _holds_share(figures, parse_number(digits))):
            yield Found(match.start(), match[0])
    for match in _CHINESE_NUMBER.finditer(text):
        before = text[match.start() - 1 : match.start()]
        if before.isdigit() or not _counts(match[0]):
            continue
        if not _holds(figures, match[0]):
            yield Found(match.start(), match[0])
    for match in _SINGLE.finditer(text):
        if not _holds(figures, match[1]):
            measure = re.match(_MEASURES, text[match.end() :])
            yield Found(match.start(), match[0] + (measure[0] if measure else ""))


def _counts(numeral: str) -> bool:
    """Whether characters that make numbers make one here: 十二 and 二〇二四 do, 千万 and 三四 do not."""
    if _PLACES.search(numeral):
        return _COUNTS.search(numeral) is not None
    return _YEAR.fullmatch(numeral) is not None


def _holds(figures: TextNumbers, number: str) -> bool:
    """Characters that make no number, such as 三四十, are no claim."""
    value = parse_number(number)
    return value is None or value in figures.numbers


def _holds_number(figures: TextNumbers, scales: set[str], digits: str, scale: str | None) -> bool:
    if scale is None:
        return _holds(figures, digits)
    # A table may name the scale in its head: 单位：万元.
    in_head = set(scale) <= scales and _holds(figures, digits)
    return in_head or _holds(figures, digits + scale)


def _holds_share(figures: TextNumbers, percent: str | None) -> bool:
    """0.12 is 12%."""
    return percent is not None and parse_number(f"{float(percent) / 100:.6f}") in figures.numbers
