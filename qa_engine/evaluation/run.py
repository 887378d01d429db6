"""`evaluate`: asks an engine questions whose answers are known, and keeps what came of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.llms import LLM

from qa_engine.answering.extractive.synthesizer import ExtractiveSynthesizer
from qa_engine.assembly import EngineParts, assemble
from qa_engine.config import Config
from qa_engine.engine import QueryEngine
from qa_engine.errors import AuthenticationFailedError, InputError, QAEngineError
from qa_engine.evaluation.cases import ask_case
from qa_engine.evaluation.figures import figures, now
from qa_engine.evaluation.fingerprint import configuration_of, digest, questions_digest
from qa_engine.evaluation.questions import LabelledQuestion, question_ids, read_questions
from qa_engine.evaluation.report_html import write_html
from qa_engine.evaluation.report_markdown import run_report
from qa_engine.evaluation.results import CaseResult, RunManifest, RunResults
from qa_engine.evaluation.run_folder import RunFolder, opened

LLM_CONCURRENCY = 4
"""Questions that are asked at once of a language model, unless another number is named."""
_DEAD_AFTER = 3
"""Questions in a row that find a service or a model missing before a run gives up."""

Progress = Callable[[int, int, int], None]
Tell = Callable[[str], None]


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
    tell: Tell = lambda sentence: None,
) -> RunResults:
    """Asks questions and measures retrieval, answers, citations and refusals. No language model judges anything.

    Each case is written to ``out`` as soon as it is done. A run that was broken off goes on where it was when it is called
    again with the same questions and the same configuration; questions that failed are asked again then.

    Args:
        questions: or the JSON lines file that they are in; see `read_questions`.
        out: folder of the run, made if missing.
        storage: folder of the index; as in `QueryEngine.open`, like the following four.
        collection: its name, or the names of several.
        config: settings.
        llm: a LlamaIndex LLM instead of the configured one.
        embed_model: a LlamaIndex embedding instead of the configured one.
        limit: only so many of the questions, the first.
        retrieval_only: whether to make no answers: no language model is asked, unless it expands the questions.
        concurrency: questions that are asked at once; 4 with a language model, or else 1, if None.
        progress: told how many questions are done, how many there are, and how many failed.
        tell: told, in sentences, what happens.

    Raises:
        InputError: the questions cannot be used, or ``out`` holds another run.
        ServiceUnavailableError, ModelUnavailableError, StorageError, AuthenticationFailedError: several questions in a row
            found a service or a model missing. What was done is kept.
        QAEngineError: others of `QueryEngine.open`.
    """
    file = "" if not isinstance(questions, Path | str) else Path(questions).name
    asked = read_questions(Path(questions)) if isinstance(questions, Path | str) else list(questions)
    asked = asked[:limit]
    if not asked:
        raise InputError("There is no question to ask.")
    if concurrency is not None and concurrency < 1:
        raise InputError(f"concurrency must be > 0, got {concurrency}.")
    ids = question_ids(asked)
    settings = Config.of(config)
    if retrieval_only and settings.retrieval.expansion == "none":
        settings, llm = (
            settings.model_copy(update={"llm": settings.llm.model_copy(update={"model": None})}),
            None,
        )
    parts = assemble(storage, collection, settings, llm, embed_model)
    engine = QueryEngine(**vars(parts))
    manifest = _manifest(parts, engine, asked, file, retrieval_only)
    if concurrency is None:
        concurrency = LLM_CONCURRENCY if _asks_llm(parts) else 1
    with opened(Path(out), manifest) as folder:
        _tell_what_is_done(folder, len(asked), tell)
        waiting = [
            (key, question) for key, question in zip(ids, asked, strict=True) if key not in folder.done
        ]
        cases = {**folder.done, **_ask_all(engine, folder, waiting, retrieval_only, concurrency, progress)}
        ordered = [cases[key] for key in ids]
        results = figures(folder.manifest, ordered)
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
    """The cases of all questions by id, each written as soon as it is there."""
    cases: dict[str, CaseResult] = {}
    failed = in_a_row = 0
    total = len(questions) + len(folder.done)
    queue = list(reversed(questions))
    running: set[Future[tuple[CaseResult, Exception | None]]] = set()
    progress(len(folder.done), total, 0)
    with ThreadPoolExecutor(concurrency, thread_name_prefix="evaluate") as pool:
        try:
            while queue or running:
                while queue and len(running) < concurrency:
                    key, question = queue.pop()
                    running.add(pool.submit(ask_case, engine, key, question, retrieval_only))
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                missing: QAEngineError | None = None
                for future in finished:
                    case, error = future.result()
                    folder.append(case)
                    running.remove(future)
                    cases[case.id] = case
                    failed += error is not None
                    missing = error if isinstance(error, QAEngineError) and _is_missing(error) else None
                    in_a_row = 0 if missing is None else in_a_row + 1
                    progress(len(folder.done) + len(cases), total, failed)
                if missing is not None and in_a_row >= _DEAD_AFTER:
                    raise _given_up(missing, len(folder.done) + len(cases) - failed, total)
        finally:
            # What is under way may be paid for: its results are kept, whatever ends the run.
            for future in running:
                folder.append(future.result()[0])
    return cases


def _is_missing(error: QAEngineError) -> bool:
    """Whether a service or a model is not there, so that the next question will most likely fail alike."""
    return isinstance(error, AuthenticationFailedError) or error.exit_code == 3


def _given_up(error: QAEngineError, done: int, total: int) -> QAEngineError:
    return type(error)(
        f"{error} Stopped after {_DEAD_AFTER} such failures in a row; {done} of {total} questions are done and kept. Run "
        "the same command again to go on."
    )


def _tell_what_is_done(folder: RunFolder, total: int, tell: Tell) -> None:
    if folder.done or folder.failed:
        failed = f"; {folder.failed} failed and are asked again" if folder.failed else ""
        tell(f"{len(folder.done)} of {total} questions are done already and are not asked again{failed}.")


def _manifest(
    parts: EngineParts,
    engine: QueryEngine,
    questions: Sequence[LabelledQuestion],
    file: str,
    retrieval_only: bool,
) -> RunManifest:
    with_llm = _asks_llm(parts)
    models = {role: name for role, name in engine.models.items() if role != "llm" or not retrieval_only}
    configuration = configuration_of(parts.config, parts, with_llm)
    names = [reader.name for reader in parts.reader]
    return RunManifest(
        questions_file=file,
        questions_sha256=questions_digest(questions),
        questions=len(questions),
        collection=names,
        retrieval_only=retrieval_only,
        configuration=configuration,
        fingerprint=digest([configuration, names, models, retrieval_only]),
        models=models,
        created_at=now(),
        version=_version(),
    )


def _asks_llm(parts: EngineParts) -> bool:
    return not isinstance(parts.synthesizer, ExtractiveSynthesizer)


def _version() -> str:
    try:
        return installed_version("qa-engine")
    except PackageNotFoundError:
        return ""
