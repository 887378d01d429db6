"""Ingest runs for tests: their parsing done in place, and runs in another process that die at a given instant."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from chroma_process import URL_VARIABLE
from hash_embedding import HashEmbedding

import qa_engine
from qa_engine.config import Config, DocumentsConfig
from qa_engine.documents.parsed_pdf import ParsedPdf
from qa_engine.documents.pdf.reading import read_pdf
from qa_engine.documents.processes.parsing_pool import reading_options
from qa_engine.documents.sentences.node_ids import node_id
from qa_engine.errors import DocumentError
from qa_engine.index import catalog
from qa_engine.index.bm25 import folder as bm25
from qa_engine.index.collection import collection_paths
from qa_engine.index.vectors import locations, token_store, vector_store
from qa_engine.ingestion import run as ingest_run
from qa_engine.ingestion.reading import batches
from qa_engine.ingestion.report import FileResult, IngestProgress, IngestReport

PARSING_POOL = "qa_engine.ingestion.run.ParsingPool"
"""What `ParsingInPlace` takes the place of in a run."""


class ParsingInPlace:
    """A `ParsingPool` without processes, where these are not the subject: a second saved a run."""

    def __init__(
        self,
        config: DocumentsConfig,
        workers: int = 1,
        pages_read: Callable[[Path, int, int], None] = lambda path, done, of: None,
        storage: Path | None = None,
    ) -> None:
        self._config = config

    def __enter__(self) -> ParsingInPlace:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def begin(self, paths: Sequence[Path]) -> None:
        pass

    def parse(
        self, paths: Sequence[Path], stopped: Callable[[], bool] = lambda: False
    ) -> Iterator[tuple[Path, ParsedPdf | DocumentError]]:
        for path in paths:
            if stopped():
                return
            try:
                yield path, read_pdf(path, reading_options(self._config))
            except DocumentError as error:
                yield path, error


def ingest_locally(
    folder: Path | str, *arguments: Any, config: Mapping[str, Any] | None = None, **options: Any
) -> IngestReport:
    """An ingest run with the settings of the environment, which may name a Chroma server."""
    return qa_engine.ingest(folder, *arguments, config=Config.load(**(config or {})), **options)


def ingest(folder: Path, storage: Path, **options: Any) -> IngestReport:
    """An ingest run with cheap vectors."""
    return ingest_locally(folder, storage, embed_model=HashEmbedding(model_name="hash"), **options)


def stored_files(storage: Path, collection: str = "default") -> dict[str, str]:
    """The names of the files in a collection, with the text of all their nodes; fails if its parts disagree."""
    paths = collection_paths(storage, collection)
    opened = catalog.Catalog(paths.catalog)
    try:
        records = list(opened.files().values())
        expected = {
            node_id(record.document_id, ordinal): record.document_id
            for record in records
            for ordinal in range(record.nodes)
        }
        assert opened.unfinished() == []
        assert opened.published == opened.changes
        assert opened.node_count() == len(expected)
        assert len(bm25.Bm25Folder(paths.bm25).load(opened.published)) == len(expected)
        if locations.VectorLocation.of(opened) is None:
            assert expected == {}
            return {}
        stored = locations.open_vectors(paths, opened, Config.load().index).get(include=["documents"])
        assert sorted(stored["ids"]) == sorted(expected)
        texts: dict[str, list[str]] = {record.document_id: [] for record in records}
        for identifier, text in sorted(zip(stored["ids"], stored["documents"] or [], strict=True)):
            texts[expected[identifier]].append(text)
        return {record.file_name: "".join(texts[record.document_id]) for record in records}
    finally:
        opened.close()


OWNERS = {
    "Catalog": catalog.Catalog,
    "SentenceVectorStore": vector_store.SentenceVectorStore,
    "Bm25Folder": bm25.Bm25Folder,
    "TokenStore": token_store.TokenStore,
}


def make_deadly(owners: Mapping[str, Any], method: str, call: int, when: str) -> None:
    """Has the process kill itself ``before`` or ``after`` the given call of a method (``Owner.name``), as kill -9 would."""
    owner, name = method.split(".")
    original = getattr(owners[owner], name)
    calls = 0

    def deadly(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*arguments, **options)
        if calls == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owners[owner], name, deadly)


def ingest_and_die(
    folder: str, storage: str, method: str, call: int, when: str, local_model: bool = False, url: str = ""
) -> None:
    """Ingests with pruning and kills itself ``before`` or ``after`` the given call of a method, as kill -9 would.

    ``url`` names a Chroma server; processes of a fork server do not have the environment of who starts them.
    """
    os.environ.pop(URL_VARIABLE, None)
    if url:
        os.environ[URL_VARIABLE] = url
    make_deadly(OWNERS, method, call, when)
    batches.MAX_BATCH_FILES = 1
    ingest_run.ParsingPool = ParsingInPlace  # type: ignore[misc, assignment]
    run = ingest_locally if local_model else ingest
    run(Path(folder), Path(storage), prune=True)


class _Slow(HashEmbedding):
    seconds: float = 0.0

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        time.sleep(self.seconds)
        return super()._get_text_embeddings(texts)


class _Printing(IngestProgress):
    def file_done(self, result: FileResult) -> None:
        print(Path(result.path).name, result.status, flush=True)


def main() -> None:
    """``python -m ingest_process FOLDER STORAGE SECONDS FILES``: a slow run that commits so many files together and prints
    each; ``ready`` comes first."""
    folder, storage, seconds, together = sys.argv[1:]
    batches.MAX_BATCH_FILES = int(together)
    print("ready", flush=True)
    ingest_locally(
        folder,
        storage,
        workers=2,
        prune=True,
        embed_model=_Slow(model_name="hash", seconds=float(seconds)),
        progress=_Printing(),
    )


if __name__ == "__main__":
    # A shell that starts a command in the background has it ignore SIGINT, and its children with it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main()
