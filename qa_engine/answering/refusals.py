"""Recognises a refusal in other words.

Two kinds of sentence are told apart. A *plain* refusal says that the writer cannot answer (我无法回答…); its subject
is the writer, so that 该模型无法回答长问题 stays an answer. A *report of absence* says that the documents do not
mention something; with a cited passage, or with a contrast in the same sentence, it is a partial answer.
"""

from __future__ import annotations

import re

CITED = re.compile(r"\[[1-9]\d{0,2}\]")
"""A unified citation."""

_SENTENCE_END = re.compile(r"[。！？!?\n]+|\.(?=\s|$)")
_DECORATION = re.compile(r"[*_#>`\"'“”‘’「」『』《》\s]+")
_LEADING = re.compile(
    r"^(?:(?:最终)?(?:答案|回答|答|结论|answer)[:：]"
    r"|您好|你好|(?:非常|很|十分)?(?:抱歉|遗憾|对不起)|对不起|不好意思|因此|所以|综上(?:所述)?|总之|但是|但|不过|然而"
    r"|(?:i[’']?m|iam)?(?:very)?sorry|unfortunately|iapologi[sz]e|however|therefore|[，,、:：；;!！—–-])+",
    re.IGNORECASE,
)

_SOURCES = r"(?:已知信息|上下文|文档|文件|文章|文中|文本|原文|论文|资料|材料|信息|内容|片段|段落|参考|检索结果)"
# 根据您提供的资料, 由于已知信息不足, 在给定的上下文中: may stand before a refusal, and nothing else may.
_LEAD_IN = rf"(?:(?:根据|基于|依据|按照|从|由于|因为|鉴于|在|就|仅凭)?[^，,]{{0,20}}{_SOURCES}[^，,无不没未]{{0,16}}(?:不足|有限|不够)?[，,]*)?"
_SELF = r"(?:我们|我|本助手|助手|系统提示)?(?:也|还|暂时|目前|现在|尚|均|都|并)*"
_CANNOT = r"(?:无法|不能|没法|没有办法|难以|未能|不可能)"
_PLAIN = re.compile(
    rf"^{_LEAD_IN}{_SELF}(?:"
    rf"{_CANNOT}(?:直接|准确|完整|确切|为您|为你|对此|就此|据此|给出|提供|做出|作出)*"
    r"(?:回答|作答|解答|答复|确定|得知|获知|判断|知道|给出|得出|找到|查到|答案)"
    rf"|{_CANNOT}(?:从|在|根据|基于|通过|依据)[^，,]{{0,30}}(?:找到|得到|获得|获取|确定|得出|得知|回答|判断|推断|查到)"
    r"|不知道|不清楚|(?:没有|无|缺乏|缺少|没)(?:足够|充分)的?(?:的)?(?:信息|资料|依据)"
    r"|(?:没有|未|没)(?:能)?(?:找到|检索到|查到|发现)(?:任何|与|有关|相关|关于|该|此|这|问题|答案|信息|内容)"
    r"|(?:暂无|没有|无)(?:任何)?(?:相关|有关)(?:的)?(?:信息|内容|资料|答案))",
)
_PLAIN_ENGLISH = re.compile(
    r"^(?:but|so|and)?(?:(?:basedon|accordingto|from|given)[^,，]{0,60}[,，])?"
    r"(?:i|we)(?:cannot|can[’']?t|can\s?not|couldnot|couldn[’']?t|amunable|amnotable|areunable|donot|don[’']?t)"
    r"(?:to)?(?:answer|find|determine|provide|know|haveenough|havethe|havesufficient|haveany)"
    r"|^(?:there(?:is|was)|thereisn[’']?t)(?:no|not|any)*(?:enough|sufficient|relevant)?information"
    r"|^(?:unabletoanswer|cannotanswer|noanswer)",
    re.IGNORECASE,
)
_ABSENT = re.compile(
    rf"^[^，,]{{0,24}}{_SOURCES}[^，,]{{0,12}}(?:没有|并没有|未曾|并未|尚未|未|不|没)(?:有)?(?:明确|直接|具体|任何|详细|专门|被)*"
    r"(?:地)?(?:提到|提及|提供|包含|包括|涉及|说明|给出|记载|介绍|描述|指出|讨论|披露|谈到|出现|含有|含|写明|说|相关|有关|关于|足够)"
    r"|^[^，,]{0,30}(?:没有|并未|未)(?:在)?[^，,]{0,12}(?:文档|文中|资料|已知信息|上下文|原文)[^，,]{0,6}(?:提到|提及|出现|说明)",
)
_ABSENT_ENGLISH = re.compile(
    r"^(?:the|this|these|those|your)?(?:provided|given|known|available|retrieved)?"
    r"(?:document|passage|context|text|information|material|source|excerpt|paper|article)s?[a-z]{0,20}?"
    r"(?:donot|doesnot|don[’']?t|doesn[’']?t|didnot|didn[’']?t)"
    r"(?:explicitly|directly|specifically)?(?:mention|contain|provide|include|specify|state|say|address|discuss|give)",
    re.IGNORECASE,
)
_CONTRAST = re.compile(r"但是|但|不过|然而|而是|只是|只提到|仅提到|\bbut\b|\bhowever\b", re.IGNORECASE)
# Contrasts that lead away from the documents: what the model knows by itself, or polite offers.
_BEYOND = re.compile(
    r"常识|一般(?:来说|认为|而言)|通常|据我所知|众所周知|可能|或许|建议|推测|您可以|你可以|如果您|如果你|请您|请提供|欢迎",
)


def looks_like_refusal(head: str) -> bool:
    """Whether the beginning of an answer holds a sentence that may make the whole answer a refusal."""
    return any(_is_plain(sentence) or _is_absent(sentence) for sentence in _sentences(head))


def is_refusal(text: str) -> bool:
    """Whether a whole answer, its citations unified, says no more than that it cannot answer.

    A sentence that refuses makes the answer a refusal unless another sentence cites a passage, or the same
    sentence goes on to a cited contrast (…但…[1]). A report of absence also stays an answer when it is
    cited itself, when it is not the first thing said, or when an uncited contrast in it stays with the documents.
    """
    sentences = _sentences(text)
    refusing = [sentence for sentence in sentences if _is_plain(sentence) or _is_absent(sentence)]
    if not refusing:
        return False
    if any(CITED.search(sentence) for sentence in sentences if sentence not in refusing):
        return False
    if any(CITED.search(contrast) for contrast in map(_after_contrast, refusing)):
        return False
    if any(_is_plain(sentence) for sentence in refusing):
        return True
    if any(CITED.search(sentence) for sentence in refusing) or not _is_absent(sentences[0]):
        return False
    contrast = _after_contrast(sentences[0])
    return not contrast or _BEYOND.search(contrast) is not None


def _sentences(text: str) -> list[str]:
    """Sentences without greetings or apologies; a citation after the full stop belongs to what it follows."""
    attached = re.sub(r"([。！？!?.\n]+)[ \t]*((?:\[[1-9]\d{0,2}\])+)", r"\2\1", text)
    parts = (part.strip() for part in _SENTENCE_END.split(attached))
    return [part for part in parts if _LEADING.sub("", _DECORATION.sub("", part))]


def _bare(sentence: str) -> str:
    """What the patterns see: no citations, blanks, quotation marks or Markdown, no greeting before it."""
    return _LEADING.sub("", _DECORATION.sub("", CITED.sub("", sentence)))


def _is_plain(sentence: str) -> bool:
    bare = _bare(sentence)
    return bool(_PLAIN.search(bare) or _PLAIN_ENGLISH.search(bare))


def _is_absent(sentence: str) -> bool:
    bare = _bare(sentence)
    return bool(_ABSENT.search(bare) or _ABSENT_ENGLISH.search(bare))


def _after_contrast(sentence: str) -> str:
    bare = sentence[len(sentence) - len(sentence.lstrip("但不过然而，, ")) :]
    match = _CONTRAST.search(bare)
    return bare[match.end() :] if match else ""
