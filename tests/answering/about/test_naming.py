"""Which documents the words of a question name: all of its words have to be names of theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa_engine.answering.about.naming import is_title, is_told_of, named_documents
from qa_engine.answering.about.question import about_question
from qa_engine.answering.about.subject import Subject
from qa_engine.documents.identity.record import DocumentIdentity
from qa_engine.index.catalog import Catalog
from qa_engine.index.records import FileRecord
from qa_engine.retrieval.dictionary.dictionary import TranslatedWord, Translation
from qa_engine.retrieval.passages.documents import SearchedDocument
from qa_engine.text.periods import Period

NAMES = {
    "沧麓机电2022年年度报告.pdf": DocumentIdentity(
        "2022年年度报告", "沧麓机电股份有限公司", ("沧麓机电",), "annual_report", Period(2022)
    ),
    "沧麓机电2023年年度报告.pdf": DocumentIdentity(
        "2023年年度报告", "沧麓机电股份有限公司", ("沧麓机电",), "annual_report", Period(2023)
    ),
    "临川停车条例.pdf": DocumentIdentity("临川停车条例"),
    "临川停车条例实施细则.pdf": DocumentIdentity("《临川停车条例》实施细则"),
    "SC-2022-014.pdf": DocumentIdentity("Lift Maintenance Contract"),
    "tidenet_1512.03385.pdf": DocumentIdentity("Deep Learning of Tides"),
}


@pytest.fixture
def documents(tmp_path: Path) -> list[SearchedDocument]:
    catalog = Catalog(tmp_path / "catalog.sqlite", create=True)
    return [
        SearchedDocument(name, FileRecord(name, name, 1, 1, 1, "", "", name), "default", identity, catalog)
        for name, identity in NAMES.items()
    ]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("沧麓机电2023年年报", ["沧麓机电2023年年度报告.pdf"]),
        ("年报", ["沧麓机电2022年年度报告.pdf", "沧麓机电2023年年度报告.pdf"]),
        ("条例", ["临川停车条例.pdf"]),
        ("实施细则", ["临川停车条例实施细则.pdf"]),
        ("条例和实施细则", ["临川停车条例.pdf", "临川停车条例实施细则.pdf"]),
        ("《临川停车条例》", ["临川停车条例.pdf"]),
        ("SC-2022-014", ["SC-2022-014.pdf"]),
        ("the lift contract", ["SC-2022-014.pdf"]),
        ("合同", ["SC-2022-014.pdf"]),
        ("the TideNet paper", ["tidenet_1512.03385.pdf"]),
        ("the WaveNet paper", []),
        ("the TideNet contract", []),
        ("沧麓机电2021年年报", []),
        ("沧麓机电的减速器", []),
        ("停车场", []),
        ("the lift contract of the harbour", []),
    ],
)
def test_words_and_the_documents_that_they_name(
    documents: list[SearchedDocument], words: str, names: list[str]
) -> None:
    named = named_documents(Subject.of(words), documents, {})
    assert [one.file.file_name for one in named] == names


def test_what_points_means_all_documents_or_those_of_its_kind(documents: list[SearchedDocument]) -> None:
    assert named_documents(Subject.of("这份文件"), documents, {}) == documents
    assert named_documents(Subject.of("这份手册"), documents, {}) == []
    assert named_documents(Subject.of("这份手册"), documents[:1], {}) == documents[:1]


def test_words_in_the_other_language_name_documents_where_all_of_them_do(
    documents: list[SearchedDocument],
) -> None:
    def translate(text: str) -> list[TranslatedWord]:
        found = {"电梯": ("lift",), "渡船": ("ferri",), "维修": ("mainten",)}
        words = ((word, text.find(word), stems) for word, stems in found.items() if word in text)
        return [TranslatedWord(word, (Translation(word, stems),), at, at + 2) for word, at, stems in words]

    def named(words: str) -> list[str]:
        return [one.file.file_name for one in named_documents(Subject.of(words), documents, {}, translate)]

    assert named("电梯维修") == ["SC-2022-014.pdf"]
    assert named("电梯渡船") == named("电梯维修费") == named("电梯") == []


def test_the_first_line_is_a_name_and_a_first_sentence_is_none(documents: list[SearchedDocument]) -> None:
    subject = Subject.of("Harbour Guide")
    last = documents[-1].document_id
    assert named_documents(subject, documents, {last: ["Harbour Guide"]}) == documents[-1:]
    assert named_documents(subject, documents, {last: ["The Harbour Guide was written by sailors."]}) == []


def test_a_number_is_a_title_with_or_without_what_it_numbers(documents: list[SearchedDocument]) -> None:
    contract = next(one for one in documents if one.document_id == "SC-2022-014.pdf")
    for words in ("SC-2022-014", "contract SC-2022-014", "合同SC-2022-014", "SC-2022-014这份合同"):
        assert is_title(Subject.of(words), contract)
    assert not is_title(Subject.of("party SC-2022-014"), contract)


def test_an_encyclopaedia_tells_of_a_book_and_is_not_the_book() -> None:
    asked = about_question("《潮汐志》讲了什么？")
    assert asked is not None
    assert is_told_of(asked.subject, ["《潮汐志》是一部关于海潮的书。"])
    assert not is_told_of(asked.subject, ["潮汐志", "第一章 潮"])
