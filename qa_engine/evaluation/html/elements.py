"""Text, tables and the frame of a page. Whatever comes from a run goes through `text` or `quoted`."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files

_WORDS = {"meaning", "model", "reasoning", "skipped", "verdict", "within characters"}
"""Columns of words, which are set to the left."""
_NOT_IN_HTML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]")


def text(value: object) -> str:
    """Anything as text of a page: it can neither end an element or attribute nor hold what HTML forbids."""
    return html.escape(_NOT_IN_HTML.sub("\ufffd", str(value)), quote=True)


def chinese(value: object, tag: str = "span") -> str:
    """Text of a document, a question or an answer: in a font with Han characters, and with a direction of its own."""
    return f'<{tag} lang="zh" dir="auto">{text(value)}</{tag}>'


def number(value: float | None, places: int = 3) -> str:
    """A number, or a dash for none."""
    return "–" if value is None else f"{value:.{places}f}"


def percent(value: float | None) -> str:
    """A share in percent, or a dash for none."""
    return "–" if value is None else f"{value:.1%}"


def table(
    caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], hidden_caption: bool = False
) -> str:
    """A table whose first cell in each row names it.

    Args:
        caption: what it shows; plain text.
        head: names of the columns; plain text.
        rows: cells that are HTML already.
        hidden_caption: whether only screen readers say the caption.
    """
    kinds = [' class="words"' if name in _WORDS else "" for name in head]
    columns = "".join(
        f'<th scope="col"{kind}>{text(name)}</th>' for name, kind in zip(head, kinds, strict=True)
    )
    body = "".join(
        f'<tr><th scope="row">{row[0]}</th>'
        + "".join(f"<td{kind}>{cell}</td>" for cell, kind in zip(row[1:], kinds[1:], strict=True))
        + "</tr>"
        for row in rows
    )
    name = ' class="unseen"' if hidden_caption else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{text(caption)}"><table><caption{name}>{text(caption)}'
        f"</caption><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def section(identifier: str, title: str, *parts: str) -> str:
    """A part of the page under a heading; nothing if there is nothing to show."""
    content = "".join(parts)
    return f'<section id="{identifier}"><h2>{text(title)}</h2>{content}</section>' if content else ""


def page(title: str, content: str) -> str:
    """A whole page that loads nothing: style and script are in it, and nothing else is allowed to run."""
    style, script = _asset("report.css"), _asset("report.js")
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src data:"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">\n'
        f"<title>{text(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n{content}\n<script>{script}</script>\n"
        "</body>\n</html>\n"
    )


@cache
def _asset(name: str) -> str:
    return files("qa_engine.evaluation.html").joinpath(name).read_text(encoding="utf-8")


def _digest(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
