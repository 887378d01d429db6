"""Plainer wordings of what is asked in everyday speech, so that few patterns of whole questions meet many wordings."""

from __future__ import annotations

import re
from collections.abc import Iterator

NAME = re.compile(r"《[^》]*》|[“\"][^”\"]*[”\"]|\S+\.(?:pdf|docx?)", re.I)
"""A name in a question, which is left as it is."""
_HELD = 0xE000
"""The first of the characters that stand for names meanwhile; they are for private use, so that no text has them."""
_MAX_NAMES = 8
_MEASURE = r"(?:份|个|篇|本|部|套|期|款|张)"
_NOUN = (
    r"(?:文件|文档|资料|材料|PDF|合同|协议|报告|年报|季报|半年报|简报|数据手册|手册|说明书|论文|文章|书|条例|细则|办法|规定|制度"
    r"|通知|章程|标准|指南|价目表|规范|预案|方案)"
)
_SUM_UP = r"(?:总结|概括|概述|归纳|提炼|简述|梳理|介绍|说明|讲解)"
_ASKING = (
    r"(?:请|帮我|给我|替我|麻烦|你|您|顺便|再|简单|简要|简短|大概|大致|一一|逐一|列|说|讲|谈|介绍|概括|总结|告诉我|一?下子?"
    r"|出来|看|个?清单|个?单子)"
)
_LEAD = re.compile(r"^(?:[诶欸哎嗯额喂哈]|那么?(?=[这该我你])|先|就|[你您]给?(?=[看说讲列查总概]))+[，,\s]*")
"""What a speaker begins with."""
_SPELLED: tuple[tuple[str, str], ...] = (
    (r"里头|里面|里边|之中|当中", "里"),
    (r"啥|神马", "什么"),
    (r"干嘛|做嘛", "干什么"),
    (r"咋样?", "怎么"),
    (r"[几哪]时候", "什么时候"),
    (r"(?:都|分别)?(?:有|是)?(?:哪几?[个些]人|哪几位|哪些位|都有谁)", "谁"),
    (r"(?<=[几些])大?(?:部分|块|板块|大部分)(?:内容)?", "部分"),
    (r"(?<=[几少][个份篇本件])(?:材料|东西)|(?<=[什哪][么些])(?:材料|东西)(?!$)", "文件"),
    (r"交[代待]|罗列|聊|记载", "讲"),
    (r"了?[点些个]什么", "什么"),
    (r"是什么(?=内容$)", "讲什么"),
    (r"原话|原句", "原文"),
    (r"(?:印|写|编|做|发|弄|搞)出来", "印发"),
    (r"(?<![0-9])([012][0-9])(?=年)", r"20\1"),
    (r"(?<=[\u4e00-\u9fff\ue000-\ue007])[这那](?:一)?" + _MEASURE + rf"(?=[\w]{{0,8}}{_NOUN})", ""),
    (r"^(?:编?写|撰写|编)(.{1,40}?)的(?:人|作者)?[有是]?谁$", r"谁写\1"),
    # A verb said twice asks for no more than said once.
    (r"(说|讲|谈|看|列|念|查|数|总结|概括|归纳|介绍|提炼)(?:一?\1)", r"\1"),
)
"""Everyday words, and the plain ones that mean the same."""
_DROPPED = re.compile(
    r"咱们?(?:的|这里|这儿)?|麻烦(?:你|您)?|劳驾|帮我|帮忙|给我|替我|为我|能不能|能否|可不可以|可否|请问|请|顺便|现在|目前|眼下|到底|究竟"
    r"|其实|来着|上来|上去|进来|进去|(?:大概|大致|大体)上?|总的来说|三言两语|简明扼要|(?<=[单录表我])来一?[份个张]|配套的?|相关的(?=细则|办法|规定)|手[头上]的?|一下子?|(?<=[结括纳炼述理绍列说讲看])下"
    r"|(?<![成首京古])都(?=[是有叫讲说传存放写收包涉谈介分])|又(?=[有是分讲])|主要(?=[是讲说写])"
    r"|(?:来|拿)?用?(?:简短的)?(?:[一两三几]句话|[一两]段话|几个字|大白话|简单的话)(?:来)?"
    r"|[呢啊呀吧嘛呗啦哈哦](?=$|[，,。？?])"
)
"""Words that ask for nothing."""
_ASIDE = re.compile(
    rf"[，,。？?！!；;]\s*(?:{_ASKING}+|(?:它们|都|分别|各自?){{0,2}}[是叫有](?:什么|哪些|哪几[个份本篇])(?:名字|名称)?)$"
)
"""What is added and asks for no more."""
_TO_DO = re.compile(
    rf"^(?:[把将对]?)(?P<what>.{{1,60}}?)(?:简单|简要|好好|都|全部)?(?:进行|做个?|作个?)?"
    rf"(?:(?P<sum>{_SUM_UP})|(?P<list>列|列出|列举|列清单|数)|(?<=的内容)(?P<tell>说|讲|谈|念))(?:出来|清楚)?$"
)
"""What is to be summed up or listed, before the verb."""
_TOLD = re.compile(rf"^(?:简单|简要|简短|大略|扼要)?(?:地)?(?:说|讲|谈|聊|看|{_SUM_UP})(?:清楚|明白)?(?=.)")
_SCOPE = re.compile(
    rf"^(?P<front>.{{0,60}}?)在?(?:[这那](?:几|些|[两二三四五六七八九十])?|上面|上述|以上|全部|所有)(?:几|些)?{_MEASURE}?"
    rf"(?P<noun>{_NOUN})(?:里|中|的){{1,2}}[，,]?(?P<topic>.{{0,60}}?)(?P<on>在?)哪一?(?P<of>{_MEASURE})(?P<back>.{{0,12}})$"
)
"""Of which documents one is sought, apart from 哪一份."""
_ENGLISH: tuple[tuple[str, str], ...] = (
    (r"\b(?:actually|exactly|basically|roughly|just|quickly|simply|mainly|kindly)\s+", ""),
    (
        r"\b(which|what)(?: one)? of (?:these|the|my|your|our|those)(?: \w+)? (file|document|pdf|contract|agreement|report"
        r"|manual|handbook|guide|paper|book)s\b",
        r"\1 \2",
    ),
    (r"^((?:this|that|the) [^,]{1,40}), (.{3,60})\bit\b", r"\2\1"),
    (r"^(?:so|well|ok(?:ay)?|hey|and|now)\b[,\s]*", ""),
    # The order of words behind “tell me”.
    (r"\b(what|who|when) ((?:the|this|that|your|my) .{1,60}?) (is|are|was|were)\b", r"\1 \3 \2"),
)


def plainer(question: str, chinese: bool) -> Iterator[str]:
    """Plainer wordings of a question, the nearest first, none of them the question; names in it are kept.

    Nothing that tells is left out: who matches the whole of a wording still matches all that the question asks for.

    Example:
        >>> list(plainer("咱们这本员工手册总共多少页", True))
        ['这本员工手册总共多少页']
        >>> list(plainer("帮我把第三章归纳一下", True))[-1]
        '总结第三章'
    """
    names = NAME.findall(question)
    if len(names) > _MAX_NAMES:
        return
    text = question
    for place, name in enumerate(names):
        text = text.replace(name, chr(_HELD + place), 1)
    seen = {question}
    for one in _chinese(text) if chinese else _english(text):
        for place, name in enumerate(names):
            one = one.replace(chr(_HELD + place), name)
        if one and one not in seen:
            seen.add(one)
            yield one


def _chinese(text: str) -> Iterator[str]:
    text = _LEAD.sub("", text)
    for spoken, plain in _SPELLED:
        text = re.sub(spoken, plain, text, flags=re.I)
    text = _LEAD.sub("", _DROPPED.sub("", _ASIDE.sub("", text)).strip(" ，,。？?！!"))
    yield text
    scope = _SCOPE.fullmatch(text)
    if scope is not None:
        parts = scope.groupdict()
        at = parts["on"] or ("在" if parts["front"] else "")
        yield f"{parts['front']}{parts['topic']}{at}哪{parts['of']}{parts['noun']}{parts['back']}"
    if len(re.findall(r"[，,]", text)) == 1:
        yield re.sub(r"[，,]\s*", "", text)  # 这份报告，有几页
    told = _TOLD.sub("", text)
    if told != text:
        yield told
        yield f"总结{told}"
    to_do = _TO_DO.fullmatch(text)
    if to_do is not None:
        yield f"{'列出' if to_do['list'] else '总结'}{to_do['what']}"


def _english(text: str) -> Iterator[str]:
    for spoken, plain in _ENGLISH:
        text = re.sub(spoken, plain, text, flags=re.I)
    yield text.strip()
