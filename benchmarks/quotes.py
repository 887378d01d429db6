"""What answers without a language model quote: how often the gold answer is in it, and how much is quoted.

    python benchmarks/quotes.py cmrc2018_trial.json
    python benchmarks/quotes.py xquad.en.json --questions xquad.zh.json
    python benchmarks/quotes.py train.json --max-paragraphs 420 --max-questions 600 --fit
    python benchmarks/quotes.py questions.jsonl --documents contracts --fit

With ``--documents`` the questions are about your own documents, as ``qa-engine evaluate`` reads them, and weights
are fitted from those that come with qa_engine on. Beside what is quoted stand the one or two sentences that support the
question best, the second only with 0.98 of the support of the first. With ``--fit`` the weights of
`qa_engine.answering.extractive.sentence_choice` are fitted and printed, with the share of the questions whose most probable
sentence is right, by weights fitted to the other four fifths of them.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from asking import progress_console
from corpus import PARAGRAPHS_PER_FILE, SEED, Corpus, Question
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
from qa_engine.answering.extractive.sentence_choice import (
    FEATURES,
    WEIGHTS,
    Candidate,
    sentence_features,
)
from qa_engine.answering.extractive.synthesizer import ExtractiveSynthesizer
from qa_engine.evaluation.metrics.answers import f1
from qa_engine.evaluation.metrics.ranking import holds_any
from qa_engine.evaluation.questions.labelled import read_questions
from qa_engine.retrieval.dictionary.dictionary import Dictionary, build_dictionary
from qa_engine.retrieval.glossary.glossary import Glossary, build_glossary

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


def own_corpus(questions: Path, documents: Path, max_questions: int) -> Corpus:
    """The documents of a folder, and the questions about them that have an answer.

    Raises:
        typer.BadParameter: there is nothing to ask.
    """
    known = [one for one in read_questions(questions) if one.answers][:max_questions]
    files = sorted(documents.rglob("*.pdf"))
    if not known or not files:
        raise typer.BadParameter(f"{questions} has no question with an answer, or {documents} no PDF")
    asked = [
        Question(str(number), one.question, tuple(one.answers), False, one.file, "")
        for number, one in enumerate(known)
    ]
    return Corpus(documents, tuple(files), tuple(asked), 0, 0)


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


_SCALE = np.array([10.0 if sign == "support" else 1.0 for sign in FEATURES])
"""The support enters ten times as large, so that the ridge treats all signs about alike."""
_FOLDS = 5


@dataclass(frozen=True)
class Choice:
    """The quotable sentences of a question: their signs, a row each, and which of them hold the answer."""

    signs: np.ndarray
    holds: np.ndarray


def choices(
    asked: Sequence[Asked], glossary: Glossary | None = None, dictionary: Dictionary | None = None
) -> list[list[Choice]]:
    """For each question its sentences, with and without titles of sections; none if no sentence holds the answer."""
    found = []
    for one in asked:
        untitled = [replace(candidate, titles="") for candidate in one.candidates]
        of_question = []
        for candidates in (one.candidates, untitled):
            signs = sentence_features(one.question.question, candidates, glossary, dictionary)
            rows = [place for place, candidate in enumerate(candidates) if candidate.quotable]
            holds = np.array([holds_any(candidates[place].text, one.question.answers) for place in rows])
            if holds.any():
                of_question.append(Choice(np.array([signs[place].values() for place in rows]), holds))
        found.append(of_question)
    return found


def fitted_weights(
    questions: Sequence[Sequence[Choice]], prior: Mapping[str, float] | None = None, ridge: float = 1.0
) -> dict[str, float]:
    """The weights of a conditional logit, drawn towards those of ``prior``, or towards 0.

    The likelihood is that of any sentence that holds the answer; questions without one say nothing.
    """
    from scipy.optimize import minimize

    drawn_to = np.array([(prior or {}).get(sign, 0.0) for sign in FEATURES]) / _SCALE
    tables = [(choice.signs * _SCALE, choice.holds) for choices in questions for choice in choices]

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        away = weights - drawn_to
        value, slope = ridge * float(away @ away) / 2, ridge * away
        for table, holds in tables:
            scores = table @ weights
            powers = np.exp(scores - scores.max())
            right = powers[holds].sum()
            value -= float(np.log(right / powers.sum()))
            slope = slope - table.T @ (np.where(holds, powers, 0) / right - powers / powers.sum())
        return value, slope

    found = minimize(loss, drawn_to, jac=True, method="L-BFGS-B")
    return dict(zip(FEATURES, (found.x * _SCALE).tolist(), strict=True))


def right_in_folds(questions: Sequence[Sequence[Choice]], prior: Mapping[str, float] | None = None) -> float:
    """The share of questions whose most probable sentence holds the answer, if any does, by weights fitted to the others."""
    answered = [choices for choices in questions if choices]
    right = []
    for fold in range(min(_FOLDS, len(answered))):
        others = [choices for place, choices in enumerate(answered) if place % _FOLDS != fold]
        weights = np.array(list(fitted_weights(others, prior).values()))
        right += [
            bool(choices[0].holds[np.argmax(choices[0].signs @ weights)])
            for choices in answered[fold::_FOLDS]
        ]
    return statistics.fmean(right) if right else 0.0


def main(
    data: Data,
    questions: Questions = None,
    max_questions: MaxQuestions = MAX_QUESTIONS,
    max_paragraphs: MaxParagraphs = None,
    paragraphs_per_file: ParagraphsPerFile = PARAGRAPHS_PER_FILE,
    seed: Seed = SEED,
    documents: Annotated[
        Path | None,
        typer.Option(help="Folder of PDFs that the questions are about; DATA is then a file of questions."),
    ] = None,
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
        corpus = (
            sample.corpus(Path(scratch)) if documents is None else own_corpus(data, documents, max_questions)
        )
        progress_console.print(f"ingesting {len(corpus.files)} PDFs")
        ingest(corpus.files, storage=f"{scratch}/storage", config=settings)
        asked = ask(QueryEngine.open(storage=f"{scratch}/storage", config=settings), corpus.questions)
    ways = {
        QUOTED: [[citation.text for citation in one.answer.citations] for one in asked],
        SUPPORT: [best_support(one.candidates) for one in asked],
    }
    results = {name: summary(asked, quotes) for name, quotes in ways.items()}
    refused = sum(one.answer.refused for one in asked)
    prior = WEIGHTS if documents is not None else None
    words = build_glossary(settings.retrieval), build_dictionary(settings.retrieval)
    signs = choices(asked, *words) if fit else []
    weights = fitted_weights(signs, prior) if fit else {}
    notes = [f"{sample.counts(corpus)} {refused} were refused; they count as not quoted."]
    if fit:
        notes.append("weights: " + ", ".join(f"{sign} {weight:.2f}" for sign, weight in weights.items()))
        notes.append(f"most probable sentence right in {_FOLDS} folds: {right_in_folds(signs, prior):.3f}")
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
