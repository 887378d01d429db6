"""The words of a question that say which document it is about, before any document has been looked at."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MEASURE = r"(?:份|个|篇|本|部|套|张|则|种|款)"
_POINTING = re.compile(
    r"^(?:(?P<this>这|那|此|该|本|上述|上面的?|当前|刚才的?|上传的|我上传的|我的|(?:this|that|these|those|your|our)\b)"
    rf"|(?=[两二三四五六七八九几]{_MEASURE})|所有|全部|各|每|(?:all the|the|all|each)\b)"
    rf"(?:一)?(?:些|[两二三四五六七八九几])?{_MEASURE}?\s*(?:(?:attached|uploaded|whole|entire|given|pdf)\s+)?",
    re.I,
)
_ANY = re.compile(
    r"(?:文件|文档|文章|文本|资料|材料|全文|全书|全篇|文|PDF|PDF\s?(?:文件|文档)|内容|东西|它们?|其|it|they|them|its|their"
    r"|this|that|these|those|(?:pdf )?(?:documents?|files?|texts?)|pdfs?)?",
    re.I,
)
"""Words that mean a document and say nothing of it."""
_NOUN = re.compile(
    r"(?:书|书籍|报告|报告书|论文|合同|协议|协议书|章程|手册|说明书|说明|指南|办法|规定|制度|条例|通知|公告|通告|年报|半年报|季报|方案"
    r"|标准|规范|白皮书|预案|计划|规划|纪要|细则|法|法律|讲义|教材|小说|规则|规程|守则|公约|准则|清单|通报|简报|总结|意见|决定|决议"
    r"|指引|须知|招股书|研报|周报|月报|介绍|简介|导则|公示|函|信|证书|图册|文集|教程|大纲|提案|申请书|任务书|证明|鉴定书|规格书"
    r"|招标文件|公报|快报|年鉴|汇编|声明|备忘录|问答|案例集|表|价目表|文件|文档|档案|PDF|report|contract|agreement|manual|handbook|guide|guidelines?|charter|bylaws|policy|policies"
    r"|notice|plan|paper|thesis|book|article|standard|regulations?|rules|statute|act|law|minutes|memo|memorandum|specifications?"
    r"|data ?sheet|brochure|white ?paper|proposal|letter|filing|10-?[kq]|textbook|novel|syllabus|announcement|circular|code"
    r"|procedures?|file|document|pdf"
    r"|(?:report|contract|agreement|manual|handbook|guide|notice|plan|paper|book|letter|file|document)s)$",
    re.I,
)
"""What documents are called by the end of their names."""
_EDITION = re.compile(r"\s*[（(]?(?:19|20)\d\d\s*年?版?[)）]?$")
_MARKED = re.compile(r"^(?:《(?P<title>[^《》]+)》|[“\"「『](?P<quoted>[^”\"」』]+)[”\"」』])(?P<rest>.*)$")
_FILE = re.compile(r"\.(?:pdf|docx?|md|txt|html?|pptx?|xlsx?)$", re.I)
_LEADING_OF = re.compile(r"^(?:在|关于|对于|对|把|将|就|in|of|about)\s*(?=\S)", re.I)


@dataclass(frozen=True)
class Subject:
    """Which document a question is about, in its own words.

    Attributes:
        text: the words without 《》 and without what points; empty if the question names no document.
        noun: what it calls the document by its kind, such as 合同; empty without one.
        points: whether the words only point at a document, as 这份文件 does, or there are none.
        marked: whether they stand in 《》, are the name of a file, or point: then they are no other thing than a document.
    """

    text: str = ""
    noun: str = ""
    points: bool = True
    marked: bool = False

    @classmethod
    def of(cls, words: str) -> Subject:
        """Reads the words in front of, or behind, what a question asks for."""
        text = _LEADING_OF.sub("", words.strip(" 的，,、:：'’")).strip()
        mark = _MARKED.match(text)
        if mark is not None and _ANY.fullmatch(_pointed(mark["rest"].strip(" 的")) or ""):
            name = (mark["title"] or mark["quoted"]).strip()
            return cls(
                name, _noun(name), points=False, marked=bool(mark["title"]) or bool(_FILE.search(name))
            )
        bare = _pointed(text)
        pointing = bare != text
        if _ANY.fullmatch(bare):
            return cls("文件" if text else "", points=True, marked=bool(text))
        noun = _noun(bare)
        pointed = _POINTING.match(text) if pointing else None
        # 这份租赁合同 points, whatever the document calls itself; “the report” does, and “the committee's report” need not.
        if pointed is not None and noun and (noun == bare or pointed["this"]):
            return cls(bare, noun, points=True, marked=True)
        return cls(bare, noun, points=False, marked=bool(_FILE.search(bare)))


def _pointed(text: str) -> str:
    """The words without what points at a document in front of them."""
    return _POINTING.sub("", text, count=1).strip() if not _ANY.fullmatch(text) else text


def _noun(text: str) -> str:
    match = _NOUN.search(_EDITION.sub("", text))
    return match.group().lower() if match is not None else ""
