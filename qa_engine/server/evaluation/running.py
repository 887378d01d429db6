"""Runs evaluations for the server, one at a time, in a process that gives way to questions."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock, Thread

from qa_engine.config import Config
from qa_engine.evaluation.questions.labelled import LabelledQuestion
from qa_engine.server.asking.running import to_json
from qa_engine.server.database import ServerDatabase
from qa_engine.server.evaluation.child import EvaluationTask
from qa_engine.server.jobs.process import ChildProcess
from qa_engine.server.problems import ProblemError, without_paths

logger = logging.getLogger("qa_engine.server")

CHILD_MODULE = "qa_engine.server.evaluation.child"
_TABLE = """CREATE TABLE IF NOT EXISTS evaluation_runs (
    name TEXT PRIMARY KEY, started REAL NOT NULL, collections TEXT NOT NULL, questions INTEGER NOT NULL,
    retrieval_only INTEGER NOT NULL, state TEXT NOT NULL, fault TEXT NOT NULL DEFAULT '') STRICT"""
_RETRY_SECONDS = 60


@dataclass
class Progress:
    """How far the evaluation is that runs now.

    Attributes:
        name: of the run.
        done: questions that have been asked.
        failed: those of them that failed.
    """

    name: str
    done: int = 0
    failed: int = 0


class EvaluationRunner:
    """Starts evaluations and knows what became of them. Thread-safe; its methods block, so call them from threads."""

    def __init__(
        self, database: ServerDatabase, config: Config, folder: Path, child_module: str = CHILD_MODULE
    ) -> None:
        """
        Args:
            database: of the server.
            config: the settings, with the storage.
            folder: of the runs.
            child_module: the module that its process runs.

        Raises:
            StorageError: the database cannot be written.
        """
        self._database = database
        self._config = config
        self._folder = folder
        self._child_module = child_module
        self._lock = Lock()
        self._process: ChildProcess | None = None
        self._thread: Thread | None = None
        self._progress: Progress | None = None
        self._ended: tuple[str, str] | None = None
        database.create(_TABLE)
        with database.transaction() as connection:
            connection.execute(
                "UPDATE evaluation_runs SET state = 'failed', fault = ? WHERE state = 'running'",
                ("The server ended while it ran.",),
            )

    @property
    def progress(self) -> Progress | None:
        """How far the evaluation is that runs now; None if none runs."""
        return self._progress

    def start(
        self, questions: Sequence[LabelledQuestion], collections: Sequence[str], retrieval_only: bool
    ) -> str:
        """Starts an evaluation.

        Args:
            questions: what is asked.
            collections: that they are asked of.
            retrieval_only: whether no answers are made.

        Returns:
            The name of the run.

        Raises:
            ProblemError: ``queue_full``: one runs already; ``internal``: the process cannot be started.
        """
        with self._lock:
            if self._progress is not None:
                raise ProblemError(
                    "queue_full",
                    f"The evaluation {self._progress.name!r} is running.",
                    "Wait until it is done, or cancel it.",
                    retry_after=_RETRY_SECONDS,
                )
            name = self._new_name(collections, len(questions), retrieval_only)
            task = EvaluationTask(
                *(tuple(questions), tuple(collections), self._folder / name, retrieval_only, self._config),
                threads=self._config.server.ingestion_threads,
            )
            self._progress, self._ended = Progress(name), None
            try:
                process = self._process = ChildProcess(self._child_module)
            except OSError as error:
                self._finish("failed", f"The process cannot be started: {error.strerror or error}.")
                raise ProblemError("internal", "The process of the evaluation cannot be started.") from error
            self._thread = Thread(target=self._follow, args=(process, task), name="evaluation", daemon=True)
            self._thread.start()
            return name

    def cancel(self, name: str) -> bool:
        """Cancels the evaluation of this name; the questions that it has asked stay in its folder.

        Returns:
            Whether it was running.
        """
        return self._end(name, "cancelled", "")

    def close(self) -> None:
        """Ends the evaluation that runs."""
        if (progress := self._progress) is not None:
            self._end(progress.name, "failed", "The server ended while it ran.")

    def rows(self) -> dict[str, dict[str, object]]:
        """What is known of the runs that this server, or the one before, has started, by name."""
        with self._database.reading() as connection:
            return {row["name"]: dict(row) for row in connection.execute("SELECT * FROM evaluation_runs")}

    def _end(self, name: str, state: str, fault: str) -> bool:
        with self._lock:
            if self._progress is None or self._progress.name != name or self._process is None:
                return False
            self._ended = state, fault
            self._process.kill()
            thread = self._thread
        if thread is not None:
            thread.join()
        return True

    def _new_name(self, collections: Sequence[str], questions: int, retrieval_only: bool) -> str:
        """Records a run under a name that no other has."""
        now = time.time()
        base = name = datetime.fromtimestamp(now, UTC).strftime("%Y%m%d-%H%M%S")
        taken, count = self.rows().keys(), 1
        while name in taken or (self._folder / name).exists():
            count += 1
            name = f"{base}-{count}"
        row = (name, now, to_json(list(collections)), questions, retrieval_only)
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO evaluation_runs (name, started, collections, questions, retrieval_only, state) "
                "VALUES (?, ?, ?, ?, ?, 'running')",
                row,
            )
        return name

    def _follow(self, process: ChildProcess, task: EvaluationTask) -> None:
        progress = self._progress
        state, fault = "failed", "Its process ended before its time."
        try:
            for message in process.perform(task):
                if message["event"] == "asked" and progress is not None:
                    progress.done, progress.failed = message["done"], message["failed"]
                elif message["event"] == "ended":
                    state, fault = "finished", ""
                elif message["event"] in {"failed", "locked"}:
                    fault = without_paths(message["message"])
        finally:
            process.close()
            self._finish(*(self._ended or (state, fault)))

    def _finish(self, state: str, fault: str) -> None:
        progress = self._progress
        try:
            if progress is not None:
                with self._database.transaction() as connection:
                    connection.execute(
                        "UPDATE evaluation_runs SET state = ?, fault = ? WHERE name = ?",
                        (state, fault, progress.name),
                    )
                if fault:
                    logger.warning("evaluation %s: %s", progress.name, fault)
        finally:
            self._process = self._progress = None
