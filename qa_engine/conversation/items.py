"""Things in a question that another of their kind can replace: years, articles, codes, names, quantities."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qa_engine.conversation.topics import HAN, is_property
from qa_engine.text.chinese_names import firm_names
from qa_engine.text.identifiers import identifiers

_NUMERAL = "〇零一二两三四五六七八九十百千万0-9"
_PATTERNS: Sequence[tuple[str, re.Pattern[str]]] = (
    (
        "part",
        re.compile(
            r"第?[一二三四1-4]季度|[上下]半年|(?<![A-Za-z0-9])(?:[QH][1-4]|[1-4][QH])(?![A-Za-z0-9])"
            r"|\b(?:the\s+)?(?:first|second|third|fourth)\s+(?:quarter|half)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "year",
        re.compile(
            r"(?<![\d.])(?:19|20)\d\d\s*(?:财年|年度|年)|[一二][〇零○一二三四五六七八九]{3}年度?|[今去前明]年"
            r"|(?<![A-Za-z])FY\s?(?:20)?\d\d(?!\d)|(?<![\w.,$-])(?:19[5-9]|20[0-4])\d(?![\w%]|[.,]\d)"
            r"|\b(?:last|this|next)\s+year\b",
            re.IGNORECASE,
        ),
    ),
    (
        "month",
        re.compile(rf"(?<![{_NUMERAL}])(?:1[0-2]|[1-9]|十[一二]?|[一二三四五六七八九])月份?(?![{_NUMERAL}])"),
    ),
    (
        "place",
        re.compile(
            rf"第\s*[{_NUMERAL}]+\s*(?P<of>条|章|节|款|项|页|部分|步|级|类|期|届|轮|阶段|批)|(?P<before>[表图])\s*\d+(?:[-.]\d+)*"
            r"|\b(?P<word>article|section|clause|chapter|table|figure|page|part|step|appendix)\s+\d+(?:\.\d+)*",
            re.IGNORECASE,
        ),
    ),
    (
        "party",
        re.compile(
            r"[甲乙丙丁](?P<of>[方级类])|(?<![A-Za-z])[A-E](?P<latin>[级类])|[一二三四五](?P<level>级)"
        ),
    ),
    (
        "latin",
        re.compile(
            r"(?<![A-Za-z0-9])(?!(?:How|What|When|Where|Who|Why|Which|Is|Are|Do|Does|Did|Can|The|In|And)\b)"
            r"[A-Z][a-z]+(?: [A-Z][A-Za-z]*)+(?![A-Za-z0-9])"
            r"|(?<![A-Za-z0-9])[A-Za-z0-9]*[A-Za-z][A-Za-z0-9]*(?:[-–/.][A-Za-z0-9]+)*(?:\s\d+(?:\.\d+)?(?![A-Za-z0-9.%]))?[+#]*"
        ),
    ),
    (
        "number",
        re.compile(
            rf"(?<![{_NUMERAL}.])[{_NUMERAL}]+(?:\.\d+)?\s*(?P<of>万?元|公里|千米|平方米|米|天|小时|分钟|岁|人|年|个月|周|度|次|%|‰)"
        ),
    ),
)
"""The kinds with a form of their own; what one has matched, the next ones do not."""
_NAMES = {"nr": "person", "ns": "place name", "nt": "firm", "nz": "firm"}
_NO_NAMES = frozenset("陈述 周末 一线 高管 明年 安全 单位 国家 省份 城市 地区 和平 平安 周期 文件".split())  # noqa: SIM905
"""What the dictionary takes for names although questions rarely mean one."""
_LONGEST = 400
"""A question of more characters names so much that a Chinese name in it is not replaced."""
_NAMED = frozenset({"person", "firm", "place name", "name", "title"})
_ENGLISH_WORDS = frozenset(
    """how what when where who why which whose is are was were do does did can could will would should may the a an in on at
    of for and or but by to with from it its i my we our you your""".split()  # noqa: SIM905
)


@dataclass(frozen=True)
class Item:
    """A thing that a text names.

    Attributes:
        kind: only things of one kind replace each other.
        text: as it stands there.
        start: where it begins.
    """

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + len(self.text)

    @property
    def shape(self) -> str:
        """The form of a name: 0 for any number, a for any word. 7B and 13B are 0a, TH01 and XR-2000 are a0."""
        return re.sub(r"\d[\d.,]*", "0", re.sub(r"[A-Za-z]+", "a", re.sub(r"[^A-Za-z0-9.]", "", self.text)))


def items(text: str) -> list[Item]:
    """The things in a text, in its order, none within another.

    Example:
        >>> [(item.kind, item.text) for item in items("传感器TH01在2023年的单价")]
        [('name', 'TH01'), ('year', '2023年')]
    """
    found, taken = [], bytearray(len(text))
    for item in _candidates(text):
        if not any(taken[item.start : item.end]):
            taken[item.start : item.end] = b"\1" * len(item.text)
            found.append(item)
    return sorted(found, key=lambda item: item.start)


def _candidates(text: str) -> Iterator[Item]:
    """What may be a thing, the surest first."""
    in_chinese = HAN.search(text) is not None
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            told = next((group for group in match.groupdict().values() if group), "")
            if kind == "latin":
                yield from _latin(match, in_chinese)
            else:
                yield Item(f"{kind} {told.lower()}".strip(), match[0], match.start())
    if in_chinese and len(text) <= _LONGEST:
        yield from _han_names(text)


def _latin(match: re.Match[str], in_chinese: bool) -> Iterator[Item]:
    """A code, or a name: in running English only what has a capital or a digit. Words with capitals are one name."""
    word = match[0].rstrip(".")
    if word.lower() in _ENGLISH_WORDS or (not in_chinese and word == word.lower() and word.isalpha()):
        return
    yield Item("size" if word[0].isdigit() else "name", word, match.start())


def _han_names(text: str) -> Iterator[Item]:
    """Persons, places and organisations: those that the dictionary knows, and what firms are called."""
    import rjieba

    named = [one for one in identifiers(text) if one.kind in {"name", "firm", "title"} and not one.is_weak]
    known = [("title" if one.kind == "title" else "firm", one.text) for one in named]
    for kind, name in [*known, *(("firm", name) for name, _ in firm_names(text))]:
        if HAN.search(name) and (start := text.find(name)) >= 0:
            yield Item(kind, name, start)
    start, tagged = 0, rjieba.tag(text)
    for number, (word, tag) in enumerate(tagged):
        if tag[:2] in _NAMES and len(word) > 1 and word not in _NO_NAMES and HAN.match(word):
            following, its_tag = tagged[number + 1] if number + 1 < len(tagged) else ("", "")
            # 宁德时代: a name and a noun that is no property are one name.
            is_firm = its_tag in {"n", "nz"} and len(following) > 1 and not is_property(following)
            yield Item("firm", word + following, start) if is_firm else Item(_NAMES[tag[:2]], word, start)
        start += len(word)


def replaced(question: str, about: str) -> str | None:
    """A question, asked about other things of the same kinds.

    Args:
        question: the question, which stands alone.
        about: the other things and nothing else: TH10, 2022年第三季度, article 5.

    Returns:
        The new question; empty if it is not clear what to replace; None if ``about`` is more than things.

    Example:
        >>> replaced("传感器TH01的供电电压是多少？", "TH10")
        '传感器TH10的供电电压是多少？'
    """
    new, rest = _things(about)
    if not new or rest:
        return None
    for item in new:
        question = _with(question, item)
        if not question:
            return ""
    return question


def with_name(question: str, name: str) -> str:
    """The question with its only name replaced by another one, in whatever form; empty if it has none or several."""
    named = {item.text: item for item in items(question) if item.kind in _NAMED}
    if len(named) != 1:
        return ""
    old = next(iter(named.values()))
    return f"{question[: old.start]}{name}{question[old.end :]}"


def split_things(about: str) -> tuple[str, str]:
    """The things that a text begins with, and the property behind 的: TH10的单价 is ``("TH10", "单价")``."""
    owner, joint, rest = about.partition("的")
    new, more = _things(owner)
    return (owner, rest) if joint and new and not more else ("", "")


def is_things_alone(text: str, names: bool = False) -> bool:
    """Whether a text is nothing but years, articles, codes and quantities, or with ``names`` also Chinese names."""
    new, rest = _things(text)
    return bool(new) and not rest and (names or {item.kind for item in new}.isdisjoint(_NAMED - {"name"}))


def _things(text: str) -> tuple[list[Item], str]:
    """The things in a text, and what else is in it."""
    found, rest, end = items(text), "", 0
    for item in found:
        rest, end = rest + text[end : item.start], item.end
    rest = re.sub(
        r"\b(?:in|for|of|on|at|the|and)\b|[\s的在和与、,，?？.。!！]",
        "",
        rest + text[end:],
        flags=re.IGNORECASE,
    )
    return found, rest


def _with(question: str, new: Item) -> str:
    """The question with a thing replaced by another of its kind; empty if there is none, or more than one."""
    there = items(question)
    if any(item.text == new.text for item in there):
        return question
    alike = [item for item in there if item.kind == new.kind]
    if new.kind in {"name", "size"} and len({item.text for item in alike}) > 1:
        # Of several names, only a code can be told by its form.
        alike = [item for item in alike if item.shape == new.shape and re.search(r"\d", new.text)]
    if not alike and new.kind in _NAMED:
        alike = [item for item in there if item.kind in _NAMED]
    if len({item.text for item in alike}) != 1:
        return _added(question, new) if not alike and new.kind in {"year", "part"} else ""
    first = alike[0]
    if "年" in first.text and new.text.isdigit():
        new = Item(new.kind, f"{new.text}年", 0)
    elif new.kind == "year" and first.text.isdigit():
        new = Item(new.kind, new.text.rstrip("年度"), 0)
    return f"{question[: first.start]}{new.text}{question[first.end :]}"


def _added(question: str, new: Item) -> str:
    """The question with a year or a part of a year, where it had none."""
    if new.kind == "part" and (year := next((item for item in items(question) if item.kind == "year"), None)):
        return f"{question[: year.end]}{new.text}{question[year.end :]}"
    if HAN.search(question):
        return f"{new.text}{'年' if new.text.isdigit() else ''}{question}"
    bare = question.rstrip(" ?.")
    return f"{bare} in {new.text}{'?' if question.rstrip().endswith('?') else ''}"
