"""`evaluate`: asks an engine questions whose answers are known, and measures the results."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.llms import LLM
from pydantic import SecretStr

from qa_engine import __version__
from qa_engine.answering.extractive.synthesizer import ExtractiveSynthesizer
from qa_engine.assembly import EngineParts, assemble
from qa_engine.config import Config
from qa_engine.config.masking import masked_url
from qa_engine.engine import QueryEngine
from qa_engine.errors import InputError, QAEngineError
from qa_engine.evaluation import require_packages
from qa_engine.evaluation.case_runner import run_case
from qa_engine.evaluation.metrics.summary import summarise
from qa_engine.evaluation.questions.labelled import LabelledQuestion, question_ids, read_questions
from qa_engine.evaluation.record_files import content_hash
from qa_engine.evaluation.records import CaseResult, RunManifest, RunResults, is_outage
from qa_engine.evaluation.reports.html import write_html
from qa_engine.evaluation.reports.markdown import run_report
from qa_engine.evaluation.run_folder import RunFolder, open_run_folder

_logger = logging.getLogger("qa_engine.evaluation")

LLM_CONCURRENCY = 4
"""Questions that are asked at once with a language model, unless another number is named."""
_MAX_OUTAGES = 3
"""Questions in a row that find a service or a model missing before a run gives up."""
_SHORT = 16
"""Digits of a hash that are enough to tell configurations apart."""
_SECTIONS = ("embedding", "bm25", "retrieval", "rerank", "llm", "answering")
_IRRELEVANT_SETTINGS = {
    "timeout_seconds",
    "expansion_timeout_seconds",
    "max_retries",
    "batch_size",
    "device",
    "price_input",
    "price_output",
    "fallback_after_failures",
    "fallback_seconds",
}
"""Settings that change how long an answer takes or what it costs, and not what it is."""

Progress = Callable[[int, int, int], None]
OnMessage = Callable[[str], None]


def evaluate(
    questions: Sequence[LabelledQuestion] | Path | str,
    out: Path | str,
    *,
    storage: Path | str | None = None,
    collection: str | Sequence[str] | None = None,
    config: Config | Mapping[str, Any] | str | Path | None = None,
    llm: LLM | None = None,
    embed_model: BaseEmbedding | None = None,
    limit: int | None = None,
    retrieval_only: bool = False,
    concurrency: int | None = None,
    progress: Progress = lambda done, total, failed: None,
    on_message: OnMessage = lambda sentence: None,
) -> RunResults:
    """Asks questions and measures retrieval, answers, citations and refusals. No language model judges anything.

    Each case is written to ``out`` as soon as it is done. An interrupted run is resumed by the same call: with the same
    questions and the same configuration. Questions that failed are then asked again.

    Args:
        questions: the questions, or the JSON lines file that holds them; see `read_questions`.
        out: folder of the run, made if missing.
        storage: folder of the index; as in `QueryEngine.open`, like the following four.
        collection: its name, or the names of several.
        config: settings.
        llm: a LlamaIndex LLM instead of the configured one.
        embed_model: a LlamaIndex embedding instead of the configured one.
        limit: ask only the first so many questions.
        retrieval_only: whether to make no answers: no language model is asked, unless it expands the questions.
        concurrency: questions that are asked at once; if None, 4 with a language model and 1 without.
        progress: called with the numbers of questions that are done, that there are, and that failed.
        on_message: called with sentences for people.

    Raises:
        InputError: the questions cannot be used, or ``out`` holds another run.
        ModelUnavailableError: the extra ``eval`` is not installed.
        ServiceUnavailableError, ModelUnavailableError, StorageError, AuthenticationFailedError: several questions in a row
            found a service or a model missing. The cases that are done are kept.
        QAEngineError: others of `QueryEngine.open`.
    """
    require_packages()
    file = "" if not isinstance(questions, Path | str) else Path(questions).name
    labelled = read_questions(Path(questions)) if isinstance(questions, Path | str) else list(questions)
    labelled = labelled[:limit]
    if not labelled:
        raise InputError("There is no question to ask.")
    if concurrency is not None and concurrency < 1:
        raise InputError(f"concurrency must be > 0, got {concurrency}.")
    ids = question_ids(labelled)
    settings = Config.of(config)
    if retrieval_only and settings.retrieval.expansion == "none":
        without_model = settings.llm.model_copy(update={"model": None})
        settings, llm = settings.model_copy(update={"llm": without_model}), None
    parts = assemble(storage, collection, settings, llm, embed_model)
    engine = QueryEngine(**vars(parts))
    manifest = _manifest(parts, engine, labelled, file, retrieval_only)
    if concurrency is None:
        concurrency = LLM_CONCURRENCY if _asks_llm(parts) else 1
    with engine, open_run_folder(Path(out), manifest) as folder:
        if folder.done or folder.failed:
            on_message(_resume_message(folder, len(labelled)))
        missing = [
            (key, question) for key, question in zip(ids, labelled, strict=True) if key not in folder.done
        ]
        cases = {**folder.done, **_ask_all(engine, folder, missing, retrieval_only, concurrency, progress)}
        ordered = [cases[key] for key in ids]
        results = summarise(folder.manifest, ordered, _now())
        folder.finish(results, ordered, run_report(results, ordered))
    write_html(Path(out))
    return results


def _ask_all(
    engine: QueryEngine,
    folder: RunFolder,
    questions: Sequence[tuple[str, LabelledQuestion]],
    retrieval_only: bool,
    concurrency: int,
    progress: Progress,
) -> dict[str, CaseResult]:
    """The cases of all questions by id, each written as soon as it is done."""
    cases: dict[str, CaseResult] = {}
    failed = outages = 0
    total = len(questions) + len(folder.done)
    queue = list(reversed(questions))
    running: set[Future[tuple[CaseResult, Exception | None]]] = set()
    progress(len(folder.done), total, 0)
    with ThreadPoolExecutor(concurrency, thread_name_prefix="evaluate") as pool:
        try:
            while queue or running:
                while queue and len(running) < concurrency:
                    key, question = queue.pop()
                    running.add(pool.submit(run_case, engine, key, question, retrieval_only))
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                outage: QAEngineError | None = None
                for future in finished:
                    case, error = future.result()
                    folder.append(case)
                    running.remove(future)
                    cases[case.id] = case
                    failed += error is not None
                    outage = error if is_outage(error) else None
                    outages = 0 if outage is None else outages + 1
                    progress(len(folder.done) + len(cases), total, failed)
                if outage is not None and outages >= _MAX_OUTAGES:
                    raise _outage_error(outage, len(folder.done) + len(cases) - failed, total)
        finally:
            # Questions that are being asked may be paid for: their results are kept, whatever ends the run.
            for future in running:
                folder.append(future.result()[0])
    return cases


def _outage_error(error: QAEngineError, done: int, total: int) -> QAEngineError:
    """The error that ends a run, of the class of the last error of its questions."""
    _logger.warning("Stopped after %d failures in a row: %s", _MAX_OUTAGES, type(error).__name__)
    return type(error)(
        f"{error} Stopped after {_MAX_OUTAGES} such failures in a row; {done} of {total} questions are done and kept. Run "
        "the same command again to go on."
    )


def _resume_message(folder: RunFolder, total: int) -> str:
    failed = f"; {folder.failed} failed and are asked again" if folder.failed else ""
    _logger.info("A run is resumed: %d of %d questions are done.", len(folder.done), total)
    return f"{len(folder.done)} of {total} questions are done already and are not asked again{failed}."


def _manifest(
    parts: EngineParts,
    engine: QueryEngine,
    questions: Sequence[LabelledQuestion],
    file: str,
    retrieval_only: bool,
) -> RunManifest:
    models = {role: name for role, name in engine.models.items() if role != "llm" or not retrieval_only}
    configuration = _configuration(parts)
    names = [reader.name for reader in parts.reader]
    return RunManifest(
        questions_file=file,
        questions_sha256=content_hash([question.model_dump(mode="json") for question in questions]),
        questions=len(questions),
        collection=names,
        retrieval_only=retrieval_only,
        configuration=configuration,
        fingerprint=content_hash([configuration, names, models, retrieval_only])[:_SHORT],
        models=models,
        created_at=_now(),
        version=__version__,
    )


def _configuration(parts: EngineParts) -> dict[str, Any]:
    """The settings that decide the results, by section and without secrets, the calibration and the state of the documents.

    Without a language model, its settings are left out.
    """
    sections = [name for name in _SECTIONS if name != "llm" or _asks_llm(parts)]
    settings = {
        name: {
            key: _json_value(value)
            for key, value in getattr(parts.config, name)
            if key not in _IRRELEVANT_SETTINGS
            and not key.endswith("api_key")
            and not isinstance(value, SecretStr)
        }
        for name in sections
    }
    calibration = (
        None if parts.answerability is None else content_hash(parts.answerability.to_dict())[:_SHORT]
    )
    documents = {
        reader.name: content_hash(sorted(map(str, reader.snapshot().bm25.document_ids)))[:_SHORT]
        for reader in parts.reader
    }
    return {**settings, "calibration": calibration, "documents": documents}


def _json_value(value: Any) -> Any:
    """A setting as JSON; addresses are masked."""
    if isinstance(value, str):
        return masked_url(value) if "://" in value else value
    return value if isinstance(value, int | float | bool | None) else str(value)


def _asks_llm(parts: EngineParts) -> bool:
    return not isinstance(parts.synthesizer, ExtractiveSynthesizer)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
