"""The page of a citation: what is in it whatever documents are called and say."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.documents.pdf.rendering import PageBox
from qa_engine.server.citations.page import (
    CitationView,
    PageView,
    citation_html,
    content_security_policy,
    gone_html,
    preferred_language,
    problem_html,
)
from qa_engine.server.citations.texts import TEXTS
from qa_engine.server.web.document import web_scripts

VIEW = CitationView(
    "员工手册.pdf", "年假有十天。", 12, 12, section="休假 › 年假", original="/o", download="/d"
)


class Elements(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_languages_have_the_same_texts_with_the_same_gaps() -> None:
    chinese, english = TEXTS["zh-CN"], TEXTS["en"]
    assert chinese.keys() == english.keys()
    assert all(chinese[name].count("{}") == english[name].count("{}") for name in chinese)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "zh-CN"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("en-US,en;q=0.9", "en"),
        ("en;q=0.5, zh;q=0.9", "zh-CN"),
        ("en, zh", "zh-CN"),
        ("fr, en;q=0.3", "en"),
        ("*", "zh-CN"),
        ("en;q=much", "zh-CN"),
        ("de", "zh-CN"),
    ],
)
def test_language_is_chinese_unless_english_is_preferred(header: str, language: str) -> None:
    assert preferred_language(header) == language


def test_heading_names_file_page_and_section_and_the_quote_is_text() -> None:
    page = Elements(citation_html(VIEW, "zh-CN"))
    assert page.all("html")[0]["lang"] == "zh-CN"
    assert "员工手册.pdf · 第 12 页 · 休假 › 年假" in page.text
    assert page.all("blockquote")[0]["lang"] == "zh-CN"
    assert "年假有十天。" in page.text


def test_words_around_an_english_quote_are_in_the_language_of_the_reader() -> None:
    view = CitationView("a.pdf", "Leave is ten days a year.", 3, 4)
    chinese, english = Elements(citation_html(view, "zh-CN")), Elements(citation_html(view, "en"))
    assert chinese.all("blockquote")[0]["lang"] == english.all("blockquote")[0]["lang"] == "en"
    assert "第 3–4 页" in chinese.text
    assert "pages 3–4" in english.text


def test_there_is_neither_a_script_nor_anything_from_elsewhere() -> None:
    views = [
        VIEW,
        CitationView("a", "b", 1, 1, pages=[PageView(1, "/i.svg", 100, 100, [PageBox(1, 1, 1, 9, 9)])]),
    ]
    pages = [citation_html(view, "en") for view in views]
    pages += [gone_html(VIEW, "en"), gone_html(None, "en"), problem_html("not_found", "x", "y", "en")]
    for page in map(Elements, pages):
        names = {name for name, _ in page.elements}
        assert not names & {"script", "link", "iframe", "object", "form"}
        values = [value for _, attributes in page.elements for value in attributes.values() if value]
        assert not [value for value in values if "//" in value]
        assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
        assert all("style" not in attributes for _, attributes in page.elements)


def test_scripts_come_on_top_of_the_same_page() -> None:
    scripts = web_scripts("/docs", "js/citation.js")
    plain, scripted = (Elements(citation_html(VIEW, "en", one)) for one in (None, scripts))
    added = [name for name, _ in scripted.elements if name in {"script", "link"}]
    assert [name for name, _ in scripted.elements if name not in {"script", "link"}] == [
        name for name, _ in plain.elements
    ]
    assert added == ["link", "script", *["link"] * len(scripts.modules), "script"]
    assert scripted.all("script")[1] == {"type": "module", "src": scripts.main}
    assert scripts.main.startswith("/docs/assets/")
    policy = content_security_policy(scripts)
    assert "unsafe" not in policy
    assert content_security_policy().partition("style-src ")[2].split(";")[0] in policy


def test_policy_lets_exactly_the_style_of_the_page_in() -> None:
    (style,) = re.findall("<style>(.*?)</style>", citation_html(VIEW, "en"), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in content_security_policy()
    assert "unsafe" not in content_security_policy()


@given(st.text(), st.text(), st.text())
def test_whatever_names_and_texts_hold_they_are_text(file: str, text: str, section: str) -> None:
    plain = Elements(citation_html(VIEW, "en"))
    view = CitationView(file, text, 12, 12, section=section or "x", original="/o", download="/d")
    for page in (Elements(citation_html(view, "en")), Elements(citation_html(view, "zh-CN"))):
        assert [name for name, _ in page.elements] == [name for name, _ in plain.elements]
        assert not re.search("[\x00-\x08\x0e-\x1f\x7f\u202a-\u202e]", page.text)


def test_hostile_names_stay_names_in_all_pages() -> None:
    hostile = '"><script>alert(1)</script>\x1b]0;x\x07.pdf'
    view = CitationView(hostile, hostile, 1, 1, hostile, hostile, [PageView(1, "/i", 10, 10)])
    for html in (
        citation_html(view, "en"),
        gone_html(view, "en"),
        problem_html("queue_full", hostile, "", "en"),
    ):
        assert "<script" not in html
        assert "\x1b" not in html


def test_marks_are_percentages_of_the_page_and_do_not_leave_it() -> None:
    page = PageView(1, "/i.svg", 200.0, 100.0, [PageBox(1, 20, 10, 60, 20), PageBox(1, -5, 95, 250, 120)])
    first, second = page.marks
    assert first == {"x": "9.5000%", "y": "9.0000%", "width": "21.0000%", "height": "12.0000%"}
    assert second == {"x": "0.0000%", "y": "94.0000%", "width": "100.0000%", "height": "6.0000%"}
    assert PageView(1, "/i.svg", 200.0, 100.0, [PageBox(1, 300, 10, 400, 20)]).marks == []
    assert PageView(1).marks == []


def test_image_has_a_name_and_marks_are_hidden_from_screen_readers_which_have_the_text() -> None:
    pages = [PageView(12, "/12.svg", 100, 100, [PageBox(12, 1, 1, 9, 9)]), PageView(13, "/13.svg", 100, 100)]
    page = Elements(citation_html(CitationView("a.pdf", "text", 12, 13, pages=pages), "en"))
    marked, plain = page.all("img")
    assert marked["alt"] == "Image of a.pdf, page 12, with the cited sentences marked; their text is above"
    assert plain["alt"] == "Image of a.pdf, page 13"
    (marks,) = page.all("svg")
    assert marks["aria-hidden"] == "true"
    assert [name for name, _ in page.elements if name in {"header", "main", "footer", "nav", "h1"}] == [
        "header",
        "h1",
        "main",
    ]


def test_first_mark_can_be_jumped_to() -> None:
    boxes = [PageBox(12, 1, 1, 9, 9), PageBox(12, 1, 20, 9, 29)]
    pages = [PageView(11, "/11.svg", 100, 100), PageView(12, "/12.svg", 100, 100, boxes), PageView(13)]
    page = Elements(citation_html(CitationView("a.pdf", "text", 11, 13, pages=pages), "en"))
    assert [rect.get("id") for rect in page.all("rect")] == ["mark", None]
    assert page.all("a")[0]["href"] == "#mark"
    unmarked = Elements(citation_html(CitationView("a.pdf", "text", 11, 11, pages=pages[:1]), "en"))
    assert unmarked.all("a") == []


def test_page_that_cannot_be_drawn_is_told() -> None:
    page = Elements(citation_html(CitationView("a.pdf", "text", 1, 1, pages=[PageView(1)]), "zh-CN"))
    assert page.all("img") == []
    assert "这一页无法显示" in page.text


def test_gone_page_shows_what_was_cited() -> None:
    page = Elements(gone_html(VIEW, "zh-CN"))
    assert "这个版本的文件已经不在了" in page.text
    assert "年假有十天。" in page.text
    assert page.all("img") == []


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG 2 counts it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_enough_in_both_themes() -> None:
    (style,) = re.findall("<style>(.*?)</style>", citation_html(VIEW, "en"), re.DOTALL)
    themes = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    assert len(themes) == 2
    for theme in themes:
        colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", theme))
        for text, back in (
            ("text", "back"),
            ("quiet", "back"),
            ("link", "back"),
            ("warning-text", "warning-back"),
        ):
            assert contrast(colours[text], colours[back]) >= 4.5
