"""The page of a citation, for people: its sentences as text, and marked on the images of their pages.

It is complete without scripts. With them, the reader of the web page takes its place.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined

from qa_engine.documents.pdf.rendering import PageBox
from qa_engine.documents.places import has_own_pages
from qa_engine.server.citations.texts import TEXTS
from qa_engine.server.web.document import WebScripts
from qa_engine.server.web.document import content_security_policy as web_policy
from qa_engine.text.control_characters import show_controls, show_controls_on_line
from qa_engine.text.language import is_chinese

Language = Literal["zh-CN", "en"]
_PADDING = 1.0
"""Points that a mark reaches beyond the box of its line."""
_PACKAGE = "qa_engine.server.citations"


@dataclass(frozen=True)
class PageView:
    """A page as it is shown.

    Attributes:
        number: from 1.
        image: address of its image; None if it cannot be drawn.
        width, height: in points; 0 if it cannot be drawn.
        boxes: of the cited sentences on it.
    """

    number: int
    image: str | None = None
    width: float = 0.0
    height: float = 0.0
    boxes: Sequence[PageBox] = ()

    @property
    def marks(self) -> list[dict[str, str]]:
        """The rectangles of the boxes, as percentages of the page: x, y, width and height."""
        return [mark for box in self.boxes if (mark := self._mark(box)) is not None]

    def _mark(self, box: PageBox) -> dict[str, str] | None:
        left, right = max(box.x0 - _PADDING, 0.0), min(box.x1 + _PADDING, self.width)
        top, bottom = max(box.y0 - _PADDING, 0.0), min(box.y1 + _PADDING, self.height)
        if left >= right or top >= bottom:
            return None
        parts = {
            "x": left / self.width,
            "y": top / self.height,
            "width": (right - left) / self.width,
            "height": (bottom - top) / self.height,
        }
        return {name: f"{part:.4%}" for name, part in parts.items()}


@dataclass(frozen=True)
class CitationView:
    """What the page of a citation shows.

    Attributes:
        file: name of the file.
        text: the cited sentences.
        page, page_end: the pages that they are on, from 1; 0 without pages.
        page_label: the number printed on the first page, if it is another one.
        section: the titles above them.
        pages: the pages that are shown.
        previous, following: addresses of the pages before and behind those; None without one.
        back: address of the cited pages, if others are shown.
        original: address of the file at the page, to be shown by a browser; None without a file.
        download: address of the file, to be saved.
        is_elsewhere: whether the file is on another machine.
    """

    file: str
    text: str
    page: int
    page_end: int
    page_label: str = ""
    section: str = ""
    pages: Sequence[PageView] = ()
    previous: str | None = None
    following: str | None = None
    back: str | None = None
    original: str | None = None
    download: str | None = None
    is_elsewhere: bool = False

    @property
    def is_converted(self) -> bool:
        """Whether the pages were made from a file that has none of its own."""
        return not has_own_pages(self.file)


def citation_html(view: CitationView, language: Language, scripts: WebScripts | None = None) -> str:
    """The page of a citation.

    Args:
        view: what it shows.
        language: of its own words.
        scripts: of the reader, which takes the place of the page; None for a page without scripts.
    """
    return _html("citation.html", language, view=view, scripts=scripts)


def gone_html(view: CitationView | None, language: Language) -> str:
    """The page of a citation whose document has changed or gone, with what was cited, if that is known."""
    return _html("gone.html", language, view=view)


def problem_html(code: str, detail: str, fix: str, language: Language) -> str:
    """The page of a problem, such as a citation that is not known."""
    return _html("problem.html", language, code=code, detail=detail, fix=fix)


def content_security_policy(scripts: WebScripts | None = None) -> str:
    """What the pages may load: their own style, and images from the server; those with scripts what these need, too."""
    if scripts is not None:
        return web_policy(scripts, _style())
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


def preferred_language(accept_language: str) -> Language:
    """Chinese, unless a client prefers English.

    Args:
        accept_language: the header of this name.
    """
    weights = {"zh": 0.0, "en": 0.0}
    for part in accept_language.split(","):
        name, _, parameter = part.strip().partition(";")
        language = name.strip().lower().partition("-")[0]
        weight = parameter.strip().removeprefix("q=") if parameter else "1"
        if language in weights:
            try:
                weights[language] = max(weights[language], float(weight))
            except ValueError:  # no weight is no preference
                continue
    return "en" if weights["en"] > weights["zh"] else "zh-CN"


def _html(template: str, language: Language, **values: Any) -> str:
    return (
        _environment()
        .get_template(template)
        .render(**{"scripts": None, **values}, language=language, texts=TEXTS[language], style=_style())
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "text": show_controls,
        "line": show_controls_on_line,
        "language": lambda text: "zh-CN" if is_chinese(text) else "en",
    }
    return environment


@cache
def _style() -> str:
    return files(_PACKAGE).joinpath("templates", "citation.css").read_text(encoding="utf-8")
