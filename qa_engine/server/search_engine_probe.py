"""Whether the search engine, if one is configured, can be asked now: for whoever sends requests to a server or not."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from threading import Lock

from qa_engine.config import IndexConfig
from qa_engine.errors import AuthenticationFailedError, ConfigurationError, QAEngineError
from qa_engine.server.problems import ProblemError

logger = logging.getLogger("qa_engine.server")
_SECONDS = 2.0
"""For each request of a look."""
_KEPT_SECONDS = 2.0
"""How long the outcome of a look holds: probes come often, and from several places."""


class SearchEngineProbe:
    """Looks whether the search engine answers, and has all shards of the default collections. Thread-safe; it blocks."""

    def __init__(self, config: IndexConfig, collections: Sequence[str]) -> None:
        """
        Args:
            config: says which search engine, if any.
            collections: those that are asked if a question names none.
        """
        self._config = config
        self._collections = collections
        self._lock = Lock()
        self._looked = float("-inf")
        self._problem = ""

    def require(self) -> None:
        """Nothing, if it can be asked or none is configured. It takes some seconds at most.

        Raises:
            ProblemError: ``storage_unavailable``; the log says more than the client is told.
        """
        if self._config.search_url is None:
            return
        with self._lock:
            if time.monotonic() - self._looked > _KEPT_SECONDS:
                self._look()
                self._looked = time.monotonic()
            problem = self._problem
        if problem:
            raise ProblemError("storage_unavailable", problem)

    def _look(self) -> None:
        before, self._problem = self._problem, ""
        try:
            self._ask()
        except (AuthenticationFailedError, ConfigurationError) as error:
            self._problem = "The search engine refuses the server, or is none that can be used."
            self._note(before, error)
        except QAEngineError as error:
            self._problem = "The search engine does not answer, or lacks shards."
            self._note(before, error)
        if before and not self._problem:
            logger.warning("the search engine can be asked again")

    def _ask(self) -> None:
        from qa_engine.index.search_engine.connection.client import search_engine
        from qa_engine.index.search_engine.registry import Registry

        engine = search_engine(self._config).with_patience(0, _SECONDS)
        registry = Registry(engine)
        params = {"allow_partial_search_results": "false"}
        for name in self._collections:
            if (found := registry.find(name)) is not None:
                body = {"size": 0, "track_total_hits": False}
                engine.request("POST", f"/{found.sentences}/_search", body, params=params)

    def _note(self, before: str, error: QAEngineError) -> None:
        if before != self._problem:
            logger.warning("the search engine cannot be asked: %s", error)
