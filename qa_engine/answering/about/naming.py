"""Which documents the words of a question name: each word has to be one of the document's names, or mean a document."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from qa_engine.answering.about.subject import Subject
from qa_engine.documents.identity.kinds import named_kind
from qa_engine.documents.identity.record import KINDS
from qa_engine.retrieval.dictionary.dictionary import TranslatedWord
from qa_engine.retrieval.passages.documents import SearchedDocument
from qa_engine.text.tokenizer import HAN_CLASS, fold, tokenize

_UNIT = re.compile(rf"[{HAN_CLASS}]|[^\W\d_{HAN_CLASS}]+|[0-9]+")
_BREAK = "\x1f"
_SPELLED_OUT = (
    ("半年报", "半年度报告"),
    ("年报", "年度报告"),
    ("季报", "季度报告"),
    ("研报", "研究报告"),
)
_MEANS_DOCUMENT = frozenset(
    """这份 这个 这本 这篇 该 本 文件 文档 文章 资料 材料 报告 全文 全书 年 版 版本 的 之 第 pdf the this that of a an
    and in for on file document s to our your""".split()  # noqa: SIM905 - a list would take a line a word
)
_FORMS = {
    **dict.fromkeys(("paper", "论文"), ("paper", "")),
    **dict.fromkeys(("contract", "agreement", "合同", "协议"), ("contract",)),
}
"""Words for what a document is that its name need not have, with the kinds that it is then of; papers are seldom told."""
_IN_BOTH = (
    ("contract agreement", "合同|协议|协议书"),
    ("manual handbook guide", "手册|说明书|指南|指引"),
    ("report", "报告"),
    ("charter bylaws", "章程"),
    ("detailed rule|implementing rule|implementation rule", "细则|实施细则"),
    ("policy rules regulation regulations", "制度|政策|规定|办法|条例|规则|守则"),
    ("notice announcement", "通知|公告"),
    ("plan", "方案|计划|预案|规划"),
    ("minutes", "纪要"),
    ("law act", "法"),
    ("standard specification", "标准|规范|规格书"),
    ("data sheet|datasheet", "数据手册|规格书"),
    ("bulletin newsletter brief", "简报"),
    ("price list|pricelist", "价目表|报价单"),
    ("paper", "论文"),
    ("book", "书"),
)
"""What documents are called by the end of their names in English, and in Chinese."""
_MAX_FOREIGN = 4
"""English words with which a question may name a Chinese document whose kind it names."""
Translate = Callable[[str], Sequence[TranslatedWord]]
"""Finds the words of a text in the other language, as `qa_engine.retrieval.dictionary.dictionary.Dictionary` does."""
_FORM = re.compile(
    r"^(?:(?:contract|agreement|report|paper|file|document)(?:\s+no\.?)?\s+|(?:合同|协议|报告|论文|文件|文档)(?:编?号)?(?:为|是)?\s*)"
    r"|\s+(?:contract|agreement|report|paper|file|document)$|的?这?[份个篇]?(?:合同|协议|报告|论文|文件|文档)$",
    re.I,
)
"""What a number is the number of."""
_ENDS = 0.5
_AND = re.compile(r"[和与及、]|\band\b")
_LEAST_TITLE, _LONGEST_TITLE = 4, 80
_SENTENCE = re.compile(r"[。；，]|[a-z]{2}\.$")
"""What a title does not have."""


def named_documents(
    subject: Subject,
    documents: Sequence[SearchedDocument],
    first: Mapping[str, Sequence[str]],
    translate: Translate = lambda _: (),
) -> list[SearchedDocument]:
    """The documents that a question may be about; none if its words name something else.

    Args:
        subject: the words of the question.
        documents: those that may be searched.
        first: the texts of their first sentences, which often are their titles, by document id.
        translate: finds the words in the other language, which name documents if those of the question do not.
    """
    if subject.points and not subject.noun:
        return list(documents)
    rated = {one.document_id: _fit(subject, one, first.get(one.document_id, ())) for one in documents}
    best = max(rated.values(), default=0.0)
    if best > 0:
        return [one for one in documents if rated[one.document_id] == best]
    if subject.points and len(documents) == 1:
        return list(documents)  # 这份合同 where the only document does not call itself one
    return (
        _of_foreign_kind(subject, documents)
        or _each_named(subject, documents, first)
        or _named_in_translation(subject, documents, first, translate)
    )


def _named_in_translation(
    subject: Subject,
    documents: Sequence[SearchedDocument],
    first: Mapping[str, Sequence[str]],
    translate: Translate,
) -> list[SearchedDocument]:
    """The documents in whose names all words of a subject stand in translation."""
    words = translate(subject.text)
    left = subject.text
    for word in reversed(words):
        left = left[: word.start] + " " + left[word.end :]
    short = len(_UNIT.findall(subject.text)) < (2 if subject.text.isascii() else 3)
    if not words or short or any(one not in _MEANS_DOCUMENT for one in _UNIT.findall(left.casefold())):
        return []
    names = {
        one.document_id: set(tokenize(" ".join(_names(one, first.get(one.document_id, ())))))
        for one in documents
    }
    return [
        one
        for one in documents
        if all(
            any(text.stems and names[one.document_id].issuperset(text.stems) for text in word.translations)
            for word in words
        )
    ]


def _each_named(
    subject: Subject, documents: Sequence[SearchedDocument], first: Mapping[str, Sequence[str]]
) -> list[SearchedDocument]:
    """The documents of several names, such as 条例和细则, if each names some; of a plural, those of its singular."""
    parts = [part for part in _AND.split(subject.text) if part.strip()]
    if len(parts) == 1 and subject.text.isascii() and subject.text.endswith("s"):
        parts = [subject.text[:-1]]
    elif len(parts) == 1:
        return []
    named = [named_documents(replace(subject, text=part, points=False), documents, first) for part in parts]
    found = {one.document_id for own in named for one in own}
    return [one for one in documents if one.document_id in found] if all(named) else []


def is_title(subject: Subject, document: SearchedDocument, first: Sequence[str] = ()) -> bool:
    """Whether the words of a question are, on the whole, a long title of a document, or a number that its file is called by:
    not a thing that it is about.
    """
    words = _units(subject.text)
    stem = document.file.file_name.rpartition(".")[0]
    if _units(stem) in (words, _units(_FORM.sub("", subject.text))) and any(
        character.isdigit() for character in stem
    ):
        return True
    long = words.count(_BREAK) - 1 >= _LEAST_TITLE
    return long and any(words == _units(name) for name in _names(document, first))


def is_told_of(subject: Subject, first: Sequence[str]) -> bool:
    """Whether the first sentences of a document say what the thing of these words is, as those of an encyclopaedia do."""
    name = re.escape(fold(subject.text))
    says = re.compile(
        rf"^\W*{name}[》”\"』]?\s*(?:[（(][^）)]*[）)])?\s*(?:[,，:：]|是|为|又|(?:is|was|are)\b)", re.I
    )
    return any(says.search(fold(text)) for text in first)


def _fit(subject: Subject, document: SearchedDocument, first: Sequence[str]) -> float:
    """How well words name a document, 0 to 2: 0 if one of them is none of its names.

    What a name ends with says what it is: 条例 means the 条例 and not its 实施细则.
    """
    words = _units(subject.text)
    names = [_units(name) for name in _names(document, first)]
    if words in names:
        return 2.0
    pieces = words.strip(_BREAK).split(_BREAK)
    told, count, place = 0, 0, 0
    while place < len(pieces):
        length, telling = _longest(pieces[place:], names, document.identity.kind)
        if not length:
            return 0.0
        told += length if telling else 0
        count += telling
        place += length
    if not told:
        return 1.0 / 9 if _is_kind(subject, document) else 0.0
    return 1.0 / count + (_ENDS if any(name.endswith(words) for name in names) else 0.0)


def _longest(pieces: Sequence[str], names: Sequence[str], kind: str) -> tuple[int, bool]:
    """How many of the first words are part of a name, or mean a document; and whether they are of a name."""
    for length in range(len(pieces), 0, -1):
        run = _joined(pieces[:length])
        text = "".join(pieces[:length])
        generic = text in _MEANS_DOCUMENT or kind in _FORMS.get(text, ())
        single = length == 1 and len(pieces[0]) == 1
        if not generic and not single and any(run in name for name in names):
            return length, True
        if generic:
            return length, False
    return 0, False


def _is_kind(subject: Subject, document: SearchedDocument) -> bool:
    kind = named_kind(subject.text)
    return bool(kind) and kind == document.identity.kind


def _names(document: SearchedDocument, first: Sequence[str]) -> list[str]:
    """What a document is called: its file, its titles, and whose it is of what time."""
    identity = document.identity
    name = document.file.file_name
    titles = [text for text in first if len(text) <= _LONGEST_TITLE and not _SENTENCE.search(text)]
    return [
        name,
        re.sub(r"\.[A-Za-z]{2,5}$", "", name),
        identity.title,
        *titles,
        identity.organisation,
        *identity.names,
        KINDS.get(identity.kind, identity.kind),
        f"{identity.period.year}年" if identity.period.year else "",
        identity.product,
        identity.label,
    ]


def _of_foreign_kind(subject: Subject, documents: Sequence[SearchedDocument]) -> list[SearchedDocument]:
    """The documents of a kind that a question names in the other language.

    If it says more of them than their kind, which cannot be compared, that is the only document of the kind.
    """
    text = subject.text.casefold()
    bare = text.removesuffix("s") if text.isascii() else text
    for english, chinese in _IN_BOTH:
        words = english.split("|") if "|" in english else english.split()
        own = next((word for word in words if bare == word or bare.endswith(f" {word}")), "")
        if text.isascii() and own:
            pattern = re.compile(rf"(?:{chinese})(?:[（(][^）)]*[）)])?$")
        elif text in chinese.split("|"):
            own = text
            pattern = re.compile(rf"\b(?:{'|'.join(words)})s?(?:\s*[(][^)]*[)])?$", re.I)
        else:
            continue
        found = [one for one in documents if any(map(pattern.search, filter(None, _names(one, ()))))]
        if found and (bare == own or (len(found) == 1 and len(text.split()) <= _MAX_FOREIGN)):
            return found
    return []


@lru_cache(maxsize=4096)
def _units(text: str) -> str:
    """The words of a name, between marks: a Han character, a run of letters, or a run of digits."""
    plain = fold(text).casefold()
    for short, whole in _SPELLED_OUT:
        plain = plain.replace(short, whole)
    return _joined(_UNIT.findall(plain))


def _joined(units: Sequence[str]) -> str:
    return f"{_BREAK}{_BREAK.join(units)}{_BREAK}" if units else ""
