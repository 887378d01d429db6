"""Which questions are about a document itself: by their whole wording, and no others."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.answering.about.colloquial import plainer
from qa_engine.answering.about.kinds import Kind
from qa_engine.answering.about.question import about_question, about_questions, together

OTHERS = [
    "合同一共几页需要盖章？",
    "这本书的作者出生于哪年？",
    "公司一共有多少页专利说明书？",
    "申请需要哪些文件？",
    "第七条规定的押金是多少？",
    "办理备案时，平面图要交几份？",
    "价目表一共列了多少个型号？",
    "作者在第三章里怎么看待退耕还林？",
    "公司是哪年成立的？",
    "咱们公司现在有几大部分业务？",
    "这几份合同里，哪一份的押金最高？",
    "我上传的发票有几张盖了章？",
    "写这段歌词的都有谁唱过？",
    "What does the author say about page tables?",
    "How many pages can the printer print per minute?",
    "Who is the author's brother?",
    "What did the committee write in its report on page limits?",
    "",
    "的" * 100_000,
]
ASKED = [
    ("河谷会章程有多少页？", "pages", "河谷会章程"),
    ("請問這份文件一共有幾頁呢？", "pages", "文件"),
    ("《员工手册》总页数是多少", "pages", "员工手册"),
    ("How many pages does the ferry guide have?", "pages", "ferry guide"),
    ("Please tell me the page count of guide.pdf", "pages", "guide.pdf"),
    ("谁写了这份报告", "author", "报告"),
    ("2021年版价目表是谁编的？", "author", "2021年版价目表"),
    ("Who are the authors of this paper?", "author", "paper"),
    ("这份文件是什么时候创建的？", "date", "文件"),
    ("When was the ferry guide published?", "date", "ferry guide"),
    ("这篇论文的标题叫什么？", "title", "论文"),
    ("What is the title of the document?", "title", "文件"),
    ("章程一共有几章，分别是什么？", "chapters", "章程"),
    ("How many chapters are there in the charter?", "chapters", "charter"),
    ("你这里都有哪些文件？列一下", "files", ""),
    ("我一共传了几份简报？", "files", "简报"),
    ("What documents are in the collection?", "files", ""),
    ("帮我看看这个文档主要是讲什么的", "overview", "文件"),
    ("总结一下", "overview", ""),
    ("Could you please summarize the ferry guide for me?", "overview", "ferry guide"),
    ("第七条写了什么？", "article", ""),
    ("What does Article 7 of the charter say?", "article", "charter"),
    ("概括一下第五章的内容", "chapter", ""),
    ("What is in section 3 of the manual?", "chapter", "manual"),
    ("第3页写了些什么", "page", ""),
    ("What's on the last page?", "page", ""),
    ("篇幅多长", "pages", ""),
    ("目录给我看看", "chapters", ""),
    ("这个pdf讲啥的", "overview", "文件"),
    ("论文的标题", "title", "论文"),
    ("最后一章", "chapter", ""),
    ("有多少页呀这份手册", "pages", "手册"),
    ("把这份文件总结一下", "overview", "文件"),
    ("章程有没有附则", "chapter", "章程"),
    ("Table of contents", "chapters", ""),
    ("三份合同里哪份最新？", "extreme", "合同"),
    ("想了解请假制度应该看哪份文件？", "which", "文件"),
    ("谁发布的这份细则？", "issuer", "细则"),
    ("Who issued the regulation?", "issuer", "regulation"),
    ("哪份文件页数最多？", "extreme", "文件"),
    ("Which contract is the most recent?", "extreme", "contract"),
    ("哪份文件规定了车位的宽度？", "which", "文件"),
    ("咱们这本手册到底有几页来着？", "pages", "手册"),
    ("这篇讲潮汐的论文，作者都有谁", "author", "讲潮汐的论文"),
    ("写这本手册的都有谁？", "author", "手册"),
    ("章程里头有几大块？", "chapters", "章程"),
    ("这份章程的章节麻烦列一列", "chapters", "章程"),
    ("现在库里头存了多少个PDF，都叫什么名字？", "files", ""),
    ("我都传了些什么材料上来，列一下", "files", ""),
    ("文件清单给我来一份", "files", ""),
    ("guide.pdf是份什么文件？简单介绍一下", "overview", "guide.pdf"),
    ("第三章都交代了点啥", "chapter", ""),
    ("这几份合同里头，押金是哪一份讲的？", "which", "合同"),
    ("手头这些资料里页数最多的是哪个", "extreme", ""),
    ("So, how many pages is this paper?", "pages", "paper"),
    ("Could you quickly tell me what this paper is about?", "overview", "paper"),
    ("Which of these documents deals with locks?", "which", "文件"),
    ("Which contract covers window cleaning?", "which", "contract"),
]


@pytest.mark.parametrize("question", OTHERS)
def test_a_question_that_asks_for_more_is_another_one(question: str) -> None:
    assert about_question(question) is None


@pytest.mark.parametrize(("question", "kind", "subject"), ASKED)
def test_the_kind_and_the_words_that_name_the_document(question: str, kind: str, subject: str) -> None:
    asked = about_question(question)
    assert asked is not None
    assert (asked.kind, asked.subject.text) == (kind, subject)


@pytest.mark.parametrize(
    ("question", "number", "unit"),
    [
        ("第二十一条怎么写的", 21, ""),
        ("最后一页写了什么？", -1, ""),
        ("首页有什么内容？", 1, ""),
        ("What is on page 12?", 12, ""),
        ("What does chapter IV say?", 4, "章"),
        ("What is the third section about?", 3, "节"),
        ("第三章讲了什么？", 3, "章"),
    ],
)
def test_numbers_in_any_writing(question: str, number: int, unit: str) -> None:
    asked = about_question(question)
    assert asked is not None
    assert asked.number == number
    assert not unit or asked.unit == unit


@pytest.mark.parametrize(
    ("question", "subject", "name"),
    [
        ("附则写了什么", "", "附则"),
        ("条例里“法律责任”一章规定了什么", "条例", "法律责任"),
        ("停车收费这一章讲了什么？", "", "停车收费"),
        ("What does the Introduction say?", "", "Introduction"),
        ("哪个合同涉及保密义务？", "合同", "保密义务"),
        ("押金的数额写在哪份文件里", "文件", "押金的数额"),
        ("Which file deals with the maintenance of the boats?", "文件", "the maintenance of the boats"),
    ],
)
def test_the_title_of_a_part_or_a_topic(question: str, subject: str, name: str) -> None:
    asked = about_question(question)
    assert asked is not None
    assert (asked.subject.text, asked.name) == (subject, name)


@pytest.mark.parametrize(
    ("question", "kinds"),
    [
        ("条例有几章几条？", ["chapters", "chapters"]),
        ("这份报告多少页、谁写的？", ["pages", "author"]),
        ("How many pages does this paper have and who wrote it?", ["pages", "author"]),
        ("章程有几页，标题和作者是什么", ["pages", "title", "author"]),
        ("这份报告多少页、押金多少？", []),
        ("条例有几页，配套的细则又有几页", ["pages", "pages"]),
        ("这本手册有几页，讲了啥？", ["pages", "overview"]),
        ("章程有多少页", []),
    ],
)
def test_several_questions_in_one_are_of_the_same_document(question: str, kinds: list[str]) -> None:
    parts = together(question)
    assert [part[0].kind for part in parts] == kinds
    assert len({part[0].subject for part in parts}) == bool(kinds) + ("细则" in question)


@given(
    st.lists(
        st.sampled_from(
            [
                *"的里中一、，“”《》第章 ",
                "一下",
                "作者",
                "12",
                "写在",
                "哪份文件",
                "这几份合同里",
                "哪一份",
                "把",
                "总结",
                "which file ",
                "and ",
            ]
        ),
        max_size=150,
    ).map("".join)
)
def test_any_text_is_read(text: str) -> None:
    for asked in [*about_questions(text), *(one for part in together(text) for one in part)]:
        assert asked.kind in get_args(Kind)


def test_whether_the_document_is_named_or_pointed_at() -> None:
    pointed = about_question("这份合同有几页？")
    named = about_question("租赁合同有几页？")
    assert pointed is not None
    assert named is not None
    assert (pointed.subject.points, pointed.subject.noun) == (True, "合同")
    assert (named.subject.points, named.subject.noun) == (False, "合同")


def test_which_date_is_asked_for() -> None:
    made, issued = about_question("这份文件的创建日期"), about_question("这份文件是什么时候发布的")
    assert made is not None
    assert issued is not None
    assert (made.created, issued.created) == (True, False)


@pytest.mark.parametrize(
    ("question", "plain"),
    [
        ("把《咱们现在的都市》归纳一下", "总结《咱们现在的都市》"),
        ("麻烦看看现在的都.pdf有几页", "麻烦看看现在的都.pdf有几页"),
        ("成都的年报啥时候发布", "成都的年报什么时候发布"),
        ("what the report on ice is about", "what is the report on ice about"),
    ],
)
def test_a_plainer_wording_keeps_what_names(question: str, plain: str) -> None:
    assert plain in [question, *plainer(question, chinese="what" not in question)]


@pytest.mark.parametrize(
    ("question", "kind", "subject"),
    [
        ("麻烦用几句话说说这个文档主要是干嘛的", "overview", "文件"),
        ("把第三章给我归纳归纳", "chapter", ""),
        ("帮我把摘要提炼一下", "chapter", ""),
    ],
)
def test_a_plainer_wording_is_read_after_the_question(question: str, kind: str, subject: str) -> None:
    assert (kind, subject) in [(one.kind, one.subject.text) for one in about_questions(question)]


def test_an_aside_that_asks_for_more_stays() -> None:
    assert about_question("这本手册有几页，简单说一下") is not None
    assert about_question("这本手册有几页，押金多少") is None
