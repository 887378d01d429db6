"""The words of a question that the documents it is about do not hold anywhere."""

from __future__ import annotations

import re

from qa_engine.answering.refusal.holding import pairs
from qa_engine.retrieval.retriever import RankedPassages
from qa_engine.text.identifiers import identifiers
from qa_engine.text.language import is_chinese
from qa_engine.text.tokenizer import fold
from qa_engine.types import passage_of

_CONTENT = frozenset("nvil")
"""First letters of the tags of nouns, verbs and idioms."""
_GENERAL = re.compile(
    "什么|多少|几|怎|哪|为何|请问|知道|告诉|一共|总共|分别|可以|需要|规定|要求|截至|年底|年度|还有|达到|变化|情况"
)
_QUOTED = re.compile('[“"‘「]([^”"’」]{2,12})[”"’」]')


def words_not_held(question: str, ranked: RankedPassages) -> tuple[str, ...]:
    """The nouns and verbs of a Chinese question that its documents lack: 回购, 捐赠 in a report that is silent on them.

    Without a document that the question names, these are only words in quotation marks that no document holds. Only words
    of the dictionary, as others may be cut wrongly. People use other words than documents, so this alone is no
    reason to refuse.

    Args:
        question: as it was asked.
        ranked: the candidates for it.
    """
    if ranked.sources is None or not ranked.passages or not is_chinese(question):
        return ()
    if not is_chinese(passage_of(ranked.passages[0]).text):
        return ()
    import rjieba

    about = set(ranked.named.preferred)
    marked = " ".join(_QUOTED.findall(question))
    names = " ".join(one.text for one in identifiers(question))
    missing = []
    for word, tag in rjieba.tag(fold(question)):
        if len(word) < 2 or tag[0] not in _CONTENT or word in names or _GENERAL.search(word):
            continue
        is_known = is_chinese(word) and any(len(piece) > 1 for piece in rjieba.cut(word, False))
        if not is_known or not (about or word in marked):
            continue
        holding = ranked.sources.documents_holding(pairs(word))
        if not (holding & about if about else holding):
            missing.append(word)
    return tuple(dict.fromkeys(missing))
