"""What the id of a citation stands for, in collections of real files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from cli.indexed_files import CUT, ingest_pdfs, two_pages
from hash_embedding import HashEmbedding
from hypothesis import given
from hypothesis import strategies as st
from llama_index.core import Document
from pdf_factory import chinese_pdf

from qa_engine import ingest_documents
from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.documents.citations import cited_range, find_citation
from qa_engine.index.records import FileRecord


@pytest.fixture(scope="module")
def handbook(tmp_path_factory: pytest.TempPathFactory, hash_embedding: HashEmbedding) -> Path:
    """A folder with a collection of one file, whose second sentence is on two pages."""
    folder = tmp_path_factory.mktemp("handbook")
    two_pages(folder / "pdfs" / "手册.pdf")
    return ingest_pdfs(folder, hash_embedding)


@contextmanager
def opened(folder: Path) -> Iterator[Catalog]:
    with closing(Catalog(collection_paths(folder / "storage", "default").catalog)) as catalog:
        yield catalog


def only_file(catalog: Catalog) -> FileRecord:
    (record,) = catalog.files().values()
    return record


def test_sentence_over_a_page_break_has_boxes_on_both_pages(handbook: Path) -> None:
    with opened(handbook) as catalog:
        document = only_file(catalog).document_id
        sentences = catalog.sentences(document)
        (identifier,) = [sentence.node_id for sentence in sentences if sentence.text == CUT]
        cited = find_citation(catalog, identifier)
        assert cited is not None
        assert (cited.text, cited.page, cited.page_end) == (CUT, 1, 2)
        assert {box.page for box in cited.boxes} == {1, 2}
        assert cited.file.file_name == "手册.pdf"


def test_range_is_the_sentences_from_its_first_to_its_last(handbook: Path) -> None:
    with opened(handbook) as catalog:
        record = only_file(catalog)
        sentences = catalog.sentences(record.document_id)
        cited = find_citation(catalog, f"{node_id(record.document_id, 1)}..{record.nodes - 1}")
        assert cited is not None
        assert cited.text == "".join(sentence.text for sentence in sentences[1:])


@pytest.mark.parametrize("change", ["unknown", "beyond", "end beyond", "backwards", "no number", "empty"])
def test_id_that_the_collection_does_not_hold_is_none(change: str, handbook: Path) -> None:
    with opened(handbook) as catalog:
        record = only_file(catalog)
        document = record.document_id
        identifier = {
            "unknown": "0123456789-0000000",
            "beyond": node_id(document, record.nodes),
            "end beyond": f"{node_id(document, 0)}..{record.nodes}",
            "backwards": f"{node_id(document, 2)}..1",
            "no number": document,
            "empty": "",
        }[change]
        assert find_citation(catalog, node_id(document, 0)) is not None
        assert find_citation(catalog, identifier) is None


def test_citation_of_a_file_that_was_read_anew_is_gone(tmp_path: Path, hash_embedding: HashEmbedding) -> None:
    chinese_pdf(tmp_path / "pdfs" / "a.pdf")
    ingest_pdfs(tmp_path, hash_embedding)
    with opened(tmp_path) as catalog:
        before = node_id(only_file(catalog).document_id, 0)
    chinese_pdf(tmp_path / "pdfs" / "a.pdf", ["现在写着别的内容。"])
    ingest_pdfs(tmp_path, hash_embedding)
    with opened(tmp_path) as catalog:
        assert find_citation(catalog, before) is None
        now = only_file(catalog)
        whole = find_citation(catalog, f"{node_id(now.document_id, 0)}..{now.nodes - 1}")
        assert whole is not None
        assert whole.text.endswith("现在写着别的内容。")


def test_document_that_is_no_file_has_no_boxes(tmp_path: Path, hash_embedding: HashEmbedding) -> None:
    document = Document(text="年假有十天。", doc_id="wiki/年假")
    ingest_documents([document], tmp_path / "storage", embed_model=hash_embedding)
    with opened(tmp_path) as catalog:
        cited = find_citation(catalog, node_id(only_file(catalog).document_id, 0))
        assert cited is not None
        assert (cited.text, cited.boxes) == ("年假有十天。", [])


@given(st.text(alphabet="0123456789abcf-.\n ", max_size=30))
def test_whatever_looks_like_no_id_finds_nothing(handbook: Path, text: str) -> None:
    with opened(handbook) as catalog:
        found = find_citation(catalog, text)
        assert found is None or cited_range(text) is not None
