"""Names of organisations: full names in text, and the short names that people ask with.

Wrong names are worse than none: a name counts only where a document says whose it is, in a line of its own on the first
page, beside a label, in the running header, or in the name of the file.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import pairwise

_HAN = "\u4e00-\u9fff"
_CHINESE_FORM = (
    "股份有限公司|有限责任公司|集团有限公司|控股有限公司|有限公司|集团公司|股份公司|总公司|集团|大学|学院|研究院|研究所|证券|"
    "银行|委员会|协会|出版社"
)
_CHINESE_NAME = re.compile(rf"[{_HAN}A-Za-z0-9·（）()]{{2,28}}?(?:{_CHINESE_FORM})(?:{_CHINESE_FORM})?")
_LEGAL_FORM = re.compile(
    "(?:股份有限公司|集团股份有限公司|有限责任公司|集团有限公司|控股有限公司|有限公司|集团公司|股份公司|总公司|集团)$"
)
_ENGLISH_FORM = (
    r"(?i:inc|incorporated|corp|corporation|company|companies|co|l\.?l\.?c|l\.?p|p\.?l\.?c|ltd|limited|gmbh|ag|n\.?v|s\.?a|se|"
    r"oyj|ab|asa|bv|pty)"
)
_FORM_AT_END = re.compile(rf"(?:[\s,&]+|(?<=[a-z0-9]),)(?:and\s+)?{_ENGLISH_FORM}\.?$", re.I)
_ENGLISH_NAME = re.compile(
    rf"(?:[A-Z0-9][\w.&'’/-]*,?\s+(?:(?:of|and|the|for|&|de)\s+)?){{1,7}}?{_ENGLISH_FORM}\b\.?(?:,?\s+{_ENGLISH_FORM}\b\.?)*"
)
_UNIVERSITY = re.compile(r"(?:University of [A-Z]\w+(?: [A-Z]\w+){0,2}|(?:[A-Z]\w+ ){1,3}University)")
_PARTY = re.compile(
    r"(甲方|乙方|丙方|买方|卖方|出租方|承租方|委托方|受托方|采购方|供应方|发包人|承包人)"
    rf"(?:[（(][^）)]{{1,8}}[）)])?(?:名称)?\s*[：:]\s*([{_HAN}（）()]{{4,28}}?(?:{_CHINESE_FORM}))"
)
_CHARTER = re.compile(r"exact name of (?:the )?registrant", re.I)
_TICKER = re.compile(
    r"\b(?:NYSE|NASDAQ|Nasdaq|ASX|LSE|AMEX|HKEX|SEHK)(?:\s+[A-Z][a-z]+)*\s*[:：]\s*([A-Z]{1,5}(?:\.[A-Z])?)\b"
    r"|Trading\s+Symbols?(?:\(s\))?\s*[:：]\s*([A-Z]{1,5})\b"
)
_SECURITIES = re.compile(
    rf"([{_HAN}]{{2,8}}[A-Z]?)\s*[（(]\s*(\d{{6}}|\d{{4,5}}(?=\.HK))(?:\.(?:SH|SZ|HK|BJ|SS))?\s*[）)]"
)
_LABELLED = {
    "full": re.compile(r"(?:公司的?(?:法定)?中文名称|公司的?名称|发行人名称|企业名称)\s*[:：|]?\s*"),
    "short": re.compile(r"(?:公司的?(?:中文)?简称|(?:股票|证券|A股|Ａ股)(?:的)?简称)\s*[:：|]?\s*"),
    "code": re.compile(r"(?:股票|证券|公司|A股|Ａ股)代码\s*[:：|]?\s*"),
}
_VALUE_END = re.compile(r"[;；，,|\s：:（(]|(?:股票|证券|公司|A股)的?(?:简称|代码|名称)|报告日期|上市")
"""Where the value beside a label ends, also where the next label follows without a blank."""
_DEFINED = re.compile(
    rf"[（(]\s*(?:以下)?(?:简称|称)(?:为)?\s*[“\"「]?([{_HAN}A-Za-z0-9]{{2,12}})[”\"」]?"
    r"|[(]\s*[“\"](?!the |our |we |us |company|corporation)([A-Z0-9][\w&.' -]{1,24}?)[,.]?[”\"]",
    re.I,
)
_GENERAL = frozenset(
    """american general best advanced united first national international global new north south east west the royal standard
    public great bank state city digital applied consolidated common federal home old big air dollar family charter service
    western eastern southern northern world universal pacific atlantic texas china chinese european british german japan
    group holdings health energy power electric motor motors foods financial capital systems technologies media micro data
    science medical life auto business smart green blue red black white golden silver star sun""".split()  # noqa: SIM905
)
_SELF = frozenset(
    {
        "公司",
        "本公司",
        "我公司",
        "集团",
        "本集团",
        "company",
        "thecompany",
        "甲方",
        "乙方",
        "双方",
        "本行",
        "学校",
    }
)
_MAX_LINE = 80
_OF_REPORT = re.compile(
    r"\W*(?:(?:FY|fiscal)?\s*20\d\d|年度报告|annual report|form 10|quarterly report)", re.I
)
_PLACE_BRACKETS = re.compile(r"[（(][^（）()]{1,8}[）)]")


def squeezed(text: str) -> str:
    """A name in the form that names are compared in: letters, digits and Han characters alone, without case.

    Example:
        >>> squeezed("Best Buy Co., Inc.") == squeezed("BESTBUY CO INC")
        True
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in folded if character.isalnum())


def short_name(organisation: str) -> str:
    """A full name without its legal form: ``金宇生物技术``, ``Best Buy``, ``3M``; the same if nothing is left.

    Example:
        >>> short_name("The Coca-Cola Company"), short_name("浙江大华技术股份有限公司")
        ('Coca-Cola', '浙江大华技术')
    """
    name = _PLACE_BRACKETS.sub("", organisation.strip())
    name = re.sub(r"^the\s+", "", name, flags=re.I)
    while True:
        shorter = _LEGAL_FORM.sub("", _FORM_AT_END.sub("", name)).rstrip(" ,.&")
        if shorter == name or len(squeezed(shorter)) < 2:
            return name
        name = shorter


def short_names(organisation: str, text: str) -> list[str]:
    """The names that people use for an organisation, the shortest first, as far as its full name gives them.

    The first word of an English name stands for the whole if it says enough and ``text``, from the first pages of the
    document, has it without the next word as well.
    """
    short = short_name(organisation)
    names = [short] if squeezed(short) != squeezed(organisation) else []
    words = re.findall(r"[A-Za-z0-9][\w'’-]*", short)
    if len(words) > 1 and short[:1].isascii():
        first, second = words[0], words[1]
        alone = re.compile(rf"\b{re.escape(first)}\b(?!\W{{0,3}}{re.escape(second)})", re.I)
        if len(first) >= 4 and first.lower() not in _GENERAL and len(alone.findall(text)) >= 2:
            names.insert(0, first)
        initials = "".join(
            word[0] for word in words if word[0].isupper() and word.lower() not in {"and", "of"}
        )
        if len(initials) >= 3 and len(re.findall(rf"\b{re.escape(initials)}\b", text)) >= 2:
            names.insert(0, initials)
    return names


def is_organisation(line: str) -> bool:
    """Whether a line is nothing but the full name of an organisation."""
    if len(line) > _MAX_LINE:
        return False
    text = line.strip().rstrip("。.")
    for pattern in (_CHINESE_NAME, _ENGLISH_NAME, _UNIVERSITY):
        match = pattern.match(line.strip())
        if match is not None and len(match.group().rstrip(".")) >= len(text) and _is_usable(match.group()):
            return True
    return False


def titled(line: str) -> str:
    """The organisation that the title of a report begins with: …有限公司2020年年度报告, … Inc. Annual Report; or nothing."""
    for pattern in (_CHINESE_NAME, _ENGLISH_NAME):
        match = pattern.match(line.strip()[:_MAX_LINE])
        if match is not None and _OF_REPORT.match(line.strip(), match.end()) and _is_usable(match.group()):
            return match.group()
    return ""


def organisations_in(text: str) -> list[str]:
    """The full names of organisations in a short text, such as the parts of a file's name."""
    found = [
        match.group().strip()
        for pattern in (_CHINESE_NAME, _ENGLISH_NAME)
        for match in pattern.finditer(text)
    ]
    return [name for name in found if _is_usable(name)]


def registrant(lines: Sequence[str]) -> str:
    """The name above “exact name of registrant as specified in its charter”; empty without it."""
    for before, line in pairwise(lines):
        match = _CHARTER.search(line)
        if match is not None:
            own = line[: match.start()].strip(" (_")
            name = own or before.strip(" (_")
            return name if 2 <= len(name) <= 60 and not _CHARTER.search(name) else ""
    return ""


def labelled(texts: Iterable[str], what: str) -> str:
    """The value beside a label such as 公司的中文名称 (``full``), 股票简称 (``short``) or 股票代码 (``code``)."""
    for text in texts:
        for match in _LABELLED[what].finditer(text):
            value = _VALUE_END.split(text[match.end() :].strip(), maxsplit=1)[0]
            sound = {
                "full": 4 <= len(value) <= 30 and _CHINESE_NAME.fullmatch(value) is not None,
                "short": 2 <= len(value) <= 8 and not re.search("简称|代码|名称|变更|股票|公司|日期", value),
                "code": re.fullmatch(r"\d{4,6}", value) is not None,
            }
            if sound[what]:
                return value
    return ""


def tickers(text: str) -> list[str]:
    """The tickers of exchanges in a text, with at least three characters: shorter ones are words."""
    found = (next(filter(None, match.groups())) for match in _TICKER.finditer(text))
    return [ticker for ticker in dict.fromkeys(found) if len(ticker) >= 3]


def securities(text: str) -> list[tuple[str, str]]:
    """The short names of listed companies with their codes, as broker reports write them: 重庆啤酒（600132）."""
    return [(match[1], match[2]) for match in _SECURITIES.finditer(text)]


def defined_names(text: str, organisation: str) -> list[str]:
    """The short names that a text gives to an organisation right behind its full name: 以下简称“…”, (“Verizon”)."""
    names = []
    for match in _DEFINED.finditer(text):
        before = squeezed(text[max(0, match.start() - 60) : match.start()])
        name = next(filter(None, match.groups()))
        if squeezed(name) not in _SELF and before.endswith(squeezed(organisation)):
            names.append(name.strip())
    return names


def parties(text: str) -> list[str]:
    """The full names of the parties of a contract, as it introduces them: 甲方：…有限公司."""
    by_role: dict[str, str] = {}
    for role, name in _PARTY.findall(text):
        by_role.setdefault(role, name)  # what comes later are their banks
    return list(dict.fromkeys(by_role.values()))


def _is_usable(name: str) -> bool:
    core = squeezed(short_name(name))
    return len(core) >= 2 and core not in _SELF and not re.fullmatch(r"\d+", core)
