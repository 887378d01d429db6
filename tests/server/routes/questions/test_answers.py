"""What happens to an answer whose client leaves, whose time is over, or whose server stops; and answers again."""

from __future__ import annotations

import json
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from answer_events import Event, ask_events, checked_events, lasting, read_events
from held_model import FIRST, QUESTION, REST, HeldModel
from served import ServedApp, served

from qa_engine.server import access
from qa_engine.server.access import Access
from qa_engine.server.asking import responses

pytestmark = pytest.mark.usefixtures("local_model")


@pytest.fixture
def holding(storage: Path) -> Iterator[Callable[..., HeldModel]]:
    """Makes a server over a held model, with settings of the server."""
    yield lambda first=FIRST, **settings: HeldModel(storage, first, settings)


def until_delta(events: Iterator[Event]) -> list[Event]:
    read = []
    for event in events:
        read.append(event)
        if event.name == "delta":
            break
    return read


class TestLeaving:
    def test_a_client_that_waits_for_the_whole(self, holding: Callable[..., HeldModel]) -> None:
        with holding() as one:
            connection = one.begin(answer_id="a-whole-answer")
            assert one.model.asked.wait(30)
            connection.close()
            assert one.left.wait(30)
            one.until(lambda: one.idle)
            assert one.server.client.get("/api/v1/answers/a-whole-answer").status_code == 404

    def test_a_reader_of_events(self, holding: Callable[..., HeldModel]) -> None:
        with holding() as one:
            with one.stream() as events:
                answer_id = until_delta(events)[0].data["answer_id"]
            assert one.left.wait(30)
            one.until(lambda: one.idle)
            assert one.server.client.get(f"/api/v1/answers/{answer_id}").status_code == 404

    def test_an_answer_that_is_stopped(self, holding: Callable[..., HeldModel]) -> None:
        with holding(resume_seconds=60) as one:
            client = one.server.client
            talk = client.post("/api/v1/conversations", json={}).json()["id"]
            path = "/api/v1/answers/to-be-stopped"
            with one.stream(answer_id="to-be-stopped", conversation_id=talk) as events:
                until_delta(events)
                assert client.delete(path).status_code == 204
                last = list(events)[-1]
            assert (last.name, last.data["code"]) == ("error", "not_found")
            assert one.left.wait(30)
            assert client.get(path).status_code == 404
            assert client.delete(path).status_code == 404
            # The conversation is free at once, and knows nothing of it.
            one.release.set()
            again = {"question": QUESTION, "conversation_id": talk}
            assert client.post("/api/v1/ask", json=again).status_code == 200
            assert len(client.get(f"/api/v1/conversations/{talk}").json()["turns"]) == 1

    def test_before_the_turn_of_the_question(self, holding: Callable[..., HeldModel]) -> None:
        with holding(max_running_questions=1) as one:
            first = one.begin()
            assert one.model.asked.wait(30)
            waiting = one.begin()
            queue = one.server.app.state.server.questions.queue
            one.until(lambda: queue.waiting == 1)
            waiting.close()
            one.until(lambda: queue.waiting == 0)
            one.release.set()
            assert first.getresponse().status == 200
            assert len(one.model.requests) == 1

    def test_who_named_the_answer_and_stays_away(self, holding: Callable[..., HeldModel]) -> None:
        with holding(resume_seconds=0.05) as one:
            with one.stream(answer_id="left-alone") as events:
                until_delta(events)
            assert one.left.wait(30)
            one.until(lambda: one.server.client.get("/api/v1/answers/left-alone").status_code == 404)
            assert one.idle

    def test_many_at_any_moment_leave_nothing_behind(self, storage: Path) -> None:
        with served(storage, "西湖", server={"max_running_questions": 2, "resume_seconds": 0.05}) as server:

            def leave(number: int) -> None:
                name = {"answer_id": f"leaving-{number}"} if number % 3 == 0 else {}
                body = json.dumps({"question": QUESTION, "stream": number % 2 == 0, **name}).encode()
                address = urlsplit(server.url)
                with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
                    head = f"POST /api/v1/ask HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: {len(body)}\r\n"
                    connection.sendall(f"{head}Content-Type: application/json\r\n\r\n".encode() + body)
                    if number % 5:
                        connection.recv(number * 40)

            with ThreadPoolExecutor(12) as threads:
                list(threads.map(leave, range(60)))
            questions = server.app.state.server.questions
            while questions.queue.running or questions.queue.waiting or questions._running:
                server.client.get("/healthz")
            engines = server.app.state.server.engines
            while any(opened.users for opened in engines._opened.values()):
                server.client.get("/healthz")
            assert server.client.post("/api/v1/ask", json={"question": QUESTION}).status_code == 200


class TestTakingUpAgain:
    def test_the_rest_of_a_lost_stream(
        self, holding: Callable[..., HeldModel], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with holding(resume_seconds=60) as one:
            client = one.server.client
            with one.stream(answer_id="lost-stream") as events:
                read = until_delta(events)
            path = "/api/v1/answers/lost-stream"
            with monkeypatch.context() as patch:
                patch.setattr(access, "access_of", lambda request: Access("another", frozenset({"read"})))
                assert client.get(path).status_code == 404
            again = client.post("/api/v1/ask", json={"question": QUESTION, "answer_id": "lost-stream"})
            assert (again.status_code, again.json()["code"]) == (409, "already_exists")
            headers = {"Accept": "text/event-stream", "Last-Event-ID": str(read[-1].number)}
            with client.stream("GET", path, headers=headers) as response:
                rest = read_events(response.iter_lines())
                read.append(next(rest))  # it is followed before the model goes on
                one.release.set()
                read += rest
            body = checked_events(read)
            assert body["answer"] == "".join(FIRST + REST)
            assert client.get(path).json() == body
            replayed = client.get(path, headers={"Accept": "text/event-stream"})
            assert list(read_events(replayed.text.split("\n"))) == read

    def test_the_whole_of_it_without_events(self, holding: Callable[..., HeldModel]) -> None:
        with holding(resume_seconds=60) as one, ThreadPoolExecutor(1) as threads:
            with one.stream(answer_id="lost-twice") as events:
                until_delta(events)
            waiting = threads.submit(httpx.get, f"{one.server.url}/api/v1/answers/lost-twice", timeout=30)
            running = one.server.app.state.server.questions.find("", "lost-twice")
            one.until(lambda: running._followers == 1)
            one.release.set()
            assert waiting.result().json()["answer"] == "".join(FIRST + REST)

    def test_a_finished_answer_outlives_the_server(self, storage: Path) -> None:
        with served(storage, "西湖") as server:
            body = checked_events(ask_events(server.client, QUESTION))
        path = f"/api/v1/answers/{body['answer_id']}"
        with served(storage, "西湖") as server:
            assert server.client.get(path).json() == body
            events = server.client.get(path, headers={"Accept": "text/event-stream", "Last-Event-ID": "2"})
            (done,) = read_events(events.text.split("\n"))
            assert (done.name, done.data) == ("done", body)
            reused = {"question": QUESTION, "answer_id": body["answer_id"]}
            assert server.client.post("/api/v1/ask", json=reused).status_code == 409

    def test_none_is_kept_if_none_is_to_be(self, storage: Path) -> None:
        with served(storage, "西湖", server={"answer_hours": 0}) as server:
            body = server.client.post("/api/v1/ask", json={"question": QUESTION}).json()
            assert server.client.get(f"/api/v1/answers/{body['answer_id']}").status_code == 404

    def test_an_answer_that_cannot_be_kept_is_sent_all_the_same(
        self, storage: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        shutil.copytree(storage, tmp_path / "storage")
        with served(tmp_path / "storage", "西湖") as server:
            with server.app.state.server.database.transaction() as connection:
                connection.execute("DROP TABLE answers")
            body = server.client.post("/api/v1/ask", json={"question": QUESTION}).json()
            assert body["citations"]
        assert "cannot be fetched again" in caplog.text


class TestLimits:
    @pytest.mark.parametrize(
        ("first", "settings"), [([], {"first_piece_seconds": 0.5}), (FIRST, {"question_seconds": 1})]
    )
    def test_an_answer_that_takes_too_long_tells_what_was_found(
        self, holding: Callable[..., HeldModel], first: list[str], settings: dict[str, Any]
    ) -> None:
        with holding(first, **settings) as one:
            response = one.server.client.post("/api/v1/ask", json={"question": QUESTION})
            problem = response.json()
            assert (response.status_code, problem["code"]) == (504, "model_timeout")
            assert problem["passages"][0]["file"] == "西湖介绍.pdf"
            assert one.left.wait(30)
            events = ask_events(one.server.client, QUESTION)
            assert events[-1].name == "error"
            assert {**events[-1].data, "request_id": 0} == {**problem, "request_id": 0}
            assert events[1].data["passages"] == problem["passages"]
            one.until(lambda: one.idle)

    def test_more_questions_than_may_wait_are_refused_at_once(
        self, holding: Callable[..., HeldModel]
    ) -> None:
        with holding(max_running_questions=1, max_waiting_questions=1) as one:
            first = one.begin()
            assert one.model.asked.wait(30)
            second = one.begin()
            queue = one.server.app.state.server.questions.queue
            one.until(lambda: queue.waiting == 1)
            for path, stream in (("ask", {"stream": True}), ("ask", {}), ("search", {})):
                body = {"question": QUESTION, **stream}
                response = one.server.client.post(f"/api/v1/{path}", json=body)
                assert (response.status_code, response.json()["code"]) == (429, "queue_full")
                assert int(response.headers["Retry-After"]) >= 1
            one.release.set()
            bodies = [json.loads(connection.getresponse().read()) for connection in (first, second)]
            assert lasting(bodies[0]) == lasting(bodies[1])

    def test_work_in_other_threads_does_not_hold_questions_up(self, server: ServedApp) -> None:
        loop, gate = server.app.state.server._loop, threading.Event()
        begun = threading.Event()

        def occupy() -> None:
            for _ in range(100):
                loop.run_in_executor(None, gate.wait)
            begun.set()

        loop.call_soon_threadsafe(occupy)
        assert begun.wait(30)
        try:
            assert server.client.post("/api/v1/ask", json={"question": QUESTION}).status_code == 200
        finally:
            gate.set()

    def test_silence_is_filled_with_comments(
        self, holding: Callable[..., HeldModel], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(responses, "KEEP_ALIVE_SECONDS", 0.05)
        with holding() as one:
            body = {"question": QUESTION, "stream": True}
            with one.server.client.stream("POST", "/api/v1/ask", json=body) as response:
                lines = response.iter_lines()
                assert next(line for line in lines if "ping" in line) == ": ping"
                one.release.set()
                assert [event.name for event in read_events(lines)][-1] == "done"


class TestStopping:
    def test_answers_get_some_time_and_are_ended_then(self, holding: Callable[..., HeldModel]) -> None:
        with holding(draining_seconds=0.2) as one:
            state = one.server.app.state.server
            whole = one.begin()
            with one.stream() as events:
                until_delta(events)
                state.drain()
                refused = one.server.client.post("/api/v1/ask", json={"question": QUESTION})
                assert (refused.status_code, refused.json()["code"]) == (503, "draining")
                last = list(events)[-1]
                assert (last.name, last.data["code"]) == ("error", "draining")
            response = whole.getresponse()
            assert (response.status, json.loads(response.read())["code"]) == (503, "draining")
            assert one.left.wait(30)

    def test_answers_that_end_in_time_are_whole(self, holding: Callable[..., HeldModel]) -> None:
        with holding(draining_seconds=30) as one, one.stream() as events:
            read = until_delta(events)
            one.server.app.state.server.drain()
            one.release.set()
            checked_events(read + list(events))
