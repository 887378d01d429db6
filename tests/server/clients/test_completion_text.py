"""The text of completions: streams and whole answers say the same, marks are where annotations say, and lists of sources are
taken off again, whatever a model or a document says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from openai_server import chat
from server.clients.conftest import WordedServer

from qa_engine import REFUSAL
from qa_engine.server.clients.openai.sources import (
    inactive,
    renumbered,
    source_list,
    source_title,
    url_annotations,
    without_source_list,
)

QUESTION = "雷峰塔有多高？"
WORDS = st.sampled_from(
    [
        *("雷峰塔高约72米", "。", "[1]", "[2]", "[1][2]", "[9]", "它在杭州𠮷😀。", "The tower is high.", " [1]. ", "\n"),
        *("抱歉，无法回答", REFUSAL, "<think>", "</think>\n", "来源：\n\n- [1] 塔\n", "![x](http://x.example)"),
    ]
)  # fmt: skip
NAMES = st.one_of(
    st.sampled_from(["a](javascript:x).pdf", "<img src=x>.pdf", "\u202efdp.x", "*a*_b_[c]\n- [2] d.pdf"]),
    st.text(min_size=1, max_size=20),
)
CITATIONS = st.lists(
    st.builds(
        lambda number, file, section, page, url: {
            "number": number,
            "id": f"{number % 3}",
            "file": file,
            "section": section,
            "page": page,
            "page_end": page + number % 2,
            "url": url,
        },
        st.integers(1, 12),
        NAMES,
        st.one_of(st.just(""), NAMES),
        st.integers(0, 300),
        st.sampled_from(["https://qa.example.com/(x)/c/a%23b", None]),
    ),
    max_size=4,
    unique_by=lambda one: one["number"],
)
ANSWERS = st.lists(
    st.sampled_from(["塔高72米", "。", "[1]", "[12]", "[3]", "𠮷", "\n"]), min_size=1, max_size=9
).map(lambda pieces: f"答{''.join(pieces)}。")


def streamed(worded: WordedServer, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The text, the annotations and the answer of a stream."""
    response = worded.server.client.post(path, json={**body, "stream": True})
    data = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: ")]
    assert data[-1] == "[DONE]"
    told: dict[str, Any] = {"text": "", "annotations": []}
    for chunk in map(json.loads, data[:-1]):
        if "error" in chunk:
            return {"error": chunk["error"]["code"]}
        for choice in chunk["choices"]:
            told["text"] += choice["delta"].get("content") or ""
            told["annotations"] += choice["delta"].get("annotations", ())
        told["answer"] = chunk.get("qa_engine", told.get("answer"))
    return told


def whole(worded: WordedServer, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The same of a completion as one object."""
    done = worded.server.client.post(path, json=body).json()
    if "error" in done:
        return {"error": done["error"]["code"]}
    message = done["choices"][0]["message"]
    return {"text": message["content"], "annotations": message["annotations"], "answer": done["qa_engine"]}


@settings(max_examples=40, deadline=None)
@given(replies=st.lists(st.lists(WORDS, min_size=1, max_size=7).map("".join), min_size=1, max_size=2))
def test_a_stream_joined_is_the_whole_text(worded: WordedServer, replies: list[str]) -> None:
    body = {"model": "qa-engine", "messages": [{"role": "user", "content": QUESTION}]}
    found = []
    for ask in (streamed, whole):
        worded.script(*map(chat, replies))
        told = ask(worded, "/v1/chat/completions", body)
        if "error" not in told:
            answer = told.pop("answer")
            said = inactive(answer["answer"])
            assert told["text"].startswith(said)
            links = {one["number"]: one["url"] for one in answer["citations"]}
            for annotation in told["annotations"]:
                cited = annotation["url_citation"]
                mark = told["text"][cited["start_index"] : cited["end_index"]]
                assert links[int(mark[1:-1])] == cited["url"]
            assert without_source_list(told["text"]) in {said, without_source_list(said)}
        found.append(told)
    assert found[0] == found[1]


@given(answer=ANSWERS, citations=CITATIONS)
def test_a_list_of_sources_is_taken_off_again(answer: str, citations: list[dict[str, Any]]) -> None:
    listed = source_list(citations)
    assert without_source_list(answer + listed) == answer
    assert without_source_list(f"{answer}{listed}\n") == (answer if listed else f"{answer}\n")
    lines = listed.splitlines()[4:]
    assert len(lines) == len(citations)
    for line, citation in zip(lines, citations, strict=True):
        assert line.startswith(f"- [{citation['number']}] ")
        assert ("](https://qa.example.com/%28x%29/c/a%23b)" in line) == (citation["url"] is not None)
        assert "\u202e" not in line


@given(citations=CITATIONS)
def test_names_in_a_list_of_sources_are_text_alone(citations: list[dict[str, Any]]) -> None:
    tokens = MarkdownIt("commonmark").parse(source_list(citations))
    inline = [one for token in tokens for one in token.children or ()]
    links = [token.attrs["href"] for token in inline if token.type == "link_open"]
    assert links == ["https://qa.example.com/%28x%29/c/a%23b" for one in citations if one["url"]]
    assert {token.type for token in [*tokens, *inline]} <= {
        *("paragraph_open", "paragraph_close", "inline", "text", "text_special", "link_open", "link_close"),
        *("bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close", "entity"),
    }
    shown = [token.content for token in inline if token.type in {"text", "text_special"}]
    assert len([text for text in shown if text.startswith("[")]) >= len(citations)


ACTIVE = [
    "[",
    "]",
    "(",
    ")",
    "!",
    "<",
    ">",
    ":",
    "\n",
    " ",
    "x",
    "img src=",
    "https://x.example/y",
    "\\",
    "`",
]


@given(st.lists(st.sampled_from(ACTIVE), max_size=25).map("".join))
def test_a_document_makes_no_link_and_no_image(text: str) -> None:
    tokens = MarkdownIt("commonmark").parse(inactive(text))
    kinds = {one.type for token in tokens for one in [token, *(token.children or ())]}
    links = [one for token in tokens for one in token.children or () if one.type == "link_open"]
    assert not kinds & {"image", "html_inline", "html_block"}
    assert all(one.markup == "autolink" for one in links)
    assert inactive(text).replace(" ", "") == text.replace(" ", "")


@given(answer=ANSWERS, citations=CITATIONS)
def test_annotations_point_at_their_marks(answer: str, citations: list[dict[str, Any]]) -> None:
    by_url = {one["number"] for one in citations if one["url"]}
    found = [one["url_citation"] for one in url_annotations(answer, citations)]
    marks = [answer[one["start_index"] : one["end_index"]] for one in found]
    assert {int(mark[1:-1]) for mark in marks} == {number for number in by_url if f"[{number}]" in answer}


@given(answer=ANSWERS, citations=CITATIONS)
def test_numbers_have_no_gaps_after_renumbering(answer: str, citations: list[dict[str, Any]]) -> None:
    _, sources = renumbered(answer, citations)
    assert [one["number"] for one in sources] == list(range(1, len(sources) + 1))
    assert {one["id"] for one in sources} == {one["id"] for one in citations}


def test_renumbering_keeps_what_a_mark_means() -> None:
    citations = [{"number": 5, "id": "b"}, {"number": 2, "id": "a"}, {"number": 7, "id": "b"}]
    text, sources = renumbered("甲[2]，乙[5][7]，丙[9]。", citations)
    assert text == "甲[2]，乙[1]，丙[9]。"
    assert [(one["number"], one["id"]) for one in sources] == [(1, "b"), (2, "a")]


@pytest.mark.parametrize(
    ("citation", "title"),
    [
        ({"file": "a.pdf", "page": 3, "page_end": 3, "section": ""}, "a.pdf 第 3 页"),
        ({"file": "a.pdf", "page": 3, "page_end": 4, "section": "节"}, "a.pdf 第 3–4 页 · 节"),
        ({"file": "a.pdf", "page": 0, "page_end": 0, "section": "x" * 90}, f"a.pdf · {'x' * 80}…"),
        ({"file": "a\nb.pdf", "page": 1, "page_end": 1, "section": ""}, "a\\nb.pdf 第 1 页"),
    ],
)
def test_titles(citation: dict[str, Any], title: str) -> None:
    assert source_title(citation) == title
