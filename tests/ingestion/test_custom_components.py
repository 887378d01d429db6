"""Readers, node parsers and documents of the caller: what is stored, cited, recognised as unchanged, and deleted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hash_embedding import HashEmbedding
from ingest_process import ingest, stored_files
from llama_index.core import VectorStoreIndex
from llama_index.core.llms.mock import MockLLM
from llama_index.core.node_parser import MarkdownNodeParser, SentenceSplitter
from llama_index.core.readers.base import BaseReader
from llama_index.core.schema import Document
from llama_index.core.vector_stores.types import MetadataFilter, MetadataFilters
from llama_index.vector_stores.chroma import ChromaVectorStore
from pdf_factory import SOLAR_SYSTEM, WEST_LAKE, chinese_pdf, english_pdf

from qa_engine import QueryEngine, ingest_documents
from qa_engine.config import Config
from qa_engine.documents.reader import PdfReader
from qa_engine.errors import ConfigurationError, InputError
from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.records import FileRecord, StoredSentence
from qa_engine.index.vectors.locations import open_vectors
from qa_engine.ingestion.files.info import list_files
from qa_engine.ingestion.files.state import file_state
from qa_engine.ingestion.maintenance.delete import delete_files
from qa_engine.ingestion.maintenance.rebuild import rebuild
from qa_engine.ingestion.report import IngestReport

pytestmark = pytest.mark.usefixtures("parsed_in_place")
HASH = HashEmbedding(model_name="hash")


class PageReader(BaseReader):
    """One document for each part of a text file between form feeds, with its page."""

    def __init__(self, **metadata: Any) -> None:
        self.read: list[str] = []
        self._metadata = metadata

    def load_data(self, file: Path, extra_info: dict[str, Any] | None = None) -> list[Document]:  # type: ignore[override]
        self.read.append(file.name)
        text = file.read_text(encoding="utf-8")
        return [
            Document(text=part, metadata={"page_label": str(page), **self._metadata})
            for page, part in enumerate(text.split("\f"), 1)
        ]


class LazyReader(BaseReader):
    """Implements what `BaseReader` documents, with a positional argument."""

    def lazy_load_data(self, path: Path) -> Iterator[Document]:  # type: ignore[override]
        yield Document(text=path.read_text(encoding="utf-8"))


def text_file(path: Path, *pages: str) -> Path:
    path.write_text("\f".join(pages), encoding="utf-8")
    return path


def records(storage: Path) -> list[tuple[FileRecord, list[StoredSentence]]]:
    """The files of the collection with their sentences."""
    catalog = Catalog(collection_paths(storage, "default").catalog)
    try:
        return [(record, catalog.sentences(record.document_id)) for record in catalog.files().values()]
    finally:
        catalog.close()


def counts(report: IngestReport) -> tuple[int, int, int, int]:
    return report.added, report.updated, report.unchanged, len(report.failures)


def engine(storage: Path) -> QueryEngine:
    return QueryEngine.open(storage, config={"rerank": {"model": "none"}}, embed_model=HASH)


def documents(*texts: str, name: str = "wiki", **metadata: Any) -> list[Document]:
    return [
        Document(text=text, metadata={"file_name": name, "page": page, **metadata})
        for page, text in enumerate(texts, 1)
    ]


class TestReader:
    def test_documents_of_a_reader_are_pages_that_are_cited(self, docs: Path, storage: Path) -> None:
        path = text_file(docs / "lake.txt", "".join(WEST_LAKE), " ".join(SOLAR_SYSTEM))
        report = ingest(path, storage, reader=PageReader())
        assert (report.added, report.pages) == (1, 2)
        [(record, sentences)] = records(storage)
        assert (record.file_name, record.pages) == ("lake.txt", 2)
        assert {sentence.metadata["page"] for sentence in sentences} == {1, 2}
        [best, *_] = engine(storage).retrieve(SOLAR_SYSTEM[0], top_k=1)
        assert best.node.metadata["page_end"] == 2
        assert best.node.metadata["file_name"] == "lake.txt"

    def test_unchanged_file_is_not_read_again_and_another_reader_reads_it(
        self, docs: Path, storage: Path
    ) -> None:
        path = text_file(docs / "a.txt", "One sentence is here.")
        reader = PageReader()
        assert counts(ingest(path, storage, reader=reader)) == (1, 0, 0, 0)
        assert counts(ingest(path, storage, reader=reader)) == (0, 0, 1, 0)
        assert reader.read == ["a.txt"]
        assert counts(ingest(path, storage, reader=LazyReader())) == (0, 1, 0, 0)
        assert stored_files(storage) == {"a.txt": "One sentence is here."}

    def test_another_version_of_a_reader_reads_again(self, docs: Path, storage: Path) -> None:
        class Versioned(PageReader):
            version = "1"

        path = text_file(docs / "a.txt", "One sentence is here.")
        ingest(path, storage, reader=Versioned())
        assert ingest(path, storage, reader=Versioned()).unchanged == 1
        Versioned.version = "2"
        assert ingest(path, storage, reader=Versioned()).updated == 1

    def test_metadata_of_a_reader_belong_to_the_file_and_stay(self, docs: Path, storage: Path) -> None:
        path = text_file(docs / "a.txt", "One sentence is here.")
        (docs / "copy.txt").write_bytes(path.read_bytes())
        other = text_file(docs / "b.txt", "Another sentence is here.")
        files = [path, docs / "copy.txt"]
        report = ingest(files, storage, reader=PageReader(year=2024, tags=["a"]))
        assert counts(report) == (2, 0, 0, 0)
        ingest(other, storage, reader=PageReader(year=1999))
        assert [record.metadata for record, _ in records(storage)] == [
            {"year": 2024},
            {"year": 1999},
            {"year": 2024},
        ]
        where = MetadataFilters(filters=[MetadataFilter(key="year", value=1999)])
        [found] = engine(storage).retrieve("sentence", filters=where)
        assert found.node.metadata["file_name"] == "b.txt"
        assert counts(ingest(files, storage, reader=PageReader())) == (0, 0, 2, 0)
        (docs / "a.txt.meta.json").write_text('{"year": 2025}')
        assert counts(ingest(files, storage, reader=PageReader())) == (0, 1, 1, 0)
        path.rename(docs / "moved.txt")
        ingest(docs / "moved.txt", storage, reader=PageReader())
        assert {record.file_name: record.metadata for record, _ in records(storage)} == {
            "moved.txt": {"year": 2024},
            "b.txt": {"year": 1999},
            "copy.txt": {"year": 2024},
        }

    def test_file_that_a_reader_cannot_read_is_named(self, docs: Path, storage: Path) -> None:
        good, empty = text_file(docs / "a.txt", "One sentence is here."), text_file(docs / "empty.txt", "")
        bad = docs / "bad.txt"
        bad.write_bytes(b"\xff\xfe\xff")
        report = ingest([good, empty, bad], storage, reader=PageReader())
        assert report.added == 1
        reasons = {Path(failure.file).name: failure.reason for failure in report.failures}
        assert reasons == {"empty.txt": "no_text", "bad.txt": "damaged"}
        messages = [failure.message for failure in report.failures]
        assert any("bad.txt cannot be read by PageReader (UnicodeDecodeError" in text for text in messages)

    def test_own_pdf_reader_keeps_places_on_pages(self, docs: Path, storage: Path) -> None:
        chinese_pdf(docs / "a.pdf")
        ingest(docs, storage, reader=PdfReader(parser="fast"))
        [(record, _)] = records(storage)
        catalog = Catalog(collection_paths(storage, "default").catalog)
        assert any(span.x1 > span.x0 for span in catalog.spans(record.document_id))
        catalog.close()

    def test_reader_is_not_sent_to_a_cluster(self, docs: Path, storage: Path) -> None:
        path = text_file(docs / "a.txt", "One sentence is here.")
        with pytest.raises(ConfigurationError, match="runs in this process"):
            ingest(path, storage, reader=PageReader(), ray="auto")


class TestNodeParser:
    def test_nodes_are_stored_with_our_ids_and_places(self, docs: Path, storage: Path) -> None:
        english_pdf(docs / "a.pdf", header=None)
        parser = SentenceSplitter(chunk_size=40, chunk_overlap=0)
        assert counts(ingest(docs, storage, node_parser=parser)) == (1, 0, 0, 0)
        [(record, sentences)] = records(storage)
        assert [each.node_id for each in sentences] == [
            f"{record.document_id}-{ordinal:07d}" for ordinal in range(len(sentences))
        ]
        assert len(sentences) > 1
        assert {each.metadata["page"] for each in sentences} == {1}
        assert all(each.metadata["file_name"] == "a.pdf" for each in sentences)
        assert not any("file_path" in each.metadata for each in sentences)
        [best, *_] = engine(storage).retrieve(SOLAR_SYSTEM[0], top_k=1)
        assert best.node.metadata["page"] == 1

    def test_another_parser_or_size_splits_again(self, docs: Path, storage: Path) -> None:
        english_pdf(docs / "a.pdf")
        ingest(docs, storage)
        small, large = (SentenceSplitter(chunk_size=size, chunk_overlap=0) for size in (40, 400))
        for parser in (small, large):
            assert counts(ingest(docs, storage, node_parser=parser)) == (0, 1, 0, 0)
            assert counts(ingest(docs, storage, node_parser=parser)) == (0, 0, 1, 0)
        assert counts(ingest(docs, storage)) == (0, 1, 0, 0)

    def test_metadata_of_nodes_are_stored_and_embedding_again_keeps_them(self, storage: Path) -> None:
        text = "# Leave\nEvery employee has ten days.\n# Travel\nTrips are paid for.\n"
        ingest_documents(documents(text), storage, node_parser=MarkdownNodeParser(), embed_model=HASH)
        [(_, sentences)] = records(storage)
        assert len(sentences) == 2
        assert all("header_path" in each.metadata for each in sentences)
        assert sentences[1].text.startswith("# Travel")
        assert sentences[1].start_char_idx == text.index("# Travel")
        rebuild(storage, part="embedding", embed_model=HashEmbedding(model_name="other", dimension=64))
        assert records(storage)[0][1] == sentences


class TestDocuments:
    def test_documents_are_added_skipped_changed_and_deleted(self, storage: Path) -> None:
        wiki = documents("".join(WEST_LAKE), " ".join(SOLAR_SYSTEM))
        news = [Document(text="Nothing is new.", id_="news/2024")]
        assert counts(ingest_documents([*wiki, *news], storage, embed_model=HASH)) == (2, 0, 0, 0)
        assert counts(ingest_documents([*wiki, *news], storage, embed_model=HASH)) == (0, 0, 2, 0)
        changed = [Document(text="Something is new.", id_="news/2024")]
        assert counts(ingest_documents(changed, storage, embed_model=HASH)) == (0, 1, 0, 0)
        assert stored_files(storage)["2024"] == "Something is new."
        [best, *_] = engine(storage).retrieve(SOLAR_SYSTEM[0], top_k=1)
        assert (best.node.metadata["file_name"], best.node.metadata["page_end"]) == ("wiki", 2)
        deleted = delete_files("news/2024", storage)
        assert [file.path for file in deleted.files] == ["document:/news/2024"]
        assert set(stored_files(storage)) == {"wiki"}

    def test_documents_live_beside_files_and_are_never_gone(self, docs: Path, storage: Path) -> None:
        chinese_pdf(docs / "a.pdf")
        ingest(docs, storage)
        ingest_documents(documents("A sentence of the wiki."), storage, embed_model=HASH)
        (docs / "a.pdf").unlink()
        assert ingest(docs, storage, prune=True).deleted == 1
        [(record, _)] = records(storage)
        assert file_state(record, storage) == "unchanged"
        catalog = Catalog(collection_paths(storage, "default").catalog)
        assert [(line.file, line.gone) for line in list_files(catalog)] == [("wiki", False)]
        catalog.close()

    def test_metadata_can_be_filtered_by_and_changed_without_embedding(
        self, storage: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def wiki(**metadata: Any) -> list[Document]:
            return documents("A sentence of the wiki.", **metadata)

        ingest_documents(wiki(year=2024, who={"a": 1}), storage, embed_model=HASH)
        assert records(storage)[0][0].metadata == {"year": 2024}
        monkeypatch.setattr(HashEmbedding, "_get_text_embedding", lambda *_: pytest.fail("embedded again"))
        assert counts(ingest_documents(wiki(year=2025), storage, embed_model=HASH)) == (0, 1, 0, 0)
        assert counts(ingest_documents(wiki(), storage, embed_model=HASH)) == (0, 1, 0, 0)
        assert records(storage)[0][0].metadata == {}

    def test_documents_without_text_or_name(self, storage: Path) -> None:
        report = ingest_documents(documents(""), storage, embed_model=HASH)
        assert [(failure.file, failure.reason) for failure in report.failures] == [
            ("document:/wiki", "no_text")
        ]
        with pytest.raises(InputError, match="neither"):
            ingest_documents([Document(text="One.", id_="/")], storage, embed_model=HASH)


def test_stock_llamaindex_answers_from_the_chroma_collection(docs: Path, storage: Path) -> None:
    chinese_pdf(docs / "lake.pdf")
    english_pdf(docs / "planets.pdf", SOLAR_SYSTEM)
    ingest(docs, storage)
    paths = collection_paths(storage, "default")
    catalog = Catalog(paths.catalog)
    collection = open_vectors(paths, catalog, Config().index)
    catalog.close()
    index = VectorStoreIndex.from_vector_store(
        ChromaVectorStore(chroma_collection=collection), embed_model=HASH
    )
    [best, *_] = index.as_retriever(similarity_top_k=3).retrieve(SOLAR_SYSTEM[0])
    assert best.node.get_content() in SOLAR_SYSTEM[0]
    assert (best.node.metadata["file_name"], best.node.metadata["page"]) == ("planets.pdf", 1)
    answer = index.as_query_engine(llm=MockLLM(), similarity_top_k=1).query(SOLAR_SYSTEM[0])
    assert best.node.get_content() in str(answer)  # the mock repeats its prompt
    assert [node.node.metadata["file_name"] for node in answer.source_nodes] == ["planets.pdf"]
