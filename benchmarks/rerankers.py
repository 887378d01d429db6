"""Our default reranker beside stock SentenceTransformerRerank with models of your choice, on the same candidates.

python benchmarks/rerankers.py cmrc2018_trial.json --model BAAI/bge-reranker-v2-m3
python benchmarks/rerankers.py xquad.en.json --questions xquad.zh.json --model ./bge-reranker-v2-m3
"""

from __future__ import annotations

import copy
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from asking import Scores, progress_console
from comparison import BUDGET, GAIN, RANKS, difference, difference_report, step_report
from corpus import PARAGRAPHS_PER_FILE, SEED, Question
from data_options import (
    MAX_QUESTIONS,
    ConfigFile,
    Data,
    MaxParagraphs,
    MaxQuestions,
    Out,
    ParagraphsPerFile,
    Questions,
    Sample,
    Seed,
)
from llama_index.core.schema import NodeWithScore, QueryBundle
from pipelines import (
    COLLECTION,
    FUSED,
    OURS,
    build_ours,
    embedding_model,
    texts,
    without_reranker,
)
from report import RESULTS, measured_settings, publish
from rich.progress import track

from qa_engine.config import Config
from qa_engine.evaluation.metrics.ranking import TOP_K

Rerank = Callable[[list[NodeWithScore], QueryBundle], list[NodeWithScore]]


def keep_order(nodes: list[NodeWithScore], _: QueryBundle) -> list[NodeWithScore]:
    """No reranker: the candidates as the first stage ranked them."""
    return nodes


def build_default(config: Config) -> Rerank:
    """The reranker of the configuration, as `QueryEngine.open` builds it.

    Raises:
        typer.BadParameter: the configuration has none.
    """
    from qa_engine.retrieval.reranking.rerank import build_reranker

    reranker = build_reranker(config.rerank, embedding_model(config), config.retrieval.candidates)
    if reranker is None:
        raise typer.BadParameter("rerank.model is 'none' in the configuration: there is nothing to compare")
    return reranker.postprocess_nodes


def build_stock(model: str, config: Config) -> Rerank:
    """LlamaIndex's reranker with a cross-encoder from a folder or the hub.

    Raises:
        typer.BadParameter: it cannot be loaded.
    """
    from llama_index.postprocessor.sbert_rerank import SentenceTransformerRerank

    folder = Path(model).expanduser()
    if model.startswith((".", "/", "~")) and not folder.is_dir():
        raise typer.BadParameter(f"{model}: there is no such folder")
    try:
        reranker = SentenceTransformerRerank(
            model=str(folder.resolve()) if folder.is_dir() else model,
            top_n=config.retrieval.candidates,
            device=config.rerank.device,
            cross_encoder_kwargs={"max_length": config.rerank.max_length},
        )
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise typer.BadParameter(
            f"{model}: no cross-encoder could be loaded ({reason}); give a folder with a downloaded one, "
            "or a name on a hub that this machine reaches"
        ) from error
    return reranker.postprocess_nodes


def candidates(storage: Path, config: Config, questions: Sequence[Question]) -> list[list[NodeWithScore]]:
    """What the reranker of an engine is given, question by question: the fused passages."""
    from qa_engine import QueryEngine

    engine = QueryEngine.open(storage=storage, collection=COLLECTION, config=without_reranker(config))
    wanted = config.retrieval.candidates
    return [
        engine.retrieve(question.question, top_k=wanted)
        for question in track(questions, "retrieving", console=progress_console, transient=True)
    ]


def rerank_all(
    rerankers: Mapping[str, Rerank],
    found: Sequence[list[NodeWithScore]],
    questions: Sequence[Question],
    nodes: int,
) -> list[Scores]:
    """Each reranker on its own copy of the same candidates, in turns; the first ten count."""
    scores = [Scores(name, nodes, 0.0) for name in rerankers]
    calls = list(rerankers.values())
    for call in calls:
        call(copy.deepcopy(found[0]), QueryBundle(questions[0].question))
    turns = list(zip(questions, found, strict=True))
    for turn, (question, passages) in enumerate(
        track(turns, "reranking", console=progress_console, transient=True)
    ):
        for place in range(len(calls)):
            which = (turn + place) % len(calls)
            # Rerankers write their scores into the nodes.
            given, query = copy.deepcopy(passages), QueryBundle(question.question)
            started = time.perf_counter()
            ranked = calls[which](given, query)
            seconds = time.perf_counter() - started
            scores[which].add(question, texts(ranked[:TOP_K]), seconds)
    return scores


def main(
    data: Data,
    model: Annotated[
        list[str],
        typer.Option(help="Folder of a cross-encoder, or its name on the hub; more than once for more."),
    ],
    questions: Questions = None,
    max_questions: MaxQuestions = MAX_QUESTIONS,
    max_paragraphs: MaxParagraphs = None,
    paragraphs_per_file: ParagraphsPerFile = PARAGRAPHS_PER_FILE,
    seed: Seed = SEED,
    out: Out = RESULTS,
    config: ConfigFile = None,
) -> None:
    """Compare our default reranker with stock SentenceTransformerRerank on the same candidate passages."""
    settings = Config.load(config)
    sample = Sample(data, questions, max_questions, max_paragraphs, paragraphs_per_file, seed)
    # First of all, because a model that is missing should be known before minutes of work.
    rerankers: dict[str, Rerank] = {FUSED: keep_order, OURS: build_default(settings)}
    rerankers |= {_label(name): build_stock(name, settings) for name in model}
    with tempfile.TemporaryDirectory(prefix="qa-benchmark-") as scratch:
        corpus = sample.corpus(Path(scratch) / "pdf")
        progress_console.print(f"building {OURS}")
        storage = Path(scratch) / "storage"
        nodes = build_ours(corpus.files, storage, settings).nodes
        found = candidates(storage, settings, corpus.questions)
    scores = rerank_all(rerankers, found, corpus.questions, nodes)
    fused, ours, *stock = scores
    steps = [difference(ours, fused, seed), *(difference(ours, other, seed) for other in stock)]
    counts = sample.counts(corpus)
    average = statistics.fmean(len(passages) for passages in found)
    notes = [
        counts,
        f"The same candidates for all: {average:.1f} passages a question on average, of which the first {TOP_K} count.",
        "ms p50: reranking alone.",
    ]
    reports = [
        step_report(f"Rerankers: {sample.title}", "reranker", scores, notes),
        difference_report(f"Difference of {OURS}: {sample.title}", steps, [RANKS, GAIN, BUDGET], [counts]),
    ]
    results: dict[str, Any] = {
        **sample.result(corpus),
        "settings": measured_settings(settings),
        "models": model,
        "candidates_mean": average,
        "rerankers": {score.name: score.summary() for score in scores},
        "differences": [step.result() for step in steps],
        "ranks": {"ids": [q.id for q in corpus.questions], **{score.name: score.ranks for score in scores}},
    }
    publish(out, sample.stem("rerankers"), reports, results)


def _label(model: str) -> str:
    """The last part of a path or a name: folders of one's own say little to others."""
    return f"stock {Path(model).name}"


if __name__ == "__main__":
    typer.run(main)
