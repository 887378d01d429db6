"""What the tools do: each takes checked arguments, and returns what a program is told."""

from __future__ import annotations

import json
from typing import Any

import mcp_types as types

from qa_engine.errors import DocumentError
from qa_engine.mcp import arguments as taken
from qa_engine.mcp.documents import (
    document_part,
    find_document,
    is_document_id,
    listed,
    outline_of,
    widened_text,
)
from qa_engine.mcp.library import CitedPassage, Library, ToolError
from qa_engine.mcp.pictures import image_content, page_pictures
from qa_engine.mcp.texts import (
    answer_text,
    bounded,
    citation_text,
    document_id,
    document_lines,
    outline_text,
    page_uri,
    pages_text,
    passage_result,
    title_of,
)
from qa_engine.text.control_characters import show_controls_on_line

_LIST_PAGE = 100
_MAX_PICTURES = 3


def text_result(text: str, is_error: bool = False) -> types.CallToolResult:
    """A result of text alone."""
    return types.CallToolResult(content=[types.TextContent(text=text)], is_error=is_error)


def object_result(content: dict[str, Any]) -> types.CallToolResult:
    """An object, as structured content and as the only text: programs differ in which of them they show."""
    text = json.dumps(content, ensure_ascii=False)
    return types.CallToolResult(content=[types.TextContent(text=text)], structured_content=content)


async def search(library: Library, arguments: taken.SearchArguments) -> types.CallToolResult:
    passages = await library.passages(arguments.query)
    if not passages:
        raise ToolError("Nothing was found. Use other words, or look with list_documents at what there is.")

    def results() -> list[dict[str, str]]:
        return [passage_result(passage, library) for passage in passages]

    return object_result({"results": await library.read(results)})


async def fetch(library: Library, arguments: taken.FetchArguments) -> types.CallToolResult:
    if is_document_id(arguments.id):
        return object_result(await library.read(_fetched_document, library, arguments.id))
    cited = await library.citation(arguments.id)
    return object_result(await library.read(_fetched_passage, library, cited))


def _fetched_document(library: Library, identifier: str) -> dict[str, Any]:
    document, number = find_document(library, identifier)
    part = document_part(library, document, number)
    record, name = document.record, document_id(document.collection, document.record)
    title = show_controls_on_line(record.file_name)
    text = part.text
    metadata = {"collection": document.collection, "file": title, "pages": str(record.pages)}
    metadata |= {"part": str(part.number), "parts": str(part.count)}
    if part.number < part.count:
        metadata["next"] = f"{name}#{part.number + 1}"
        text += f'\n\n（未完：共 {part.count} 部分，下一部分用 fetch("{metadata["next"]}")。）'
    url = library.url(part.first_sentence)
    head = f"{title} · {record.pages} 页" + (f" · {url}" if url else "")
    identifier = name if part.count == 1 else f"{name}#{part.number}"
    address = url or page_uri(document.collection, record.file_id)
    return {
        "id": identifier,
        "title": title,
        "text": f"{head}\n\n{text}",
        "url": address,
        "metadata": metadata,
    }


def _fetched_passage(library: Library, cited: CitedPassage) -> dict[str, Any]:
    title, url = title_of({**vars(cited)}), library.url(cited.id)
    name = document_id(cited.collection, cited.record)
    head = f"[c:{cited.id}] {title}" + (f"\n{url}" if url else "")
    return {
        "id": cited.id,
        "title": title,
        "text": f"{head}\n\n{widened_text(library, cited)}",
        "url": url or page_uri(cited.collection, cited.record.file_id, cited.page or None),
        "metadata": {
            "collection": cited.collection,
            "file": show_controls_on_line(cited.file),
            "page": str(cited.page),
            "page_end": str(cited.page_end),
            "section": cited.section,
            "passage": bounded(cited.text),
            "document": name,
        },
    }


async def ask(library: Library, arguments: taken.AskArguments) -> types.CallToolResult:
    answer = await library.answer(arguments.question, arguments.collections, arguments.filters or ())
    return text_result(await library.read(answer_text, answer, library))


async def show_citation(library: Library, arguments: taken.CitationArguments) -> types.CallToolResult:
    cited = await library.citation(arguments.id)
    text = citation_text(cited, library)
    content: list[types.ContentBlock] = []
    pages = sorted({box.page for box in cited.boxes})
    if not pages:
        text += "\n\n（没有页面图像：不知道引文在页面上的位置。）"
    else:
        try:
            shown = [box for box in cited.boxes if box.page in pages[:_MAX_PICTURES]]
            images = await page_pictures(library, cited.record, shown)
        except (ToolError, DocumentError) as error:
            images = {}
            text += f"\n\n（没有页面图像：{error}）"
        for page, image in images.items():
            if image is None:
                text += f"\n\n（{pages_text(page, page)}的图像太大，没有附上。）"
            else:
                text += f"\n\n（附{pages_text(page, page)}的图像，引文已用黄色标出。）"
                content.append(image_content(image))
        if len(pages) > _MAX_PICTURES:
            text += f"\n\n（引文共在 {len(pages)} 页上，只附前 {_MAX_PICTURES} 页的图像。）"
    return types.CallToolResult(content=[types.TextContent(text=text), *content])


async def list_documents(library: Library, arguments: taken.ListArguments) -> types.CallToolResult:
    found = await library.read(listed, library, arguments.collection, arguments.name)
    begin = (arguments.page - 1) * _LIST_PAGE
    shown = found[begin : begin + _LIST_PAGE]
    if not found:
        raise ToolError(
            "No file has such a name. Leave name out to see all documents."
            if arguments.name
            else "There are no documents yet: ingest some first (qa-engine ingest, or an upload)."
        )
    if not shown:
        raise ToolError(f"There are {len(found)} documents, and no page {arguments.page} of them.")
    lines = [
        f"共 {len(found)} 个文件" + ("：" if len(found) == len(shown) else f"，第 {arguments.page} 页：")
    ]
    for name in dict.fromkeys(one.collection for one in shown):
        lines.append(f"集合 {show_controls_on_line(name)}")
        lines += document_lines(name, (one.record for one in shown if one.collection == name))
    if begin + len(shown) < len(found):
        lines.append(f"（还有 {len(found) - begin - len(shown)} 个，用 page={arguments.page + 1} 列出。）")
    return text_result("\n".join(lines))


async def outline(library: Library, arguments: taken.OutlineArguments) -> types.CallToolResult:
    def outline() -> str:
        document, _ = find_document(library, arguments.file_id)
        return outline_text(document.collection, document.record, outline_of(library, document))

    return text_result(await library.read(outline))


async def add(library: Library, arguments: taken.AddArguments) -> types.CallToolResult:
    return text_result(await library.add(arguments.path))


async def delete(library: Library, arguments: taken.DeleteArguments) -> types.CallToolResult:
    document, _ = await library.read(find_document, library, arguments.id)
    return text_result(await library.delete(document.collection, document.record))
