"""Page hits over filings: FinanceBench's questions, or those of the self-made families, over a folder of PDFs.

A passage hits if it covers a page that the answer is on. What one retriever finds, both, and the whole stand beside the
peers, over all files, and over the right file alone.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from comparison import Difference
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.vector_stores.types import MetadataFilter, MetadataFilters
from peers import build_peer
from pipelines import OURS, STAGES, Found, of_stage, stage_settings
from pydantic import PrivateAttr
from report import Report

from qa_engine import Config, QueryEngine
from qa_engine.evaluation.metrics.ranking import squash
from qa_engine.evaluation.metrics.significance import paired_bootstrap
from qa_engine.models.e5.shared import shared_encoder

DEPTHS = (1, 5, 10, 20)
BUDGET = 3000
ALL, GIVEN = "all files", "right file given"
Search = Callable[[str, str | None], list[Found]]
"""Question, and the file to search; None for all. At most as many passages as the deepest of `DEPTHS`, best first."""


@dataclass(frozen=True)
class PageQuestion:
    """A question, the file that a user would name for it, and for each part of the answer the pages that it is on."""

    id: str
    question: str
    file: str
    parts: tuple[frozenset[tuple[str, int]], ...]

    def rank(self, passages: Sequence[Found]) -> int | None:
        """The rank from 1 at which each part has a passage on one of its pages; None if one has none."""
        ranks = []
        for pages in self.parts:
            hits = (
                rank
                for rank, one in enumerate(passages, start=1)
                if any((one.file, page) in pages for page in range(one.page, one.page_end + 1))
            )
            ranks.append(next(hits, None))
        known = [rank for rank in ranks if rank is not None]
        return max(known) if len(known) == len(ranks) else None


def read_page_questions(file: Path, names: Sequence[str]) -> list[PageQuestion]:
    """Those about files that are there.

    Args:
        file: FinanceBench's JSONL (``doc_name``, ``evidence``), or the ``questions.jsonl`` of the families.
        names: of the PDFs.

    Raises:
        ValueError: none is about any of them.
    """
    read = []
    for line in filter(None, file.read_text(encoding="utf-8").splitlines()):
        entry: dict[str, Any] = json.loads(line)
        if "evidence" in entry:
            # FinanceBench counts pages from 0.
            pages = [(f"{one['doc_name']}.pdf", one["evidence_page_num"] + 1) for one in entry["evidence"]]
            name = f"{entry['doc_name']}.pdf"
            read.append(PageQuestion(entry["financebench_id"], entry["question"], name, (frozenset(pages),)))
        elif entry.get("parts"):
            parts = [
                frozenset((one["file"], one["page"]) for one in part["places"]) for part in entry["parts"]
            ]
            read.append(PageQuestion(entry["id"], entry["question"], entry["file"], tuple(parts)))
    kept = [one for one in read if one.file in names]
    if not kept:
        raise ValueError(f"{file} has no question about any of the {len(names)} PDFs")
    return kept


@dataclass
class PageScores:
    """What a pipeline reached, question by question, over all files or over the right one."""

    name: str
    ranks: list[int | None] = field(default_factory=list)
    first_file: list[bool] = field(default_factory=list)
    within: list[bool] = field(default_factory=list)
    chars: list[int] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)

    def add(
        self, question: PageQuestion, passages: Sequence[Found], tokens: Sequence[int], ms: float
    ) -> None:
        """Judge what was found for a question."""
        self.ranks.append(question.rank(passages))
        self.first_file.append(bool(passages) and passages[0].file == question.file)
        chars = [len(squash(one.text)) for one in passages]
        read = next((place for place in range(len(chars)) if sum(chars[: place + 1]) >= BUDGET), len(chars))
        self.within.append((self.ranks[-1] or BUDGET) <= max(read, 1))
        self.chars += chars
        self.tokens += tokens
        self.milliseconds.append(ms)

    def measures(self) -> dict[str, list[float]]:
        """Scores of each question by the name of the measure."""
        return {
            **{f"page@{depth}": [float((rank or 99) <= depth) for rank in self.ranks] for depth in DEPTHS},
            f"≤{BUDGET}": list(map(float, self.within)),
            "file first": list(map(float, self.first_file)),
        }

    def summary(self) -> dict[str, float]:
        """Means, as they are shown and stored."""
        return {
            **{name: statistics.fmean(values) for name, values in self.measures().items()},
            "chars": statistics.fmean(self.chars) if self.chars else 0.0,
            "tokens": statistics.fmean(self.tokens) if self.tokens else 0.0,
            "ms": statistics.median(self.milliseconds),
        }


class RememberedEmbedding(BaseEmbedding):
    """Another embedding model that embeds no text twice: an index of each file has the texts of that of all files."""

    _model: BaseEmbedding = PrivateAttr()
    _known: dict[str, list[float]] = PrivateAttr(default_factory=dict)

    def __init__(self, model: BaseEmbedding) -> None:
        super().__init__(model_name=model.model_name, embed_batch_size=model.embed_batch_size)
        self._model = model

    def get_text_embedding_batch(self, texts: list[str], *_: Any, **__: Any) -> list[list[float]]:
        """Vectors of passages; only those of new texts are computed."""
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        if new:
            self._known.update(zip(new, self._model.get_text_embedding_batch(new), strict=True))
        return [self._known[text] for text in texts]

    def _get_text_embedding(self, text: str) -> list[float]:
        return self.get_text_embedding_batch([text])[0]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._model.get_query_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


def our_searches(
    storage: Path, config: Config, stages: bool, stack: ExitStack
) -> Iterator[tuple[str, Search]]:
    """The whole and, if wanted, each stage; the engines are closed with the stack."""
    for name in (OURS, *(STAGES if stages else ())):
        settings = config if name == OURS else stage_settings(config, name)
        engine = stack.enter_context(QueryEngine.open(storage=storage, config=settings))
        yield name, _our_search(engine, name)


def _our_search(engine: QueryEngine, name: str) -> Search:
    def search(question: str, file: str | None) -> list[Found]:
        chosen = MetadataFilters(filters=[MetadataFilter(key="file_name", value=file)]) if file else None
        nodes = of_stage(engine.retrieve(question, top_k=DEPTHS[-1], filters=chosen), name)
        places = [(one.node.get_content(), one.node.metadata) for one in nodes]
        return [Found(text, at["file_name"], at["page"] or 0, at["page_end"] or 0) for text, at in places]

    return search


def peer_search(name: str, files: Sequence[Path], embedding: BaseEmbedding) -> Search:
    """A peer over all files, and one over each file that is asked for."""
    whole = build_peer(name, files, embedding, DEPTHS[-1])
    single: dict[str, Any] = {}

    def search(question: str, file: str | None) -> list[Found]:
        if file and file not in single:
            single[file] = build_peer(name, [one for one in files if one.name == file], embedding, DEPTHS[-1])
        found = (single[file] if file else whole).find
        return found(question) if found else []

    return search


def ask_pages(
    searches: Mapping[str, Search], questions: Iterable[PageQuestion]
) -> dict[str, list[PageScores]]:
    """Ask all over all files, and over the right one; by `ALL` and `GIVEN`.

    Args:
        searches: by the name of the pipeline.
        questions: of `read_page_questions`.
    """
    count = shared_encoder().count_tokens
    scores = {way: [PageScores(name) for name in searches] for way in (ALL, GIVEN)}
    for question in questions:
        for way, of_way in scores.items():
            for score in of_way:
                started = time.perf_counter()
                passages = searches[score.name](question.question, question.file if way == GIVEN else None)
                elapsed = (time.perf_counter() - started) * 1e3
                tokens = count([one.text for one in passages]) if passages else []
                score.add(question, passages, tokens, elapsed)
    return scores


def page_report(title: str, scores: Sequence[PageScores], notes: Sequence[str]) -> Report:
    """One row a pipeline."""
    shares = list(scores[0].measures())
    rows = []
    for score in scores:
        row = score.summary()
        rows.append(
            [score.name, *(f"{row[share]:.3f}" for share in shares), *(f"{row[key]:.0f}" for key in _SIZES)]
        )
    return Report(title, ["pipeline", *shares, "chars/passage", "tokens/passage", "ms p50"], rows, notes)


_SIZES = ("chars", "tokens", "ms")


def page_differences(ours: PageScores, rivals: Sequence[PageScores], seed: int) -> list[Difference]:
    """Ours less each peer's."""
    mine = ours.measures()
    return [
        Difference(
            ours.name,
            rival.name,
            {
                name: paired_bootstrap(mine[name], values, seed=seed)
                for name, values in rival.measures().items()
            },
        )
        for rival in rivals
    ]
