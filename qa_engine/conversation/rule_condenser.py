"""Makes a follow-up stand alone without a language model: takes the subject that it lacks from the last question."""

from __future__ import annotations

import re
from dataclasses import dataclass

_HAN_CLASS = "\u4e00-\u9fff"
_HAN = re.compile(f"[{_HAN_CLASS}]")
_END = re.compile(r"(?<![？?！!。.\s吗呢啊呀吧])[？?！!。.\s吗呢啊呀吧]+$")
_POLITE = re.compile(
    r"^(?:请问|请告诉我|请说明|请介绍一?下?|我想(?:知道|问一?下?)|想问一?下?|介绍一?下|说说|谈谈|根据文档|文档中)[，,\s]*"
)
_ASKS = frozenset(
    """什么 多少 多久 多高 多大 多长 多深 多宽 多重 多远 多快 几 哪 哪些 哪个 哪里 哪年 哪儿 谁 怎么 怎样 怎么样 如何
    为什么 为何 何时 是否 能否 可否 几个 几天 几次 几年 几种 几人 多 何""".split()  # noqa: SIM905 - a list would take a line a word
)
_VERBS = frozenset(
    """是 有 在 为 需要 要 可以 能 能够 会 应该 应当 建于 位于 属于 包括 包含 叫 共有 具有 发布 使用 采用 支持 发生 适用
    成立 规定 占 达到 等于""".split()  # noqa: SIM905
)
_ASKS_VALUE = re.compile(
    r"(?:是|为|等于|达到|占)(?:多少|什么|几|多[大高长深宽重远快])|有(?:多[大高长深宽重远快]|多少)$"
)
"""What asks for a value: 西湖的面积是多少 and 西湖的面积有多大 do, 员工有几天年假 does not."""
_TRAILING = re.compile(
    r"(?:每[年月天周次人]|一共|总共|目前|现在|当前|通常|一般|最多|最少|至少|大约|大概|到底|究竟|都|还|分别|具体|主要|又|共|的|了|和|与){1,9}$"
)
_LEADING_ASK = re.compile(
    r"^(?:什么是|为什么|为何|怎么样?|怎样|如何|哪些|哪个|哪里|哪种|谁|什么时候|何时|什么|有哪些|有多少|有几[个种]?|是否|多少|几[个天年次种])"
)
_ENGLISH_NOUNS = re.compile(
    r"\b(?:the|a|an|our|your)\s+([\w'-]++(?:\s+[\w'-]++){0,4}?)(?=\s+(?:the|a|an|in|on|at|of|for|with|to|by|from|per|when|if|than|and|or)\b|\s*\?|\s*$)",
    re.IGNORECASE,
)
_DO = re.compile(r"\b(?:do|does|did|can|could|will|would|should|must|may)\b", re.IGNORECASE)
_ENGLISH_ASK = re.compile(r"(?:How|What|When|Where|Who|Why|Which|Is|Are|Do|Does|Did|Can)\b")
_NAMES = re.compile(r"\b[A-Z][\w-]*(?:\s+(?:[A-Z][\w-]*|\d[\w.-]*))*")
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
_ENGLISH_PRONOUN = re.compile(
    r"\b(?:it|they|them|he|she|him|(?:this|that|these|those)(?=\s*(?:\?|$)|\s+(?:is|are|was|were|do|does|did|can|will)\b))\b",
    re.IGNORECASE,
)
_ENGLISH_OWNER = re.compile(r"\b(its|their|his|her)\b", re.IGNORECASE)
_ENGLISH_ABOUT = re.compile(r"^\s*(?:and|but|so|then)?,?\s*(?:what|how) about\s+(\S.*)$", re.IGNORECASE)


def resolve(question: str, previous: str) -> str:
    """Makes a follow-up stand alone; returns the question itself if it lacks nothing, or if its subject is not clear.

    它, 其, 这个… and it are replaced by the subject of the last question. 那…呢 and what about ask the last question about
    another thing. A bare 多少钱？ gets the subject in front of it.

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
    rest = _LEAD.sub("", text)
    if standalone := _with_subject(rest, topic.subject):
        return standalone
    if (about := _WHAT_ABOUT.match(text)) and (thing := _LEAD.sub("", about[1]).strip()):
        return _about(previous, topic, thing)
    return topic.subject + rest if lacks_subject(rest) else rest or question


def points_back(question: str) -> bool:
    """Whether a question has a word that stands for something said before: 它, 这个, 那…呢, it, what about."""
    text = question.strip()
    if _HAN.search(text):
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
    if points_back(question) or lacks_subject(question):
        return False
    if subject and subject.lower() in question.lower():
        return True
    return (
        len(_HAN.findall(question)) >= _LONG_HAN
        or len(re.findall(r"[A-Za-z0-9][\w'-]*", question)) >= _LONG_WORDS
    )


@dataclass(frozen=True)
class Topic:
    """What a question is about.

    Attributes:
        subject: the thing, in the words of the question; empty if the question names none.
        attribute: the property that the question asks for, as in 西湖的面积是多少; empty without one.
    """

    subject: str = ""
    attribute: str = ""


def topic_of(question: str) -> Topic:
    """The topic of a question in Chinese or English."""
    text = _POLITE.sub("", _END.sub("", question.strip()))
    if not _HAN.search(text):
        return Topic(_english_subject(text))
    words = _words(text)
    for number, word in enumerate(words):
        if word in _ASKS or word in _VERBS or word.startswith(("什么", "多少", "几", "哪")):
            head, rest = "".join(words[:number]), "".join(words[number:])
            if _TRAILING.sub("", head):
                return _split(_TRAILING.sub("", head), rest)
            break
    else:
        return _split(text, "")
    tail = _TRAILING.sub("", _LEADING_ASK.sub("", text))
    return Topic(_before_verb(tail))


def _split(head: str, rest: str) -> Topic:
    """The topic of a question: 西湖的面积, 是多少 asks for a property of 西湖; 净水机的滤芯, 多久更换 is about one thing."""
    owner, _, attribute = head.rpartition("的")
    asks_value = not rest or _ASKS_VALUE.match(rest)
    if owner and attribute and asks_value and len(attribute) <= 8:
        return Topic(owner, attribute)
    return Topic(head)


def _before_verb(text: str) -> str:
    words = _words(text)
    for number, word in enumerate(words):
        if number and (word in _VERBS or word in _ASKS):
            return _TRAILING.sub("", "".join(words[:number]))
    return text


def _english_subject(text: str) -> str:
    if nouns := _ENGLISH_NOUNS.findall(text):
        of = re.search(r"\bof\s+(?:the|a|an)\s+((?:[\w'-]+\s*){1,4})", text, re.IGNORECASE)
        words = (of[1] if of else nouns[0]).split()
        if not of and _DO.search(text) and len(words) > 1:
            words = words[:-1]  # how much does the survey cost
        return "the " + " ".join(words)
    names = [name for name in _NAMES.findall(text) if not _ENGLISH_ASK.match(name)]
    return names[0] if names else ""


def _words(text: str) -> list[str]:
    import rjieba

    return list(rjieba.cut(text))


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
    joint = "" if noun else "的" if after[:1] and _HAN.match(after[0]) and not lacks_subject(after) else ""
    return _as_question(before + subject + joint + after[noun:])


def _as_question(text: str) -> str:
    """Spells the question out: 西湖的面积呢 becomes 西湖的面积是多少, which a search understands."""
    bare = re.fullmatch(r"(.+的.{1,8}?)呢[？?\s]*", text)
    return f"{bare[1]}是多少？" if bare else re.sub(r"呢(?=[？?\s]*$)", "", text)


def _about(previous: str, topic: Topic, about: str) -> str:
    """The last question, asked about another thing or about another property of the same thing."""
    if condition := _condition(previous, about):
        return previous.replace(condition, about, 1)
    if topic.attribute and not _same_kind(about, topic.subject):
        return previous.replace(f"{topic.subject}的{topic.attribute}", f"{topic.subject}的{about}", 1)
    if _same_kind(about, topic.subject):
        return previous.replace(topic.subject, about, 1)
    if counterpart := _counterpart(previous, topic.subject, about):
        return previous.replace(counterpart, about, 1)
    return f"{topic.subject}的{about}是多少？" if len(about) <= 8 else f"{topic.subject}，{about}？"


def _same_kind(one: str, other: str) -> bool:
    """Whether two names look like things of one kind: 雷峰塔 and 保俶塔, 7B and 13B."""
    if not one or not other:
        return False
    if _HAN.search(one) and _HAN.search(other):
        return one[-1] == other[-1]
    return _shape(one) == _shape(other)


def _shape(name: str) -> str:
    """The form of a name, with 0 for any number and a for any word: 7B and 13B both give 0a."""
    return re.sub(r"\d[\d.,]*", "0", re.sub(r"[A-Za-z]+", "a", re.sub(r"\s", "", name)))


def _condition(question: str, about: str) -> str:
    """The condition in a question that another one replaces: 满十年的 if asked about 满二十年的; empty without one."""
    end = question.find(about[-2:]) if about.endswith("的") and len(about) > 2 else -1
    start = question.rfind(about[0], 0, end) if end >= 0 else -1
    return question[start : end + 2] if start >= 0 else ""


def _counterpart(question: str, subject: str, about: str) -> str:
    """The thing in a question that another one replaces: 年假 if asked about 病假, 7B if about 13B; empty without one."""
    if not _HAN.search(about):
        codes = re.findall(r"[A-Za-z0-9][A-Za-z0-9.-]*", question)
        return next((code for code in codes if _shape(code) == _shape(about)), "")
    rest = question.partition(subject)[2]
    end = rest.rfind(about[-1]) + 1
    counterpart = rest[max(0, end - len(about)) : end]
    fits = len(about) > 1 and len(counterpart) == len(about) and _HAN.match(counterpart)
    return counterpart if fits else ""


def _resolve_english(text: str, previous: str, topic: Topic) -> str:
    if _HAN.search(topic.subject):
        return _ENGLISH_PRONOUN.sub(lambda _: topic.subject, text, count=1)
    if about := _ENGLISH_ABOUT.match(text.rstrip("? \t")):
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
