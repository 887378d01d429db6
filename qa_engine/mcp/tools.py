"""The tools: what each is called, takes and does. Few, so that a model can choose among them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import mcp_types as types

from qa_engine.mcp import arguments as taken
from qa_engine.mcp import calls
from qa_engine.mcp.library import Library

Call = Callable[[Library, Any], Awaitable[types.CallToolResult]]


@dataclass(frozen=True)
class ToolKind:
    """A tool.

    Attributes:
        name: its name.
        title: what people read.
        description: what the model reads.
        arguments: what it takes.
        call: does it.
        offered: whether a library offers it.
        changes: whether it changes a collection.
        destructive: whether it takes something away.
        output: the schema of its structured result; None for one of text alone.
    """

    name: str
    title: str
    description: str
    arguments: type[taken.Arguments]
    call: Call
    offered: Callable[[Library], bool] = lambda library: True
    changes: bool = False
    destructive: bool = False
    output: Mapping[str, Any] | None = None

    def described(self) -> types.Tool:
        """The tool as clients are told of it."""
        return types.Tool(
            name=self.name,
            title=self.title,
            description=self.description,
            input_schema=taken.schema_of(self.arguments),
            output_schema=dict(self.output) if self.output is not None else None,
            annotations=types.ToolAnnotations(
                title=self.title,
                read_only_hint=not self.changes,
                destructive_hint=self.destructive,
                idempotent_hint=True,
                open_world_hint=False,
            ),
        )


_TEXT = {"type": "string"}
_RESULT = {"id": _TEXT, "title": _TEXT, "url": _TEXT, "text": _TEXT}
_SEARCH_OUTPUT = {
    "type": "object",
    "required": ["results"],
    "properties": {
        "results": {
            "type": "array",
            "items": {"type": "object", "required": [*_RESULT], "properties": _RESULT},
        }
    },
}
_FETCH_OUTPUT = {
    "type": "object",
    "required": ["id", "title", "text", "url"],
    "properties": {**_RESULT, "metadata": {"type": "object", "additionalProperties": _TEXT}},
}
TOOLS = {
    tool.name: tool
    for tool in (
        ToolKind(
            "ask",
            "提问",
            "Answers a question from the documents, in Chinese, with a source for each statement: file, page, section and "
            "link. If the documents do not hold the answer, it says so (a refusal) and names what is nearest. Prefer it to "
            "search for questions of fact.",
            taken.AskArguments,
            calls.ask,
        ),
        ToolKind(
            "search",
            "检索",
            "Finds passages of the documents, the most relevant first. Each begins with its id, file, page and section.",
            taken.SearchArguments,
            calls.search,
            output=_SEARCH_OUTPUT,
        ),
        ToolKind(
            "fetch",
            "读取",
            "Reads a passage with the text around it, by its id from search or ask; or a whole document in parts, by its id "
            "from list_documents.",
            taken.FetchArguments,
            calls.fetch,
            output=_FETCH_OUTPUT,
        ),
        ToolKind(
            "show_citation",
            "查看引文",
            "Shows a source: its text, and a picture of its page with the cited sentences marked. Use it to check a source.",
            taken.CitationArguments,
            calls.show_citation,
        ),
        ToolKind(
            "list_documents",
            "文件列表",
            "Lists the documents with their ids and numbers of pages, by collection.",
            taken.ListArguments,
            calls.list_documents,
        ),
        ToolKind(
            "outline",
            "目录",
            "Shows the headings of a document with their pages.",
            taken.OutlineArguments,
            calls.outline,
        ),
        ToolKind(
            "add_document",
            "添加文件",
            "Reads a file of this machine (PDF, Office, HTML, text, mail) into the collection; a newer version replaces the "
            "older. Only files below the "
            "folders that the user has allowed.",
            taken.AddArguments,
            calls.add,
            offered=lambda library: library.may_add,
            changes=True,
        ),
        ToolKind(
            "delete_document",
            "删除文件",
            "Takes a document out of its collection, so that it is no longer searched or cited. Ask the user first.",
            taken.DeleteArguments,
            calls.delete,
            offered=lambda library: library.may_delete,
            changes=True,
            destructive=True,
        ),
    )
}
"""By name, in the order in which clients are told of them."""
