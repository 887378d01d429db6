"""Several questions in one text, and what in it is no question."""

from __future__ import annotations

import re

from qa_engine.text.language import is_chinese

_INSTRUCTION = re.compile(
    r"(?:if\b[^?]*\b(?:state|say|explain|mention)\b"
    r"|(?:please )?(?:round|explain|state|give your)\b|(?:please )?answer in\b)[^?]*$",
    re.IGNORECASE,
)
"""A sentence that tells how to word the answer. One that says where to look, or how something is computed, is none."""
_BETWEEN_SENTENCES = re.compile(r"(?<=[.?!])\s+")
_SENTENCE = re.compile(r"[^？?]*[？?]+|[^？?]+$")
_ASKS_CHINESE = re.compile(
    r"什么|多少|谁|哪|几(?=[个家人年月日天次项种位台条级类点时分])|多[久大长高重远快厚宽深]|怎么|怎样|如何|为何|有没有|是否|是不是|能否|吗"
)
_PREDICATE = re.compile(
    r"(?:分别|各自?|一共|总共|大约|最多|至少|最少)?(?:是|为|属于|有|要|用|在|占|叫|由|需要?|达到?|能|会|应该?|可以)?(?:"
    + _ASKS_CHINESE.pattern
    + ")"
)
_REST = re.compile(r"^(?:那么?|而|又|且|并且?|同时|还有|另外|以及|其|它的?|该)?(?P<rest>.*)$", re.DOTALL)
_CLAUSE_MARK = re.compile("[，；,;、]")
_SHORT_TOPIC = 5
"""A subject of so many characters at most is no more than what was asked for."""
_YEAR = re.compile(r"(?:19|20)[0-9]{2}(?=年|\D|$)")
_AND_ASKS = re.compile(
    r"(?:,\s*and|;|\band)\s+(?=(?:what|who|whom|whose|when|where|which|how|why)\b)", re.IGNORECASE
)
_ASKS_ENGLISH = re.compile(
    r"^\W*(?:(?:in|on|at|for|by|from|of|to|as of)\s+)?(?:what|who|whom|whose|when|where|which|how|why"
    r"|is|are|was|were|did|does|do|has|have|had|can|will)\b",
    re.IGNORECASE,
)
_NAMES = re.compile(
    r"\b(?:[A-Z][\w&.'’-]*|[0-9]+[A-Z]\w*|(?:FY\s?)?(?:19|20)[0-9]{2})(?:\s+(?:[A-Z][\w&.'’-]*))*"
)


def without_instructions(question: str) -> str:
    """A question without the sentences after it that tell how to word the answer."""
    first, *others = _BETWEEN_SENTENCES.split(question.strip())
    kept = [sentence for sentence in others if not _INSTRUCTION.match(sentence)]
    return question.strip() if kept == others else " ".join([first, *kept])


def separate_questions(question: str) -> list[str]:
    """The questions in a text, each with what it takes over from the first; the text itself if there is one."""
    return _chinese(question) if is_chinese(question) else _english(question)


def _chinese(question: str) -> list[str]:
    pieces = [
        clause
        for sentence in _SENTENCE.findall(question)
        for clause in _clauses(sentence.strip())
        if clause.strip("？? ")
    ]
    asking = [piece for piece in pieces if _ASKS_CHINESE.search(piece) or piece.rstrip("？?").endswith("呢")]
    if len(pieces) < 2 or len(asking) < len(pieces):
        return [question]
    first = pieces[0]
    return [_mark(first), *(_mark(_completed(piece, first)) for piece in pieces[1:])]


def _clauses(sentence: str) -> list[str]:
    """The clauses of a sentence that ask; the sentence itself if a part of it only tells what is asked about."""
    marks, pieces = ["", *_CLAUSE_MARK.findall(sentence)], _CLAUSE_MARK.split(sentence)
    parts: list[str] = []
    for mark, piece in zip(marks, pieces, strict=True):
        if parts and not _ASKS_CHINESE.search(parts[-1]):
            parts[-1] += mark + piece  # what comes before the first question belongs to it
        else:
            parts.append(piece)
    whole = all(_ASKS_CHINESE.search(part) or part.rstrip("？? ").endswith("呢") for part in parts)
    return parts if whole else [sentence]


def _completed(piece: str, first: str) -> str:
    """A later question with what it takes over from the first: the year or the firm changes, or the subject stays."""
    piece = piece.strip("？? ")
    if piece.endswith("呢"):
        return _changed(piece[:-1].strip("那么而"), first)
    match = _REST.match(piece)
    rest = match["rest"] if match is not None else piece
    asked = _PREDICATE.search(first)
    topic = first[: asked.start()].strip("，, ") if asked is not None else ""
    own = _PREDICATE.search(rest)
    has_subject = own is not None and own.start() >= 2 and own[0].lstrip("分别各自")[:1] in {"是", "为", "叫"}
    if _shares_start(rest, topic):
        return rest
    if has_subject and "的" in topic:
        topic = topic[: topic.rindex("的") + 1]
    elif has_subject and (year := _YEAR.search(topic)):
        topic = topic[: year.end()] + "年" * (topic[year.end() : year.end() + 1] == "年")
    elif has_subject and len(topic) <= _SHORT_TOPIC:
        topic = ""
    return topic + rest


def _shares_start(rest: str, topic: str) -> bool:
    """Whether a question names its subject itself: it begins as the first does."""
    return len(topic) >= 2 and rest.startswith(topic[:2])


def _changed(other: str, first: str) -> str:
    """The first question about another year, or about another firm or product."""
    first = first.strip("？? ")
    if (own := _YEAR.search(first)) and (year := _YEAR.search(other)):
        return first[: own.start()] + year[0] + first[own.end() :]
    _, of, rest = first.partition("的")
    asked = _PREDICATE.search(first)
    if of and rest and asked is not None and first.index("的") < asked.start():
        return f"{other}的{rest}"
    return f"{other}{first[asked.start() :]}" if asked is not None else f"{first}，{other}"


def _mark(question: str) -> str:
    return question.strip("？? ，,") + "？"


def _is_question(piece: str) -> bool:
    """Whether an English text is more than the question word of one: "how and when did"."""
    return _ASKS_ENGLISH.search(piece) is not None and len(piece.split()) > 2


def _english(question: str) -> list[str]:
    pieces = [
        piece.strip()
        for sentence in re.findall(r"[^?]+\??", question)
        for piece in _AND_ASKS.split(sentence.strip())
        if piece.strip(" ?.")
    ]
    if len(pieces) < 2 or not all(map(_is_question, pieces)):
        return [question]
    names = [
        name
        for name in _NAMES.findall(pieces[0])[1:] or _NAMES.findall(pieces[0])
        if not _ASKS_ENGLISH.match(name)
    ]
    parts: list[str] = []
    for piece in pieces:
        missing = [name for name in names if name.lower() not in piece.lower()] if parts else []
        parts.append(" ".join([piece.rstrip(" ?.,;"), *(f"({name})" for name in missing)]) + "?")
    return parts
