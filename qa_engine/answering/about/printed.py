"""Author and date as they are printed on the first page of a document, or at its end."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa_engine.answering.about.outline import on_page
from qa_engine.documents.blocks import Role
from qa_engine.index.records import StoredSentence

_AUTHOR = re.compile(
    r"(?:^|[\s）)；;，,。|｜])(?:作\s*者|撰\s*写|编\s*写|撰\s*稿|起\s*草|编\s*制|编\s*发|主\s*编|编\s*著|拟\s*稿|执\s*笔)"
    r"\s*(?:人|者|单位|部门)?\s*[:：]\s*\S|^\W*(?:authors?|written by|prepared by|by)\s*[:：]?\s+[A-Z]"
    r"|^[\u4e00-\u9fff]{2,12}\s*(?:编著|编|著)\s*$",
    re.I,
)
_ABSTRACT = re.compile(r"^\W*(?:abstract|摘\s*要)\b", re.I)
_HAN_DIGIT = "〇○零一二三四五六七八九十"
_DATE = re.compile(
    r"(?:19|20)\d\d\s*[-年./]\s*\d{1,2}\s*(?:[-月./]\s*\d{1,2}\s*日?|月)"
    rf"|[{_HAN_DIGIT}]{{4}}年[{_HAN_DIGIT}]{{1,3}}月(?:[{_HAN_DIGIT}]{{1,3}}日)?"
    r"|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s+(?:\d{1,2},?\s+)?(?:19|20)\d\d"
    r"|\b\d{1,2}\s+(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?,?\s+(?:19|20)\d\d",
    re.I,
)
_ISSUED = re.compile(
    r"日\s*期|版本|通过|发布|印发|公布|公告|出版|编制|成文|修订|制定|\b(?:date|dated|issued|published|released|revised|updated)\b",
    re.I,
)
_ISSUER = re.compile(
    r"(?:发布|印发|编发|制定|颁布|编制|出版|发文|主办|主编)\s*(?:单位|机关|部门|机构|者|人|方)?\s*[:：]\s*\S"
    r"|[局委会部厅院府署办社司处所]\S{0,12}(?:通过|印发|发布|公布|颁布|制定)"
    r"|^\W*(?:issued|published|prepared|released) by\b",
    re.I,
)
_ORGANISATION = re.compile(
    r"^[\u4e00-\u9fff（）()A-Za-z]{2,40}(?:公司|集团|局|厅|委员会|院|中心|协会|学会|大学|政府|办公室|出版社|银行)\W*$"
)
_ENDS_SENTENCE = frozenset("。；，")
_MAX_LINE, _SHARE, _LINES, _BY_LINES = 80, 0.35, 30, 12


def author_line(sentences: Sequence[StoredSentence]) -> StoredSentence | None:
    """The line of the first page that names the author; None without one."""
    return next(
        (
            one
            for one in _of_page(sentences, 1)[:_LINES]
            if len(one.text) <= _MAX_LINE and _AUTHOR.search(one.text)
        ),
        None,
    )


def issuer_line(sentences: Sequence[StoredSentence]) -> StoredSentence | None:
    """The line of the first page that says who issued the document, or is the name of an organisation; None without one."""
    lines = [one for one in _of_page(sentences, 1)[:_LINES] if len(one.text) <= _MAX_LINE]
    lines = [one for one in lines if one.text.strip()[-1:] not in _ENDS_SENTENCE]
    return next(
        (one for pattern in (_ISSUER, _ORGANISATION) for one in lines if pattern.search(one.text)), None
    )


def by_lines(sentences: Sequence[StoredSentence]) -> list[StoredSentence]:
    """The lines between the title of a paper and its abstract, which name its authors; none of other documents."""
    first = _of_page(sentences, 1)[: _BY_LINES + 2]
    end = next((at for at, one in enumerate(first) if _ABSTRACT.match(one.text)), 0)
    return [one for one in first[1:end] if one.metadata.get("role") != Role.HEADING]


def date_line(sentences: Sequence[StoredSentence], pages: int) -> StoredSentence | None:
    """The line that dates a document: of the first page, or else of the last one; None without one.

    It says that the document was issued, or it is little more than a date: one inside of a text is of what that speaks of.
    """
    ends = [_of_page(sentences, 1)[:_LINES], _of_page(sentences, pages)[-_LINES:][::-1] if pages > 1 else []]
    ends.append(_of_page(sentences, 1)[::-1][:_LINES] if pages == 1 else [])
    for lines in ends:
        dated = [
            (one, match) for one in lines if len(one.text) <= _MAX_LINE and (match := _DATE.search(one.text))
        ]
        issued = [one for one, _ in dated if _ISSUED.search(one.text)]
        alone = [one for one, match in dated if len(match.group()) >= _SHARE * len(one.text)]
        if issued or alone:
            return (issued or alone)[0]
    return None


def _of_page(sentences: Sequence[StoredSentence], page: int) -> list[StoredSentence]:
    return [one for one in on_page(sentences, page) if one.metadata.get("table") is None]
