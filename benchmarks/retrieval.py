"""Retrieval quality of qa_engine, of its stages, and of other frameworks on the same PDFs, questions and embedding model.

python benchmarks/retrieval.py cmrc2018_trial.json
python benchmarks/retrieval.py xquad.en.json --questions xquad.zh.json
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import typer
from asking import Scores, ask_all, progress_console
from comparison import (
    BUDGET,
    GAIN,
    RANKS,
    Difference,
    difference,
    difference_report,
    errors,
    quality_report,
    step_report,
)
from corpus import PARAGRAPHS_PER_FILE, SEED, Corpus
from data_options import (
    MAX_QUESTIONS,
    ConfigFile,
    Data,
    MaxParagraphs,
    MaxQuestions,
    Out,
    ParagraphsPerFile,
    PeerNames,
    Questions,
    Sample,
    Seed,
    Stages,
)
from peers import INSTALL, build_peer, chosen_peers
from pipelines import NO_RERANKER, OURS, STAGES, Pipeline, build_ours, build_stages, embedding_model
from report import RESULTS, Report, measured_settings, publish

from qa_engine.config import Config

RERANKED = "reranked"


def build_pipelines(
    corpus: Corpus, peers: Sequence[str], stages: bool, storage: Path, config: Config
) -> list[Pipeline]:
    """Ours first, then the stages, then the peers; the model is loaded and warm before the first clock starts."""
    embedding = embedding_model(config)
    embedding.get_text_embedding_batch(["热身", "warm-up"])
    embedding.get_query_embedding("热身")
    progress_console.print(f"building {OURS}")
    pipelines = [build_ours(corpus.files, storage, config)]
    if stages:
        pipelines += build_stages(storage, config, pipelines[0].nodes)
    for peer in peers:
        progress_console.print(f"building {peer}")
        pipelines.append(build_peer(peer, corpus.files, embedding))
    return pipelines


def stage_differences(stages: Sequence[Scores], seed: int) -> list[Difference]:
    """Each stage against the one before; fusion against both retrievers, because it follows both."""
    dense, bm25, fused, *reranked = stages
    steps = [(bm25, dense), (fused, dense), (fused, bm25), *((later, fused) for later in reranked)]
    return [difference(later, earlier, seed) for later, earlier in steps]


def stage_reports(
    title: str, stages: Sequence[Scores], steps: Sequence[Difference], counts: str
) -> list[Report]:
    """The stages, and what each adds."""
    note = (
        "dense, bm25: the passages of one retriever alone; fused: of both, without a reranker; "
        f"{RERANKED}: the whole, as {OURS} above."
    )
    return [
        step_report(f"Stages of {OURS}: {title}", "stage", stages, [counts, note]),
        difference_report(f"What each stage adds: {title}", steps, [RANKS, GAIN, BUDGET], [counts]),
    ]


def main(
    data: Data,
    questions: Questions = None,
    max_questions: MaxQuestions = MAX_QUESTIONS,
    max_paragraphs: MaxParagraphs = None,
    paragraphs_per_file: ParagraphsPerFile = PARAGRAPHS_PER_FILE,
    seed: Seed = SEED,
    peers: PeerNames = None,
    stages: Stages = True,
    out: Out = RESULTS,
    config: ConfigFile = None,
) -> None:
    """Measure retrieval through the public contract, with other frameworks beside it in the same run."""
    names, absent = chosen_peers(peers)
    left_out = f"Not installed and left out: {', '.join(absent)}; {INSTALL}" if absent else ""
    if left_out:
        progress_console.print(left_out, markup=False)
    settings = Config.load(config)
    sample = Sample(data, questions, max_questions, max_paragraphs, paragraphs_per_file, seed)
    with tempfile.TemporaryDirectory(prefix="qa-benchmark-") as scratch:
        corpus = sample.corpus(Path(scratch) / "pdf")
        pipelines = build_pipelines(corpus, names, stages, Path(scratch) / "storage", settings)
        ours, *others = ask_all(pipelines, corpus.questions)
    parts = others[: len(STAGES)] if stages else []
    rivals = others[len(parts) :]
    counts = sample.counts(corpus)
    notes = [
        f"{counts} Embedding {settings.embedding.model} for all.",
        "≤N: share of questions whose answer is within the first N characters of the concatenated passages;"
        " chars/passage: their mean length; white space counts in neither.",
        *([left_out] if left_out else []),
    ]
    reports = [quality_report(sample.title, [ours, *rivals], notes)]
    results: dict[str, Any] = {
        **sample.result(corpus),
        "settings": measured_settings(settings),
        "peers_left_out": absent,
        "pipelines": {score.name: score.summary() for score in [ours, *rivals]},
    }
    if rivals:
        found = [difference(ours, rival, seed) for rival in rivals]
        missed = errors(ours, rivals)
        reports.append(
            difference_report(
                f"Difference to each peer: {sample.title}",
                found,
                [RANKS, BUDGET],
                [counts, missed.sentence()],
            )
        )
        results["differences"] = [one.result() for one in found]
        results["errors"] = {"measure": BUDGET, **asdict(missed), "ratio": missed.ratio}
    if parts:
        if settings.rerank.model != NO_RERANKER:
            parts = [*parts, replace(ours, name=RERANKED)]
        steps = stage_differences(parts, seed)
        reports += stage_reports(sample.title, parts, steps, counts)
        results["stages"] = {score.name: score.summary() for score in parts}
        results["stage_differences"] = [step.result() for step in steps]
    results["ranks"] = {
        "ids": [question.id for question in corpus.questions],
        **{score.name: score.ranks for score in [ours, *others]},
    }
    publish(out, sample.stem("retrieval"), reports, results)


if __name__ == "__main__":
    typer.run(main)
