"""One way to ingest a folder of PDFs, in a process of its own: ``ingest.py`` starts it and reads the JSON it prints.

    python benchmarks/ingest_child.py NAME FOLDER STORAGE

All ways have the same files and the same local embedding model.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from threading import enumerate as enumerate_threads
from typing import Any

_SAMPLE_SECONDS = 0.5
_SLICE = 512
"""Texts that the bare model gets at once; it sorts them by length."""
_CHUNK_SIZE, _CHUNK_OVERLAP = 512, 50
_CHUNK_CHARS, _CHUNK_CHARS_OVERLAP = 1000, 200
_WINDOW = 3
_SENTENCE_END = re.compile(r"(?<=[。！？])|(?<=[.!?])\s+")
_GROUPS = {"e5": "model", "embedding": "model", "MainThread": "storing"}
"""What threads do, by how their names begin."""
_AT_ONCE = 5000
"""Chunks that LangChain stores at once: Chroma takes 5,461."""


TIMINGS: dict[str, float] = {}
"""Seconds by stage of the last ingest of ours; see `IngestReport.timings`."""


def ours(folder: Path, storage: Path) -> int:
    """`qa_engine.ingest` with its defaults. Returns the nodes."""
    from qa_engine import Config, ingest

    report = ingest(folder, storage, config=Config.load())
    TIMINGS.update(report.timings)
    return report.nodes


def ours_without_tokens(folder: Path, storage: Path) -> int:
    """The same without token vectors for the reranker."""
    from qa_engine import Config, ingest

    return ingest(folder, storage, config=Config.load(embedding={"token_bits": 0})).nodes


def ours_with_neighbours(folder: Path, storage: Path) -> int:
    """The same with each sentence embedded in a pass of its own, beside its neighbours."""
    from qa_engine import Config, ingest

    return ingest(folder, storage, config=Config.load(embedding={"pass_chars": 0})).nodes


def bare(folder: Path, storage: Path) -> int:
    """Parsing, and the same texts through the bare model; nothing is stored."""
    from qa_engine.config import Config
    from qa_engine.documents.pdf.reading import read_pdf
    from qa_engine.documents.pdf_document import PdfDocument
    from qa_engine.documents.processes.parsing_pool import reading_options
    from qa_engine.documents.sentences.node_parser import SentenceNodeParser
    from qa_engine.ingestion.embedding_windows import embedding_windows
    from qa_engine.models.e5.encoder import PASSAGE_PREFIX
    from qa_engine.models.embedding import LocalEmbedding

    config = Config.load()
    model, context = LocalEmbedding(), config.embedding
    count = 0
    for path in sorted(folder.glob("*.pdf")):
        document = PdfDocument.of(read_pdf(path, reading_options(config.documents)), path)
        nodes = SentenceNodeParser().get_nodes_from_documents([document])
        passes = embedding_windows(nodes, model, context.pass_chars, context.context_sentences)
        texts = [PASSAGE_PREFIX + each.text for each in passes]
        for start in range(0, len(texts), _SLICE):
            model.encoder.embed(texts[start : start + _SLICE])
        count += len(nodes)
    return count


def llamaindex_sentences(folder: Path, storage: Path) -> int:
    """LlamaIndex: sentence nodes with windows in their metadata, in Chroma."""
    from llama_index.core.node_parser import SentenceWindowNodeParser

    return _llamaindex(folder, storage, SentenceWindowNodeParser.from_defaults(window_size=_WINDOW))


def llamaindex_chinese_sentences(folder: Path, storage: Path) -> int:
    """The same with a splitter that knows where Chinese sentences end, as who reads Chinese would give it."""
    from llama_index.core.node_parser import SentenceWindowNodeParser

    parser = SentenceWindowNodeParser.from_defaults(sentence_splitter=_split_at_marks, window_size=_WINDOW)
    return _llamaindex(folder, storage, parser)


def _split_at_marks(text: str) -> list[str]:
    return [sentence for sentence in _SENTENCE_END.split(text) if sentence.strip()]


def llamaindex_chunks(folder: Path, storage: Path) -> int:
    """LlamaIndex: chunks of 512 tokens, in Chroma."""
    from llama_index.core.node_parser import SentenceSplitter

    splitter = SentenceSplitter(chunk_size=_CHUNK_SIZE, chunk_overlap=_CHUNK_OVERLAP)
    return _llamaindex(folder, storage, splitter)


def _llamaindex(folder: Path, storage: Path, parser: object) -> int:
    import chromadb
    from llama_index.core import Document
    from llama_index.core.ingestion import IngestionPipeline
    from llama_index.vector_stores.chroma import ChromaVectorStore
    from page_texts import page_texts

    from qa_engine.models.embedding import LocalEmbedding

    collection = chromadb.PersistentClient(str(storage / "chroma")).create_collection("benchmark")
    pipeline = IngestionPipeline(
        transformations=[parser, LocalEmbedding()],  # type: ignore[list-item]
        vector_store=ChromaVectorStore(chroma_collection=collection),
    )
    nodes = 0
    # A file at a time: with more than 5,461 nodes at once, Chroma refuses what the pipeline has embedded.
    for path in sorted(folder.glob("*.pdf")):
        documents = [
            Document(text=page.text, metadata={"file_name": page.file, "page_label": str(page.number)})
            for page in page_texts([path])
        ]
        nodes += len(pipeline.run(documents=documents))
    return nodes


def langchain_chunks(folder: Path, storage: Path) -> int:
    """LangChain: chunks of 1,000 characters, in Chroma."""
    from langchain_community.vectorstores import Chroma
    from langchain_core.documents import Document
    from langchain_text_splitters import RecursiveCharacterTextSplitter
    from page_texts import page_texts
    from peers_langchain import SharedEmbeddings

    from qa_engine.models.embedding import LocalEmbedding

    pages = [
        Document(page_content=page.text, metadata={"source": page.file, "page": page.number})
        for page in page_texts(sorted(folder.glob("*.pdf")))
    ]
    splitter = RecursiveCharacterTextSplitter(
        chunk_size=_CHUNK_CHARS,
        chunk_overlap=_CHUNK_CHARS_OVERLAP,
        separators=["\n\n", "\n", "。", ". ", " ", ""],
    )
    chunks = splitter.split_documents(pages)
    store = Chroma(
        embedding_function=SharedEmbeddings(LocalEmbedding()), persist_directory=str(storage / "chroma")
    )
    for start in range(0, len(chunks), _AT_ONCE):
        store.add_documents(chunks[start : start + _AT_ONCE])
    return len(chunks)


WAYS: dict[str, Callable[[Path, Path], int]] = {
    "bare": bare,
    "qa_engine": ours,
    "qa_engine, no token vectors": ours_without_tokens,
    "qa_engine, with neighbours": ours_with_neighbours,
    "LlamaIndex sentence windows": llamaindex_sentences,
    "LlamaIndex sentence windows, Chinese ends": llamaindex_chinese_sentences,
    "LlamaIndex chunks": llamaindex_chunks,
    "LangChain chunks": langchain_chunks,
}


def main() -> None:
    """Runs one way and prints what it took."""
    name, folder, storage = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    storage.mkdir(parents=True, exist_ok=True)
    samples: list[float] = []
    ended, threads = Event(), ThreadTimes()
    sampler = Thread(target=_sample, args=(samples, threads, ended), daemon=True)
    sampler.start()
    tokens = count_tokens()
    started = time.perf_counter()
    nodes = WAYS[name](folder, storage)
    seconds = time.perf_counter() - started
    ended.set()
    sampler.join()
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(
        json.dumps(
            {
                "seconds": seconds,
                "cpu_seconds": sum(map(_cpu_seconds, (own, children))),
                "stages": TIMINGS,
                "cpu_by_thread": {
                    **threads.by_group(_cpu_seconds(own)),
                    "reading processes": _cpu_seconds(children),
                },
                "nodes": nodes,
                "tokens": sum(tokens),
                "peak_megabytes": own.ru_maxrss / 1024,
                "worker_peak_megabytes": children.ru_maxrss / 1024,
                "megabytes": samples,
                "disk_bytes": sum(file.stat().st_size for file in storage.rglob("*") if file.is_file()),
            }
        )
    )


def count_tokens() -> list[int]:
    """Has the local model note the tokens of every call, without those beyond its 512 a text."""
    from qa_engine.models.e5.encoder import E5Encoder

    counts: list[int] = []
    batches = E5Encoder._batches

    def counting(encoder: E5Encoder, encodings: Sequence[Any]) -> Iterator[Any]:
        counts.append(sum(len(encoding.ids) for encoding in encodings))
        return batches(encoder, encodings)

    E5Encoder._batches = counting  # type: ignore[method-assign]
    return counts


class ThreadTimes:
    """The processor seconds of the threads of this process, as far as they were looked at; Linux only."""

    def __init__(self) -> None:
        self._seconds: dict[int, tuple[str, float]] = {}

    def look(self) -> None:
        """Notes what each thread has used."""
        named = {thread.native_id: thread.name for thread in enumerate_threads()}
        for task in Path("/proc/self/task").iterdir():
            with suppress(OSError):  # it has just ended
                used = (task / "stat").read_text().rpartition(")")[2].split()[11:13]
                seconds = sum(map(int, used)) / os.sysconf("SC_CLK_TCK")
                self._seconds[int(task.name)] = (named.get(int(task.name), "libraries"), seconds)

    def by_group(self, total: float) -> dict[str, float]:
        """Seconds by what a thread does; ``libraries`` are those that Chroma starts, and what nobody saw of ``total``."""
        groups = {"model": 0.0, "storing": 0.0, "libraries": total}
        for name, seconds in self._seconds.values():
            group = next((group for prefix, group in _GROUPS.items() if name.startswith(prefix)), "libraries")
            if group != "libraries":
                groups[group] += seconds
                groups["libraries"] -= seconds
        return groups


def _cpu_seconds(usage: resource.struct_rusage) -> float:
    return usage.ru_utime + usage.ru_stime


def _sample(samples: list[float], threads: ThreadTimes, ended: Event) -> None:
    """The resident memory of this process, in MB, and its threads, every half second; Linux only."""
    status = Path("/proc/self/statm")
    while status.exists() and not ended.wait(_SAMPLE_SECONDS):
        samples.append(int(status.read_text().split()[1]) * resource.getpagesize() / 1e6)
        threads.look()


if __name__ == "__main__":
    main()
