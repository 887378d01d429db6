"""The arguments of the tools: their types and bounds, as JSON Schema for the client, and checked when they come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from qa_engine.mcp.library import ToolError
from qa_engine.text.control_characters import show_controls_on_line
from qa_engine.text.one_line import is_text

_MAX_QUESTION = 10_000
"""The engine has a limit of its own, which is lower."""
_MAX_ID = 300


def _plain(text: str) -> str:
    if not is_text(text) or "\0" in text:
        raise ValueError("it holds characters that are no text")
    if not text.strip():
        raise ValueError("it is empty")
    return text


Text = AfterValidator(_plain)
Question = Annotated[str, Field(min_length=1, max_length=_MAX_QUESTION), Text]
Name = Annotated[str, Field(min_length=1, max_length=200), Text]
Identifier = Annotated[str, Field(min_length=1, max_length=_MAX_ID), Text]


class Arguments(BaseModel):
    """Arguments of a tool: these and no others, and of these types."""

    model_config = ConfigDict(extra="forbid", strict=True)


class SearchArguments(Arguments):
    query: Annotated[
        Question, Field(description="What to look for: a question or words, in Chinese or English.")
    ]


class FetchArguments(Arguments):
    id: Annotated[
        Identifier,
        Field(
            description="The id of a passage from search or ask, or the id of a document from list_documents; "
            "for a long document with '#2', '#3' and so on behind it for its further parts."
        ),
    ]


class AskArguments(Arguments):
    question: Annotated[Question, Field(description="A complete question, in Chinese or English.")]
    collections: Annotated[
        list[Name] | None,
        Field(max_length=100, description="Names of the collections to ask, if not the usual ones."),
    ] = None
    filters: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=1000), Text]] | None,
        Field(
            max_length=50,
            description="Conditions that all must hold, such as 'file=年报*.pdf', 'page=3-10', 'section=风险' or "
            "'year>=2020'.",
        ),
    ] = None


class CitationArguments(Arguments):
    id: Annotated[Identifier, Field(description="The id behind 'c:' of a source or a passage.")]


class ListArguments(Arguments):
    collection: Annotated[Name | None, Field(description="Only this collection.")] = None
    name: Annotated[Name | None, Field(description="Only files whose names hold this.")] = None
    page: Annotated[int, Field(ge=1, le=100_000, description="Which page of the list, from 1.")] = 1


class OutlineArguments(Arguments):
    file_id: Annotated[Identifier, Field(description="The id of a document, from list_documents.")]


class AddArguments(Arguments):
    path: Annotated[
        str,
        Field(
            min_length=1,
            max_length=4096,
            description="The path of a file below one of the allowed folders.",
        ),
        Text,
    ]


class DeleteArguments(Arguments):
    id: Annotated[Identifier, Field(description="The id of a document, from list_documents.")]


Kind = TypeVar("Kind", bound=Arguments)


def schema_of(kind: type[Arguments]) -> dict[str, Any]:
    """The JSON Schema of the arguments of a tool."""
    schema: dict[str, Any] = _without_titles(kind.model_json_schema())
    schema.pop("description", None)
    return schema


def checked(kind: type[Kind], arguments: Mapping[str, Any]) -> Kind:
    """The arguments of a call.

    Raises:
        ToolError: one of them cannot be used; the message says which and why, and shows nothing long.
    """
    try:
        return kind.model_validate(arguments)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
    except RecursionError:
        raise ToolError(
            "The arguments are nested too deeply: send the plain values that the tool describes."
        ) from None
    told = "; ".join(f"{_place(fault['loc'])}: {_sentence(fault)}" for fault in faults[:5])
    known = ", ".join(kind.model_fields)
    raise ToolError(
        f"The arguments cannot be used: {told}. The tool takes {known}; correct them and call it again."
    )


def _place(location: tuple[int | str, ...]) -> str:
    return show_controls_on_line(".".join(str(part) for part in location))[:80] or "arguments"


def _sentence(fault: Any) -> str:
    if fault["type"] == "extra_forbidden":
        return "there is no such argument"
    if fault["type"] == "missing":
        return "it is missing"
    return str(fault["msg"]).removeprefix("Value error, ")


def _without_titles(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {
            name: {one: _without_titles(part) for one, part in value.items()}
            if name == "properties"
            else _without_titles(value)
            for name, value in schema.items()
            if name != "title"
        }
    return [_without_titles(one) for one in schema] if isinstance(schema, list) else schema
