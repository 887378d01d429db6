"""Questions made from the sentences of a collection by rules, without a model.

They repeat most words of their sentence, so their passages are easier to find than those of real questions: good for
comparing settings on one's own documents and for noticing what breaks, not for measuring how good retrieval is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from qa_engine.evaluation.metrics.ranking import squash
from qa_engine.evaluation.questions.labelled import LabelledQuestion
from qa_engine.evaluation.questions.sampling import SourcePassage, as_question
from qa_engine.text.language import is_chinese
from qa_engine.text.one_line import one_line

_MIN_CHARS, _MAX_CHARS = 12, 160
_DEFINITION = re.compile(
    r"(?P<term>[^，。；：、？！,;:?!\s的]{2,14}?)(?:是指|指的是|是一[种个项类]|定义为)(?P<what>[^。；？！]{6,80})[。；]?"
)
_ENGLISH_DEFINITION = re.compile(
    r"(?P<term>[A-Z][\w-]*(?: [\w-]+){0,3}) (?:is|are) (?P<what>(?:an?|the) [^.;?!]{10,120})\.?"
)
_REFERENCE = re.compile(
    r"^(?:这|那|该|此|其|它|他|她|我们|本|以上|上述|前者|后者|同时|另外|但|因此|所以|不过|对此|并|而|也|还|又)"
)
_ENGLISH_REFERENCE = re.compile(
    r"^(?:it|its|this|that|these|those|they|their|he|she|we|our|there|such|but|however|also|in addition)\b",
    re.I,
)
_UNITS = (
    "个月 个小时 个工作日 工作日 小时 分钟 秒 平方公里 平方千米 平方米 立方米 公里 千米 厘米 毫米 公斤 千克 毫克 "
    "千瓦时 千瓦 摄氏度 分贝 周岁 万元 亿元 美元 欧元 万人 万吨 元 年 天 日 周 岁 米 人 吨 次 家 名 件 座 克 升 页 瓦 "
    "伏 只 台 套 倍 %"
)
_AMOUNT = re.compile(
    r"(?<![0-9A-Za-z.,:/-])(?P<number>[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?)\s?(?P<unit>"
    + "|".join(map(re.escape, sorted(_UNITS.split(), key=len, reverse=True)))
    + ")"
)
_MONTH = re.compile(r"(?<![0-9年])(?:1[0-2]|[1-9])月(?![0-9])")
_LABEL = re.compile(
    r"^(?:第\s?[0-9一二三四五六七八九十百.]+\s?[条章节款项]|[（(]?[0-9一二三四五六七八九十]+(?:\.[0-9]+)*[.、)）]?(?=[\s、]))[\s、]*"
)
_CLAUSE_END = re.compile("[，；：]")
_DATE = re.compile(r"[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日")
_YEAR = re.compile(r"(?<![0-9])(?:1[0-9]|20)[0-9]{2}年")
_TITLE = re.compile(r"《[^《》]{2,30}》")
_ENGLISH_AMOUNT = re.compile(r"(?<![\w.,:/$-])[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?(?![\w/:-]|\.[0-9])")
_UNFIT = re.compile(r"https?://|[_…]{2,}|\.{4,}|^[\W\d]+$|^(?:图|表|Figure|Table)\s?[0-9]", re.I)


@dataclass(frozen=True)
class _Draft:
    """A question and its answer, and the kind of the question: see `generate_questions`."""

    kind: str
    question: str
    answer: str


def generate_questions(passages: Iterable[SourcePassage], count: int) -> list[LabelledQuestion]:
    """Questions from sentences, each with ``file``, ``page``, ``evidence`` (the sentence), ``kind`` and ``node``.

    The kinds are ``definition`` (X是什么？), ``number`` (the number replaced by 多少 or 哪一年) and ``cloze`` (a name or a
    number replaced by a blank). No question and no sentence is used twice.

    Args:
        passages: sentences, as `sampled_passages` yields them.
        count: maximum number of questions.
    """
    seen: set[str] = set()
    questions: list[LabelledQuestion] = []
    for passage in passages:
        draft = next(_drafts(passage), None)
        if draft is None or not seen.isdisjoint(keys := {squash(draft.question), squash(passage.text)}):
            continue
        seen |= keys
        questions.append(as_question(passage, draft.question, draft.answer, draft.kind))
        if len(questions) == count:
            break
    return questions


def _drafts(passage: SourcePassage) -> Iterator[_Draft]:
    text = _LABEL.sub("", one_line(passage.text))
    if passage.role or not _MIN_CHARS <= len(text) <= _MAX_CHARS or _UNFIT.search(text):
        return
    if is_chinese(text):
        if text[-1] in "。；！" and not _REFERENCE.match(text):
            yield from _chinese(text)
    elif text[-1] == "." and not _ENGLISH_REFERENCE.match(text):
        yield from _english(text)


def _chinese(text: str) -> Iterator[_Draft]:
    if (match := _DEFINITION.fullmatch(text)) and not _REFERENCE.match(match["what"]):
        yield _Draft("definition", f"{match['term']}是什么？", match["what"])
    for pattern, question_word in ((_DATE, "哪一天"), (_YEAR, "哪一年"), (_MONTH, "几月")):
        if (match := _only_match(pattern, text)) is not None:
            yield _Draft("number", _as_question(text, match, question_word), match[0])
    if (match := _only_match(_AMOUNT, text)) is not None:
        question_word = "百分之多少" if match["unit"] == "%" else f"多少{match['unit']}"
        if match["unit"] == "日" and text[: match.start()].endswith("月"):
            question_word = "几日"
        yield _Draft("number", _as_question(text, match, question_word), match[0])
    if (match := _only_match(_TITLE, text)) is not None:
        yield _Draft("cloze", f"填空：{_with_blank(text, match, '《____》')}", match[0].strip("《》"))


def _english(text: str) -> Iterator[_Draft]:
    if match := _ENGLISH_DEFINITION.fullmatch(text):
        verb = "are" if f"{match['term']} are " in text else "is"
        yield _Draft("definition", f"What {verb} {match['term']}?", match["what"])
    if (match := _only_match(_ENGLISH_AMOUNT, text)) is not None:
        yield _Draft("cloze", f"Fill in the blank: {_with_blank(text, match, '____')}", match[0])


def _only_match(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """The match of a pattern if there is just one, and the text that it matches stands nowhere else."""
    matches = list(pattern.finditer(text))
    return matches[0] if len(matches) == 1 and text.count(matches[0][0]) == 1 else None


def _as_question(text: str, match: re.Match[str], question_word: str) -> str:
    """The sentence up to the clause of the answer as a question, with ``question_word`` in the place of the answer."""
    ends = [end.start() for end in _CLAUSE_END.finditer(text, match.end())]
    # A clause that only says when or who goes on with the next one.
    end = next((position for position in ends if text[position - 1] not in "的时后前者若"), len(text))
    rest = text[match.end() : end]
    return f"{text[: match.start()]}{question_word}{rest}".rstrip("。；！") + "？"


def _with_blank(text: str, match: re.Match[str], blank: str) -> str:
    return f"{text[: match.start()]}{blank}{text[match.end() :]}"
