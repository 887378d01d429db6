"""What answers without a language model quote: how often the gold answer is in it, and how much is quoted.

    python benchmarks/quotes.py cmrc2018_trial.json
    python benchmarks/quotes.py xquad.en.json --questions xquad.zh.json
    python benchmarks/quotes.py train.json --max-paragraphs 420 --max-questions 600 --fit

Beside what is quoted stand the one or two sentences that support the question best, the second only with 0.98 of the support
of the first. With ``--fit`` the weights of `qa_engine.answering.extractive.sentence_choice` are fitted and printed.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from asking import progress_console
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
from report import RESULTS, Report, measured_settings, publish
from rich.progress import track

from qa_engine import Answer, Config, QueryEngine, ingest
from qa_engine.answering.extractive.sentence_choice import FEATURES, Candidate, sentence_features
from qa_engine.answering.extractive.synthesizer import ExtractiveSynthesizer
from qa_engine.evaluation.metrics.answers import f1
from qa_engine.evaluation.metrics.ranking import holds_any

CLOSE = 0.98
RANK_DISCOUNT = 0.005
QUOTED, SUPPORT = "quoted", "best support"


@dataclass(frozen=True)
class Asked:
    """A question, its answer, and the sentences that were to choose from; none if it was refused."""

    question: Question
    answer: Answer
    candidates: Sequence[Candidate]


def ask(engine: QueryEngine, questions: Sequence[Question]) -> list[Asked]:
    """The questions with their answers."""
    chooser = ExtractiveSynthesizer()
    asked = []
    for question in track(questions, "asking", console=progress_console, transient=True):
        answer: Any = engine.query(question.question)
        nodes = [] if answer.refused else answer.source_nodes
        asked.append(Asked(question, answer, chooser.candidates(question.question, nodes)))
    return asked


def best_support(candidates: Sequence[Candidate], most: int = 2) -> list[str]:
    """The sentences with the highest support, the second only if it is close."""

    def score(candidate: Candidate) -> float:
        return candidate.support - RANK_DISCOUNT * candidate.rank

    ranked = sorted((one for one in candidates if one.quotable), key=score, reverse=True)
    close = [one for one in ranked if score(one) >= CLOSE * score(ranked[0])]
    return list(dict.fromkeys(one.text for one in close))[:most]


def summary(asked: Sequence[Asked], quotes: Sequence[Sequence[str]]) -> dict[str, float]:
    """What a way to choose quotes reaches; a refused question holds no answer, and quotes nothing.

    ``f1`` is that of the quotes with the gold answer, as CMRC 2018 computes it; lengths are those of what was answered.
    """
    answered = [texts for texts in quotes if texts]
    pairs = list(zip(asked, quotes, strict=True))
    return {
        "holds_answer": statistics.fmean(
            any(holds_any(text, one.question.answers) for text in texts) for one, texts in pairs
        ),
        "f1": statistics.fmean(f1("".join(texts), one.question.answers) for one, texts in pairs),
        "chars_mean": statistics.fmean(sum(map(len, texts)) for texts in answered) if answered else 0.0,
        "chars_p90": float(np.quantile([sum(map(len, texts)) for texts in answered], 0.9))
        if answered
        else 0.0,
        "quotes_mean": statistics.fmean(map(len, answered)) if answered else 0.0,
    }


def fitted_weights(asked: Sequence[Asked], ridge: float = 1.0) -> dict[str, float]:
    """The weights of a conditional logit, each question once with and once without the titles of its sections.

    The likelihood is that of any sentence that holds the answer; questions without one say nothing. The support enters ten
    times as large, so that the ridge treats all signs about alike.
    """
    from scipy.optimize import minimize

    scale = np.array([10.0 if sign == "support" else 1.0 for sign in FEATURES])
    tables = []
    for one in asked:
        untitled = [replace(candidate, titles="") for candidate in one.candidates]
        for candidates in (one.candidates, untitled):
            signs = sentence_features(one.question.question, candidates)
            rows = [place for place, candidate in enumerate(candidates) if candidate.quotable]
            holds = np.array([holds_any(candidates[place].text, one.question.answers) for place in rows])
            if holds.any():
                tables.append((np.array([signs[place].values() for place in rows]) * scale, holds))

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = ridge * float(weights @ weights) / 2, ridge * weights
        for table, holds in tables:
            scores = table @ weights
            powers = np.exp(scores - scores.max())
            right = powers[holds].sum()
            value -= float(np.log(right / powers.sum()))
            slope = slope - table.T @ (np.where(holds, powers, 0) / right - powers / powers.sum())
        return value, slope

    found = minimize(loss, np.zeros(len(FEATURES)), jac=True, method="L-BFGS-B")
    return dict(zip(FEATURES, (found.x * scale).tolist(), strict=True))


def main(
    data: Data,
    questions: Questions = None,
    max_questions: MaxQuestions = MAX_QUESTIONS,
    max_paragraphs: MaxParagraphs = None,
    paragraphs_per_file: ParagraphsPerFile = PARAGRAPHS_PER_FILE,
    seed: Seed = SEED,
    fit: Annotated[
        bool, typer.Option("--fit", help="Fit the weights to the questions, and print them.")
    ] = False,
    out: Out = RESULTS,
    config: ConfigFile = None,
) -> None:
    """Measure what extractive answers quote, through the public contract."""
    settings = Config.load(config)
    sample = Sample(data, questions, max_questions, max_paragraphs, paragraphs_per_file, seed)
    with tempfile.TemporaryDirectory(prefix="qa-benchmark-") as scratch:
        corpus = sample.corpus(Path(scratch))
        progress_console.print(f"ingesting {len(corpus.files)} PDFs")
        ingest(corpus.files, storage=f"{scratch}/storage", config=settings)
        asked = ask(QueryEngine.open(storage=f"{scratch}/storage", config=settings), corpus.questions)
    ways = {
        QUOTED: [[citation.text for citation in one.answer.citations] for one in asked],
        SUPPORT: [best_support(one.candidates) for one in asked],
    }
    results = {name: summary(asked, quotes) for name, quotes in ways.items()}
    refused = sum(one.answer.refused for one in asked)
    weights = fitted_weights(asked) if fit else {}
    notes = [f"{sample.counts(corpus)} {refused} were refused; they count as not quoted."]
    if fit:
        notes.append("weights: " + ", ".join(f"{sign} {weight:.2f}" for sign, weight in weights.items()))
    report = Report(
        f"Quotes: {sample.title}",
        ["chosen by", "holds answer", "F1", "characters", "90 %", "quotes"],
        [
            [
                name,
                f"{row['holds_answer']:.3f}",
                f"{row['f1']:.3f}",
                f"{row['chars_mean']:.0f}",
                f"{row['chars_p90']:.0f}",
                f"{row['quotes_mean']:.2f}",
            ]
            for name, row in results.items()
        ],
        notes,
    )
    content = {**sample.result(corpus), "refused": refused, "quotes": results, "weights": weights}
    publish(out, sample.stem("quotes"), [report], {**content, "settings": measured_settings(settings)})


if __name__ == "__main__":
    typer.run(main)
