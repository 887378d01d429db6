"""The sentences in the catalog's file: written and deleted with their document, read by many threads."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.errors import StorageError
from qa_engine.index.catalog import Catalog
from qa_engine.index.documents.sentence_texts import SentenceTexts
from qa_engine.index.records import DocumentParts, FileRecord, StoredSentence

Metadata = dict[str, Any]


def sentences(
    document_id: str, texts: Sequence[str], metadata: Sequence[Metadata] = ()
) -> list[StoredSentence]:
    notes = list(metadata) or [{"file_name": "a.pdf", "page": 1}] * len(texts)
    return [
        StoredSentence(
            node_id(document_id, ordinal), text, dict(note), 10 * ordinal, 10 * ordinal + len(text)
        )
        for ordinal, (text, note) in enumerate(zip(texts, notes, strict=True))
    ]


def commit(catalog: Catalog, document_id: str, stored: Sequence[StoredSentence], path: str = "") -> None:
    path = path or f"/{document_id}.pdf"
    record = FileRecord(path, Path(path).name, 1, 1, 1, document_id, "p", document_id, nodes=len(stored))
    catalog.begin(document_id, len(stored))
    catalog.commit(record, DocumentParts([], [[] for _ in stored], sentences=stored))


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(tmp_path / "catalog.sqlite", create=True)


@pytest.fixture
def texts(catalog: Catalog) -> SentenceTexts:
    return SentenceTexts(catalog.path)


def test_sentences_come_back_as_they_were_in_the_order_asked_for(
    catalog: Catalog, texts: SentenceTexts
) -> None:
    first, second = sentences("a", ["一。", "二。", "三。"]), sentences("b-c", ["One.", ""])
    commit(catalog, "a", first)
    commit(catalog, "b-c", second)
    asked = [second[1], first[2], first[0]]
    found = texts.get([sentence.node_id for sentence in asked])
    assert list(found.values()) == asked
    assert catalog.sentences("b-c") == second
    assert catalog.sentence_ids() == {sentence.node_id for sentence in [*first, *second]}


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cs"])),
            st.dictionaries(
                st.text(st.characters(exclude_categories=["Cs"]), max_size=3),
                st.integers() | st.text(st.characters(exclude_categories=["Cs"])) | st.booleans(),
                max_size=3,
            ),
        ),
        max_size=6,
    )
)
def test_any_text_and_metadata_come_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, Metadata]]
) -> None:
    catalog = Catalog(tmp_path_factory.mktemp("texts") / "catalog.sqlite", create=True)
    stored = sentences("d", [text for text, _ in rows], [metadata for _, metadata in rows])
    commit(catalog, "d", stored)
    texts = SentenceTexts(catalog.path)
    found = texts.get([sentence.node_id for sentence in stored])
    assert list(found.values()) == stored == catalog.sentences("d")
    # Dicts are equal whatever the order of their keys, and the hash of a node is not.
    assert all(list(one.metadata) == sorted(one.metadata) for one in found.values())
    texts.close()
    catalog.close()


def test_what_is_not_there_is_left_out(catalog: Catalog, texts: SentenceTexts) -> None:
    commit(catalog, "d", sentences("d", ["一。"]))
    commit(catalog, "empty", [])
    wanted = [node_id("d", 0), node_id("d", 1), node_id("d", 9_999_999), node_id("e", 0), node_id("empty", 0)]
    assert list(texts.get(wanted)) == wanted[:1]
    assert texts.get([]) == {}
    assert catalog.sentences("e") == catalog.sentences("empty") == []


def test_more_than_one_statement_takes(catalog: Catalog, texts: SentenceTexts) -> None:
    stored = sentences("d", [str(number) for number in range(1000)])
    commit(catalog, "d", stored)
    for number in range(500):
        commit(catalog, f"d{number}", sentences(f"d{number}", ["一。"]))
    wanted = [one.node_id for one in stored] + [node_id(f"d{number}", 0) for number in range(500)]
    assert list(texts.get(wanted)) == wanted


def test_changing_what_was_read_changes_nothing_that_is_stored(
    catalog: Catalog, texts: SentenceTexts
) -> None:
    commit(catalog, "d", sentences("d", ["一。", "二。"]))
    ids = [node_id("d", 0), node_id("d", 1)]
    first = texts.get(ids)
    first[ids[0]].metadata["scores"] = 1
    assert "scores" not in first[ids[1]].metadata
    assert "scores" not in texts.get(ids)[ids[0]].metadata


def test_sentences_stay_until_their_document_is_forgotten(catalog: Catalog, texts: SentenceTexts) -> None:
    commit(catalog, "old", sentences("old", ["旧。"]), path="/a.pdf")
    commit(catalog, "new", sentences("new", ["新。"]), path="/a.pdf")
    ids = [node_id("old", 0), node_id("new", 0)]
    assert list(texts.get(ids)) == ids  # readers of the published state still ask for the old one
    catalog.forget("new")  # live
    catalog.forget("old")
    catalog.forget("old")
    assert list(texts.get(ids)) == ids[1:]
    with sqlite3.connect(catalog.path) as connection:
        assert connection.execute("SELECT COUNT(*) FROM places").fetchall() == [(1,)]


def test_document_that_is_begun_again_has_none_of_its_sentences(
    catalog: Catalog, texts: SentenceTexts
) -> None:
    commit(catalog, "d", sentences("d", ["一。", "二。"]))
    catalog.begin("d", 1)
    assert texts.get([node_id("d", 0)]) == {}
    commit(catalog, "d", sentences("d", ["三。"]))
    assert [one.text for one in texts.get([node_id("d", 0), node_id("d", 1)]).values()] == ["三。"]


def test_number_of_a_forgotten_document_is_not_given_again(catalog: Catalog) -> None:
    numbers = []
    for name in ("a", "b"):
        commit(catalog, name, sentences(name, ["一。"]))
        with sqlite3.connect(catalog.path) as connection:
            numbers += connection.execute("SELECT number FROM documents").fetchall()
        catalog.remove(f"/{name}.pdf")
        catalog.forget(name)
    assert len(set(numbers)) == 2


def test_commit_that_fails_leaves_no_sentences(catalog: Catalog, texts: SentenceTexts) -> None:
    stored = sentences("d", ["一。"])
    catalog.begin("d", 1)
    record = FileRecord("/a.pdf", "a.pdf", 1, 1, 1, "1", "p", "d", listed={"bad": object()})  # type: ignore[dict-item]
    with pytest.raises(TypeError):
        catalog.commit(record, DocumentParts([], [[]], sentences=stored))
    assert texts.get([stored[0].node_id]) == {}
    catalog.commit(replace(record, listed={}), DocumentParts([], [[]], sentences=stored))
    assert texts.get([stored[0].node_id])


def test_threads_read_while_a_writer_has_a_transaction_open(catalog: Catalog, texts: SentenceTexts) -> None:
    stored = sentences("d", ["一。"] * 50)
    commit(catalog, "d", stored)
    ids = [one.node_id for one in stored]
    with ThreadPoolExecutor(8) as pool, catalog.together():
        # More than SQLite keeps in its cache by default.
        commit(catalog, "book", sentences("book", ["字" * 300] * 5000))
        assert all(len(found) == 50 for found in pool.map(lambda _: texts.get(ids), range(200)))
        assert texts.get([node_id("book", 0)]) == {}
    assert texts.get([node_id("book", 4999)])
    assert len(texts._idle) <= 9
    texts.close()
    assert texts._idle == []


@pytest.mark.parametrize("damage", ["gone", "noise", "closed"])
def test_file_that_cannot_be_read_is_named(damage: str, catalog: Catalog, texts: SentenceTexts) -> None:
    commit(catalog, "d", sentences("d", ["一。"]))
    if damage == "gone":
        catalog.path.unlink()
    elif damage == "noise":
        catalog.path.write_bytes(b"rubbish" * 999)
    else:
        texts.get([node_id("d", 0)])
        texts._idle[0].close()
    with pytest.raises(StorageError, match=r"catalog\.sqlite.*cannot be read"):
        texts.get([node_id("d", 0)])
    assert texts._idle == []
