"""Citations in the text of a completion: where they are marked in it, and the list of sources below it.

Clients send the list back with the conversation, where it would pass for a part of the answer; so it is taken off again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from qa_engine.documents.places import has_own_pages
from qa_engine.text.citation_marks import CITATION, CITATION_RUN
from qa_engine.text.control_characters import show_controls_on_line

_HEADING = "来源："
_ENTRY = re.compile(r"- \[\d{1,3}\] ")
_MARKUP = re.compile(r"[\\`*\[\]<>~|$]|(?<![^\W_])_|_(?![^\W_])")
_ACTIVE = re.compile(r"\](?=\()|<(?=[A-Za-z/!?])|^ {0,3}\[[^\]\n]{1,999}\](?=:)", re.MULTILINE)
"""Behind what a blank keeps Markdown from making a link, an image or HTML of the text: ``](``, ``<a``, ``[x]:``."""
_LONGEST_SECTION = 80


def source_title(citation: Mapping[str, Any]) -> str:
    """The name of a source for people: file, pages and section, on one line.

    Args:
        citation: of the body of an answer.

    Example:
        >>> source_title({"file": "员工手册.pdf", "page": 12, "page_end": 13, "section": "年假"})
        '员工手册.pdf 第 12–13 页 · 年假'
    """
    if not has_own_pages(citation["file"]):
        return show_controls_on_line(f"{citation['file']} {citation['place']}")
    first, last = citation["page"], citation["page_end"]
    pages = f" 第 {first}–{last} 页" if last > first else f" 第 {first} 页"
    return file_and_section(f"{citation['file']}{pages if first else ''}", citation["section"])


def file_and_section(file: str, section: str) -> str:
    """A file with the titles above a text of it, on one line; long titles are cut."""
    cut = section if len(section) <= _LONGEST_SECTION else f"{section[:_LONGEST_SECTION]}…"
    return show_controls_on_line(f"{file} · {cut}" if cut else file)


def inactive(text: str) -> str:
    """A text that stays a text where Markdown is shown: it becomes no link, loads no image, and is no HTML.

    Documents are quoted word by word, and an image of theirs would tell its server who reads what.

    Example:
        >>> inactive("高72米[1](见附录)。![x](https://example.com/x.png) <img src=x>，p<0.05")
        '高72米[1] (见附录)。![x] (https://example.com/x.png) < img src=x>，p<0.05'
    """
    return _ACTIVE.sub(lambda match: f"{match[0]} ", text)


def source_list(citations: Sequence[Mapping[str, Any]]) -> str:
    """The list of sources below an answer, in Markdown, with a link each; empty without citations.

    Args:
        citations: of the body of an answer.
    """
    lines = [f"- [{one['number']}] {_link(one)}" for one in citations]
    return "\n".join(["", "", _HEADING, "", *lines]) if lines else ""


def without_source_list(text: str) -> str:
    """The text of a completion without the list of sources."""
    head, heading, below = text.rpartition(f"\n{_HEADING}")
    lines = [line for line in below.split("\n") if line.strip()]
    return head.rstrip() if heading and lines and all(map(_ENTRY.match, lines)) else text


def url_annotations(text: str, citations: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A ``url_citation`` for each mark in a text whose citation has a link. Offsets count code points.

    Args:
        text: the answer, without the list of sources.
        citations: of the body of the answer.
    """
    by_number = {one["number"]: one for one in citations}
    found = ((match, by_number.get(int(match[1]))) for match in CITATION.finditer(text))
    return [
        {
            "type": "url_citation",
            "url_citation": {
                "url": citation["url"],
                "title": source_title(citation),
                "start_index": match.start(),
                "end_index": match.end(),
            },
        }
        for match, citation in found
        if citation is not None and citation["url"]
    ]


def renumbered(text: str, citations: Sequence[Mapping[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """An answer whose citations are numbered without gaps, for clients that take ``[n]`` for the n-th source.

    Args:
        text: the answer.
        citations: of its body. Those with the same id are one source.

    Returns:
        The text, and the sources with their new numbers.
    """
    numbers: dict[int, int] = {}
    sources: dict[str, dict[str, Any]] = {}
    for citation in citations:
        source = sources.setdefault(citation["id"], {**citation, "number": len(sources) + 1})
        numbers[citation["number"]] = source["number"]

    def run(match: re.Match[str]) -> str:
        cited = (int(number) for number in CITATION.findall(match[0]))
        return "".join(dict.fromkeys(f"[{numbers.get(number, number)}]" for number in cited))

    return CITATION_RUN.sub(run, text), list(sources.values())


def _link(citation: Mapping[str, Any]) -> str:
    title = _MARKUP.sub(lambda match: f"\\{match[0]}", source_title(citation))
    url = citation["url"]
    return title if not url else f"[{title}]({url.replace('(', '%28').replace(')', '%29')})"
