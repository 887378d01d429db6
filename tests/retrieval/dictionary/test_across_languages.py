"""Questions in one language on documents in the other, by BM25 alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hash_embedding import HashEmbedding
from ingest_process import PARSING_POOL, ParsingInPlace, ingest
from llama_index.core.schema import QueryBundle
from pdf_factory import chinese_pdf, english_pdf

from qa_engine.config import Bm25Config, EmbeddingConfig, RetrievalConfig
from qa_engine.index.reader import open_collections
from qa_engine.retrieval.dictionary.dictionary import Dictionary
from qa_engine.retrieval.expansion.expanded_query import ExpandedQuery, Expansion
from qa_engine.retrieval.glossary.files import GlossaryEntry
from qa_engine.retrieval.glossary.glossary import Glossary
from qa_engine.retrieval.retriever import RankedPassages
from qa_engine.retrieval.search import CollectionSearch

BM25 = Bm25Config(context_sentences=0)
EMBEDDING = HashEmbedding(model_name="hash")
ENGLISH = [
    "Employees are entitled to fifteen days of annual leave.",
    "The revenue of the company grew by a tenth.",
    "Requests are signed by Zhang Wei of the finance department.",
    "The canteen opens at noon and closes in the evening.",
]
CHINESE = ["员工每年享有十五天带薪年假。", "公司的营业收入增长了十分之一。", "食堂中午开门，晚上关门。"]


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collections ``english``, ``chinese``, and ``both`` with the documents of either."""
    folder = tmp_path_factory.mktemp("across")
    english = english_pdf(folder / "rules.pdf", ENGLISH)
    chinese = chinese_pdf(folder / "制度.pdf", CHINESE)
    config = {"bm25": {"context_sentences": 0}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PARSING_POOL, ParsingInPlace)
        for name, files in (("english", [english]), ("chinese", [chinese]), ("both", [english, chinese])):
            assert not ingest(files, folder / "storage", collection=name, config=config).failures  # type: ignore[arg-type]
    return folder / "storage"


def ranked(
    storage: Path,
    dictionary: Dictionary | None,
    question: str | QueryBundle,
    collections: Sequence[str] = ("english",),
    glossary: Glossary | None = None,
) -> RankedPassages:
    readers = open_collections(storage, list(collections), EmbeddingConfig(), EMBEDDING, bm25=BM25)
    config = RetrievalConfig(dense_weight=0, dense_top_k=1, window_chars=50)
    search = CollectionSearch(readers, EMBEDDING, None, config, glossary=glossary, dictionary=dictionary)
    return search.rank(QueryBundle(question) if isinstance(question, str) else question)


@pytest.mark.parametrize(
    ("question", "expected"),
    [("年假有几天？", ENGLISH[0]), ("营业收入增长了多少？", ENGLISH[1]), ("張偉在哪个部门？", ENGLISH[2])],
)
def test_chinese_question_finds_english_words(
    storage: Path, dictionary: Dictionary, question: str, expected: str
) -> None:
    found = ranked(storage, dictionary, question)
    assert "bm25" in found.passages[0].node.metadata["scores"]
    assert expected in found.passages[0].node.get_content()
    assert found.queries[0].coverage > 0.35


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How many days of annual leave are there?", CHINESE[0]),
        ("When does the dining hall open?", CHINESE[2]),
    ],
)
def test_english_question_finds_chinese_words(
    storage: Path, dictionary: Dictionary, question: str, expected: str
) -> None:
    found = ranked(storage, dictionary, question, ["chinese"])
    assert expected in found.passages[0].node.get_content()


def test_translations_that_occur_are_shown_and_no_others(storage: Path, dictionary: Dictionary) -> None:
    (word,) = ranked(storage, dictionary, "年假有几天？").translated
    assert word.times == 1
    assert (word.word, [one.text for one in word.translations]) == ("年假", ["annual leave"])


def test_words_that_no_document_holds_stay_and_are_the_rarest(storage: Path, dictionary: Dictionary) -> None:
    found = ranked(storage, dictionary, "年假和火车")
    leave, train = found.translated
    assert (train.word, train.translations) == ("火车", ())
    assert train.rarity > leave.rarity > 0
    nothing = ranked(storage, dictionary, "火车在哪里？")
    assert not any(word.translations for word in nothing.translated)
    assert nothing.queries[0].weights["bm25"] == 0


def test_without_a_dictionary_or_text_in_the_other_language_nothing_is_translated(
    storage: Path, dictionary: Dictionary
) -> None:
    assert not ranked(storage, None, "年假有几天？").translated
    plain, translating = (ranked(storage, one, "年假有几天？", ["chinese"]) for one in (None, dictionary))
    assert not translating.translated
    assert [node.score for node in plain.passages] == [node.score for node in translating.passages]


@pytest.mark.parametrize("collections", [["both"], ["english", "chinese"]])
def test_both_languages_are_found_together(
    storage: Path, dictionary: Dictionary, collections: list[str]
) -> None:
    for question in ("年假有几天？", "How many days of annual leave are there?"):
        found = ranked(storage, dictionary, question, collections)
        texts = [node.node.get_content() for node in found.passages if "bm25" in node.node.metadata["scores"]]
        assert any(ENGLISH[0] in text for text in texts)
        assert any(CHINESE[0] in text for text in texts)
        assert found.translated
    (word,) = ranked(storage, dictionary, "年假", collections).translated
    assert word.times > 1


def test_glossary_and_language_model_win_over_the_dictionary(storage: Path, dictionary: Dictionary) -> None:
    glossary = Glossary([GlossaryEntry(("年假",), ("canteen",))])
    found = ranked(storage, dictionary, "公司的年假", glossary=glossary)
    assert [word.word for word in found.translated] == ["公司"]
    by_words = [node.node for node in found.passages if "bm25" in node.node.metadata["scores"]]
    assert any("canteen" in node.get_content() for node in by_words)
    query = ExpandedQuery("年假有几天？", expansion=Expansion("When does the canteen open?"))
    assert not ranked(storage, dictionary, query).translated
