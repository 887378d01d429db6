"""Draws docs/images/page-*.png: the screens of the web page over the examples, in both languages.

Run it when a screen has changed: ``python scripts/make_page_pictures.py``. It needs the extras ``server`` and ``browser``,
and a Chromium of the system.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
QUESTION = "工作满十年的员工每年有几天年假？"
DESK, PHONE = (1280, 800), (390, 844)


def main() -> None:
    """Ingests the examples, serves them, and takes the pictures."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit(
            "There is no Chromium: install one (Debian and Ubuntu: apt install chromium fonts-noto-cjk)."
        )
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder) / "storage") as url,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for language in ("zh", "en"):
            for name, take in PICTURES.items():
                take_picture(browser, url, language, name, take)
            take_picture(browser, url, language, "phone", reader, size=PHONE, colours="dark")
        browser.close()


@contextmanager
def served(storage: Path) -> Iterator[str]:
    """The address of a server over the examples."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--collection", "demo", "--storage", str(storage)]
    subprocess.run(
        [sys.executable, "-m", "qa_engine", "ingest", str(ROOT / "examples"), *options], check=True
    )
    command = [sys.executable, "-m", "qa_engine", "serve", *options, "--port", str(port)]
    environment = {**os.environ, "QA_ENGINE_SERVER__ACCESS_LOG": str(storage.with_name("access.log"))}
    server = subprocess.Popen(command, env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        while not is_ready(url):
            if server.poll() is not None:
                sys.exit("The server did not start.")
            time.sleep(0.2)
        yield url
    finally:
        server.terminate()
        server.wait()


def is_ready(url: str) -> bool:
    """Whether questions can be asked."""
    try:
        return httpx.get(f"{url}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def take_picture(
    browser: Browser,
    url: str,
    language: str,
    name: str,
    take: Callable[[Page, str, str], None],
    size: tuple[int, int] = DESK,
    colours: str = "light",
) -> None:
    """Opens the page in a language, has it brought to what is to be seen, and takes the picture."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=colours, reduced_motion="reduce"
    )
    context.add_init_script(f"localStorage.setItem('qa_engine.language', '{language}')")
    page = context.new_page()
    take(page, url, language)
    page.wait_for_load_state("networkidle")
    path = IMAGES / f"page-{name}-{language}.png"
    page.screenshot(path=path)
    context.close()
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1000} kB")


def reader(page: Page, url: str, language: str) -> None:
    """An answer, and the reader at its citation."""
    page.goto(url)
    page.locator("main textarea").fill(QUESTION)
    page.keyboard.press("Control+Enter")
    page.get_by_role("link", name="来源 1" if language == "zh" else "Source 1").first.click()
    page.locator(".marks .cited").first.wait_for(state="attached")


def search(page: Page, url: str, language: str) -> None:
    """The stages of a search."""
    page.goto(f"{url}/#/search?q={QUESTION}")
    page.locator("main mark").first.wait_for()


def documents(page: Page, url: str, language: str) -> None:
    """How a page was read."""
    files = httpx.get(f"{url}/api/v1/collections/demo/files", params={"q": "员工手册"}).json()["data"]
    page.goto(f"{url}/#/documents/demo/{files[0]['file_id']}?page=1")
    page.locator("main .marks rect").first.wait_for(state="attached")


PICTURES = {"ask": reader, "search": search, "documents": documents}

if __name__ == "__main__":
    main()
