"""The reader of the web page in a browser, as benchmarks look at it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pymupdf
from ink import Mask

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_OPEN = """async ([wanted, beside]) => {
  const main = document.querySelector("script[type=module]").src;
  const { openReader } = await import(new URL("reader/target.js", main));
  openReader(wanted, beside);
}"""
_CLOSE = """async () => {
  const main = document.querySelector("script[type=module]").src;
  const { closeReader } = await import(new URL("reader/target.js", main));
  closeReader();
}"""
_SHOWN = """() => {
  const images = [...document.querySelectorAll(".reader .sheet img")];
  return document.querySelector(".reader rect.cited") && images.length > 0
    && images.every((image) => image.complete && image.naturalWidth > 0);
}"""
_HIDE = """(hidden) => document.querySelectorAll(".reader .sheet img").forEach((image) => {
  image.style.visibility = hidden ? "hidden" : "visible";
})"""
_PLACES = """() => [...document.querySelectorAll(".reader .sheet img")].map((image) => {
  const { x, y, width, height } = image.getBoundingClientRect();
  return [x, y, width, height];
})"""
SCALE = 2
"""Pixels of the screen a pixel of CSS."""
VIEWPORT: Any = {"width": 1600, "height": 2800}
"""Two pages below one another are in sight."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The Chromium of the system.

    Raises:
        RuntimeError: there is none.
    """
    from playwright.sync_api import sync_playwright

    executable = next(filter(None, map(shutil.which, _NAMES)), None)
    if executable is None:
        raise RuntimeError("there is no Chromium")
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def open_citation(page: Page, identifier: str) -> None:
    """Opens a citation in the reader of a page that is open, and waits until its pages are drawn."""
    page.evaluate(_CLOSE)
    page.locator(".reader").wait_for(state="detached")
    page.evaluate(_OPEN, [{"citation": identifier}, []])
    page.wait_for_function(_SHOWN)


def marks_on_screen(page: Page) -> list[Mask]:
    """The pixels of each page that the reader shows which are marked as cited, as the browser paints them."""
    places = page.evaluate(_PLACES)
    page.evaluate(_HIDE, True)
    shot = pymupdf.Pixmap(page.screenshot(animations="disabled"))
    page.evaluate(_HIDE, False)
    pixels = np.frombuffer(shot.samples, np.uint8).reshape(shot.height, shot.width, shot.n)
    masks = []
    for x, y, width, height in places:
        left, top = round(x * SCALE), round(y * SCALE)
        part = pixels[top : top + round(height * SCALE), left : left + round(width * SCALE)]
        # Yellow: what is marked as a passage is much paler.
        masks.append((part[:, :, 2] < 140) & (part[:, :, 0] > 200))
    return masks
