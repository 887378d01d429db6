"""What a question names and a text either holds or not: years, quarters, codes, articles of laws, names, titles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from qa_engine.text.chinese_names import chinese_names, firm_names, name_parts, person_names, place_names
from qa_engine.text.language import is_chinese
from qa_engine.text.numbers import parse_number
from qa_engine.text.periods import asked_periods, period_of
from qa_engine.text.tokenizer import HAN_CLASS, fold, is_stop_word

Kind = Literal[
    "year",
    "quarter",
    "code",
    "numbered",
    "size",
    "article",
    "clause",
    "annex",
    "name",
    "word",
    "firm",
    "place",
    "person",
    "title",
]
_ARTICLE = re.compile(
    r"第\s*([0-9]{1,4}|[〇零一二三四五六七八九十百千两]{1,9})\s*条|(?<![A-Za-z])(?:[Aa]rticle|[Cc]lause)\s+([0-9]{1,3})(?![0-9A-Za-z]|\.[0-9])"
)
_CHAPTER = re.compile(r"第\s*([0-9]{1,3}|[〇零一二三四五六七八九十百]{1,5})\s*([章节编])")
_ANNEX = re.compile(r"(附件|附录|附表)\s*([0-9]{1,2}|[一二三四五六七八九十]{1,3})(?![0-9.])")
_CLAUSE_NUMBER = r"([0-9]{1,2}(?:\.[0-9]{1,2}){1,4})"
_CLAUSES = (
    re.compile(rf"(?<![0-9.]){_CLAUSE_NUMBER}(?=\s*(?:条|款|节|章|规定|约定))"),
    re.compile(
        rf"(?:§+|条款|(?<![A-Za-z])(?:[Cc]lauses?|[Ss]ections?|[Pp]aragraphs?|[Aa]rticles?))\s*{_CLAUSE_NUMBER}(?![0-9%]|\.[0-9])"
    ),
)
_NUMBERED = re.compile(r"^\W*([0-9]{1,3})(?:[.．、\s]|(?=[^\W\d_]))")
_CODE = re.compile(
    r"(?<![A-Za-z0-9.@/_])(?<![A-Za-z0-9./_]-)[A-Za-z]+(?:[-–/·.][A-Za-z]+)*[-–/·.]?[ -]?[0-9]+(?:[.][0-9]+)?"
    r"[A-Za-z0-9]*(?:[-/.][A-Za-z0-9]+)*(?![A-Za-z0-9@])"
)
_SIZE = re.compile(r"(?<![A-Za-z0-9.])([0-9]+(?:\.[0-9]+)?)\s?([A-Za-z]{1,3})(?![A-Za-z0-9])")
_SIZE_OF_PRODUCT = re.compile(rf"{_SIZE.pattern}(?=[型款的]?[\u4e00-\u9fff]{{2}})(?![需要后时内以])")
_NO_CODE = re.compile(
    r"(?:[A-Z]|F\.?Y\.?|[Ii]n|[Oo]f|[Ff]or|[Tt]o|[Aa]nd|[Tt]he|[Pp]ages?|[Tt]able|[Ff]ig(?:ure)?|[Ss]ection|[Cc]hapter"
    r"|[Aa]rticle|[Cc]lause|[Ii]tem|[Nn]ote|[Vv]ersion|[Tt]op|[A-Za-z]*year)[ -]?[0-9]*(?:[.][0-9]+)?%?|[a-z]+[ ][0-9.]+.*"
)
_LATIN_NAME = re.compile(
    r"(?<![A-Za-z0-9_.@'’-])(?=[A-Za-z]*[a-z])(?![A-Z]+s\b)[A-Z][A-Za-z]{3,}(?![A-Za-z0-9_@])"
)
_LATIN_WORD = re.compile(r"(?<![A-Za-z0-9_.@'’/-])(?:[A-Za-z]{3,}|[A-Z]{2})(?![A-Za-z0-9_@'’/-]|\.[A-Za-z])")
_COMMON_LATIN = frozenset(
    """email mail logo wifi pdf app ppt doc faq url www http https vip iii viii xii
    word excel table figure chapter section article clause page note appendix list offline online web website demo
    january february march april june july august september october november december monday tuesday wednesday thursday
    friday saturday sunday what when where which whose does were will could should would have according""".split()  # noqa: SIM905
)
_NUMBERED_NAME = re.compile(
    r"(?<![A-Za-z0-9.@/_'’-])(?:(?P<word>[A-Za-z]{2,})[ -]?|(?P<letter>(?![QHF])[A-Z]))"
    r"(?P<number>(?!(?:1[5-9]|20)[0-9]{2}(?![0-9]))[0-9]{1,4})(?![A-Za-z0-9%@]|[.,/:-][0-9])"
)
_NO_NUMBERED_NAME = re.compile(
    r"(?:pages?|table|fig(?:ure)?|sections?|chapter|article|clause|item|note|part|step|version|top|first|last|next|number|no"
    r"|question|usd|eur|gbp|cny|rmb|hkd|jpy|fy|ip|january|february|march|april|may|june|july|august|september|october"
    r"|november|december|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)",
    re.I,
)
_TITLE = re.compile(r"[《〈]([^《》〈〉]{2,40})[》〉]")
_WORK = re.compile(
    rf"([{HAN_CLASS}]{{1,20}}?(?:法|条例|办法|规定|细则|合同|协议|手册|章程|准则|规则|制度|规范))(?:的|中|里|里面|书)?$"
)


@dataclass(frozen=True)
class Identifier:
    """Something that a question names, and that what answers it must hold.

    Attributes:
        kind: what it is.
        text: as it stands in the question.
        value: in one form of all: ``2023``, ``2024Q2``, ``lqsc3000``, ``47``; of a chapter and of a clause the term that
            texts are searched for, ``第8章`` or ``4.1.2``, of an annex ``附件3``; a name as it is, of a firm or a place that
            the dictionary does not know the part that tells it from others.
        work: of an article, the law, contract or other work that the question names with it; empty without one.
        marked: whether that work stands in 《》.
    """

    kind: Kind
    text: str
    value: str
    work: str = ""
    marked: bool = False

    @property
    def is_weak(self) -> bool:
        """Whether it is a place alone: what is said of a place need not name it."""
        return self.kind == "name" and not self.value.isascii() and name_parts(self.value) == [self.value]

    @property
    def shown(self) -> str:
        """What people read of it."""
        if self.kind in {"year", "quarter"}:
            return period_of(self.value).chinese
        return f"《{self.work}》{self.text}" if self.work and self.marked else self.text


def identifiers(question: str) -> list[Identifier]:
    """The identifiers of a question, each once. Quantities and general words are none, neither are 去年 and 90年代.

    Names are only what is clearly one: places and organisations that the dictionary knows, and what stands before 股份, 大学
    and the like. Other words in Latin letters of a Chinese question, such as ROE, are ``word``: Chinese documents spell them
    out, and only English ones lack what they do not hold.

    Example:
        >>> [(one.kind, one.value) for one in identifiers("贵州茅台二〇二三年的LQ-SC3000第四十七条")]
        [('article', '47'), ('year', '2023'), ('code', 'lqsc3000'), ('name', '贵州茅台')]
    """
    question = fold(question)
    found = [*_articles(question), *_clauses(question), *_periods(question)]
    written = [match for match in _CODE.finditer(question) if _is_code(match[0], is_chinese(question))]
    codes = [Identifier("code", match[0], code_key(match[0])) for match in written]
    codes += [one for one in _numbered_names(question) if one.value not in {code.value for code in codes}]
    sizes = [
        Identifier("size", match[0], f"{match[1]} {match[2].lower()}")
        for match in _SIZE_OF_PRODUCT.finditer(question)
    ]
    marked = {one.work for one in found if one.marked}
    titles = [
        Identifier("title", match[0], match[1])
        for match in _TITLE.finditer(question)
        if match[1] not in marked and is_chinese(match[1])
    ]
    bare = _TITLE.sub(_blank, question)
    for match in written:
        bare = f"{bare[: match.start()]}{_blank(match)}{bare[match.end() :]}"
    works = "".join(one.work for one in found)
    names = [Identifier("name", name, name) for name in chinese_names(bare) if name not in works]
    told = [Identifier("firm", *firm) for firm in firm_names(bare)]
    told += [Identifier("place", *place) for place in place_names(bare)]
    told += [Identifier("person", name, name) for name in person_names(bare)]
    unknown = [one for one in told if not any(one.value in name.value for name in names)]
    latin = list(_latin_names(bare))
    words = [one for one in _latin_words(bare) if one.value not in {name.value for name in latin}]
    return list(dict.fromkeys([*found, *codes, *sizes, *titles, *names, *latin, *unknown, *words]))


def articles_of(text: str) -> set[int]:
    """The articles that a text names: 第四十七条, Article 47; also 47 if the text begins with that number."""
    found = {_article(match) for match in _ARTICLE.finditer(text)}
    if match := _NUMBERED.match(text):
        found.add(int(match[1]))
    return found - {0}


def clauses_in(text: str) -> list[str]:
    """The clauses that a question names by their numbers: 9.2条, 条款9.2, § 9.2, clause 9.2."""
    return list(dict.fromkeys(match[1] for form in _CLAUSES for match in form.finditer(text)))


def codes_of(text: str) -> dict[str, str]:
    """The codes of a text, as they stand there, by their `code_key`."""
    return {
        code_key(match[0]): match[0] for match in _CODE.finditer(text) if not _NO_CODE.fullmatch(match[0])
    }


def sizes_of(text: str) -> dict[str, str]:
    """The quantities of a text with a unit in Latin letters, as they stand there, by their value: ``196 ah`` for 196Ah."""
    return {f"{match[1]} {match[2].lower()}": match[0] for match in _SIZE.finditer(text)}


def code_key(code: str) -> str:
    """A code without case and without the characters that join its parts."""
    return re.sub(r"[^a-z0-9.]+", "", fold(code).lower()).strip(".")


def _is_code(text: str, in_chinese: bool) -> bool:
    """Whether what has the form of a code is one. Of an English question, ``Part 2`` and ``Foods 2021`` are none."""
    word, blank, _ = text.partition(" ")
    if _NO_CODE.fullmatch(text) or len(text) < 3 or re.fullmatch(r".*[ -](?:1[5-9]|20)\d\d", text):
        return False
    return not blank or in_chinese or not word[1:].islower()


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _article(match: re.Match[str]) -> int:
    return int(float(parse_number(match[1] or match[2]) or 0))


def _articles(question: str) -> Iterator[Identifier]:
    for match in _ARTICLE.finditer(question):
        before = question[: match.start()].rstrip()
        marked = re.search(r"[《〈]([^《》〈〉]{2,40})[》〉](?:的|中|里|里面)?$", before)
        run = _WORK.search(before)
        work = marked[1] if marked else run[1] if run else ""
        if number := _article(match):
            yield Identifier("article", match[0], str(number), work, marked is not None)


def _clauses(question: str) -> Iterator[Identifier]:
    for match in _CHAPTER.finditer(question):
        yield Identifier("clause", match[0], f"第{int(parse_number(match[1]) or 0)}{match[2]}")
    for number in clauses_in(question):
        yield Identifier("clause", number, number)
    for match in _ANNEX.finditer(question):
        yield Identifier("annex", match[0], f"{match[1]}{int(parse_number(match[2]) or 0)}")


def _periods(question: str) -> Iterator[Identifier]:
    for text, period in asked_periods(question):
        yield Identifier("quarter" if period.part else "year", text, period.label)


def _numbered_names(question: str) -> Iterator[Identifier]:
    for match in _NUMBERED_NAME.finditer(question):
        if not _NO_NUMBERED_NAME.fullmatch(match["word"] or "") and not is_stop_word(match["word"] or ""):
            yield Identifier("numbered", match[0], code_key(match[0]))


def _latin_names(question: str) -> Iterator[Identifier]:
    chinese = is_chinese(question)
    for match in _LATIN_NAME.finditer(question):
        is_first = not question[: match.start()].strip(" \"'“‘")
        if match[0].lower() not in _COMMON_LATIN and (chinese or not is_first):
            yield Identifier("name", match[0], match[0])


def _latin_words(question: str) -> Iterator[Identifier]:
    for match in _LATIN_WORD.finditer(question if is_chinese(question) else ""):
        if match[0].lower() not in _COMMON_LATIN and not is_stop_word(match[0]):
            yield Identifier("word", match[0], match[0])
