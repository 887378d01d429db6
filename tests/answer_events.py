"""Reads the server-sent events of answers, and compares them with the answer at their end."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class Event:
    """An event: its id, its name and its data."""

    number: int
    name: str
    data: dict[str, Any]


def read_events(lines: Iterable[str]) -> Iterator[Event]:
    """The events of a stream as its lines come; comments are left out."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "event" in fields:
            yield Event(int(fields["id"]), fields["event"], json.loads(fields["data"]))
            fields = {}


def ask_events(client: httpx.Client, question: str, **fields: Any) -> list[Event]:
    """All events of a question."""
    body = {"question": question, "stream": True, **fields}
    with client.stream("POST", "/api/v1/ask", json=body) as response:
        assert response.status_code == 200, response.read()
        return list(read_events(response.iter_lines()))


def checked_events(events: list[Event]) -> dict[str, Any]:
    """The body at the end of events that agree with it, by the rules of docs/server.md."""
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    names = [event.name for event in events]
    assert names[:2] == ["start", "passages"]
    assert names[-1] == "done"
    assert {"start", "passages", "done"}.isdisjoint(names[2:-1])
    body = events[-1].data
    text, citations = "", []
    for event in events:
        if event.name == "delta":
            text += event.data["text"]
        elif event.name == "replace":
            text, citations = event.data["text"], []
            assert event.data["reason"] == ("refusal" if body["refused"] else "repair")
        elif event.name == "citation":
            citations.append(event.data)
            assert f"[{event.data['number']}]" in text
    assert text == body["answer"]
    assert sorted(citations, key=lambda one: int(one["number"])) == body["citations"]
    assert events[1].data["passages"] == body["passages"]
    assert events[0].data["answer_id"] == body["answer_id"]
    return body


def lasting(body: dict[str, Any]) -> dict[str, Any]:
    """A body without what differs between two requests for the same: ids and times."""
    return {**body, "answer_id": "", "request_id": "", "timings": {}}
