"""Recognises a refusal, whatever its words.

Two kinds of sentence are told apart. A *plain* refusal says that the writer cannot answer (我无法回答…); its
subject is the writer, so that 该模型无法回答长问题 stays an answer. A *report of absence* says that the
documents do not mention something; with a citation or a contrast in the sentence, it is a partial answer.
"""

from __future__ import annotations

import re

from qa_engine.text.citation_marks import CITATION, CITATION_RUN, is_marks_alone

_CITED_AFTER_STOP = re.compile(rf"(?<![。！？!?.])([。！？!?.]+)[ \t]*({CITATION_RUN.pattern})")
_SENTENCE_END = re.compile(r"[。！？!?\n]+|\.(?=\s|$)")
_DECORATION = re.compile(r"[*_#>`\"'“”‘’「」『』《》\s]+")
_LEADING = re.compile(
    r"^(?:(?:最终)?(?:答案|回答|答|结论|answer)[:：]"
    r"|您好|你好|(?:非常|很|十分)?(?:抱歉|遗憾|对不起)|对不起|不好意思|因此|所以|综上(?:所述)?|总之|但是|但|不过|然而"
    r"|(?:i[’']?m|iam)?(?:very)?sorry|unfortunately|iapologi[sz]e|however|therefore|[，,、:：；;!！—–-])+",
    re.IGNORECASE,
)

_SOURCES = r"(?:已知信息|上下文|文档|文件|文章|文中|文本|原文|论文|资料|材料|信息|内容|片段|段落|检索结果)"
_GIVEN = r"(?:您|你|所|我|提供|给定|给出|已知|现有|上述|以上|这些|该|本|的|目前|当前)*"
_WITHIN = rf"(?:{_SOURCES}|中|里|内|来看|看来|而言|不足|有限|不够|部分|本身|之|的|和|与)*"
# The words that may stand before 无法回答: 根据您提供的资料，… / 由于已知信息不足，… / 提供的资料…
_LEAD_IN = (
    rf"(?:(?:根据|基于|依据|按照|从|由于|因为|鉴于|在|就|仅凭|以)[^，,]{{0,20}}{_SOURCES}"
    rf"(?:[^，,]{{0,20}}[，,]|{_WITHIN})|{_GIVEN}{_SOURCES}{_WITHIN}[，,]*)?"
)
_ADVERBS = r"(?:也|还|暂时|目前|现在|尚|均|都|并)*"
_SELF = r"(?:我们|我|本助手|助手)"
_CANNOT = r"(?:无法|不能|没法|没有办法|难以|未能)"
_HOW = r"(?:直接|准确|完整|确切|为您|为你|对此|就此|据此|给出|提供|做出|作出)*"
_PLAIN = re.compile(
    rf"^{_LEAD_IN}{_SELF}?{_ADVERBS}(?:"
    rf"{_CANNOT}{_HOW}(?:回答|作答|解答|答复|确定|得知|获知|判断|知道|给出|得出|找到|查到|答案)"
    rf"|{_CANNOT}(?:从|在|根据|基于|通过|依据)[^，,]{{0,30}}(?:找到|得到|获得|获取|确定|得出|得知|回答|判断|推断|查到)"
    r"|不足以[^，,]{0,8}(?:回答|解答|确定|判断|得出)|(?:没有|未)(?:被|明确)?(?:提到|提及|说明|涉及)$"
    r"|不知道|不清楚|(?:没有|无|缺乏|缺少)(?:足够|充分)的?(?:信息|资料|依据)"
    r"|(?:没有|没|未)能?(?:找到|检索到|查到|发现)[^，,]{0,24}(?:信息|内容|答案|资料|说明|记载|描述|依据)(?=[，,；;]|$)"
    r"|(?:暂无|没有|无)(?:任何)?(?:相关|有关)(?:的)?(?:信息|内容|资料|答案))"
)
# Later in a sentence the writer must be named, or the question: 断网时，无法回答 is about something else.
_PLAIN_LATER = re.compile(
    rf"^{_SELF}{_ADVERBS}{_CANNOT}{_HOW}(?:回答|作答|解答|答复|确定|得知|判断|给出|得出|找到)"
    rf"|^{_ADVERBS}{_CANNOT}{_HOW}(?:回答|解答|答复)(?:您|你|该|此|这个|这一|上述)的?(?:问题|提问)"
)
_ABOUT_ANSWERING = re.compile(r"我|回答|作答|解答|答复|答案|问题|\bI\b|answer")
_PLAIN_ENGLISH = re.compile(
    r"^(?:but|so|and)?(?:(?:basedon|accordingto|from|given)[^,，]{0,60}[,，])?"
    r"(?:i|we)(?:cannot|can[’']?t|can\s?not|couldnot|couldn[’']?t|amunable|amnotable|areunable|donot|don[’']?t)"
    r"(?:to)?(?:answer|find|determine|provide|know|haveenough|havethe|havesufficient|haveany)"
    r"|^(?:there(?:is|was)|thereisn[’']?t)(?:no|not|any)*(?:enough|sufficient|relevant)?information"
    r"|^(?:unabletoanswer|cannotanswer|noanswer)",
    re.IGNORECASE,
)
_ABSENT = re.compile(
    rf"^[^，,]{{0,24}}{_SOURCES}[^，,]{{0,12}}(?:(?:没有|未曾|未|没)(?:明确|直接|具体|任何|详细|专门|被|地)*"
    r"(?:提到|提及|提供|包含|包括|涉及|说明|给出|记载|介绍|描述|指出|讨论|披露|谈到|出现|写明|说|相关|有关|关于|足够)"
    r"|不(?:包含|包括|涉及|含有))"
    r"|^[^，,]{0,30}(?:没有|未)在?[^，,]{0,12}(?:文档|文中|资料|已知信息|上下文|原文)[^，,]{0,6}(?:提到|提及|出现|说明)"
)
_ABSENT_ENGLISH = re.compile(
    r"^(?:the|this|these|those|your)?(?:provided|given|known|available|retrieved)?"
    r"(?:document|passage|context|text|information|material|source|excerpt|paper|article)s?[a-z]{0,20}?"
    r"(?:donot|doesnot|don[’']?t|doesn[’']?t|didnot|didn[’']?t)"
    r"(?:explicitly|directly|specifically)?(?:mention|contain|provide|include|specify|state|say|address|discuss|give)",
    re.IGNORECASE,
)
_CONTRAST = re.compile(r"但是|但|不过|然而|而是|只是|只提到|仅提到|\bbut\b|\bhowever\b", re.IGNORECASE)
# Contrasts that lead away from the documents: to the model's own knowledge, or to polite offers.
_BEYOND = re.compile(
    r"常识|一般(?:来说|认为|而言)|通常|据我所知|众所周知|可能|或许|建议|推测|您可以|你可以|如果您|如果你|请您|请提供|欢迎",
)


def looks_like_refusal(head: str) -> bool:
    """Whether the beginning of an answer holds a sentence that may make the whole answer a refusal."""
    return any(_is_plain(sentence) or _is_absent(sentence) for sentence in _sentences(head))


def is_refusal(text: str) -> bool:
    """Whether a whole answer, its citations unified, says no more than that it cannot answer.

    A sentence that refuses makes the answer a refusal unless another sentence cites a passage, or the same
    sentence goes on to a cited contrast (…但…[1]). Marks alone, such as 资料编号：[1], say nothing. A report of
    absence alone also stays an answer when it is cited itself, when it is not the first thing said, or when an
    uncited contrast in it stays with the documents.
    """
    sentences = _sentences(text)
    plain = [sentence for sentence in sentences if _is_plain(sentence)]
    absent = [sentence for sentence in sentences if sentence not in plain and _is_absent(sentence)]
    for sentence in sentences:
        if not CITATION.search(sentence) or is_marks_alone(sentence):
            continue
        refuses = sentence in plain and _ABOUT_ANSWERING.search(sentence)
        if not refuses and not (plain and sentence in absent):
            return False
        if CITATION.search(_after_contrast(sentence)):
            return False
    if plain:
        return True
    if not absent or absent[0] != sentences[0]:
        return False
    contrast = _after_contrast(absent[0])
    return not contrast or _BEYOND.search(contrast) is not None


def _sentences(text: str) -> list[str]:
    """Sentences, without mere greetings and apologies; a citation after a full stop goes before it."""
    attached = _CITED_AFTER_STOP.sub(r"\2\1", text)
    parts = (part.strip() for part in _SENTENCE_END.split(attached))
    return [part for part in parts if _bare(part)]


def _bare(sentence: str) -> str:
    """The sentence for the patterns: without citations, blanks, quotation marks and Markdown, and without a greeting."""
    return _LEADING.sub("", _DECORATION.sub("", CITATION.sub("", sentence)))


def _is_plain(sentence: str) -> bool:
    bare = _bare(sentence)
    if _PLAIN.search(bare) or _PLAIN_ENGLISH.search(bare):
        return True
    later = (_LEADING.sub("", clause) for clause in re.split("[，,；;：:]", bare)[1:])
    return any(_PLAIN_LATER.search(clause) or _PLAIN_ENGLISH.search(clause) for clause in later)


def _is_absent(sentence: str) -> bool:
    bare = _bare(sentence)
    return bool(_ABSENT.search(bare) or _ABSENT_ENGLISH.search(bare))


def _after_contrast(sentence: str) -> str:
    """The text behind 但, 而是, however… inside a sentence; a sentence that only begins with 但 holds no contrast."""
    match = _CONTRAST.search(sentence, 4)
    return sentence[match.end() :] if match else ""
