"""What tools say: sources, answers and lists as text, in which every fact that matters stands.

Programs treat results differently, and most show a model the text alone. So links and ids are in the text, and what
documents say is marked off from what the tools say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from qa_engine.documents.places import has_own_pages, place_text
from qa_engine.index.documents.sections import Section
from qa_engine.index.records import FileRecord
from qa_engine.mcp.library import CitedPassage, Library
from qa_engine.text.control_characters import show_controls, show_controls_on_line
from qa_engine.text.one_line import one_line

_MAX_PASSAGE = 4000
_MAX_SECTIONS = 400
_MAX_TITLE = 200
_NEAREST_PASSAGES = 3
_NO_LINKS = "（没有网页链接：没有配置 server.public_url。请注明文件与页码，用 show_citation 可查看原页。）"


def pages_text(first: int | None, last: int | None, label: str = "") -> str:
    """Pages, such as ``第 3–5 页``; empty for a text without pages.

    Example:
        >>> pages_text(3, 3), pages_text(3, 5), pages_text(0, 0), pages_text(3, 3, "i")
        ('第 3 页', '第 3–5 页', '', '第 3 页（印刷页码 i）')
    """
    if not first:
        return ""
    range_text = f"第 {first} 页" if not last or last <= first else f"第 {first}–{last} 页"
    return f"{range_text}（印刷页码 {show_controls_on_line(label)}）" if label else range_text


def title_of(content: Mapping[str, Any]) -> str:
    """File, pages and section of a passage or a citation, such as ``员工手册.pdf · 第 12 页 · 年假``."""
    file, label = content["file"], content.get("page_label") or ""
    if not has_own_pages(file):
        place = place_text(file, content["page"], content["page_end"], label, content.get("section") or "")
        return " · ".join(show_controls_on_line(part) for part in (file, place) if part)
    pages = pages_text(content["page"], content["page_end"], label)
    section = one_line(show_controls(content.get("section") or ""), _MAX_TITLE)
    return " · ".join(part for part in (show_controls_on_line(content["file"]), pages, section) if part)


def page_uri(collection: str, file_id: str, page: int | None = None) -> str:
    """The address of a resource: of a document, or of one of its pages."""
    address = f"qa://{quote(collection, safe='')}/{file_id}"
    return address if page is None else f"{address}/page/{page}"


def passage_result(passage: Mapping[str, Any], library: Library) -> dict[str, str]:
    """A passage as ``search`` returns it."""
    title, identifier = title_of(passage), passage["node_id"]
    text = bounded(passage["text"])
    link = passage.get("url") or library.url(identifier)
    head = f"[c:{identifier}] {title}" + (f"\n{link}" if link else "")
    file_id = passage.get("file_id")
    address = link or (page_uri(passage["collection"], file_id, passage["page"] or None) if file_id else "")
    return {"id": identifier, "title": title, "url": address, "text": f"{head}\n\n{text}"}


def bounded(text: str) -> str:
    """The text of a passage, without the end of one that is very long; `fetch` has all of it."""
    shown = show_controls(text)
    return shown if len(shown) <= _MAX_PASSAGE else f"{shown[:_MAX_PASSAGE]}…"


def source_line(citation: Mapping[str, Any], library: Library) -> str:
    """A source of an answer in one line: its number, file, page, section, link and id."""
    identifier = citation["id"] or citation["node_id"]
    link = citation.get("url") or library.url(identifier)
    parts = [f"[{citation['number']}] {title_of(citation)}", link or "", f"[c:{identifier}]"]
    return " · ".join(part for part in parts if part)


def answer_text(answer: Mapping[str, Any], library: Library) -> str:
    """An answer with its sources; or the refusal, with what was nearest."""
    parts = [show_controls(answer["answer"])]
    if answer["refused"]:
        parts.append("（这是拒答，不是错误：文档中没有足够的依据来回答这个问题。不要凭自己的知识补充答案。）")
    if answer["citations"]:
        parts.append("来源：\n" + "\n".join(source_line(one, library) for one in answer["citations"]))
    if answer["unsupported"]:
        told = "、".join(show_controls_on_line(one) for one in answer["unsupported"])
        parts.append(f"请核对：答案中的 {told} 不在所依据的原文中。")
    if answer["unverified"] and not answer["refused"]:
        parts.append("请核对：答案没有引用任何原文，无法查证。")
    if answer["nearest"]:
        near = "、".join(
            f"{show_controls_on_line(one['text'])}（{show_controls_on_line(one['file'])}）"
            for one in answer["nearest"]
        )
        parts.append(f"文档中与之最接近的是：{near}")
    if answer["refused"] and answer["passages"]:
        found = "\n".join(_nearest(passage, library) for passage in answer["passages"][:_NEAREST_PASSAGES])
        parts.append(f"最接近的段落：\n{found}")
    shown = [*answer["citations"], *(answer["passages"] if answer["refused"] else ())]
    if shown and not any(one.get("url") or library.url(one["node_id"]) for one in shown):
        parts.append(_NO_LINKS)
    return "\n\n".join(parts)


def citation_text(cited: CitedPassage, library: Library) -> str:
    """A cited passage: where it is, its link, and what it says."""
    title = title_of({**vars(cited), "page_label": cited.page_label})
    link = library.url(cited.id)
    return f"[c:{cited.id}] {title}\n{link or _NO_LINKS}\n\n引文：\n{bounded(cited.text)}"


def document_lines(collection: str, records: Iterable[FileRecord]) -> list[str]:
    """The files of a collection, one a line, with the ids that other tools take."""
    return [
        f"- {show_controls_on_line(one.file_name)} · {one.pages} 页 · id: {document_id(collection, one)}"
        for one in records
    ]


def document_id(collection: str, record: FileRecord) -> str:
    """The id of a document among those of all collections."""
    return f"{collection}/{record.file_id}"


def outline_text(collection: str, record: FileRecord, sections: Sequence[Section]) -> str:
    """The sections of a document with their pages."""
    identifier = document_id(collection, record)
    head = f"{show_controls_on_line(record.file_name)} · {record.pages} 页 · id: {identifier}"
    if not sections:
        return f'{head}\n（文件没有标题。用 fetch("{identifier}") 读取全文。）'
    lines = [
        f"{'  ' * (len(one.titles) - 1)}- {one_line(show_controls(one.titles[-1]), _MAX_TITLE)} · "
        f"{pages_text(one.page, one.page_end)}"
        for one in sections[:_MAX_SECTIONS]
    ]
    if len(sections) > _MAX_SECTIONS:
        lines.append(f"（还有 {len(sections) - _MAX_SECTIONS} 个标题没有列出。）")
    return "\n".join([head, *lines])


def _nearest(passage: Mapping[str, Any], library: Library) -> str:
    identifier = passage["node_id"]
    link = passage.get("url") or library.url(identifier)
    where = " · ".join(part for part in (title_of(passage), link or "", f"[c:{identifier}]") if part)
    return f"- {where}\n  {one_line(show_controls(passage['sentence'] or passage['text']), _MAX_TITLE)}"
