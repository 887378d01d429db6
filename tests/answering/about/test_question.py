"""Which questions are about a document itself: by their whole wording, and no others."""

from __future__ import annotations

import pytest

from qa_engine.answering.about.question import about_question

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
    "What does the author say about page tables?",
    "How many pages can the printer print per minute?",
    "Who is the author's brother?",
    "What did the committee write in its report on page limits?",
    "哪份文件规定了车位的宽度？",
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
