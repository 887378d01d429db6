"""What a question names and a text either holds or not: years, quarters, codes, articles of laws, names, titles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from qa_engine.text.firm_names import firm_names
from qa_engine.text.language import is_chinese
from qa_engine.text.numbers import parse_number
from qa_engine.text.periods import asked_periods, period_of
from qa_engine.text.tokenizer import HAN_CLASS, fold

Kind = Literal["year", "quarter", "code", "size", "article", "clause", "name", "firm", "title"]
_ARTICLE = re.compile(
    r"第\s*([0-9]{1,4}|[〇零一二三四五六七八九十百千两]{1,9})\s*条|\b(?:[Aa]rticle|[Cc]lause)\s+([0-9]{1,3})\b"
)
_CHAPTER = re.compile(r"第\s*([0-9]{1,3}|[〇零一二三四五六七八九十百]{1,5})\s*([章节编])")
CLAUSE = re.compile(r"(?<![0-9.])([0-9]{1,2}(?:\.[0-9]{1,2}){1,4})(?=\s*(?:条|款|节|章|规定|约定))")
"""A clause that a question names by its number: 9.2条."""
_NUMBERED = re.compile(r"^\W*([0-9]{1,3})(?:[.．、\s]|(?=[^\W\d_]))")
_CODE = re.compile(
    r"(?<![A-Za-z0-9.@/_-])[A-Za-z]+(?:[-–/·.][A-Za-z]+)*[-–/·.]?[ -]?[0-9]+(?:[.][0-9]+)?"
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
_COMMON_LATIN = frozenset(
    """email mail logo wifi word excel table figure chapter section page note appendix list offline online web website demo
    january february march april june july august september october november december monday tuesday wednesday thursday
    friday saturday sunday what when where which whose does were will could should would have according""".split()  # noqa: SIM905
)
_TITLE = re.compile(r"[《〈]([^《》〈〉]{2,40})[》〉]")
_WORK = re.compile(
    rf"([{HAN_CLASS}]{{1,20}}?(?:法|条例|办法|规定|细则|合同|协议|手册|章程|准则|规则|制度|规范))(?:的|中|里|里面|书)?$"
)
_SUFFIX = frozenset(
    "公司 股份 集团 大学 银行 证券 学院 医院 药业 酒业 保险 基金 电子 科技 制造 汽车 实业 控股".split()  # noqa: SIM905
)
_PLACES = frozenset(
    """北京 上海 天津 重庆 河北 山西 辽宁 吉林 黑龙江 江苏 浙江 安徽 福建 江西 山东 河南 湖北 湖南 广东 海南 四川 贵州 云南
    陕西 甘肃 青海 台湾 内蒙古 广西 西藏 宁夏 新疆 香港 澳门 石家庄 唐山 太原 大同 呼和浩特 沈阳 大连 鞍山 长春 哈尔滨
    大庆 南京 苏州 无锡 常州 南通 徐州 扬州 镇江 盐城 杭州 宁波 温州 绍兴 嘉兴 湖州 金华 台州 合肥 芜湖 福州 厦门 泉州
    漳州 南昌 九江 赣州 济南 青岛 烟台 潍坊 淄博 临沂 郑州 洛阳 武汉 宜昌 襄阳 长沙 株洲 湘潭 岳阳 广州 深圳 珠海 佛山
    东莞 中山 惠州 汕头 南宁 桂林 柳州 海口 三亚 成都 绵阳 宜宾 贵阳 遵义 昆明 大理 拉萨 西安 宝鸡 咸阳 兰州 西宁 银川
    乌鲁木齐 台北 高雄""".split()  # noqa: SIM905
)
"""Places that names begin with. What the dictionary calls a place is often none (长度, 上市)."""
_NOUNS = frozenset({"n", "nr", "ns", "nz", "nt", "g"})
_GENERIC = frozenset(
    """公司 本公司 母公司 子公司 分公司 总公司 上市公司 股份公司 有限公司 集团 本集团 股份 普通股 大学 银行 证券 学院 医院
    保险 基金 电子 科技 制造 汽车 实业 控股 中国 全国 我国 国家 国内 国外 境内 境外 中文 英文 英语 汉语 中华 人民币 美元 欧元
    日元 港元 港币 该公司 这家 哪家 本行 本校 该校 这所 央行 中央 海外 亚洲 世界 西方 东方 内地 大陆""".split()  # noqa: SIM905
)


@dataclass(frozen=True)
class Identifier:
    """Something that a question names, and that what answers it must hold.

    Attributes:
        kind: what it is.
        text: as it stands in the question.
        value: in one form of all: ``2023``, ``2024Q2``, ``lqsc3000``, ``47``; of a chapter and of a clause the term that
            texts are searched for, ``第8章`` or ``4.1.2``; a name as it is, of a firm that the dictionary does not know the
            part that tells it from others.
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
    and the like. Abbreviations such as ROE are none: documents spell them out.

    Example:
        >>> [(one.kind, one.value) for one in identifiers("贵州茅台二〇二三年的LQ-SC3000第四十七条")]
        [('article', '47'), ('year', '2023'), ('code', 'lqsc3000'), ('name', '贵州茅台')]
    """
    question = fold(question)
    found = [*_articles(question), *_clauses(question), *_periods(question)]
    written = [match for match in _CODE.finditer(question) if _is_code(match[0], is_chinese(question))]
    codes = [Identifier("code", match[0], code_key(match[0])) for match in written]
    sizes = [
        Identifier("size", match[0], f"{match[1]} {match[2].lower()}")
        for match in _SIZE_OF_PRODUCT.finditer(question)
    ]
    works = {one.work for one in found if one.marked}
    titles = [
        Identifier("title", match[0], match[1])
        for match in _TITLE.finditer(question)
        if match[1] not in works and is_chinese(match[1])
    ]
    bare = _TITLE.sub(_blank, question)
    for match in written:
        bare = f"{bare[: match.start()]}{_blank(match)}{bare[match.end() :]}"
    names = [*_han_names(bare, found), *_latin_names(bare)]
    firms = [
        Identifier("firm", text, told)
        for text, told in firm_names(bare)
        if not any(told in one.value for one in names)
    ]
    return list(dict.fromkeys([*found, *codes, *sizes, *titles, *names, *firms]))


def articles_of(text: str) -> set[int]:
    """The articles that a text names: 第四十七条, Article 47; also 47 if the text begins with that number."""
    found = {_article(match) for match in _ARTICLE.finditer(text)}
    if match := _NUMBERED.match(text):
        found.add(int(match[1]))
    return found - {0}


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
    for match in CLAUSE.finditer(question):
        yield Identifier("clause", match[0], match[1])


def _periods(question: str) -> Iterator[Identifier]:
    for text, period in asked_periods(question):
        yield Identifier("quarter" if period.part else "year", text, period.label)


def _han_names(question: str, found: list[Identifier]) -> Iterator[Identifier]:
    """Words that make up a name: a place and what it begins, or what ends in 股份 and the like."""
    import rjieba

    works = "".join(one.work for one in found)
    run: list[tuple[str, str]] = []
    for word, tag in [*rjieba.tag(question), ("", "x")]:
        is_han = len(word) > 1 and is_chinese(word)
        follows = word in _PLACES or (tag in _NOUNS and run and run[-1][0] in _PLACES)
        if is_han and run and (word in _SUFFIX or (follows and run[-1][0] not in _SUFFIX)):
            run.append((word, tag))
            continue
        name = "".join(word for word, _ in run)
        is_place = any(word in _PLACES for word, _ in run)
        has_suffix = len(run) > 1 and run[-1][0] in _SUFFIX
        if (is_place or has_suffix) and name not in _GENERIC and name not in works:
            yield Identifier("name", name, name)
        begins = is_han and (word in _PLACES or (tag in _NOUNS and word not in _SUFFIX))
        run = [(word, tag)] if begins else []


def name_parts(name: str) -> list[str]:
    """The words of a name that tell it from others: 茅台 of 贵州茅台股份."""
    import rjieba

    if name.isascii():
        return [name]
    parts = [word for word in rjieba.cut_for_search(name) if len(word) > 1 and word not in _SUFFIX]
    return [part for part in parts if part not in _GENERIC] or [name]


def _latin_names(question: str) -> Iterator[Identifier]:
    chinese = is_chinese(question)
    for match in _LATIN_NAME.finditer(question):
        is_first = not question[: match.start()].strip(" \"'“‘")
        if match[0].lower() not in _COMMON_LATIN and (chinese or not is_first):
            yield Identifier("name", match[0], match[0])
