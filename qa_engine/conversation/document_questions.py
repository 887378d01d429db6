"""Follow-ups about a document itself: 它有多少页？ means the file that the last answer cites."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa_engine.answering.about.kinds import OF_DOCUMENTS_ALONE
from qa_engine.answering.about.question import about_question
from qa_engine.conversation.turns import Turn

_PRONOUN = re.compile(r"它们?|(?<![其吉尤极与何莫])其(?![他它中余实次间妙后])|\b(?:it|its)\b", re.I)
_NOUNS = "文件|文档|文章|文本|资料|材料|pdf|document|file|text|paper"


def of_cited_file(question: str, answered: Sequence[Turn]) -> str | None:
    """A question about a document that it does not name, with the name of the file that the last answer cites.

    Args:
        question: the follow-up.
        answered: the turns with an answer, the oldest first.

    Returns:
        The question itself if the last answer cites several files, or the question means documents of another kind: it is
        asked of all of them. None if it is no such question: it, 它 and 作者是谁 mean what the last question is about,
        unless that was asked about a document as well.
    """
    asked = about_question(question)
    if asked is None or not asked.subject.points or asked.kind == "files" or not answered:
        return None
    last, noun = answered[-1], asked.subject.noun
    is_bare = not asked.subject.text or bool(_PRONOUN.search(question))
    if is_bare and asked.kind not in OF_DOCUMENTS_ALONE and about_question(last.standalone) is None:
        return None
    if len(last.files) != 1 or (noun and noun not in last.files[0].casefold()):
        return question
    name = f"《{last.files[0]}》"
    nouns = f"{_NOUNS}|{re.escape(noun)}" if noun else _NOUNS
    pointing = re.compile(
        rf"(?:[这那此该本](?:一)?[份个篇本部]?|\b(?:this|that|the)\s+)(?:{nouns})|本文|全文", re.I
    )
    for pattern in (pointing, _PRONOUN):
        if pattern.search(question):
            return pattern.sub(lambda _: name, question, count=1)
    return f"{name}{question}"
