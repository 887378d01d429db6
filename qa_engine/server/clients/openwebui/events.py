"""Answers as Open WebUI shows them: what is being done, and sources with file, page, section and link.

Open WebUI takes ``[n]`` for the n-th source, and two sources with the same ``metadata.source`` for one. So citations are
numbered without gaps, each source is named by the id of its citation, and pages count from 0. It would take a
``metadata.source`` that is an address for the name, and scores within -1 to 1 for percentages; neither is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qa_engine.server.clients.openai.completions import Content, Presentation
from qa_engine.server.clients.openai.requests import Citations
from qa_engine.server.clients.openai.sources import (
    file_and_section,
    inactive,
    renumbered,
    source_list,
    url_annotations,
)


@dataclass(frozen=True)
class OpenWebUIPresentation(Presentation):
    """Shows answers to Open WebUI.

    Attributes:
        citations: whether a list of sources is written below an answer, which shows its sources in any case.
    """

    citations: Citations = "none"

    def content(self, body: Mapping[str, Any]) -> Content:
        """What the message of a completion says, with citations that are numbered without gaps."""
        answer, sources = renumbered(inactive(body["answer"]), body["citations"])
        listed = source_list(sources) if self.citations == "markdown" else ""
        return Content(answer, listed, url_annotations(answer, sources))

    def progress(self, name: str, data: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Events: what is being done, and at the end the sources."""
        match name:
            case "start":
                yield _status("正在检索文档…")
            case "passages":
                yield _status(f"找到 {len(data['passages'])} 段相关内容，正在回答…")
            case "done":
                yield _status(_summary(data), done=True)
                _, sources = renumbered(data["answer"], data["citations"])
                for source in sources:
                    yield {"event": {"type": "source", "data": _source(source)}}
            case "error":
                yield _status("没有得到答案", done=True)

    def deltas(self, content: Content) -> Iterator[Mapping[str, Any]]:
        """The text alone: annotations would be shown as sources once more, by less of a name."""
        return super().deltas(Content(content.answer, content.sources))


def _status(description: str, done: bool = False) -> Mapping[str, Any]:
    return {"event": {"type": "status", "data": {"description": description, "done": done}}}


def _summary(body: Mapping[str, Any]) -> str:
    files = _files(body["citations"])
    if body["refused"]:
        return "文档里没有找到答案"
    return f"依据 {files[0]}" if len(files) == 1 else f"依据 {len(files)} 个文件" if files else "已回答"


def _files(citations: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(file_and_section(one["file"], "") for one in citations))


def _source(citation: Mapping[str, Any]) -> dict[str, Any]:
    """A source as Open WebUI reads it."""
    name = file_and_section(citation["file"], citation["section"])
    page = {"page": citation["page"] - 1} if citation["page"] else {}
    source = {"id": citation["id"], "name": name, **({"url": citation["url"]} if citation["url"] else {})}
    metadata = {"source": citation["id"], "name": name, "file": citation["file"], **page}
    if citation["url"]:
        metadata["source_url"] = citation["url"]
    return {"source": source, "document": [citation["text"]], "metadata": [metadata]}
