"""What stands beside the text of a document: contents, references, addresses, authors, imprints; and when it is asked for.

These lines hold the words of many questions and answer few: the title of a paper in a list of references is about the right
thing, and says nothing of it. Unless a question asks for them, they come after all text, and no answer quotes them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from llama_index.core.schema import NodeWithScore

from qa_engine.documents.blocks import SECTION_MARK
from qa_engine.documents.pages.block_roles import REFERENCES
from qa_engine.text.language import HAN
from qa_engine.text.tokenizer import fold, tokenize
from qa_engine.types import Passage, PassageSentence, passage_of, with_changes


class Apparatus(StrEnum):
    """The kinds of what stands beside the text."""

    CONTENTS = "contents"
    REFERENCE = "reference"
    ADDRESS = "address"
    """A line that is an address in the web, such as a footnote."""
    AUTHORS = "authors"
    IMPRINT = "imprint"
    """Who holds the rights, and the numbers of the publication."""


_BY_ROLE = {kind.value: kind for kind in (Apparatus.CONTENTS, Apparatus.REFERENCE, Apparatus.AUTHORS)}
_NO_APPARATUS = frozenset({"heading", "table", "table_summary", "field", "caption", "note"})
_ENTRY = re.compile(
    r"\[\d{1,3}\].*(?:\b(?:19|20)\d\d\b.*)?"
    r"(?:\[[JMCDNPSRZ](?:/OL)?\]|arXiv|\bdoi\b|\bIn Proc|\bpp?\.\s?\d|\bvol\.|\bpages \d)",
    re.I,
)
_YEAR = re.compile(r"\b(?:19|20)\d\d[a-z]?\b")
_LONG = 180
_NAMES = re.compile(r"^\[\d{1,3}\]|\bet al\b|(?:\b[A-Z]\. ?){2,}|等[.．,，]")
"""A sentence among references that is longer, and without a year or names, is text whose heading was not seen."""
_URL = re.compile(r"(?:https?://|www\.)\S+", re.I)
_MAX_BESIDE_URL = 8
_MAIL = re.compile(r"[\w.+-]+\}?@[\w-]+(?:\.[\w-]+)+")
_NAME = re.compile(r"[A-ZÀ-Þ][\w'’-]+ (?:[A-Z]\. ?)?[A-ZÀ-Þ][\w'’-]+")
_CONTRIBUTION = re.compile(r"equal contribution|corresponding authors?\b|\* ?通[讯信]作者", re.I)
_FRONT_PAGES = 2
_IMPRINT = re.compile(
    r"©\s?(?:19|20)\d\d|copyright\s*(?:©|\(c\)|(?:19|20)\d\d)|all rights reserved|版权所有|\bISBN\b|\bISSN\b",
    re.I,
)
_MAX_IMPRINT = 200
_LABELLED = re.compile(r"\w\s?[:：]")

_ASKS = re.compile(
    r"作者|谁(?:写|著|编|提出|发明)|[写著编]者|编委|主编|撰写|署名|文献|引文|引用|出处|哪[一几]?[篇些]?(?:论文|文章)|什么论文"
    r"|网址|网站|网页|链接|主页|地址|代码|仓库|下载|邮箱|邮件|信箱|联系|目录|第几[页章节]|哪一?[页章节]|版权|出版|书号"
    r"|\b(?:wrote|written|authors?|authored|affiliat\w+|references?|bibliograph\w+|cit(?:e[sd]?|ations?)"
    r"|(?:which|what) papers?|who (?:proposed|introduced|invented|published)|published|publisher|url|links?|website|homepage"
    r"|github|repository|download|available|doi|arxiv|isbn|issn|e-?mail|address|contact|copyright|licen[cs]e"
    r"|contents|(?:which|what) (?:page|chapter|section))\b",
    re.I,
)
_REFERENCE_NUMBER = re.compile(
    r"(?:文献|引文|\breferences?|\bref\.|\bcitation)\s*(?:no\.?|number|第)?\s*[\[【(（]?\s*(\d{1,3})(?!\d)",
    re.I,
)
_FOR_AUTHORS = re.compile(
    r"作者(?:们|都|分别)?(?:是谁|是哪|有谁|有哪|来自|为谁|叫)|(?:谁是|哪些人是|有哪些).{0,30}作者|谁(?:写|著|编写|撰写)"
    r"|\bwho (?:wrote|authored)\b|\b(?:who|list|name)\b.{0,20}\bauthors?\b|\bauthors? of\b|\bwritten by\b",
    re.I,
)
_FOR_CONTENTS = re.compile(r"目录.*[页章节]|[页章节].*目录|\btable of contents\b|\bcontents page\b", re.I)
_ASKING = re.compile(
    r"这[篇本份]|本[文书]|哪[些一]?[篇些个人里]?|[是有写著]?谁|有[哪些]+|分别|都?是|来自|什么|论文|文章|报告|作者们?|(?:参考)?文献|引文|的|第"
    r"|\b(?:who|wrote|authors?|authored|written|list|name|this|paper|article|report|ref(?:erences?)?|citation|which|what|number|no)\b"
    r"|\d+|[写著]",
    re.I,
)
"""Words that name no document."""
_LOSS, _GAIN = 3.0, 1.5
"""What a passage of apparatus alone loses of its final score, a mean of z-scores, and what one gains that is demanded: more
than almost all differences between candidates."""
_MOSTLY = 0.5


@dataclass(frozen=True)
class AskedApparatus:
    """What a question asks for beside the text.

    Attributes:
        any: whether it may ask for something of this kind; then nothing comes after the text for being so.
        kind: what it plainly demands; None for nothing.
        number: the number of the reference that it demands; empty for any.
        names: its terms that may name the document whose authors or references are demanded.
    """

    any: bool = False
    kind: Apparatus | None = None
    number: str = ""
    names: frozenset[str] = frozenset()

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, question: str) -> AskedApparatus:
        """By the words of a question."""
        text = fold(question)
        if not _ASKS.search(text):
            return cls()
        if number := _REFERENCE_NUMBER.search(text):
            return cls(True, Apparatus.REFERENCE, number[1], _names(text))
        if _FOR_AUTHORS.search(text):
            return cls(True, Apparatus.AUTHORS, names=_names(text))
        return cls(True, Apparatus.CONTENTS if _FOR_CONTENTS.search(text) else None)

    def demands(self, text: str, kind: Apparatus | None, section: str = "") -> bool:
        """Whether a sentence of this kind is what is plainly demanded, of a document that the titles above it name."""
        if self.kind is None or kind is not self.kind:
            return False
        if self.names and not self.names.intersection(tokenize(section)):
            return False
        return not self.number or re.match(rf"[\[(【]?{self.number}[\])】.]", text.lstrip()) is not None


def _names(question: str) -> frozenset[str]:
    return frozenset(tokenize(_ASKING.sub(" ", question)))


@lru_cache(maxsize=2048)
def apparatus_of(
    text: str, role: str = "", section: str = "", page: int | None = None, table: int | None = None
) -> Apparatus | None:
    """What a sentence is beside the text; None for text.

    Collections that were ingested before references and authors had roles are read by titles and words. Cached: a question
    asks it of each hit, and again of the same sentences in passages.

    Args:
        text: the sentence.
        role: on its page, such as ``contents``.
        section: the titles above it.
        page: its page, from 1.
        table: the number of its table; rows are never apparatus.
    """
    if kind := _BY_ROLE.get(role):
        return kind
    if table is not None or role in _NO_APPARATUS:
        return None
    if section and REFERENCES.fullmatch(section.rpartition(SECTION_MARK)[2].strip()):
        unseen = len(text) > _LONG and not _YEAR.search(text) and not _NAMES.search(text)
        return None if unseen else Apparatus.REFERENCE
    if text.startswith("[") and _ENTRY.match(text):
        return Apparatus.REFERENCE
    if len(text) <= _MAX_IMPRINT and _IMPRINT.search(text):
        return Apparatus.IMPRINT
    if "@" in text and page is not None and page <= _FRONT_PAGES and not HAN.search(text):
        if _MAIL.search(text) and len(_NAME.findall(text)) > 1:
            return Apparatus.AUTHORS
    elif len(text) <= _MAX_IMPRINT and _CONTRIBUTION.search(text):
        return Apparatus.AUTHORS
    return Apparatus.ADDRESS if _is_address(text) else None


def _is_address(text: str) -> bool:
    """Whether a sentence is an address in the web, with a mark or a word before it, but without a label."""
    if "://" not in text and "www." not in text.lower():
        return False
    beside = _URL.sub(" ", text)
    return sum(map(str.isalpha, beside)) <= _MAX_BESIDE_URL and not _LABELLED.search(beside)


def of_sentence(sentence: PassageSentence) -> Apparatus | None:
    """`apparatus_of` a sentence of a passage."""
    return apparatus_of(sentence.text, sentence.role, sentence.section, sentence.page, sentence.table)


def hits_in_order(hits: Sequence[NodeWithScore], question: str) -> list[NodeWithScore]:
    """Sentence hits with what is beside the text after all text, or with what the question demands before all others."""
    asked = AskedApparatus.of(question)
    if asked.any and asked.kind is None:
        return list(hits)
    first, last = list[NodeWithScore](), list[NodeWithScore]()
    for hit in hits:
        metadata, text = hit.node.metadata, hit.node.get_content()
        places = (metadata.get(key) for key in ("page", "table"))
        kind = apparatus_of(text, metadata.get("role", ""), metadata.get("section", ""), *places)
        wanted = asked.demands(text, kind, metadata.get("section", "")) if asked.any else kind is None
        (first if wanted else last).append(hit)
    return [*first, *last]


def by_apparatus(nodes: Sequence[NodeWithScore], question: str) -> list[NodeWithScore]:
    """Reranked passages; those that are mostly apparatus lose of their scores, those that hold what is demanded gain.

    Args:
        nodes: the passages, best first.
        question: as it was asked.
    """
    asked = AskedApparatus.of(question)
    if asked.any and asked.kind is None:
        return list(nodes)
    gains = [_gain(passage_of(node), asked) for node in nodes]
    if not any(gains):
        return list(nodes)
    changed = [
        with_changes(node, passage_of(node), score=(node.score or 0.0) + gain) if gain else node
        for node, gain in zip(nodes, gains, strict=True)
    ]
    return sorted(changed, key=lambda node: -(node.score or 0.0))


def _gain(passage: Passage, asked: AskedApparatus) -> float:
    kinds = [(sentence, of_sentence(sentence)) for sentence in passage.sentences]
    if asked.any:
        return (
            _GAIN
            if any(asked.demands(sentence.text, kind, sentence.section) for sentence, kind in kinds)
            else 0.0
        )
    size = sum(len(sentence.text) for sentence, _ in kinds)
    beside = sum(len(sentence.text) for sentence, kind in kinds if kind is not None)
    return -_LOSS * beside / size if size and beside > _MOSTLY * size else 0.0
