"""Makes a follow-up standalone without a language model: pronouns and what was left out come from the last question."""

from __future__ import annotations

import re

from qa_engine.conversation.follow_ups import (
    DEMONSTRATIVE,
    LEAD,
    PLACE,
    PRONOUN,
    WHAT_ABOUT,
    lacks_subject,
    points_back,
)
from qa_engine.conversation.subjects import Topic, topic_of

_HAN = re.compile(r"[\u4e00-\u9fff]")
_ENGLISH_PRONOUN = re.compile(
    r"\b(?:it|they|them|he|she|him|(?:this|that|these|those)(?=\s*(?:\?|$)|\s+(?:is|are|was|were|do|does|did|can|will)\b))\b",
    re.IGNORECASE,
)
_ENGLISH_OWNER = re.compile(r"\b(its|their|his|her)\b", re.IGNORECASE)
_ENGLISH_ABOUT = re.compile(r"^\s*(?:and|but|so|then)?,?\s*(?:what|how) about\s+(.+?)\s*\?*$", re.IGNORECASE)


def resolve(question: str, previous: str) -> str:
    """A follow-up in words that stand alone; the question itself if nothing is missing or nothing can be put in.

    它, 其, 这个… and it take the subject of the last question, 那…呢 and what about change what it was about, and a bare
    多少钱？ gets its subject.

    Args:
        question: the follow-up.
        previous: the last question that was answered, itself standalone.

    Example:
        >>> resolve("它的平均水深呢？", "西湖在哪个城市？")
        '西湖的平均水深是多少？'
    """
    text, topic = question.strip(), topic_of(previous)
    if not topic.subject:
        return question
    if not _HAN.search(text):
        return _resolve_english(text, previous, topic)
    if not (points_back(text) or lacks_subject(text)):
        return question
    rest = LEAD.sub("", text)
    if pointed := _with_subject(rest, topic.subject):
        return pointed
    if (about := WHAT_ABOUT.match(text)) and (changed := LEAD.sub("", about[1]).strip()):
        return _changed(previous, topic, changed)
    return topic.subject + rest if lacks_subject(rest) else rest or question


def _with_subject(text: str, subject: str) -> str:
    """The text with its pronouns replaced; empty if it has none."""
    for pattern in (PRONOUN, PLACE):
        if pattern.search(text):
            return _asking(pattern.sub(subject, text, count=1))
    if not (found := DEMONSTRATIVE.search(text)):
        return ""
    before, after = text[: found.start()], text[found.end() :]
    # 这座塔 after 雷峰塔 is that tower, 这个价格 is its price.
    noun = next((size for size in (4, 3, 2, 1) if len(after) >= size and subject.endswith(after[:size])), 0)
    joint = "" if noun else "的" if after[:1] and _HAN.match(after[0]) and not lacks_subject(after) else ""
    return _asking(before + subject + joint + after[noun:])


def _asking(text: str) -> str:
    """西湖的面积呢 as 西湖的面积是多少: a question that is searched for says what it asks."""
    bare = re.fullmatch(r"(.+的.{1,8}?)呢[？?\s]*", text)
    return f"{bare[1]}是多少？" if bare else re.sub(r"呢(?=[？?\s]*$)", "", text)


def _changed(previous: str, topic: Topic, about: str) -> str:
    """The last question with another thing, or about another property of the same one."""
    if condition := _condition(previous, about):
        return previous.replace(condition, about, 1)
    if topic.attribute and not _alike(about, topic.subject):
        return previous.replace(f"{topic.subject}的{topic.attribute}", f"{topic.subject}的{about}", 1)
    if _alike(about, topic.subject):
        return previous.replace(topic.subject, about, 1)
    if counterpart := _counterpart(previous, topic.subject, about):
        return previous.replace(counterpart, about, 1)
    return f"{topic.subject}的{about}是多少？" if len(about) <= 8 else f"{topic.subject}，{about}？"


def _alike(one: str, other: str) -> bool:
    """Whether two names are of things of a kind: 雷峰塔 and 保俶塔, 7B and 13B."""
    if not one or not other:
        return False
    if _HAN.search(one) and _HAN.search(other):
        return one[-1] == other[-1]
    return _shape(one) == _shape(other)


def _shape(name: str) -> str:
    """7B and 13B are 0a."""
    return re.sub(r"\d[\d.,]*", "0", re.sub(r"[A-Za-z]+", "a", re.sub(r"\s", "", name)))


def _condition(question: str, about: str) -> str:
    """The words of a question that another condition takes the place of: 满十年的 for 满二十年的; empty without any."""
    end = question.find(about[-2:]) if about.endswith("的") and len(about) > 2 else -1
    start = question.rfind(about[0], 0, end) if end >= 0 else -1
    return question[start : end + 2] if start >= 0 else ""


def _counterpart(question: str, subject: str, about: str) -> str:
    """The words of a question that another thing takes the place of: 年假 for 病假, 7B for 13B; empty without any."""
    if not _HAN.search(about):
        codes = re.findall(r"[A-Za-z0-9][A-Za-z0-9.-]*", question)
        return next((code for code in codes if _shape(code) == _shape(about)), "")
    rest = question.partition(subject)[2]
    end = rest.rfind(about[-1]) + 1
    found = rest[max(0, end - len(about)) : end]
    return found if len(about) > 1 and len(found) == len(about) and _HAN.match(found) else ""


def _resolve_english(text: str, previous: str, topic: Topic) -> str:
    if _HAN.search(topic.subject):
        return re.sub(_ENGLISH_PRONOUN, topic.subject, text, count=1)
    if about := _ENGLISH_ABOUT.match(text):
        bare = re.sub(r"^(?:the|a|an)\s+", "", topic.subject)
        changed = re.sub(
            rf"(?:the|a|an)\s+{re.escape(bare)}|{re.escape(bare)}", lambda _: about[1], previous, count=1
        )
        return changed if changed != previous else f"{about[1]}, {previous}"
    if _ENGLISH_OWNER.search(text):
        return _ENGLISH_OWNER.sub(lambda _: f"{topic.subject}'s", text, count=1)
    if _ENGLISH_PRONOUN.search(text):
        return _ENGLISH_PRONOUN.sub(lambda _: topic.subject, text, count=1)
    if lacks_subject(text):
        return f"{text.rstrip('? ')} – {topic.subject}?"
    return text
