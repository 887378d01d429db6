"""Judges the answers of a run: several at a time, resumable, each request paid for once."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from llama_index.core.async_utils import asyncio_run
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.llms import LLM

from qa_engine.errors import AuthenticationFailedError, InputError, ModelUnavailableError, QAEngineError
from qa_engine.evaluation.judges.agreement import Label, agreement
from qa_engine.evaluation.judges.evaluators import (
    ChineseCorrectnessEvaluator,
    ChineseFaithfulnessEvaluator,
    ChineseGuidelineEvaluator,
    ChinesePairwiseEvaluator,
    ChineseRelevancyEvaluator,
    ReferenceSimilarityEvaluator,
)
from qa_engine.evaluation.judges.journal import Journal, JudgedCase, open_journal
from qa_engine.evaluation.judges.judge import LlmJudge, Request, Sample
from qa_engine.evaluation.judges.summary import JudgeReport, figures_of, write_summary
from qa_engine.evaluation.results import CaseResult, read_run

Judge = LlmJudge | ReferenceSimilarityEvaluator
Progress = Callable[[int, int], None]

_LLM_JUDGES: dict[str, Callable[[LLM], LlmJudge]] = {
    kind.name: kind
    for kind in (
        ChineseFaithfulnessEvaluator,
        ChineseRelevancyEvaluator,
        ChineseCorrectnessEvaluator,
        ChineseGuidelineEvaluator,
        ChinesePairwiseEvaluator,
    )
}
JUDGES = (*_LLM_JUDGES, ReferenceSimilarityEvaluator.name)
"""Names of the judges."""
DEFAULT_JUDGES = ("faithfulness", "relevancy", "correctness")
_FAILURES_IN_A_ROW = 8
"""After that many the service is taken to be gone."""


def judge(
    run: Path | Sequence[CaseResult],
    judges: Sequence[str | Judge] = DEFAULT_JUDGES,
    llm: LLM | None = None,
    *,
    embed_model: BaseEmbedding | None = None,
    against: Path | Sequence[CaseResult] | None = None,
    labels: Sequence[Label] = (),
    concurrency: int = 4,
    progress: Progress = lambda done, total: None,
) -> JudgeReport:
    """Has the answers of a run judged.

    With a folder, every reply is written to ``judgements.jsonl`` there before the next step, and what is there already is
    not asked again, unless the answer, the prompt or the model is another; the figures go to ``judges.json``. Cases without
    an answer are skipped, and so are refusals, except by ``pairwise``.

    Args:
        run: the folder of a finished run, or its cases.
        judges: names of `JUDGES`, or evaluators.
        llm: asked by the judges that are named; ``similarity`` needs none.
        embed_model: for ``similarity``.
        against: the run to compare with, for ``pairwise``.
        labels: of people, to compare the judges with.
        concurrency: most requests at a time.
        progress: told how many judgements there are, and how many there will be.

    Raises:
        InputError: there is no such run or judge, or something is missing that a judge needs.
        QAEngineError: the service refused the key or the model, or did not answer several times in a row.
            What was judged until then is kept.
    """
    report: JudgeReport = asyncio_run(
        ajudge(
            run,
            judges,
            llm,
            embed_model=embed_model,
            against=against,
            labels=labels,
            concurrency=concurrency,
            progress=progress,
        )
    )
    return report


async def ajudge(
    run: Path | Sequence[CaseResult],
    judges: Sequence[str | Judge] = DEFAULT_JUDGES,
    llm: LLM | None = None,
    *,
    embed_model: BaseEmbedding | None = None,
    against: Path | Sequence[CaseResult] | None = None,
    labels: Sequence[Label] = (),
    concurrency: int = 4,
    progress: Progress = lambda done, total: None,
) -> JudgeReport:
    """`judge` for a running event loop."""
    if concurrency < 1:
        raise InputError(f"concurrency must be > 0, got {concurrency}.")
    asked = [
        build_judge(item, llm, embed_model) if isinstance(item, str) else item
        for item in dict.fromkeys(judges)
    ]
    if not asked:
        raise InputError(f"No judge is named: choose among {', '.join(JUDGES)}.")
    if against is None and any("other" in item.needs for item in asked):
        raise InputError("The judge 'pairwise' compares two runs: name the other one with against.")
    cases = _cases(run)
    others = {case.id: case.answer for case in _cases(against)} if against is not None else {}
    folder = run if isinstance(run, Path) else None
    with open_journal(folder) as journal:
        panel = _Panel(journal, asyncio.Semaphore(concurrency), progress)
        tasks: list[tuple[Judge, CaseResult, Sample]] = []
        skipped: dict[str, Counter[str]] = {item.name: Counter() for item in asked}
        for item in asked:
            for case in cases:
                sample = _sample(case, others.get(case.id))
                if reason := _not_asked(item, case, sample):
                    skipped[item.name][reason] += 1
                else:
                    tasks.append((item, case, sample))
        judged = await panel.judge_all(tasks)
    figures = [
        figures_of(
            item.name,
            item.model,
            said := [one for one in judged if one.judge == item.name],
            skipped[item.name],
            agreement(labels, said, item.name) if labels else None,
        )
        for item in asked
    ]
    report = JudgeReport(figures, judged, panel.asked)
    if folder is not None:
        write_summary(folder, report)
    return report


@dataclass
class _Panel:
    """The judges at work."""

    journal: Journal
    places: asyncio.Semaphore
    progress: Progress
    asked: int = 0
    failures_in_a_row: int = 0
    done: int = 0

    async def judge_all(self, tasks: Sequence[tuple[Judge, CaseResult, Sample]]) -> list[JudgedCase]:
        self.progress(0, len(tasks))

        async def one(item: Judge, case: CaseResult, sample: Sample) -> JudgedCase:
            async with self.places:
                said = await self._judged(item, case, sample)
            self.done += 1
            self.progress(self.done, len(tasks))
            return said

        try:
            async with asyncio.TaskGroup() as group:
                running = [group.create_task(one(*task)) for task in tasks]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [task.result() for task in running]

    async def _judged(self, item: Judge, case: CaseResult, sample: Sample) -> JudgedCase:
        said = JudgedCase(case.id, item.name, item.model)
        started = time.perf_counter()
        try:
            if isinstance(item, ReferenceSimilarityEvaluator):
                result = await item.aevaluate(response=sample.answer, reference=sample.references)
            else:
                requests = item.requests(sample)
                said = replace(
                    said, requests=tuple(_fingerprint(item.model, request) for request in requests)
                )
                for key, request in zip(said.requests, requests, strict=True):
                    known = key in self.journal.replies
                    reply = await self._reply(item, request, key)
                    said = replace(said, replies=(*said.replies, reply))
                    if not known and len(said.replies) < len(requests):
                        self._note(said)
                result = item.result(sample, said.replies)
        except (AuthenticationFailedError, ModelUnavailableError):
            raise  # the next request would end in the same way
        except Exception as error:
            # Any LLM may be asked: what it raises is the result of one case.
            self.failures_in_a_row += 1
            if self.failures_in_a_row >= _FAILURES_IN_A_ROW and isinstance(error, QAEngineError):
                raise
            told = str(error) or type(error).__name__
            return self._note(replace(said, error=told, seconds=_since(started)))
        return self._note(
            replace(
                said,
                passing=result.passing,
                score=result.score,
                reasoning=result.feedback or "",
                unparsed=(result.invalid_reason or "unreadable") if result.invalid_result else "",
                seconds=_since(started),
            )
        )

    async def _reply(self, item: LlmJudge, request: Request, key: str) -> str:
        if key in self.journal.replies:
            return self.journal.replies[key]
        self.asked += 1
        reply = await item.ask(request)
        self.failures_in_a_row = 0
        return reply

    def _note(self, said: JudgedCase) -> JudgedCase:
        """On disk, unless the same is there already."""
        before = self.journal.latest.get((said.id, said.judge))
        if before is None or replace(before, seconds=0) != replace(said, seconds=0):
            self.journal.append(said)
        return said


def build_judge(
    name: str,
    llm: LLM | None = None,
    embed_model: BaseEmbedding | None = None,
    guidelines: Sequence[str] | None = None,
) -> Judge:
    """The judge of a name.

    Args:
        name: one of `JUDGES`.
        llm: asked by all but ``similarity``.
        embed_model: for ``similarity``.
        guidelines: for ``guideline``; its own if None.

    Raises:
        InputError: there is no such judge, or something is missing that it needs.
    """
    if name == ReferenceSimilarityEvaluator.name:
        if embed_model is None:
            raise InputError("The judge 'similarity' needs an embedding model: pass embed_model.")
        return ReferenceSimilarityEvaluator(embed_model)
    if name not in _LLM_JUDGES:
        raise InputError(f"There is no judge {name!r}: choose among {', '.join(JUDGES)}.")
    if llm is None:
        raise InputError(f"The judge {name!r} needs a language model: pass llm, or set llm.model.")
    if name == ChineseGuidelineEvaluator.name:
        return ChineseGuidelineEvaluator(llm, guidelines)
    return _LLM_JUDGES[name](llm)


def _cases(run: Path | Sequence[CaseResult]) -> Sequence[CaseResult]:
    return read_run(run)[1] if isinstance(run, Path) else run


def _sample(case: CaseResult, other: str | None) -> Sample:
    contexts = tuple(passage.text for passage in case.passages)
    return Sample(case.question, case.answer or "", contexts, tuple(case.gold.answers), other)


def _not_asked(item: Judge, case: CaseResult, sample: Sample) -> str:
    """Why a judge is not asked about a case; empty if it is."""
    if case.failure is not None:
        return "failed"
    if case.answer is None:
        return "no answer"
    if "other" in item.needs:
        if sample.other is not None and sample.other == sample.answer:
            return "same answer"
    elif case.refused:
        return "refused"
    missing = item.lacks(sample)
    return f"no {missing}" if missing else ""


def _fingerprint(model: str, request: Request) -> str:
    words = [model, *((message.role.value, message.content) for message in request.messages)]
    return hashlib.sha256(json.dumps(words, ensure_ascii=False).encode("utf-8", "replace")).hexdigest()[:32]


def _since(started: float) -> float:
    return round(time.perf_counter() - started, 3)
