"""Refusing what the documents do not answer: how many unanswerable questions, at how many false refusals.

Half of the articles of a data set are left out of the corpus; the questions about them are to be refused, those about
the other half are not. Questions that the data set marks as unanswerable, with their article in the corpus, are the
near misses.

    python benchmarks/refusal.py xquad.zh.json
    python benchmarks/refusal.py xquad.en.json --questions xquad.zh.json
    python benchmarks/refusal.py dev-v2.0-zh.json
"""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from asking import progress_console
from corpus import PARAGRAPHS_PER_FILE, SEED, Question
from data_options import ConfigFile, Data, Out, Questions, Sample, Seed
from left_out import ABSENT, NEAR, PRESENT, build_halves
from report import RESULTS, Report, measured_settings, publish
from rich.progress import track

from qa_engine import Config, QueryEngine, ingest
from qa_engine.answering.refusal.content_words import words_between
from qa_engine.answering.refusal.features import AnswerabilityFeatures
from qa_engine.answering.refusal.model import AnswerabilityModel
from qa_engine.assembly import built_in_calibration
from qa_engine.evaluation.metrics.ranking import first_hit

ALLOWED = (0.01, 0.02, 0.05, 0.1, 0.2)
"""Shares of false refusals at which the curve is read off."""
RAW = {"support": "score of the reranker", "dense": "cosine"}


def ask(engine: QueryEngine, config: Config, questions: list[Question], kind: str) -> list[dict[str, Any]]:
    """What was retrieved for each question, as `AnswerabilityFeatures`, whether it holds an answer, and what was refused."""
    used = config.answering.passages
    found = []
    for question in track(questions, kind, console=progress_console, transient=True):
        explained = engine.explain(question.question, config.retrieval.candidates)
        if not explained.nodes:
            continue
        texts = [node.node.get_content() for node in explained.nodes[:used]]
        holds = first_hit(texts, question.answers, used) is not None
        query = explained.rerank_query or question.question
        between = words_between(query, explained.translated, explained.glossary)
        evidence = AnswerabilityFeatures.of(query, explained.nodes, used, between=between)
        answer = engine.query(question.question)
        missing = [] if answer.explanation is None else list(answer.explanation.missing)
        found.append(
            {
                "id": question.id,
                "kind": kind,
                "holds": holds,
                "evidence": asdict(evidence),
                "missing": missing,
                "refused": answer.refused,
            }
        )
    return found


def scores_of(model: AnswerabilityModel, asked: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    """By the name of a score, that of each question."""
    evidence = [AnswerabilityFeatures(**one["evidence"]) for one in asked]
    probability = np.array([model.of_features(one) for one in evidence])
    complete = np.array([not one["missing"] for one in asked])
    scores = {"probability": probability, "probability, 0 if something is missing": probability * complete}
    for feature, name in RAW.items():
        scores[name] = np.array([getattr(one, feature) for one in evidence])
    return scores


def recall(scores: np.ndarray, answerable: np.ndarray, others: np.ndarray, allowed: float) -> float:
    """Share of the others that score below the threshold that loses at most ``allowed`` of the answerable ones."""
    threshold = np.quantile(scores[answerable], allowed, method="lower")
    return float((scores[others] < threshold).mean())


def separation(scores: np.ndarray, answerable: np.ndarray, others: np.ndarray) -> float:
    """Probability that an answerable question scores higher than one of the others (area under the ROC curve)."""
    above = scores[answerable][:, None] - scores[others][None]
    return float((above > 0).mean() + 0.5 * (above == 0).mean())


def calibration_error(probabilities: np.ndarray, holds: np.ndarray, bins: int = 10) -> float:
    """Mean distance of the probability from the share that holds the answer, over bins of equal counts."""
    order = np.array_split(np.argsort(probabilities), bins)
    gaps = [abs(probabilities[rows].mean() - holds[rows].mean()) * len(rows) for rows in order if len(rows)]
    return float(sum(gaps) / len(probabilities))


def main(
    data: Data,
    questions: Questions = None,
    per_kind: Annotated[int, typer.Option(min=20, help="Most questions of each kind.")] = 300,
    max_articles: Annotated[int | None, typer.Option(min=4, help="Only so many articles.")] = None,
    seed: Seed = SEED,
    out: Out = RESULTS,
    config: ConfigFile = None,
) -> None:
    """Measure the decision to refuse through the public contract."""
    settings = Config.load(config)
    model = built_in_calibration(settings)
    if model is None:
        raise typer.BadParameter("only the local models come with a calibration to measure")
    with tempfile.TemporaryDirectory(prefix="qa-benchmark-") as scratch:
        halves = build_halves(data, questions, Path(scratch), per_kind, max_articles, seed)
        progress_console.print(f"ingesting {len(halves.corpus.files)} PDFs")
        ingest(halves.corpus.files, storage=f"{scratch}/storage", config=settings)
        engine = QueryEngine.open(storage=f"{scratch}/storage", config=settings)
        asked = [one for kind, some in halves.questions.items() for one in ask(engine, settings, some, kind)]
    kinds = np.array([one["kind"] for one in asked])
    scores = scores_of(model, asked)
    probabilities = scores["probability"]
    rows, results = [], {}
    for kind in (ABSENT, NEAR):
        if not (kinds == kind).any():
            continue
        for name, values in scores.items():
            curve = [recall(values, kinds == PRESENT, kinds == kind, allowed) for allowed in ALLOWED]
            area = separation(values, kinds == PRESENT, kinds == kind)
            rows.append([f"{kind}, {name}", *(f"{value:.3f}" for value in curve), f"{area:.3f}"])
            results[f"{kind}, {name}"] = {
                "recall": dict(zip(map(str, ALLOWED), curve, strict=True)),
                "auc": area,
            }
    decisions = np.array([one["refused"] for one in asked])
    refused = {kind: float(decisions[kinds == kind].mean()) for kind in set(kinds)}
    missing = {
        kind: float(np.mean([bool(one["missing"]) for one in asked if one["kind"] == kind]))
        for kind in refused
    }
    hopeless = {
        kind: float((probabilities[kinds == kind] < model.llm_threshold).mean()) for kind in set(kinds)
    }
    clear = kinds != NEAR
    holds = np.array([one["holds"] and one["kind"] == PRESENT for one in asked])
    error = calibration_error(probabilities[clear], holds[clear])
    sample = Sample(data, questions, per_kind, None, PARAGRAPHS_PER_FILE, seed)
    counts = ", ".join(
        f"{(kinds == kind).sum()} {kind}" for kind in (PRESENT, ABSENT, NEAR) if (kinds == kind).any()
    )
    notes = [
        f"{counts}; {len(halves.corpus.files)} PDFs, {halves.corpus.pages} pages, seed {seed}.",
        "≤N %: recall of refusals where N % of the answerable questions are refused; AUC: area under the ROC curve.",
        "Refused by default: "
        + ", ".join(
            f"{refused[kind]:.1%} {kind} ({missing[kind]:.1%} for an identifier)"
            for kind in (PRESENT, ABSENT, NEAR)
            if kind in refused
        )
        + f"; before a language model: {hopeless[PRESENT]:.1%} and {hopeless[ABSENT]:.1%}. "
        f"Calibration error {error:.3f}.",
    ]
    columns = ["score", *(f"≤{share * 100:g} %" for share in ALLOWED), "AUC"]
    publish(
        out,
        sample.stem("refusal"),
        [Report(f"Refusals: {sample.title}", columns, rows, notes)],
        {
            "data": data.name,
            "seed": seed,
            "settings": measured_settings(settings),
            "curves": results,
            "refused": refused,
            "missing": missing,
            "hopeless": hopeless,
            "calibration_error": error,
            "asked": asked,
        },
    )


if __name__ == "__main__":
    typer.run(main)
