"""Shows that a change of the code leaves what is stored, retrieved and answered as it was.

    python benchmarks/same_results.py dump cmrc2018_trial.json xquad.en.json=xquad.zh.json --storage before --out before.json
    python benchmarks/same_results.py compare before.json after.json

`dump` is run once with the old code and once with the new (``PYTHONPATH`` decides which), each with a storage of its own.
It goes through the public contract only, but for what is stored, which it reads from Chroma.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import multiprocessing
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from corpus import build_corpus
from data_options import ConfigFile, MaxParagraphs
from llama_index.core.vector_stores.types import FilterOperator, MetadataFilter, MetadataFilters
from rich.console import Console

import qa_engine

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
DOCUMENTS = "documents"
TOP_K = 10
VECTOR_DECIMALS = 5
TOLERANCE = 1e-6
SHARED = 5
"""Questions of each collection that are also asked of all collections together."""
QUESTIONS = [
    "员工手册第五章规定了什么？",
    "What does the section on accuracy say about chlorophyll?",
    "净水机的故障代码有哪些？",
    "第4条 交付",
    "各批传感器分别在什么时候交付？",
    "加班工资怎么计算？",
]
FILTERED: list[tuple[str, str, FilterOperator, str | int]] = [
    ("保修期有多长？", "file", FilterOperator.EQ, "净水机说明书.pdf"),
    ("保修期有多长？", "file", FilterOperator.NE, "净水机说明书.pdf"),
    ("How long is the warranty period?", "file", FilterOperator.EQ, "供货合同*.pdf"),
    ("出差住宿的标准是多少？", "section", FilterOperator.EQ, "第五章"),
    ("多长时间之内要报告？", "page", FilterOperator.GTE, 3),
    ("保修期有多长？", "file", FilterOperator.EQ, "没有的文件.pdf"),
]
CONVERSATIONS = [
    ["净水机的前置复合滤芯多久更换一次？", "那反渗透滤芯呢？", "它保修吗？"],
    ["How much does one complete buoy cost?", "And the replacement of its sensor head?"],
]

app = typer.Typer(help="Record what is stored, retrieved and answered; compare two such records.")
progress_console = Console(stderr=True)


@dataclass(frozen=True)
class Source:
    """The PDFs of a collection, and what is asked about them."""

    name: str
    pdfs: Sequence[Path]
    questions: Sequence[str]


def passage_record(passage: Any) -> dict[str, Any]:
    """What has to stay the same of a passage."""
    metadata = passage.node.metadata
    return {
        "id": passage.node.node_id,
        "score": passage.score,
        "text": digest(passage.node.get_content()),
        "sentences": [sentence["node_id"] for sentence in metadata["sentences"]],
        **{key: metadata.get(key) for key in ("scores", "ranks", "file_name", "page", "page_end")},
        **{key: metadata.get(key) for key in ("section", "sentence", "tables", "collection")},
    }


def answer_record(answer: Any) -> dict[str, Any]:
    """What has to stay the same of an answer."""
    return {
        "response": answer.response,
        "refused": answer.refused,
        "probability": answer.probability,
        "citations": [asdict(citation) for citation in answer.citations],
    }


def digest(content: str | bytes) -> str:
    """A short hash."""
    data = content.encode() if isinstance(content, str) else content
    return hashlib.sha256(data).hexdigest()[:16]


def apart(function: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """What a function returns in a process of its own: clients of one Chroma folder in one process share their state."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def failures(source: Source, storage: Path, config: Path | None) -> dict[str, str]:
    """Ingests, and returns why files could not be read, by their names. A collection that is there is brought up to date."""
    report = qa_engine.ingest(source.pdfs, storage=storage, collection=source.name, config=config)
    return {Path(failure.file).name: failure.reason for failure in report.failures}


def stored_nodes(folder: Path) -> dict[str, dict[str, str]]:
    """Hashes of the nodes in a Chroma folder, by id: of text and metadata, and of the rounded vector.

    It also has Chroma search all vectors from now on. Otherwise its index, which begins with random numbers and is partly
    built anew each time it is opened, misses some 0.7 % of the nearest fifty, and other ones each time.
    """
    import chromadb
    from chromadb.config import Settings

    client = chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))
    [collection] = client.list_collections()
    collection.modify(configuration={"hnsw": {"ef_search": max(1, collection.count())}})
    rows: Any = collection.get(include=["documents", "metadatas", "embeddings"])
    # Plus zero, since minus zero has other bytes.
    vectors = np.round(np.asarray(rows["embeddings"], dtype=np.float64), VECTOR_DECIMALS) + 0.0
    nodes = zip(rows["ids"], rows["documents"], rows["metadatas"], vectors, strict=True)
    return {
        node_id: {
            "content": digest(json.dumps([text, metadata], ensure_ascii=False, sort_keys=True)),
            "vector": digest(vector.tobytes()),
        }
        for node_id, text, metadata, vector in sorted(nodes, key=lambda node: node[0])
    }


def collection_record(source: Source, storage: Path, config: Path | None) -> dict[str, Any]:
    """What a collection holds, made if it does not exist."""
    progress_console.print(f"ingesting into {source.name}", highlight=False)
    return {
        "failures": apart(failures, source, storage, config),
        "nodes": apart(stored_nodes, storage / source.name / "chroma"),
    }


@contextmanager
def opened(storage: Path, names: str | list[str], config: Path | None) -> Iterator[Any]:
    """An engine, closed at the end; those of older versions have nothing to close."""
    engine = qa_engine.QueryEngine.open(storage=storage, collection=names, config=config)
    try:
        yield engine
    finally:
        getattr(engine, "close", lambda: None)()


def question_record(engine: Any, question: str, filters: MetadataFilters | None = None) -> dict[str, Any]:
    """The passages and the answer of one question."""
    passages = engine.retrieve(question, top_k=TOP_K, filters=filters)
    return {
        "passages": [passage_record(passage) for passage in passages],
        "answer": answer_record(engine.query(question, filters=filters)),
    }


def question_records(engine: Any, name: str, questions: Iterable[str]) -> dict[str, Any]:
    """What is retrieved and answered for each question, under a key that names it."""
    progress_console.print(f"asking {name}", highlight=False, soft_wrap=True)
    return {f"{name}: {question}": question_record(engine, question) for question in questions}


def example_records(engine: Any) -> dict[str, Any]:
    """The example PDFs asked with filters, without blocking, in streams and in conversations."""
    records: dict[str, Any] = {}
    for question, key, operator, value in FILTERED:
        filters = MetadataFilters(filters=[MetadataFilter(key=key, value=value, operator=operator)])
        records[f"{question} ({key} {operator.value} {value})"] = question_record(engine, question, filters)
    for question in QUESTIONS:
        records[f"async: {question}"] = {"answer": answer_record(asyncio.run(engine.aquery(question)))}
        stream = engine.stream(question)
        records[f"stream: {question}"] = {"text": "".join(stream), "answer": answer_record(stream.answer)}
    for turns in CONVERSATIONS:
        chat = engine.chat()
        records[f"chat: {turns[0]}"] = {turn: answer_record(chat.ask(turn)) for turn in turns}
    return records


def questions_of(file: Path) -> list[str]:
    """The questions of a JSONL file; lines without one are passed over."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line["question"] for line in map(json.loads, lines) if "question" in line]


def data_set_source(item: str, storage: Path, max_questions: int, max_paragraphs: int | None) -> Source:
    """The PDFs and the questions of an argument DOCUMENTS or DOCUMENTS=QUESTIONS."""
    documents, _, wordings = item.partition("=")
    name = re.sub(r"[^a-z0-9]+", "-", f"{Path(documents).stem} {Path(wordings).stem}".strip().lower())
    corpus = build_corpus(
        Path(documents),
        storage / "pdf" / name,
        questions=Path(wordings) if wordings else None,
        max_paragraphs=max_paragraphs,
        max_questions=max_questions,
        unanswerable=True,
    )
    return Source(name, corpus.files, [question.question for question in corpus.questions])


def counts(content: dict[str, Any]) -> str:
    """How much a record holds."""
    nodes = sum(len(collection["nodes"]) for collection in content["collections"].values())
    collections, questions = len(content["collections"]), len(content["questions"])
    return f"{nodes} nodes in {collections} collections, {questions} questions"


def differences(before: Any, after: Any, tolerance: float, place: str = "") -> Iterator[str]:
    """A line for each difference of two records.

    Args:
        before: JSON content.
        after: JSON content.
        tolerance: most that two fractions may differ by; everything else has to be equal.
        place: where the two stand in the whole.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        if before.get("id") != after.get("id"):  # another passage: that all of it differs says nothing more
            yield f"{place}/id: {before.get('id')!r}, now {after.get('id')!r}"
            return
        for key in before | after:
            if key not in after or key not in before:
                yield f"{place}/{key}: {'is missing' if key in before else 'is new'}"
            else:
                yield from differences(before[key], after[key], tolerance, f"{place}/{key}")
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            yield f"{place}: {len(before)} entries, now {len(after)}"
        for number, (one, other) in enumerate(zip(before, after, strict=False), start=1):
            yield from differences(one, other, tolerance, f"{place}/{number}")
    elif isinstance(before, float) and isinstance(after, float):
        if not abs(before - after) <= tolerance:
            yield f"{place}: {before}, now {after} ({after - before:+.2g})"
    elif before != after or type(before) is not type(after):
        yield f"{place}: {before!r}, now {after!r}"


@app.command()
def dump(
    data: Annotated[
        list[str], typer.Argument(help="SQuAD-style JSON; DOCUMENTS=QUESTIONS for two languages.")
    ],
    storage: Annotated[Path, typer.Option(help="For PDFs and collections; may be there already.")],
    out: Annotated[Path, typer.Option(help="JSON file to write.")],
    max_questions: Annotated[int, typer.Option(min=1, help="Of each data set.")] = 40,
    max_paragraphs: MaxParagraphs = None,
    pdf: Annotated[list[Path] | None, typer.Option(help="PDFs or folders beside examples/.")] = None,
    ask: Annotated[list[Path] | None, typer.Option(help="JSONL with a question a line about those.")] = None,
    config: ConfigFile = None,
) -> None:
    """Record what the qa_engine that is imported stores, retrieves and answers."""
    sources = [data_set_source(item, storage, max_questions, max_paragraphs) for item in data]
    pdfs = [*sorted(EXAMPLES.glob("*.pdf")), *(pdf or [])]
    lists = map(questions_of, [EXAMPLES / "questions.jsonl", *(ask or [])])
    sources.append(Source(DOCUMENTS, pdfs, [*itertools.chain(*lists), *QUESTIONS]))
    collections = {source.name: collection_record(source, storage, config) for source in sources}
    questions: dict[str, Any] = {}
    for source in sources:
        with opened(storage, source.name, config) as engine:
            questions |= question_records(engine, source.name, source.questions)
            if source.name == DOCUMENTS:
                questions |= example_records(engine)
    names = [source.name for source in sources]
    with opened(storage, names, config) as engine:
        shared = itertools.chain(*(source.questions[:SHARED] for source in sources))
        questions |= question_records(engine, " + ".join(names), shared)
    out.parent.mkdir(parents=True, exist_ok=True)
    content = {"collections": collections, "questions": questions}
    out.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
    refused = sum(record["answer"]["refused"] for record in questions.values() if "answer" in record)
    typer.echo(f"{counts(content)}, {refused} of them refused: {out}")


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(help="A file that dump wrote.")],
    after: Annotated[Path, typer.Argument(help="Another one.")],
    tolerance: Annotated[float, typer.Option(min=0, help="Of scores, probabilities and boxes.")] = TOLERANCE,
    most: Annotated[int, typer.Option(min=1, help="Differences to print.")] = 50,
) -> None:
    """List what differs between two records, and exit with 1 if anything does."""
    old, new = (json.loads(file.read_text(encoding="utf-8")) for file in (before, after))
    lines = list(differences(old, new, tolerance))
    for line in lines[:most]:
        typer.echo(line)
    if lines:
        typer.echo(f"{len(lines)} differences between {before} and {after}.")
        raise typer.Exit(1)
    typer.echo(f"The same within {tolerance:g}: {counts(old)}.")


if __name__ == "__main__":
    app()
