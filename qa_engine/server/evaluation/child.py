"""The process in which an evaluation runs: it keeps its work and its memory away from the process that answers questions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from qa_engine.config import LOCAL, Config
from qa_engine.evaluation.questions.labelled import LabelledQuestion
from qa_engine.server.jobs.child import Messages, NumberedTask, Requests, serve


@dataclass(frozen=True)
class EvaluationTask(NumberedTask):
    """An evaluation to run.

    Attributes:
        questions: what is asked.
        collections: that they are asked of.
        out: the folder of the run.
        retrieval_only: whether no answers are made.
        config: the settings, with the storage.
        threads: of the embedding model.
    """

    questions: tuple[LabelledQuestion, ...]
    collections: tuple[str, ...]
    out: Path
    retrieval_only: bool
    config: Config
    threads: int = 1


def main() -> None:
    """Does what the parent sends on standard input, until it sends nothing more."""
    serve(perform)


def perform(task: EvaluationTask, messages: Messages, requests: Requests) -> None:
    """Runs an evaluation, and tells how many of its questions are done. Its parent ends the process to cancel it.

    Raises:
        QAEngineError: as `qa_engine.evaluation.run.evaluate`.
    """
    from qa_engine.evaluation.run import evaluate

    if task.config.embedding.provider == LOCAL:
        from qa_engine.models.e5.shared import shared_encoder

        shared_encoder(threads=task.threads)
    evaluate(
        task.questions,
        task.out,
        storage=task.config.storage,
        collection=task.collections,
        config=task.config,
        retrieval_only=task.retrieval_only,
        progress=lambda done, total, failed: messages.send("asked", done=done, total=total, failed=failed),
    )
