"""Which questions are about a document itself: its pages, author, date, title, chapters, or what it says as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

from qa_engine.answering.about import chinese, english
from qa_engine.answering.about.colloquial import NAME, plainer
from qa_engine.answering.about.kinds import Kind
from qa_engine.answering.about.numerals import ordinal
from qa_engine.answering.about.subject import Subject
from qa_engine.text.language import is_chinese
from qa_engine.text.tokenizer import fold

_END = re.compile(r"[\s？?！!。.,，~～]+$|(?<=[\u4e00-\u9fff])[呢啊呀吧嘛]$|,? please$", re.I)
_LATIN_WORDS = re.compile(r"[A-Za-z']+ [A-Za-z']+ ")
_NUMBERED: frozenset[Kind] = frozenset({"article", "chapter", "page"})
_CREATED = re.compile(r"创建|生成|制作|creat|made|generated|produced", re.I)
_BETWEEN = re.compile(
    r"\s*(?:[，,；;、]\s*(?:and |还有|以及|并且)?|和|以及|还有|\s+and\s+|(?<=[章节条页])(?=[几多共]))"
)
"""What stands between two questions in one."""
_MAX_PLACES, _MAX_TOGETHER = 6, 80
_LEAST = frozenset(
    ["旧", "早", "老", "少", "短", "薄", "小", "shortest", "oldest", "earliest", "fewest pages"]
)
_OF_TIME = re.compile(r"[新近晚旧早老]|newest|latest|most recent|oldest|earliest", re.I)
_MAX_QUESTION = 150
"""Characters of a question that is of one of these wordings."""
_UNITS = {
    **dict.fromkeys(("chapter", "章"), "章"),
    **dict.fromkeys(("section", "节"), "节"),
    **dict.fromkeys(("article", "clause", "条", "条款"), "条"),
    **dict.fromkeys(("part", "部分", "大部分"), "部分"),
    **dict.fromkeys(("编", "篇"), "编"),
}
"""What is counted, by the word of a question; any other word asks for chapters or what there is instead of them."""


@dataclass(frozen=True)
class AboutQuestion:
    """A question about documents themselves.

    Attributes:
        kind: what it asks for.
        subject: the words of the question that say which document is meant.
        number: of the article, the chapter or the page; -1 for the last one, 0 for the other kinds.
        unit: of chapters, what is counted or asked for: ``章``, ``节``, ``条``, ``编``, ``部分``; ``章节`` for any.
        created: of a date, whether it is the one on which the file was made.
        name: of a chapter without a number, its title or what it is called in many documents, such as 附则; of
            ``which``, the topic.
        date: of an extreme, whether the newest (or with ``number`` -1 the oldest) file is asked for, and not the longest.
    """

    kind: Kind
    subject: Subject
    number: int = 0
    unit: str = ""
    created: bool = False
    name: str = ""
    date: bool = False


def about_question(question: str) -> AboutQuestion | None:
    """The question about documents that a question is, in its most telling reading; None for any other.

    The whole question must be one of the known wordings, around words that name a document: whether these do name one is
    for `qa_engine.answering.about.naming` to say. A question that asks for anything else besides is another question.

    Example:
        >>> asked = about_question("这份合同一共有多少页？")
        >>> asked.kind, asked.subject.noun
        ('pages', '合同')
        >>> about_question("合同一共几页需要盖章？") is None
        True
    """
    return next(about_questions(question), None)


def about_questions(question: str) -> Iterator[AboutQuestion]:
    """All readings of a question as one about documents, the most telling first."""
    if len(question) > _MAX_QUESTION:
        return
    text = " ".join(fold(question).split())
    # A name in the other language says nothing of the question's own.
    bare = NAME.sub("", text)
    yield from _readings(text, chinese if is_chinese(bare) else english)
    if is_chinese(bare) and _LATIN_WORDS.match(bare):
        yield from _readings(text, english)


def together(question: str) -> list[list[AboutQuestion]]:
    """The questions that are asked in one, each with its readings; empty unless there are several.

    A question that names no document is about that of the question before it.

    Example:
        >>> [part[0].kind for part in together("这份报告多少页、谁写的？")]
        ['pages', 'author']
    """
    text = _END.sub("", " ".join(fold(question).split()))
    found: list[list[AboutQuestion]] = []
    language = chinese if is_chinese(NAME.sub("", text)) else english
    start, before = 0, None
    # The first place behind a question is where it ends, so that the work grows with the places alone.
    for match in list(_BETWEEN.finditer(text))[:_MAX_PLACES] if len(text) <= _MAX_TOGETHER else ():
        part = list(_readings(text[start : match.start()], language, before))
        if part:
            found.append(part)
            start, before = match.end(), part[0].subject
    last = list(_readings(text[start:], language, before)) if found else []
    return [*found, last] if last else []


def _readings(question: str, language: ModuleType, before: Subject | None = None) -> Iterator[AboutQuestion]:
    """The readings of a question as it stands, and then of its plainer wordings."""
    yield from _readings_of(question, language, before)
    for plain in plainer(_END.sub("", question), language is chinese):
        yield from _readings_of(plain, language, before)


def _readings_of(question: str, language: ModuleType, before: Subject | None) -> Iterator[AboutQuestion]:
    text = _END.sub("", language.TAIL.sub("", _END.sub("", question)))
    while (shorter := _END.sub("", language.POLITE.sub("", text, count=1)).strip()) != text:
        text = shorter
    for kind, pattern in language.WORDINGS:
        match = pattern.fullmatch(text)
        if match is None:
            continue
        groups = match.groupdict(default="")
        subject = Subject.of(groups.get("s", ""))
        if before is not None and subject.points and not subject.noun:
            subject = before
        number = ordinal(groups.get("n") or groups.get("m") or "")
        name = (
            groups.get("name") or groups.get("name2") or groups.get("name3") or groups.get("topic") or ""
        ).strip(" ，,的")
        dated = kind in {"date", "issuer"}
        if (kind in _NUMBERED and not number and not name) or (dated and not subject.text and before is None):
            continue
        most = groups.get("most", "")
        if most:
            number = -1 if most.lower() in _LEAST else 1
        unit = (groups.get("unit") or groups.get("unit2") or "").lower().removesuffix("s")
        created = bool(_CREATED.search(groups.get("verb", "")))
        newest = bool(_OF_TIME.fullmatch(most))
        yield AboutQuestion(kind, subject, number, _UNITS.get(unit, "章节"), created, name, newest)
