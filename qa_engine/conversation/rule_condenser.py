"""Makes a follow-up stand alone without a language model: takes the subject that it lacks from the last question."""

from __future__ import annotations

import re

from qa_engine.conversation.items import is_things_alone, items, replaced, split_things, with_name
from qa_engine.conversation.topics import HAN, Topic, is_property, topic_of

_HAN_CLASS = "\u4e00-\u9fff"
_PRONOUN = re.compile(
    r"它们|他们|她们|[它她]|(?<![其吉])他(?![国人方乡杀们])"
    r"|(?<![尤极与何莫])其(?![他它中余实次间妙后])|前者|后者"
)
"""Words that stand for what was named before."""
_PLACE = re.compile(r"(?:这里|那里|这儿|那儿|那边|这边|当地|该地)")
_DEMONSTRATIVE = re.compile(
    rf"(?:上述|上面(?:提到)?的|刚才(?:说|提到)?的|前面(?:提到)?的|[这那此](?=[{_HAN_CLASS}])(?:一)?"
    r"(?:[个些种位座台套份部款项家条张本类只次篇])?"
    r"|(?<![应活])该(?![如怎什何去来不有是做要]))"
)
"""Words in front of a noun that point at a thing named before. They count only in a question that leans on another."""
_DOCUMENT = re.compile(
    r"[这该]一?[份篇本个部]?(文件夹|文件|文档|论文|文章|报告|年报|合同|协议|手册|说明书|规格书|资料|书(?!记)|PDF)",
    re.IGNORECASE,
)
_BACK = re.compile(
    r"上述|刚才|前面(?:说|提|讲)|你(?:刚|说)|[这那](?:个|些|种|位|座|台|套|份|部|款|项|家|条|张|本|类|只|次|篇|里|儿|边|样|么|时|年|天)"
    rf"|此[{_HAN_CLASS}]|(?<![应活])该(?:[公员产项系模文论机设条合制方报城地数书][{_HAN_CLASS}]?)"
)
_LEAD = re.compile(
    r"^(?:那么|那(?![个些种位座台套份部款项家条张本类只次篇里儿边样么时年天])|还有|另外|此外|然后|而且|所以|再问一下)[，,、\s]*"
)
"""Words that a follow-up begins with."""
_WHAT_ABOUT = re.compile(r"^(?:那么|那)?[，,]?\s*(.{1,24}?)呢[？?！!。\s]*$")
"""那…呢？; the group is the thing that it asks about."""
_ENGLISH_BACK = re.compile(
    r"\b(?:it|its|they|them|their|theirs|he|him|his|she|her|this|that|these|those|there|the former|the latter|the same)\b",
    re.IGNORECASE,
)
_ENGLISH_LEAD = re.compile(
    r"^\s*(?:and|but|so|then|also|what about|how about|what else|why)\b", re.IGNORECASE
)
_QUESTION_START = (
    r"有?多[高大长深宽重远快厚]|多少|多久|几|什么时候|何时|哪年|在哪|在什么|为什么|为何|原因|有几|有多少"
    r"|是多少|是谁|是什么"
)
_BARE = re.compile(rf"^(?:一共|总共|大约|最[多少]|又|还|都)?(?:{_QUESTION_START})(.*)$")
_FILLERS = re.compile(r"[\s？?！!。，,的了吗呢是有在个次一元钱块米年月天日人种座]|建成|开始|时候")
_BARE_CONTENT = 2
"""A question without a subject has at most this many characters besides its question word."""
_LONG_HAN, _LONG_WORDS = 16, 9
"""From this length on, a question that points at nothing is taken to name its subject."""
_CHANGED = re.compile(r"^(?:如果|要是|假如)?(?:换成|换作|改成|是)\s*")
_THINGS = re.compile(
    r"^(?P<lead>那么|那|还有|至于|换成|如果是|要是|再看)?[，,\s]*(?P<things>.{1,30}?)"
    r"(?P<end>呢|又(?:是多少|是什么|有多少|如何|怎么样))?(?:是多少)?[？?。！!\s]*$"
)
_ENGLISH_THINGS = re.compile(
    r"^(?P<lead>(?:(?:and|but|so|then|or)\b,?\s*)?(?:(?:what|how)\s+about\b)?)\s*(?:(?:in|for|of|on|at)\s+)?(?:the\s+)?"
    r"(?P<things>.{1,40}?)(?P<end>\s+then)?\s*[?.!]*$",
    re.IGNORECASE,
)
"""A follow-up that may consist of things alone, with what shows that it is one."""
_THAT_YEAR = re.compile(
    r"[那这](?:同?一)年度?|[那该]年度?(?![假薪终度会报金龄检])|同一?年度?|\b(?:in\s+)?(?:that|the same) year\b",
    re.IGNORECASE,
)
_WHEN = re.compile(r"[哪何]一?年|何时|什么时候|几几年|年份|\bwhen\b|\b(?:what|which) year\b", re.IGNORECASE)
_ENGLISH_PRONOUN = re.compile(
    r"\b(?:it|they|them|he|she|him|(?:this|that|these|those)(?=\s*(?:\?|$)|\s+(?:is|are|was|were|do|does|did|can|will)\b))\b",
    re.IGNORECASE,
)
_ENGLISH_OWNER = re.compile(r"\b(its|their|his|her)\b", re.IGNORECASE)
_ENGLISH_ABOUT = re.compile(r"^\s*(?:and|but|so|then)?,?\s*(?:what|how) about\s+(\S.*)$", re.IGNORECASE)


def resolve(question: str, previous: str, answer: str = "") -> str:
    """Makes a follow-up stand alone; returns the question itself if it lacks nothing, or if it is not clear what.

    它, 其, 这个… and it are replaced by the subject of the last question. 那…呢 and what about ask the last question about
    another thing: one of the same kind replaces the old one. 那一年 is the year that was named last. A bare 多少钱？ gets
    the subject put before it.

    Args:
        question: the follow-up.
        previous: the last question that was answered, itself standalone.
        answer: its answer; a year in it counts if the question asked for one.

    Example:
        >>> resolve("它的平均水深呢？", "西湖在哪个城市？"), resolve("那TH10呢？", "TH01的单价是多少？")
        ('西湖的平均水深是多少？', 'TH10的单价是多少？')
    """
    text, topic = _with_year(question.strip(), previous, answer), topic_of(previous)
    unclear = previous.startswith("那") and _WHAT_ABOUT.match(previous)
    if (things := _other_things(text)) and not unclear:
        return replaced(previous, things) or (topic.subject and _about(previous, topic, things)) or question
    unchanged = question if text == question.strip() else text
    if not topic.subject or unclear:
        return unchanged
    if not HAN.search(text):
        return _resolve_english(text, previous, topic)
    if not (points_back(text) or lacks_subject(text)):
        return unchanged
    rest = _LEAD.sub("", text)
    if (document := _DOCUMENT.search(rest)) and not topic.subject.endswith(document[1]):
        # 这份文件 after 西湖 is the document that is asked, and after 《员工手册》 that one.
        return rest.replace(document[0], topic.subject, 1) if "》" in topic.subject else unchanged
    if standalone := _with_subject(rest, topic.subject):
        return standalone
    if (about := _WHAT_ABOUT.match(text)) and (thing := _CHANGED.sub("", _LEAD.sub("", about[1])).strip()):
        return _about(previous, topic, thing) or question
    return topic.subject + rest if lacks_subject(rest) else rest or question


def with_other_things(question: str, previous: str) -> str:
    """The last question about the things that a follow-up names and nothing else: 第五条呢？; empty if that is not clear."""
    things = _other_things(question.strip())
    return (replaced(previous, things) or "") if things else ""


def points_back(question: str) -> bool:
    """Whether a question has a word that stands for something said before: 它, 这个, 那…呢, it, what about."""
    text = question.strip()
    if HAN.search(text):
        return any(pattern.search(text) for pattern in (_PRONOUN, _PLACE, _BACK, _LEAD, _WHAT_ABOUT))
    return bool(_ENGLISH_BACK.search(text) or _ENGLISH_LEAD.search(text))


def lacks_subject(question: str) -> bool:
    """Whether a question consists of what is asked alone: 多少钱？, 什么时候建成的？, why?"""
    text = question.strip()
    if bare := _BARE.match(text):
        return len(_FILLERS.sub("", bare[1])) <= _BARE_CONTENT
    return bool(
        re.fullmatch(
            r"(?:why|when|where|who|how (?:much|many|long|high|old|far))( so| exactly)?\s*\??", text, re.I
        )
    )


def stands_alone(question: str, subject: str) -> bool:
    """Whether a follow-up surely needs nothing from before: it points at nothing, and names its subject or is long.

    Args:
        question: the follow-up.
        subject: what the last question was about; one that names it again stands alone.
    """
    if points_back(question) or lacks_subject(question) or _other_things(question.strip()):
        return False
    if subject and subject.lower() in question.lower():
        return True
    return (
        len(HAN.findall(question)) >= _LONG_HAN
        or len(re.findall(r"[A-Za-z0-9][\w'-]*", question)) >= _LONG_WORDS
    )


def _with_subject(text: str, subject: str) -> str:
    """The text with its pronouns replaced; empty if it has none."""
    for pattern in (_PRONOUN, _PLACE):
        if pattern.search(text):
            return _as_question(pattern.sub(lambda _: subject, text, count=1))
    if not (match := _DEMONSTRATIVE.search(text)):
        return ""
    before, after = text[: match.start()], text[match.end() :]
    # 这座塔 after 雷峰塔 is that tower, 这个价格 is its price.
    noun = next((size for size in (4, 3, 2, 1) if len(after) >= size and subject.endswith(after[:size])), 0)
    joint = "" if noun else "的" if after[:1] and HAN.match(after[0]) and not lacks_subject(after) else ""
    return _as_question(before + subject + joint + after[noun:])


def _as_question(text: str) -> str:
    """Spells the question out: 西湖的面积呢 becomes 西湖的面积是多少, which a search understands."""
    bare = re.fullmatch(r"(.+的.{1,8}?)呢[？?\s]*", text)
    return f"{bare[1]}是多少？" if bare else re.sub(r"呢(?=[？?\s]*$)", "", text)


def _about(previous: str, topic: Topic, about: str) -> str:
    """The last question, asked about another thing or another property of the same thing; empty if neither is clear."""
    if condition := _condition(previous, about):
        return previous.replace(condition, about, 1)
    if changed := replaced(previous, about):
        return changed
    things, attribute = split_things(about)
    if things:
        changed = replaced(previous, things)
        return _asked_for(changed, attribute) if changed else _as_question(f"{about}呢？")
    is_alike = HAN.search(about) and about[-1] == topic.subject[-1]
    has_attribute = topic.attribute or (
        "的" in topic.subject and is_property(topic.subject.rpartition("的")[2])
    )
    if has_attribute and not (is_alike and topic.attribute) and is_property(about):
        return _asked_for(previous, about)
    if is_alike:
        return previous.replace(topic.subject, about, 1)
    if counterpart := _counterpart(previous, topic.subject, about):
        return previous.replace(counterpart, about, 1)
    if is_property(about):
        return f"{topic.subject}的{about}是多少？" if len(about) <= 8 else f"{topic.subject}，{about}？"
    return with_name(previous, about)


def _asked_for(question: str, attribute: str) -> str:
    """The question, asked for another property of its subject."""
    topic = topic_of(question)
    owner, _, old = topic.subject.rpartition("的")
    if owner and not topic.attribute and is_property(old):
        return question.replace(topic.subject, f"{owner}的{attribute}", 1)
    if topic.attribute:
        return question.replace(f"{topic.subject}的{topic.attribute}", f"{topic.subject}的{attribute}", 1)
    return f"{topic.subject}的{attribute}是多少？"


def _other_things(text: str) -> str:
    """The things that a follow-up asks about and nothing else: 那2022年呢, TH10？, and in 2022?; empty if it asks more."""
    asked = (_THINGS if HAN.search(text) else _ENGLISH_THINGS).match(text)
    if not asked:
        return ""
    things = _CHANGED.sub("", asked["things"]).strip()
    return things if is_things_alone(things, names=bool(asked["lead"] or asked["end"])) else ""


def _with_year(text: str, previous: str, answer: str) -> str:
    """The text with the year that 那一年 stands for, if one question or answer names exactly one."""
    there = _THAT_YEAR.search(text)
    if not there:
        return text
    sources = [previous, answer] if _WHEN.search(previous) else [previous]
    for source in sources:
        years = {item.text for item in items(source) if item.kind == "year"}
        if len(years) == 1:
            year = years.pop()
            if not HAN.search(text):
                return text.replace(there[0], f"in {year}", 1)
            return text.replace(there[0], year if "年" in year else f"{year}年", 1)
    return text


def _condition(question: str, about: str) -> str:
    """The condition in a question that another one replaces: 满十年的 if asked about 满二十年的; empty without one."""
    end = question.find(about[-2:]) if about.endswith("的") and len(about) > 2 else -1
    start = question.rfind(about[0], 0, end) if end >= 0 else -1
    return question[start : end + 2] if start >= 0 else ""


def _counterpart(question: str, subject: str, about: str) -> str:
    """The thing in a question that another one replaces: 年假 if asked about 病假; empty without one."""
    rest = question.partition(subject)[2]
    end = rest.rfind(about[-1]) + 1
    counterpart = rest[max(0, end - len(about)) : end]
    fits = len(about) > 1 and len(counterpart) == len(about) and HAN.match(counterpart)
    return counterpart if fits else ""


def _resolve_english(text: str, previous: str, topic: Topic) -> str:
    if HAN.search(topic.subject):
        return _ENGLISH_PRONOUN.sub(lambda _: topic.subject, text, count=1)
    if about := _ENGLISH_ABOUT.match(text.rstrip("? \t")):
        if is_things_alone(about[1], names=True):
            return text  # of several things, it is not clear which one is meant
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
