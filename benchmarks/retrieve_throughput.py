"""Questions a second that `QueryEngine.retrieve` answers from several threads, and what each costs the processor.

    python benchmarks/retrieve_throughput.py                        # invented text
    python benchmarks/retrieve_throughput.py cmrc2018_trial.json    # real text, repeated up to the size

Where other work shares the machine, processor time counts, and questions a second do not. Before the measurement all that
was imported and opened is taken from garbage collection, as `qa-engine serve` does.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from concurrency import Run, in_loop, in_threads
from corpus import SEED
from data_options import ConfigFile, Out
from query import COLLECTION, build_index
from report import RESULTS, Report, cores, measured_settings, publish

from qa_engine import Config, QueryEngine
from qa_engine.evaluation.metrics.ranking import TOP_K
from qa_engine.evaluation.metrics.significance import percentile

_WARM_UP = 16


@dataclass(frozen=True)
class Throughput:
    """How one way of asking went.

    Attributes:
        run: the questions and their times.
        processor_seconds: of all threads of the process.
    """

    run: Run
    processor_seconds: float

    @property
    def processor_ms(self) -> float:
        """Processor time a question, in milliseconds."""
        return self.processor_seconds * 1e3 / len(self.run.each)


def measured(ask: Callable[[], Run]) -> Throughput:
    """A run with its processor time."""
    before = time.process_time()
    run = ask()
    return Throughput(run, time.process_time() - before)


def measure(engine: QueryEngine, questions: Sequence[str], threads: Sequence[int]) -> list[Throughput]:
    """Asks all questions from each number of threads, then as many at once as the largest in an event loop."""
    retrieve = partial(engine.retrieve, top_k=TOP_K)
    aretrieve = partial(engine.aretrieve, top_k=TOP_K)
    for question in questions[:_WARM_UP]:
        retrieve(question)
    gc.collect()
    gc.freeze()
    results = []
    for number in threads:
        name = f"retrieve, {number} threads" if number > 1 else "retrieve, one thread"
        results.append(measured(partial(in_threads, name, retrieve, questions, number)))
    at_once = max(threads)
    name = f"aretrieve, {at_once} at once"
    results.append(measured(lambda: asyncio.run(in_loop(name, aretrieve, questions, at_once))))
    return results


def throughput_report(title: str, results: Sequence[Throughput], notes: Sequence[str]) -> Report:
    """A row for each way of asking."""
    rows = [
        [
            result.run.name,
            f"{result.run.rate:.1f}",
            f"{result.processor_ms:.1f}",
            f"{statistics.median(result.run.each) * 1e3:.0f}",
            f"{percentile(result.run.each, 0.95) * 1e3:.0f}",
            "–" if result.run.longest_block is None else f"{result.run.longest_block * 1e3:.0f}",
        ]
        for result in results
    ]
    columns = ["", "questions/s", "processor ms a question", "p50 ms", "p95 ms", "blocked ms"]
    return Report(title, columns, rows, notes)


def main(
    data: Annotated[Path | None, typer.Argument(help="SQuAD-style JSON; invented text without.")] = None,
    nodes: Annotated[int, typer.Option(min=100, help="About so many sentences.")] = 8_000,
    questions: Annotated[int, typer.Option(min=1)] = 400,
    threads: Annotated[str, typer.Option(help="Numbers of threads, with commas between.")] = "1,8,32",
    seed: Annotated[int, typer.Option()] = SEED,
    work: Annotated[
        Path | None, typer.Option(help="Keep the index here, and use the one that is here.")
    ] = None,
    out: Out = RESULTS,
    config: ConfigFile = None,
) -> None:
    """Measure how many questions a second several threads get answered."""
    settings = Config.load(config)
    with tempfile.TemporaryDirectory(prefix="qa-benchmark-") as scratch:
        place = work or Path(scratch)
        asked = build_index(place, data, nodes, questions, seed, settings)
        with QueryEngine.open(place / "storage", COLLECTION, settings) as engine:
            results = measure(engine, asked, [int(number) for number in threads.split(",")])
    source = data.name if data else "invented text"
    title = f"Retrieval from several threads, about {nodes:,} sentences, {cores()} processors"
    notes = [f"{source}, {len(asked)} questions, seed {seed}, top {TOP_K}; no language model."]
    content = {
        "data": source,
        "nodes": nodes,
        "questions": len(asked),
        "seed": seed,
        "settings": measured_settings(settings),
        "runs": [{**asdict(one), "rate": one.run.rate, "processor_ms": one.processor_ms} for one in results],
    }
    publish(out, "retrieve_throughput", [throughput_report(title, results, notes)], content)


if __name__ == "__main__":
    typer.run(main)
