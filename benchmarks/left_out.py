"""A data set in two halves by article: one becomes the corpus, the questions of the other have no answer in it."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path

from corpus import Corpus, Question, build_corpus, read_paragraphs

PRESENT, ABSENT, NEAR = "answerable", "article taken out", "near miss"


@dataclass(frozen=True)
class Halves:
    """PDFs of one half of the articles, and questions by kind.

    Attributes:
        corpus: the half that is ingested.
        questions: ``PRESENT``, of that half; ``ABSENT``, of the other; ``NEAR``, marked as unanswerable in the data and
            written about an article of the corpus.
    """

    corpus: Corpus
    questions: dict[str, list[Question]]


def build_halves(
    source: Path, wordings: Path | None, scratch: Path, per_kind: int, max_articles: int | None, seed: int
) -> Halves:
    """Splits a data set at random by title, and renders the first half as PDFs.

    Args:
        source: SQuAD-style JSON.
        wordings: parallel file with the questions in another language.
        scratch: folder for the files.
        per_kind: most questions of each kind.
        max_articles: only so many articles, drawn with ``seed``; None for all.
        seed: of the split and of the samples.
    """
    paragraphs = read_paragraphs(source)
    titles = list(dict.fromkeys(paragraph.title for paragraph in paragraphs))
    random.Random(seed).shuffle(titles)
    titles = titles[:max_articles]
    present = set(titles[: len(titles) // 2])
    absent = set(titles) - present
    halves = {}
    for name, chosen in (("present", present), ("absent", absent)):
        articles = [
            {"title": p.title, "paragraphs": [{"context": p.text, "qas": list(p.questions)}]}
            for p in paragraphs
            if p.title in chosen
        ]
        half = scratch / f"{name}.json"
        half.write_text(json.dumps({"data": articles}, ensure_ascii=False), encoding="utf-8")
        halves[name] = build_corpus(
            half, scratch / name, name=name, questions=wordings, unanswerable=True, seed=seed
        )
    kept, left = halves["present"], halves["absent"]
    return Halves(
        kept,
        {
            PRESENT: [q for q in kept.questions if q.answers and not q.impossible][:per_kind],
            ABSENT: [q for q in left.questions if q.answers and not q.impossible][:per_kind],
            NEAR: [q for q in kept.questions if q.impossible][:per_kind],
        },
    )
