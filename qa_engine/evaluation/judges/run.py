"""Judges the answers of a run: several at a time, resumable, and each request is paid for once."""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from llama_index.core.async_utils import asyncio_run
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.base.llms.types import ChatMessage
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
from qa_engine.evaluation.judges.judgements import JudgedCase, Judgements, open_judgements
from qa_engine.evaluation.judges.llm_judge import LlmJudge, Sample, missing_input
from qa_engine.evaluation.judges.summary import JudgeReport, summarise_judge, write_summary
from qa_engine.evaluation.record_files import content_hash
from qa_engine.evaluation.records import CaseResult
from qa_engine.evaluation.run_folder import read_run

_P = ParamSpec("_P")
_T = TypeVar("_T")
_logger = logging.getLogger("qa_engine.evaluation")

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
_MAX_FAILURES = 8
"""Failures in a row after which the service is taken to be unavailable."""


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
    """Has the answers of a run judged; `judge` is the same without a running event loop.

    In a folder, every reply is written to ``judgements.jsonl`` before the next step, and no request is sent again unless the
    answer, the prompt or the model has changed; the metrics are written to ``judges.json``. Cases without an answer are
    skipped, and so are refusals, except by ``pairwise``.

    Args:
        run: the folder of a finished run, or its cases.
        judges: names of `JUDGES`, or evaluators.
        llm: the model of the judges that are named, all but ``similarity``.
        embed_model: for ``similarity``.
        against: the run to compare with, for ``pairwise``.
        labels: labels by people, to compare the judges with.
        concurrency: maximum number of requests at a time.
        progress: called with the numbers of judgements that are done and that there will be.

    Raises:
        InputError: there is no such run or judge, or something is missing that a judge needs.
        QAEngineError: the service refused the key or the model, or did not answer several times in a row. All judgements
            until then are kept.
    """
    if concurrency < 1:
        raise InputError(f"concurrency must be > 0, got {concurrency}.")
    panel = [
        build_judge(item, llm, embed_model) if isinstance(item, str) else item
        for item in dict.fromkeys(judges)
    ]
    if not panel:
        raise InputError(f"No judge is named: choose among {', '.join(JUDGES)}.")
    if against is None and any("other" in evaluator.needs for evaluator in panel):
        raise InputError("The judge 'pairwise' compares two runs: name the other one with against.")
    cases = _cases(run)
    others = {case.id: case.answer for case in _cases(against)} if against is not None else {}
    folder = run if isinstance(run, Path) else None
    tasks: list[tuple[Judge, CaseResult, Sample]] = []
    skipped: dict[str, Counter[str]] = {evaluator.name: Counter() for evaluator in panel}
    for evaluator, case in product(panel, cases):
        sample = _sample(case, others.get(case.id))
        if reason := _reason_to_skip(evaluator, case, sample):
            skipped[evaluator.name][reason] += 1
        else:
            tasks.append((evaluator, case, sample))
    with open_judgements(folder) if folder is not None else nullcontext(Judgements()) as judgements:
        judge_run = _JudgeRun(judgements, asyncio.Semaphore(concurrency), progress)
        judged_cases = await judge_run.judge_all(tasks)
    summaries = []
    for evaluator in panel:
        name = evaluator.name
        verdicts = [verdict for verdict in judged_cases if verdict.judge == name]
        judge_agreement = agreement(labels, verdicts, name) if labels else None
        summaries.append(summarise_judge(name, evaluator.model, verdicts, skipped[name], judge_agreement))
    report = JudgeReport(summaries, judged_cases, judge_run.asked)
    if folder is not None:
        write_summary(folder, report)
    return report


def _synchronous(function: Callable[_P, Coroutine[Any, Any, _T]]) -> Callable[_P, _T]:
    @functools.wraps(function)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        result: _T = asyncio_run(function(*args, **kwargs))
        return result

    return call


judge = _synchronous(ajudge)


@dataclass
class _JudgeRun:
    """The requests of one run, at most ``slots`` at a time, and the judgements that come of them."""

    judgements: Judgements
    slots: asyncio.Semaphore
    progress: Progress
    asked: int = 0
    failures_in_a_row: int = 0
    done: int = 0

    async def judge_all(self, tasks: Sequence[tuple[Judge, CaseResult, Sample]]) -> list[JudgedCase]:
        self.progress(0, len(tasks))

        async def judge_one(evaluator: Judge, case: CaseResult, sample: Sample) -> JudgedCase:
            async with self.slots:
                judged_case = await self._judge(evaluator, case, sample)
            self.done += 1
            self.progress(self.done, len(tasks))
            return judged_case

        try:
            async with asyncio.TaskGroup() as group:
                running = [group.create_task(judge_one(*task)) for task in tasks]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [task.result() for task in running]

    async def _judge(self, evaluator: Judge, case: CaseResult, sample: Sample) -> JudgedCase:
        judged_case = JudgedCase(case.id, evaluator.name, evaluator.model)
        is_new = False
        started = time.perf_counter()

        async def ask(messages: Sequence[ChatMessage]) -> str:
            """The reply to a request, from the disk if it is there."""
            nonlocal judged_case, is_new
            if is_new:  # the reply before this one is kept, whatever happens next
                self._record(judged_case)
            content = [evaluator.model, *((message.role.value, message.content) for message in messages)]
            key = content_hash(content)[:32]
            judged_case = replace(judged_case, requests=(*judged_case.requests, key))
            reply = self.judgements.replies.get(key)
            is_new = reply is None
            if reply is None:
                self.asked += 1
                reply = await evaluator.ask(messages) if isinstance(evaluator, LlmJudge) else ""
                self.failures_in_a_row = 0
            judged_case = replace(judged_case, replies=(*judged_case.replies, reply))
            return reply

        try:
            result = await evaluator.judge(sample, ask)
        except (AuthenticationFailedError, ModelUnavailableError):
            raise  # the next request would fail in the same way
        except Exception as error:
            # Any LLM may be asked: its error is the result of one case.
            self.failures_in_a_row += 1
            if self.failures_in_a_row >= _MAX_FAILURES and isinstance(error, QAEngineError):
                _logger.warning("Judging is stopped after %d failures in a row.", self.failures_in_a_row)
                raise
            judged_case = replace(judged_case, error=str(error) or type(error).__name__)
        else:
            judged_case = replace(
                judged_case,
                passing=result.passing,
                score=result.score,
                reasoning=result.feedback or "",
                unparsed=(result.invalid_reason or "unreadable") if result.invalid_result else "",
            )
        return self._record(replace(judged_case, seconds=round(time.perf_counter() - started, 3)))

    def _record(self, judged_case: JudgedCase) -> JudgedCase:
        """Writes a judgement, unless the same is on the disk already."""
        before = self.judgements.latest.get((judged_case.id, judged_case.judge))
        if before is None or replace(before, seconds=0) != replace(judged_case, seconds=0):
            self.judgements.add(judged_case)
        return judged_case


def build_judge(
    name: str,
    llm: LLM | None = None,
    embed_model: BaseEmbedding | None = None,
    guidelines: Sequence[str] | None = None,
) -> Judge:
    """Builds the judge of a name, one of `JUDGES`: ``similarity`` from ``embed_model``, and the others from ``llm``.

    ``guideline`` has its own guidelines if none are given.

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


def _reason_to_skip(evaluator: Judge, case: CaseResult, sample: Sample) -> str:
    """Why a judge is not asked about a case; empty if it is."""
    if case.failure is not None:
        return "failed"
    if case.answer is None:
        return "no answer"
    if "other" in evaluator.needs:
        if sample.other is not None and sample.other == sample.answer:
            return "same answer"
    elif case.refused:
        return "refused"
    missing = missing_input(evaluator.needs, sample)
    return f"no {missing}" if missing else ""
