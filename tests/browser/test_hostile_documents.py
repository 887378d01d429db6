"""Documents, names and links that were made to attack their readers: the page shows them as text, and runs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pdf_factory import english_pdf
from served import ServedApp, served
from visitor import Visitor

from qa_engine import ingest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow
SENTENCES = (
    'The pump of type Kestrel <script>window.hacked=1</script> weighs 41 kilograms <img src=x onerror="window.hacked=2">.',
    "The hose of type Merlin [see](javascript:window.hacked=3) costs 73 euros a metre &lt;b&gt;**bold**&lt;/b&gt;.",
    "The valve of type Osprey \u202egnp.exe\u202c closes within 5 seconds https://evil.example/x.png.",
)
NAME = "<img src=x onerror=window.hacked=4> \u202e100% #1 ‘文件’.pdf"
QUESTIONS = (
    "How much does the pump of type Kestrel weigh?",
    "How much does the hose of type Merlin cost?",
    "How fast does the valve of type Osprey close?",
)


@pytest.fixture(scope="module")
def hostile_server(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[ServedApp]:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "pdfs").mkdir()
    english_pdf(folder / "pdfs" / NAME, SENTENCES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QA_ENGINE_CACHE", str(model_cache))
        ingest(folder / "pdfs", folder / "storage", "<b>x", {})
        with served(folder / "storage", "<b>x") as one:
            yield one


@pytest.fixture
def victim(browser: Browser, hostile_server: ServedApp) -> Iterator[Visitor]:
    context = browser.new_context()
    one = Visitor(context, hostile_server.url)
    yield one
    context.close()
    one.watch.check()


def require_unharmed(page: Page) -> None:
    assert page.evaluate("window.hacked") is None
    assert page.locator("main script, main iframe, main object, main embed, aside script").count() == 0
    assert page.locator('main img[src="x"], aside img[src="x"], main b b').count() == 0
    links = page.eval_on_selector_all("a[href]", "links => links.map((link) => new URL(link.href).protocol)")
    assert set(links) <= {"http:", "https:"}
    assert page.locator('main a[href*="evil.example"], aside a[href*="evil.example"]').count() == 0


@pytest.mark.parametrize("question", QUESTIONS)
def test_answer_and_reader_show_text_alone(victim: Visitor, question: str) -> None:
    page = victim.open()
    page.on("dialog", lambda dialog: pytest.fail(f"a document opened a dialog: {dialog.message}"))
    page.get_by_role("textbox").first.fill(question)
    page.keyboard.press("Control+Enter")
    chip = page.get_by_role("link", name="来源 1").first
    chip.wait_for()
    require_unharmed(page)
    chip.click()
    page.locator(".marks .cited").first.wait_for(state="attached")
    page.wait_for_load_state("networkidle")
    require_unharmed(page)


@pytest.mark.parametrize("place", ["/#/documents/%3Cb%3Ex", "/#/search?q=pump%20Kestrel", "/#/status"])
def test_screens_show_text_alone(victim: Visitor, place: str) -> None:
    page = victim.open(place)
    page.on("dialog", lambda dialog: pytest.fail(f"a document opened a dialog: {dialog.message}"))
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_load_state("networkidle")
    require_unharmed(page)


@pytest.mark.parametrize(
    "place",
    [
        "/#/%3Cscript%3Ewindow.hacked=5%3C%2Fscript%3E",
        "/#/documents/%3Cimg%20src=x%20onerror=window.hacked=6%3E",
        '/#/ask?read=["c","<img src=x onerror=window.hacked=7>"]',
        '/#/ask?read=["p","../../../etc","passwd",1]',
        "/#/ask?read=%",
        "/#/%",
    ],
)
def test_addresses_that_somebody_made_up_do_no_harm(victim: Visitor, place: str) -> None:
    victim.watch.expected.append("Failed to load resource")  # Chromium says so of every 404
    page = victim.open(place)
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_load_state("networkidle")
    require_unharmed(page)
