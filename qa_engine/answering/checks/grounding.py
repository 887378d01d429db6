"""Finds what an answer claims and no passage holds: numbers, dates and names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from unicodedata import normalize

from llama_index.core.schema import NodeWithScore

from qa_engine.answering.checks.terms import (
    RAISED,
    Mention,
    Vocabulary,
    comparable,
    unknown_quoted,
    unknown_terms,
    with_powers,
)
from qa_engine.text.citation_marks import CITATION, CITATION_RUN
from qa_engine.text.language import is_chinese
from qa_engine.text.numbers import TextNumbers, parse_number
from qa_engine.text.prompt_sanitizer import visible
from qa_engine.types import passage_of

_NO_CLAIM = re.compile(
    # Addresses, commands of formulas, citations in words, and the numbers of lists.
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
_SINGLE = re.compile(rf"(?<!{_NUMERAL})([二两三四五六七八九十])(?=({_MEASURES}))")
_YEAR = re.compile(r"[一二][〇零一二三四五六七八九]{3}|[一二三四五六七八九]*[〇零][〇零一二三四五六七八九]*")
_POWERS = re.compile(r"[十百千万亿拾佰仟]")
_DIGIT_NUMERALS = re.compile(r"[一二两三四五六七八九壹贰叁肆伍陆柒捌玖]")


def unsupported(text: str, question: str, passages: Sequence[NodeWithScore]) -> list[str]:
    """The numbers, dates and names of an answer that occur neither in a passage nor in the question.

    Numbers and dates are compared by value: 12% is 百分之十二, 1,200 is 1200, 2024年5月 is May 2024, 300万 is 3 million.
    Names are compared without regard to width, case, accents, endings, and traditional or simplified characters. Citations
    and the numbers of lists are not looked up.

    Names are words of Latin letters, and Chinese between 《》, “”, 「」 and similar marks. Chinese names are looked up
    only if the passages cited behind them are Chinese: those in another language name things otherwise.

    Args:
        text: the normalised answer.
        question: the question as it was asked.
        passages: the passages in the prompt, in the order in which ``[n]`` counts them.

    Returns:
        The numbers, dates and names as they stand in the answer, each once, in the order of the answer.

    Example:
        >>> from llama_index.core.schema import TextNode
        >>> passage = NodeWithScore(node=TextNode(text="Founded in May 2024 with 1,200 people."))
        >>> unsupported("公司于2024年5月成立，有1200人[1]，到2025年增至一千五百人。", "公司何时成立？", [passage])
        ['2025', '一千五百']
    """
    text = visible(text)
    passage_texts = [visible(_prompt_text(passage)) for passage in passages]
    sources = "\n".join([visible(question), *passage_texts])
    # The sources are also read in the way the answer is read: otherwise, what remains of an odd text without its citations,
    # list numbers and dates would be unknown.
    claims = _claims(sources)
    powers = with_powers(sources)
    evidence = comparable(
        "\n".join([sources, claims, _blank(_DATE, claims), *([powers] if powers != sources else [])])
    )
    vocabulary, numbers = Vocabulary(evidence), TextNumbers.of(evidence)
    scales = {char for char in "百千万亿" if char in evidence}
    bare = _claims(text)
    mentions = [*_dates(bare, numbers)]
    bare = _blank(_DATE, bare)
    mentions += [*_numbers(bare, numbers, scales), *unknown_terms(bare, vocabulary)]
    mentions += _quoted(text, vocabulary, [is_chinese(passage) for passage in passage_texts])
    return list(
        dict.fromkeys(mention.text for mention in sorted(mentions, key=lambda mention: mention.start))
    )


def _quoted(text: str, vocabulary: Vocabulary, chinese: Sequence[bool]) -> Iterator[Mention]:
    """The unknown Chinese names in quotation marks; ``chinese`` says of each passage whether it is Chinese."""
    runs = [
        (run.start(), [int(number) for number in CITATION.findall(run[0])])
        for run in CITATION_RUN.finditer(text)
    ]
    for name in unknown_quoted(text, vocabulary):
        cited = next((numbers for start, numbers in runs if start > name.start), [])
        languages = [chinese[number - 1] for number in cited if number <= len(chinese)]
        if all(languages) if languages else any(chinese):
            yield name


def _prompt_text(node: NodeWithScore) -> str:
    """The parts of a passage that stand in the prompt."""
    passage = passage_of(node)
    head = (passage.file_name, passage.section, passage.page, passage.page_end, passage.page_label)
    return "\n".join(str(part) for part in (*head, passage.text, *passage.tables) if part is not None)


def _narrow(text: str) -> str:
    """Replaces full-width characters by narrow ones, without moving any; signs that number a list stay as they are."""
    return "".join(
        char if "①" <= char <= "➓" or len(narrow := normalize("NFKC", char)) != 1 else narrow for char in text
    )


def _blank(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda match: " " * len(match[0]), text)


def _claims(text: str) -> str:
    """A text with blanks in place of its citations, its list numbers and whatever else claims nothing."""
    return _blank(_NO_CLAIM, _blank(CITATION, _narrow(_blank(RAISED, text))))


def _dates(text: str, numbers: TextNumbers) -> Iterator[Mention]:
    for match in _DATE.finditer(text):
        year, month, day = (match[name] or match[f"{name}2"] for name in "ymd")
        value = parse_number(month)
        holds_month = value is None or int(value) in numbers.months
        if not holds_month or not all(_holds(numbers, part) for part in (year, day) if part):
            yield Mention(match.start(), "".join(match[0].split()))


def _numbers(text: str, numbers: TextNumbers, scales: set[str]) -> Iterator[Mention]:
    for match in _FRACTION.finditer(text):
        whole, part = parse_number(match[1]), parse_number(match[2])
        if whole is None or part is None:  # characters that make no number are no claim
            continue
        is_known = part in numbers.numbers and (whole in {"100", "1000"} or whole in numbers.numbers)
        if not is_known and not _holds_share(numbers, part):
            yield Mention(match.start(), match[0])
    text = _blank(_FRACTION, text)
    for match in _NUMBER.finditer(text):
        digits, scale, percent, unit = match.groups()
        is_known = _holds_number(numbers, scales, digits, scale)
        if not is_known and unit and unit.lower() in {"k", "m", "b", "t", "bn", "mn"}:
            is_known = _holds(numbers, digits + unit.lower())  # 7B is 70亿.
        if not is_known and not (percent and _holds_share(numbers, parse_number(digits))):
            yield Mention(match.start(), match[0])
    for match in _CHINESE_NUMBER.finditer(text):
        before = text[match.start() - 1 : match.start()]
        if not before.isdigit() and _is_number(match[0]) and not _holds(numbers, match[0]):
            yield Mention(match.start(), match[0])
    for match in _SINGLE.finditer(text):
        if not _holds(numbers, match[1]):
            yield Mention(match.start(), match[1] + match[2])


def _is_number(numeral: str) -> bool:
    """Whether a run of numerals is a number: 十二 and 二〇二四 are, 千万 and 三四 are not."""
    if _POWERS.search(numeral):
        return _DIGIT_NUMERALS.search(numeral) is not None
    return _YEAR.fullmatch(numeral) is not None


def _holds(numbers: TextNumbers, number: str) -> bool:
    """Whether a number occurs. Numerals that make no number, such as 三四十, claim nothing, so they pass."""
    value = parse_number(number)
    return value is None or value in numbers.numbers


def _holds_number(numbers: TextNumbers, scales: set[str], digits: str, scale: str | None) -> bool:
    if scale is None:
        return _holds(numbers, digits)
    # A table may name the scale in its head: 单位：万元.
    in_head = set(scale) <= scales and _holds(numbers, digits)
    return in_head or _holds(numbers, digits + scale)


def _holds_share(numbers: TextNumbers, percent: str | None) -> bool:
    """Whether a percentage occurs as a share: 12% as 0.12."""
    return percent is not None and parse_number(f"{float(percent) / 100:.6f}") in numbers.numbers
