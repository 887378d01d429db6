"""Open WebUI: a replay of how it reads a stream shows the sources; and its tasks cost neither a search nor a model."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai_server import error
from served import ServedApp
from server.clients.conftest import WordedServer

from qa_engine import REFUSAL
from qa_engine.server.asking.questions import Questions
from qa_engine.server.clients.openai.completions import Completion
from qa_engine.server.clients.openai.requests import ChatCompletionMessage
from qa_engine.server.clients.openai.responses import closing_chunks
from qa_engine.server.clients.openwebui.events import OpenWebUIPresentation
from qa_engine.server.clients.openwebui.tasks import question_in, task_reply
from qa_engine.server.problems import ProblemError

QUESTION = "雷峰塔有多高？"
PATH = "/openwebui/v1/chat/completions"
CHAT = "<chat_history>\nUSER: 雷峰塔有多高？\n请给出出处。\nASSISTANT: 高71.679米[1]。\nUSER: 它在哪里？\n</chat_history>"
TASKS = {
    'Generate a concise title.\n### Output:\nJSON format: { "title": "your title" }': {"title": "雷峰塔有多高"},
    'Generate 1-3 broad tags.\n### Output:\nJSON format: { "tags": ["a", "b"] }': {"tags": []},
    'Predict messages. An object with a "follow_ups" key.\n{ "follow_ups": ["a"] }': {"follow_ups": []},
    'Generate search queries, or return { "queries": [] }.': {"queries": ["它在哪里？"]},
    'Generate a detailed prompt for an image.\n{\n    "prompt": "…"\n}': {"prompt": "它在哪里？"},
    'You are an autocompletion system. If unsure, return: `{ "text": "" }`.': {"text": ""},
}  # fmt: skip


@dataclass
class Shown:
    """What Open WebUI makes of a stream: it emits each `event`, joins the content, and lists sources by their ids.

    Attributes:
        content: of the message.
        statuses: descriptions, in order.
        done: whether the last status says so.
        sources: by ``metadata.source``, in the order in which ``[1]``, ``[2]`` … name them.
        error: what it shows instead.
    """

    content: str = ""
    statuses: list[str] = field(default_factory=list)
    done: bool = False
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    error: dict[str, Any] | None = None

    def read(self, data: dict[str, Any]) -> None:
        if "event" in data:
            self._event(data["event"])
        choices = data.get("choices", [])
        if not choices:
            self.error = data.get("error") or self.error
            return
        delta = choices[0]["delta"]
        self.content += delta.get("content") or ""
        for annotation in delta.get("annotations", []):
            url, title = annotation["url_citation"]["url"], annotation["url_citation"]["title"]
            metadata = [{"source": url, "name": title}]
            self._source({"source": {"name": title, "url": url}, "document": [title], "metadata": metadata})

    def _event(self, event: dict[str, Any]) -> None:
        if event["type"] == "status":
            self.statuses.append(event["data"]["description"])
            self.done = event["data"]["done"]
        elif event["type"] in {"source", "citation"}:
            self._source(event["data"])

    def _source(self, data: dict[str, Any]) -> None:
        for document, metadata in zip(data["document"], data["metadata"], strict=True):
            source = data["source"]
            identifier = metadata.get("source") or source.get("id") or "N/A"
            is_address = identifier.startswith(("http://", "https://"))
            known = self.sources.setdefault(
                identifier,
                {
                    "name": identifier if is_address else metadata.get("name") or source["name"],
                    "link": source.get("url") or (identifier if is_address else None),
                    "page": metadata["page"] + 1 if "page" in metadata else None,
                    "texts": [],
                },
            )
            known["texts"].append(document)


def shown(server: ServedApp, question: str = QUESTION, **fields: Any) -> Shown:
    body = {
        "model": "qa-engine",
        "messages": [{"role": "user", "content": question}],
        "stream": True,
        **fields,
    }
    result = Shown()
    with server.client.stream("POST", PATH, json=body) as response:
        assert response.status_code == 200, response.read()
        for line in response.iter_lines():
            if line.startswith("data: ") and line != "data: [DONE]":
                result.read(json.loads(line.removeprefix("data: ")))
    return result


class TestAnswers:
    def test_sources_have_name_page_text_and_link(self, server: ServedApp) -> None:
        native = server.client.post("/api/v1/ask", json={"question": QUESTION}).json()
        (citation,) = native["citations"]
        found = shown(server)
        assert found.content == native["answer"]
        assert "来源" not in found.content
        (source,) = found.sources.values()
        assert source == {
            "name": "西湖介绍.pdf",
            "link": citation["url"],
            "page": citation["page"],
            "texts": [citation["text"]],
        }
        assert citation["text"] in server.client.get(source["link"]).text
        assert found.statuses[0] == "正在检索文档…"
        assert found.done
        assert found.statuses[-1] == "依据 西湖介绍.pdf"

    def test_a_mark_names_the_source_of_its_number(self) -> None:
        def citation(number: int) -> dict[str, Any]:
            place = {"file": f"{number}.pdf", "section": "节", "page": number, "page_end": number}
            return {
                **place,
                "number": number,
                "id": f"d-{number}",
                "text": f"文{number}",
                "url": f"https://x/c/{number}",
            }

        answer = "塔高72米[5]。它在杭州[2][5]。"
        body = {"answer": answer, "refused": False, "citations": [citation(5), citation(2)]}
        presentation, completion = OpenWebUIPresentation(), Completion("a", "qa-engine")
        content = presentation.content(body)
        found = Shown()
        for fields in presentation.progress("done", body):
            found.read(completion.bare_chunk(**fields))
        for chunk in closing_chunks(completion, presentation, content, body):
            found.read(chunk)
        assert found.content == content.text == "塔高72米[1]。它在杭州[2][1]。"
        assert [source["texts"] for source in found.sources.values()] == [["文5"], ["文2"]]
        assert [source["name"] for source in found.sources.values()] == ["5.pdf · 节", "2.pdf · 节"]
        assert [source["page"] for source in found.sources.values()] == [5, 2]
        assert found.statuses == ["依据 2 个文件"]

    def test_a_refusal_says_so(self, server: ServedApp) -> None:
        found = shown(server, "火星上有多少家咖啡馆在卖热气球？")
        assert (found.content, found.sources, found.done) == (REFUSAL, {}, True)
        assert found.statuses[-1] == "文档里没有找到答案"

    def test_an_error_is_shown(self, worded: WordedServer) -> None:
        worded.script(error(500))
        found = shown(worded.server)
        assert found.error is not None
        assert found.error["code"] == "model_unavailable"
        assert found.done

    def test_its_tools_and_its_context_are_ignored(self, server: ServedApp) -> None:
        tools = [{"type": "function", "function": {"name": "search_chats", "parameters": {}}}]
        expected = shown(server).content
        assert shown(server, tools=tools, tool_choice="auto").content == expected
        context = '### Task:\nRespond to the query.\n<context>\n<source id="1">长城</source>\n</context>'
        assert shown(server, f"{context}\n\n{QUESTION}").content == expected
        attached = f'<attached_files>\n<file name="a.md"/>\n</attached_files>\n\n{QUESTION}'
        assert shown(server, attached).content == expected

    def test_the_official_client_reads_it_as_well(self, server: ServedApp) -> None:
        with openai.OpenAI(base_url=f"{server.url}/openwebui/v1", api_key="none") as client:
            assert [one.id for one in client.models.list()] == [
                "qa-engine",
                "qa-engine/papers",
                "qa-engine/西湖",
            ]
            assert client.models.retrieve("qa-engine/西湖").id == "qa-engine/西湖"
            asked: Any = [{"role": "user", "content": QUESTION}]
            extension = {"qa_engine": {"citations": "markdown"}}
            whole = client.chat.completions.create(model="qa-engine", messages=asked, extra_body=extension)
            stream = client.chat.completions.create(
                model="qa-engine", messages=asked, stream=True, extra_body=extension
            )
            text = "".join(one.choices[0].delta.content or "" for one in stream if one.choices)
            assert text == whole.choices[0].message.content
            assert "来源" in text


class TestTasks:
    @pytest.fixture(autouse=True)
    def no_questions(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def ask(*arguments: Any) -> None:
            raise AssertionError("a task was asked as a question")

        monkeypatch.setattr(Questions, "ask", ask)

    @pytest.mark.parametrize("stream", [True, False])
    @pytest.mark.parametrize(("task", "expected"), TASKS.items(), ids=lambda value: next(iter(value), ""))
    def test_they_are_answered_in_the_shape_that_is_expected(
        self, server: ServedApp, task: str, expected: dict[str, Any], stream: bool
    ) -> None:
        with openai.OpenAI(base_url=f"{server.url}/openwebui/v1", api_key="none") as client:
            asked: Any = [{"role": "user", "content": f"### Task:\n{task}\n### Chat History:\n{CHAT}"}]
            done = client.chat.completions.create(model="qa-engine", messages=asked, stream=stream)
            text = (
                "".join(one.choices[0].delta.content or "" for one in done)
                if stream
                else done.choices[0].message.content
            )
        assert json.loads(text) == expected

    def test_an_emoji_is_one(self, server: ServedApp) -> None:
        prompt = "Your task is to reflect the speaker's likely facial expression through a fitting emoji."
        assert task_reply(prompt) == "📄"

    @pytest.mark.parametrize(
        "prompt",
        [
            "### Task:\nSummarize the conversation history that will be compacted.",
            'You have been provided with a set of responses from various models to the query "x"',
        ],
    )
    def test_what_needs_a_language_model_is_refused(self, server: ServedApp, prompt: str) -> None:
        body = {"model": "qa-engine", "messages": [{"role": "user", "content": prompt}]}
        response = server.client.post(PATH, json=body)
        assert (response.status_code, response.json()["error"]["code"]) == (400, "unsupported")
        assert "tasks in Open WebUI" in response.json()["error"]["message"]

    def test_a_model_that_does_not_exist(self, server: ServedApp) -> None:
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": f'### Task:\n"tags"\n{CHAT}'}]}
        assert server.client.post(PATH, json=body).status_code == 404


@given(question=st.text(max_size=50))
def test_a_question_without_context_is_left_as_it_is(question: str) -> None:
    if not question.lstrip().startswith(("### Task:", "<attached_files>")):
        assert question_in(question) == question.strip()


@settings(max_examples=30)
@given(
    pieces=st.lists(
        st.sampled_from(
            [
                "### Task:",
                "<context>",
                "</context>",
                "<chat_history>",
                "</chat_history>",
                "USER: ",
                '"title"',
                "\n",
                "x",
            ]
        ),
        max_size=12,
    ),
    times=st.sampled_from([1, 40_000]),
)
def test_hostile_prompts_take_little_time(pieces: list[str], times: int) -> None:
    prompt = "### Task:" + "".join(pieces) * (times // max(len(pieces), 1) or 1)
    began = time.process_time()
    try:
        task_reply(prompt)
    except ProblemError as problem:
        assert problem.code == "unsupported"
    question_in(prompt)
    ChatCompletionMessage(role="user", content=prompt)
    assert time.process_time() - began < 2
