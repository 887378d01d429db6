"""The nodes in Chroma, as stock LlamaIndex sees them, name one of the files that they are from."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from forked import fork_server
from hash_embedding import HashEmbedding
from ingest_process import PARSING_POOL, URL_VARIABLE, ParsingInPlace, ingest, ingest_run
from pdf_factory import chinese_pdf, english_pdf

from qa_engine.index.catalog import Catalog
from qa_engine.index.collection import collection_paths
from qa_engine.index.vectors.chroma_folder import open_unshared
from qa_engine.index.vectors.vector_store import SentenceVectorStore
from qa_engine.ingestion.maintenance.delete import delete_files
from qa_engine.ingestion.maintenance.rebuild import rebuild

HASH = HashEmbedding(model_name="hash")


@pytest.fixture(autouse=True)
def parsed_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PARSING_POOL, ParsingInPlace)


def names(storage: Path) -> dict[str, set[str]]:
    """The names that the nodes of each document have in Chroma; the catalog's own copy of them agrees."""
    paths = collection_paths(storage, "default")
    [name] = _collections(paths.chroma)
    rows = open_unshared(paths.chroma, name, create=False).get(include=["metadatas"])
    found: dict[str, set[str]] = {}
    for metadata in rows["metadatas"] or []:
        assert {"page", "paragraph", "at"} <= metadata.keys()
        found.setdefault(str(metadata["document_id"]), set()).add(str(metadata["file_name"]))
    catalog = Catalog(paths.catalog)
    for document_id in found:
        kept = {str(sentence.metadata["file_name"]) for sentence in catalog.sentences(document_id)}
        assert kept in (found[document_id], set())
    catalog.close()
    return found


def _collections(folder: Path) -> list[str]:
    import sqlite3

    with sqlite3.connect(folder / "chroma.sqlite3") as connection:
        return [row[0] for row in connection.execute("SELECT name FROM collections")]


def test_copies_moves_and_deletions(docs: Path, storage: Path) -> None:
    first, copy, other = docs / "a.pdf", docs / "b.pdf", docs / "c.pdf"
    chinese_pdf(first)
    english_pdf(docs / "planets.pdf")
    ingest(docs, storage)
    shutil.copy(first, copy)
    ingest(docs, storage)
    assert sorted(map(sorted, names(storage).values())) == [["a.pdf"], ["planets.pdf"]]
    delete_files("a.pdf", storage)  # the copy stays
    assert sorted(map(sorted, names(storage).values())) == [["b.pdf"], ["planets.pdf"]]
    first.unlink()
    copy.rename(other)
    ingest(docs, storage)
    assert sorted(map(sorted, names(storage).values())) == [["c.pdf"], ["planets.pdf"]]
    rebuild(storage, part="embedding", embed_model=HASH)
    assert sorted(map(sorted, names(storage).values())) == [["c.pdf"], ["planets.pdf"]]


def test_files_that_change_places(docs: Path, storage: Path) -> None:
    chinese_pdf(docs / "a.pdf")
    english_pdf(docs / "b.pdf")
    ingest(docs, storage)
    before = names(storage)
    (docs / "a.pdf").rename(docs / "x.pdf")
    (docs / "b.pdf").rename(docs / "a.pdf")
    (docs / "x.pdf").rename(docs / "b.pdf")
    ingest(docs, storage)
    after = names(storage)
    assert {
        document: {"a.pdf": {"b.pdf"}, "b.pdf": {"a.pdf"}}[name] for document, [name] in before.items()
    } == after


def _die(*_: object) -> None:
    os._exit(9)


def ingest_and_die(docs: str, storage: str, where: str) -> None:
    os.environ.pop(URL_VARIABLE, None)  # the fork server has the environment of who asked it first
    ingest_run.ParsingPool = ParsingInPlace
    owner: type = SentenceVectorStore if where == "rename_file" else Catalog
    setattr(owner, where, _die)
    ingest(Path(docs), Path(storage))


@pytest.mark.parametrize("where", ["rename_file", "rename_sentences", "publish"])
def test_a_run_that_is_killed_is_made_good_by_the_next(docs: Path, storage: Path, where: str) -> None:
    """Killed before Chroma is written, between Chroma and the catalog, and after both."""
    chinese_pdf(docs / "a.pdf")
    ingest(docs, storage)
    (docs / "a.pdf").rename(docs / "b.pdf")
    process = fork_server().Process(target=ingest_and_die, args=(str(docs), str(storage), where))
    process.start()
    process.join(60)
    assert process.exitcode == 9
    ingest(docs, storage)
    assert list(names(storage).values()) == [{"b.pdf"}]


@pytest.mark.parametrize("change", [shutil.copy, os.rename], ids=["copy", "move"])
def test_nothing_is_written_where_the_name_fits(
    docs: Path, storage: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path, Path], object]
) -> None:
    chinese_pdf(docs / "a.pdf")
    ingest(docs, storage)
    (docs / "below").mkdir()
    change(docs / "a.pdf", docs / "below" / "a.pdf")
    monkeypatch.setattr(SentenceVectorStore, "rename_file", None)
    ingest(docs, storage)
    assert list(names(storage).values()) == [{"a.pdf"}]
