"""A server whose language model writes half an answer and then waits."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from answer_events import Event, read_events
from openai_server import OpenAIServer, held
from served import ServedApp, served

QUESTION = "雷峰塔有多高？"
FIRST, REST = ["雷峰塔高约72米[1]。", "它在"], ["杭州[1]。"]


class HeldModel:
    """A server over a model that writes half an answer and then waits.

    Attributes:
        server: it.
        model: the model.
        release: lets the model write the rest.
        left: is set when its reader has left before that.
    """

    def __init__(self, storage: Path, first: list[str], settings: dict[str, Any]) -> None:
        self.release, self.left = threading.Event(), threading.Event()
        self.model = OpenAIServer(held(first, REST, self.release, self.left))
        llm = {"model": "m", "base_url": self.model.url, "max_retries": 0}
        self._served = served(storage, "西湖", llm=llm, answering={"llm_threshold": 0}, server=settings)
        self.server: ServedApp

    def __enter__(self) -> HeldModel:
        self.model.__enter__()
        self.server = self._served.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self.release.set()
        self._served.__exit__(*exception)
        self.model.__exit__(*exception)

    def begin(self, **fields: Any) -> http.client.HTTPConnection:
        """Sends a question and does not wait for its answer."""
        connection = http.client.HTTPConnection(urlsplit(self.server.url).netloc, timeout=30)
        body = json.dumps({"question": QUESTION, **fields})
        connection.request("POST", "/api/v1/ask", body, {"Content-Type": "application/json"})
        return connection

    @contextmanager
    def stream(self, **fields: Any) -> Iterator[Iterator[Event]]:
        """The events of a question as they come; at the end the client leaves."""
        body = {"question": QUESTION, "stream": True, **fields}
        with self.server.client.stream("POST", "/api/v1/ask", json=body) as response:
            assert response.status_code == 200, response.read()
            yield read_events(response.iter_lines())

    def until(self, condition: Callable[[], bool]) -> None:
        """Waits until something holds in the server; each request gives it a turn of its loop."""
        while not condition():
            self.server.client.get("/healthz")

    @property
    def idle(self) -> bool:
        """Whether no question runs or waits."""
        queue = self.server.app.state.server.questions.queue
        return bool(queue.running == 0 and queue.waiting == 0)
