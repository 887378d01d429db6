"""Renders the templates of the reports; in HTML everything that comes from a run is escaped."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from qa_engine.evaluation.comparison import MeasureChange
from qa_engine.evaluation.metrics.ranking import squash
from qa_engine.evaluation.records import MetricSummary
from qa_engine.text.one_line import one_line

if TYPE_CHECKING:
    from jinja2 import Environment
    from jinja2.nodes import EvalContext

_MAX_CHARS = 200
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]")


def render(name: str, **variables: Any) -> str:
    """The content of a template of this package."""
    return _environment().get_template(name).render(**variables)


def text(value: object) -> str:
    """Anything as text of a page: it can neither end an element or attribute nor hold what HTML forbids."""
    return html.escape(_allowed(str(value)), quote=True)


def marked(content: str, golds: Sequence[str]) -> str:
    """A text as HTML with the gold answers highlighted: white space, width and case are ignored."""
    characters, indices = [], []
    for index, character in enumerate(content):
        for part in unicodedata.normalize("NFKC", character).casefold():
            if not part.isspace():
                characters.append(part)
                indices.append(index)
    squashed = "".join(characters)
    spans = []
    for gold in golds:
        part = squash(gold)
        start = squashed.find(part) if part else -1
        while start >= 0:
            spans.append((indices[start], indices[start + len(part) - 1] + 1))
            start = squashed.find(part, start + len(part))
    parts, done = [], 0
    for start, end in sorted(spans):
        if end > done:
            start = max(start, done)
            parts += [text(content[done:start]), f"<mark>{text(content[start:end])}</mark>"]
            done = end
    return "".join([*parts, text(content[done:])])


def number(value: float | None, places: int = 3) -> str:
    """A number, or a dash for None."""
    return "–" if value is None else f"{value:.{places}f}"


def percent(value: float | None) -> str:
    """A share in percent, or a dash for None."""
    return "–" if value is None else f"{value:.1%}"


def pages(first: int | None, last: int | None) -> str:
    """Page numbers in words."""
    if first is None:
        return "page unknown"
    return f"page {first}" if last in (None, first) else f"pages {first}–{last}"


def interval(summary: MetricSummary | None) -> str:
    """A mean with its interval, to three places; empty for None."""
    if summary is None:
        return ""
    ends = f" ({summary.low:.3f}–{summary.high:.3f})" if summary.low is not None else ""
    return f"{summary.mean:.3f}{ends}"


def difference(change: MeasureChange) -> str:
    """The difference between two runs with its interval, to three places."""
    return f"{change.difference:+.3f} ({change.low:+.3f} … {change.high:+.3f})"


def line(value: str) -> str:
    """A text in one line of Markdown, shortened if it is long."""
    return one_line(value, _MAX_CHARS)


def cell(value: str) -> str:
    """A text in a cell of a Markdown table."""
    return one_line(value).replace("|", "\\|")


def digest(content: str) -> str:
    """The hash by which the content security policy of a page allows a style or a script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


@cache
def report_policy() -> str:
    """The content security policy under which a server may show a report: no script runs but that of the reports, apart
    from whatever else the server has, and nothing is loaded."""
    script = digest((files(__package__) / "templates" / "report.js").read_text(encoding="utf-8"))
    return (
        f"sandbox allow-scripts allow-forms; default-src 'none'; script-src '{script}'; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined, pass_eval_context

    @pass_eval_context
    def without_forbidden(context: EvalContext, value: object) -> object:
        return _allowed(value) if context.autoescape and type(value) is str else value

    loader = PackageLoader("qa_engine.evaluation.reports")
    environment = Environment(
        loader=loader,
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=without_forbidden,
    )
    for function in (marked, number, percent, pages, interval, difference, line, cell, digest):
        environment.filters[function.__name__] = function
    for name in ("report.css", "report.js"):
        environment.globals[name.replace(".", "_")] = loader.get_source(environment, name)[0]
    return environment


def _allowed(value: str) -> str:
    return _FORBIDDEN.sub("\ufffd", value)
