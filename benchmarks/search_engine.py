"""A question over a collection in a search engine against the same question over an embedded one, and what cannot be saved.

    PYTHONPATH=tests python benchmarks/search_engine.py --sentences 10000
    PYTHONPATH=tests python benchmarks/search_engine.py --sentences 10000 --rerank
    PYTHONPATH=tests python benchmarks/search_engine.py --sentences 1000000 --no-embedded --work /somewhere

Sentences and vectors are invented as in `large_index`. With --rerank, questions are asked as users ask them: the
configuration is the default one, and invented PDFs are ingested as in `query`, with their token vectors. One node of
OpenSearch and a Chroma server run on the same machine. Both collections and the floor take turns, question by question, in
one process; the floor is one bare search for the same terms, and one GET for nothing. With --work, collections that are
there already are used.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from asking import progress_console
from corpus import SEED
from large_index import COLLECTION, build
from query import COLLECTION as INGESTED
from query import build_index
from report import RESULTS, Report, publish
from rich.progress import track
from texts import SentenceMaker

from qa_engine.config import Config
from qa_engine.evaluation.metrics.ranking import TOP_K
from qa_engine.evaluation.metrics.significance import percentile

_QUESTION_CHARS = 12
_WARM = 20
_EMBEDDED = 500
"""Sentences whose vectors are real."""
LIMIT = 3.0
"""How many times as long as over an embedded collection a question may take."""


@contextmanager
def counted_requests() -> Iterator[Counter[str]]:
    """Counts the requests to the search engine by what they ask for."""
    from qa_engine.index.search_engine.connection.client import SearchEngine

    counts: Counter[str] = Counter()
    lock = threading.Lock()
    request = SearchEngine.request

    def counting(self: SearchEngine, method: str, path: str, *args: Any, **options: Any) -> Any:
        index, _, asked = path.lstrip("/").partition("/")
        with lock:
            counts[f"{index.rpartition('-')[2]} {asked.partition('/')[0]}"] += 1
        return request(self, method, path, *args, **options)

    SearchEngine.request = counting  # type: ignore[method-assign]
    try:
        yield counts
    finally:
        SearchEngine.request = request  # type: ignore[method-assign]


def seconds_of(work: Callable[[], object]) -> float:
    """How long some work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def disk_bytes(url: str, prefix: str) -> int:
    """What the indices of a search engine take on disk."""
    import urllib3

    stats = urllib3.request("GET", f"{url}/{prefix}-*/_stats/store").json()
    return int(stats["_all"]["total"]["store"]["size_in_bytes"])


def main(
    sentences: Annotated[int, typer.Option(min=1000)] = 10_000,
    questions: Annotated[int, typer.Option(min=1)] = 200,
    shards: Annotated[int, typer.Option(min=1)] = 1,
    seed: Annotated[int, typer.Option()] = SEED,
    rerank: Annotated[bool, typer.Option(help="Ask as users do, with the default reranker.")] = False,
    embedded: Annotated[bool, typer.Option(help="Ask an embedded collection as well.")] = True,
    heap: Annotated[str, typer.Option(help="Memory of the search engine.")] = "1g",
    work: Annotated[Path | None, typer.Option(help="Keep the collections here, or use those here.")] = None,
    out: Annotated[Path, typer.Option(help="Directory for the JSON and Markdown results.")] = RESULTS,
) -> None:
    """Measure questions over a collection in a search engine."""
    import urllib3
    from chroma_process import ChromaProcess
    from search_server import SearchCluster

    from qa_engine import QueryEngine
    from qa_engine.text.tokenizer import tokenize

    with ExitStack() as stack:
        folder = work or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="qa-benchmark-")))
        server = stack.enter_context(served(SearchCluster, folder / "search", heap))
        (folder / "chroma").mkdir(parents=True, exist_ok=True)
        chroma = stack.enter_context(ChromaProcess(folder / "chroma"))
        settings: dict[str, Any] = {} if rerank else {"rerank": {"model": "none"}}
        index = {"url": chroma.url, "search_url": server.url, "search_shards": shards, "search_replicas": 0}
        places = {"search engine": (folder / "cluster", Config.of({**settings, "index": index}))}
        if embedded:
            places["embedded"] = (folder / "embedded", Config.of(settings))
        collection = INGESTED if rerank else COLLECTION
        count = questions + _WARM
        maker = SentenceMaker(seed + 1)
        asked = [f"{maker.chinese()[:_QUESTION_CHARS]}是什么？" for _ in range(count)]
        built = {}
        for name, (place, config) in places.items():
            done = folder / f"{name}.built"
            started = time.perf_counter()
            if rerank:
                asked = build_index(place, None, sentences, count, seed, config)
                built[name] = {"ingestion": time.perf_counter() - started}
            elif not done.exists():
                built[name] = build(place, sentences, seed, config, _EMBEDDED)
                done.touch()
        engines = {}
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        opened = {}
        for name, (place, config) in places.items():
            started = time.perf_counter()
            storage = place / "storage" if rerank else place
            engine = QueryEngine.open(storage=storage, collection=collection, config=config)
            engines[name] = stack.enter_context(engine)
            engine.retrieve(asked[0], top_k=TOP_K)
            opened[name] = time.perf_counter() - started
        pool = urllib3.PoolManager()
        (target,) = [
            one["index"]
            for one in pool.request(
                "GET", f"{server.url}/_cat/indices/*-{collection}-*-sentences-1?format=json"
            ).json()
        ]
        fields = pool.request("GET", f"{server.url}/{target}/_mapping").json()[target]["mappings"][
            "properties"
        ]
        field = next(name for name in fields if name.startswith("terms_") and not name.endswith("_count"))

        def bare(question: str) -> None:
            should = [{"term": {field: term}} for term in dict.fromkeys(tokenize(question))]
            body = {"size": 70, "query": {"bool": {"should": should}}, "track_total_hits": False}
            pool.request("POST", f"{server.url}/{target}/_search", json=body).json()

        rounds: dict[str, list[float]] = {name: [] for name in [*engines, "bare search", "bare GET"]}
        requests: Counter[str] = Counter()
        for number, question in enumerate(track(asked, "asking", console=progress_console, transient=True)):
            taken = {}
            for name, engine in engines.items():
                with counted_requests() as counts:
                    taken[name] = seconds_of(lambda by=engine, text=question: by.retrieve(text, top_k=TOP_K))
                if number >= _WARM:
                    requests.update(counts)
            taken["bare search"] = seconds_of(lambda text=question: bare(text))
            taken["bare GET"] = seconds_of(lambda: pool.request("GET", server.url).data)
            if number >= _WARM:
                for name, value in taken.items():
                    rounds[name].append(value)
        disk = disk_bytes(server.url, f"qa-engine-{collection}")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows = [
        [name, f"{percentile(one, 0.5) * 1e3:.1f}", f"{percentile(one, 0.95) * 1e3:.1f}"]
        for name, one in rounds.items()
    ]
    ratio = (
        percentile(rounds["search engine"], 0.5) / percentile(rounds["embedded"], 0.5) if embedded else None
    )
    per_question = {name: count / questions for name, count in sorted(requests.items())}
    notes = [
        f"{sentences:,} invented sentences, {questions} questions, {shards} shards, seed {seed}, top {TOP_K}; "
        + ("the default configuration." if rerank else "no reranker."),
        "Requests to the search engine of a question: "
        + ", ".join(f"{name} {count:.2f}" for name, count in per_question.items())
        + f"; {sum(per_question.values()):.1f} in all.",
        f"First question, with opening: {', '.join(f'{name} {value:.1f} s' for name, value in opened.items())}.",
        f"Search engine on disk: {disk / sentences:,.0f} bytes a sentence.",
        f"Memory of this process: {memory / 2**10:,.0f} MiB at most, {before / 2**10:,.0f} before collections were opened.",
        *(f"{name}, built, ms a sentence: {_per_sentence(one, sentences)}." for name, one in built.items()),
    ]
    if ratio is not None:
        notes.append(
            f"Ratio of the medians, search engine to embedded: {ratio:.2f}, at most {LIMIT:g} is aimed at."
        )
    report = Report(f"Questions over {sentences:,} sentences", ["", "p50 ms", "p95 ms"], rows, notes)
    publish(
        out,
        "search_engine_reranked" if rerank else "search_engine",
        [report],
        {
            "sentences": sentences,
            "seconds": rounds,
            "ratio": ratio,
            "requests": per_question,
            "built": built,
            "opened": opened,
            "disk_bytes": disk,
            "memory_mib": memory / 2**10,
        },
    )


def _per_sentence(seconds: dict[str, float], sentences: int) -> str:
    return ", ".join(f"{part} {value / sentences * 1e3:.2f}" for part, value in seconds.items())


@contextmanager
def served(cluster: Any, folder: Path, heap: str) -> Iterator[Any]:
    """A search engine with its data in a folder, which may have some already."""
    server = cluster("opensearch-2", folder, heap=heap)
    server.prepare()
    with server:
        yield server


if __name__ == "__main__":
    sys.exit(typer.run(main))
