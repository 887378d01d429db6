"""Latency and memory of a question over a million sentences, without a language model and without a reranker.

    python benchmarks/large_index.py --sentences 1000000 --work /somewhere

Embedding a million sentences takes hours, so the vectors are invented: those of some thousand invented sentences, with
noise. What is searched, Chroma, BM25 and the catalog, is what `ingest` makes; the questions are embedded by the local
model. With --work, an index that is there already is used.
"""

from __future__ import annotations

import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from asking import progress_console
from corpus import SEED
from report import RESULTS, Report, publish
from rich.progress import track
from texts import SentenceMaker

from qa_engine.config import Config
from qa_engine.evaluation.metrics.ranking import TOP_K
from qa_engine.evaluation.metrics.significance import percentile

COLLECTION = "large"
_SENTENCES_A_FILE = 1000
_EMBEDDED = 4000
"""Sentences whose vectors are real."""
_NOISE = 0.5
"""Length of the noise that is added to a vector of length 1."""
_QUESTION_CHARS = 12


def build(
    storage: Path, sentences: int, seed: int, config: Config, embedded: int = _EMBEDDED
) -> dict[str, float]:
    """Writes an index of invented sentences as `ingest` leaves it, where the configuration says.

    Returns the seconds that its parts took. ``embedded`` is the number of sentences whose vectors are real.
    """
    import json

    from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode

    from qa_engine.documents.sentences.node_ids import node_id
    from qa_engine.index.collection import embedding_identity
    from qa_engine.index.opening import writable_catalog
    from qa_engine.index.records import DocumentParts, FileRecord
    from qa_engine.index.vectors.chroma_rows import stored_sentence
    from qa_engine.ingestion.report import IngestProgress
    from qa_engine.ingestion.writing.publishing import publish as publish_index
    from qa_engine.ingestion.writing.stored_nodes import StoredNodes
    from qa_engine.models.e5.encoder import PASSAGE_PREFIX
    from qa_engine.models.e5.shared import shared_encoder
    from qa_engine.text.tokenizer import TOKENIZER_VERSION, tokenize

    maker = SentenceMaker(seed)
    real = shared_encoder().embed([PASSAGE_PREFIX + maker.chinese() for _ in range(embedded)])
    seconds = dict.fromkeys(("vectors", "terms and texts", "publishing"), 0.0)
    chance = np.random.default_rng(seed)
    with writable_catalog(storage, COLLECTION, config, create=True) as (paths, catalog):
        identity = json.dumps(embedding_identity(config.embedding))
        catalog.set_meta(name=COLLECTION, identity=identity, analyser=TOKENIZER_VERSION)
        stored = StoredNodes(catalog, paths, config)
        for number in track(
            range(sentences // _SENTENCES_A_FILE), "writing", console=progress_console, transient=True
        ):
            document = f"{number:020x}"
            texts = [maker.chinese() for _ in range(_SENTENCES_A_FILE)]
            noise = chance.normal(size=(len(texts), real.shape[1])) / np.sqrt(real.shape[1])
            vectors = real[chance.integers(len(real), size=len(texts))] + _NOISE * noise
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            place = {"file_name": f"{number}.pdf", "page": 1, "page_end": 1, "paragraph": 0}
            nodes = [
                TextNode(
                    id_=node_id(document, row),
                    text=text,
                    metadata=place,
                    embedding=vectors[row].tolist(),
                    relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=document)},
                )
                for row, text in enumerate(texts)
            ]
            catalog.begin(document, len(nodes))
            started = time.perf_counter()
            stored.store.add(nodes)
            seconds["vectors"] += time.perf_counter() - started
            record = FileRecord(f"/{number}.pdf", f"{number}.pdf", 0, 0, 0, document, "", document)
            record = replace(record, pages=1, nodes=len(nodes), chinese_nodes=len(nodes))
            sentences_of = [stored_sentence(node) for node in nodes]
            terms = [tokenize(text) for text in texts]
            started = time.perf_counter()
            catalog.commit(record, DocumentParts([], terms, sentences=sentences_of))
            seconds["terms and texts"] += time.perf_counter() - started
        started = time.perf_counter()
        publish_index(catalog, paths, config.bm25, IngestProgress(), stored)
        seconds["publishing"] = time.perf_counter() - started
    return seconds


def main(
    sentences: Annotated[int, typer.Option(min=_SENTENCES_A_FILE)] = 1_000_000,
    questions: Annotated[int, typer.Option(min=1)] = 200,
    seed: Annotated[int, typer.Option()] = SEED,
    work: Annotated[Path | None, typer.Option(help="Keep the index here, or use the one here.")] = None,
    out: Annotated[Path, typer.Option(help="Directory for the JSON and Markdown results.")] = RESULTS,
) -> None:
    """Measure questions over many invented sentences."""
    from qa_engine import QueryEngine

    config = Config.of({"rerank": {"model": "none"}})
    with tempfile.TemporaryDirectory(prefix="qa-benchmark-") as scratch:
        storage = work or Path(scratch)
        built = 0.0
        if not (storage / COLLECTION).exists():
            started = time.perf_counter()
            build(storage, sentences, seed, config)
            built = time.perf_counter() - started
        maker = SentenceMaker(seed + 1)
        asked = [f"{maker.chinese()[:_QUESTION_CHARS]}是什么？" for _ in range(questions + 20)]
        started = time.perf_counter()
        engine = QueryEngine.open(storage=storage, collection=COLLECTION, config=config)
        engine.retrieve(asked[0], top_k=TOP_K)
        first = time.perf_counter() - started
        for question in asked[1:20]:
            engine.retrieve(question, top_k=TOP_K)
        seconds = []
        for question in track(asked[20:], "asking", console=progress_console, transient=True):
            started = time.perf_counter()
            engine.retrieve(question, top_k=TOP_K)
            seconds.append(time.perf_counter() - started)
        disk = sum(file.stat().st_size for file in (storage / COLLECTION).rglob("*") if file.is_file())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    rows: list[tuple[str, float, str]] = [
        ("p50 ms", percentile(seconds, 0.5) * 1e3, ".0f"),
        ("p95 ms", percentile(seconds, 0.95) * 1e3, ".0f"),
        ("first question s", first, ".1f"),
        ("memory at most GiB", memory, ".1f"),
        ("disk GiB", disk / 2**30, ".1f"),
        ("bytes on disk a sentence", disk / sentences, ".0f"),
    ]
    notes = [
        f"Invented sentences and vectors, {questions} questions of the local model, seed {seed}, top {TOP_K}; no reranker.",
        f"Built in {built:,.0f} s in this process, whose memory is counted."
        if built
        else "The index was there.",
    ]
    results: dict[str, Any] = {
        "sentences": sentences,
        "questions": questions,
        "seed": seed,
        "build_seconds": built,
    }
    report = Report(
        f"Questions over {sentences:,} sentences",
        ["", ""],
        [[name, f"{value:{form}}"] for name, value, form in rows],
        notes,
    )
    publish(out, "large_index", [report], results | {name: value for name, value, _ in rows})


if __name__ == "__main__":
    typer.run(main)
